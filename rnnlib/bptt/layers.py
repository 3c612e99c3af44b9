"""Cells put together: one above the other, and one in each direction (chapter 8).

Both are made of cells and of each other, and both have `params`, `unroll` and `backward`, so that
``Stacked([Bidirectional(a, b), c])`` is a network like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnlib.bptt.trace import Gradients, Trace, Workspace
from rnnlib.bptt.unrolling import backward, unroll
from rnnlib.cells.cell import Array, Cell, as_real


@dataclass
class LayerTrace:
    """The traces of a layer's parts.

    Attributes
    ----------
    h : (T, B, H) array
        What the layer hands on: the top layer's states, or both directions side by side.
    state : tuple
        The parts' last states, one entry a part, in the order of `parts`.
    parts : list of Trace or LayerTrace
    """

    h: Array
    parts: list[Any]

    @property
    def state(self) -> tuple[Any, ...]:
        return tuple(part.state for part in self.parts)


class Stacked:
    """Layers one above the other: each reads the states of the one below.

    Parameters
    ----------
    layers : sequence of cells, `Bidirectional` or `Stacked`
        From the bottom up. A cell's ``dropout`` acts on what it reads, that is, between the layers.

    Raises
    ------
    ValueError
        If there is none, or if one does not fit on the one below.

    Notes
    -----
    ``params`` has the names ``"0.W_x"``, ``"1.W_x"``, … and the cells' own arrays. Source: Graves (2013),
    "Generating sequences with recurrent neural networks"; chapter 8.

    Examples
    --------
    >>> from rnnlib.cells import GRU, RNN
    >>> rng = np.random.default_rng(0)
    >>> two = Stacked([RNN(2, 5, rng=rng), GRU(5, 3, rng=rng)])
    >>> trace = two.unroll(np.ones((4, 1, 2)))
    >>> trace.h.shape, [h.shape for (h,) in trace.state]
    ((4, 1, 3), [(1, 5), (1, 3)])
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers: expected at least one")
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if above.input_size != below.hidden_size:
                raise ValueError(
                    f"layers[{k + 1}]: reads input_size={above.input_size}, but layers[{k}] gives {below.hidden_size}"
                )
        self.input_size: int = self.layers[0].input_size
        self.hidden_size: int = self.layers[-1].hidden_size
        self.dtype = _one_dtype(self.layers)

    @property
    def params(self) -> dict[str, Array]:
        return _named((str(k), layer.params) for k, layer in enumerate(self.layers))

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """Zeros, a state for each layer."""
        return tuple(layer.initial_state(batch_size) for layer in self.layers)

    def unroll(
        self,
        x: Array,
        state: tuple[Any, ...] | None = None,
        mask: Array | None = None,
        *,
        dropout_rng: np.random.Generator | None = None,
        workspace: Workspace | None = None,
    ) -> LayerTrace:
        """Run all layers over x (T, B, D); `state` has an entry for each layer. Otherwise as `bptt.unroll`."""
        state = _states(state, len(self.layers))
        traces = []
        for k, layer in enumerate(self.layers):
            work = workspace and workspace.part(str(k))
            traces.append(unroll_layer(layer, x, state[k], mask, dropout_rng=dropout_rng, workspace=work))
            x = traces[-1].h
        return LayerTrace(x, traces)

    def backward(self, trace: LayerTrace, dh: Array, dstate: tuple[Any, ...] | None = None) -> Gradients:
        """From ∂L/∂(top layer's states), and ∂L/∂(last states) of each layer, to all gradients."""
        dstate = _states(dstate, len(self.layers), "dstate")
        grads: list[Gradients] = []
        for layer, part, d in zip(reversed(self.layers), reversed(trace.parts), reversed(dstate), strict=True):
            grads.append(backward_layer(layer, part, dh, d))
            dh = grads[-1].x
        top = grads[0]
        grads.reverse()
        return Gradients(
            params=_named((str(k), g.params) for k, g in enumerate(grads)),
            x=dh,
            state=tuple(g.state for g in grads),
            h=top.h,
        )


