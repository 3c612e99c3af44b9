"""A linear recurrent unit: the factors of the recurrence are the same at all steps (chapter 11).

    S_t = λ ⊙ S_{t−1} + γ ⊙ (X_t W_x),    λ = exp(−exp(ν) + iθ),    γ = √(1 − |λ|²)
    H_t = tanh([Re S_t | Im S_t] W_s + b)

Linear in time, nonlinear in depth. |λ| < 1 whatever ν is; γ keeps the state's size that of its inputs. It is a state
space model with a diagonal matrix: λ is its A, γ ⊙ W_x its B, W_s its C.

Source: Orvieto et al. (2023), "Resurrecting recurrent neural networks for long sequences". Theirs learns γ, and adds
X_t D and a gated layer where ours has tanh; γ as a function of λ is Griffin's (De et al. 2024). Deliberately absent:
discretisation steps, and any dependence of λ on the input.
"""

from typing import Any, ClassVar

import numpy as np

from rnnlib.cells.arguments import number
from rnnlib.cells.cell import Array, summed_product
from rnnlib.cells.initializers import draw
from rnnlib.modern.layer import ScanLayer

EIGENVALUES = ("positive", "real", "complex")


class LRU(ScanLayer):
    """A linear recurrent unit with a diagonal matrix, real or complex, and a tanh after it.

    Parameters
    ----------
    input_size, hidden_size, rng
        As in `ScanLayer`. There are as many eigenvalues λ as hidden units, N = H.
    eigenvalues : {"complex", "real", "positive"}
        Complex with a learned angle θ; real, every other one negative (θ = π); or all positive (θ = 0).
    r_min, r_max : float
        |λ| at the start is drawn between these, uniformly on the ring; 0 ≤ r_min < r_max ≤ 1.
    max_phase : float
        θ of complex ones is drawn between 0 and this.
    **options
        As in `ScanLayer`: dtype and scan.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, unknown or out of range; the message names it.

    Notes
    -----
    ``params``: ``W_x`` (D, N) and ``W_s`` (N, H), of complex ones (D, 2N) and (2N, H), the real parts first; ``nu``
    (N,), of complex ones ``theta`` (N,); ``b`` (H,). A state is ``(s,)`` or ``(Re s, Im s)``, (B, N) each. Chapter 11.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> layer = LRU(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> {name: p.shape for name, p in layer.params.items()}
    {'W_x': (2, 6), 'nu': (3,), 'theta': (3,), 'W_s': (6, 3), 'b': (3,)}
    >>> trace = unroll(layer, np.ones((4, 1, 2)))
    >>> trace.h.shape, [part.shape for part in trace.state]
    ((4, 1, 3), [(1, 3), (1, 3)])
    >>> bool(np.all(abs(layer.eigenvalues()) < 1))
    True
    """

    roles: ClassVar[dict[str, str]] = {"W_x": "kernel", "W_s": "kernel", "b": "bias"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        eigenvalues: str = "complex",
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 2 * np.pi,
        **options: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, rng=rng, **options)
        if eigenvalues not in EIGENVALUES:
            raise ValueError(f"eigenvalues: expected one of {list(EIGENVALUES)}, got {eigenvalues!r}")
        if not 0 <= number("r_min", r_min) < number("r_max", r_max) <= 1:
            raise ValueError(f"r_min, r_max: expected 0 ≤ r_min < r_max ≤ 1, got {r_min} and {r_max}")
        self.kind, self.r_min, self.r_max = eigenvalues, float(r_min), float(r_max)
        self.max_phase = number("max_phase", max_phase)
        D, N, parts = self.input_size, self.hidden_size, 2 if self.is_complex else 1
        drawn = [draw("glorot_uniform", rng, (D, N), "kernel_initializer") for _ in range(parts)]
        radius = np.sqrt(rng.uniform(self.r_min**2, self.r_max**2, size=N))
        self.params["W_x"] = np.concatenate(drawn, axis=1)
        self.params["nu"] = np.log(-np.log(np.clip(radius, 1e-6, 1 - 1e-6)))
        if self.is_complex:
            self.params["theta"] = rng.uniform(0, self.max_phase, size=N)
        self.params["W_s"] = draw("glorot_uniform", rng, (parts * N, N), "kernel_initializer")
        self.params["b"] = np.zeros(N)
        self.params = {name: p.astype(self.dtype) for name, p in self.params.items()}

    @property
    def is_complex(self) -> bool:
        return self.kind == "complex"

    def eigenvalues(self) -> Array:
        """λ (N,): real numbers, or complex ones."""
        radius = np.exp(-np.exp(self.params["nu"]))
        if self.is_complex:
            return radius * np.exp(1j * self.params["theta"]).astype(np.result_type(self.dtype, np.complex64))
        return np.where(np.arange(self.hidden_size) % 2, -radius, radius) if self.kind == "real" else radius

    def coefficients(self, x: Array) -> tuple[Array, Array, dict[str, Array]]:
        u = (x.reshape(-1, self.input_size) @ self.params["W_x"]).reshape(*x.shape[:-1], -1)
        v = self._as_states(u)
        return np.broadcast_to(self.eigenvalues(), v.shape), self._size() * v, {"v": v}

    def coefficients_backward(
        self, x: Array, memory: dict[str, Array], da: Array, db: Array
    ) -> tuple[dict[str, Array], Array]:
        λ, γ, v, rate = self.eigenvalues(), self._size(), memory["v"], np.exp(self.params["nu"])
        turned = λ.conj() * da.sum(axis=(0, 1))  # ∂L/∂(log |λ|) + i ∂L/∂θ, through λ alone
        dγ = (db * v.conj()).real.sum(axis=(0, 1))
        params = {"nu": rate * (dγ * abs(λ) ** 2 / γ - turned.real)}  # log |λ| = −exp(ν), γ² = 1 − exp(−2 exp(ν))
        if self.is_complex:
            params["theta"] = turned.imag
        du = self._as_columns(γ * db)
        params["W_x"] = summed_product(x, du)
        return params, du @ self.params["W_x"].T

    def read(self, s: Array) -> Array:
        return np.tanh(self._as_columns(s) @ self.params["W_s"] + self.params["b"])

    def read_backward(self, s: Array, h: Array, dh: Array) -> tuple[dict[str, Array], Array]:
        δ = dh * (1 - h * h)
        gradients = {"W_s": summed_product(self._as_columns(s), δ), "b": δ.sum(axis=(0, 1))}
        return gradients, self._as_states(δ @ self.params["W_s"].T)

    def initial_state(self, batch_size: int) -> tuple[Array, ...]:
        return super().initial_state(batch_size) * (2 if self.is_complex else 1)

    def join(self, state: tuple[Array, ...]) -> Array:
        return state[0] + 1j * state[1] if self.is_complex else state[0]

    def split(self, s: Array) -> tuple[Array, ...]:
        return (s.real.copy(), s.imag.copy()) if self.is_complex else (s,)

    def config(self) -> dict[str, Any]:
        ring = {"r_min": self.r_min, "r_max": self.r_max, "max_phase": self.max_phase}
        return super().config() | {"eigenvalues": self.kind} | ring

    def _size(self) -> Array:
        """γ (N,), without the cancellation in 1 − |λ|² where |λ| is near 1."""
        return np.sqrt(-np.expm1(-2 * np.exp(self.params["nu"])))

    def _as_states(self, u: Array) -> Array:
        """Columns (…, 2N), real parts first, as complex numbers (…, N); real ones as they are."""
        N = self.hidden_size
        return u[..., :N] + 1j * u[..., N:] if self.is_complex else u

    def _as_columns(self, s: Array) -> Array:
        """The other way round."""
        return np.concatenate([s.real, s.imag], axis=-1) if self.is_complex else s
