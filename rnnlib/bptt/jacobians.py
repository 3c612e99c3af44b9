"""How strongly a state depends on an earlier one (chapters 4 and 5).

Entry (i, j) of a Jacobian is ∂(new state)_i / ∂(old state)_j. An LSTM's state is h and c side by side, 2H numbers.
"""

import numpy as np

from rnnlib.bptt.trace import Trace, expect_cell
from rnnlib.bptt.unrolling import backward
from rnnlib.cells.cell import Array, State


def jacobians(trace: Trace, sequence: int = 0) -> Array:
    """∂s_T/∂s_t for every t: the products of Jacobians along which gradients vanish or explode.

    Parameters
    ----------
    trace : Trace
    sequence : int
        Which one of the batch.

    Returns
    -------
    (T, S, S) array
        S = H, or 2H for an LSTM (h, then c). Entry t belongs to the state after step t. At the step visited last
        (the first one with ``reverse=True``) it is the identity.

    Raises
    ------
    IndexError
        If the batch has no such sequence.

    Notes
    -----
    Row i is the gradient of "the loss" s_T[i], so one backward pass over a batch of S copies gives all rows at once.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import RNN
    >>> cell = RNN(1, 3, rng=np.random.default_rng(0), activation="linear")
    >>> J = jacobians(unroll(cell, np.ones((5, 1, 1))))
    >>> np.allclose(J[2], np.linalg.matrix_power(cell.params["W_h"].T, 2))  # s_5 from s_3: two steps
    True
    """
    expect_cell(trace)
    H, parts = trace.cell.hidden_size, len(trace.visited)
    S = H * parts
    copies = _copies(trace, sequence, S)
    identity = tuple(np.split(np.eye(S, dtype=trace.cell.dtype), parts, axis=1))
    grads = backward(copies, np.zeros((len(trace), S, H), trace.cell.dtype), identity)
    return np.concatenate([grads.h, *([] if grads.c is None else [grads.c]), *grads.others], axis=-1)


def step_jacobians(trace: Trace, sequence: int = 0) -> Array:
    """∂s_t/∂s_{t−1} of every step t, (T, S, S): from the state before it to the state after it; see `jacobians`.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import RNN
    >>> trace = unroll(RNN(2, 3, rng=np.random.default_rng(0)), np.ones((5, 1, 2)))
    >>> J, steps = jacobians(trace), step_jacobians(trace)
    >>> np.allclose(J[2], steps[4] @ steps[3])
    True
    """
    expect_cell(trace)
    H, parts, T = trace.cell.hidden_size, len(trace.visited), len(trace)
    S = H * parts
    copies = _copies(trace, sequence, S)
    identity: State = tuple(np.split(np.eye(S, dtype=trace.cell.dtype), parts, axis=1))
    no_loss = np.zeros((1, S, H), trace.cell.dtype)
    steps = [backward(copies[t : t + 1], no_loss, identity).state for t in range(T)]
    return np.stack([np.concatenate(state, axis=-1) for state in steps])


def jacobian_norms(trace: Trace, sequence: int = 0) -> Array:
    """The spectral norm ‖∂s_T/∂s_t‖₂ for every t, (T,): by how much a small change of s_t can have grown at the end.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import RNN
    >>> half = RNN(1, 2, rng=np.random.default_rng(0), activation="linear")
    >>> half.params["W_h"][:] = 0.5 * np.eye(2)
    >>> jacobian_norms(unroll(half, np.ones((4, 1, 1))))
    array([0.125, 0.25 , 0.5  , 1.   ])
    """
    return np.linalg.norm(jacobians(trace, sequence), ord=2, axis=(1, 2))


def _copies(trace: Trace, sequence: int, count: int) -> Trace:
    """The trace of `count` copies of one sequence."""
    if not -trace.x.shape[1] <= sequence < trace.x.shape[1]:
        raise IndexError(f"sequence: the batch has {trace.x.shape[1]} sequences, got {sequence}")
    b = np.full(count, sequence)
    return Trace(
        layer=trace.cell,
        x=trace.x[:, b],
        mask=None if trace.mask is None else trace.mask[:, b],
        reverse=trace.reverse,
        visited=tuple(s[:, b] for s in trace.visited),
        steps=[tuple(value[b] for value in values) for values in trace.steps],
        drop_x=None if trace.drop_x is None else trace.drop_x[b],
        drop_h=None if trace.drop_h is None else trace.drop_h[b],
    )
