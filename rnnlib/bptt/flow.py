"""How much of a gradient reaches the steps before, for many sequences at once (chapters 5 to 8)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlib.bptt.trace import Trace, expect_cell
from rnnlib.bptt.unrolling import backward
from rnnlib.cells.arguments import as_real
from rnnlib.cells.cell import Array


def gradient_flow(trace: Trace, dh_last: Array, part: str = "h") -> Array:
    """‖∂L_T/∂h_{T−k}‖ relative to ‖∂L_T/∂h_T‖ for every distance k: the loss of the last step alone, sent back.

    Parameters
    ----------
    trace : Trace
        Of a cell, without a mask. In float64, if the gradient may fall far: float32 ends at about 1e-45.
    dh_last : (B, H) array
        ∂L_T/∂h_T, what the loss sends to the last state; of a model ``step.dh[-1]``. Its scale does not matter.
    part : {"h", "c"}
        Which part of the state the gradient is taken at: ``"c"`` is the cell state of an LSTM. At k = 0 the loss has
        not reached it, and the entry is 0.

    Returns
    -------
    (T, B) array
        Entry k is for the state k steps before the last one, so entry 0 is 1 for ``part="h"``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, the trace has a mask, a sequence's ``dh_last`` is zero, or the
        cell has no such part.

    Notes
    -----
    Chapter 5. The mean over sequences that suits numbers of very different sizes is `geometric_mean`.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import RNN
    >>> half = RNN(1, 2, rng=np.random.default_rng(0), activation="linear")
    >>> half.params["W_h"][:] = 0.5 * np.eye(2)
    >>> gradient_flow(unroll(half, np.ones((4, 1, 1))), np.ones((1, 2)))[:, 0]
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    expect_cell(trace)
    if trace.mask is not None:
        raise ValueError(
            "trace: expected one without a mask, so that all sequences end at the last step, got one with a mask"
        )
    states = trace.cell.states
    if part not in states:
        raise ValueError(f"part: expected one of {', '.join(states)}, got {part!r}")
    dh_last = as_real("dh_last", dh_last, trace.cell.dtype, trace.h.shape[1:])
    start = np.linalg.norm(dh_last, axis=-1)
    if not start.all():
        raise ValueError(f"dh_last: expected a gradient for each sequence, got zeros in sequence {np.argmin(start)}")
    dh = np.zeros_like(trace.h)
    trace.in_time(dh)[-1] = dh_last
    grads = backward(trace, dh)
    arriving = grads.h if part == "h" or grads.c is None else grads.c
    return np.linalg.norm(trace.in_time(arriving)[::-1], axis=-1) / start


def geometric_mean(values: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """exp of the mean logarithm: a mean for factors, in which 0.01 and 100 cancel. It is 0 if one value is 0.

    Parameters
    ----------
    values : array
        None of them negative.
    axis : int
        Which axis is averaged.

    Raises
    ------
    ValueError
        If a value is negative.

    Examples
    --------
    >>> round(float(geometric_mean([0.01, 100])), 12)
    1.0
    """
    array = np.asarray(values, dtype=np.float64)
    if (array < 0).any():
        raise ValueError(f"values: expected none below 0, got {array.min()}")
    with np.errstate(divide="ignore"):
        return np.exp(np.log(array).mean(axis=axis))
