"""The library's own code on a page: what a chapter prints is what runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.display import Markdown

__all__ = ["source"]

DOCSTRING = re.compile(r' *""".*?"""\n', re.DOTALL)


def source(function: Callable[..., Any]) -> Markdown:
    """A function's source as it stands in its file, without its docstring; the last line of a notebook's cell.

    Parameters
    ----------
    function : function
        With its docstring, if it has one, in three double quotes.

    Returns
    -------
    IPython.display.Markdown
        A block of Python.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> print(source(RNN.forward).data.splitlines()[1])
    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
    """
    from IPython.display import Markdown

    code = DOCSTRING.sub("", inspect.getsource(function), count=1)
    lines = inspect.cleandoc("\n" + code)
    compile(lines, function.__name__, "exec")  # what is shown is valid Python
    return Markdown(f"```python\n{lines}\n```")
