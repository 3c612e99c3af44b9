"""The LSTM cell (chapter 7).

    I_t, F_t, O_t = σ(X_t W_x· + H_{t−1} W_h· + b_·)                     input, forget and output gate
              G_t = φ(X_t W_xg + H_{t−1} W_hg + b_g)                     candidate (also written C̃_t)
              C_t = F_t ⊙ C_{t−1} + I_t ⊙ G_t
              H_t = O_t ⊙ φ(C_t)

Hochreiter & Schmidhuber (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000). The steps of the classical
variants are in `lstm_variants`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlib.cells import convert
from rnnlib.cells import lstm_variants as variants
from rnnlib.cells.activations import find_activation
from rnnlib.cells.cell import Array, Cell, Gates, State, blocks


class LSTM(Cell):
    """A long short-term memory cell with the gates i, f, o and the candidate g.

    Parameters
    ----------
    input_size, hidden_size, rng
        As in `RNN`.
    activation : str
        φ, for the candidate and for the output of the cell state; "tanh" by default.
    recurrent_activation : str
        σ, for the three gates; "sigmoid" by default. A gate should stay in [0, 1], as "sigmoid" and "hard_sigmoid" do.
    forget_bias : float
        Added to the forget gate's bias at the start; 1 by default, so that a new cell remembers (Jozefowicz,
        Zaremba & Sutskever 2015). Keras' ``unit_forget_bias=True`` is 1, PyTorch starts with a random one around 0.
    peephole : bool
        The gates look at the cell state too, each unit at its own: i and f at C_{t−1}, o at C_t. Adds the parameters
        ``p_i``, ``p_f``, ``p_o`` (H,), of those gates that there are; they start at zero (Gers & Schmidhuber 2000).
    coupled : bool
        One gate for both: i = 1 − f. The gates are f, o, g (Greff et al. 2017: "coupled input and forget gate").
    forget_gate : bool
        False: f = 1, nothing is ever forgotten. The gates are i, o, g (Hochreiter & Schmidhuber 1997).
    **options
        As in `RNN`: dtype, use_bias, three initializers, dropout and recurrent_dropout.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, unknown or out of range; the message names it.

    Notes
    -----
    Sources: Hochreiter & Schmidhuber (1997), Gers, Schmidhuber & Cummins (2000); chapter 7.

    Examples
    --------
    >>> cell = LSTM(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> W_xf, W_hf, b_f = cell.gate("f")
    >>> W_xf.shape, W_hf.shape, b_f
    ((2, 3), (3, 3), array([1., 1., 1.]))
    """

    gates: tuple[str, ...] = ("i", "f", "o", "g")
    states = ("h", "c")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        recurrent_activation: str = "sigmoid",
        forget_bias: float | None = None,
        peephole: bool = False,
        coupled: bool = False,
        forget_gate: bool = True,
        **options: Any,
    ) -> None:
        self.peephole, self.coupled, self.forget_gate = bool(peephole), bool(coupled), bool(forget_gate)
        self.gates = variants.gates_of(self.coupled, self.forget_gate)
        self.is_variant = self.peephole or len(self.gates) < 4
        super().__init__(input_size, hidden_size, rng=rng, **options)
        self.recurrent_activation = find_activation(recurrent_activation, "recurrent_activation")
        self.forget_bias = variants.forget_bias_of(forget_bias, self.forget_gate)
        if self.use_bias and self.forget_gate:
            b_f = self.gate("f")[2]
            assert b_f is not None
            b_f += self.forget_bias
        if self.peephole:
            self.params |= variants.peepholes(self)

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        if self.is_variant:
            return variants.forward(self, u, state)
        (h_prev, c_prev), σ, φ = state, self.recurrent_activation.value, self.activation.value
        a_i, a_f, a_o, a_g = blocks(u + self.dropped(h_prev) @ self.params["W_h"], 4)  # (B, H) each, one product
        i, f, o, g = σ(a_i), σ(a_f), σ(a_o), φ(a_g)
        c = f * c_prev + i * g
        h = o * φ(c)
        return (h, c), (i, f, o, g)

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        if self.is_variant:
            return variants.backward(self, dstate, before, after, gates)
        (dh, dc), (_, c_prev), (_, c), (i, f, o, g) = dstate, before, after, gates
        # dσ(i) is σ′(a_i), written in terms of i = σ(a_i)
        dσ, φ, dφ = self.recurrent_activation.slope, self.activation.value, self.activation.slope
        phi_c = φ(c)
        dc = dc + dh * o * dφ(phi_c)  # C_t reaches the loss through C_{t+1} and through H_t
        da_o = dh * phi_c * dσ(o)
        da_g = dc * i * dφ(g)
        da_i = dc * g * dσ(i)
        da_f = dc * c_prev * dσ(f)
        dc_prev = dc * f  # the highway: no matrix, no φ′
        da = np.concatenate([da_i, da_f, da_o, da_g], axis=1)  # (B, 4H)
        dh_prev = self.dropped(da @ self.params["W_h"].T)
        return da, (dh_prev, dc_prev)

    def parameter_gradients(
        self, before: State, after: State, gates: Sequence[Gates], da: Array, dstate: State
    ) -> dict[str, Array]:
        gradients = super().parameter_gradients(before, after, gates, da, dstate)
        return gradients | (variants.peephole_gradients(self, before, after, da) if self.peephole else {})

    def config(self) -> dict[str, Any]:
        return super().config() | {
            "recurrent_activation": self.recurrent_activation.name,
            "forget_bias": self.forget_bias,
            "peephole": self.peephole,
            "coupled": self.coupled,
            "forget_gate": self.forget_gate,
        }

    from_torch = classmethod(convert.lstm_from_torch)
    from_keras = classmethod(convert.lstm_from_keras)
    to_torch = convert.lstm_to_torch
    to_torch_names = convert.lstm_to_torch_names
