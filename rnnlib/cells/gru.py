"""The GRU cell (chapter 6), in both of its forms.

    R_t, Z_t = σ(X_t W_x· + H_{t−1} W_h· + b_·)                          reset and update gate
         N_t = φ(X_t W_xn + (R_t ⊙ H_{t−1}) W_hn + b_n)                  candidate, reset before the product
         N_t = φ(X_t W_xn + b + R_t ⊙ (H_{t−1} W_hn + b_n))              candidate, reset after the product
         H_t = Z_t ⊙ H_{t−1} + (1 − Z_t) ⊙ N_t

"Before" is Cho et al. (2014); "after" is cuDNN's, and so PyTorch's and Keras' default: it needs one product, not two.
"""

from typing import Any

import numpy as np

from rnnlib.cells import convert
from rnnlib.cells.activations import find_activation
from rnnlib.cells.cell import Array, Cell, Scratch, State
from rnnlib.cells.initializers import draw


class GRU(Cell):
    """A gated recurrent unit with the gates r, z and the candidate n.

    Parameters
    ----------
    input_size, hidden_size, rng, dtype, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, dropout,
    recurrent_dropout
        As in `RNN`.
    activation : str
        φ, for the candidate; "tanh" by default.
    recurrent_activation : str
        σ, for both gates; "sigmoid" by default.
    reset_after : bool
        False (default): the reset gate acts on H_{t−1}. True: on H_{t−1} W_hn + b_n, and ``params["b_n"]`` (H,) exists.

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
    saved = ("n's recurrent part",)  # reset before: R_t ⊙ H_{t−1}; after: H_{t−1} W_hn + b_n

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
        (h_prev,), (h,), (r, z, n), (s,) = prev, new, gates, saved
        W_h, H = self.params["W_h"], self.hidden_size
        rz, a_n = slice(0, 2 * H), slice(2 * H, 3 * H)  # where r and z stand, and n
        h_in = h_prev if drop is None else h_prev * drop
        if self.reset_after:
            np.matmul(h_in, W_h, out=work.rows)  # one product for all three
        else:
            np.matmul(h_in, W_h[:, rz], out=work.rows[:, rz])
        work.rows[:, rz] += u[:, rz]
        self.recurrent_activation.value(work.blocks[:2], gates[:2])  # R_t, Z_t = σ(a)
        if self.reset_after:
            s[...] = work.blocks[2]
            if self.use_bias:
                s += self.params["b_n"]
            np.multiply(r, s, out=n)  # R_t ⊙ (H_{t−1} W_hn + b_n)
        else:
            np.multiply(r, h_in, out=s)
            np.matmul(s, W_h[:, a_n], out=n)  # (R_t ⊙ H_{t−1}) W_hn
        n += u[:, a_n]
        self.activation.value(n, n)  # N_t = φ(a_n)
        np.subtract(h_prev, n, out=h)
        h *= z
        h += n  # H_t = N_t + Z_t ⊙ (H_{t−1} − N_t)

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
        (dh,), (dh_prev,), (h_prev,), (r, z, n), (s,) = dnew, dprev, prev, gates, saved
        da_r, da_z, da_n = da = work.gates
        self.recurrent_activation.slope(gates[:2], da[:2])
        self.activation.slope(n, da_n)
        # H_t = Z_t ⊙ H_{t−1} + (1 − Z_t) ⊙ N_t
        da[1:] *= dh
        da_z *= np.subtract(h_prev, n, out=work.h)
        da_n *= np.subtract(1, z, out=work.h)
        dh_prev += np.multiply(dh, z, out=work.h)
        if self.reset_after:  # a_n = u_n + R_t ⊙ S_t with S_t = H_{t−1} W_hn + b_n
            da_r *= s
            da_r *= da_n
            work.blocks[:2] = da[:2]
            np.multiply(da_n, r, out=work.blocks[2])  # ∂L/∂S_t goes through W_h …
            dh_in = np.matmul(work.rows, work.W_hT, out=work.h)
            work.blocks[2] = da_n  # … and ∂L/∂a_n through W_x
        else:  # a_n = u_n + S_t W_hn with S_t = R_t ⊙ H_{t−1}
            H = self.hidden_size
            ds = da_n @ work.W_hT[2 * H :]
            da_r *= ds
            da_r *= h_prev if drop is None else h_prev * drop
            work.blocks[...] = da
            dh_in = np.matmul(work.rows[:, : 2 * H], work.W_hT[: 2 * H], out=work.h)
            ds *= r
            dh_in += ds
        if drop is not None:
            dh_in *= drop
        dh_prev += dh_in

    def recurrent_gradients(self, h: Array, da: Array, gates: Array, saved: State, out: Array) -> dict[str, Array]:
        H = self.hidden_size
        da_rz, da_n = da[:, : 2 * H], da[:, 2 * H :]
        np.matmul(h.T, da_rz, out=out[:, : 2 * H])
        if not self.reset_after:
            np.matmul(saved[0].reshape(-1, H).T, da_n, out=out[:, 2 * H :])  # R_t ⊙ H_{t−1} entered W_hn
            return {"W_h": out}
        ds = da_n * gates[:, 0].reshape(-1, H)  # ∂L/∂(H_{t−1} W_hn + b_n)
        np.matmul(h.T, ds, out=out[:, 2 * H :])
        return {"W_h": out, "b_n": ds.sum(axis=0)} if self.use_bias else {"W_h": out}

    def config(self) -> dict[str, Any]:
        return super().config() | {
            "recurrent_activation": self.recurrent_activation.name,
            "reset_after": self.reset_after,
        }

    from_torch = classmethod(convert.gru_from_torch)
    from_keras = classmethod(convert.gru_from_keras)
    to_torch = convert.gru_to_torch
