"""Weights in one byte each: a shipped model that is a quarter of its size in float32.

Every column of a matrix has a scale of its own, the largest magnitude in it divided by 127, and each weight is stored
as the nearest whole multiple of that scale. So an entry is off by half a scale at most. A column belongs to one gate of
one unit (row vectors: `X_t W_x`), so a unit with large weights does not blur the others.
"""

from __future__ import annotations

import numpy as np

from rnnlib.cells.cell import Array

__all__ = ["dequantise", "quantise"]

LARGEST = 127


def quantise(p: Array) -> tuple[Array, Array]:
    """Round a matrix to whole multiples of a scale per column.

    Parameters
    ----------
    p : (M, N) floating array

    Returns
    -------
    whole : (M, N) int8 array
        From −127 to 127.
    scale : (N,) float32 array
        1 for a column of zeros.

    Raises
    ------
    ValueError
        If `p` is no matrix, or an entry is not finite.

    Notes
    -----
    What `dequantise` returns is left as it is by a second rounding.

    References
    ----------
    Jacob et al. (2018), "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference", whose scheme this is without a zero point and with one scale per column.

    Examples
    --------
    >>> whole, scale = quantise(np.array([[1.27, 0.0127], [-0.5, 0.0071]]))
    >>> whole
    array([[127, 127],
           [-50,  71]], dtype=int8)
    >>> dequantise(whole, scale).round(4)
    array([[ 1.27  ,  0.0127],
           [-0.5   ,  0.0071]], dtype=float32)
    """
    p = np.asarray(p)
    if p.ndim != 2:
        raise ValueError(f"p: expected a matrix, got shape {p.shape}")
    if not np.isfinite(p).all():
        raise ValueError("p: expected finite entries, got others")
    largest = np.abs(p).max(axis=0, initial=0)
    scale = (largest / LARGEST).astype(np.float32)
    scale[scale == 0] = 1
    return np.rint(p / scale).astype(np.int8), scale


def dequantise(whole: Array, scale: Array) -> Array:
    """The float32 matrix that `quantise` stored: ``whole * scale``."""
    return whole * scale.astype(np.float32)
