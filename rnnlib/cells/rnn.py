"""The plain recurrent cell (chapter 3).

H_t = φ(X_t W_x + H_{t−1} W_h + b)                                  Elman (1990)
"""

from rnnlib.cells import convert
from rnnlib.cells.cell import Array, Cell, Gates, State


class RNN(Cell):
    """A plain recurrent cell, H_t = φ(X_t W_x + H_{t−1} W_h + b).

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    rng : np.random.Generator
        Draws the weights.
    dtype : float64 (default) or float32
        float64 to check gradients, float32 to train.
    activation : str
        φ, a name in `ACTIVATIONS`; "tanh" by default.
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
        For W_x, W_h and b: a name in `INITIALIZERS` or a function ``(rng, shape) -> array``.
    dropout, recurrent_dropout : float
        Rates in [0, 1) for X_t and H_{t−1}; one mask serves all steps of a sequence. Used only where `unroll` is
        given a `dropout_rng`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, unknown or out of range; the message names it.

    Notes
    -----
    `activation`, `use_bias`, the initialisers and the dropouts have Keras' names and meaning. Source: Elman (1990),
    "Finding structure in time"; chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> cell = RNN(input_size=2, hidden_size=3, rng=np.random.default_rng(0))
    >>> (h,) = cell.step(np.ones((1, 2)), cell.initial_state(1))
    >>> np.allclose(h, np.tanh(np.ones((1, 2)) @ cell.params["W_x"]))
    True
    """

    gates = ("h",)

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        (h_prev,) = state
        h = self.activation.value(u + self.dropped(h_prev) @ self.params["W_h"])  # H_t = φ(X_t W_x + H_{t−1} W_h + b)
        return (h,), (h,)

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        (dh,), (h,) = dstate, after
        da = dh * self.activation.slope(h)  # δ_t = ∂L/∂H_t ⊙ φ′(a_t)
        dh_prev = self.dropped(da @ self.params["W_h"].T)  # ∂L/∂H_{t−1} = δ_t W_hᵀ
        return da, (dh_prev,)

    from_torch = classmethod(convert.rnn_from_torch)
    from_keras = classmethod(convert.rnn_from_keras)
    to_torch = convert.rnn_to_torch
    to_torch_names = convert.rnn_to_torch_names
