"""The forward loop over time, and the same loop backward (chapter 4).

Only what depends on the step before is inside the loops. The input's share X W_x + b of all steps is one product
before the forward loop; the gradients of W_x, W_h, b and X are products over all steps after the backward loop.
"""

from collections.abc import Callable

import numpy as np

from rnnlib.bptt.trace import Gradients, Trace, Workspace
from rnnlib.cells.cell import Array, Cell, Scratch, State, as_real, by_gate


def unroll(
    cell: Cell,
    x: Array,
    state: State | None = None,
    mask: Array | None = None,
    reverse: bool = False,
    *,
    dropout_rng: np.random.Generator | None = None,
    workspace: Workspace | None = None,
) -> Trace:
    """Run a cell over a batch of sequences.

    Parameters
    ----------
    cell : RNN, GRU or LSTM
    x : (T, B, D) array
        The inputs, time first. Cast to the cell's dtype.
    state : tuple of (B, H) arrays, optional
        The state before the first step that is visited, ``(h,)`` or ``(h, c)``; zeros by default.
    mask : (T, B) array of bool or of 0 and 1, optional
        1 for a real step. A masked step carries the state on unchanged. The real steps of a sequence must be
        contiguous; there may be none.
    reverse : bool
        Visit the steps from the last to the first. The result is in the sequence's own time all the same:
        ``trace.h[t]`` has seen x[t], …, x[T−1].
    dropout_rng : np.random.Generator, optional
        Draws the cell's dropout masks, one a sequence for all its steps. Without it nothing is dropped.
    workspace : Workspace, optional
        Arrays to use again; see there.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, x or state hold NaN or an infinity, or the mask has a hole;
        before anything is computed.

    Notes
    -----
    Source: Werbos (1990), "Backpropagation through time"; dropout masks as in Gal & Ghahramani (2016). Chapter 4.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> cell = RNN(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> x = np.ones((4, 1, 2))
    >>> trace = unroll(cell, x)
    >>> trace.h.shape
    (4, 1, 3)
    >>> (h,) = cell.step(x[1], cell.step(x[0], cell.initial_state(1)))
    >>> np.allclose(trace.h[1], h)
    True
    """
    x = as_real("x", x, cell.dtype, (None, None, cell.input_size))
    T, B, _ = x.shape
    if T == 0 or B == 0:
        raise ValueError(f"x: expected at least one step and one sequence, got shape {x.shape}")
    state = cell.initial_state(B) if state is None else cell.check_state("state", state, B)
    if mask is not None:
        mask = check_mask(mask, T, B)
    trace = _new_trace(cell, x, state, mask, reverse, workspace)
    if dropout_rng is not None:
        trace.drop_x = draw_dropout(dropout_rng, cell.dropout, (B, cell.input_size), cell.dtype)
        trace.drop_h = draw_dropout(dropout_rng, cell.recurrent_dropout, (B, cell.hidden_size), cell.dtype)
    _forward(trace)
    return trace


def _forward(trace: Trace) -> None:
    """Fill a trace whose initial state is in place."""
    cell = trace.cell
    T, B, _ = trace.x.shape
    u = _arrays(trace)("u", (T, B, len(cell.gates) * cell.hidden_size), cell.dtype)
    cell.project(_entering(trace), out=u)  # X W_x + b, all steps
    states, saved, padding = _by_step(trace.visited, T + 1), _by_step(trace.saved, T), _padding(trace)
    work = Scratch.like(cell, B)
    for t in range(T):
        cell.forward(u[t], states[t], states[t + 1], trace.gate_values[t], saved[t], work, trace.drop_h)
        if padding is not None and padding[t].any():
            for before, after in zip(states[t], states[t + 1], strict=True):
                np.copyto(after, before, where=padding[t])  # the state passes a masked step unchanged


