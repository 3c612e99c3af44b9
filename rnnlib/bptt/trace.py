"""What the two passes return: `Trace` and `Gradients`.

Arrays are kept in the order in which the cell met the steps. With ``reverse=True`` that is from the last step to the
first, and every public property turns it round: the outside sees the sequence's own time only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnlib.cells.cell import Array, Cell, Gates, State


@dataclass(repr=False)
class Trace:
    """A cell's walk over a batch of sequences: what `backward` needs, and what figures draw.

    Attributes
    ----------
    h, c : (T, B, H) array
        The states after each step; `c` of an LSTM only. At a masked step, the state that was carried on.
    gates : dict of str to (T, B, H) array
        Each gate's values, by name; of no meaning at masked steps.
    state : tuple of (B, H) arrays
        The state after the last valid step of each sequence.
    initial_state : tuple of (B, H) arrays
    layer, x, mask, reverse
        As given to `unroll`; `layer` is the cell, also called `cell`.

    A trace can be sliced in time, ``trace[2:5]``: the steps 2, 3 and 4, as views.
    """

    layer: Cell
    x: Array  # (T, B, D), as given
    mask: Array | None  # (T, B) of bool, as given
    reverse: bool
    visited: State = field(repr=False)  # (T + 1, B, H) each: the states met, the initial one first
    steps: Sequence[Gates] = field(repr=False)  # T tuples of (B, H): what `forward` returned beside the state
    drop_x: Array | None = field(default=None, repr=False)  # (B, D) factors on every X_t
    drop_h: Array | None = field(default=None, repr=False)  # (B, H) factors on every H_{t−1} that enters W_h

    @property
    def cell(self) -> Cell:
        return self.layer

    def in_time(self, met: Array) -> Array:
        """`met`, one entry a step in the order met, in the sequence's own order (and the other way round)."""
        return met[::-1] if self.reverse else met

    @property
    def h(self) -> Array:
        return self.in_time(self.visited[0][1:])

    @property
    def c(self) -> Array:
        if len(self.visited) == 1:
            raise AttributeError(f"c: {type(self.cell).__name__} has no cell state")
        return self.in_time(self.visited[1][1:])

    @property
    def gates(self) -> dict[str, Array]:
        return {
            name: self.in_time(np.stack([values[k] for values in self.steps]))
            for k, name in enumerate(self.cell.gates)
        }  # fmt: skip

    @property
    def initial_state(self) -> State:
        return tuple(s[0] for s in self.visited)

    @property
    def state(self) -> State:
        return tuple(s[-1] for s in self.visited)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        T, B, _ = self.x.shape
        more = (", masked" if self.mask is not None else "") + (", reverse" if self.reverse else "")
        return f"Trace({self.cell!r}, T={T}, B={B}{more})"

    def __getitem__(self, steps: slice) -> "Trace":
        if not isinstance(steps, slice):
            raise TypeError(f"steps: expected a slice such as trace[2:5], got {steps!r}")
        start, stop, stride = steps.indices(len(self))
        if stride != 1 or stop <= start:
            raise ValueError(f"steps: expected at least one step and stride 1, got {steps} of {len(self)} steps")
        met = slice(len(self) - stop, len(self) - start) if self.reverse else slice(start, stop)
        return Trace(
            layer=self.cell,
            x=self.x[start:stop],
            mask=None if self.mask is None else self.mask[start:stop],
            reverse=self.reverse,
            visited=tuple(s[met.start : met.stop + 1] for s in self.visited),
            steps=self.steps[met],
            drop_x=self.drop_x,
            drop_h=self.drop_h,
        )


@dataclass(repr=False)
class LayerTrace:
    """The traces of a layer's parts.

    Attributes
    ----------
    layer : Stacked, Bidirectional or a layer of one's own
    h : (T, B, H) array
        What the layer hands on: the top layer's states, or both directions side by side.
    state : tuple
        The parts' last states, one entry a part, in the order of `parts`.
    parts : list of Trace or LayerTrace
    """

    layer: Any
    h: Array
    parts: list[Any]

    @property
    def state(self) -> tuple[Any, ...]:
        return tuple(part.state for part in self.parts)

    def __len__(self) -> int:
        return len(self.h)

    def __repr__(self) -> str:
        return f"LayerTrace({self.layer!r}, T={self.h.shape[0]}, B={self.h.shape[1]})"


def expect_cell(trace: object) -> None:
    """TypeError unless `trace` is that of a single cell."""
    if not isinstance(trace, Trace):
        raise TypeError(
            f"trace: expected the Trace of a cell, got {type(trace).__name__}; of a layer, take trace.parts"
        )


@dataclass(repr=False)
class Gradients:
    """∂L/∂ everything that a layer used on a sequence.

    Attributes
    ----------
    params : dict of str to array
        Same keys and shapes as ``layer.params``; summed over the steps and over the batch.
    x : (T, B, D) array
    state : tuple of (B, H) arrays
        For the initial state; of a `Stacked` or `Bidirectional`, one such tuple a part.
    h : (T, B, H) array
        ∂L/∂h_t: what the loss sends to h_t directly, and through all that follows it.
    c : (T, B, H) array or None
        Of an LSTM, ∂L/∂c_t with h_t held fixed: what reaches c_t through c_{t+1}.
    others : tuple of (T, B, H) arrays
        The same for further parts of a state, of a cell of your own that has more than two.
    """

    params: dict[str, Array]
    x: Array
    state: tuple[Any, ...]
    h: Array
    c: Array | None = None
    others: tuple[Array, ...] = ()

    @property
    def h_norm(self) -> Array:
        """(T,) array: ‖∂L/∂h_t‖, the Euclidean norm over batch and units."""
        return np.sqrt(np.einsum("tbh,tbh->t", self.h, self.h))

    def __repr__(self) -> str:
        T, B, D = self.x.shape
        return f"Gradients(params={', '.join(self.params)}; T={T}, B={B}, D={D}, H={self.h.shape[-1]})"
