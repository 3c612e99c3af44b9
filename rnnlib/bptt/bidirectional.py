"""Two layers that read a sequence in opposite directions (chapter 8)."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from rnnlib import registry
from rnnlib.bptt.layer import expect_layer
from rnnlib.bptt.stacked import expect_cells_of_their_own, one_dtype, prefixed
from rnnlib.bptt.states import expect_parts
from rnnlib.bptt.trace import Gradients, LayerTrace
from rnnlib.bptt.unrolling import backward, unroll
from rnnlib.cells.arguments import as_real
from rnnlib.cells.cell import Array, Cell


@registry.register
class Bidirectional:
    """Two layers, each with weights of its own, that read a sequence in opposite directions.

    The states stand side by side, ``h[t]`` = [forward, which has seen x[0..t] | backward, which has seen x[t..T−1]].

    Parameters
    ----------
    forward_layer, backward_layer : cells or other layers
        Of one input size.

    Raises
    ------
    ValueError
        If the input sizes differ, or if both are the same object.

    Notes
    -----
    ``params`` has the names ``"forward.W_x"``, ``"backward.W_x"``, … A state is the pair of both layers' states.
    Source: Schuster & Paliwal (1997), "Bidirectional recurrent neural networks"; chapter 8.

    Examples
    --------
    >>> from rnnlib.bptt import unroll
    >>> from rnnlib.cells import LSTM
    >>> rng = np.random.default_rng(0)
    >>> both = Bidirectional(LSTM(2, 3, rng=rng), LSTM(2, 3, rng=rng))
    >>> unroll(both, np.ones((4, 1, 2))).h.shape
    (4, 1, 6)
    """

    def __init__(self, forward_layer: Any, backward_layer: Any) -> None:
        expect_layer("forward_layer", forward_layer)
        expect_layer("backward_layer", backward_layer)
        if forward_layer is backward_layer:
            raise ValueError("backward_layer: expected a layer of its own, got forward_layer again")
        expect_cells_of_their_own((forward_layer, backward_layer))
        if forward_layer.input_size != backward_layer.input_size:
            raise ValueError(
                f"backward_layer: expected input_size={forward_layer.input_size}, as forward_layer has, "
                f"got {backward_layer.input_size}"
            )
        self.layers = (forward_layer, backward_layer)
        self.input_size: int = forward_layer.input_size
        self.hidden_size: int = forward_layer.hidden_size + backward_layer.hidden_size
        self.dtype = one_dtype(self.layers)

    @property
    def params(self) -> dict[str, Array]:
        return prefixed(zip(("forward", "backward"), (layer.params for layer in self.layers), strict=True))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of both directions."""
        return tuple(cell for layer in self.layers for cell in layer.cells)

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """Zeros, a state for each direction."""
        return tuple(layer.initial_state(batch_size) for layer in self.layers)

    def step(self, x_t: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refused: what reads backward begins at the end, so that there is no next step.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("layer: expected one that goes step by step, got Bidirectional, which also begins at the end")

    def last(self, h: Array, reverse: bool = False) -> Array:
        """Each direction's state after its last valid step, side by side, (B, 2H), out of h (T, B, 2H)."""
        forth, back = self._halves(h)
        return np.concatenate([self.layers[0].last(forth, reverse), self.layers[1].last(back, not reverse)], axis=-1)

    def unroll(
        self,
        x: Array,
        state: tuple[Any, ...] | None = None,
        mask: Array | None = None,
        reverse: bool = False,
        *,
        dropout_rng: np.random.Generator | None = None,
    ) -> LayerTrace:
        """Run both directions over x (T, B, D); `state` is a pair of states. Otherwise as `bptt.unroll`.

        With ``reverse=True`` each direction is the opposite one.
        """
        initial = expect_parts("state", state, 2)
        parts = [
            unroll(layer, x, start, mask, turned, dropout_rng=dropout_rng)
            for layer, start, turned in zip(self.layers, initial, (bool(reverse), not reverse), strict=True)
        ]
        return LayerTrace(self, np.concatenate([part.h for part in parts], axis=-1), parts)

    def backward(self, trace: LayerTrace, dh: Array, dstate: tuple[Any, ...] | None = None) -> Gradients:
        """From ∂L/∂h (T, B, 2H), and ∂L/∂(last states) of both directions, to all gradients."""
        d = expect_parts("dstate", dstate, 2)
        halves = self._halves(as_real("dh", dh, self.dtype, trace.h.shape))
        forth, back = (backward(trace.parts[k], halves[k], d[k]) for k in range(2))
        return Gradients(
            params=prefixed([("forward", forth.params), ("backward", back.params)]),
            x=forth.x + back.x,
            state=(forth.state, back.state),
            h=np.concatenate([forth.h, back.h], axis=-1),
        )

    def _halves(self, h: Array) -> tuple[Array, Array]:
        k = self.layers[0].hidden_size
        return h[..., :k], h[..., k:]

    def config(self) -> dict[str, Any]:
        """The classes and options of both directions, for a checkpoint."""
        return {"layers": [registry.describe(layer) for layer in self.layers]}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None
    ) -> "Bidirectional":
        """The same layers, freshly initialised; as `Cell.from_config`."""
        return cls(*(registry.build(layer, rng=rng, dtype=dtype) for layer in config["layers"]))

    def __repr__(self) -> str:
        return f"Bidirectional({', '.join(map(repr, self.layers))})"
