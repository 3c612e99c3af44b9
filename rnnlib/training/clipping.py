"""Gradient clipping: a limit on how far one step may go when gradients explode.

Gradients are dicts of arrays, as ``Gradients.params`` and ``Model.loss_and_gradients`` give them. Both
functions work in place and return the norm that they found, which is worth plotting: it shows how often the
limit bites (chapter 5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

__all__ = ["clip_by_norm", "clip_by_value", "global_norm"]


def global_norm(gradients: Mapping[str, np.ndarray]) -> float:
    """The Euclidean norm of all gradients taken together as one long vector.

    Examples
    --------
    >>> global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])})
    5.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        square = sum(float(np.vdot(g, g)) for g in gradients.values())
        if not math.isfinite(square):  # float32 overflows beyond 1e19, long before the norm itself does
            square = sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values())
    return math.sqrt(square)


def clip_by_norm(gradients: Mapping[str, np.ndarray], max_norm: float) -> float:
    """Scale all gradients by one factor, in place, so that their global norm is at most ``max_norm``.

    One factor for all keeps the direction of the step and changes its length only.

    Parameters
    ----------
    gradients : dict of arrays
        Changed in place.
    max_norm : float
        The largest norm allowed; positive.

    Returns
    -------
    float
        The global norm before clipping.

    Raises
    ------
    ValueError
        If ``max_norm`` is not positive.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks". Chapter 5.

    Examples
    --------
    >>> gradients = {"W": np.array([[3.0]]), "b": np.array([4.0])}
    >>> clip_by_norm(gradients, 1.0)
    5.0
    >>> gradients
    {'W': array([[0.6]]), 'b': array([0.8])}
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm: expected a positive number, got {max_norm!r}")
    norm = global_norm(gradients)
    if norm > max_norm and math.isfinite(norm):
        for g in gradients.values():
            g *= max_norm / norm
    return norm


def clip_by_value(gradients: Mapping[str, np.ndarray], max_value: float) -> float:
    """Clip every entry to ``[-max_value, max_value]``, in place. Cheaper to explain, but it bends the direction.

    Parameters
    ----------
    gradients : dict of arrays
        Changed in place.
    max_value : float
        The largest magnitude allowed; positive.

    Returns
    -------
    float
        The global norm before clipping.

    Raises
    ------
    ValueError
        If ``max_value`` is not positive.

    Examples
    --------
    >>> gradients = {"W": np.array([[3.0, -0.5]])}
    >>> round(clip_by_value(gradients, 1.0), 3)
    3.041
    >>> gradients["W"]
    array([[ 1. , -0.5]])
    """
    if not max_value > 0:
        raise ValueError(f"max_value: expected a positive number, got {max_value!r}")
    norm = global_norm(gradients)
    for g in gradients.values():
        np.clip(g, -max_value, max_value, out=g)
    return norm
