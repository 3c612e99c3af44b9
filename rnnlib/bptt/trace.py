"""What the two passes return: `Trace` and `Gradients`, and the `Workspace` whose arrays they may live in.

Arrays are kept in the order in which the cell met the steps. With ``reverse=True`` that is from the last step to the
first, and every public property turns it round: the outside sees the sequence's own time only.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from rnnlib.cells.cell import Array, Cell, State


class Workspace:
    """Arrays to use again, by name.

    A training step makes the same large arrays each time. Fresh ones cost more than they seem to: the operating
    system clears every page when it is first touched. Pass one workspace to `unroll` at each training step; the
    trace and the gradients of the step before are then overwritten.

    Examples
    --------
    >>> work = Workspace()
    >>> first = work.take("a", (2, 3), np.float64)
    >>> work.take("a", (2, 3), np.float64) is first
    True
    """

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}
        self._parts: dict[str, Workspace] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """The array called `name`, with whatever was left in it; a new one if shape or dtype have changed."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._arrays[name] = np.empty(shape, dtype)
        return array

    def part(self, name: str) -> "Workspace":
        """A workspace within this one, for instance one per layer."""
        return self._parts.setdefault(name, Workspace())


@dataclass
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
    cell, x, mask, reverse
        As given to `unroll`.

    A trace can be sliced in time, ``trace[2:5]``: the steps 2, 3 and 4, as views.
    """

    cell: Cell
    x: Array  # (T, B, D), as given
    mask: Array | None  # (T, B) of bool, as given
    reverse: bool
    visited: State = field(repr=False)  # (T + 1, B, H) each: the states met, the initial one first
    gate_values: Array = field(repr=False)  # (T, G, B, H), in the order met
    saved: tuple[Array, ...] = field(repr=False)  # (T, B, H) each, in the order met
    drop_x: Array | None = field(default=None, repr=False)  # (B, D) factors on every X_t
    drop_h: Array | None = field(default=None, repr=False)  # (B, H) factors on every H_{t−1} that enters W_h
    workspace: Workspace | None = field(default=None, repr=False)  # the caller's, for `backward` to use as well

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
        return {name: self.in_time(self.gate_values[:, k]) for k, name in enumerate(self.cell.gates)}

    @property
    def initial_state(self) -> State:
        return tuple(s[0] for s in self.visited)

    @property
    def state(self) -> State:
        return tuple(s[-1] for s in self.visited)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, steps: slice) -> "Trace":
        if not isinstance(steps, slice):
            raise TypeError(f"steps: expected a slice such as trace[2:5], got {steps!r}")
        start, stop, stride = steps.indices(len(self))
        if stride != 1 or stop <= start:
            raise ValueError(f"steps: expected at least one step and stride 1, got {steps} of {len(self)} steps")
        met = slice(len(self) - stop, len(self) - start) if self.reverse else slice(start, stop)
        return Trace(
            cell=self.cell,
            x=self.x[start:stop],
            mask=None if self.mask is None else self.mask[start:stop],
            reverse=self.reverse,
            visited=tuple(s[met.start : met.stop + 1] for s in self.visited),
            gate_values=self.gate_values[met],
            saved=tuple(s[met] for s in self.saved),
            drop_x=self.drop_x,
            drop_h=self.drop_h,
        )


@dataclass
class Gradients:
    """∂L/∂ everything that a cell used on a sequence.

    Attributes
    ----------
    params : dict of str to array
        Same keys and shapes as ``cell.params``; summed over the steps and over the batch.
    x : (T, B, D) array
    state : tuple of (B, H) arrays
        For the initial state; of a `Stacked` or `Bidirectional`, one such tuple a part.
    h : (T, B, H) array
        ∂L/∂h_t: what the loss sends to h_t directly, and through all that follows it.
    c : (T, B, H) array or None
        Of an LSTM, ∂L/∂c_t with h_t held fixed: what reaches c_t through c_{t+1}.
    """

    params: dict[str, Array]
    x: Array
    state: tuple[Any, ...]
    h: Array
    c: Array | None = None

    @property
    def h_norm(self) -> Array:
        """(T,) array: ‖∂L/∂h_t‖, the Euclidean norm over batch and units."""
        return np.sqrt(np.einsum("tbh,tbh->t", self.h, self.h))
