"""Layers one above the other (chapter 8)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from rnnlib import registry
from rnnlib.bptt.layer import expect_layer, output
from rnnlib.bptt.states import expect_parts
from rnnlib.bptt.trace import Gradients, LayerTrace
from rnnlib.bptt.unrolling import backward, unroll
from rnnlib.cells.cell import Array, Cell


@registry.register
class Stacked:
    """Layers one above the other: each reads the states of the one below.

    Parameters
    ----------
    layers : sequence of layers
        From the bottom up. A cell's ``dropout`` acts on what it reads, that is, between the layers.

    Raises
    ------
    ValueError
        If there is none, or if one does not fit on the one below.

    Notes
    -----
    ``params`` has the names ``"0.W_x"``, ``"1.W_x"``, … and the cells' own arrays. Source: Graves (2013),
    "Generating sequences with recurrent neural networks"; chapter 8.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import GRU, RNN
    >>> rng = np.random.default_rng(0)
    >>> two = Stacked([RNN(2, 5, rng=rng), GRU(5, 3, rng=rng)])
    >>> trace = unroll(two, np.ones((4, 1, 2)))
    >>> trace.h.shape, [h.shape for (h,) in trace.state]
    ((4, 1, 3), [(1, 5), (1, 3)])
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        if not isinstance(layers, Sequence):
            raise TypeError(f"layers: expected a list of layers, got {type(layers).__name__}")
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("layers: expected at least one, got none")
        for k, layer in enumerate(self.layers):
            expect_layer(f"layers[{k}]", layer)
        expect_cells_of_their_own(self.layers)
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if above.input_size != below.hidden_size:
                raise ValueError(
                    f"layers[{k + 1}]: expected input_size={below.hidden_size}, the hidden_size of layers[{k}], "
                    f"got {above.input_size}"
                )
        self.input_size: int = self.layers[0].input_size
        self.hidden_size: int = self.layers[-1].hidden_size
        self.dtype = one_dtype(self.layers)

    @property
    def params(self) -> dict[str, Array]:
        return prefixed((str(k), layer.params) for k, layer in enumerate(self.layers))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, from the bottom up."""
        return tuple(cell for layer in self.layers for cell in layer.cells)

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """Zeros, a state for each layer."""
        return tuple(layer.initial_state(batch_size) for layer in self.layers)

    def step(self, x_t: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step of all layers: (X_t, states before) → states after; as `Cell.step`."""
        after: list[Any] = []
        for layer, before in zip(self.layers, expect_parts("state", state, len(self.layers)), strict=True):
            after.append(layer.step(x_t, before))
            x_t = output(layer, x_t, after[-1])
        return tuple(after)

    def output(self, x_t: Array, state: tuple[Any, ...]) -> Array:
        """H_t (B, H): what the top layer hands on after a step."""
        for layer, part in zip(self.layers, state, strict=True):
            x_t = output(layer, x_t, part)
        return x_t

    def last(self, h: Array, reverse: bool = False) -> Array:
        """What the top layer hands on after its last valid step, (B, H), out of h (T, B, H)."""
        return self.layers[-1].last(h, reverse)

    def unroll(
        self,
        x: Array,
        state: tuple[Any, ...] | None = None,
        mask: Array | None = None,
        reverse: bool = False,
        *,
        dropout_rng: np.random.Generator | None = None,
    ) -> LayerTrace:
        """Run all layers over x (T, B, D); `state` has an entry for each layer. Otherwise as `bptt.unroll`."""
        parts: list[Any] = []
        for layer, initial in zip(self.layers, expect_parts("state", state, len(self.layers)), strict=True):
            parts.append(unroll(layer, x, initial, mask, reverse, dropout_rng=dropout_rng))
            x = expect_finite(f"the states of layer {len(parts) - 1}", parts[-1].h)
        return LayerTrace(self, x, parts)

    def backward(self, trace: LayerTrace, dh: Array, dstate: tuple[Any, ...] | None = None) -> Gradients:
        """From ∂L/∂(top layer's states), and ∂L/∂(last states) of each layer, to all gradients."""
        grads: list[Gradients] = []
        for part, d in zip(
            reversed(trace.parts), reversed(expect_parts("dstate", dstate, len(trace.parts))), strict=True
        ):
            grads.insert(0, backward(part, dh, d))
            dh = expect_finite("a gradient between two layers", grads[0].x)
        return Gradients(
            params=prefixed((str(k), g.params) for k, g in enumerate(grads)),
            x=dh,
            state=tuple(g.state for g in grads),
            h=grads[-1].h,
        )

    def config(self) -> dict[str, Any]:
        """The layers' classes and options, for a checkpoint."""
        return {"layers": [registry.describe(layer) for layer in self.layers]}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None
    ) -> "Stacked":
        """The same layers, freshly initialised; as `Cell.from_config`."""
        return cls([registry.build(layer, rng=rng, dtype=dtype) for layer in config["layers"]])

    def __repr__(self) -> str:
        return f"Stacked([{', '.join(map(repr, self.layers))}])"


def prefixed(parts: Any) -> dict[str, Array]:
    """The arrays of several parts in one dict: ``"W_x"`` of the part "0" is ``"0.W_x"``."""
    return {f"{prefix}.{name}": array for prefix, arrays in parts for name, array in arrays.items()}


def expect_finite(what: str, array: Array) -> Array:
    """FloatingPointError where something has exploded between two layers; else `array`."""
    if not np.isfinite(array).all():
        raise FloatingPointError(f"{what}: not finite")
    return array


def expect_cells_of_their_own(layers: Sequence[Any]) -> None:
    """ValueError if one cell stands in two places: its gradient would be counted for one of them only."""
    cells = [id(cell) for layer in layers for cell in layer.cells]
    if len(set(cells)) < len(cells):
        raise ValueError("layers: expected each cell once, got one cell in two places")


def one_dtype(parts: Sequence[Any]) -> np.dtype:
    """The dtype that all parts have; ValueError if they differ."""
    dtypes = {part.dtype for part in parts}
    if len(dtypes) > 1:
        raise ValueError(f"layers: expected one dtype, got {sorted(str(d) for d in dtypes)}")
    return dtypes.pop()
