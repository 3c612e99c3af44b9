"""Text from strangers: what is not fit for a page, a table or a file is shown as what it is."""

from __future__ import annotations

import unicodedata


def tidy(text: str) -> str:
    """Text without half characters, control characters, and marks that turn the reading direction.

    Line breaks and tabs stay.

    Examples
    --------
    >>> tidy("a\\ud800b\\u202egnp.exe\\x1b[31m")
    'a\\\\ud800b\\\\u202egnp.exe\\\\x1b[31m'
    """
    return "".join(char if char in "\n\t" or _is_fit(char) else _escaped(char) for char in text)


def line(text: str) -> str:
    """Text that keeps to its line.

    Examples
    --------
    >>> line("two\\nlines")
    'two\\\\nlines'
    """
    return "".join(char if _is_fit(char) else _escaped(char) for char in text)


def _is_fit(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or char == "\u200d"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
