"""How well a number tells two kinds apart (chapters 6 and 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["auc"]


def auc(values: ArrayLike, truth: ArrayLike) -> Any:
    """The area under the ROC curve: P(a value where the truth is 1 is larger than one where it is 0).

    0.5 is chance, 1 and 0 are perfect. Of two equal values, each counts as the larger one with one half.

    Parameters
    ----------
    values : (N,) or (N, H) array
        One score for each case, or the scores of H units.
    truth : (N,) array of 0 and 1

    Returns
    -------
    float, or (H,) array

    Raises
    ------
    ValueError
        If the shapes do not fit, or all of the truth is 0 or all is 1.

    Notes
    -----
    It is the Mann-Whitney statistic divided by the number of pairs: of n ones and m zeros, the sum of the ones' ranks
    is their number of won pairs plus n (n + 1) / 2.

    Examples
    --------
    >>> auc([0.1, 0.4, 0.2, 0.8], [0, 1, 0, 1])
    1.0
    >>> auc([0.1, 0.4, 0.4, 0.8], [0, 1, 0, 1])
    0.875
    """
    values, truth = np.asarray(values), np.asarray(truth)
    if values.ndim not in (1, 2) or truth.shape != values.shape[:1]:
        raise ValueError(f"truth: expected shape (N,) for values (N,) or (N, H), got {truth.shape} for {values.shape}")
    positive = truth.astype(bool)
    if not np.array_equal(positive, truth):
        raise ValueError(f"truth: expected 0 and 1 only, got {truth[positive != truth][0]}")
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        raise ValueError(f"truth: expected at least one 1 and one 0, got {n} and {m}")

    def of(column: np.ndarray) -> float:
        _, group, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]  # of equal values, the mean of their ranks
        return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))

    return of(values) if values.ndim == 1 else np.array([of(column) for column in values.T])
