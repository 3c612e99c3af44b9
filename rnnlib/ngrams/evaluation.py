"""How good a model is: bits per character, perplexity, the best of several, the baseline of chapter 3."""

from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from rnnlib.corpora import Split
from rnnlib.ngrams.counting import NGramCounts
from rnnlib.ngrams.language_model import LanguageModel
from rnnlib.ngrams.smoothing import Discount, KneserNey
from rnnlib.text import Vocabulary, as_ids

Label = TypeVar("Label", bound=Hashable)


def bits_per_character(model: LanguageModel, ids: ArrayLike, *, context: ArrayLike = ()) -> float:
    """Cross-entropy of a text under a model, in bits per symbol: the mean of -log2 P(w|u).

    Parameters
    ----------
    model : LanguageModel
        AddK, KneserNey, or anything with their two methods.
    ids : (N,) array of int
        The text, which the model should not have seen.
    context : (M,) array of int
        What stands before the text. It is read, not scored.

    Returns
    -------
    float
        For characters, bits per character. Infinite if one symbol has probability 0.

    Raises
    ------
    ValueError
        If the text is empty.

    See Also
    --------
    rnnlib.training.bits_per_character : the same of a network.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts, bits_per_character
    >>> fair_coin = AddK(NGramCounts([0, 1], size=2, max_order=1), order=1)
    >>> bits_per_character(fair_coin, [0, 0, 1])
    1.0
    """
    before, text = as_ids(context, "context", model.size), as_ids(ids, "ids", model.size)
    p = model.probabilities(np.concatenate([before, text]))[len(before) :]
    if len(p) == 0:
        raise ValueError("ids: expected at least one symbol, got an empty text")
    with np.errstate(divide="ignore"):  # log2 0 = -inf is the right answer here
        return float(-np.mean(np.log2(p)))


def perplexity(model: LanguageModel, ids: ArrayLike) -> float:
    """2 to the power of `bits_per_character`: among how many equally likely symbols the model hesitates.

    1 for a model that is certain and right, V for one that calls all symbols equally likely, infinite for one
    that gives a symbol of the text probability 0.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts, perplexity
    >>> fair_die = AddK(NGramCounts(range(6), size=6, max_order=1), order=1)
    >>> round(perplexity(fair_die, [3, 1, 4, 1, 5]), 9)
    6.0
    """
    return float(2.0 ** bits_per_character(model, ids))


class Tuning(NamedTuple, Generic[Label]):
    """What `tune` found: the label of the `best` model and the `bits` of all."""

    best: Label
    bits: dict[Label, float]


def tune(candidates: Iterable[tuple[Label, LanguageModel]], ids: ArrayLike) -> Tuning[Label]:
    """Score each candidate on a validation text, and name the best.

    Parameters
    ----------
    candidates : iterable of (label, model)
        A generator will do: one model is held at a time. Labels are yours, an order or ``(order, k)``.
    ids : (N,) array of int
        The validation text: neither the training nor the test text.

    Returns
    -------
    Tuning
        ``best``, the label with the fewest bits per symbol (the first of equals), and ``bits``, label to
        bits.

    Raises
    ------
    ValueError
        If there are no candidates.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts, tune
    >>> counts = NGramCounts([0, 1, 0, 1, 0, 1, 0, 1], size=2, max_order=2)
    >>> tune(((n, AddK(counts, n)) for n in (1, 2)), [0, 1, 0, 1]).best
    2
    """
    bits = {label: bits_per_character(model, ids) for label, model in candidates}
    if not bits:
        raise ValueError("candidates: expected at least one (label, model), got none")
    return Tuning(min(bits, key=lambda label: bits[label]), bits)


class Baseline(NamedTuple):
    """The n-gram model that a network has to beat, and its bits per character."""

    model: KneserNey
    vocabulary: Vocabulary
    discount: Discount
    validation_bits: float
    test_bits: float


def baseline(split: Split, *, max_order: int = 8) -> Baseline:
    """The best Kneser-Ney model of a split text: counted on training, chosen on validation, measured on test.

    Parameters
    ----------
    split : Split
        Usually ``python_docs_split()``. The vocabulary is the split's alphabet.
    max_order : int
        Orders from 1 to this one are tried, each with single and with modified discounts.

    Returns
    -------
    Baseline
        The model (its ``order`` says which was best), the vocabulary, the discount rule, and bits per
        character on the validation and test parts. The chosen model is not counted again with the
        validation text.

    Notes
    -----
    Chapter 2 ends with this number for ``python_docs_split()``; chapter 3 calls the same function and
    starts from it.

    Examples
    --------
    >>> from rnnlib.corpora import split_blocks
    >>> from rnnlib.ngrams import baseline
    >>> line = "the cat sat on the mat.\\n"
    >>> best = baseline(split_blocks(200 * line), max_order=5)
    >>> best.test_bits < 0.1     # a text that repeats itself holds no surprise
    True
    """
    vocabulary = Vocabulary(split.alphabet)
    train, validation, test = (vocabulary.encode(part) for part in split)
    counts = NGramCounts(train, len(vocabulary), max_order)
    rules: tuple[Discount, ...] = ("estimate", "modified")
    tuning = tune(
        (((n, rule), KneserNey(counts, n, rule)) for n in range(1, max_order + 1) for rule in rules), validation
    )
    order, rule = tuning.best
    model = KneserNey(counts, order, rule)
    return Baseline(model, vocabulary, rule, tuning.bits[tuning.best], bits_per_character(model, test))
