"""A recurrent layer joined to a dense output: the network of chapter 3, with its loss and its gradients.

    H_t = cell(X_t, H_{t−1}),    O_t = H_t W_hq + b_q,    L = mean of l(O_t, Y_t)

Shapes: x (T, B, D) or class indices (T, B); h (T, B, H); o (T, B, Q) for one output per step, (B, Q) for
one per sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnlib.bptt import Bidirectional, Stacked, Workspace
from rnnlib.bptt.layers import backward_layer, unroll_layer
from rnnlib.cells import Cell
from rnnlib.text import one_hot
from rnnlib.training.constraints import Constraint, constraint
from rnnlib.training.dense import Dense
from rnnlib.training.dense import dropout as draw_dropout
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
    """The loss, penalties included; in nats for the cross-entropy."""
    gradients: dict[str, np.ndarray]
    """Same keys as ``model.params``."""
    state: Any
    """The state after the last valid step, to carry into the next batch."""
    penalty: float
    """The regularisers' share of ``loss``."""


class Model:
    """A recurrent layer and a dense output layer with a loss.

    Parameters
    ----------
    layer : RNN, GRU, LSTM, Stacked or Bidirectional
        Its arrays are shared, not copied: what the model learns, the layer has learnt.
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
    >>> step = model.loss_and_gradients(x, (x + 1) % 5)
    >>> sorted(step.gradients)
    ['W_h', 'W_hq', 'W_x', 'b', 'b_q']
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
        if not isinstance(layer, Cell | Stacked | Bidirectional):
            raise TypeError(f"layer must be a cell, Stacked or Bidirectional, got {type(layer).__name__}")
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {sorted(LOSSES)}, got {loss!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout!r}")
        self.layer, self.loss_name, self.loss = layer, loss, LOSSES[loss]
        self.input_size, self.dtype = layer.input_size, layer.dtype
        self.output = Dense(layer.hidden_size, output_size, rng=rng, dtype=layer.dtype)
        self.return_sequences, self.dropout = bool(return_sequences), float(dropout)
        self.params: dict[str, np.ndarray] = {**layer.params, **self.output.params}
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
        self._workspace = Workspace()

    @property
    def has_dropout(self) -> bool:
        """Whether training needs randomness."""
        return self.dropout > 0 or any(cell.dropout or cell.recurrent_dropout for cell in _cells(self.layer))

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
        trace = self._unroll(x, state, mask, None, None)
        return self.output.forward(self._features(trace.h)), _copied(trace.state)

    def evaluate(
        self, x: np.ndarray, y: np.ndarray, state: Any = None, mask: np.ndarray | None = None
    ) -> tuple[float, Any]:
        """The loss without penalties and without dropout, and the state after the last valid step."""
        o, state = self.forward(x, state, mask)
        return self.loss(o, y, mask if self.return_sequences else None)[0], state

    def loss_and_gradients(
        self,
        x: np.ndarray,
        y: np.ndarray,
        state: Any = None,
        mask: np.ndarray | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Step:
        """One pass forward and backward.

        Parameters
        ----------
        x : (T, B, D) floating array or (T, B) integer array
            Inputs, or class indices that stand for one-hot rows.
        y : array
            Class indices (T, B) or values (T, B, Q); without the T axis if ``return_sequences=False``.
        state : tuple, optional
            The state to start from, taken as given: no gradient goes beyond it. Zeros by default.
        mask : (T, B) array, optional
            1 for a real step.
        rng : np.random.Generator, optional
            Draws the dropout masks. Without it nothing is dropped.

        Returns
        -------
        Step
            Loss, gradients by name, state, penalty. The gradients are overwritten by the next call.

        Raises
        ------
        FloatingPointError
            If the loss is not finite.
        ValueError, TypeError
            If shapes or dtypes do not fit.
        """
        trace = self._unroll(x, state, mask, rng, self._workspace)
        h = self._features(trace.h)  # (T, B, H), or (B, H) if return_sequences=False
        factors = draw_dropout(h, self.dropout, rng) if self.dropout and rng is not None else None
        h_out = h if factors is None else h * factors
        loss, do = self.loss(self.output.forward(h_out), y, mask if self.return_sequences else None)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss}")
        dh, gradients = self.output.backward(h_out, do)
        if factors is not None:
            dh *= factors
        penalty = 0.0
        if self.activity_regularizer is not None:
            B = h.shape[-2]
            penalty += self.activity_regularizer(h) / B
            dh += self.activity_regularizer.gradient(h) / B
        gradients |= self._backward(trace, dh)
        penalty += self._add_penalties(gradients)
        ordered = {name: gradients[name] for name in self.params}
        return Step(loss + penalty, ordered, _copied(trace.state), penalty)

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
        x_t = self._as_input(np.asarray(x_t))
        h, state = _step(self.layer, x_t, self.layer.initial_state(len(x_t)) if state is None else state)
        return self.output.forward(h), state

    def apply_constraints(self) -> None:
        """Project the recurrent layer's parameters, in place. The training loop does this after every update."""
        for name in self.layer.params:
            project = self.constraints[_role(name)]
            if project is not None:
                self.params[name][...] = project(self.params[name])

    def _add_penalties(self, gradients: dict[str, np.ndarray]) -> float:
        """Add the gradients of the penalties on weights; return the penalties."""
        penalty = 0.0
        for name in self.layer.params:
            price = self.regularizers[_role(name)]
            if price is not None:
                penalty += price(self.params[name])
                gradients[name] += price.gradient(self.params[name])
        return penalty

    def _as_input(self, x: np.ndarray) -> np.ndarray:
        return one_hot(x, self.input_size, self.dtype) if np.issubdtype(x.dtype, np.integer) else x

    def _unroll(self, x: Any, state: Any, mask: Any, rng: Any, workspace: Workspace | None) -> Any:
        x = self._as_input(np.asarray(x))
        return unroll_layer(self.layer, x, state, mask, dropout_rng=rng, workspace=workspace)

    def _features(self, h: np.ndarray) -> np.ndarray:
        """What goes to the output layer: all hidden states, or the last one of each direction.

        A masked step carries the state on, so ``h[-1]`` is the state after the last *valid* step. What is
        read backward ends at the first step.
        """
        if self.return_sequences:
            return h
        k = _units_read_forward(self.layer)
        return np.concatenate([h[-1, :, :k], h[0, :, k:]], axis=-1)

    def _backward(self, trace: Any, dfeatures: np.ndarray) -> dict[str, np.ndarray]:
        """Gradients of the layer's parameters from the gradient of its features."""
        dh = dfeatures
        if not self.return_sequences:
            k = _units_read_forward(self.layer)
            dh = np.zeros_like(trace.h)
            dh[-1, :, :k] = dfeatures[:, :k]
            dh[0, :, k:] = dfeatures[:, k:]
        return backward_layer(self.layer, trace, dh).params


