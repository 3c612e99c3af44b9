"""Small pictures of handwritten digits, for chapter 3: from a picture to a word."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlib.corpora.optional import optional


class Digits(NamedTuple):
    """Pictures of digits: `images` (N, 8, 8) in [0, 1], `labels` (N,), `words` the ten English names."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    words: tuple[str, ...]


def digits() -> Digits:
    """1,797 pictures of handwritten digits, 8×8 pixels: small enough to learn picture-to-text in seconds.

    Returns
    -------
    Digits
        `images` (1797, 8, 8), 0 for paper and 1 for ink; `labels` (1797,), 0 to 9; `words`, ``"zero"`` to
        ``"nine"``.

    Raises
    ------
    ImportError
        If scikit-learn is missing.

    Notes
    -----
    Test part of E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
    Repository, 1998 (CC BY 4.0), as packaged in scikit-learn (BSD licence). Used in chapter 3.

    Examples
    --------
    >>> from rnnlib.corpora import digits
    >>> data = digits()
    >>> data.images.shape, data.words[data.labels[3]]
    ((1797, 8, 8), 'three')
    """
    data = optional("sklearn.datasets", "scikit-learn").load_digits()
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return Digits(data.images / 16.0, data.target.astype(np.int64), words)  # 16 is full ink
