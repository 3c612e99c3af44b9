"""Regularisers: a price on large weights or activations, under Keras' names.

A regulariser is called on an array and returns the penalty, a float; ``gradient`` returns its derivative.
The recurrent layer of a :class:`rnnlib.training.Model` takes ``kernel_regularizer`` (on W_x),
``recurrent_regularizer`` (on W_h), ``bias_regularizer`` (on the biases) and ``activity_regularizer`` (on
the hidden states). Chapter 8 shows them at work.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from rnnlib.registry import register

__all__ = ["L1L2", "l1", "l1_l2", "l2", "regularizer"]


@register
@dataclass(frozen=True)
class L1L2:
    """The penalty ``l1 · Σ|w| + l2 · Σw²``.

    Parameters
    ----------
    l1, l2 : float
        Strengths, 0 or more.

    Raises
    ------
    ValueError
        If a strength is negative.

    Examples
    --------
    >>> penalty = L1L2(l1=0.1, l2=0.01)
    >>> w = np.array([3.0, -1.0, 0.0])
    >>> round(penalty(w), 6)
    0.5
    >>> penalty.gradient(w).round(6)
    array([ 0.16, -0.12,  0.  ])
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("l1", self.l1), ("l2", self.l2)):
            if not value >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {value!r}")

    def config(self) -> dict[str, float]:
        """The options, for a checkpoint."""
        return asdict(self)

    def __call__(self, w: np.ndarray) -> float:
        """The penalty for the array ``w``."""
        penalty = 0.0
        if self.l1:
            penalty += self.l1 * float(np.abs(w).sum(dtype=np.float64))
        if self.l2:
            penalty += self.l2 * float(np.square(w).sum(dtype=np.float64))
        return penalty

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Its derivative by ``w``: ``l1 · sign(w) + l2 · 2w``, with sign(0) = 0."""
        return self.l1 * np.sign(w) + (2 * self.l2) * w


def l1(l1: float = 0.01) -> L1L2:
    """``l1 · Σ|w|``: pulls all weights towards zero by the same amount, so small ones end at exactly zero.

    Examples
    --------
    >>> l1(0.5)(np.array([2.0, -4.0]))
    3.0
    """
    return L1L2(l1=l1)


def l2(l2: float = 0.01) -> L1L2:
    """``l2 · Σw²``: pulls each weight towards zero in proportion to its size.

    Examples
    --------
    >>> l2(0.5)(np.array([2.0, -4.0]))
    10.0
    """
    return L1L2(l2=l2)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Both at once. (Keras 3 leaves both strengths at 0 unless told otherwise.)

    Examples
    --------
    >>> l1_l2(1.0, 0.5)(np.array([2.0, -4.0]))
    16.0
    """
    return L1L2(l1=l1, l2=l2)


def regularizer(spec: str | L1L2 | None, name: str = "regularizer") -> L1L2 | None:
    """Turn what a ``…_regularizer`` option may be (None, a name, a regulariser) into a regulariser or None.

    Examples
    --------
    >>> regularizer("l2")
    L1L2(l1=0.0, l2=0.01)
    """
    named = {"l1": l1, "l2": l2, "l1_l2": l1_l2}
    if spec is None or (callable(spec) and hasattr(spec, "gradient")):
        return spec
    if isinstance(spec, str) and spec in named:
        return named[spec]()
    raise ValueError(f"{name}: expected None, {', '.join(map(repr, named))} or an L1L2, got {spec!r}")
