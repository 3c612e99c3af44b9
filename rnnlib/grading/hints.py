"""Hints: the usual mistakes, recognised from a wrong answer alone.

Two sources, in this order. A task's own *mistake cells* (see `rnnlib.grading.exercise`) were run when the exercise was
released: an answer equal to theirs gets their hint. Otherwise `usual_mistake` looks for what goes wrong
everywhere: a transposed matrix, a sum over another axis, a sign, a factor, time run backwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .answers import Difference, Tensor, compare


def explain(
    difference: Difference, expected: Any, got: Any, mistakes: Iterable[tuple[str, Any]], *, rtol: float, atol: float
) -> str:
    """The difference in a sentence, and the mistake behind it if it is a known one.

    Parameters
    ----------
    difference : Difference
        What `compare(expected, got)` found.
    expected, got : decoded answers
    mistakes : iterable of (hint, decoded answer)
        What the task's known mistakes answer.

    Examples
    --------
    >>> expected, got = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]])
    >>> explain(compare(expected, got), expected, got, [], rtol=1e-6, atol=1e-9)
    '2 of 4 numbers are off, by at most 1. Your answer is the transpose of the right one.'
    """
    hint = recognised(expected, got, mistakes, rtol=rtol, atol=atol)
    return f"{difference.text}. {hint}".rstrip()


def recognised(expected: Any, got: Any, mistakes: Iterable[tuple[str, Any]], *, rtol: float, atol: float) -> str:
    """The hint alone: that of the first known mistake that answers alike, or of a usual one, or nothing.

    Examples
    --------
    >>> recognised(2.0, 3.0, [("A hint.", 4.0), ("Add, do not multiply.", 3.0)], rtol=1e-6, atol=1e-9)
    'Add, do not multiply.'
    """
    for hint, wrong in mistakes:
        if compare(wrong, got, rtol=rtol, atol=atol) is None:
            return hint
    return usual_mistake(expected, got, rtol=rtol, atol=atol) or ""


def usual_mistake(expected: Any, got: Any, *, rtol: float, atol: float) -> str | None:
    """A hint for a mistake that leaves its mark on the numbers, or None.

    Examples
    --------
    >>> usual_mistake(np.array([1.0, 2.0]), np.array([-1.0, -2.0]), rtol=1e-6, atol=1e-9)
    'The sign is wrong.'
    >>> usual_mistake(np.array([1.0, 2.0]), np.array([3.0, 6.0]), rtol=1e-6, atol=1e-9)
    'Every number is 3 times the right one: a mean taken for a sum, or a factor too many?'
    """
    if isinstance(expected, tuple | list) and type(expected) is type(got) and len(expected) == len(got):
        for a, b in zip(expected, got, strict=True):
            if compare(a, b, rtol=rtol, atol=atol) is not None:
                return usual_mistake(a, b, rtol=rtol, atol=atol)
        return None
    if isinstance(expected, dict) and isinstance(got, dict) and set(expected) == set(got):
        return usual_mistake(list(expected.values()), [got[key] for key in expected], rtol=rtol, atol=atol)
    if isinstance(expected, float) and isinstance(got, float):
        expected, got = np.array([expected]), np.array([got])
    if isinstance(expected, Tensor) and isinstance(got, Tensor):
        expected, got = expected.array, got.array
    if not isinstance(expected, np.ndarray):
        return None
    if not isinstance(got, np.ndarray):
        return "Return an array, not a list." if isinstance(got, list) else None
    if expected.dtype.kind != "f" or got.dtype.kind != "f":
        return None
    return _shape_mistake(expected, got) or _number_mistake(expected, got, rtol, atol)


def _same(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=rtol, atol=atol))


def _shape_mistake(expected: np.ndarray, got: np.ndarray) -> str | None:
    if expected.shape == got.shape:
        return None
    if expected.shape == got.shape[::-1]:
        return "The axes are in the reverse order: is a transpose missing, or one too many?"
    if sorted(expected.shape) == sorted(got.shape):
        return "The axes are in another order."
    if expected.size == got.size:
        return "The number of entries is right, their shape is not: was an axis of length 1 added or dropped?"
    if got.ndim > expected.ndim:
        return "There is an axis too many: is a sum missing?"
    if got.ndim < expected.ndim:
        return "There is an axis too few: was it summed over, or indexed away?"
    return "Was the sum taken over the wrong axis?" if got.ndim == expected.ndim == 1 else None


def _number_mistake(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> str | None:
    if expected.shape != got.shape or not np.isfinite(got).all() or not np.isfinite(expected).all():
        return None
    if expected.size > 1 and not expected.any():
        return None
    if not got.any():
        return "Every number is zero."
    if _same(expected, -got, rtol, atol):
        return "The sign is wrong."
    if expected.ndim == 2 and _same(expected, got.T, rtol, atol):
        return "Your answer is the transpose of the right one."
    for axis in range(expected.ndim):
        if expected.shape[axis] > 1 and _same(expected, np.flip(got, axis), rtol, atol):
            return f"The numbers are right, but in the reverse order along axis {axis}."
    scale = float((expected * got).sum() / (expected * expected).sum())
    if expected.size > 1 and scale != 0 and _same(expected * scale, got, rtol, atol):
        return f"Every number is {scale:.4g} times the right one: a mean taken for a sum, or a factor too many?"
    return None
