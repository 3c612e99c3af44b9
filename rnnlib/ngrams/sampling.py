"""Let a model write."""

import numpy as np
from numpy.typing import ArrayLike

from rnnlib.ngrams.language_model import Ints, LanguageModel
from rnnlib.text import as_ids


def sample(
    model: LanguageModel,
    length: int,
    *,
    rng: np.random.Generator,
    context: ArrayLike = (),
    temperature: float = 1.0,
) -> Ints:
    """Let a model write: draw a symbol from P(·|u), append it, and go on.

    Parameters
    ----------
    model : LanguageModel
        AddK, KneserNey, or anything with their two methods.
    length : int
        How many symbols to draw.
    rng : numpy.random.Generator
        The dice.
    context : (M,) array of int
        What stands before the first symbol; not part of the result.
    temperature : float
        Above 0. Probabilities are raised to the power 1/temperature and normalised again: below 1 the likely
        becomes likelier, above 1 everything becomes more alike.

    Returns
    -------
    (length,) array of int

    Raises
    ------
    ValueError
        If `temperature` or `length` is out of range, or maximum likelihood meets a context it has not seen.
    TypeError
        If `rng` is not a generator.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.ngrams import AddK, NGramCounts, sample
    >>> model = AddK(NGramCounts([0, 1, 2, 0, 1, 2, 0], size=3, max_order=2), order=2, k=0)
    >>> sample(model, 6, rng=np.random.default_rng(0), context=[0])     # after 0 only ever comes 1
    array([1, 2, 0, 1, 2, 0])
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature: expected a finite number above 0, got {temperature}")
    if length < 0:
        raise ValueError(f"length: expected at least 0, got {length}")
    start = as_ids(context, "context", model.size)
    text = np.concatenate([start, np.zeros(length, dtype=np.int64)])
    for t in range(len(start), len(text)):
        p = model.distribution(text[max(0, t - model.order + 1) : t])
        p = (p / p.max()) ** (1 / temperature)  # the largest is 1, so nothing overflows
        text[t] = rng.choice(model.size, p=p / p.sum())
    return text[len(start) :]
