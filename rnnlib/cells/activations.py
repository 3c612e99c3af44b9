"""Activation functions φ, each with its slope φ′ written in terms of its own value.

The backward pass keeps y = φ(a) and forgets a, so every slope here is a function of y: for tanh, φ′ = 1 − y².
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Activation:
    """A function φ and its slope.

    Attributes
    ----------
    name : str
        Keras' name of the function.
    value : callable
        ``value(a)`` is φ(a), elementwise, in the shape and dtype of a.
    slope : callable
        ``slope(y)`` is φ′(a), given y = φ(a).
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def __reduce__(self) -> tuple[Callable[[str, str], "Activation"], tuple[str, str]]:
        """Pickled by name, so that a model can be sent to another process."""
        return find_activation, (self.name, "activation")


def _sigmoid(a: Array) -> Array:
    # σ(a) = (1 + tanh(a/2)) / 2: never overflows, and one fast call where 1 / (1 + exp(−a)) has two slow ones
    return 0.5 * np.tanh(0.5 * a) + 0.5


def _hard_sigmoid(a: Array) -> Array:
    return np.clip(a / 6 + 0.5, 0, 1)


def _hard_sigmoid_slope(y: Array) -> Array:
    return ((y > 0) & (y < 1)) * y.dtype.type(1 / 6)


def _softsign(a: Array) -> Array:
    return a / (1 + np.abs(a))


def _softplus(a: Array) -> Array:
    return np.logaddexp(a, 0)


def _elu(a: Array) -> Array:
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))


ACTIVATIONS: dict[str, Activation] = {
    f.name: f
    for f in (
        Activation("tanh", np.tanh, lambda y: 1 - y * y),
        Activation("sigmoid", _sigmoid, lambda y: y * (1 - y)),
        Activation("hard_sigmoid", _hard_sigmoid, _hard_sigmoid_slope),
        Activation("relu", lambda a: np.maximum(a, 0), lambda y: (y > 0).astype(y.dtype)),
        Activation("linear", lambda a: a, np.ones_like),
        Activation("softsign", _softsign, lambda y: (1 - np.abs(y)) ** 2),  # 1 / (1 + |a|)²
        Activation("softplus", _softplus, lambda y: -np.expm1(-y)),  # σ(a) = 1 − exp(−y)
        Activation("elu", _elu, lambda y: np.minimum(y, 0) + 1),
    )
}


def find_activation(name: str, argument: str) -> Activation:
    """The activation called `name`; `argument` is the option's name, for the message.

    Raises
    ------
    ValueError
        If no activation has that name.

    Examples
    --------
    >>> sigmoid = find_activation("sigmoid", "recurrent_activation")
    >>> sigmoid.value(np.zeros(1)), sigmoid.slope(np.array([0.5]))
    (array([0.5]), array([0.25]))
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"{argument}: expected one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]
