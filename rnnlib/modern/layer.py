"""What the layers of this package share: everything but the scan is done for all steps at once (chapter 11).

    x (T, B, D) → a, b (T, B, N) → s_t = a_t ⊙ s_{t−1} + b_t → h (T, B, H)

a and b come from the inputs alone. So the only loop left is the scan's; what is before and after it is one product over
all steps. A layer names its maps: `coefficients` from x to a and b, `read` from s to h, and both backward.

Deliberately absent: dropout, which may act between the layers (`rnnlib.training.Model` has it before the output).
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from rnnlib import registry
from rnnlib.bptt import Gradients, LayerTrace
from rnnlib.bptt.unrolling import as_inputs, check_mask
from rnnlib.cells.arguments import as_real, floating, generator, positive, unknown_option
from rnnlib.cells.cell import Array
from rnnlib.modern.scan import METHODS, scan, scan_backward


@dataclass(repr=False)
class ScanTrace(LayerTrace):
    """A layer's walk over a batch of sequences: what `backward` needs, and what can be drawn.

    Attributes
    ----------
    h : (T, B, H) array
        What the layer hands on.
    s, a : (T, B, N) arrays
        The states and the factors in h_t = a_t ⊙ h_{t−1} + b_t, in the order in which the steps were met; at a masked
        step, a = 1.
    gates : dict of str to (T, B, N) array
        In the sequence's own time; of no meaning at masked steps.
    state : tuple of (B, N) arrays
        After the last valid step of each sequence.
    """

    x: Array = field(default_factory=lambda: np.empty(0))
    mask: Array | None = None
    reverse: bool = False
    start: Array = field(default_factory=lambda: np.empty(0))
    a: Array = field(default_factory=lambda: np.empty(0))
    s: Array = field(default_factory=lambda: np.empty(0))
    memory: dict[str, Array] = field(default_factory=dict)

    def in_time(self, met: Array) -> Array:
        """`met`, one entry a step in the order met, in the sequence's own order (and the other way round)."""
        return met[::-1] if self.reverse else met

    @property
    def gates(self) -> dict[str, Array]:
        return {name: self.in_time(self.memory[name]) for name in self.layer.gates}

    @property
    def state(self) -> tuple[Array, ...]:
        return self.layer.split(self.s[-1])


