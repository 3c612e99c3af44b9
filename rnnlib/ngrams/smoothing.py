"""From counts to probabilities: maximum likelihood, add-k, interpolated Kneser-Ney."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rnnlib.ngrams.counting import NGramCounts, check_order
from rnnlib.ngrams.language_model import Floats, Ints
from rnnlib.text import as_ids


class AddK:
    """Add-k smoothing: as if every symbol had been seen k more times after every context.

        P(w|u) = (c(uw) + k) / (c(u·) + k V)

    With k = 0 this is maximum likelihood, P(w|u) = c(uw) / c(u·).

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
        check_order(counts, order)
        if not (0 <= k < np.inf):
            raise ValueError(f"k: expected a finite number, at least 0, got {k}")
        self.counts, self.order, self.k, self.size = counts, order, k, counts.size

    def distribution(self, context: ArrayLike) -> Floats:
        """P(·|u), shape (V,), for the last n-1 symbols of `context`.

        Raises
        ------
        ValueError
            If k = 0 and the context was never followed by anything: 0/0 is no distribution.
        """
        level, _, where, symbols = self.counts.followers(context, self.order)
        p = np.full(self.size, float(self.k))
        p[symbols] += level.counts[where]
        if p.sum() == 0:
            u = np.asarray(context)[-self.order + 1 :].tolist()
            raise ValueError(
                f"context: expected one that something has followed, got {u}: "
                "maximum likelihood says 0/0; smooth (k > 0) or use a lower order"
            )
        return p / p.sum()

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|u) of every symbol of a text, shape (N,); where k = 0 gives 0/0, the probability is 0."""
        p = np.zeros(np.size(ids))
        for n, (contexts, rows) in enumerate(self.counts.walk(ids, self.order), 1):
            level = self.counts.levels[n - 1]
            c_uw = np.append(level.counts, 0)[rows]  # row -1, "not seen", reads the appended 0
            c_u = np.append(level.per_context(level.counts), 0)[contexts]
            denominator = c_u + self.k * self.size
            # each order overwrites the one before, except at the beginning of the text, where u is shorter
            p[n - 1 :] = np.divide(c_uw + self.k, denominator, out=np.zeros(len(rows)), where=denominator > 0)
        return p


Discount = float | Literal["estimate", "modified"]


class KneserNey:
    """Interpolated Kneser-Ney smoothing: take a little from every count, and give it to the shorter context.

        P(w|u) = (c(uw) - d) / c(u·)  +  d · N1+(u·) / c(u·) · P(w|u')

    u' is u without its first symbol, N1+(u·) the number of different symbols seen after u, and the first
    term is 0 where c(uw) = 0. Only the highest order uses counts c. The orders below ask in how many
    *different* contexts a symbol has been seen: their c(uw) is N1+(·uw), the number of different symbols
    seen before uw. Order 1 leans on the uniform distribution 1/V, so every symbol has a positive
    probability everywhere.

    Parameters
    ----------
    counts : NGramCounts
        Of the training text.
    order : int
        n, from 1 to the counts' `max_order`.
    discount : float, "estimate" or "modified"
        d, strictly between 0 and 1, for all orders; or estimated for each order from the numbers n1, n2, …
        of n-grams with count 1, 2, …: "estimate" takes d = n1 / (n1 + 2 n2) (Ney, Essen and Kneser 1994),
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
    positive, "modified" falls back on "estimate", and "estimate" on d = 0.75. Chapter 2 derives the
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
        check_order(counts, order)
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
        """P(·|u), shape (V,), for the last n-1 symbols of `context`: it sums to 1 for unseen ones, too."""
        u = as_ids(context, "context", self.size)
        p = np.full(self.size, 1 / self.size)
        for n in range(1, min(self.order, len(u) + 1) + 1):
            _, row, where, symbols = self.counts.followers(u, n)
            p *= self._passed_on[n - 1][row]
            p[symbols] += self._kept[n - 1][where]
        return p

    def probabilities(self, ids: ArrayLike) -> Floats:
        """P(w|u) of every symbol of a text, shape (N,), all positive."""
        p = np.full(np.size(ids), 1 / self.size)
        for n, (contexts, rows) in enumerate(self.counts.walk(ids, self.order), 1):
            p[n - 1 :] = self._kept[n - 1][rows] + self._passed_on[n - 1][contexts] * p[n - 1 :]
        return p


def _discounts(c: Ints, discount: Discount) -> Floats:
    """What to take from a count of 0, 1, 2, and 3 or more, by the formula that `discount` names."""
    n1, n2, n3, n4 = (int(np.sum(c == i)) for i in (1, 2, 3, 4))
    if isinstance(discount, str):
        if discount not in ("estimate", "modified"):
            raise ValueError(f'discount: expected a number, "estimate" or "modified", got {discount!r}')
        d = n1 / (n1 + 2 * n2) if n1 and n2 else 0.75
        if discount == "modified" and n1 and n2 and n3 and n4:
            three = np.array([0.0, 1 - 2 * d * n2 / n1, 2 - 3 * d * n3 / n2, 3 - 4 * d * n4 / n3])
            if (three[1:] > 0).all():
                return three
    elif 0 < discount < 1:
        d = float(discount)
    else:
        raise ValueError(f'discount: expected strictly between 0 and 1, "estimate" or "modified", got {discount}')
    return np.array([0.0, d, d, d])
