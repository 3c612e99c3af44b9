"""What the loop, the model and checkpoints ask of a layer."""

from typing import Any, Protocol

from rnnlib.bptt.states import top
from rnnlib.cells.cell import Array

NEEDED = ("params", "initial_state", "step", "last", "cells", "config", "input_size", "hidden_size", "dtype")


class Layer(Protocol):
    """The protocol that cells, `Stacked` and `Bidirectional` keep, and a layer of your own.

    A layer of one step is derived from `rnnlib.cells.Cell` and needs nothing of this page. A layer that is made of
    other layers also has ``unroll`` and ``backward``, which run its parts in their order; ``output``, if what it hands
    on is more than its last part's h; and ``from_config``, if its constructor takes what is not in ``config()``.

    Examples
    --------
    A layer around another one: what it hands on is the inner state plus the input (He et al. 2016).

    >>> import numpy as np
    >>> from rnnlib import registry
    >>> from rnnlib.bptt import Gradients, LayerTrace, Stacked, backward, gradient_check, output, unroll
    >>> from rnnlib.cells import GRU, RNN
    >>> @registry.register
    ... class Residual:
    ...     def __init__(self, inner):
    ...         self.inner, self.params, self.cells, self.last = inner, inner.params, inner.cells, inner.last
    ...         self.input_size, self.hidden_size, self.dtype = inner.input_size, inner.hidden_size, inner.dtype
    ...
    ...     def initial_state(self, batch_size):
    ...         return (self.inner.initial_state(batch_size),)  # one part, one entry
    ...
    ...     def step(self, x_t, state):
    ...         return (self.inner.step(x_t, state[0]),)
    ...
    ...     def output(self, x_t, state):
    ...         return output(self.inner, x_t, state[0]) + x_t
    ...
    ...     def unroll(self, x, state=None, mask=None, reverse=False, *, dropout_rng=None):
    ...         state = None if state is None else state[0]
    ...         inner = unroll(self.inner, x, state, mask, reverse, dropout_rng=dropout_rng)
    ...         return LayerTrace(self, inner.h + x, [inner])
    ...
    ...     def backward(self, trace, dh, dstate=None):
    ...         g = backward(trace.parts[0], dh, None if dstate is None else dstate[0])
    ...         return Gradients(g.params, g.x + dh, (g.state,), g.h)
    ...
    ...     def config(self):
    ...         return {"inner": registry.describe(self.inner)}
    ...
    ...     @classmethod
    ...     def from_config(cls, config, *, rng, dtype=None):
    ...         return cls(registry.build(config["inner"], rng=rng, dtype=dtype))
    >>> rng = np.random.default_rng(0)
    >>> net, x = Stacked([RNN(2, 3, rng=rng), Residual(GRU(3, 3, rng=rng))]), rng.normal(size=(4, 1, 2))
    >>> max(gradient_check(net, x, rng=rng).values()) < 1e-7
    True
    >>> state = net.step(x[0], net.initial_state(1))
    >>> np.allclose(output(net, x[0], state), unroll(net, x).h[0])
    True
    """

    params: dict[str, Array]
    """The parameters by name; the arrays themselves."""
    cells: tuple[Any, ...]
    """All cells in it."""
    input_size: int
    hidden_size: int
    dtype: Any

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """Zeros: a tuple of (B, H) arrays, or of the parts' states."""

    def step(self, x_t: Array, state: Any) -> Any:
        """(X_t (B, D), state before) → state after."""

    def last(self, h: Array, reverse: bool = False) -> Array:
        """What it hands on after the last valid step, (B, H), picked out of h (T, B, H)."""

    def config(self) -> dict[str, Any]:
        """The options, in types that JSON knows."""


def output(layer: Any, x_t: Array, state: Any) -> Array:
    """H_t (B, H): what a layer hands on after a step that has left it in `state`."""
    return layer.output(x_t, state) if hasattr(layer, "output") else top(state)


def expect_layer(argument: str, layer: Any) -> None:
    """TypeError unless `layer` keeps the protocol; a class in the place of an instance does not."""
    missing = [name for name in NEEDED if isinstance(layer, type) or not hasattr(layer, name)]
    if missing:
        given = f"the class {layer.__name__}" if isinstance(layer, type) else type(layer).__name__
        raise TypeError(
            f"{argument}: expected a cell, Stacked, Bidirectional or another layer, got {given}, "
            f"which lacks {', '.join(missing)}"
        )
