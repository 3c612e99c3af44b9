"""Language models that count: maximum likelihood, add-k, interpolated Kneser-Ney.

    V symbols · N symbols of text · n the order: a symbol is predicted from the n-1 symbols before it
    h a context (those n-1 symbols) · w the symbol after it · c(hw) how often hw occurs · c(h·) = Σ_w c(hw)

Every model has two methods: `distribution(context)` gives P(·|h), and `probabilities(ids)` gives P(w|h) for
every symbol of a text. `bits_per_symbol`, `perplexity`, `sample` and `tune` take any such model. Chapter 2
derives all of it.

References
----------
C. E. Shannon, "Prediction and entropy of printed English", *Bell System Technical Journal* 30, 1951.
R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling", *ICASSP*, 1995.
S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling", *Computer
Speech & Language* 13, 1999.

Deliberately absent: pruning, back-off without interpolation, and marks for the beginning and end of a
sentence (a text is one sequence here, and its first symbols are predicted from the little that stands
before them).
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlib.corpora import Split
from rnnlib.text import Vocabulary, as_ids

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Label = TypeVar("Label", bound=Hashable)


class LanguageModel(Protocol):
    """What the functions of this module ask of a model."""

    size: int  # V
    order: int  # n

    def distribution(self, context: ArrayLike) -> Floats:
        """P(·|h), shape (V,); of a context longer than n-1 symbols the last n-1 count."""

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|h) of every symbol of a text, shape (N,)."""


# ------------------------------------------------------------------------------------------------- counting


@dataclass(frozen=True)
class Level:
    """The G different n-grams of one order that occur in a text, sorted.

    An n-gram is a context, which is a row of the level below, and a last symbol. So one integer identifies
    it, however long it is: ``key = row of the context · V + symbol``.
    """

    keys: Ints  # (G,) increasing
    counts: Ints  # (G,) c(hw)
    starts: Ints  # (contexts + 1,) the n-grams of context r are the rows starts[r] to starts[r + 1] - 1

    def find(self, keys: Ints) -> Ints:
        """Row of each key; -1 where the n-gram does not occur (a negative key never does)."""
        rows = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[rows] == keys, rows, -1)

    def per_context(self, values: NDArray) -> NDArray:
        """Sum of `values` (G,) over the n-grams of each context: (contexts,)."""
        return np.diff(np.concatenate([[0], np.cumsum(values)])[self.starts])


