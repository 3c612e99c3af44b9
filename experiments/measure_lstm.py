"""Train LSTMs that lack a gate, or have one that is made otherwise, on the text of chapter 3 and on adding (chapter 7).

    python experiments/measure_lstm.py

On the text every kind has about the same number of weights and the same number of updates. Of three learning rates
each kind has the one that does best on the validation text with the first seed; then two more seeds follow with this
rate. On adding there is one rate, three seeds, and a look after a third of the training. A gate that is missing is 1
for good. The result goes to rnnlib/figures/data/lstm.json.
"""

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trials
from tqdm.auto import tqdm

from rnnlib.bptt import unroll
from rnnlib.cells import LSTM
from rnnlib.corpora import adding, python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary, one_hot
from rnnlib.training import Adam, Model, Run, bits_per_character, fit

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "lstm.json"
SEEDS = (0, 1, 2)
OPTIONS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "without input gate": {"stuck": "i"},
    "without forget gate": {"forget_gate": False},
    "without output gate": {"stuck": "o"},
    "coupled": {"coupled": True},
    "peepholes": {"peephole": True},
    "forget bias 0": {"forget_bias": 0.0},
    "forget bias 3": {"forget_bias": 3.0},
}
RATES = (0.01, 0.02, 0.04)
TEXT_WEIGHTS, TEXT_UPDATES, TEXT_BATCH, TEXT_LENGTH = 24_000, 4500, 8, 32
ADDING = ("LSTM", "forget bias 0", "forget bias 3")
ADDING_UNITS, ADDING_STEPS, ADDING_UPDATES, ADDING_EARLY, ADDING_RATE = 24, 50, 1500, 500, 0.01
WARM_UP = 100  # updates in which the learning rate rises


class Job(NamedTuple):
    """One training."""

    task: str
    kind: str
    seed: int
    rate: float


class Found(NamedTuple):
    """What it ends with: bits per character, or the mean squared error."""

    first: float  # on the validation text; on adding, what it has reached early
    test: float
    units: int
    weights: int
    c: float = 0.0  # the median size of a cell state, on the validation text


def new_cell(kind: str, input_size: int, hidden_size: int, rng: np.random.Generator) -> LSTM:
    """An LSTM of one kind."""
    options = dict(OPTIONS[kind])
    stuck = options.pop("stuck", None)
    cell = LSTM(input_size, hidden_size, rng=rng, dtype=np.float32, **options)
    if stuck:
        trials.hold_open(cell, stuck)
    return cell


def units(kind: str, V: int) -> int:
    """The largest number of units with at most TEXT_WEIGHTS weights."""
    for H in range(200, 1, -1):
        model = Model(new_cell(kind, V, H, np.random.default_rng(0)), V, rng=np.random.default_rng(0))
        if trials.weights(model, OPTIONS[kind].get("stuck")) <= TEXT_WEIGHTS:
            return H
    raise ValueError(f"kind: expected one that fits {TEXT_WEIGHTS} weights, got {kind}")


def train(
    model: Model, batches: Iterable[Any], updates: int, rate: float, look: Callable[[Run], None] | None = None
) -> None:
    """Train with a learning rate that rises first and then falls along a cosine."""
    optimiser = Adam(rate)
    schedule = trials.cosine(optimiser, rate, updates, WARM_UP)

    def callback(run: Run) -> None:
        schedule(run)
        if look is not None:
            look(run)

    fit(model, batches, optimiser, max_steps=updates, clip_norm=1.0, progress=False, callback=callback)


def predict_text(job: Job) -> Found:
    """The text of chapter 3, in bits per character."""
    rng, split = np.random.default_rng(job.seed), python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    V, start = len(vocabulary), vocabulary.encode("\n")
    H = units(job.kind, V)
    model = Model(new_cell(job.kind, V, H, rng), V, rng=rng)
    batches = SequentialBatches(vocabulary.encode(split.train), TEXT_BATCH, TEXT_LENGTH)
    train(model, batches, TEXT_UPDATES, job.rate)
    validation, test = (bits_per_character(model, vocabulary.encode(part), context=start) for part in split[1:])
    some = vocabulary.encode(split.validation[:3000])[:, None]
    c = np.median(np.abs(unroll(model.layer, one_hot(some, V, dtype=np.float32)).c))
    return Found(validation, test, H, trials.weights(model, OPTIONS[job.kind].get("stuck")), float(c))


def add(job: Job) -> Found:
    """The adding problem: the mean squared error on new sequences."""
    rng = np.random.default_rng(job.seed)
    cell = new_cell(job.kind, 2, ADDING_UNITS, rng)
    model = Model(cell, 1, rng=rng, loss="squared_error", return_sequences=False)

    def batch(size: int, rng: np.random.Generator) -> tuple[Any, Any]:
        task = adding(size, ADDING_STEPS, rng=rng)
        return task.x.astype(np.float32), task.y.astype(np.float32)

    new, early = batch(1000, np.random.default_rng(99)), []

    def look(run: Run) -> None:
        if run.step == ADDING_EARLY:
            early.append(model.evaluate(new)[0])

    train(model, [batch(32, rng) for _ in range(ADDING_UPDATES)], ADDING_UPDATES, job.rate, look)
    return Found(early[0], model.evaluate(new)[0], ADDING_UNITS, trials.weights(model, OPTIONS[job.kind].get("stuck")))


MEASURES: dict[str, Callable[[Job], Found]] = {"text": predict_text, "adding": add}


def measure(job: Job) -> Found:
    """Do one job."""
    return MEASURES[job.task](job)


def all_of(jobs: list[Job], pool: ProcessPoolExecutor, name: str) -> dict[Job, Found]:
    """What each job found."""
    return dict(zip(jobs, tqdm(pool.map(measure, jobs), total=len(jobs), desc=name), strict=True))


def main() -> None:
    """Choose the learning rates, run all, and write what they reached."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # one run a core; spawned processes read this
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        trials = [Job("text", kind, SEEDS[0], rate) for kind in OPTIONS for rate in RATES]
        found = all_of(trials, pool, "choice of the learning rate")
        tried = {kind: [found[Job("text", kind, SEEDS[0], rate)].first for rate in RATES] for kind in OPTIONS}
        rate = {kind: RATES[int(np.argmin(bits))] for kind, bits in tried.items()}
        jobs = [Job("text", kind, seed, rate[kind]) for kind in OPTIONS for seed in SEEDS[1:]]
        jobs += [Job("adding", kind, seed, ADDING_RATE) for kind in ADDING for seed in SEEDS]
        found |= all_of(jobs, pool, "LSTM variants")
    result: dict[str, Any] = {"steps": ADDING_STEPS, "rates": RATES, "text": {}, "adding": {}}
    result["updates"] = {"text": TEXT_UPDATES, "adding": ADDING_UPDATES, "early": ADDING_EARLY}
    for task, kinds in (("text", tuple(OPTIONS)), ("adding", ADDING)):
        for kind in kinds:
            chosen = rate[kind] if task == "text" else ADDING_RATE
            runs = [found[Job(task, kind, seed, chosen)] for seed in SEEDS]
            result[task][kind] = {
                "units": runs[0].units,
                "weights": runs[0].weights,
                "rate": chosen,
                "reached": [round(float(run.test), 4) for run in runs],
            }
            if task == "text":
                result[task][kind]["trials"] = [round(float(value), 4) for value in tried[kind]]
                result[task][kind]["c"] = [round(run.c, 1) for run in runs]
            else:
                result[task][kind]["early"] = [round(float(run.first), 4) for run in runs]
    PATH.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
