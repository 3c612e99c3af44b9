"""minGRU and minLSTM: gates and candidate that do not look at the state (chapter 11).

    minGRU    Z_t = σ(X_t W_xz + b_z),  N_t = X_t W_xn + b_n
    minLSTM   F_t, I_t = σ(X_t W_x· + b_·),  Z_t = F_t / (F_t + I_t),  N_t = X_t W_xn + b_n
    both      H_t = Z_t ⊙ H_{t−1} + (1 − Z_t) ⊙ N_t

Source: Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), "Were RNNs all we needed?" Their minGRU has Z_t and 1 − Z_t
exchanged. Deliberately absent: their form in logarithms, which passes N_t through a function with positive values.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlib.cells.activations import find_activation
from rnnlib.cells.cell import Array, blocks, summed_product
from rnnlib.cells.initializers import draw
from rnnlib.modern.layer import ScanLayer

SIGMOID = find_activation("sigmoid", "activation").value


class _Gated(ScanLayer):
    """The product X_t W_x + b of all gates, and its way back."""

    def __init__(self, input_size: int, hidden_size: int, *, rng: np.random.Generator, **options: Any) -> None:
        super().__init__(input_size, hidden_size, rng=rng, **options)
        D, H = self.input_size, self.hidden_size
        drawn = [draw("glorot_uniform", rng, (D, H), "kernel_initializer") for _ in self.gates]
        self.params["W_x"] = np.concatenate(drawn, axis=1).astype(self.dtype)  # (D, G·H)
        self.params["b"] = np.zeros(len(self.gates) * H, self.dtype)

    def gate(self, name: str) -> tuple[Array, Array]:
        """One gate's weights, as views: ``layer.gate("z")`` gives W_xz (D, H) and b_z (H,).

        Raises
        ------
        ValueError
            If the layer has no gate of that name.
        """
        if name not in self.gates:
            raise ValueError(f"name: expected a gate of {type(self).__name__}, one of {self.gates}, got {name!r}")
        H, k = self.hidden_size, self.gates.index(name)
        return self.params["W_x"][:, k * H : (k + 1) * H], self.params["b"][k * H : (k + 1) * H]

    def project(self, x: Array) -> list[Array]:
        """X_t W_x + b of all steps in one product, cut into the gates' shares (T, B, H)."""
        u = x.reshape(-1, self.input_size) @ self.params["W_x"] + self.params["b"]
        return blocks(u.reshape(*x.shape[:-1], -1), len(self.gates))

    def project_backward(self, x: Array, du: Sequence[Array]) -> tuple[dict[str, Array], Array]:
        """The gradients of W_x, b and x from those of the gates' shares."""
        d = np.concatenate(du, axis=-1)  # (T, B, G·H)
        return {"W_x": summed_product(x, d), "b": d.sum(axis=(0, 1))}, d @ self.params["W_x"].T


class MinGRU(_Gated):
    """A GRU whose update gate and candidate are computed from the input alone; it has no reset gate.

    Parameters
    ----------
    input_size, hidden_size, rng
        As in `ScanLayer`.
    negative : bool
        True: Z_t = 2 σ(…) − 1, between −1 and 1, so that a step can turn the state's sign (Grazzi et al. 2025).
    **options
        As in `ScanLayer`: dtype and scan.

    Notes
    -----
    ``params``: ``W_x`` (D, 2H) and ``b`` (2H,), for z and n. Z_t = 1 keeps the state, as in our GRU. Chapter 11.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> layer = MinGRU(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> {name: p.shape for name, p in layer.params.items()}
    {'W_x': (2, 6), 'b': (6,)}
    >>> trace = unroll(layer, np.ones((4, 1, 2)))
    >>> trace.h.shape, trace.gates["z"].shape
    ((4, 1, 3), (4, 1, 3))
    """

    gates = ("z", "n")

    def __init__(
        self, input_size: int, hidden_size: int, *, rng: np.random.Generator, negative: bool = False, **options: Any
    ) -> None:
        super().__init__(input_size, hidden_size, rng=rng, **options)
        self.negative = bool(negative)

    def coefficients(self, x: Array) -> tuple[Array, Array, dict[str, Array]]:
        u_z, n = self.project(x)
        z = np.tanh(0.5 * u_z) if self.negative else SIGMOID(u_z)  # 2 σ(u) − 1 = tanh(u/2)
        return z, (1 - z) * n, {"z": z, "n": n}

    def coefficients_backward(
        self, x: Array, memory: dict[str, Array], da: Array, db: Array
    ) -> tuple[dict[str, Array], Array]:
        z, n = memory["z"], memory["n"]
        slope = 0.5 * (1 - z * z) if self.negative else z * (1 - z)
        return self.project_backward(x, [(da - db * n) * slope, db * (1 - z)])

    def config(self) -> dict[str, Any]:
        return super().config() | {"negative": self.negative}


class MinLSTM(_Gated):
    """An LSTM without a state in its gates, without an output gate, and with the shares of F and I adding up to 1.

    Parameters
    ----------
    input_size, hidden_size, rng, **options
        As in `ScanLayer`.

    Notes
    -----
    ``params``: ``W_x`` (D, 3H) and ``b`` (3H,), for f, i and n. ``trace.gates`` has F_t and I_t before they are divided
    by their sum. Chapter 11.

    Examples
    --------
    >>> from rnnlib.bptt import gradient_check
    >>> rng = np.random.default_rng(0)
    >>> errors = gradient_check(MinLSTM(2, 3, rng=rng), rng.normal(size=(4, 2, 2)), rng=rng)
    >>> max(errors.values()) < 1e-7
    True
    """

    gates = ("f", "i", "n")

    def coefficients(self, x: Array) -> tuple[Array, Array, dict[str, Array]]:
        u_f, u_i, n = self.project(x)
        f, i = SIGMOID(u_f), SIGMOID(u_i)
        z = f / (f + i)
        return z, (1 - z) * n, {"f": f, "i": i, "n": n, "z": z}

    def coefficients_backward(
        self, x: Array, memory: dict[str, Array], da: Array, db: Array
    ) -> tuple[dict[str, Array], Array]:
        f, i, n, z = (memory[name] for name in "finz")
        d = (da - db * n) * z * (1 - z)  # ∂L/∂(log F − log I): Z = σ(log F − log I)
        return self.project_backward(x, [d * (1 - f), -d * (1 - i), db * (1 - z)])
