"""Train LSTMs that lack a gate, or have one that is made otherwise, on the text of chapter 3 and on adding (chapter 7).

    python experiments/measure_lstm.py

On the text every kind has about the same number of weights and the same number of updates. Of three learning rates
each kind has the one that does best on the validation text with the first seed; then two more seeds follow with this
rate. On adding there is one rate, three seeds, and a look after a third of the training. A gate that is missing is 1
for good. The result goes to rnnlib/figures/data/lstm.json.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trials

from rnnlib.bptt import unroll
from rnnlib.cells import LSTM
from rnnlib.text import one_hot
from rnnlib.training import Model

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


def predict_text(job: Job) -> Found:
    """The text of chapter 3, in bits per character."""
    vocabulary, split = trials.text()
    H = units(job.kind, len(vocabulary))
    model, _ = trials.read_text(
        lambda V, rng: new_cell(job.kind, V, H, rng), job.seed, updates=TEXT_UPDATES, rate=job.rate,
        batch_size=TEXT_BATCH, length=TEXT_LENGTH, warm_up=WARM_UP,
    )  # fmt: skip
    some = vocabulary.encode(split.validation[:3000])[:, None]
    c = np.median(np.abs(unroll(model.layer, one_hot(some, len(vocabulary), dtype=np.float32)).c))
    weights = trials.weights(model, OPTIONS[job.kind].get("stuck"))
    return Found(trials.bits(model, "validation"), trials.bits(model, "test"), H, weights, float(c))


def add(job: Job) -> Found:
    """The adding problem: the mean squared error on new sequences."""
    model, errors, _ = trials.add(
        lambda D, rng: new_cell(job.kind, D, ADDING_UNITS, rng), job.seed, steps=ADDING_STEPS, updates=ADDING_UPDATES,
        rate=job.rate, warm_up=WARM_UP, early=(ADDING_EARLY,),
    )  # fmt: skip
    return Found(*errors, ADDING_UNITS, trials.weights(model, OPTIONS[job.kind].get("stuck")))


MEASURES: dict[str, Callable[[Job], Found]] = {"text": predict_text, "adding": add}


def measure(job: Job) -> Found:
    """Do one job."""
    return MEASURES[job.task](job)


def main() -> None:
    """Choose the learning rates, run all, and write what they reached."""
    with trials.processes() as pool:
        jobs = [Job("text", kind, SEEDS[0], rate) for kind in OPTIONS for rate in RATES]
        found = trials.all_of(measure, jobs, pool, "choice of the learning rate")
        tried = {kind: [found[Job("text", kind, SEEDS[0], rate)].first for rate in RATES] for kind in OPTIONS}
        rate = {kind: RATES[int(np.argmin(bits))] for kind, bits in tried.items()}
        jobs = [Job("text", kind, seed, rate[kind]) for kind in OPTIONS for seed in SEEDS[1:]]
        jobs += [Job("adding", kind, seed, ADDING_RATE) for kind in ADDING for seed in SEEDS]
        found |= trials.all_of(measure, jobs, pool, "LSTM variants")
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
