"""Dropout: random factors that are 0, or as large as makes up for those (chapter 8).

The loop over time draws one set of factors for all steps of a sequence (Gal & Ghahramani 2016); the output layer of
`rnnlib.training.Model` draws one for every step (Srivastava et al. 2014).
"""

import numpy as np
from numpy.typing import DTypeLike

from rnnlib.cells.arguments import generator
from rnnlib.cells.arguments import rate as check_rate
from rnnlib.cells.cell import Array


def dropout(shape: tuple[int, ...], rate: float, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Array:
    """Factors that drop each entry with probability `rate` and scale up the rest ("inverted" dropout).

    A factor is 0 or ``1 / (1 − rate)``, so that the expected value of ``h * factors`` is ``h`` and nothing needs to be
    rescaled when dropout is switched off. The gradient takes the same factors: ``dh = d(h * factors) * factors``.

    Parameters
    ----------
    shape : tuple of int
        Of what the factors will multiply.
    rate : float
        0 up to but not including 1.
    rng : np.random.Generator
    dtype : dtype

    Returns
    -------
    array of that shape and dtype

    Raises
    ------
    TypeError, ValueError
        If `rate` or `rng` is something else.

    References
    ----------
    Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting". Chapter 8.

    Examples
    --------
    >>> factors = dropout((100_000,), 0.2, np.random.default_rng(0))
    >>> np.unique(factors), factors.mean().round(2)
    (array([0.  , 1.25]), np.float64(1.0))
    """
    rate = check_rate("rate", rate)
    generator("rng", rng)
    factors = (rng.random(shape, dtype=np.float32) >= rate).astype(dtype)
    factors *= 1 / (1 - rate)
    return factors
