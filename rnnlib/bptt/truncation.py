"""Truncated back-propagation through time (chapter 4): cheaper, and biased."""

from typing import Literal

import numpy as np

from rnnlib.bptt.trace import Gradients, Trace, expect_cell
from rnnlib.bptt.unrolling import backward
from rnnlib.cells.arguments import as_real
from rnnlib.cells.cell import Array


def truncated_backward(
    trace: Trace, dh: Array, k: int, *, window: Literal["chunks", "sliding"] = "chunks"
) -> Gradients:
    """The gradients that remain when no error flows further back than a window of k steps.

    Parameters
    ----------
    trace : Trace
    dh : (T, B, H) array
        As in `backward`.
    k : int
        At least 1. From T on, the result is that of `backward`.
    window : "chunks" (default) or "sliding"
        "chunks": the sequence is cut into pieces of k steps, and no error crosses a cut. One pass; what training on
        consecutive batches with a carried state does. An error flows back 1 to k steps, according to where it arises.
        "sliding": every step's own loss flows back through exactly k steps (fewer at the start). T short passes.

    Returns
    -------
    Gradients
        The state's gradient is that of the window that reaches the initial state.

    Raises
    ------
    TypeError, ValueError
        If k or `window` is not one of these, or dh is not what `backward` takes.

    Notes
    -----
    Source: Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories": "sliding" is their BPTT(h). Chapter 4 measures the bias.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import RNN
    >>> trace = unroll(RNN(2, 3, rng=np.random.default_rng(0)), np.ones((6, 1, 2)))
    >>> dh = np.ones((6, 1, 3))
    >>> whole, cut = backward(trace, dh), truncated_backward(trace, dh, 6)
    >>> np.allclose(whole.params["W_h"], cut.params["W_h"])
    True
    """
    expect_cell(trace)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k: expected an int, got {type(k).__name__}")
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    T = len(trace)
    dh = as_real("dh", dh, trace.cell.dtype, trace.h.shape)
    if window == "chunks":
        spans = [(start, min(start + k, T), slice(None)) for start in range(0, T, k)]
    elif window == "sliding":
        spans = [(max(0, t + 1 - k), t + 1, slice(-1, None)) for t in range(T)]
    else:
        raise ValueError(f"window: expected 'chunks' or 'sliding', got {window!r}")

    total = _zeros_like(trace)
    for start, stop, sends in spans:  # in the order met; `sends` are the steps whose loss is sent back
        steps = slice(T - stop, T - start) if trace.reverse else slice(start, stop)
        part, arriving = trace[steps], np.zeros_like(dh[steps])
        trace.in_time(arriving)[sends] = trace.in_time(dh[steps])[sends]
        _add(total, backward(part, arriving), steps, first=start == 0)
    return total


def _zeros_like(trace: Trace) -> Gradients:
    cell = trace.cell
    return Gradients(
        params={name: np.zeros_like(p) for name, p in cell.params.items()},
        x=np.zeros_like(trace.x),
        state=tuple(np.zeros_like(s) for s in trace.state),
        h=np.zeros_like(trace.h),
        c=np.zeros_like(trace.h) if len(cell.states) > 1 else None,
    )


def _add(total: Gradients, part: Gradients, steps: slice, first: bool) -> None:
    """Add the gradients of one window, which spans `steps`, to the total."""
    for name, g in part.params.items():
        total.params[name] += g
    total.x[steps] += part.x
    total.h[steps] += part.h
    if total.c is not None:
        total.c[steps] += part.c
    if first:
        for sum_, g in zip(total.state, part.state, strict=True):
            sum_ += g
