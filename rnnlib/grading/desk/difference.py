"""Two answers side by side: numbers if there are few, a small picture of where they differ if there are many."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..answers import Tensor, compare, describe
from .layout import escape

FEW = 48  # numbers that are shown one by one
MOST_COLUMNS = 8
PICTURE = (32, 64)  # cells of a picture at most: rows, columns
SHOWN = 5  # of the numbers that are off, beside a picture


def beside(expected: Any, got: Any, *, rtol: float, atol: float) -> str:
    """HTML that shows what was expected and what came, from decoded answers that are not alike.

    Examples
    --------
    >>> print(beside(0.5, 0.25, rtol=1e-6, atol=1e-9))
    <p>Expected 0.5, came 0.25.</p>
    """
    where, expected, got = first_difference(expected, got, rtol=rtol, atol=atol)
    intro = f'<p class="note">In {escape(where)}:</p>\n' if where else ""
    a = expected.array if isinstance(expected, Tensor) else expected
    b = got.array if isinstance(got, Tensor) else got
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and type(expected) is type(got):
        if a.shape == b.shape:
            return intro + _arrays(a, b, off(a, b, rtol, atol))
        return intro + "".join(
            f"<p>{what} {describe(value)}{':' if value.size <= FEW else '.'}</p>\n{_plain(value)}"
            for what, value in (("Expected", a), ("Came", b))
        )
    digits = _digits(expected, got) if isinstance(expected, float) and isinstance(got, float) else 17
    return f"{intro}<p>Expected {_said(expected, digits)}, came {_said(got, digits)}.</p>"


def first_difference(
    expected: Any, got: Any, *, rtol: float, atol: float, where: str = ""
) -> tuple[str, Any, Any]:  # fmt: skip
    """The first parts that differ, and where they stand.

    Examples
    --------
    >>> first_difference((1, {"h": 2.0}), (1, {"h": 3.0}), rtol=1e-6, atol=1e-9)
    ("item 1, 'h'", 2.0, 3.0)
    """
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(expected, list | tuple) and type(expected) is type(got) and len(expected) == len(got):
        pairs = [(f"item {n}", a, b) for n, (a, b) in enumerate(zip(expected, got, strict=True))]
    elif isinstance(expected, dict) and isinstance(got, dict) and set(expected) == set(got):
        pairs = [(repr(key), a, got[key]) for key, a in expected.items()]
    for name, a, b in pairs:
        if compare(a, b, rtol=rtol, atol=atol) is not None:
            return first_difference(a, b, rtol=rtol, atol=atol, where=f"{where}, {name}" if where else name)
    return where, expected, got


def off(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Which numbers are off, in the shape of the arrays.

    Examples
    --------
    >>> off(np.array([1.0, np.nan, 2.0]), np.array([1.0, np.nan, np.inf]), 1e-6, 1e-9)
    array([False, False,  True])
    """
    if expected.dtype.kind not in "fc" or got.dtype.kind not in "fc":
        return np.asarray(expected != got)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= atol + rtol * np.abs(expected)
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    both = np.isfinite(expected) & np.isfinite(got)
    return ~np.where(both, near, same)


def _arrays(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray) -> str:
    if expected.size == 0 or not wrong.any():  # another dtype, say
        return f"<p>Expected {_kind(expected)}, came {_kind(got)}.</p>"
    digits = max(_digits(a, b) for a, b in zip(expected[wrong].flat, got[wrong].flat, strict=True))
    if expected.size <= FEW and (expected.ndim == 1 or expected.shape[-1] <= MOST_COLUMNS):
        return (
            f'<div class="beside"><div><h4>Expected</h4>{_table(expected, wrong, digits)}</div>\n'
            f"<div><h4>Came</h4>{_table(got, wrong, digits)}</div></div>"
        )
    places = [tuple(int(index) for index in place) for place in np.argwhere(wrong)[:SHOWN]]
    rows = "".join(
        f'<tr><th scope="row">{_index(place)}</th><td>{_number(expected[place], digits)}</td>'
        f"<td>{_number(got[place], digits)}</td></tr>\n"
        for place in places
    )
    head = '<tr><th scope="col">at</th><th scope="col">expected</th><th scope="col">came</th></tr>'
    more = int(wrong.sum()) - len(places)
    rest = f'<p class="note">and {more} more.</p>' if more else ""
    return (
        f'<div class="beside"><div>{picture(wrong)}</div>\n<div><table class="numbers"><thead>{head}</thead>\n'
        f"<tbody>{rows}</tbody></table>{rest}</div></div>"
    )


