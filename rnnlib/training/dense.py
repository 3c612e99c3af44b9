"""The output layer: what turns a hidden state into an answer.

    O_t = H_t W_hq + b_q                                                     (chapter 3)

Shapes: h (..., H), o (..., Q), W_hq (H, Q), b_q (Q,), where ... is (T, B) or (B,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from rnnlib.cells.arguments import generator, positive
from rnnlib.cells.initializers import Initializer, draw

__all__ = ["Dense"]


class Dense:
    """A linear layer, O = H W_hq + b_q, the same for every step.

    Parameters
    ----------
    input_size, output_size : int
        H and Q.
    rng : np.random.Generator
        Draws the weights.
    dtype : float64 (default) or float32
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        Names as in :mod:`rnnlib.cells`.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> layer = Dense(3, 2, rng=np.random.default_rng(0))
    >>> layer.forward(np.zeros((5, 4, 3))).shape  # T = 5 steps of B = 4 sequences
    (5, 4, 2)
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float64,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
    ) -> None:
        shape = (positive("input_size", input_size), positive("output_size", output_size))
        self.input_size, self.output_size = shape
        generator("rng", rng)
        self.params = {"W_hq": draw(kernel_initializer, rng, shape, "kernel_initializer").astype(dtype)}
        if use_bias:
            self.params["b_q"] = draw(bias_initializer, rng, shape[1:], "bias_initializer").astype(dtype)

    def __repr__(self) -> str:
        return f"Dense(input_size={self.input_size}, output_size={self.output_size})"

    def forward(self, h: np.ndarray) -> np.ndarray:
        """O = H W_hq + b_q; ``h`` is (..., H), the result (..., Q)."""
        if h.shape[-1] != self.input_size:
            raise ValueError(f"h: expected shape (..., {self.input_size}), got {h.shape}")
        # one product of (T·B, H) is faster than T products of (B, H)
        o = h.reshape(-1, self.input_size) @ self.params["W_hq"]
        if "b_q" in self.params:
            o += self.params["b_q"]
        return o.reshape(*h.shape[:-1], self.output_size)

    def backward(self, h: np.ndarray, do: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """From ∂L/∂O (..., Q) to ∂L/∂H = ∂L/∂O W_hqᵀ (..., H) and the parameters' gradients, summed over all steps."""
        flat_h, flat_do = h.reshape(-1, self.input_size), do.reshape(-1, self.output_size)
        gradients = {"W_hq": flat_h.T @ flat_do}
        if "b_q" in self.params:
            gradients["b_q"] = flat_do.sum(axis=0)
        return (flat_do @ self.params["W_hq"].T).reshape(h.shape), gradients