class NGramCounts:
    """Counts of all n-grams of a text, from order 1 to `max_order`. Models of every order share them.

    Parameters
    ----------
    ids : (N,) array of int
        The encoded text.
    size : int
        V: symbols are 0 to V-1.
    max_order : int
        The longest n-grams to count, from 1 to N.

    Attributes
    ----------
    levels : list of Level
        ``levels[n - 1]`` holds the n-grams of order n.
    continuations : list of arrays
        ``continuations[n - 1]``: N1+(·hw), the number of different symbols seen to the left of each n-gram,
        for n below `max_order`.

    Raises
    ------
    ValueError
        If the text is empty or shorter than `max_order`, or a symbol is out of range.
    TypeError
        If `ids` are not integers.

    Notes
    -----
    Time O(N log N) and memory O(N) for each order. Keys stay below N·V, so they do not overflow.

    Examples
    --------
    >>> from rnnlib.ngrams import NGramCounts
    >>> from rnnlib.text import Vocabulary
    >>> vocabulary = Vocabulary.of("abracadabra")
    >>> counts = NGramCounts(vocabulary.encode("abracadabra"), len(vocabulary), max_order=3)
    >>> [len(level.keys) for level in counts.levels]     # different 1-, 2- and 3-grams
    [5, 7, 7]
    >>> counts.count(vocabulary.encode("abr")), counts.count(vocabulary.encode("rab"))
    (2, 0)
    """

    def __init__(self, ids: ArrayLike, size: int, max_order: int) -> None:
        text = as_ids(ids, "ids", size)
        if len(text) == 0:
            raise ValueError("ids: expected at least one symbol, got an empty text")
        if not 1 <= max_order <= len(text):
            raise ValueError(f"max_order={max_order}: expected 1 to {len(text)}, the length of the text")
        self.size, self.max_order = size, max_order
        self.levels: list[Level] = []
        self.continuations: list[Ints] = []
        rows = np.zeros(len(text) + 1, dtype=np.int64)  # of the (n-1)-gram that begins at each position
        contexts = 1  # how many different (n-1)-grams there are; for n = 1 the empty one
        for n in range(1, max_order + 1):
            keys, first, inverse, counts = np.unique(
                rows[:-1] * size + text[n - 1 :], return_index=True, return_inverse=True, return_counts=True
            )
            if n > 1:  # each different n-gram is one left neighbour of its last n-1 symbols
                self.continuations.append(np.bincount(rows[first + 1], minlength=contexts))
            starts = np.searchsorted(keys, np.arange(contexts + 1) * size)
            self.levels.append(Level(keys, counts, starts))
            rows, contexts = inverse, len(keys)

    def walk(self, ids: ArrayLike, order: int) -> Iterator[tuple[Ints, Ints]]:
        """Look a text up, one order after the other.

        Parameters
        ----------
        ids : (N,) array of int
            Any text over the same V symbols.
        order : int
            The last order to look up.

        Yields
        ------
        contexts, rows : (N - n + 1,) arrays of int
            For n = 1, 2, … `order`, and for each n-gram of `ids` from left to right: the row of its context
            in the level below and its own row in level n, each -1 if the training text does not have it.
        """
        text = as_ids(ids, "ids", self.size)
        rows = np.zeros(len(text) + 1, dtype=np.int64)
        for n, level in enumerate(self.levels[:order], 1):
            if len(text) < n:
                return
            contexts = rows[:-1]
            rows = level.find(contexts * self.size + text[n - 1 :])
            yield contexts, rows

    def row(self, gram: ArrayLike) -> int:
        """Row of one n-gram in its level, -1 if it does not occur; 0 for the empty one."""
        symbols = as_ids(gram, "gram", self.size)
        if len(symbols) > self.max_order:
            raise ValueError(f"gram: {len(symbols)} symbols, expected at most max_order={self.max_order}")
        row = 0
        for symbol, level in zip(symbols, self.levels, strict=False):
            row = int(level.find(np.array(row * self.size + symbol)))
            if row < 0:
                return -1
        return row

    def count(self, gram: ArrayLike) -> int:
        """How often an n-gram of order 1 to `max_order` occurs."""
        row = self.row(gram)
        n = np.size(gram)
        if n == 0:
            raise ValueError("gram: expected at least one symbol, got none")
        return int(self.levels[n - 1].counts[row]) if row >= 0 else 0

    def followers(self, context: ArrayLike, order: int) -> tuple[Level, int, slice, Ints]:
        """Where the n-grams stand that begin with the last `order` - 1 symbols of a context, or fewer.

        Returns
        -------
        level, row, where, symbols
            The level of the n-grams, the row of the context in the level below (-1: not seen), the rows of
            its n-grams, and their last symbols.
        """
        h = as_ids(context, "context", self.size)
        h = h[max(0, len(h) - order + 1) :]
        level, row = self.levels[len(h)], self.row(h)
        where = slice(level.starts[row], level.starts[row + 1]) if row >= 0 else slice(0, 0)
        return level, row, where, level.keys[where] - row * self.size


def _check_order(counts: NGramCounts, order: int) -> None:
    if not 1 <= order <= counts.max_order:
        raise ValueError(f"order={order}: expected 1 to {counts.max_order}, the max_order of the counts")


class Unseen(NamedTuple):
    """Shares of a text that a training text has never had, by order: each of shape (max_order,)."""

    contexts: Floats
    grams: Floats