def _rows(array: np.ndarray) -> np.ndarray:
    """An array as rows of its last axis; one with a single axis as rows of a few."""
    if array.ndim == 1:
        return array.reshape(1, -1)
    return array.reshape(-1, array.shape[-1]) if array.shape[-1] else array.reshape(0, 0)


def _table(array: np.ndarray, wrong: np.ndarray, digits: int) -> str:
    if array.ndim == 1:  # a list of numbers reads better downwards, in its own order
        array, wrong = array.reshape(-1, 1), wrong.reshape(-1, 1)
    table, marks = _rows(array), _rows(wrong)
    body = ""
    for number, (values, flags) in enumerate(zip(table, marks, strict=True)):
        place = np.unravel_index(number, array.shape[:-1])
        body += f'<tr><th scope="row">{_index(tuple(int(n) for n in place))}</th>'
        for value, flag in zip(values, flags, strict=True):
            text = _number(value, digits)
            body += f"<td>{f'<mark>{text}</mark>' if flag else text}</td>"
        body += "</tr>\n"
    return f'<table class="numbers"><tbody>\n{body}</tbody></table>'


def picture(wrong: np.ndarray) -> str:
    """A small picture of where numbers are off: rows of the last axis, so coarse that it fits.

    Parameters
    ----------
    wrong : array of bool
    """
    grid = _rows(wrong)
    rows, columns = (-(-length // most) for length, most in zip(grid.shape, PICTURE, strict=True))
    padded = np.pad(grid, ((0, -grid.shape[0] % rows), (0, -grid.shape[1] % columns)))
    blocks = padded.reshape(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns)
    coarse = np.asarray(blocks.any(axis=(1, 3)))
    height, width = coarse.shape
    cell = max(4, min(16, 320 // max(width, 1)))
    marks = ""
    for y, line in enumerate(coarse):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        for start, stop in edges.reshape(-1, 2):
            marks += f'<rect x="{start * cell}" y="{y * cell}" width="{(stop - start) * cell}" height="{cell}"/>'
    said = _where(wrong)
    return (
        f'<svg role="img" aria-label="{escape(said)}" viewBox="0 0 {width * cell} {height * cell}" '
        f'width="{width * cell}" height="{height * cell}">'
        f'<rect width="100%" height="100%" style="fill: var(--raised); stroke: var(--line)"/>'
        f'<g style="fill: var(--bad)">{marks}</g></svg>\n<p class="note">{escape(said)}</p>'
    )


def _where(wrong: np.ndarray) -> str:
    """Where numbers are off, in a sentence.

    Examples
    --------
    >>> _where(np.array([[[False, True], [False, True]]]))
    'Where they differ: 2 of 4 numbers; axis 0: 0 (of 1); axis 1: 0 to 1 (of 2); axis 2: 1 (of 2).'
    """
    said = f"Where they differ: {int(wrong.sum())} of {wrong.size} numbers"
    for axis in range(wrong.ndim):
        others = tuple(n for n in range(wrong.ndim) if n != axis)
        hit = np.flatnonzero(wrong.any(axis=others))
        span = f"{hit[0]} to {hit[-1]}" if hit[0] != hit[-1] else f"{hit[0]}"
        said += f"; axis {axis}: {span} (of {wrong.shape[axis]})"
    return said + "."


def _plain(array: np.ndarray) -> str:
    return _table(array, np.zeros(array.shape, bool), 4) if 0 < array.size <= FEW else ""


def _index(place: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, place))}]" if place else ""


def _kind(array: np.ndarray) -> str:
    return f"{describe(array)} of dtype {array.dtype}"


def _digits(a: Any, b: Any) -> int:
    """So many digits that two different numbers look different, 4 at least."""
    return next((digits for digits in range(4, 17) if _number(a, digits) != _number(b, digits)), 17)


def _number(value: Any, digits: int) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        return f"{value.real:.{digits}g}{value.imag:+.{digits}g}j"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _said(value: Any, digits: int) -> str:
    """A value that is no array, in a few words."""
    if isinstance(value, float | complex):
        return _number(value, digits)
    if isinstance(value, str | bool | int):
        text = repr(value)
        return f"<code>{escape(text if len(text) <= 200 else text[:199] + '…')}</code>"
    return escape(describe(value))