def _cells(layer: Any) -> list[Cell]:
    """The cells that a layer is made of."""
    if isinstance(layer, Cell):
        return [layer]
    parts = layer.layers if isinstance(layer, Stacked) else layer.cells
    return [cell for part in parts for cell in _cells(part)]


def _units_read_forward(layer: Any) -> int:
    """How many of a layer's hidden units read from left to right; they come first."""
    top = layer.layers[-1] if isinstance(layer, Stacked) else layer
    return top.cells[0].hidden_size if isinstance(top, Bidirectional) else top.hidden_size


def _step(layer: Any, x_t: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
    """One step of a cell or a stack: what it hands on, and its new state."""
    if isinstance(layer, Cell):
        state = layer.step(x_t, state)
        return state[0], state
    if isinstance(layer, Bidirectional):
        raise TypeError("a Bidirectional layer cannot go step by step: its backward cell starts at the end")
    new = []
    for part, part_state in zip(layer.layers, state, strict=True):
        x_t, part_state = _step(part, x_t, part_state)
        new.append(part_state)
    return x_t, tuple(new)


def _role(name: str) -> str:
    """Which of Keras' three kinds of parameter: 'kernel' (W_x), 'recurrent' (W_h) or 'bias'."""
    return {"W_x": "kernel", "W_h": "recurrent"}.get(name.rpartition(".")[2], "bias")


def _copied(state: Any) -> Any:
    """The state in arrays of its own, out of reach of the next pass."""
    if isinstance(state, tuple):
        return tuple(_copied(part) for part in state)
    return np.array(state)
