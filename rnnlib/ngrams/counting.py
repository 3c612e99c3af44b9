"""Counts of all n-grams of a text, and how much of another text they have never seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlib.ngrams.language_model import Floats, Ints
from rnnlib.text import as_ids


@dataclass(frozen=True)
class Level:
    """The G different n-grams of one order that occur in a text, sorted.

    An n-gram is a context, which is a row of the level below, and a last symbol. So one integer identifies
    it, however long it is: ``key = row of the context · V + symbol``.
    """

    keys: Ints  # (G,) increasing
    counts: Ints  # (G,) c(uw)
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
        ``continuations[n - 1]``: N1+(·uw), the number of different symbols seen to the left of each n-gram,
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
            raise ValueError(f"max_order: expected 1 to {len(text)}, the length of the text, got {max_order}")
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
            raise ValueError(f"gram: expected at most max_order={self.max_order} symbols, got {len(symbols)}")
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
        u = as_ids(context, "context", self.size)
        u = u[max(0, len(u) - order + 1) :]
        level, row = self.levels[len(u)], self.row(u)
        where = slice(level.starts[row], level.starts[row + 1]) if row >= 0 else slice(0, 0)
        return level, row, where, level.keys[where] - row * self.size


def check_order(counts: NGramCounts, order: int) -> None:
    if not 1 <= order <= counts.max_order:
        raise ValueError(f"order: expected 1 to {counts.max_order}, the max_order of the counts, got {order}")


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
        raise ValueError(f"ids: expected at least max_order={counts.max_order} symbols, got {len(text)}")
    shares = [(np.mean(u < 0), np.mean(g < 0)) for u, g in counts.walk(text, counts.max_order)]
    return Unseen(*np.array(shares).T)
