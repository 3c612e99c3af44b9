"""How often the truth is fed: schedules that go from teacher forcing to the model's own symbols (chapter 9).

A schedule is the probability ε that a step reads the true symbol before it, as a function of the training step:

    run = Run(rng)
    model.teacher_forcing = lambda: linear_decay(run.step, steps=2000)
    fit(model, batches, Adam(0.005), max_steps=2000, run=run)

References
----------
Bengio, Vinyals, Jaitly and Shazeer (2015), "Scheduled sampling for sequence prediction with recurrent neural networks",
section 2.4, which has these three; Williams and Zipser (1989) for teacher forcing itself.
"""

from __future__ import annotations

import math

__all__ = ["exponential_decay", "inverse_sigmoid_decay", "linear_decay"]


def linear_decay(step: int, *, steps: int, start: float = 1.0, end: float = 0.0) -> float:
    """ε falls from `start` to `end` in a straight line over `steps`, and stays there.

    Examples
    --------
    >>> [linear_decay(step, steps=100, end=0.5) for step in (0, 50, 100, 200)]
    [1.0, 0.75, 0.5, 0.5]
    """
    return start + (end - start) * min(1.0, step / steps)


def exponential_decay(step: int, *, k: float) -> float:
    """ε = k^step, with k just below 1.

    Examples
    --------
    >>> exponential_decay(2, k=0.5)
    0.25
    """
    return k**step


def inverse_sigmoid_decay(step: int, *, k: float) -> float:
    """ε = k / (k + exp(step / k)): near 1 at first, ½ at step k ln k, then towards 0.

    Examples
    --------
    >>> round(inverse_sigmoid_decay(0, k=100), 2), round(inverse_sigmoid_decay(461, k=100), 2)
    (0.99, 0.5)
    """
    return 1 / (1 + math.exp(min(step / k, 700.0)) / k)  # exp(700) is still a float
