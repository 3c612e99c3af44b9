"""What a trained language model is for: writing on, and saying how surprised it is by a text.

Text is a vector of ids here; :func:`generate_text` adds the vocabulary. Chapter 3.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from rnnlib.training.losses import nats_to_bits, softmax
from rnnlib.training.model import Model

__all__ = ["bits_per_character", "generate", "generate_text", "next_probabilities"]


class Encoder(Protocol):
    """What generation needs of a :class:`rnnlib.text.Vocabulary`."""

    def encode(self, text: str) -> np.ndarray: ...
    def decode(self, ids: np.ndarray) -> str: ...


def next_probabilities(
    model: Model, ids: np.ndarray, state: Any = None, temperature: float = 1.0
) -> tuple[np.ndarray, Any]:
    """The distribution over the character that follows ``ids``, and the state after them.

    Parameters
    ----------
    model : Model
    ids : (T,) integer array
        What came before; not empty.
    state : tuple, optional
        The state before ``ids``, for a batch of one. Zeros by default.
    temperature : float
        Positive; see :func:`rnnlib.training.softmax`.

    Returns
    -------
    p : (V,) array
    state : tuple

    Raises
    ------
    ValueError
        If ``ids`` is empty or holds an index outside the vocabulary.
    """
    ids = np.asarray(ids)
    if ids.ndim != 1 or ids.size == 0:
        raise ValueError(f"ids must have shape (T,) with T >= 1, got {ids.shape}")
    for i in ids:
        logits, state = model.step(np.array([i]), state)
    return softmax(logits[0], temperature), state


def generate(
    model: Model,
    prime: np.ndarray,
    length: int,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> np.ndarray:
    """Write on: draw one id after the other, each one fed back as the next input.

    Parameters
    ----------
    model : Model
        One output per step over the same ids as its inputs.
    prime : (T,) integer array
        The beginning, which the model reads first; not empty.
    length : int
        How many ids to draw.
    temperature : float
        0: always the most probable id. 1: the model's own distribution. In between: bolder or tamer.
    rng : np.random.Generator, optional
        Needed unless ``temperature`` is 0.
    state : tuple, optional
        The state before ``prime``. Zeros by default.

    Returns
    -------
    (length,) integer array
        Without ``prime``.

    Raises
    ------
    ValueError
        If an argument is out of range, or ``rng`` is missing.

    Notes
    -----
    The draw is ``searchsorted(cumsum(p), u)`` in float64, so that one seed gives one text on every machine,
    up to rounding of the model itself.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> rng = np.random.default_rng(0)
    >>> model = Model(RNN(3, 8, rng=rng), output_size=3, rng=rng)
    >>> generate(model, np.array([0]), 5, rng=rng).shape
    (5,)
    """
    if not temperature >= 0:
        raise ValueError(f"temperature must be 0 or more, got {temperature!r}")
    if temperature > 0 and rng is None:
        raise ValueError("rng: sampling at a temperature above 0 needs a np.random.Generator")
    if length < 0:
        raise ValueError(f"length must be 0 or more, got {length!r}")
    drawn = np.empty(length, np.intp)
    ids = np.asarray(prime)
    for k in range(length):
        p, state = next_probabilities(model, ids, state, temperature or 1.0)
        if temperature == 0:
            drawn[k] = p.argmax()
        else:
            assert rng is not None
            cumulative = np.cumsum(p, dtype=np.float64)
            drawn[k] = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
        ids = drawn[k : k + 1]
    return drawn


def generate_text(
    model: Model,
    vocabulary: Encoder,
    prime: str,
    length: int,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
) -> str:
    """:func:`generate` from text to text; the result starts with ``prime``.

    Raises
    ------
    ValueError
        As :func:`generate`, or if ``prime`` is empty.
    """
    if not prime:
        raise ValueError("prime must not be empty: the model needs at least one character to start from")
    ids = np.asarray(vocabulary.encode(prime))
    return prime + vocabulary.decode(generate(model, ids, length, temperature=temperature, rng=rng))


def bits_per_character(model: Model, ids: np.ndarray, *, context: np.ndarray | None = None, chunk: int = 256) -> float:
    """Mean of −log₂ p(next id | all ids before) over one long text, with the state carried from beginning to end.

    Parameters
    ----------
    model : Model
    ids : (N,) integer array
        The text. Every id is predicted if there is a ``context``, else every id but the first.
    context : (M,) integer array, optional
        What came before the text: read, not scored.
    chunk : int
        How many steps are unrolled at a time. Only memory depends on it.

    Returns
    -------
    float
        Bits per predicted character: 0 for certainty, log₂ V for a uniform guess among V.

    Raises
    ------
    ValueError
        If there is nothing to predict.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> model = Model(RNN(4, 8, rng=np.random.default_rng(0)), output_size=4, rng=np.random.default_rng(0))
    >>> for p in model.params.values():
    ...     p[...] = 0  # all logits equal: a uniform guess among 4
    >>> bits_per_character(model, np.array([0, 3, 1, 2, 2]))
    2.0
    """
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"ids must have shape (N,), got {ids.shape}")
    state: Any = None
    if context is not None and len(context):
        context = np.asarray(context)
        if len(context) > 1:
            _, state = model.forward(context[:-1, None])
        ids = np.concatenate([context[-1:], ids])
    if len(ids) < 2:
        raise ValueError(f"ids must hold at least one id to predict and one before it, got {len(ids)} in all")
    nats = 0.0
    for start in range(0, len(ids) - 1, chunk):
        x, y = ids[start : start + chunk], ids[start + 1 : start + 1 + chunk]
        loss, state = model.evaluate(x[: len(y), None], y[:, None], state)
        nats += loss * len(y)
    return nats_to_bits(nats / (len(ids) - 1))
