"""A trained layer with one unit held fixed: what does the network lose without it? (chapters 6 and 7)

A gate is held by weights: its unit no longer looks at the input or at the state, and its bias alone gives the value. A
state is overwritten after each step. Either way `unroll`, `backward` and a `Model` treat the result as any other cell.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np

from rnnlib.cells import LSTM
from rnnlib.cells.activations import Activation
from rnnlib.cells.cell import Array, Cell, Gates, State

CERTAIN = 400.0  # a pre-activation at which σ and tanh are 0, 1 or −1 to the last digit of float64


def clamped(layer: Any, gate: str, unit: int, value: float) -> Any:
    """A copy of a cell, or of a model with one cell, in which one unit of a gate or of the state stands at a value.

    Parameters
    ----------
    layer : Cell or Model
        Not changed. All arrays that are not concerned are shared.
    gate : str
        One of ``cell.gates``, or "state": c of an LSTM, h of the others.
    unit : int
        0 up to H − 1.
    value : float
        What the gate, or the state after each step, is held at. A gate takes what its activation can give: 0 to 1 for
        a sigmoid, −1 to 1 for tanh. "state" at 0 is the unit taken out, ablated.

    Returns
    -------
    Cell or Model

    Raises
    ------
    TypeError
        If `layer` is neither a cell nor a model with one.
    ValueError
        If there is no such gate or unit, or the gate cannot have the value.

    Notes
    -----
    To hold a unit from step t on only, unroll the first t steps with the cell as it is, and the rest with the clamped
    one, from the state that the first left.

    Examples
    --------
    A GRU's unit whose update gate stands at 1 keeps what it had, whatever it reads:

    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import GRU
    >>> rng = np.random.default_rng(0)
    >>> cell, x, state = GRU(2, 3, rng=rng), rng.normal(size=(5, 1, 2)), (np.array([[0.5, -0.2, 0.1]]),)
    >>> trace = unroll(clamped(cell, "z", 1, 1.0), x, state)
    >>> trace.gates["z"][:, 0, 1], trace.h[:, 0, 1]
    (array([1., 1., 1., 1., 1.]), array([-0.2, -0.2, -0.2, -0.2, -0.2]))
    """
    if isinstance(getattr(layer, "layer", None), Cell):
        model = copy.copy(layer)
        model.layer = clamped(layer.layer, gate, unit, value)
        return model
    if not isinstance(layer, Cell):
        raise TypeError(f"layer: expected one cell, or a model with one, got {type(layer).__name__}")
    if not 0 <= unit < layer.hidden_size:
        raise ValueError(f"unit: expected 0 to {layer.hidden_size - 1}, got {unit}")
    if not np.isfinite(value):
        raise ValueError(f"value: expected a finite number, got {value}")
    if gate == "state":
        held = copy.copy(layer)
        held.__class__ = _holding(type(layer))  # type: ignore[arg-type]
        held._held = (int(unit), float(value))  # type: ignore[attr-defined]
        return held
    if gate not in layer.gates:
        raise ValueError(f"gate: expected one of {('state', *layer.gates)}, got {gate!r}")
    return _with_gate(layer, gate, int(unit), float(value))


def _with_gate(cell: Cell, gate: str, unit: int, value: float) -> Cell:
    """The copy whose gate no longer depends on anything: no weights into it, and a bias that gives the value."""
    candidate = gate in ("g", "n", "h")
    activation = cell.activation if candidate else getattr(cell, "recurrent_activation", cell.activation)
    a = inverse(activation, value)
    cell = copy.copy(cell)
    cell.params = {name: p.copy() for name, p in cell.params.items()}
    if not cell.use_bias:
        cell.use_bias = True
        cell.params["b"] = np.zeros(len(cell.gates) * cell.hidden_size, cell.dtype)
        if getattr(cell, "reset_after", False):
            cell.params["b_n"] = np.zeros(cell.hidden_size, cell.dtype)
    W_x, W_h, b = cell.gate(gate)
    assert b is not None
    W_x[:, unit], W_h[:, unit], b[unit] = 0, 0, a
    for name in {"n": ("b_n",), "i": ("p_i",), "f": ("p_f",), "o": ("p_o",)}.get(gate, ()):
        if name in cell.params:
            cell.params[name][unit] = 0
    return cell


def inverse(activation: Activation, value: float) -> float:
    """The pre-activation at which an activation has a value.

    Raises
    ------
    ValueError
        If it never has.

    Examples
    --------
    >>> from rnnlib.cells.activations import find_activation
    >>> inverse(find_activation("hard_sigmoid", ""), 0.25), inverse(find_activation("sigmoid", ""), 0.5)
    (-1.5, 0.0)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        a = {
            "tanh": lambda y: np.arctanh(y),
            "sigmoid": lambda y: np.log(y) - np.log1p(-y),
            "hard_sigmoid": lambda y: 6 * (y - 0.5),
        }.get(activation.name, lambda y: y)(np.float64(value))
    a = float(np.clip(a, -CERTAIN, CERTAIN)) if not np.isnan(a) else 0.0
    if not np.isclose(activation.value(np.array([a]))[0], value, rtol=0, atol=1e-9):
        raise ValueError(f"value: expected one that {activation.name} can give, got {value}")
    return a


class _Holding:
    """What a cell whose state is held does otherwise than its class."""

    _held: tuple[int, float]

    def __init_subclass__(cls) -> None:
        """Other cells are entered in the registry here, so that they can be stored; these cannot."""

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        after, gates = super().forward(u, state)  # type: ignore[misc]
        unit, value = self._held
        after[-1][:, unit] = value
        if len(after) == 2:
            o = gates[self.gates.index("o")]  # type: ignore[attr-defined]
            after[0][:, unit] = o[:, unit] * self.activation.value(after[1][:, unit])  # type: ignore[attr-defined]
        return after, gates

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        """No gradient passes the value that is held; of an LSTM, h still depends on o."""
        unit, _ = self._held
        dstate = tuple(d.copy() for d in dstate)
        if len(dstate) == 1:
            dstate[0][:, unit] = 0
        else:
            o = gates[self.gates.index("o")][:, unit]  # type: ignore[attr-defined]
            phi = self.activation.value(after[1][:, unit])  # type: ignore[attr-defined]
            dstate[1][:, unit] = -dstate[0][:, unit] * o * self.activation.slope(phi)  # type: ignore[attr-defined]
        return super().backward(dstate, before, after, gates)  # type: ignore[misc]

    def config(self) -> dict[str, Any]:
        raise TypeError("layer: expected a cell that can be stored, got one whose state is clamped")


@cache
def _holding(kind: type[Cell]) -> type[Cell]:
    """A class derived from `kind` that holds one unit of its state."""
    if issubclass(kind, LSTM) or kind.states == ("h",):
        return type(f"Clamped{kind.__name__}", (_Holding, kind), {})
    raise TypeError(f"layer: expected a cell with the states (h,) or an LSTM, got {kind.__name__}")
