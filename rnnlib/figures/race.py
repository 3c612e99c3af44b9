"""RNN, GRU and LSTM with equally many weights: which learns first, over which lag (chapter 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from rnnlib.figures.base import Data, Figure

MOST_CHECKS, MOST_CELLS = 200, 4
Runs = Mapping[str, Mapping[int, Sequence[Sequence[float]]]]


class Race(Figure):
    """Drag the lag, and see which cell learns which task first; ▶ runs the race.

    Everything is measured by `experiments/measure_race.py`: an RNN, a GRU and an LSTM with equally many weights learn
    the adding problem and the delayed copy, with several seeds for each lag. On the left stands after how many updates
    each has solved the two tasks, and below it which lags it has solved; on the right, its error on one of the tasks.
    A line is the median over the seeds, its band reaches from the best to the worst of them. A run that has got below
    the limit has finished and stands still.

    Parameters
    ----------
    task : {"adding", "copy", "own"}
    lag : int
        Over how many steps something has to be remembered. The nearest lag that was measured is shown.
    check : int
        After how many checks the race is looked at, one every 25 updates; 0 for the start.
    measured : str or dict
        The runs: the name of shipped ones, or what `of` makes of yours.

    Examples
    --------
    >>> Race(lag=40)
    Race(check=80, lag=40, task='adding')
    >>> Race.of({"mine": {5: [[0.5, 0.2, 0.04], [0.5, 0.3, 0.2]]}}, limit=0.05, every=100)
    Race(check=2, lag=5, task='own')
    """

    title = traitlets.Unicode("Which cell learns first?").tag(sync=True)
    fallback = (
        "An RNN, a GRU and an LSTM with equally many weights learn two tasks in which something has to be remembered "
        "over a lag: the adding problem and the delayed copy. The figure shows after how many updates each cell has "
        "solved them, and its error while it learns, as a band over five seeds. The plain RNN is first on the delayed "
        "copy, and the cells with gates on the adding problem."
    )

    task = traitlets.Enum(("adding", "copy", "own"), "adding").tag(sync=True, control=True)
    lag = traitlets.Int(10, min=1, max=10_000).tag(sync=True, control=True)
    check = traitlets.Int(80, min=0, max=MOST_CHECKS).tag(sync=True, control=True)
    measured = Data("race")

    @classmethod
    def of(cls, runs: Runs, *, limit: float, every: int = 25, **traits: Any) -> Race:
        """The figure for runs of your own.

        Parameters
        ----------
        runs : dict of str to dict of int to list of list of float
            By the cell's name and by the lag: one list of errors for each seed, the first one before training, the
            others after every `every` updates. What follows the first error below the limit is not shown.
        limit : float
            The error below which a run has solved the task.
        every : int
            Updates between two errors.

        Raises
        ------
        ValueError
            If the lags differ from cell to cell, or the numbers do not fit.
        """
        data = race_of(runs, limit, every)
        usual = {
            "title": "Which cell learns first, over which lag?",
            "task": "own",
            "lag": data["lags"][0],
            "check": data["rules"]["updates"]["own"] // every,
        }
        return cls(**{**usual, **traits, "measured": data})


def race_of(runs: Runs, limit: float, every: int) -> dict[str, Any]:
    """Put runs into the form of the shipped ones; see `Race.of`."""
    if not 1 <= len(runs) <= MOST_CELLS:
        raise ValueError(f"runs: expected one to {MOST_CELLS} cells, got {len(runs)}")
    if not limit > 0 or every < 1:
        raise ValueError(f"limit, every: expected positive numbers, got {limit!r} and {every!r}")
    lags = sorted(next(iter(runs.values())))
    if not lags or lags[0] < 1 or any(sorted(by_lag) != lags for by_lag in runs.values()):
        raise ValueError(f"runs: expected the same lags of every cell, got {[sorted(r) for r in runs.values()]}")
    cells, longest = {}, 0
    for name, by_lag in runs.items():
        shown = [[finished(errors, limit, f"runs[{name!r}][{lag}]") for errors in by_lag[lag]] for lag in lags]
        if not all(shown):
            raise ValueError(f"runs[{name!r}]: expected at least one run for each lag, got none")
        longest = max([longest, *(len(errors) - 1 for seeds in by_lag.values() for errors in seeds)])
        cells[name] = {"runs": shown}
    rules = {"limit": {"own": limit}, "updates": {"own": longest * every}, "check": every}
    return {"rules": rules, "lags": lags, "tasks": {"own": cells}}


def finished(errors: Sequence[float], limit: float, name: str) -> list[float]:
    """The errors up to the first one below the limit."""
    values = np.asarray(errors, dtype=float)
    if values.ndim != 1 or not 2 <= len(values) <= MOST_CHECKS + 1 or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected 2 to {MOST_CHECKS + 1} finite errors, got shape {values.shape}")
    below = np.flatnonzero(values < limit)
    return values[: below[0] + 1 if below.size else None].tolist()
