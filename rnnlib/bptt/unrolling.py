"""The forward loop over time, and the same loop backward (chapter 4).

Only what depends on the step before is inside the loops. The input's share X W_x + b of all steps is one product
before the forward loop; the gradients of W_x, W_h, b and X are products over all steps after the backward loop.
"""

from typing import Any

import numpy as np

from rnnlib.bptt.dropout import dropout
from rnnlib.bptt.layer import expect_layer
from rnnlib.bptt.trace import Gradients, LayerTrace, Trace
from rnnlib.cells.arguments import as_real, generator
from rnnlib.cells.cell import Array, Cell, Gates, State, summed_product


def unroll(
    layer: Any,
    x: Array,
    state: Any = None,
    mask: Array | None = None,
    reverse: bool = False,
    *,
    dropout_rng: np.random.Generator | None = None,
) -> Any:
    """Run a layer over a batch of sequences.

    Parameters
    ----------
    layer : a cell, `Stacked` or `Bidirectional`
        Or a layer of your own: a class derived from `Cell`, or one with the methods ``unroll`` and ``backward`` of
        `Stacked`.
    x : (T, B, D) array
        The inputs, time first. Cast to the layer's dtype.
    state : tuple of (B, H) arrays, optional
        The state before the first step that is visited, ``(h,)`` or ``(h, c)``, nested as ``layer.initial_state``
        nests it; zeros by default.
    mask : (T, B) array of bool or of 0 and 1, optional
        1 for a real step. A masked step carries the state on unchanged. The real steps of a sequence must be
        contiguous; there may be none.
    reverse : bool
        Visit the steps from the last to the first. The result is in the sequence's own time all the same:
        ``trace.h[t]`` has seen x[t], …, x[T−1].
    dropout_rng : np.random.Generator, optional
        Draws the cells' dropout masks, one a sequence for all its steps. Without it nothing is dropped.

    Returns
    -------
    Trace, or LayerTrace of a layer that has parts

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
    expect_layer("layer", layer)
    if hasattr(layer, "unroll"):  # a layer of several parts knows in which order they run
        return layer.unroll(x, state, mask, reverse, dropout_rng=dropout_rng)
    cell: Cell = layer
    x = as_inputs(x, cell)
    T, B, D = x.shape
    state = cell.initial_state(B) if state is None else cell.check_state("state", state, B)
    mask = None if mask is None else check_mask(mask, T, B)
    trace = Trace(cell, x, mask, bool(reverse), visited=(), steps=())
    if dropout_rng is not None:
        generator("dropout_rng", dropout_rng)
        trace.drop_x = dropout((B, D), cell.dropout, dropout_rng, cell.dtype) if cell.dropout else None
        rate = cell.recurrent_dropout
        trace.drop_h = dropout((B, cell.hidden_size), rate, dropout_rng, cell.dtype) if rate else None
    trace.visited, trace.steps = _forward(trace, state)
    return trace


def _forward(trace: Trace, state: State) -> tuple[State, list[Gates]]:
    """All states, (T + 1, B, H) each, the initial one first, and the gates of every step."""
    cell, padding = trace.cell.with_dropout(trace.drop_h), _padding(trace)
    u = cell.project(_entering(trace))  # X W_x + b, all steps in one product: (T, B, G·H)
    states, gates = [state], []
    for t in range(len(u)):
        after, values = cell.forward(u[t], state)
        if t == 0:
            _check_forward(cell, state, after, values)
        if padding is not None and padding[t].any():  # the state passes a masked step unchanged
            after = tuple(np.where(padding[t], old, new) for old, new in zip(state, after, strict=True))
        state = after
        states.append(state)
        gates.append(values)
    return tuple(np.stack(part) for part in zip(*states, strict=True)), gates


def backward(trace: Trace | LayerTrace, dh: Array, dstate: Any = None) -> Gradients:
    """The gradients of a loss with respect to all that went into a trace.

    Parameters
    ----------
    trace : Trace or LayerTrace
        From `unroll`, of any layer; not changed, so that several losses can be sent back through one trace.
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
    if isinstance(trace, LayerTrace):
        return trace.layer.backward(trace, dh, dstate)
    if not isinstance(trace, Trace):
        raise TypeError(f"trace: expected what unroll returns, got {type(trace).__name__}")
    cell, padding = trace.cell.with_dropout(trace.drop_h), _padding(trace)
    T, B, _ = trace.x.shape
    dh = trace.in_time(as_real("dh", dh, cell.dtype, trace.h.shape))
    dstate = cell.initial_state(B) if dstate is None else cell.check_state("dstate", dstate, B)
    da = np.empty((T, B, len(cell.gates) * cell.hidden_size), cell.dtype)  # δ_t of every step
    arriving: list[State] = [()] * T  # ∂L/∂(state after step t)
    for t in reversed(range(T)):
        before, after = tuple(s[t] for s in trace.visited), tuple(s[t + 1] for s in trace.visited)
        arriving[t] = dstate = (dstate[0] + dh[t], *dstate[1:])
        if padding is None or not padding[t].any():
            delta, through = cell.backward(dstate, before, after, trace.steps[t])
            if t == T - 1:
                _check_backward(cell, da[t], delta, dstate, through)
            da[t], dstate = delta, through
        else:  # a step back is linear in its gradient: real rows go through the cell, masked ones past it
            real = tuple(np.where(padding[t], 0, d) for d in dstate)
            da[t], through = cell.backward(real, before, after, trace.steps[t])
            dstate = tuple(np.where(padding[t], d, new) for d, new in zip(dstate, through, strict=True))
    return _collect(trace, cell, da, tuple(np.stack(part) for part in zip(*arriving, strict=True)), dstate)