def unseen(counts: NGramCounts, ids: ArrayLike) -> Unseen:
    """How much of a text is new: the share of its contexts, and of its n-grams, that were not counted.

    Parameters
    ----------
    counts : NGramCounts
        Of the training text.
    ids : (N,) array of int
        The held-out text, N ≥ `max_order`.

    Returns
    -------
    Unseen
        ``contexts[n - 1]``: share of the positions whose n-1 preceding symbols are new; ``grams[n - 1]``:
        share whose n-gram is new.

    Raises
    ------
    ValueError
        If the text is shorter than `max_order`.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.ngrams import NGramCounts, unseen
    >>> counts = NGramCounts([0, 1, 0, 2], size=3, max_order=2)
    >>> unseen(counts, [0, 1, 2, 0])     # 1 → 2 and 2 → 0 are new
    Unseen(contexts=array([0., 0.]), grams=array([0.        , 0.66666667]))
    """
    text = as_ids(ids, "ids", counts.size)
    if len(text) < counts.max_order:
        raise ValueError(f"ids: {len(text)} symbols, expected at least max_order={counts.max_order}")
    shares = [(np.mean(h < 0), np.mean(g < 0)) for h, g in counts.walk(text, counts.max_order)]
    return Unseen(*np.array(shares).T)


# --------------------------------------------------------------------------------------------------- models


