"""A recurrent layer joined to a dense output: the network of chapter 3, with its loss and its gradients.

    H_t = cell(X_t, H_{t−1}),    O_t = H_t W_hq + b_q,    L = mean of l(O_t, Y_t)

Shapes: x (T, B, D) or class indices (T, B); h (T, B, H); o (T, B, Q) for one output per step, (B, Q) for
one per sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from rnnlib.bptt import backward, dropout, output, unroll
from rnnlib.bptt.layer import expect_layer
from rnnlib.bptt.states import mapped
from rnnlib.cells.arguments import generator, rate
from rnnlib.registry import build, describe, register
from rnnlib.text import Batch, as_ids, one_hot
from rnnlib.training.constraints import Constraint, constraint
from rnnlib.training.dense import Dense
from rnnlib.training.losses import cross_entropy, squared_error
from rnnlib.training.regularisers import L1L2, regularizer

__all__ = ["Model", "Step"]

LOSSES: dict[str, Callable[..., tuple[float, np.ndarray]]] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
}


class Step(NamedTuple):
    """What one pass forward and backward gives."""

    loss: float
    """The loss, penalties included; in nats per valid symbol for the cross-entropy."""
    gradients: dict[str, np.ndarray]
    """Same keys as ``model.params``."""
    state: Any
    """The state after the last valid step, to carry into the next batch."""
    penalty: float
    """The regularisers' share of ``loss``."""
    symbols: int
    """How many valid symbols (or sequences, if ``return_sequences=False``) the loss is the mean of."""
    trace: Any
    """The layer's walk: a :class:`rnnlib.bptt.Trace`, or that of a layer with parts."""
    dh: np.ndarray
    """∂L/∂H (T, B, H): what the output layer sends back to each hidden state directly."""


