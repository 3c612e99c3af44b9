"""Initialisers of weights, under Keras' names.

A gate's matrix is drawn on its own: fan-in and fan-out are those of one gate, and an orthogonal `W_h` is orthogonal
gate by gate. (Keras draws the fused matrix at once; with one gate the two agree.)

References: Glorot & Bengio (2010) for "glorot_*", He et al. (2015) for "he_*", Saxe et al. (2014) for "orthogonal",
Le, Jaitly & Hinton (2015) for "identity".
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Initializer = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Number of inputs and outputs of a weight: rows and columns; a bias counts as a square."""
    return shape[0], shape[-1]


def _glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    limit = np.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-limit, limit, shape)


def _glorot_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(0, np.sqrt(2 / sum(_fans(shape))), shape)


def _he_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    limit = np.sqrt(6 / _fans(shape)[0])
    return rng.uniform(-limit, limit, shape)


def _he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(0, np.sqrt(2 / _fans(shape)[0]), shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    rows, columns = _matrix(shape, "orthogonal")
    tall = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))  # without this, Q is not uniform over the orthogonal matrices (Mezzadri 2007)
    return q if rows >= columns else q.T


def _identity(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.eye(*_matrix(shape, "identity"))


def _zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.zeros(shape)


def _ones(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.ones(shape)


def _matrix(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    if len(shape) != 2:
        raise ValueError(
            f"initializer: expected a shape of two axes for {name!r}, which makes matrices only, got {shape}"
        )
    return shape[0], shape[1]


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_uniform": _he_uniform,
    "he_normal": _he_normal,
    "orthogonal": _orthogonal,
    "identity": _identity,
    "zeros": _zeros,
    "ones": _ones,
}


def draw(
    initializer: str | Initializer, rng: np.random.Generator, shape: tuple[int, ...], argument: str
) -> NDArray[np.float64]:
    """An array of `shape` drawn by an initialiser.

    Parameters
    ----------
    initializer : str or callable
        A name in `INITIALIZERS`, or a function ``(rng, shape) -> array``.
    rng : np.random.Generator
    shape : tuple of int
    argument : str
        The option's name, for messages.

    Raises
    ------
    ValueError
        If the name is unknown, or a function returns another shape.

    Examples
    --------
    >>> W = draw("orthogonal", np.random.default_rng(0), (3, 3), "recurrent_initializer")
    >>> np.allclose(W @ W.T, np.eye(3))
    True
    """
    if callable(initializer):
        drawn = np.asarray(initializer(rng, shape), dtype=np.float64)
        if drawn.shape != shape:
            raise ValueError(f"{argument}: expected an array of shape {shape} from the function, got {drawn.shape}")
        return drawn
    if not isinstance(initializer, str) or initializer not in INITIALIZERS:
        names = ", ".join(INITIALIZERS)
        raise ValueError(f"{argument}: expected one of {names}, or a function, got {initializer!r}")
    return INITIALIZERS[initializer](rng, shape)
