"""What a trained language model is for: writing on, and saying how surprised it is by a text.

Text is a vector of ids here; :func:`generate_text` adds the vocabulary. Chapter 3.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Protocol

import numpy as np

from rnnlib.cells.arguments import generator
from rnnlib.text import as_ids
from rnnlib.training.losses import nats_to_bits, nats_to_perplexity, softmax
from rnnlib.training.model import Model

__all__ = [
    "bits_per_character",
    "generate",
    "generate_text",
    "log_probabilities",
    "next_probabilities",
    "perplexity",
]


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
        raise ValueError(f"ids: expected shape (T,) with T ≥ 1, got {ids.shape}")
    for i in as_ids(ids, "ids", model.input_size):
        logits, state = model.step(np.array([i]), state)
    return softmax(logits[0], temperature), state


def generate(
    model: Model,
    context: np.ndarray,
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
    context : (T,) integer array
        What stands before: read, not part of the result; not empty.
    length : int
        How many ids to draw.
    temperature : float
        0: always the most probable id. 1: the model's own distribution. In between: bolder or tamer.
    rng : np.random.Generator, optional
        Needed unless ``temperature`` is 0.
    state : tuple, optional
        The state before ``context``. Zeros by default.

    Returns
    -------
    (length,) integer array

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
        raise ValueError(f"temperature: expected 0 or more, got {temperature!r}")
    if rng is not None:
        generator("rng", rng)
    if temperature > 0 and rng is None:
        raise ValueError("rng: expected a np.random.Generator for sampling at a temperature above 0, got None")
    if not isinstance(length, int | np.integer) or length < 0:
        raise ValueError(f"length: expected an int, 0 or more, got {length!r}")
    drawn = np.empty(length, np.intp)
    ids = np.asarray(context)
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
    context: str,
    length: int,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
) -> str:
    """:func:`generate` from text to text; the result starts with ``context``.

    Raises
    ------
    TypeError
        If ``vocabulary`` is not one.
    ValueError
        As :func:`generate`, or if ``context`` is empty.
    """
    if isinstance(vocabulary, str) or not (hasattr(vocabulary, "encode") and hasattr(vocabulary, "decode")):
        raise TypeError(
            f"vocabulary: expected a Vocabulary, got {type(vocabulary).__name__}; Vocabulary.of(text) makes one"
        )
    if not context:
        raise ValueError("context: expected at least one character to start from, got an empty text")
    symbols = len(vocabulary) if isinstance(vocabulary, Sized) else model.output.output_size
    if symbols != model.output.output_size:
        raise ValueError(
            f"vocabulary: expected the {model.output.output_size} symbols that the model was made for, got {symbols}"
        )
    ids = np.asarray(vocabulary.encode(context))
    return context + vocabulary.decode(generate(model, ids, length, temperature=temperature, rng=rng))


def log_probabilities(
    model: Model, ids: np.ndarray, *, context: np.ndarray | None = None, chunk: int = 256
) -> np.ndarray:
    """log p(id | all ids before) for every id of one long text, in nats, with the state carried all the way.

    Parameters
    ----------
    model : Model
    ids : (N,) integer array
        The text.
    context : (M,) integer array, optional
        What came before the text: read, not scored. Without it the first id of the text cannot be predicted.
    chunk : int
        How many steps are unrolled at a time. Only memory depends on it.

    Returns
    -------
    (N,) array, or (N − 1,) without a context
        In float64.

    Raises
    ------
    ValueError
        If there is nothing to predict.
    """
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"ids: expected shape (N,), got {ids.shape}")
    ids = as_ids(ids, "ids", model.input_size)
    if chunk < 1:
        raise ValueError(f"chunk: expected at least 1, got {chunk}")
    model.step(ids[:1], None)  # a layer that also reads backward has no next step, and would see what it is to predict
    unscored = 0
    if context is not None and len(context):
        unscored = len(context) - 1
        ids = np.concatenate([context, ids])
    if len(ids) - unscored < 2:
        raise ValueError(f"ids: expected an id to predict and one before it, got {len(ids) - unscored} in all")
    scored, state = np.empty(len(ids) - 1), None
    for start in range(0, len(scored), chunk):
        y = ids[start + 1 : start + 1 + chunk]
        logits, state = model.forward(ids[start : start + len(y), None], state)
        z = logits[:, 0] - logits[:, 0].max(axis=-1, keepdims=True).astype(np.float64)
        scored[start : start + len(y)] = z[np.arange(len(y)), y] - np.log(np.exp(z).sum(axis=-1))
    return scored[unscored:]


def bits_per_character(model: Model, ids: np.ndarray, *, context: np.ndarray | None = None, chunk: int = 256) -> float:
    """Mean of −log₂ p(next id | all ids before) over one long text; see :func:`log_probabilities`.

    Returns
    -------
    float
        Bits per predicted character: 0 for certainty, log₂ V for a uniform guess among V.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> model = Model(RNN(4, 8, rng=np.random.default_rng(0)), output_size=4, rng=np.random.default_rng(0))
    >>> for p in model.params.values():
    ...     p[...] = 0  # all logits equal: a uniform guess among 4
    >>> bits_per_character(model, np.array([0, 3, 1, 2, 2]))
    2.0
    """
    return nats_to_bits(-float(log_probabilities(model, ids, context=context, chunk=chunk).mean()))


def perplexity(model: Model, ids: np.ndarray, *, context: np.ndarray | None = None, chunk: int = 256) -> float:
    """2 to the power of `bits_per_character`: among how many equally likely ids the model hesitates.

    The same as :func:`rnnlib.ngrams.perplexity` for a model that counts; parameters as of `bits_per_character`.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> model = Model(RNN(4, 8, rng=np.random.default_rng(0)), output_size=4, rng=np.random.default_rng(0))
    >>> for p in model.params.values():
    ...     p[...] = 0  # all logits equal: a uniform guess among 4
    >>> round(perplexity(model, np.array([0, 3, 1, 2, 2])), 6)
    4.0
    """
    return nats_to_perplexity(-float(log_probabilities(model, ids, context=context, chunk=chunk).mean()))
