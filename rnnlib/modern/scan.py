"""The linear recurrence h_t = a_t ⊙ h_{t−1} + b_t, as a loop and as a tree (chapter 11).

    a, b, h (T, …), all elementwise; the state before the first step is h_0, zeros by default

A step is the map h ↦ a h + b, and two of them, one after the other, are again such a map. So steps can be joined in
pairs, the pairs in pairs, and so on: a tree, in which all of one level can be done at the same time.

Sources: Blelloch (1990), "Prefix sums and their applications"; Martin & Cundy (2018), "Parallelizing linear recurrent
neural nets over sequence length". Deliberately absent: scans over logarithms, which need positive numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Map = tuple[Array, Array]


def compose(first: Map, second: Map) -> Map:
    """The map that does `first` and then `second`: h ↦ a₂ (a₁ h + b₁) + b₂.

    Examples
    --------
    >>> compose((2.0, 1.0), (3.0, 5.0))  # 3 (2 h + 1) + 5
    (6.0, 8.0)
    """
    (a1, b1), (a2, b2) = first, second
    return a2 * a1, a2 * b1 + b2


def loop(a: Array, b: Array) -> Array:
    """h_1, …, h_T from h_0 = 0, one step after the other; (T, …) each."""
    h, states = np.zeros_like(b[0]), np.empty_like(b)
    for t in range(len(b)):
        h = a[t] * h + b[t]
        states[t] = h
    return states


def tree(a: Array, b: Array) -> Array:
    """The same from T/2 pairs of steps, which are a recurrence of half the length; (T, …) each.

    Of steps 1, 2, 3, 4, … the pairs (1, 2), (3, 4), … give h_2, h_4, … From them one more step gives h_3, h_5, …
    """
    T, h = len(b), np.empty_like(b)
    h[0] = b[0]
    if T > 1:
        left, right = slice(0, T - 1, 2), slice(1, None, 2)  # the first and the second step of each pair
        h[1::2] = tree(*compose((a[left], b[left]), (a[right], b[right])))
        h[2::2] = a[2::2] * h[1 : T - 1 : 2] + b[2::2]
    return h


METHODS: dict[str, Callable[[Array, Array], Array]] = {"loop": loop, "tree": tree}


def scan(a: Array, b: Array, state: Array | None = None, *, method: str = "loop") -> Array:
    """All states of h_t = a_t ⊙ h_{t−1} + b_t.

    Parameters
    ----------
    a, b : (T, …) arrays, real or complex
        Not changed. `a` may be a view with repeated entries, as `np.broadcast_to` makes it.
    state : (…) array, optional
        h_0; zeros by default. It may have any sign.
    method : {"loop", "tree"}
        The results differ by rounding only.

    Returns
    -------
    (T, …) array
        h_1, …, h_T.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape.

    Notes
    -----
    Chapter 11.

    Examples
    --------
    >>> a, b = np.array([0.5, 0.5, -1.0, 2.0]), np.array([1.0, 0.0, 3.0, 0.0])
    >>> scan(a, b)
    array([1. , 0.5, 2.5, 5. ])
    >>> scan(a, b, np.array(-2.0), method="tree")
    array([0., 0., 3., 6.])
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {list(METHODS)}, got {method!r}")
    a, b = _numbers("a", a), _numbers("b", b)
    if a.shape != b.shape or not len(b):
        raise ValueError(f"b: expected the shape of a, {a.shape}, with at least one step, got {b.shape}")
    b = b.astype(np.result_type(a, b), copy=False)
    if state is not None:
        state = _numbers("state", state)
        if state.shape != b.shape[1:]:
            raise ValueError(f"state: expected shape {b.shape[1:]}, got {state.shape}")
        b = b.astype(np.result_type(b, state))  # a copy
        b[0] += a[0] * state  # h_0 enters at the first step and nowhere else
    return METHODS[method](a, b)