def backward(trace: Trace, dh: Array, dstate: State | None = None) -> Gradients:
    """The gradients of a loss with respect to all that went into a trace.

    Parameters
    ----------
    trace : Trace
        From `unroll`; not changed, so that several losses can be sent back through one trace.
    dh : (T, B, H) array
        What the loss sends to each h_t directly: ∂L/∂h_t with all later states held fixed.
    dstate : tuple of (B, H) arrays, optional
        What it sends to ``trace.state`` besides; zeros by default.

    Returns
    -------
    Gradients

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or holds NaN or an infinity.

    Notes
    -----
    The recursion of chapter 4, with δ_t = ∂L/∂a_t: for the plain cell

        ∂L/∂H_t = dh_t + δ_{t+1} W_hᵀ,   δ_t = ∂L/∂H_t ⊙ φ′(a_t),
        ∂L/∂W_h = Σ_t H_{t−1}ᵀ δ_t,      ∂L/∂W_x = Σ_t X_tᵀ δ_t,   ∂L/∂b = Σ_t δ_t.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> cell = RNN(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> trace = unroll(cell, np.ones((4, 1, 2)))
    >>> grads = backward(trace, np.ones((4, 1, 3)))  # of L = the sum of all h
    >>> {name: g.shape for name, g in grads.params.items()}
    {'W_x': (2, 3), 'W_h': (3, 3), 'b': (3,)}
    """
    cell, take = trace.cell, _arrays(trace)
    T, B, _ = trace.x.shape
    G, H = len(cell.gates), cell.hidden_size
    dh = as_real("dh", dh, cell.dtype, (T, B, H))
    # dvisited[k][t] = ∂L/∂(state after t steps): for h_t, what the loss sends there directly is there from the start
    dvisited = tuple(take(f"d{name}", (T + 1, B, H), cell.dtype) for name in cell.states)
    dvisited[0][0] = 0
    dvisited[0][1:] = trace.in_time(dh)
    for part in dvisited[1:]:
        part[T] = 0
    if dstate is not None:
        for part, extra in zip(dvisited, cell.check_state("dstate", dstate, B), strict=True):
            part[T] += extra

    da = take("da", (T, B, G * H), cell.dtype)  # δ_t = ∂L/∂(pre-activations)
    da_blocks = by_gate(da, G)
    states, saved, padding = _by_step(trace.visited, T + 1), _by_step(trace.saved, T), _padding(trace)
    dstates = _by_step(dvisited, T + 1)
    work = Scratch.like(cell, B)
    work.W_hT = np.ascontiguousarray(cell.params["W_h"].T)
    for t in reversed(range(T)):
        work.rows, work.blocks = da[t], da_blocks[t]
        inputs = (states[t], trace.gate_values[t], saved[t], work, trace.drop_h)
        if padding is None or not padding[t].any():
            cell.backward(dstates[t + 1], dstates[t], *inputs)
        else:  # a step back is linear in its gradient: real rows go through the cell, masked ones past it
            cell.backward(tuple(np.where(padding[t], 0, d) for d in dstates[t + 1]), dstates[t], *inputs)
            for after, before in zip(dstates[t + 1], dstates[t], strict=True):
                np.add(before, after, out=before, where=padding[t])
    return _collect(trace, dvisited, da)


def _collect(trace: Trace, dvisited: State, da: Array) -> Gradients:
    """The gradients that need no loop: one product each over all T·B steps."""
    cell, take = trace.cell, _arrays(trace)
    x, N = _entering(trace), da.shape[0] * da.shape[1]
    h_in = trace.visited[0][:-1]
    if trace.drop_h is not None:
        h_in = h_in * trace.drop_h
    rows, W_x, W_h = da.reshape(N, -1), cell.params["W_x"], cell.params["W_h"]
    params = cell.recurrent_gradients(
        h_in.reshape(N, -1), rows, trace.gate_values, trace.saved, take("dW_h", W_h.shape, cell.dtype)
    )
    params["W_x"] = np.matmul(x.reshape(N, -1).T, rows, out=take("dW_x", W_x.shape, cell.dtype))
    if cell.use_bias:
        params["b"] = np.ones(N, cell.dtype) @ rows
    dx = np.matmul(rows, W_x.T, out=take("dx", (N, cell.input_size), cell.dtype)).reshape(trace.x.shape)
    if trace.drop_x is not None:
        dx *= trace.drop_x
    dh, *dc = (trace.in_time(d[1:]) for d in dvisited)
    return Gradients(
        params={name: params[name] for name in cell.params},
        x=trace.in_time(dx),
        state=tuple(d[0] for d in dvisited),
        h=dh,
        c=dc[0] if dc else None,
    )


