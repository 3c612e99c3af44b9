"""The LSTM cell (chapter 7).

    I_t, F_t, O_t = σ(X_t W_x· + H_{t−1} W_h· + b_·)                     input, forget and output gate
              G_t = φ(X_t W_xg + H_{t−1} W_hg + b_g)                     candidate (also written C̃_t)
              C_t = F_t ⊙ C_{t−1} + I_t ⊙ G_t
              H_t = O_t ⊙ φ(C_t)

Hochreiter & Schmidhuber (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
"""

from typing import Any

import numpy as np

from rnnlib.cells import convert
from rnnlib.cells.activations import find_activation
from rnnlib.cells.cell import Array, Cell, Scratch, State


class LSTM(Cell):
    """A long short-term memory cell with the gates i, f, o and the candidate g.

    Parameters
    ----------
    input_size, hidden_size, rng, dtype, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, dropout,
    recurrent_dropout
        As in `RNN`.
    activation : str
        φ, for the candidate and for the output of the cell state; "tanh" by default.
    recurrent_activation : str
        σ, for the three gates; "sigmoid" by default. A gate should stay in [0, 1], as "sigmoid" and "hard_sigmoid" do.
    forget_bias : float
        Added to the forget gate's bias at the start; 1 by default, so that a new cell remembers (Jozefowicz,
        Zaremba & Sutskever 2015). Keras' ``unit_forget_bias=True`` is 1, PyTorch starts with a random one around 0.

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

    gates = ("i", "f", "o", "g")
    states = ("h", "c")
    saved = ("φ(c)",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        recurrent_activation: str = "sigmoid",
        forget_bias: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, rng=rng, **options)
        self.recurrent_activation = find_activation(recurrent_activation, "recurrent_activation")
        self.forget_bias = float(forget_bias)
        if self.use_bias:
            b_f = self.gate("f")[2]
            assert b_f is not None
            b_f += self.forget_bias

    def forward(
        self,
        u: Array,
        prev: State,
        new: State,
        gates: Array,
        saved: State,
        work: Scratch,
        drop: Array | None = None,
    ) -> None:
        (h_prev, c_prev), (h, c), (i, f, o, g), (phi_c,) = prev, new, gates, saved
        h_in = h_prev if drop is None else h_prev * drop
        np.matmul(h_in, self.params["W_h"], out=work.rows)  # the four gates in one product
        work.rows += u  # a = X_t W_x + H_{t−1} W_h + b
        self.recurrent_activation.value(work.blocks[:3], gates[:3])  # I_t, F_t, O_t = σ(a)
        self.activation.value(work.blocks[3], g)  # G_t = φ(a_g)
        np.multiply(f, c_prev, out=c)
        c += np.multiply(i, g, out=work.h)  # C_t = F_t ⊙ C_{t−1} + I_t ⊙ G_t
        self.activation.value(c, phi_c)
        np.multiply(o, phi_c, out=h)  # H_t = O_t ⊙ φ(C_t)

    def backward(
        self,
        dnew: State,
        dprev: State,
        prev: State,
        gates: Array,
        saved: State,
        work: Scratch,
        drop: Array | None = None,
    ) -> None:
        (dh, dc_later), (dh_prev, dc_prev), (_, c_prev), (i, f, o, g), (phi_c,) = (
            dnew,
            dprev,
            prev,
            gates,
            saved,
        )
        da_i, da_f, da_o, da_g = da = work.gates
        self.recurrent_activation.slope(gates[:3], da[:3])
        self.activation.slope(g, da_g)
        # H_t = O_t ⊙ φ(C_t)
        da_o *= phi_c
        da_o *= dh
        dc = work.h
        self.activation.slope(phi_c, dc)
        dc *= o
        dc *= dh
        dc += dc_later  # C_t reaches the loss through H_t and through C_{t+1}
        # C_t = F_t ⊙ C_{t−1} + I_t ⊙ G_t
        da_i *= g
        da_f *= c_prev
        da[:2] *= dc
        da_g *= i
        da_g *= dc
        np.multiply(dc, f, out=dc_prev)  # the highway: no matrix, no φ′
        # a = X_t W_x + H_{t−1} W_h + b
        work.blocks[...] = da
        dh_in = np.matmul(work.rows, work.W_hT, out=work.h)
        if drop is not None:
            dh_in *= drop
        dh_prev += dh_in

    def config(self) -> dict[str, Any]:
        return super().config() | {
            "recurrent_activation": self.recurrent_activation.name,
            "forget_bias": self.forget_bias,
        }

    from_torch = classmethod(convert.lstm_from_torch)
    from_keras = classmethod(convert.lstm_from_keras)
    to_torch = convert.lstm_to_torch