@register
class Model:
    """A recurrent layer and a dense output layer with a loss.

    Parameters
    ----------
    layer : RNN, GRU, LSTM, Stacked, Bidirectional, or a layer of your own
        Its arrays are shared, not copied: what the model learns, the layer has learned.
    output_size : int
        Q: the number of classes, or of predicted values.
    rng : np.random.Generator
        Draws W_hq.
    loss : {"cross_entropy", "squared_error"}
    return_sequences : bool
        True: one output per step (many-to-many). False: one output per sequence, from the state after its
        last valid step (many-to-one).
    dropout : float
        Dropout between the hidden state and the output layer. Dropout on inputs and recurrent connections
        is an option of the cell.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : None, str or L1L2
        Penalties on the recurrent layer's W_x, W_h and biases.
    activity_regularizer : None, str or L1L2
        A penalty on the hidden states that go to the output layer: summed over steps, mean over sequences, as Keras.
    kernel_constraint, recurrent_constraint, bias_constraint : None, str or constraint
        Projections of the recurrent layer's W_x, W_h and biases; the training loop applies them after every
        step.

    Attributes
    ----------
    params : dict of arrays
        The layer's parameters and ``W_hq`` (H, Q), ``b_q`` (Q,). The arrays themselves, so changing one in
        place changes the model.

    Raises
    ------
    TypeError
        If ``layer`` is not a recurrent layer.
    ValueError
        If an option is unknown or out of range.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> rng = np.random.default_rng(0)
    >>> model = Model(RNN(5, 8, rng=rng), output_size=5, rng=rng)
    >>> x = np.array([[0, 3], [1, 2], [2, 1]])  # T = 3 steps of B = 2 sequences of class indices
    >>> step = model.loss_and_gradients((x, (x + 1) % 5))
    >>> sorted(step.gradients)
    ['W_h', 'W_hq', 'W_x', 'b', 'b_q']
    >>> step.trace.h.shape, step.dh.shape
    ((3, 2, 8), (3, 2, 8))
    """

    def __init__(
        self,
        layer: Any,
        output_size: int,
        *,
        rng: np.random.Generator,
        loss: str = "cross_entropy",
        return_sequences: bool = True,
        dropout: float = 0.0,
        kernel_regularizer: str | L1L2 | None = None,
        recurrent_regularizer: str | L1L2 | None = None,
        bias_regularizer: str | L1L2 | None = None,
        activity_regularizer: str | L1L2 | None = None,
        kernel_constraint: str | Constraint | None = None,
        recurrent_constraint: str | Constraint | None = None,
        bias_constraint: str | Constraint | None = None,
    ) -> None:
        expect_layer("layer", layer)
        generator("rng", rng)
        if loss not in LOSSES:
            raise ValueError(f"loss: expected one of {sorted(LOSSES)}, got {loss!r}")
        self.layer, self.loss_name, self.loss = layer, loss, LOSSES[loss]
        self.input_size, self.dtype = layer.input_size, layer.dtype
        self.output = Dense(layer.hidden_size, output_size, rng=rng, dtype=layer.dtype)
        self.return_sequences, self.dropout = bool(return_sequences), rate("dropout", dropout)
        if clash := layer.params.keys() & self.output.params.keys():
            raise ValueError(f"layer: expected parameters other than the output layer's, got {sorted(clash)} too")
        self.regularizers = {
            "kernel": regularizer(kernel_regularizer, "kernel_regularizer"),
            "recurrent": regularizer(recurrent_regularizer, "recurrent_regularizer"),
            "bias": regularizer(bias_regularizer, "bias_regularizer"),
        }
        self.activity_regularizer = regularizer(activity_regularizer, "activity_regularizer")
        self.constraints = {
            "kernel": constraint(kernel_constraint, "kernel_constraint"),
            "recurrent": constraint(recurrent_constraint, "recurrent_constraint"),
            "bias": constraint(bias_constraint, "bias_constraint"),
        }
        self._roles = {name: role for cell in layer.cells for name, role in cell.roles.items()}

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The layer's and the output layer's arrays by name. The mapping cannot be changed, the arrays in it can."""
        return MappingProxyType({**self.layer.params, **self.output.params})

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        register(cls)

    @property
    def has_dropout(self) -> bool:
        """Whether training needs randomness."""
        return self.dropout > 0 or any(cell.dropout or cell.recurrent_dropout for cell in self.layer.cells)

    def forward(self, x: np.ndarray, state: Any = None, mask: np.ndarray | None = None) -> tuple[np.ndarray, Any]:
        """Outputs and the state after the last valid step; nothing is dropped.

        Parameters
        ----------
        x : (T, B, D) floating array or (T, B) integer array
            Inputs, or class indices that stand for one-hot rows.
        state : tuple, optional
            Zeros by default.
        mask : (T, B) array, optional
            1 for a real step.

        Returns
        -------
        o : (T, B, Q) array, or (B, Q) if ``return_sequences=False``
            Logits under the cross-entropy, predictions under the squared error.
        state : tuple
        """
        trace = unroll(self.layer, self._as_input(x), state, mask)
        return self.output.forward(self._features(trace.h)), mapped(np.copy, trace.state)

    def evaluate(self, batch: tuple[Any, ...], state: Any = None) -> tuple[float, Any]:
        """The loss of a batch without penalties and without dropout, and the state after the last valid step."""
        x, y, mask = as_batch(batch)
        o, state = self.forward(x, state, mask)
        return self.loss(o, y, mask if self.return_sequences else None)[0], state

    def loss_and_gradients(
        self, batch: tuple[Any, ...], state: Any = None, rng: np.random.Generator | None = None
    ) -> Step:
        """One pass forward and backward.

        Parameters
        ----------
        batch : Batch, or a plain tuple ``(x, y)`` or ``(x, y, mask)``
            x : (T, B, D) floating array, or (T, B) integer array: class indices that stand for one-hot rows.
            y : class indices (T, B) or values (T, B, Q); without the T axis if ``return_sequences=False``.
            mask : (T, B) array, 1 for a real step, or None.
        state : tuple, optional
            The state to start from, taken as given: no gradient goes beyond it. Zeros by default.
        rng : np.random.Generator, optional
            Draws the dropout masks. Without it nothing is dropped.

        Returns
        -------
        Step

        Raises
        ------
        FloatingPointError
            If the loss is not finite.
        ValueError, TypeError
            If shapes or dtypes do not fit.
        """
        x, y, mask = as_batch(batch)
        trace = unroll(self.layer, self._as_input(x), state, mask, dropout_rng=rng)
        h = self._features(trace.h)  # (T, B, H), or (B, H) if return_sequences=False
        factors = dropout(h.shape, self.dropout, rng, h.dtype) if self.dropout and rng is not None else None
        h_out = h if factors is None else h * factors
        loss, do = self.loss(self.output.forward(h_out), y, mask if self.return_sequences else None)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss}")
        dh_out, gradients = self.output.backward(h_out, do)
        dfeatures = dh_out if factors is None else dh_out * factors
        penalty = 0.0
        if self.activity_regularizer is not None:
            B = h.shape[-2]
            penalty += self.activity_regularizer(h) / B
            dfeatures = dfeatures + self.activity_regularizer.gradient(h) / B
        dh = self._to_every_step(dfeatures, trace.h)
        gradients |= backward(trace, dh).params
        penalty += self._add_penalties(gradients)
        return Step(
            loss=loss + penalty,
            gradients={name: gradients[name] for name in self.params},
            state=mapped(np.copy, trace.state),
            penalty=penalty,
            symbols=int(np.count_nonzero(mask)) if self.return_sequences and mask is not None else h[..., 0].size,
            trace=trace,
            dh=dh,
        )

    def step(self, x_t: np.ndarray, state: Any = None) -> tuple[np.ndarray, Any]:
        """One step, as generation needs it: the output for X_t, and the new state.

        Parameters
        ----------
        x_t : (B, D) floating array or (B,) integer array
        state : tuple, optional
            Zeros by default.

        Returns
        -------
        o : (B, Q) array
        state : tuple
        """
        x_t = self._as_input(x_t, axes=1)
        state = self.layer.step(x_t, self.layer.initial_state(len(x_t)) if state is None else state)
        return self.output.forward(output(self.layer, x_t, state)), state

    def after_update(self) -> None:
        """Project the recurrent layer's parameters by the constraints, in place; `fit` does so after every update."""
        for name in self.layer.params:
            project = self.constraints.get(self._role(name))
            if project is not None:
                self.params[name][...] = project(self.params[name])

    def config(self) -> dict[str, Any]:
        """All options, in types that JSON knows, for a checkpoint.

        Examples
        --------
        >>> from rnnlib.cells import GRU
        >>> rng = np.random.default_rng(0)
        >>> config = Model(GRU(3, 4, rng=rng), output_size=2, rng=rng, return_sequences=False).config()
        >>> config["layer"]["class"], config["output_size"], config["return_sequences"]
        ('GRU', 2, False)
        >>> Model.from_config(config, rng=rng).layer
        GRU(input_size=3, hidden_size=4, dtype=float64)
        """
        options: dict[str, Any] = {f"{role}_regularizer": r for role, r in self.regularizers.items()}
        options |= {f"{role}_constraint": c for role, c in self.constraints.items()}
        options |= {"activity_regularizer": self.activity_regularizer}
        return {
            "layer": describe(self.layer),
            "output_size": self.output.output_size,
            "loss": self.loss_name,
            "return_sequences": self.return_sequences,
            "dropout": self.dropout,
            **{name: None if option is None else describe(option) for name, option in options.items()},
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None
    ) -> Model:
        """A model with the options that `config` returned, freshly initialised; ``dtype`` overrides its cells'.

        Raises
        ------
        ValueError, TypeError, KeyError
            If an option is unknown, missing or out of range.
        """
        options = {name: build(o) if isinstance(o, Mapping) else o for name, o in config.items() if name != "layer"}
        return cls(build(config["layer"], rng=rng, dtype=dtype), rng=rng, **options)

    def __repr__(self) -> str:
        return f"Model({self.layer!r}, output_size={self.output.output_size}, loss={self.loss_name!r})"

    def _add_penalties(self, gradients: dict[str, np.ndarray]) -> float:
        """Add the gradients of the penalties on weights; return the penalties."""
        penalty = 0.0
        for name in self.layer.params:
            price = self.regularizers.get(self._role(name))
            if price is not None:
                penalty += price(self.params[name])
                gradients[name] += price.gradient(self.params[name])
        return penalty

    def _role(self, name: str) -> str:
        """Which of Keras' three kinds a parameter is, 'kernel', 'recurrent' or 'bias'; '' if it is none."""
        return self._roles.get(name.rpartition(".")[2], "")

    def _as_input(self, x: Any, axes: int = 2) -> np.ndarray:
        x = np.asarray(x)
        if not np.issubdtype(x.dtype, np.integer):
            return x
        if x.ndim != axes:
            raise ValueError(f"x: expected ids of shape {('(B,)', '(T, B)')[axes - 1]}, got {x.shape}")
        return one_hot(as_ids(x, "x", self.input_size, ndim=None), self.input_size, self.dtype)

    def _features(self, h: np.ndarray) -> np.ndarray:
        """What goes to the output layer: all hidden states, or the one after the last valid step."""
        return h if self.return_sequences else self.layer.last(h)

    def _to_every_step(self, dfeatures: np.ndarray, h: np.ndarray) -> np.ndarray:
        """∂L/∂H (T, B, H) from the gradient of the features, which were picked out of H: each goes where it was."""
        if self.return_sequences:
            return dfeatures
        T, _, H = h.shape
        places = self.layer.last(np.arange(T * H).reshape(T, 1, H))[0]  # which step and unit each feature came from
        if not np.issubdtype(places.dtype, np.integer):
            raise TypeError(
                f"layer: expected last(h) to pick entries of h, got {type(self.layer).__name__}, which mixes"
            )
        dh = np.zeros_like(h)
        dh[places // H, :, places % H] = dfeatures.T
        return dh


def as_batch(batch: Any) -> Batch:
    """`batch` as a Batch, or an error that says what it should be."""
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        given = f"{len(batch)} of them" if isinstance(batch, tuple | list) else type(batch).__name__
        raise TypeError(f"batch: expected a Batch, (x, y) or (x, y, mask), got {given}")
    return Batch(*batch)
