"""The GRU cell (chapter 6), in both of its forms.

    R_t, Z_t = σ(X_t W_x· + H_{t−1} W_h· + b_·)                          reset and update gate
         N_t = φ(X_t W_xn + S_t W_hn + b)   with S_t = R_t ⊙ H_{t−1}        candidate, reset before the product
         N_t = φ(X_t W_xn + b + R_t ⊙ S_t)  with S_t = H_{t−1} W_hn + b_n   candidate, reset after the product
         H_t = Z_t ⊙ H_{t−1} + (1 − Z_t) ⊙ N_t

"Before" is Cho et al. (2014); "after" is cuDNN's, and so PyTorch's and Keras' default: it needs one product, not two.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from rnnlib.cells import convert
from rnnlib.cells.activations import find_activation
from rnnlib.cells.cell import Array, Cell, Gates, State, blocks, summed_product
from rnnlib.cells.initializers import draw


class GRU(Cell):
    """A gated recurrent unit with the gates r, z and the candidate n.

    Parameters
    ----------
    input_size, hidden_size, rng
        As in `RNN`.
    activation : str
        φ, for the candidate; "tanh" by default.
    recurrent_activation : str
        σ, for both gates; "sigmoid" by default.
    reset_after : bool
        False (default): the reset gate acts on H_{t−1}. True: on H_{t−1} W_hn + b_n, and ``params["b_n"]`` (H,) exists.
    **options
        As in `RNN`: dtype, use_bias, three initializers, dropout and recurrent_dropout.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, unknown or out of range; the message names it.

    Notes
    -----
    Z_t = 1 keeps the state, Z_t = 0 replaces it, as in PyTorch and Keras; Cho et al. (2014, arXiv:1406.1078) agree,
    Chung et al. (2014) have Z and 1 − Z exchanged. Chapter 6.

    Examples
    --------
    >>> cell = GRU(input_size=2, hidden_size=3, rng=np.random.default_rng(0), reset_after=True)
    >>> {name: p.shape for name, p in cell.params.items()}
    {'W_x': (2, 9), 'W_h': (3, 9), 'b': (9,), 'b_n': (3,)}
    """

    gates = ("r", "z", "n")
    roles: ClassVar[dict[str, str]] = Cell.roles | {"b_n": "bias"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        recurrent_activation: str = "sigmoid",
        reset_after: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, rng=rng, **options)
        self.recurrent_activation = find_activation(recurrent_activation, "recurrent_activation")
        self.reset_after = bool(reset_after)
        if self.reset_after and self.use_bias:
            b_n = draw(self.bias_initializer, rng, (self.hidden_size,), "bias_initializer")
            self.params["b_n"] = b_n.astype(self.dtype)

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        (h_prev,), W_h, H = state, self.params["W_h"], self.hidden_size
        σ, φ, h_in = self.recurrent_activation.value, self.activation.value, self.dropped(h_prev)
        u_r, u_z, u_n = blocks(u, 3)  # (B, H) each
        if self.reset_after:
            a_r, a_z, s = blocks(h_in @ W_h, 3)
            s = s + self.params["b_n"] if self.use_bias else s  # S_t = H_{t−1} W_hn + b_n
            r, z = σ(u_r + a_r), σ(u_z + a_z)
            n = φ(u_n + r * s)
        else:
            a_r, a_z = blocks(h_in @ W_h[:, : 2 * H], 2)
            r, z = σ(u_r + a_r), σ(u_z + a_z)
            s = r * h_in  # S_t = R_t ⊙ H_{t−1}
            n = φ(u_n + s @ W_h[:, 2 * H :])
        h = z * h_prev + (1 - z) * n
        return (h,), (r, z, n, s)

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        (dh,), (h_prev,), (r, z, n, s), W_h, H = dstate, before, gates, self.params["W_h"], self.hidden_size
        dσ, dφ = self.recurrent_activation.slope, self.activation.slope
        da_n = dh * (1 - z) * dφ(n)
        da_z = dh * (h_prev - n) * dσ(z)
        if self.reset_after:
            da_r = da_n * s * dσ(r)
            dh_in = np.concatenate([da_r, da_z, da_n * r], axis=1) @ W_h.T
        else:
            ds = da_n @ W_h[:, 2 * H :].T
            da_r = ds * self.dropped(h_prev) * dσ(r)
            dh_in = np.concatenate([da_r, da_z], axis=1) @ W_h[:, : 2 * H].T + ds * r
        dh_prev = dh * z + self.dropped(dh_in)
        return np.concatenate([da_r, da_z, da_n], axis=1), (dh_prev,)

    def parameter_gradients(
        self, before: State, after: State, gates: Sequence[Gates], da: Array, dstate: State
    ) -> dict[str, Array]:
        h_in, H2 = self.dropped(before[0]), 2 * self.hidden_size
        if not self.reset_after:
            s = np.stack([values[3] for values in gates])  # R_t ⊙ H_{t−1} entered W_hn
            dW = [summed_product(h_in, da[..., :H2]), summed_product(s, da[..., H2:])]
            return {"W_h": np.concatenate(dW, axis=1)}
        r = np.stack([values[0] for values in gates])
        ds = da[..., H2:] * r  # ∂L/∂S_t
        gradients = {"W_h": summed_product(h_in, np.concatenate([da[..., :H2], ds], axis=-1))}
        return gradients | ({"b_n": ds.sum(axis=(0, 1))} if self.use_bias else {})

    def config(self) -> dict[str, Any]:
        return super().config() | {
            "recurrent_activation": self.recurrent_activation.name,
            "reset_after": self.reset_after,
        }

    from_torch = classmethod(convert.gru_from_torch)
    from_keras = classmethod(convert.gru_from_keras)
    to_torch = convert.gru_to_torch
    to_torch_names = convert.gru_to_torch_names
