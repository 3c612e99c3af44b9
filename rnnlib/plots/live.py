"""A picture that answers to controls: plain ipywidgets around a function that draws.

Left out on purpose: threads. A kernel takes messages, such as the click on a button, between two steps of its event
loop. So a long run is a generator: the loop takes one piece after the other, and what was clicked comes in between.
"""

from __future__ import annotations

import asyncio
import html
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from matplotlib.figure import Figure

from .notebook import as_svg

__all__ = ["Live"]

PAUSE = 0.25  # seconds between two pictures of a run: to draw one takes about a tenth of a second
VIEW = "application/vnd.jupyter.widget-view+json"


class Live:
    """Draw a picture, and draw it again whenever a control is moved: the last line of a notebook's cell.

    In JupyterLab the controls stand above the picture. Where there is no kernel, as on a page, the picture alone is
    shown, as it was when the cell was run.

    Parameters
    ----------
    draw : function
        Called as ``draw(ax, **values)`` with empty axes and the value of each control. If it is a generator, it may run
        for long: at each ``yield`` the picture is shown as it is by then, a yielded number between 0 and 1 moves a
        progress bar, and a button stops the run there. The first run, in the cell itself, goes to its end.
    figsize : (float, float)
        Width and height of the picture, in inches.
    **controls : widget, or pair of a widget and the name of its trait
        ``steps=ipywidgets.IntSlider(10, 1, 50)`` is shown, with its keyword for a name unless it has a description.
        ``order=(dial, "order")`` follows a figure that is shown elsewhere.

    Attributes
    ----------
    box : ipywidgets.VBox
        The controls and the picture.
    svg : str
        The picture.
    running : bool
        Whether a run is under way.

    Raises
    ------
    TypeError
        If a control has no such trait.

    Examples
    --------
    >>> import ipywidgets
    >>> def line(ax, slope):
    ...     ax.plot([0, 1], [0, slope])
    >>> slope = ipywidgets.FloatSlider(0.5, min=-1, max=1)
    >>> picture = Live(line, slope=slope)
    >>> picture
    Live(line, slope=0.5)
    >>> before = picture.svg
    >>> slope.value = -1.0
    >>> picture.svg == before
    False

    A run that can be stopped; here it is not, and goes to its end:

    >>> def halves(ax, steps):
    ...     x = [1.0]
    ...     for step in range(steps):
    ...         x.append(x[-1] / 2)
    ...         ax.clear()
    ...         ax.plot(x)
    ...         yield step / steps
    >>> Live(halves, steps=ipywidgets.IntSlider(10, 1, 50))
    Live(halves, steps=10)
    """

    def __init__(self, draw: Callable[..., Any], *, figsize: tuple[float, float] = (6.5, 3.2), **controls: Any) -> None:
        import ipywidgets

        self._draw, self._figsize = draw, figsize
        self._turn, self._stopping = 0, False  # which run is the last, and whether it is to end
        self._controls = {name: _pair(name, control) for name, control in controls.items()}
        self.running, self.svg = False, ""
        shown = [widget for widget, _ in self._controls.values() if widget in controls.values()]
        for name, (widget, _) in self._controls.items():
            if widget in shown and not widget.description:
                widget.description = name.replace("_", " ")
                widget.style.description_width = "initial"
        self._picture = ipywidgets.HTML()
        self._again = ipywidgets.Button(description="Run again", icon="play")
        self._stop = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self._bar = ipywidgets.FloatProgress(0, min=0, max=1)
        self._again.on_click(lambda _: self._start())
        self._stop.on_click(lambda _: self.stop())
        row = [ipywidgets.HBox([self._again, self._stop, self._bar])] if inspect.isgeneratorfunction(draw) else []
        self.box = ipywidgets.VBox([*shown, *row, self._picture])
        figure, pieces = self._begin()
        for self._bar.value in pieces:
            pass
        self._show(figure)
        for widget, trait in self._controls.values():
            widget.observe(lambda _: self._start(), trait)

    def __repr__(self) -> str:
        values = "".join(f", {name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({self._draw.__name__}{values})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        view = self.box._repr_mimebundle_(**kwargs)
        return {VIEW: view[VIEW], "image/svg+xml": self.svg, "text/plain": repr(self)}

    def stop(self) -> None:
        """End a run after the piece that it is in; what it has drawn stays."""
        self._stopping = True

    def _values(self) -> dict[str, Any]:
        return {name: getattr(widget, trait) for name, (widget, trait) in self._controls.items()}

    def _begin(self) -> tuple[Figure, Iterator[float]]:
        """A picture, and what is still to be done to fill it, piece by piece."""
        figure = Figure(figsize=self._figsize, layout="constrained")
        return figure, _shares(self._draw(figure.subplots(), **self._values()))

    def _show(self, figure: Figure) -> None:
        self.svg = self._picture.value = as_svg(figure) or ""

    def _start(self) -> None:
        """Draw anew. The event loop takes this over, and ends the run before it."""
        self._turn += 1
        self._stopping = False
        run = self._run(self._turn)
        if in_a_kernel():
            self._task = asyncio.get_running_loop().create_task(run)  # kept here, since the loop does not keep it
            return
        with suppress(StopIteration):  # nobody can click: to its end, piece by piece
            while True:
                run.send(None)

    async def _run(self, turn: int) -> None:
        if turn != self._turn:
            return  # a control was moved once more
        self.running, self._stop.disabled, self._bar.value = True, False, 0
        try:
            figure, pieces = self._begin()
            shown = time.monotonic()
            for share in pieces:
                if time.monotonic() - shown > PAUSE:
                    self._bar.value = share
                    self._show(figure)
                    shown = time.monotonic()
                await asyncio.sleep(0)  # the kernel's turn: a click, another control
                if self._stopping or turn != self._turn:
                    break
            else:
                self._bar.value = 1
            if turn == self._turn:
                self._show(figure)
        except Exception as error:  # nobody else would see it
            self._picture.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        finally:
            if turn == self._turn:
                self.running, self._stop.disabled = False, True


def in_a_kernel() -> bool:
    """Whether this Python answers a notebook, whose event loop brings the clicks."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


def _pair(name: str, control: Any) -> tuple[Any, str]:
    """The widget and the name of the trait that a control stands for."""
    widget, trait = control if isinstance(control, tuple) else (control, "value")
    if not (hasattr(widget, "has_trait") and widget.has_trait(trait)):
        raise TypeError(f"{name}: expected a widget, or a pair of a widget and the name of its trait, got {control!r}")
    return widget, trait


def _shares(pieces: Any) -> Iterator[float]:
    """What a generator yields, as far as it is a number."""
    if not inspect.isgenerator(pieces):
        return
    for piece in pieces:
        yield float(piece) if isinstance(piece, int | float) else 0.0