class AddK:
    """Add-k smoothing: as if every symbol had been seen k more times after every context.

        P(w|h) = (c(hw) + k) / (c(h·) + k V)

    With k = 0 this is maximum likelihood, P(w|h) = c(hw) / c(h·).

    Parameters
    ----------
    counts : NGramCounts
        Of the training text.
    order : int
        n, from 1 to the counts' `max_order`.
    k : float
        At least 0.

    Raises
    ------
    ValueError
        If `order` or `k` is out of range.

    Notes
    -----
    Chapter 2 derives both forms and says where they fail.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts
    >>> counts = NGramCounts([0, 1, 0, 1, 0, 2], size=4, max_order=2)
    >>> AddK(counts, order=2, k=0).distribution([0])     # 0 is followed by 1, 1, 2
    array([0.        , 0.66666667, 0.33333333, 0.        ])
    >>> AddK(counts, order=2, k=1).distribution([0])
    array([0.14285714, 0.42857143, 0.28571429, 0.14285714])
    """

    def __init__(self, counts: NGramCounts, order: int, k: float = 1.0) -> None:
        _check_order(counts, order)
        if not (0 <= k < np.inf):
            raise ValueError(f"k={k}: expected a finite number, at least 0")
        self.counts, self.order, self.k, self.size = counts, order, k, counts.size

    def distribution(self, context: ArrayLike) -> Floats:
        """P(·|h), shape (V,), for the last n-1 symbols of `context`.

        Raises
        ------
        ValueError
            If k = 0 and the context was never followed by anything: 0/0 is no distribution.
        """
        level, _, where, symbols = self.counts.followers(context, self.order)
        p = np.full(self.size, float(self.k))
        p[symbols] += level.counts[where]
        if p.sum() == 0:
            raise ValueError(
                f"context {np.asarray(context)[-self.order + 1 :].tolist()} was never followed by "
                "a symbol, so maximum likelihood says 0/0; smooth (k > 0) or use a lower order"
            )
        return p / p.sum()

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|h) of every symbol of a text, shape (N,); where k = 0 gives 0/0, the probability is 0."""
        p = np.zeros(np.size(ids))
        for n, (contexts, rows) in enumerate(self.counts.walk(ids, self.order), 1):
            level = self.counts.levels[n - 1]
            c_hw = np.append(level.counts, 0)[rows]  # row -1, "not seen", reads the appended 0
            c_h = np.append(level.per_context(level.counts), 0)[contexts]
            denominator = c_h + self.k * self.size
            # each order overwrites the one before, except at the beginning of the text, where h is shorter
            p[n - 1 :] = np.divide(c_hw + self.k, denominator, out=np.zeros(len(rows)), where=denominator > 0)
        return p


Discount = float | Literal["estimate", "modified"]


class KneserNey:
    """Interpolated Kneser-Ney smoothing: take a little from every count, and give it to the shorter context.

        P(w|h) = (c(hw) - D) / c(h·)  +  D · N1+(h·) / c(h·) · P(w|h')

    h' is h without its first symbol, N1+(h·) the number of different symbols seen after h, and the first
    term is 0 where c(hw) = 0. Only the highest order uses counts c. The orders below ask in how many
    *different* contexts a symbol has been seen: their c(hw) is N1+(·hw), the number of different symbols
    seen before hw. Order 1 leans on the uniform distribution 1/V, so every symbol has a positive
    probability everywhere.

    Parameters
    ----------
    counts : NGramCounts
        Of the training text.
    order : int
        n, from 1 to the counts' `max_order`.
    discount : float, "estimate" or "modified"
        D, strictly between 0 and 1, for all orders; or estimated for each order from the numbers n1, n2, …
        of n-grams with count 1, 2, …: "estimate" takes D = n1 / (n1 + 2 n2) (Ney, Essen and Kneser 1994),
        "modified" takes three discounts, for counts 1, 2, and 3 or more (Chen and Goodman 1999).
    continuation : bool
        False uses the plain counts c on all orders. This is absolute discounting, from which Kneser-Ney
        differs by nothing else.

    Attributes
    ----------
    discounts : list of (4,) arrays
        For each order, what is taken from a count of 0, 1, 2, and 3 or more.

    Raises
    ------
    ValueError
        If `order` or `discount` is out of range.

    Notes
    -----
    Where a formula cannot be used, because n1 or n2 (for "modified": one of n1 to n4, or a discount) is not
    positive, "modified" falls back on "estimate", and "estimate" on D = 0.75. Chapter 2 derives the
    formulas.

    Examples
    --------
    >>> from rnnlib.ngrams import KneserNey, NGramCounts
    >>> counts = NGramCounts([0, 1, 0, 1, 0, 2], size=4, max_order=2)
    >>> p = KneserNey(counts, order=2, discount=0.5).distribution([0])
    >>> p.round(4), p.sum().round(12)
    (array([0.0972, 0.5972, 0.2639, 0.0417]), np.float64(1.0))
    """

    def __init__(
        self, counts: NGramCounts, order: int, discount: Discount = "estimate", *, continuation: bool = True
    ) -> None:
        _check_order(counts, order)
        self.counts, self.order, self.size = counts, order, counts.size
        self.discounts: list[Floats] = []
        self._kept: list[Floats] = []  # (G + 1,) first term of each n-gram
        self._passed_on: list[Floats] = []  # (contexts + 1,) weight of the shorter context
        for n, level in enumerate(counts.levels[:order], 1):
            c = counts.continuations[n - 1] if continuation and n < order else level.counts
            d = _discounts(c, discount)
            taken = d[np.minimum(c, 3)]
            totals = level.per_context(c)
            contexts = level.keys // self.size
            some = np.maximum(totals, 1)  # a context without followers keeps nothing and passes on everything
            passed_on = np.where(totals > 0, level.per_context(taken) / some, 1.0)
            # row -1, "not seen", reads the last entry: keep nothing, pass on everything
            self._kept.append(np.append((c - taken) / some[contexts], 0.0))
            self._passed_on.append(np.append(passed_on, 1.0))
            self.discounts.append(d)

    def distribution(self, context: ArrayLike) -> Floats:
        """P(·|h), shape (V,), for the last n-1 symbols of `context`: it sums to 1 for unseen ones, too."""
        h = as_ids(context, "context", self.size)
        p = np.full(self.size, 1 / self.size)
        for n in range(1, min(self.order, len(h) + 1) + 1):
            _, row, where, symbols = self.counts.followers(h, n)
            p *= self._passed_on[n - 1][row]
            p[symbols] += self._kept[n - 1][where]
        return p

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|h) of every symbol of a text, shape (N,), all positive."""
        p = np.full(np.size(ids), 1 / self.size)
        for n, (contexts, rows) in enumerate(self.counts.walk(ids, self.order), 1):
            p[n - 1 :] = self._kept[n - 1][rows] + self._passed_on[n - 1][contexts] * p[n - 1 :]
        return p


def _discounts(c: Ints, discount: Discount) -> Floats:
    """What to take from a count of 0, 1, 2, and 3 or more, by the formula that `discount` names."""
    n1, n2, n3, n4 = (int(np.sum(c == i)) for i in (1, 2, 3, 4))
    if isinstance(discount, str):
        if discount not in ("estimate", "modified"):
            raise ValueError(f'discount={discount!r}: expected a number, "estimate" or "modified"')
        d = n1 / (n1 + 2 * n2) if n1 and n2 else 0.75
        if discount == "modified" and n1 and n2 and n3 and n4:
            three = np.array([0.0, 1 - 2 * d * n2 / n1, 2 - 3 * d * n3 / n2, 3 - 4 * d * n4 / n3])
            if (three[1:] > 0).all():
                return three
    elif 0 < discount < 1:
        d = float(discount)
    else:
        raise ValueError(f'discount={discount}: expected strictly between 0 and 1, "estimate" or "modified"')
    return np.array([0.0, d, d, d])


# --------------------------------------------------------------------------------- measuring and generating


def bits_per_symbol(model: LanguageModel, ids: ArrayLike) -> float:
    """Cross-entropy of a text under a model, in bits per symbol: the mean of -log2 P(w|h).

    Parameters
    ----------
    model : LanguageModel
        AddK, KneserNey, or anything with their two methods.
    ids : (N,) array of int
        The text, which the model should not have seen.

    Returns
    -------
    float
        For characters, bits per character. Infinite if one symbol has probability 0.

    Raises
    ------
    ValueError
        If the text is empty.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts, bits_per_symbol
    >>> fair_coin = AddK(NGramCounts([0, 1], size=2, max_order=1), order=1)
    >>> bits_per_symbol(fair_coin, [0, 0, 1])
    1.0
    """
    p = model.probabilities(ids)
    if len(p) == 0:
        raise ValueError("ids: expected at least one symbol, got an empty text")
    with np.errstate(divide="ignore"):  # log2 0 = -inf is the right answer here
        return float(-np.mean(np.log2(p)))


def perplexity(model: LanguageModel, ids: ArrayLike) -> float:
    """2 to the power of `bits_per_symbol`: among how many equally likely symbols the model hesitates.

    Examples
    --------
    >>> from rnnlib.ngrams import AddK, NGramCounts, perplexity
    >>> fair_die = AddK(NGramCounts(range(6), size=6, max_order=1), order=1)
    >>> round(perplexity(fair_die, [3, 1, 4, 1, 5]), 9)
    6.0
    """
    return float(2.0 ** bits_per_symbol(model, ids))


def sample(
    model: LanguageModel,
    length: int,
    *,
    rng: np.random.Generator,
    context: ArrayLike = (),
    temperature: float = 1.0,
) -> Ints:
    """Let a model write: draw a symbol from P(·|h), append it, and go on.

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
        raise ValueError(f"temperature={temperature}: expected a finite number above 0")
    if length < 0:
        raise ValueError(f"length={length}: expected at least 0")
    start = as_ids(context, "context", model.size)
    text = np.concatenate([start, np.zeros(length, dtype=np.int64)])
    for t in range(len(start), len(text)):
        p = model.distribution(text[max(0, t - model.order + 1) : t])
        p = (p / p.max()) ** (1 / temperature)  # the largest is 1, so nothing overflows
        text[t] = rng.choice(model.size, p=p / p.sum())
    return text[len(start) :]


# -------------------------------------------------------------------------------------------------- choosing


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
    bits = {label: bits_per_symbol(model, ids) for label, model in candidates}
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
    return Baseline(model, vocabulary, rule, tuning.bits[tuning.best], bits_per_symbol(model, test))
