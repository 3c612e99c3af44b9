"""What the scripts that train small networks share: processes, a learning rate's schedule, two tasks, a stuck gate."""

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from tqdm.auto import tqdm

from rnnlib.cells.cell import Cell
from rnnlib.corpora import Split, adding, python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit

NewCell = Callable[[int, np.random.Generator], Cell]  # from the number of inputs and what draws the weights
Job, Found = TypeVar("Job"), TypeVar("Found")


def processes(number: int = 2) -> ProcessPoolExecutor:
    """Processes for runs side by side, one BLAS thread each: small products gain nothing from two."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # spawned processes read this
    return ProcessPoolExecutor(number, mp_context=get_context("spawn"))


def all_of(what: Callable[[Job], Found], jobs: list[Job], pool: ProcessPoolExecutor, name: str) -> dict[Job, Found]:
    """What each job found, with a progress bar of that name."""
    return dict(zip(jobs, tqdm(pool.map(what, jobs), total=len(jobs), desc=name), strict=True))


def cosine(optimiser: Adam, rate: float, updates: int, warm_up: int = 1) -> Callable[[Run], None]:
    """A callback of `fit`: the learning rate falls along half a cosine, from `rate` to a hundredth of it.

    In the first `warm_up` updates it rises to it besides, in equal steps.
    """

    def callback(run: Run) -> None:
        warm = min(1.0, (run.step + 1) / warm_up)
        optimiser.learning_rate = rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * run.step / updates)) / 2)

    return callback


def train(
    model: Model,
    batches: Iterable[Any],
    updates: int,
    rate: float,
    *,
    warm_up: int = 1,
    look: Callable[[Run], None] | None = None,
    **options: Any,
) -> float:
    """Train with Adam along a cosine, and return the seconds of processor time; `look` is called after each update."""
    optimiser, started = Adam(rate), time.process_time()
    schedule = cosine(optimiser, rate, updates, warm_up)

    def callback(run: Run) -> None:
        schedule(run)
        if look is not None:
            look(run)

    fit(model, batches, optimiser, max_steps=updates, clip_norm=1.0, progress=False, callback=callback, **options)
    return time.process_time() - started


def add(
    new_cell: NewCell, seed: int, *, steps: int, updates: int, rate: float, warm_up: int = 1, early: Sequence[int] = ()
) -> tuple[Model, list[float], float]:
    """The adding problem: the trained model, its mean squared errors on new sequences, and the seconds.

    The last error is that of the trained model; before it stand those after `early` updates.
    """
    rng = np.random.default_rng(seed)
    model = Model(new_cell(2, rng), 1, rng=rng, loss="squared_error", return_sequences=False)

    def batch(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        task = adding(size, steps, rng=rng)
        return task.x.astype(np.float32), task.y.astype(np.float32)

    new, errors = batch(1000, np.random.default_rng(99)), []

    def look(run: Run) -> None:
        if run.step in early:
            errors.append(model.evaluate(new)[0])

    batches = [batch(32, rng) for _ in range(updates)]
    seconds = train(model, batches, updates, rate, warm_up=warm_up, look=look)
    return model, [*errors, model.evaluate(new)[0]], seconds


@cache
def text() -> tuple[Vocabulary, Split]:
    """The alphabet and the parts of Python's manual, the text of chapter 3."""
    split = python_docs_split()
    return Vocabulary(split.alphabet), split


def read_text(
    new_cell: NewCell,
    seed: int,
    *,
    updates: int,
    rate: float,
    batch_size: int = 16,
    length: int = 64,
    warm_up: int = 1,
) -> tuple[Model, float]:
    """A model of that text, trained on its first part, and the seconds."""
    rng, (vocabulary, split) = np.random.default_rng(seed), text()
    model = Model(new_cell(len(vocabulary), rng), len(vocabulary), rng=rng)
    batches = SequentialBatches(vocabulary.encode(split.train), batch_size, length)
    return model, train(model, batches, updates, rate, warm_up=warm_up)


def bits(model: Model, part: str, characters: int | None = None) -> float:
    """Bits per character on "validation" or "test", or on its first characters only."""
    vocabulary, split = text()
    ids = vocabulary.encode(getattr(split, part)[:characters])
    return bits_per_character(model, ids, context=vocabulary.encode("\n"))


def hold_open(cell: Any, gate: str) -> None:
    """Make a gate 1 for good, as if it were missing: with a bias of 40 its slope is 0 in float32."""
    W_x, W_h, b = cell.gate(gate)
    W_x[...], W_h[...], b[...] = 0, 0, 40


def weights(model: Model, held: str | None = None) -> int:
    """How many numbers training changes; `held` is a gate that was made 1 for good."""
    idle = sum(part.size for part in model.layer.gate(held)) if held else 0
    return sum(p.size for p in model.params.values()) - idle
