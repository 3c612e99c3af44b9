"""What is open where in a text: the bit that chapters 3, 6 and 7 look for in a trained network."""

import numpy as np
from numpy.typing import NDArray


def inside_quotations(text: str) -> NDArray[np.int64]:
    """After each character: 1 inside quotation marks, 0 outside; each line begins outside.

    The opening mark itself counts as inside, the closing one as outside. After a mark that nothing closes, the bit is
    wrong up to the end of its line.

    Parameters
    ----------
    text : str
        T characters.

    Returns
    -------
    (T,) array of 0 and 1

    Examples
    --------
    >>> inside_quotations('a "b" c')
    array([0, 0, 1, 1, 0, 0, 0])
    """
    marks = [np.array([character == '"' for character in line]) for line in text.splitlines(keepends=True)]
    return np.concatenate([np.zeros(0, np.int64), *(np.cumsum(line) % 2 for line in marks)])


def balanced(text: str) -> str:
    """The paragraphs that close every quotation and every bracket, so that what is open can be told by counting.

    Parameters
    ----------
    text : str
        One paragraph a line.

    Returns
    -------
    str
        Without a line break at its end.

    Examples
    --------
    >>> balanced('an (open bracket\\na "quotation"\\nan "open one')
    'a "quotation"'
    """
    lines = text.splitlines()
    kept = [line for line in lines if line.count('"') % 2 == 0 and line.count("(") == line.count(")")]
    return "\n".join(kept)
