"""Gradients that a computer algebra system derives: one unit, a few steps, every symbol in sight (chapter 7).

    walk = unrolled("LSTM", 3)             h_1 … h_3 as formulas of the weights, the inputs and the state before
    walk.gradient("W_hf")                  ∂L/∂w_hf, where L = Σ_t g_t h_t
    state_jacobian("LSTM", 3)              ∂s_3/∂s_0 in the gates' values, a polynomial in the recurrent weights

Nothing here knows the backward pass of `rnnlib.bptt`: SymPy applies the chain rule to the equations of one step, so the
two can be compared. Deliberately absent: more than one unit, and any expanding or simplifying of whole gradients,
which takes minutes where the derivation takes a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.cells.cell import Cell
from rnnlib.extras import needs

needs("rnnlib.symbolic", "course", "sympy")

import sympy
from sympy import Expr, Matrix, Symbol

__all__ = ["Unrolled", "sigma", "state_jacobian", "tanh", "terms_by_power", "unrolled"]

Array = np.ndarray


class sigma(sympy.Function):
    """The logistic sigmoid σ. Its derivative is written in its value, σ′ = σ(1 − σ), so σ stays one symbol to read."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return self * (1 - self)


class tanh(sympy.Function):
    """The hyperbolic tangent, likewise: tanh′ = 1 − tanh²."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return 1 - self**2


NUMERIC = {"sigma": lambda a: 1 / (1 + np.exp(-a)), "tanh": np.tanh}

# one step for one unit: a(gate, h) is w_x x_t + w_h h + b, in the gate's own weights
Step = Callable[[Callable[..., Expr], tuple[Expr, ...]], tuple[Expr, ...]]


def _rnn(a: Callable[..., Expr], state: tuple[Expr, ...]) -> tuple[Expr, ...]:
    (h,) = state
    return (tanh(a("h", h)),)


def _gru(a: Callable[..., Expr], state: tuple[Expr, ...]) -> tuple[Expr, ...]:
    (h,) = state
    r, z = sigma(a("r", h)), sigma(a("z", h))
    n = tanh(a("n", r * h))
    return (z * h + (1 - z) * n,)


def _lstm(a: Callable[..., Expr], state: tuple[Expr, ...]) -> tuple[Expr, ...]:
    h, c = state
    i, f, o = sigma(a("i", h)), sigma(a("f", h)), sigma(a("o", h))
    g = tanh(a("g", h))
    c = f * c + i * g
    return o * tanh(c), c


CELLS: dict[str, tuple[type[Cell], Step]] = {"RNN": (RNN, _rnn), "GRU": (GRU, _gru), "LSTM": (LSTM, _lstm)}


@dataclass(frozen=True)
class Unrolled:
    """A cell of one unit, unrolled; :func:`unrolled` makes it.

    Attributes
    ----------
    cell : {"RNN", "GRU", "LSTM"}
    weights : dict of str to Symbol
        ``W_x``, ``W_h`` and ``b`` of each gate: ``weights["W_hf"]`` is w_hf.
    x, g : tuple of Symbol
        The inputs x_1 … x_T, and what each state's output sends back, g_t = ∂L/∂h_t on the direct way.
    start : tuple of Symbol
        The state before the first step, (h_0,) or (h_0, c_0).
    states : tuple of tuple of Expr
        The states after steps 1 … T.
    """

    cell: str
    weights: Mapping[str, Symbol]
    x: tuple[Symbol, ...]
    g: tuple[Symbol, ...]
    start: tuple[Symbol, ...]
    states: tuple[tuple[Expr, ...], ...]

    @cached_property
    def loss(self) -> Expr:
        """L = Σ_t g_t h_t, a projection of all outputs."""
        return sympy.Add(*(g * state[0] for g, state in zip(self.g, self.states, strict=True)))

    def gradient(self, name: str) -> Expr:
        """∂L/∂(a weight), by its name in `weights`, or ∂L/∂h_0, ∂L/∂c_0, ∂L/∂x_t by the symbol's name.

        Raises
        ------
        ValueError
            If there is no such symbol.
        """
        symbols = {**self.weights, **{str(s): s for s in (*self.start, *self.x)}}
        if name not in symbols:
            raise ValueError(f"name: expected one of {', '.join(symbols)}, got {name!r}")
        return sympy.diff(self.loss, symbols[name])

    def evaluate(self, cell: Any, x: Array, state: tuple[Array, ...], dh: Array) -> dict[str, Array]:
        """All gradients as numbers, in the library's layout.

        Parameters
        ----------
        cell : RNN, GRU or LSTM with ``input_size=1, hidden_size=1``
            Its weights are put in.
        x : (T, 1, 1) array
        state : tuple of (1, 1) arrays
        dh : (T, 1, 1) array
            The numbers for g_t.

        Returns
        -------
        dict of str to array
            ``W_x``, ``W_h``, ``b`` as ``cell.params`` has them, and ``h_0`` (and ``c_0``), (1, 1).

        Raises
        ------
        ValueError
            If the cell is another one, has options beyond these equations, or the number of steps differs.
        """
        _expect_cell(self.cell, cell, len(self.x), x)
        names = [f"{p}{gate}" for p in ("W_x", "W_h", "b_") for gate in cell.gates]
        starts = [str(s) for s in self.start]
        formulas = [self.gradient(name) for name in [*names, *starts]]
        symbols = [*(self.weights[name] for name in names), *self.x, *self.g, *self.start]
        numbers = np.concatenate([
            *(np.ravel(cell.params[p]) for p in ("W_x", "W_h", "b")), np.ravel(x), np.ravel(dh), *map(np.ravel, state)
        ])  # fmt: skip
        values = sympy.lambdify(symbols, formulas, [NUMERIC, "numpy"], cse=True)(*numbers)
        found = dict(zip([*names, *starts], values, strict=True))
        gradients = {
            "W_x": np.array([[found[f"W_x{gate}"] for gate in cell.gates]]),
            "W_h": np.array([[found[f"W_h{gate}"] for gate in cell.gates]]),
            "b": np.array([found[f"b_{gate}"] for gate in cell.gates]),
        }
        return gradients | {name: np.array([[found[name]]]) for name in starts}


def unrolled(cell: str, steps: int) -> Unrolled:
    """The formulas of a cell with one unit and one input over a few steps.

    Parameters
    ----------
    cell : {"RNN", "GRU", "LSTM"}
        The GRU with the reset gate before the product.
    steps : int
        T, 1 to 5. An LSTM's gradients take .1 s for T = 3, about a second for T = 4, and several for T = 5.

    Returns
    -------
    Unrolled

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> walk = unrolled("RNN", 2)
    >>> walk.states[1][0]
    tanh(W_hh*tanh(W_hh*h_0 + W_xh*x_1 + b_h) + W_xh*x_2 + b_h)
    >>> unrolled("LSTM", 1).gradient("c_0")
    g_1*(1 - tanh(c_0*sigma(W_hf*h_0 + W_xf*x_1 + b_f) + sigma(W_hi*h_0 + W_xi*x_1 + b_i)*tanh(W_hg*h_0 + W_xg*x_1 + \
b_g))**2)*sigma(W_hf*h_0 + W_xf*x_1 + b_f)*sigma(W_ho*h_0 + W_xo*x_1 + b_o)
    """
    kind, step = _find(cell)
    _few(steps)
    weights = {f"{p}{gate}": Symbol(f"{p}{gate}") for gate in kind.gates for p in ("W_x", "W_h", "b_")}
    x, g = (tuple(Symbol(f"{letter}_{t}") for t in range(1, steps + 1)) for letter in "xg")
    state = start = tuple(Symbol(f"{part}_0") for part in kind.states)
    states = []
    for x_t in x:

        def a(gate: str, h: Expr, x_t: Symbol = x_t) -> Expr:
            return weights[f"W_x{gate}"] * x_t + weights[f"W_h{gate}"] * h + weights[f"b_{gate}"]

        state = step(a, state)
        states.append(state)
    return Unrolled(cell, weights, x, g, start, tuple(states))


def state_jacobian(cell: str, steps: int) -> Matrix:
    """∂s_T/∂s_0, where each gate's value is one symbol: a product of one matrix for each step.

    Parameters
    ----------
    cell : {"RNN", "GRU", "LSTM"}
    steps : int
        T, 1 to 5.

    Returns
    -------
    sympy.Matrix
        (1, 1), or (2, 2) for an LSTM, whose state is (h, c): entry (i, j) is ∂(new)_i/∂(old)_j. In it ``f_t`` is the
        forget gate of step t, ``h_t`` and ``c_t`` the state, and ``W_hf`` the recurrent weight of the forget gate.

    Raises
    ------
    ValueError, TypeError

    Notes
    -----
    With the gates' values as symbols each entry is a polynomial in the recurrent weights: :func:`terms_by_power`.

    Examples
    --------
    >>> state_jacobian("RNN", 2)[0]
    W_hh**2*(1 - h_1**2)*(1 - h_2**2)
    >>> state_jacobian("LSTM", 3)[1, 1].subs({"W_hi": 0, "W_hf": 0, "W_ho": 0, "W_hg": 0})
    f_1*f_2*f_3
    """
    _find(cell)
    _few(steps)
    product = sympy.eye(len(CELLS[cell][0].states))
    for t in range(1, steps + 1):
        product = _step_jacobian(cell, t) * product
    return product


def terms_by_power(entry: Expr) -> dict[int, int]:
    """How many terms of a Jacobian's entry hold which power of the recurrent weights.

    Parameters
    ----------
    entry : Expr
        One entry of what :func:`state_jacobian` returned.

    Returns
    -------
    dict of int to int
        The total power of all recurrent weights in a product, and the number of such products of weights.

    Examples
    --------
    >>> terms_by_power(state_jacobian("RNN", 3)[0])
    {3: 1}
    >>> terms_by_power(state_jacobian("GRU", 2)[0])
    {0: 1, 1: 2, 2: 4, 3: 2, 4: 1}
    """
    weights = sorted((s for s in entry.free_symbols if str(s).startswith("W_h")), key=str)
    if not weights:
        return {0: int(entry != 0)}
    powers = Counter(sum(exponents) for exponents in sympy.Poly(entry, *weights).monoms())
    return dict(sorted(powers.items()))


def _step_jacobian(cell: str, t: int) -> Matrix:
    """∂s_t/∂s_{t−1} in the gates' values: SymPy differentiates one step, then each σ(…) and tanh(…) gets its name."""
    kind, step = CELLS[cell]
    before = tuple(Symbol(f"{part}_{t - 1}") for part in kind.states)
    names: dict[Expr, Symbol] = {}

    def a(gate: str, h: Expr) -> Expr:
        total = Symbol(f"W_h{gate}") * h + Symbol(f"u_{gate}")  # u_t: the input's part and the bias
        for function in (sigma, tanh):
            names[function(total)] = Symbol(f"{gate}_{t}")
        return total

    after = step(a, before)
    jacobian = Matrix(after).jacobian(before)
    if cell == "LSTM":
        names[tanh(after[1])] = tanh(Symbol(f"c_{t}"))
    # the larger expressions first: a gate's value may hold another's (a GRU's candidate holds r)
    order = sorted(names.items(), key=lambda pair: -sympy.count_ops(pair[0]))
    return jacobian.subs(order)


def _find(cell: str) -> tuple[type[Cell], Step]:
    if cell not in CELLS:
        raise ValueError(f"cell: expected one of {', '.join(CELLS)}, got {cell!r}")
    return CELLS[cell]


def _few(steps: int) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f"steps: expected an integer, got {steps!r}")
    if not 1 <= steps <= 5:
        raise ValueError(f"steps: expected 1 to 5, since the formulas grow quickly, got {steps}")


def _expect_cell(name: str, cell: Any, steps: int, x: Array) -> None:
    """Refuse a cell that these formulas do not describe."""
    plain = type(cell) is CELLS[name][0] and cell.params.keys() == {"W_x", "W_h", "b"}
    if not plain or (cell.input_size, cell.hidden_size) != (1, 1) or len(cell.gates) != len(CELLS[name][0].gates):
        raise ValueError(f"cell: expected {name}(1, 1) without variants, got {cell!r}")
    if np.shape(x) != (steps, 1, 1):
        raise ValueError(f"x: expected shape {(steps, 1, 1)}, got {np.shape(x)}")
