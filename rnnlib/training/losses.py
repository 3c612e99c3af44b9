"""Losses: one number that says how wrong the outputs are, and its gradient.

Shapes: logits and predictions (..., Q), where ... is (T, B) for one output per step and (B,) for one output
per sequence; Q output width (the number of classes for a classifier).

Each loss returns ``(loss, gradient)``, where the gradient has the shape of the first argument. A loss never
clips: a gradient check must see the gradient as it is, so clipping lives in
:mod:`rnnlib.training.clipping`.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["bits_to_nats", "cross_entropy", "nats_to_bits", "nats_to_perplexity", "softmax", "squared_error"]


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities proportional to ``exp(logits / temperature)`` along the last axis.

    The largest logit is subtracted first. That changes nothing in the result and keeps ``exp`` from
    overflowing.

    Parameters
    ----------
    logits : (..., Q) array
    temperature : float
        Above 1 flattens the distribution, below 1 sharpens it. Must be positive.

    Returns
    -------
    (..., Q) array
        Non-negative, sums to 1 along the last axis.

    Raises
    ------
    ValueError
        If ``temperature`` is not positive.

    See Also
    --------
    Chapter 3 derives the gradient of a softmax under a cross-entropy.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)])).round(2)
    array([0.25, 0.75])
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    logits = np.asarray(logits, dtype=None if np.issubdtype(np.asarray(logits).dtype, np.floating) else np.float64)
    if not temperature > 0:
        raise ValueError(f"temperature: expected a positive number, got {temperature!r}; for 0 take the argmax")
    shifted = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float64) / temperature
    p = np.exp(shifted)
    return (p / p.sum(axis=-1, keepdims=True)).astype(logits.dtype)


def cross_entropy(logits: np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Mean of ``-log softmax(logits)[target]`` over the valid positions, in nats, and its gradient.

    The gradient with respect to the logits is ``(p - y) / N``: the predicted probabilities minus the one-
    hot target, divided by the number N of valid positions. A masked position adds nothing to the loss, its
    gradient is zero, and its target may be any integer.

    Parameters
    ----------
    logits : (..., Q) floating array
        (T, B, Q) for one output per step, (B, Q) for one per sequence.
    targets : (...) integer array
        Index of the right class, 0 to Q - 1.
    mask : (...) array, optional
        1 where a position counts, 0 where it is padding. All positions count by default.

    Returns
    -------
    loss : float
        In nats per valid position; :func:`nats_to_bits` converts.
    dlogits : (..., Q) array
        ∂loss/∂logits, in the dtype of ``logits``.

    Raises
    ------
    ValueError
        If shapes do not fit together, a target is out of range, or no position is valid.
    TypeError
        If ``logits`` is not floating point or ``targets`` is not integer.

    See Also
    --------
    Chapter 3 derives the gradient.

    Examples
    --------
    >>> loss, dlogits = cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(nats_to_bits(loss), 6)  # four equal chances: two bits
    2.0
    >>> dlogits
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    logits, targets = np.asarray(logits), np.asarray(targets)
    valid = _check(logits, targets.shape, mask, "logits", "targets")
    targets = _check_classes(targets, valid, logits.shape[-1])[..., None]  # (..., 1)
    shifted = logits - logits.max(axis=-1, keepdims=True)  # (..., Q); the softmax stays the same, exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    surprise = -np.take_along_axis(log_p, targets, axis=-1)[..., 0]  # (...), −log p(target)
    p, y = np.exp(log_p), np.zeros_like(log_p)
    np.put_along_axis(y, targets, 1, axis=-1)  # one-hot
    dlogits = p - y
    if valid is not None:
        surprise, dlogits = np.where(valid, surprise, 0), np.where(valid[..., None], dlogits, 0)
    count = surprise.size if valid is None else int(np.count_nonzero(valid))
    return float(surprise.sum(dtype=np.float64)) / count, dlogits / count


def squared_error(
    predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Mean of ``(prediction - target)**2`` over the valid positions and their Q outputs, and its gradient.

    Parameters
    ----------
    predictions : (..., Q) floating array
    targets : (..., Q) array
    mask : (...) array, optional
        1 where a position counts, 0 where it is padding. All positions count by default.

    Returns
    -------
    loss : float
        In the squared unit of the targets.
    dpredictions : (..., Q) array
        ∂loss/∂predictions, in the dtype of ``predictions``.

    Raises
    ------
    ValueError
        If shapes do not fit together or no position is valid.
    TypeError
        If ``predictions`` is not floating point.

    Examples
    --------
    >>> squared_error(np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]]))
    (5.0, array([[1.],
           [3.]]))
    """
    predictions, targets = np.asarray(predictions), np.asarray(targets)
    if targets.shape != predictions.shape:
        raise ValueError(f"targets: expected shape {predictions.shape}, that of predictions, got {targets.shape}")
    valid = _check(predictions, targets.shape[:-1], mask, "predictions", "targets")
    error = (predictions - targets).astype(predictions.dtype, copy=False)
    if valid is not None:
        error[~valid] = 0
    count = error.size if valid is None else np.count_nonzero(valid) * error.shape[-1]
    loss = float(np.square(error).sum(dtype=np.float64)) / count
    return loss, (2 / count) * error


def nats_to_bits(nats: float) -> float:
    """Convert nats (base e) to bits (base 2).

    Examples
    --------
    >>> nats_to_bits(math.log(8))
    3.0
    """
    return nats / math.log(2)


def bits_to_nats(bits: float) -> float:
    """Convert bits (base 2) to nats (base e).

    Examples
    --------
    >>> round(bits_to_nats(1.0), 4)
    0.6931
    """
    return bits * math.log(2)


def nats_to_perplexity(nats: float) -> float:
    """exp(cross-entropy): the number of equally likely choices that would be as hard to guess (chapter 2).

    Infinite where it is larger than any float, as after 710 nats.

    Examples
    --------
    >>> round(nats_to_perplexity(math.log(50)), 6), nats_to_perplexity(1000.0)
    (50.0, inf)
    """
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def _check(
    outputs: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None, name: str, other: str
) -> np.ndarray | None:
    """Check what both losses share; return the mask as booleans."""
    if not np.issubdtype(outputs.dtype, np.floating):
        raise TypeError(f"{name}: expected a floating-point array, got {outputs.dtype}")
    if outputs.ndim < 2 or outputs.size == 0:
        raise ValueError(f"{name}: expected shape (..., Q) with at least one entry, got {outputs.shape}")
    if shape != outputs.shape[:-1]:
        raise ValueError(f"{other}: expected shape {outputs.shape[:-1]}, that of {name} without Q, got {shape}")
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != outputs.shape[:-1]:
        raise ValueError(f"mask: expected shape {outputs.shape[:-1]}, got {mask.shape}")
    valid = mask.astype(bool)
    if not np.array_equal(valid, mask):
        raise ValueError(f"mask: expected 0 and 1 only, got {mask[valid != mask][0]}")
    if not valid.any():
        raise ValueError("mask: expected at least one valid position, got none: the mean over nothing is not defined")
    return valid


def _check_classes(targets: np.ndarray, valid: np.ndarray | None, classes: int) -> np.ndarray:
    """Check the range of the class indices; return them with 0 at masked positions."""
    if not np.issubdtype(targets.dtype, np.integer):
        raise TypeError(f"targets: expected integer class indices, got {targets.dtype}")
    if valid is not None:
        targets = np.where(valid, targets, 0)
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise ValueError(f"targets: expected 0 to {classes - 1} for logits of width {classes}, got {low} to {high}")
    return targets