class ScanLayer:
    """The common part of `MinGRU`, `MinLSTM` and `LRU`; derive a layer of your own from this class.

    It needs `gates`, `coefficients` and `coefficients_backward`. One whose h is not its state needs `read` and
    `read_backward` too; one with options, a constructor and `config`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : np.random.Generator
        Draws the weights.
    dtype : float64 (default) or float32
        float64 to check gradients, float32 to train.
    scan : {"loop", "tree"}
        How the recurrence is computed; may be set at any time.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, unknown or out of range; the message names it.

    Attributes
    ----------
    params : dict of str to array
    gates : tuple of str
        What `coefficients` keeps for `ScanTrace.gates`.
    """

    gates: tuple[str, ...] = ()
    roles: ClassVar[dict[str, str]] = {"W_x": "kernel", "b": "bias"}
    dropout = recurrent_dropout = 0.0

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
        scan: str = "loop",
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(unknown_option(type(self), next(iter(unknown))))
        self.input_size = positive("input_size", input_size)
        self.hidden_size = positive("hidden_size", hidden_size)
        self.dtype = floating("dtype", dtype)
        generator("rng", rng)
        if scan not in METHODS:
            raise ValueError(f"scan: expected one of {list(METHODS)}, got {scan!r}")
        self.scan = scan
        self.params: dict[str, Array] = {}

    # ---- what a layer of your own says ----------------------------------------------------------------------------

    def coefficients(self, x: Array) -> tuple[Array, Array, dict[str, Array]]:
        """From x (T, B, D) to a and b (T, B, N), and what `coefficients_backward` wants to see again."""
        raise NotImplementedError

    def coefficients_backward(
        self, x: Array, memory: dict[str, Array], da: Array, db: Array
    ) -> tuple[dict[str, Array], Array]:
        """From ∂L/∂a and ∂L/∂b to the gradients of the parameters, and ∂L/∂x."""
        raise NotImplementedError

    def read(self, s: Array) -> Array:
        """From states (…, N) to what the layer hands on, (…, H): here, the state itself."""
        return s

    def read_backward(self, s: Array, h: Array, dh: Array) -> tuple[dict[str, Array], Array]:
        """From ∂L/∂h to the gradients of `read`'s parameters, and ∂L/∂s."""
        return {}, dh

    def join(self, state: tuple[Array, ...]) -> Array:
        """A state, as the outside has it, as the one array of the scan."""
        return state[0]

    def split(self, s: Array) -> tuple[Array, ...]:
        """The other way round."""
        return (s,)

    # ---- the protocol of a layer ----------------------------------------------------------------------------------

    @property
    def cells(self) -> tuple["ScanLayer", ...]:
        return (self,)

    def initial_state(self, batch_size: int) -> tuple[Array, ...]:
        """Zeros, (B, H) each."""
        return (np.zeros((positive("batch_size", batch_size), self.hidden_size), self.dtype),)

    def step(self, x_t: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        """One step: (X_t (B, D), state before) → state after."""
        x_t = as_real("x_t", x_t, self.dtype, (None, self.input_size))
        a, b, _ = self.coefficients(x_t[np.newaxis])
        return self.split(a[0] * self._joined("state", state, len(x_t)) + b[0])

    def output(self, x_t: Array, state: tuple[Array, ...]) -> Array:
        """H_t (B, H): what the layer hands on after a step that has left it in `state`."""
        return self.read(self.join(state))

    def last(self, h: Array, reverse: bool = False) -> Array:
        """What it hands on after the last valid step, (B, H), out of h (T, B, H)."""
        return h[0] if reverse else h[-1]

    def unroll(
        self,
        x: Array,
        state: tuple[Array, ...] | None = None,
        mask: Array | None = None,
        reverse: bool = False,
        *,
        dropout_rng: np.random.Generator | None = None,
    ) -> ScanTrace:
        """Run the layer over x (T, B, D); as `rnnlib.bptt.unroll`. Nothing is dropped."""
        x = as_inputs(x, self)
        T, B, _ = x.shape
        start = self._joined("state", self.initial_state(B) if state is None else state, B)
        trace = ScanTrace(self, x, [], x, None if mask is None else check_mask(mask, T, B), bool(reverse), start)
        a, b, trace.memory = self.coefficients(trace.in_time(x))
        if trace.mask is not None:  # a masked step is h ↦ 1 h + 0
            valid = trace.in_time(trace.mask)[..., np.newaxis]
            a, b = np.where(valid, a, 1), np.where(valid, b, 0)
        trace.a, trace.s = a, scan(a, b, start, method=self.scan)
        trace.h = trace.in_time(self.read(trace.s))
        return trace

    def backward(self, trace: ScanTrace, dh: Array, dstate: tuple[Array, ...] | None = None) -> Gradients:
        """From ∂L/∂h (T, B, H), and ∂L/∂(last state), to all gradients; as `rnnlib.bptt.backward`."""
        dh = trace.in_time(as_real("dh", dh, self.dtype, trace.h.shape))
        reading, ds = self.read_backward(trace.s, trace.in_time(trace.h), dh)
        if dstate is not None:
            ds = ds.copy()
            ds[-1] += self._joined("dstate", dstate, ds.shape[1])
        da, db, dstart = scan_backward(trace.a, trace.s, ds, trace.start, method=self.scan)
        all_of_h = db if self._hands_on_state else dh
        if trace.mask is not None:
            valid = trace.in_time(trace.mask)[..., np.newaxis]
            da, db = np.where(valid, da, 0), np.where(valid, db, 0)
        params, dx = self.coefficients_backward(trace.in_time(trace.x), trace.memory, da, db)
        params |= reading
        return Gradients(
            params={name: params[name] for name in self.params},
            x=trace.in_time(dx),
            state=self.split(dstart),
            h=trace.in_time(all_of_h),
        )

    def config(self) -> dict[str, Any]:
        """The constructor's arguments but `rng`."""
        sizes = {"input_size": self.input_size, "hidden_size": self.hidden_size}
        return sizes | {"dtype": self.dtype.name, "scan": self.scan}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None
    ) -> "ScanLayer":
        """A layer with the options that `config` returned, freshly initialised; as `Cell.from_config`."""
        return cls(**(config if dtype is None else config | {"dtype": dtype}), rng=rng)

    def __repr__(self) -> str:
        sizes = f"input_size={self.input_size}, hidden_size={self.hidden_size}"
        return f"{type(self).__name__}({sizes}, dtype={self.dtype.name})"

    @property
    def _hands_on_state(self) -> bool:
        return type(self).read is ScanLayer.read

    def _joined(self, argument: str, state: object, batch: int) -> Array:
        """`state` as the scan's array, or an error that says what it should be."""
        parts = self.initial_state(batch)
        if not isinstance(state, tuple) or len(state) != len(parts):
            given = f"a tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
            raise TypeError(f"{argument}: expected a tuple of {len(parts)} arrays {parts[0].shape}, got {given}")
        checked = [as_real(f"{argument}[{k}]", s, self.dtype, parts[k].shape) for k, s in enumerate(state)]
        return self.join(tuple(checked))
