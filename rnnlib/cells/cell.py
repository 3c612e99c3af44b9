"""What RNN, GRU and LSTM share: parameters fused by gate, checks, and the work arrays of a step.

Fused by gate means: the matrices of all gates stand side by side in one, so that one product serves all of them.
For an LSTM, W_x is [W_xi | W_xf | W_xo | W_xg], shape (D, 4H).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnlib.cells.activations import find_activation
from rnnlib.cells.initializers import Initializer, draw

Array = NDArray[Any]
State = tuple[Array, ...]


def by_gate(rows: Array, gates: int) -> Array:
    """View (…, B, G·H), the layout of a product, as (…, G, B, H), one block a gate; nothing is copied."""
    *lead, B, GH = rows.shape
    return rows.reshape(*lead, B, gates, GH // gates).swapaxes(-2, -3)


@dataclass
class Scratch:
    """Work arrays of one step, made once before the loop and written over at each step.

    A product returns its gates side by side, and elementwise calls are fastest on one contiguous block a gate, so
    both layouts are here.

    Attributes
    ----------
    rows : (B, G·H) array
        What goes through W_h: its product in the forward pass; in the backward pass ∂L/∂(pre-activations), which
        the loop keeps for the weight gradients.
    blocks : (G, B, H) array
        `rows` again, seen gate by gate.
    gates : (G, B, H) array
        Contiguous blocks, for whatever a step works out per gate.
    h : (B, H) array
        One gate's worth.
    W_hT : (G·H, H) array
        For the backward pass: W_hᵀ as an array of its own. A product with the view ``W_h.T`` takes up to twice as long.
    """

    rows: Array
    blocks: Array
    gates: Array
    h: Array
    W_hT: Array

    @classmethod
    def like(cls, cell: "Cell", batch: int) -> "Scratch":
        """Work arrays for `batch` sequences through `cell`; `W_hT` is a view still."""
        G, H = len(cell.gates), cell.hidden_size
        rows = np.empty((batch, G * H), cell.dtype)
        gates, h = np.empty((G, batch, H), cell.dtype), np.empty((batch, H), cell.dtype)
        return cls(rows, by_gate(rows, G), gates, h, cell.params["W_h"].T)


class Cell:
    """The common part of the cells; make an `RNN`, a `GRU` or an `LSTM`, not a `Cell`.

    Attributes
    ----------
    params : dict of str to array
        ``W_x`` (D, G·H), ``W_h`` (H, G·H) and, unless ``use_bias=False``, ``b`` (G·H,), in the order of `gates`.
    gates : tuple of str
    states : tuple of str
        The parts of a state, each (B, H): ``("h",)`` or ``("h", "c")``.
    saved : tuple of str
        Further (B, H) values of a step that its backward pass needs.
    """

    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]] = ("h",)
    saved: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float64,
        activation: str = "tanh",
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        recurrent_initializer: str | Initializer = "orthogonal",
        bias_initializer: str | Initializer = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        self.input_size = _positive("input_size", input_size)
        self.hidden_size = _positive("hidden_size", hidden_size)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {self.dtype}")
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"rng: expected a np.random.Generator, got {type(rng).__name__}; np.random.default_rng(seed) makes one"
            )
        self.activation = find_activation(activation, "activation")
        self.use_bias = bool(use_bias)
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.dropout = _rate("dropout", dropout)
        self.recurrent_dropout = _rate("recurrent_dropout", recurrent_dropout)

        def fused(name: str, initializer: str | Initializer, shape: tuple[int, ...]) -> Array:
            blocks = [draw(initializer, rng, shape, name) for _ in self.gates]
            return np.concatenate(blocks, axis=-1).astype(self.dtype)

        D, H = self.input_size, self.hidden_size
        self.params: dict[str, Array] = {
            "W_x": fused("kernel_initializer", kernel_initializer, (D, H)),
            "W_h": fused("recurrent_initializer", recurrent_initializer, (H, H)),
        }
        if self.use_bias:
            self.params["b"] = fused("bias_initializer", bias_initializer, (H,))

    def gate(self, name: str) -> tuple[Array, Array, Array | None]:
        """One gate's weights, as views: ``cell.gate("f")`` gives W_xf (D, H), W_hf (H, H) and b_f (H,).

        Writing into a view changes the cell. Without biases, the third is None.

        Raises
        ------
        ValueError
            If the cell has no gate of that name.
        """
        if name not in self.gates:
            raise ValueError(f"name: {type(self).__name__} has no gate {name!r}; its gates are {self.gates}")
        H, k = self.hidden_size, self.gates.index(name)
        block = slice(k * H, (k + 1) * H)
        b = self.params["b"][block] if self.use_bias else None
        return self.params["W_x"][:, block], self.params["W_h"][:, block], b

    def initial_state(self, batch_size: int) -> State:
        """Zeros, (B, H) each: ``(h,)`` or ``(h, c)``."""
        shape = (_positive("batch_size", batch_size), self.hidden_size)
        return tuple(np.zeros(shape, self.dtype) for _ in self.states)

    def project(self, x: Array, out: Array | None = None) -> Array:
        """The input's part of every gate's pre-activation, X W_x + b, for all steps at once.

        ``x`` is (…, D) and the result (…, G·H). None of it depends on the state, so it need not wait for the loop.
        """
        flat = x.reshape(-1, self.input_size)  # one large product is faster than T small ones
        shape = (*x.shape[:-1], self.params["W_x"].shape[1])
        rows = np.matmul(flat, self.params["W_x"], out=None if out is None else out.reshape(-1, shape[-1]))
        if self.use_bias:
            rows += self.params["b"]
        return rows.reshape(shape)

    def step(self, x_t: Array, state: State) -> State:
        """One step forward, as one uses it to generate: (X_t, state before) → state after.

        Parameters
        ----------
        x_t : (B, D) array
        state : tuple of (B, H) arrays

        Returns
        -------
        tuple of (B, H) arrays
            ``(h,)``, or ``(h, c)`` of an LSTM. Dropout is not applied.

        Raises
        ------
        TypeError, ValueError
            If an argument has another dtype or shape, or holds NaN or an infinity.
        """
        x_t = as_real("x_t", x_t, self.dtype, (None, self.input_size))
        B = len(x_t)
        state = self.check_state("state", state, B)
        new = self.initial_state(B) if B else state
        saved = tuple(np.empty_like(new[0]) for _ in self.saved)
        gates = np.empty((len(self.gates), B, self.hidden_size), self.dtype)
        self.forward(self.project(x_t), state, new, gates, saved, Scratch.like(self, B))
        return new

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
        """One step: read `u` and `prev`, fill `new`, `gates` and `saved`.

        Parameters
        ----------
        u : (B, G·H) array
            X_t W_x + b, from `project`.
        prev, new : tuple of (B, H) arrays
            The state before and after the step.
        gates : (G, B, H) array
            Takes each gate's value.
        saved : tuple of (B, H) arrays
            Takes what `backward` needs besides; see the class attribute of that name.
        work : Scratch
        drop : (B, H) array, optional
            Recurrent dropout: factors on h_{t−1} where it enters W_h (Gal & Ghahramani 2016).
        """
        raise NotImplementedError

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
        """The same step backward: from ∂L/∂(new state) to ∂L/∂(pre-activations) and ∂L/∂(previous state).

        Parameters
        ----------
        dnew : tuple of (B, H) arrays
            ∂L/∂h_t, and of an LSTM ∂L/∂c_t for h_t held fixed. Not changed.
        dprev : tuple of (B, H) arrays
            ∂L/∂h_{t−1} is *added* to the first, which on entry holds what the loss sends to h_{t−1} directly;
            of an LSTM, the second takes ∂L/∂c_{t−1}.
        prev, gates, saved, drop
            As in `forward`, which filled them. Not changed.
        work : Scratch
            `rows` takes the gradient of X_t W_x + b.
        """
        raise NotImplementedError

    def recurrent_gradients(self, h: Array, da: Array, gates: Array, saved: State, out: Array) -> dict[str, Array]:
        """∂L/∂W_h = Σ_t h_{t−1}ᵀ δ_t, all steps in one product, and ∂L of any parameter beside W_x, W_h and b.

        Parameters
        ----------
        h : (T·B, H) array
            What entered W_h.
        da : (T·B, G·H) array
            δ: what `backward` left in ``work.rows``.
        gates : (T, G, B, H) array
        saved : tuple of (T, B, H) arrays
        out : (H, G·H) array
            Takes ∂L/∂W_h.
        """
        return {"W_h": np.matmul(h.T, da, out=out)}

    def config(self) -> dict[str, Any]:
        """The constructor's arguments but `rng`, so that ``type(cell)(**cell.config(), rng=rng)`` is built alike."""
        return {
            "input_size": self.input_size,
            "hidden_size": self.hidden_size,
            "dtype": self.dtype.name,
            "activation": self.activation.name,
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            "recurrent_initializer": self.recurrent_initializer,
            "bias_initializer": self.bias_initializer,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }

    def check_state(self, argument: str, state: object, batch: int) -> State:
        """`state` as a tuple of (B, H) arrays of the cell's dtype, or an error that says what it should be."""
        wanted = f"a tuple ({', '.join(self.states)}{',' if len(self.states) == 1 else ''}) of arrays (B, H)"
        if not isinstance(state, tuple) or len(state) != len(self.states):
            given = f"a tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
            raise TypeError(f"{argument}: expected {wanted} = ({batch}, {self.hidden_size}), got {given}")
        shape = (batch, self.hidden_size)
        return tuple(
            as_real(f"{argument}[{k}] ({name})", part, self.dtype, shape)
            for k, (name, part) in enumerate(zip(self.states, state, strict=True))
        )

    def __repr__(self) -> str:
        sizes = f"input_size={self.input_size}, hidden_size={self.hidden_size}"
        return f"{type(self).__name__}({sizes}, dtype={self.dtype.name})"


def as_real(argument: str, value: object, dtype: np.dtype, shape: tuple[int | None, ...]) -> Array:
    """`value` as an array of `dtype`, after checking that it is floating-point, finite and of `shape` (None: any)."""
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{argument}: expected a floating-point array, got {array.dtype}")
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{argument}: expected shape ({wanted}), got {array.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())  # cheaper than to look at each entry; large ones may overflow here
    if suspicious and not np.isfinite(array).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{argument}: expected finite numbers, got {array[where]} at {where}")
    return array.astype(dtype, copy=False)


def _positive(argument: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{argument}: expected an int, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{argument}: expected at least 1, got {value}")
    return int(value)


def _rate(argument: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{argument}: expected a rate in [0, 1), got {value}")
    return float(value)
