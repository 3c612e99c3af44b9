"""What RNN, GRU and LSTM share: parameters fused by gate, checks, and the protocol of one step.

Fused by gate means: the matrices of all gates stand side by side in one, so that one product serves all of them.
For an LSTM, W_x is [W_xi | W_xf | W_xo | W_xg], shape (D, 4H).
"""

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnlib import registry
from rnnlib.cells.activations import find_activation
from rnnlib.cells.arguments import as_real, floating, generator, keyword_options, positive, rate, unknown_option
from rnnlib.cells.initializers import Initializer, draw

Array = NDArray[Any]
State = tuple[Array, ...]
Gates = tuple[Array, ...]


class Cell:
    """The common part of the cells. Make an `RNN`, a `GRU` or an `LSTM`; derive a cell of your own from this class.

    Attributes
    ----------
    params : dict of str to array
        ``W_x`` (D, G·H), ``W_h`` (H, G·H) and, unless ``use_bias=False``, ``b`` (G·H,), in the order of `gates`.
    gates : tuple of str
    states : tuple of str
        The parts of a state, each (B, H): ``("h",)`` or ``("h", "c")``.
    roles : dict of str to str
        What Keras calls a parameter, ``"kernel"``, ``"recurrent"`` or ``"bias"``: which regulariser and which
        constraint of a `Model` act on it. A parameter that is not named here has none.

    Notes
    -----
    A cell of your own needs `gates`, `forward` and `backward`; a parameter of its own besides, `parameter_gradients`;
    an option of its own, a constructor and `config`. Then it unrolls, trains, is saved, loaded and drawn like ours.

    Examples
    --------
    >>> import numpy as np

    A leaky RNN: each unit moves a learned part of the way towards its new value (Jaeger et al. 2007),
    H_t = H_{t−1} + α ⊙ (N_t − H_{t−1}) with N_t = φ(X_t W_x + H_{t−1} W_h + b):

    >>> from rnnlib.cells import Cell
    >>> class Leaky(Cell):
    ...     gates = ("n",)
    ...
    ...     def __init__(self, input_size, hidden_size, *, alpha=0.5, **options):
    ...         super().__init__(input_size, hidden_size, **options)
    ...         self.alpha = alpha
    ...         self.params["alpha"] = np.full(hidden_size, alpha, self.dtype)  # (H,)
    ...
    ...     def forward(self, u, state):
    ...         (h,), alpha = state, self.params["alpha"]
    ...         n = self.activation.value(u + self.dropped(h) @ self.params["W_h"])
    ...         return (h + alpha * (n - h),), (n,)
    ...
    ...     def backward(self, dstate, before, after, gates):
    ...         (dh,), (n,), alpha = dstate, gates, self.params["alpha"]
    ...         da = dh * alpha * self.activation.slope(n)
    ...         return da, (dh * (1 - alpha) + self.dropped(da @ self.params["W_h"].T),)
    ...
    ...     def parameter_gradients(self, before, after, gates, da, dstate):
    ...         n = np.stack([values[0] for values in gates])  # (T, B, H)
    ...         dalpha = np.sum(dstate[0] * (n - before[0]), axis=(0, 1))
    ...         return super().parameter_gradients(before, after, gates, da, dstate) | {"alpha": dalpha}
    ...
    ...     def config(self):
    ...         return super().config() | {"alpha": self.alpha}

    ``self.dropped(h)`` is h unless there is recurrent dropout; ``dstate[0]`` of all steps is ∂L/∂H (T, B, H). The cell
    is checked, trained, saved and loaded as every cell is:

    >>> from rnnlib.bptt import gradient_check
    >>> from rnnlib.training import Adam, Model, fit, load_model, save_checkpoint
    >>> rng = np.random.default_rng(0)
    >>> leaky = Leaky(2, 3, recurrent_dropout=0.5, rng=rng)
    >>> errors = gradient_check(leaky, rng.normal(size=(4, 2, 2)), rng=rng, dropout_seed=0)
    >>> max(errors.values()) < 1e-7
    True
    >>> model = Model(Leaky(3, 8, alpha=0.9, rng=rng), output_size=3, rng=rng)
    >>> x = np.array([[0], [1], [2], [0], [1], [2]])
    >>> run = fit(model, [(x, (x + 1) % 3)], Adam(0.05), max_steps=50, progress=False)
    >>> run.history.loss[-1] < 0.1 * run.history.loss[0]
    True
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/leaky.npz", model)
    ...     again, _ = load_model(f"{folder}/leaky.npz")
    >>> again.layer, again.layer.config()["alpha"]
    (Leaky(input_size=3, hidden_size=8, dtype=float64), 0.9)
    """

    gates: tuple[str, ...]
    states: tuple[str, ...] = ("h",)
    roles: ClassVar[dict[str, str]] = {"W_x": "kernel", "W_h": "recurrent", "b": "bias"}
    _drop: Array | None = None  # (B, H), see `with_dropout`

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        registry.register(cls)

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
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(unknown_option(type(self), next(iter(unknown))))
        if not hasattr(self, "gates"):
            raise TypeError(
                f"{type(self).__name__}: expected a class attribute gates, such as gates = ('n',), got none"
            )
        self.input_size = positive("input_size", input_size)
        self.hidden_size = positive("hidden_size", hidden_size)
        self.dtype = floating("dtype", dtype)
        generator("rng", rng)
        self.activation = find_activation(activation, "activation")
        self.use_bias = bool(use_bias)
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.dropout = rate("dropout", dropout)
        self.recurrent_dropout = rate("recurrent_dropout", recurrent_dropout)

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
            raise ValueError(f"name: expected a gate of {type(self).__name__}, one of {self.gates}, got {name!r}")
        H, k = self.hidden_size, self.gates.index(name)
        block = slice(k * H, (k + 1) * H)
        b = self.params["b"][block] if self.use_bias else None
        return self.params["W_x"][:, block], self.params["W_h"][:, block], b

    def initial_state(self, batch_size: int) -> State:
        """Zeros, (B, H) each: ``(h,)`` or ``(h, c)``."""
        shape = (positive("batch_size", batch_size), self.hidden_size)
        return tuple(np.zeros(shape, self.dtype) for _ in self.states)

    def project(self, x: Array) -> Array:
        """The input's part of every gate's pre-activation, X W_x + b, for all steps at once.

        ``x`` is (…, D) and the result (…, G·H). None of it depends on the state: it need not wait for the loop. A cell
        of your own leaves this method as it is, since `backward` of `rnnlib.bptt` works out its gradients.
        """
        u = x.reshape(-1, self.input_size) @ self.params["W_x"]  # one large product is faster than T small ones
        if self.use_bias:
            u += self.params["b"]
        return u.reshape(*x.shape[:-1], -1)

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
        return self.forward(self.project(x_t), self.check_state("state", state, len(x_t)))[0]

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        """One step: from what the input sends to the gates, and the state before, to the state after.

        Parameters
        ----------
        u : (B, G·H) array
            X_t W_x + b, from `project`.
        state : tuple of (B, H) arrays
            Not changed.

        Returns
        -------
        state : tuple of (B, H) arrays
        gates : tuple of (B, H) arrays
            The values of `gates`, in that order, and behind them whatever else `backward` wants to see again.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method forward(u, state), got none")

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        """The same step backward.

        Parameters
        ----------
        dstate : tuple of (B, H) arrays
            ∂L/∂(state after): for h_t all that reaches it, from its own output and from the step after; of an LSTM
            also ∂L/∂c_t for h_t held fixed. Not changed.
        before, after : tuple of (B, H) arrays
            The states around the step.
        gates : tuple of (B, H) arrays
            As `forward` returned them.

        Returns
        -------
        da : (B, G·H) array
            ∂L/∂(X_t W_x + b), the error terms δ_t of chapter 4.
        dstate : tuple of (B, H) arrays
            ∂L/∂(state before), as far as it goes through this step.
        """
        lacks = "backward(dstate, before, after, gates)"
        raise NotImplementedError(f"{type(self).__name__}: expected a method {lacks}, got none")

    def parameter_gradients(
        self, before: State, after: State, gates: Sequence[Gates], da: Array, dstate: State
    ) -> dict[str, Array]:
        """The gradients of all parameters but W_x and b, from all steps at once: ∂L/∂W_h = Σ_t H_{t−1}ᵀ δ_t.

        Parameters
        ----------
        before, after : tuple of (T, B, H) arrays
            The states around each step.
        gates : sequence of T tuples of (B, H) arrays
            What `forward` returned, step by step.
        da : (T, B, G·H) array
            What `backward` returned.
        dstate : tuple of (T, B, H) arrays
            What `backward` was given.
        """
        return {"W_h": summed_product(self.dropped(before[0]), da)}

    def dropped(self, h: Array) -> Array:
        """H_{t−1} as it enters W_h: after recurrent dropout, where there is any; and the same for its gradient.

        Dropout multiplies by fixed factors, so that the gradient on its way back meets the same factors.
        """
        return h if self._drop is None else h * self._drop

    def with_dropout(self, drop: Array | None) -> "Cell":
        """This cell, its parameters shared, with `drop` (B, H) as the factors that `dropped` applies.

        They are the same at all steps of a sequence (Gal & Ghahramani 2016). None: the cell itself.
        """
        if drop is None:
            return self
        cell = copy.copy(self)
        cell._drop = drop
        return cell

    def last(self, h: Array, reverse: bool = False) -> Array:
        """The state after the last valid step, (B, H), out of all states h (T, B, H); `reverse` as in `unroll`.

        A masked step carries the state on, so it is the state after the last step, masked or not.
        """
        return h[0] if reverse else h[-1]

    @property
    def cells(self) -> tuple["Cell", ...]:
        """The cells that this layer is made of: itself."""
        return (self,)

    @classmethod
    def from_config(cls, config: dict[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None) -> "Cell":
        """A cell with the options that `config` returned, freshly initialised; `dtype` overrides the one in there."""
        return cls(**(config if dtype is None else config | {"dtype": dtype}), rng=rng)

    def check_config(self, config: dict[str, Any]) -> None:
        """ValueError unless `config` has all options of the constructors: what it lacks, a checkpoint would lose."""
        missing = [name for name in keyword_options(type(self)) if name not in config and name != "rng"]
        if missing:
            raise ValueError(
                f"{type(self).__name__}.config: expected all options of the constructor, got none of {missing}; "
                "return super().config() | {…}"
            )

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

    def to_torch_names(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """`arrays`, such as the gradients of this cell's parameters, by the names of the same cell in PyTorch.

        Raises
        ------
        ValueError
            If PyTorch has no such cell.
        """
        raise ValueError(f"cell: expected a cell that PyTorch has too, got {type(self).__name__}")

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


def summed_product(left: Array, right: Array) -> Array:
    """Σ over all steps and sequences of leftᵀ right, (…, N) and (…, M) → (N, M), in one product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def blocks(rows: Array, count: int) -> list[Array]:
    """The gates' shares of an array (…, G·H): `count` views (…, H)."""
    H = rows.shape[-1] // count
    return [rows[..., k * H : (k + 1) * H] for k in range(count)]