def scan_backward(
    a: Array, h: Array, dh: Array, state: Array | None = None, *, method: str = "loop"
) -> tuple[Array, Array, Array]:
    """From ∂L/∂h_t, as the loss sends it to each state directly, to the gradients of all that went into `scan`.

    Parameters
    ----------
    a, state, method
        As given to `scan`.
    h : (T, …) array
        What it returned.
    dh : (T, …) array
        Of complex numbers, ∂L/∂Re h + i ∂L/∂Im h.

    Returns
    -------
    da, db : (T, …) arrays
        `db` is also ∂L/∂h_t in all, along every path.
    dstate : (…) array
        ∂L/∂h_0.

    Notes
    -----
    With g_t = ∂L/∂h_t in all: g_t = dh_t + a_{t+1} g_{t+1}, the same recurrence from the other end, so the same scan;
    ∂L/∂b_t = g_t, ∂L/∂a_t = g_t h_{t−1}, ∂L/∂h_0 = a_1 g_1. (Of complex numbers, with a and h conjugated.)

    Examples
    --------
    >>> a, b = np.array([0.5, 2.0]), np.array([1.0, 1.0])
    >>> h = scan(a, b)  # 1, then 2 · 1 + 1
    >>> [gradient.tolist() for gradient in scan_backward(a, h, np.array([0.0, 1.0]))]
    [[0.0, 1.0], [2.0, 1.0], 1.0]
    """
    a, h, dh = _numbers("a", a), _numbers("h", h), _numbers("dh", dh)
    if dh.shape != h.shape or a.shape != h.shape:
        raise ValueError(f"dh: expected the shape of a and h, {a.shape} and {h.shape}, got {dh.shape}")
    before = np.empty_like(h)  # h_{t−1}
    before[0], before[1:] = 0 if state is None else state, h[:-1]
    factor = np.concatenate([a[1:], a[:1]]).conj()  # a_{t+1}; nothing comes after the last step, so any number does
    db = scan(factor[::-1], dh[::-1], method=method)[::-1]
    return db * before.conj(), db, a[0].conj() * db[0]


class Cost(NamedTuple):
    """What a way to compute all T states costs, a state being one number."""

    operations: int
    """Multiplications and additions in all."""
    depth: int
    """How many of them must follow one another, however many processors there are."""


def scan_cost(T: int, method: str) -> Cost:
    """Multiplications and additions of `loop` or `tree`, and how many have to wait for one another.

    Raises
    ------
    TypeError, ValueError
        If T is not a positive int or the method is unknown.

    Notes
    -----
    Of the loop, every step but the first (h_1 = b_1) has a product and a sum, and waits for the step before. In the
    tree, a pair costs two products and a sum, a step between two pairs a product and a sum. h_t goes up as many levels
    as t has binary digits after the first one, and down as many as it has further ones; each takes a product and a sum.

    Examples
    --------
    >>> scan_cost(8, "loop"), scan_cost(8, "tree")
    (Cost(operations=14, depth=14), Cost(operations=26, depth=8))
    """
    if isinstance(T, bool) or not isinstance(T, int | np.integer):
        raise TypeError(f"T: expected an int, got {type(T).__name__}")
    if T < 1:
        raise ValueError(f"T: expected at least 1, got {T}")
    if method not in METHODS:
        raise ValueError(f"method: expected one of {list(METHODS)}, got {method!r}")
    if method == "loop":  # h_1 = b_1 costs nothing; each step after it, a product and a sum, in turn
        return Cost(2 * (int(T) - 1), 2 * (int(T) - 1))
    T = int(T)
    ends = {T, *((T >> k << k) - 1 for k in range(T.bit_length()))} - {
        0,
        -1,
    }  # T, and below it the numbers with most ones
    depth = 2 * max(t.bit_length() - 1 + t.bit_count() - 1 for t in ends)
    operations = 0
    while T > 1:
        pairs, singles = T // 2, (T - 1) // 2
        operations += 3 * pairs - 1 + 2 * singles  # nobody asks for the product of the first pair's factors
        T = pairs
    return Cost(operations, depth)


def _numbers(argument: str, value: object) -> Array:
    """`value` as an array of real or complex floating-point numbers, or a TypeError."""
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.inexact):
        raise TypeError(f"{argument}: expected a floating-point or complex array, got {array.dtype}")
    return array
