"""What the scripts that compare small networks share: the schedule of the learning rate, two tasks, and a stuck gate.

Who uses what: `cosine` all that train along one (characters.py too), the rest measure_gru.py and measure_lstm.py.
"""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rnnlib.cells.cell import Cell
from rnnlib.corpora import adding, python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit

NewCell = Callable[[int, np.random.Generator], Cell]  # from the number of inputs and what draws the weights


def cosine(optimiser: Adam, rate: float, updates: int, warm_up: int = 1) -> Callable[[Run], None]:
    """A callback of `fit`: the learning rate falls along half a cosine, from `rate` to a hundredth of it.

    In the first `warm_up` updates it rises to it besides, in equal steps.
    """

    def callback(run: Run) -> None:
        warm = min(1.0, (run.step + 1) / warm_up)
        optimiser.learning_rate = rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * run.step / updates)) / 2)

    return callback


def train(model: Model, batches: Iterable[Any], updates: int, rate: float, **options: Any) -> float:
    """Train with Adam along a cosine, and return the seconds of processor time that it took."""
    optimiser, started = Adam(rate), time.process_time()
    schedule = cosine(optimiser, rate, updates)
    fit(model, batches, optimiser, max_steps=updates, clip_norm=1.0, progress=False, callback=schedule, **options)
    return time.process_time() - started


def add(new_cell: NewCell, seed: int, *, steps: int, updates: int, rate: float) -> tuple[Model, float, float]:
    """The adding problem: the trained model, its mean squared error on new sequences, and the seconds."""
    rng = np.random.default_rng(seed)
    model = Model(new_cell(2, rng), 1, rng=rng, loss="squared_error", return_sequences=False)

    def batch(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        task = adding(size, steps, rng=rng)
        return task.x.astype(np.float32), task.y.astype(np.float32)

    seconds = train(model, [batch(32, rng) for _ in range(updates)], updates, rate)
    error, _ = model.evaluate(batch(1000, np.random.default_rng(99)))
    return model, error, seconds


def read_text(new_cell: NewCell, seed: int, *, updates: int, rate: float) -> tuple[Model, float, float]:
    """The text of chapter 3: the trained model, its bits per character on the test text, and the seconds."""
    rng, split = np.random.default_rng(seed), python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    V, start = len(vocabulary), vocabulary.encode("\n")
    model = Model(new_cell(V, rng), V, rng=rng)
    seconds = train(model, SequentialBatches(vocabulary.encode(split.train), 16, 64), updates, rate)
    return model, bits_per_character(model, vocabulary.encode(split.test), context=start), seconds


def hold_open(cell: Any, gate: str) -> None:
    """Make a gate 1 for good, as if it were missing: with a bias of 40 its slope is 0 in float32."""
    W_x, W_h, b = cell.gate(gate)
    W_x[...], W_h[...], b[...] = 0, 0, 40


def weights(model: Model, held: str | None = None) -> int:
    """How many numbers training changes; `held` is a gate that was made 1 for good."""
    idle = sum(part.size for part in model.layer.gate(held)) if held else 0
    return sum(p.size for p in model.params.values()) - idle