def check_mask(mask: object, T: int, B: int) -> Array:
    """`mask` as a (T, B) array of bool, after checking its shape, its values, and that it has no holes."""
    array = np.asarray(mask)
    if array.shape != (T, B):
        raise ValueError(f"mask: expected shape (T, B) = ({T}, {B}), got {array.shape}")
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise TypeError(f"mask: expected bool, or 0 and 1, got {array.dtype}")
    valid = array.astype(bool)
    if not np.array_equal(valid, array):
        raise ValueError(f"mask: expected 0 and 1 only, got {array[valid != array][0]}")
    starts = np.diff(valid, axis=0, prepend=False) & valid  # (T, B), True where a run of real steps begins
    holed = np.flatnonzero(starts.sum(axis=0) > 1)
    if holed.size:
        b = int(holed[0])
        given = "".join(str(int(v)) for v in valid[:, b])
        raise ValueError(f"mask: the real steps of a sequence must be contiguous, but sequence {b} has {given}")
    return valid


def draw_dropout(rng: np.random.Generator, rate: float, shape: tuple[int, ...], dtype: np.dtype) -> Array | None:
    """Factors for dropout at `rate`: 0, or 1 / (1 − rate) so that the mean stays; None where nothing is dropped."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"dropout_rng: expected a np.random.Generator, got {type(rng).__name__}")
    if rate == 0:
        return None
    return ((rng.random(shape) >= rate) / (1 - rate)).astype(dtype)


def _new_trace(
    cell: Cell, x: Array, state: State, mask: Array | None, reverse: bool, workspace: Workspace | None
) -> Trace:
    """A trace with room for every step, and the initial state in place."""
    (T, B, _), G, H = x.shape, len(cell.gates), cell.hidden_size
    take = (workspace or Workspace()).take
    visited = tuple(take(name, (T + 1, B, H), cell.dtype) for name in cell.states)
    for part, initial in zip(visited, state, strict=True):
        part[0] = initial
    is_state = cell.gates == cell.states  # the one "gate" of a plain RNN
    gate_values = visited[0][1:, np.newaxis] if is_state else take("gates", (T, G, B, H), cell.dtype)
    saved = tuple(take(name, (T, B, H), cell.dtype) for name in cell.saved)
    return Trace(cell, x, mask, bool(reverse), visited, gate_values, saved, workspace=workspace)


def _arrays(trace: Trace) -> Callable[..., Array]:
    """Where work arrays come from: the caller's workspace, or new ones at each call."""
    return (trace.workspace or Workspace()).take


def _by_step(arrays: tuple[Array, ...], steps: int) -> list[tuple[Array, ...]]:
    """Entry t holds every array's t-th entry, as views: made once, since slicing in the loop takes its time too."""
    return list(zip(*arrays, strict=True)) if arrays else [()] * steps


def _entering(trace: Trace) -> Array:
    """X as it enters the cell: in the order met, after dropout."""
    x = trace.in_time(trace.x)
    return x if trace.drop_x is None else x * trace.drop_x


def _padding(trace: Trace) -> Array | None:
    """(T, B, 1) array, True at masked steps, in the order met; None without a mask."""
    return None if trace.mask is None else ~trace.in_time(trace.mask)[..., np.newaxis]
