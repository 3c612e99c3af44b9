"""Activation functions φ, each with its slope φ′ written in terms of its own value.

The backward pass keeps y = φ(a) and forgets a, so every slope here is a function of y: for tanh, φ′ = 1 − y².
Both functions write into `out` and allocate nothing that grows with the array where they can avoid it: the loop over
time calls them at every step.
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
        ``value(a, out)`` writes φ(a) to ``out``, elementwise, any shape; ``out`` may be ``a``.
    slope : callable
        ``slope(y, out)`` writes φ′(a) to ``out``, given y = φ(a); ``out`` must not be ``y``.
    """

    name: str
    value: Callable[[Array, Array], object]
    slope: Callable[[Array, Array], object]


def _tanh_slope(y: Array, out: Array) -> None:
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)  # 1 − y²


def _sigmoid(a: Array, out: Array) -> None:
    # σ(a) = (1 + tanh(a/2)) / 2: never overflows, and one fast call where 1 / (1 + exp(−a)) has two slow ones
    np.multiply(a, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5


def _sigmoid_slope(y: Array, out: Array) -> None:
    np.subtract(1, y, out=out)
    out *= y  # y (1 − y)


def _hard_sigmoid(a: Array, out: Array) -> None:
    np.multiply(a, 1 / 6, out=out)
    out += 0.5
    np.clip(out, 0, 1, out=out)


def _hard_sigmoid_slope(y: Array, out: Array) -> None:
    np.multiply((y > 0) & (y < 1), 1 / 6, out=out)


def _relu(a: Array, out: Array) -> None:
    np.maximum(a, 0, out=out)


def _relu_slope(y: Array, out: Array) -> None:
    np.greater(y, 0, out=out, casting="unsafe")


def _linear(a: Array, out: Array) -> None:
    out[...] = a


def _linear_slope(y: Array, out: Array) -> None:
    out[...] = 1


def _softsign(a: Array, out: Array) -> None:
    np.divide(a, 1 + np.abs(a), out=out)


def _softsign_slope(y: Array, out: Array) -> None:
    np.square(1 - np.abs(y), out=out)  # 1 / (1 + |a|)²


def _softplus(a: Array, out: Array) -> None:
    np.logaddexp(a, 0, out=out)


def _softplus_slope(y: Array, out: Array) -> None:
    np.negative(np.expm1(-y), out=out)  # σ(a) = 1 − exp(−y)


def _elu(a: Array, out: Array) -> None:
    np.copyto(out, np.where(a > 0, a, np.expm1(np.minimum(a, 0))))


def _elu_slope(y: Array, out: Array) -> None:
    np.add(np.minimum(y, 0), 1, out=out)


ACTIVATIONS: dict[str, Activation] = {
    f.name: f
    for f in (
        Activation("tanh", np.tanh, _tanh_slope),
        Activation("sigmoid", _sigmoid, _sigmoid_slope),
        Activation("hard_sigmoid", _hard_sigmoid, _hard_sigmoid_slope),
        Activation("relu", _relu, _relu_slope),
        Activation("linear", _linear, _linear_slope),
        Activation("softsign", _softsign, _softsign_slope),
        Activation("softplus", _softplus, _softplus_slope),
        Activation("elu", _elu, _elu_slope),
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
    >>> y = np.zeros(1)
    >>> sigmoid.value(np.zeros(1), y)
    >>> y
    array([0.5])
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"{argument}: {name!r} is not an activation; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