class Bidirectional:
    """Two cells, each with weights of its own, that read a sequence in opposite directions.

    The states stand side by side, ``h[t]`` = [forward, which has seen x[0..t] | backward, which has seen x[t..T−1]].

    Parameters
    ----------
    forward_cell, backward_cell : RNN, GRU or LSTM
        Of one input size.

    Raises
    ------
    ValueError
        If the input sizes differ, or if both are the same object.

    Notes
    -----
    ``params`` has the names ``"forward.W_x"``, ``"backward.W_x"``, … A state is the pair of both cells' states.
    Source: Schuster & Paliwal (1997), "Bidirectional recurrent neural networks"; chapter 8.

    Examples
    --------
    >>> from rnnlib.cells import LSTM
    >>> rng = np.random.default_rng(0)
    >>> both = Bidirectional(LSTM(2, 3, rng=rng), LSTM(2, 3, rng=rng))
    >>> both.unroll(np.ones((4, 1, 2))).h.shape
    (4, 1, 6)
    """

    def __init__(self, forward_cell: Cell, backward_cell: Cell) -> None:
        if forward_cell is backward_cell:
            raise ValueError("backward_cell: expected a cell of its own, got forward_cell again")
        if forward_cell.input_size != backward_cell.input_size:
            raise ValueError(
                f"backward_cell: expected input_size={forward_cell.input_size} as forward_cell has, "
                f"got {backward_cell.input_size}"
            )
        self.cells = (forward_cell, backward_cell)
        self.input_size = forward_cell.input_size
        self.hidden_size = forward_cell.hidden_size + backward_cell.hidden_size
        self.dtype = _one_dtype(self.cells)

    @property
    def params(self) -> dict[str, Array]:
        return _named(zip(("forward", "backward"), (cell.params for cell in self.cells), strict=True))

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """Zeros, a state for each direction."""
        return tuple(cell.initial_state(batch_size) for cell in self.cells)

    def unroll(
        self,
        x: Array,
        state: tuple[Any, ...] | None = None,
        mask: Array | None = None,
        *,
        dropout_rng: np.random.Generator | None = None,
        workspace: Workspace | None = None,
    ) -> LayerTrace:
        """Run both cells over x (T, B, D); `state` is a pair of states. Otherwise as `bptt.unroll`."""
        state = _states(state, 2)
        traces = [
            unroll(
                cell, x, state[k], mask, reverse=k == 1,
                dropout_rng=dropout_rng, workspace=workspace and workspace.part(str(k)),
            )
            for k, cell in enumerate(self.cells)
        ]  # fmt: skip
        return LayerTrace(np.concatenate([trace.h for trace in traces], axis=-1), traces)

    def backward(self, trace: LayerTrace, dh: Array, dstate: tuple[Any, ...] | None = None) -> Gradients:
        """From ∂L/∂h (T, B, 2H), and ∂L/∂(last states) of both cells, to all gradients."""
        dstate = _states(dstate, 2, "dstate")
        dh = as_real("dh", dh, self.dtype, trace.h.shape)
        halves = np.split(dh, [self.cells[0].hidden_size], axis=-1)
        forth, back = (backward(trace.parts[k], halves[k], dstate[k]) for k in range(2))
        return Gradients(
            params=_named([("forward", forth.params), ("backward", back.params)]),
            x=forth.x + back.x,
            state=(forth.state, back.state),
            h=np.concatenate([forth.h, back.h], axis=-1),
        )


def unroll_layer(layer: Any, x: Array, state: Any = None, mask: Array | None = None, **options: Any) -> Any:
    """`bptt.unroll` for a cell, a `Stacked` or a `Bidirectional` alike."""
    if isinstance(layer, Cell):
        return unroll(layer, x, state, mask, **options)
    return layer.unroll(x, state, mask, **options)


def backward_layer(layer: Any, trace: Any, dh: Array, dstate: Any = None) -> Gradients:
    """`bptt.backward` for a trace of a cell, a `Stacked` or a `Bidirectional` alike."""
    return backward(trace, dh, dstate) if isinstance(trace, Trace) else layer.backward(trace, dh, dstate)


def _named(parts: Any) -> dict[str, Array]:
    return {f"{prefix}.{name}": array for prefix, arrays in parts for name, array in arrays.items()}


def _states(state: Any, parts: int, argument: str = "state") -> tuple[Any, ...]:
    if state is None:
        return (None,) * parts
    if not isinstance(state, tuple) or len(state) != parts:
        given = f"a tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
        raise TypeError(f"{argument}: expected a tuple of {parts} states, got {given}")
    return state


def _one_dtype(parts: Sequence[Any]) -> np.dtype:
    dtypes = {part.dtype for part in parts}
    if len(dtypes) > 1:
        raise ValueError(f"layers: expected one dtype, got {sorted(str(d) for d in dtypes)}")
    return dtypes.pop()
