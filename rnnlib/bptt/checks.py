"""Is a backward pass right? Compare it with finite differences (chapter 4)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.bptt.layer import expect_layer
from rnnlib.bptt.states import leaves, mapped, nested_like
from rnnlib.bptt.unrolling import backward, unroll
from rnnlib.cells.arguments import generator
from rnnlib.cells.cell import Array


def numeric_gradient(loss: Callable[[], float], array: Array, eps: float = 1e-5) -> Array:
    """∂L/∂array by central differences: (L(a + eps) − L(a − eps)) / 2 eps for each entry a.

    Parameters
    ----------
    loss : function without arguments
        L, computed from the array as it is when the function is called.
    array : float64 array
        Each entry is nudged in place, and put back.
    eps : float
        Half the step. The error of the difference is of the order eps² + 1e-16/eps.

    Returns
    -------
    array of the same shape

    Raises
    ------
    TypeError
        If it is no float64 array: in float32 a finite difference has about three digits.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([1.0, 2.0])
    >>> numeric_gradient(lambda: float(np.sum(a**3)), a).round(6)
    array([ 3., 12.])
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        raise TypeError(f"array: expected a float64 array, got {getattr(array, 'dtype', type(array).__name__)}")
    numeric = np.empty_like(array)
    for k in np.ndindex(array.shape):
        kept = array[k]
        array[k] = kept + eps
        above = loss()
        array[k] = kept - eps
        below = loss()
        array[k] = kept
        numeric[k] = (above - below) / (2 * eps)
    return numeric


def gradient_check(
    layer: Any,
    x: Array,
    state: Any = None,
    mask: Array | None = None,
    *,
    rng: np.random.Generator,
    eps: float = 1e-5,
    dropout_seed: int | None = None,
    progress: bool = False,
    **options: Any,
) -> dict[str, float]:
    """Compare `backward` with central differences, for every number that goes into a layer.

    The loss is a random projection of *all* outputs, L = Σ_t ⟨P_t, h_t⟩ + Σ ⟨Q, last state⟩: each output counts, each
    with a weight of its own, so that no error can hide behind a zero or a symmetry.

    Parameters
    ----------
    layer : a cell, `Stacked` or `Bidirectional`, in float64
    x : (T, B, D) array
        With T > 2: an error in the step from c_t to c_{t−1}, say, shows only when a loss flows back two steps.
    state, mask
        As in `unroll`.
    rng : np.random.Generator
        Draws P and Q.
    eps : float
        Half the step of the difference. Its error is of the order eps² + 1e-16/eps.
    dropout_seed : int, optional
        Checks with dropout, the same masks each time.
    progress : bool
        Show a progress bar.
    **options
        Passed to `unroll`, for instance ``reverse=True``.

    Returns
    -------
    dict of str to float
        For each parameter, "x" and each part of the initial state: the largest difference of the two gradients,
        divided by the largest entry of the numeric one (by 1e-6 if that is smaller). Below 1e-7 is right; above
        1e-4, something is wrong.

    Raises
    ------
    TypeError
        If the layer is not in float64: in float32 a finite difference has about three digits.
    ValueError
        If T < 3.

    Examples
    --------
    >>> from rnnlib.cells import LSTM
    >>> rng = np.random.default_rng(0)
    >>> errors = gradient_check(LSTM(2, 3, rng=rng), rng.normal(size=(4, 2, 2)), rng=rng)
    >>> max(errors.values()) < 1e-7
    True
    """
    expect_layer("layer", layer)
    generator("rng", rng)
    if layer.dtype != np.float64:
        raise TypeError(f"layer: expected float64 to compare with finite differences, got {layer.dtype}")
    x = np.array(x, dtype=np.float64)
    if x.ndim != 3:
        raise ValueError(f"x: expected shape (T, B, D), got {x.shape}")
    if len(x) < 3:
        raise ValueError(f"x: expected T > 2 steps, got {len(x)}: errors that flow back two steps would go unnoticed")
    state = mapped(lambda s: np.array(s, dtype=np.float64), layer.initial_state(x.shape[1]) if state is None else state)

    def run() -> Any:
        drop = None if dropout_seed is None else np.random.default_rng(dropout_seed)
        return unroll(layer, x, state, mask, dropout_rng=drop, **options)

    trace = run()
    P = rng.normal(size=trace.h.shape)
    Q = [rng.normal(size=s.shape) for s in leaves(trace.state)]

    def loss() -> float:
        trace = run()
        return float(np.sum(P * trace.h) + sum(np.sum(q * s) for q, s in zip(Q, leaves(trace.state), strict=True)))

    grads = backward(trace, P, nested_like(trace.state, iter(Q)))
    inputs = [*layer.params.items(), ("x", x), *((f"state[{k}]", s) for k, s in enumerate(leaves(state)))]
    analytic = [*(grads.params[name] for name in layer.params), grads.x, *leaves(grads.state)]
    return {
        name: _largest_error(numeric_gradient(loss, value, eps), g)
        for (name, value), g in zip(tqdm(inputs, desc="gradient check", disable=not progress), analytic, strict=True)
    }


def _largest_error(numeric: Array, analytic: Array) -> float:
    """The largest difference of two gradients, as a share of the largest entry of the first."""
    return float(np.abs(analytic - numeric).max() / max(np.abs(numeric).max(), 1e-6))
