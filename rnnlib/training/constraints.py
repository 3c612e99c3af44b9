"""Constraints: what a weight array is projected onto after every step, under Keras' names.

A constraint is called on an array and returns the projected array. ``axis`` is the axis along which a norm
is taken: with ``axis=0``, the default, each *column* of W_x (D, G·H) or W_h (H, G·H) gets a norm of its
own, that is the incoming weights of one unit's one gate. A bias has one axis only, so the whole bias has
one norm. Chapter 8 shows them at work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnnlib.registry import register

__all__ = [
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "constraint",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]

EPSILON = 1e-7  # Keras' own: a norm below it counts as zero


def _scale_to(w: np.ndarray, axis: int | tuple[int, ...], wanted: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Scale the vectors of ``w`` along ``axis`` so that a norm n becomes wanted(n)."""
    norms = np.sqrt(np.square(w).sum(axis=axis, keepdims=True))
    return w * (wanted(norms) / np.maximum(norms, w.dtype.type(EPSILON)))


@dataclass(frozen=True)
class Projection:
    """What all constraints share: options that go into a checkpoint and come back."""

    def config(self) -> dict[str, Any]:
        """The options, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Projection:
        """The constraint with these options; JSON makes lists of tuples."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in config.items()})


@register
@dataclass(frozen=True)
class MaxNorm(Projection):
    """Shrink a vector that is longer than ``max_value`` to that length; leave the others alone.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]]))
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    max_value: float = 2.0
    axis: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        if not self.max_value > 0:
            raise ValueError(f"max_value: expected a positive number, got {self.max_value!r}")

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """The projected array, as long as ``w`` everywhere or shorter."""
        return _scale_to(w, self.axis, lambda norms: np.minimum(norms, self.max_value))


@register
@dataclass(frozen=True)
class NonNeg(Projection):
    """Set negative weights to zero.

    Examples
    --------
    >>> NonNeg()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """The projected array, nowhere negative."""
        return np.maximum(w, 0)


@register
@dataclass(frozen=True)
class UnitNorm(Projection):
    """Scale every vector to length 1 (a zero vector stays zero).

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0, 0.3], [4.0, 0.4]]))
    array([[0.6, 0.6],
           [0.8, 0.8]])
    """

    axis: int | tuple[int, ...] = 0

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """The projected array, of norm 1 along ``axis``."""
        return _scale_to(w, self.axis, np.ones_like)


@register
@dataclass(frozen=True)
class MinMaxNorm(Projection):
    """Move every vector's length towards the interval [min_value, max_value], by the fraction ``rate`` of the way.

    Examples
    --------
    >>> MinMaxNorm(1.0, 2.0)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(3)
    array([[1.2, 0.6],
           [1.6, 0.8]])
    """

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        if not 0 <= self.min_value <= self.max_value or not self.max_value > 0:
            raise ValueError(
                f"min_value, max_value: expected 0 <= min_value <= max_value and max_value > 0, "
                f"got {self.min_value!r} and {self.max_value!r}"
            )
        if not 0 < self.rate <= 1:
            raise ValueError(f"rate: expected a number in (0, 1], got {self.rate!r}")

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """The projected array."""

        def wanted(norms: np.ndarray) -> np.ndarray:
            clipped = np.clip(norms, self.min_value, self.max_value)
            return self.rate * clipped + (1 - self.rate) * norms

        return _scale_to(w, self.axis, wanted)


Constraint = MaxNorm | NonNeg | UnitNorm | MinMaxNorm
max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm  # Keras has both spellings


def constraint(spec: str | Constraint | None, name: str = "constraint") -> Constraint | None:
    """Turn what a ``…_constraint`` option may be (None, a name, a constraint) into a constraint or None.

    Examples
    --------
    >>> constraint("max_norm")
    MaxNorm(max_value=2.0, axis=0)
    """
    named: dict[str, Callable[[], Constraint]] = {
        "max_norm": MaxNorm,
        "non_neg": NonNeg,
        "unit_norm": UnitNorm,
        "min_max_norm": MinMaxNorm,
    }
    if spec is None or (callable(spec) and not isinstance(spec, type)):
        return spec
    if isinstance(spec, str) and spec in named:
        return named[spec]()
    raise ValueError(f"{name}: expected None, {', '.join(map(repr, named))} or a constraint, got {spec!r}")
