"""Where a training run stands: the position, the carried state, the randomness and the history."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnlib.cells.arguments import generator

__all__ = ["History", "Run"]


@dataclass
class History:
    """What a training run recorded.

    Examples
    --------
    >>> history = History(loss=[2.0, 1.0], gradient_norm=[3.0, 2.0])
    >>> len(history.loss)
    2
    """

    loss: list[float] = field(default_factory=list)
    """Loss of every step, penalties included; in nats per valid symbol for the cross-entropy."""
    symbols: list[int] = field(default_factory=list)
    """How many valid symbols that loss is the mean of."""
    gradient_norm: list[float] = field(default_factory=list)
    """Global norm of the gradients of every step, before clipping."""
    epoch_loss: list[float] = field(default_factory=list)
    """Mean loss over the valid symbols of each finished epoch, however they were cut into batches."""
    validation: list[float] = field(default_factory=list)
    """What ``validate`` returned, each time it was called."""
    validation_step: list[int] = field(default_factory=list)
    """How many steps had been taken at that time."""


@dataclass(repr=False)
class Run:
    """Where a training run stands; :func:`rnnlib.training.fit` starts one or continues one.

    Together with the model and the optimiser it determines everything that follows, so a checkpoint of the
    three resumes bit for bit.

    Attributes
    ----------
    rng : np.random.Generator or None
        Draws the dropout masks and the seed of every epoch's shuffle.
    step, epoch : int
        Steps taken and epochs finished.
    batch : int
        Batches taken from the epoch at hand.
    epoch_seed : int or None
        Seed of that epoch's shuffle; None before its first batch, or where nothing is shuffled.
    state : tuple of arrays or None
        The state carried into the next batch.
    seconds : float
        Time spent so far.
    history : History

    Examples
    --------
    >>> run = Run(np.random.default_rng(0))
    >>> run.step, run.history.loss
    (0, [])
    """

    rng: np.random.Generator | None = None
    step: int = 0
    epoch: int = 0
    batch: int = 0
    epoch_seed: int | None = None
    state: Any = None
    seconds: float = 0.0
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        if self.rng is not None:
            generator("rng", self.rng)

    def __repr__(self) -> str:
        loss = f", last loss {self.history.loss[-1]:.4g}" if self.history.loss else ""
        return f"Run(step={self.step}, epoch={self.epoch}{loss})"  # without times, so that notebooks reproduce