def _collect(trace: Trace, cell: Cell, da: Array, arriving: State, dstate: State) -> Gradients:
    """The gradients that need no loop: one product each over all T·B steps."""
    x, padding = _entering(trace), _padding(trace)
    before, after = tuple(s[:-1] for s in trace.visited), tuple(s[1:] for s in trace.visited)
    real = arriving if padding is None else tuple(np.where(padding, 0, d) for d in arriving)
    params = cell.parameter_gradients(before, after, trace.steps, da, real)
    missing = cell.params.keys() - params.keys() - {"W_x", "b"}
    if missing:
        raise ValueError(
            f"{type(cell).__name__}.parameter_gradients: expected a gradient for each parameter but W_x and b, "
            f"got none for {sorted(missing)}"
        )
    params["W_x"] = summed_product(x, da)
    if cell.use_bias:
        params["b"] = np.ones(x.shape[0] * x.shape[1], cell.dtype) @ da.reshape(-1, da.shape[-1])
    dx = (da.reshape(-1, da.shape[-1]) @ cell.params["W_x"].T).reshape(x.shape)
    if trace.drop_x is not None:
        dx *= trace.drop_x
    dh, *others = (trace.in_time(d) for d in arriving)
    return Gradients(
        params={name: params[name] for name in cell.params},
        x=trace.in_time(dx),
        state=dstate,
        h=dh,
        c=others[0] if others else None,
        others=tuple(others[1:]),
    )


def as_inputs(x: object, layer: Any) -> Array:
    """`x` as a (T, B, D) array of the layer's dtype, with at least one step and one sequence; or an error."""
    array = np.asarray(x)
    if np.issubdtype(array.dtype, np.integer):
        raise TypeError(
            f"x: expected a floating-point array (T, B, {layer.input_size}), got {array.dtype}; if these are ids, "
            f"rnnlib.text.one_hot(x, {layer.input_size}) makes vectors of them"
        )
    array = as_real("x", array, layer.dtype, (None, None, layer.input_size))
    if 0 in array.shape[:2]:
        raise ValueError(f"x: expected at least one step and one sequence, got shape {array.shape}")
    return array


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
        raise ValueError(f"mask: expected the real steps of a sequence to be contiguous, got {given} in sequence {b}")
    return valid


def _check_forward(cell: Cell, before: State, after: object, gates: object) -> None:
    """What a cell of one's own returns must look like what ours do; looked at once, in the first step."""
    name, wanted = f"{type(cell).__name__}.forward", [(s.shape, s.dtype) for s in before]
    if not isinstance(after, tuple) or not isinstance(gates, tuple):
        kinds = f"{type(after).__name__} and {type(gates).__name__}"
        raise TypeError(f"{name}: expected two tuples, the state and the gates, got {kinds}")
    given = [(getattr(s, "shape", ()), getattr(s, "dtype", type(s))) for s in after]
    if given != wanted:
        raise ValueError(f"{name}: expected a state of {_said(wanted)}, got {_said(given)}")
    shapes = [getattr(gate, "shape", ()) for gate in gates]
    if len(shapes) < len(cell.gates) or any(shape != before[0].shape for shape in shapes[: len(cell.gates)]):
        raise ValueError(f"{name}: expected gates {cell.gates} of shape {before[0].shape} each, got shapes {shapes}")


def _check_backward(cell: Cell, da: Array, delta: object, dstate: State, through: object) -> None:
    """The same for the step backward."""
    name, parts = f"{type(cell).__name__}.backward", through if isinstance(through, tuple) else (through,)
    if getattr(delta, "shape", ()) != da.shape:
        raise ValueError(f"{name}: expected da of shape {da.shape}, got {getattr(delta, 'shape', type(delta))}")
    given = [(getattr(s, "shape", ()), getattr(s, "dtype", type(s))) for s in parts]
    if not isinstance(through, tuple) or given != [(s.shape, s.dtype) for s in dstate]:
        raise ValueError(
            f"{name}: expected a tuple dstate of {_said([(s.shape, s.dtype) for s in dstate])}, got {_said(given)}"
        )


def _said(parts: list[tuple[Any, Any]]) -> str:
    return ", ".join(f"{shape} {dtype}" for shape, dtype in parts)


def _entering(trace: Trace) -> Array:
    """X as it enters the cell: in the order met, after dropout."""
    x = trace.in_time(trace.x)
    return x if trace.drop_x is None else x * trace.drop_x


def _padding(trace: Trace) -> Array | None:
    """(T, B, 1) array, True at masked steps, in the order met; None without a mask."""
    return None if trace.mask is None else ~trace.in_time(trace.mask)[..., np.newaxis]
