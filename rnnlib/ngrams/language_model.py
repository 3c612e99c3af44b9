"""What a language model that counts must be able to do."""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class LanguageModel(Protocol):
    """What the functions of this module ask of a model."""

    size: int  # V
    order: int  # n

    def distribution(self, context: ArrayLike) -> Floats:
        """P(·|u), shape (V,); of a context longer than n-1 symbols the last n-1 count."""

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|u) of every symbol of a text, shape (N,)."""
