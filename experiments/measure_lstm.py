"""Train LSTMs that lack a gate, or have one that is made otherwise, on the text of chapter 3 and on adding (chapter 7).

    python experiments/measure_lstm.py

Three seeds each; on the text every kind has about the same number of weights, and all have the same number of updates.
A gate that is missing is 1 for good: with a bias of 40 the sigmoid is 1 in float32 and its slope is 0. The result goes
to rnnlib/figures/data/lstm.json.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.cells import LSTM
from rnnlib.corpora import adding, python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
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
TEXT_WEIGHTS, TEXT_UPDATES = 24_000, 500
ADDING = ("LSTM", "forget bias 0", "forget bias 3")
ADDING_UNITS, ADDING_STEPS, ADDING_UPDATES = 24, 50, 600


def new_cell(kind: str, input_size: int, hidden_size: int, rng: np.random.Generator) -> LSTM:
    """An LSTM of one kind."""
    options = dict(OPTIONS[kind])
    stuck = options.pop("stuck", None)
    cell = LSTM(input_size, hidden_size, rng=rng, dtype=np.float32, **options)
    if stuck:
        W_x, W_h, b = cell.gate(stuck)
        W_x[...], W_h[...], b[...] = 0, 0, 40
    return cell


def weights(kind: str, model: Model) -> int:
    """How many numbers training changes."""
    stuck = OPTIONS[kind].get("stuck")
    idle = sum(part.size for part in model.layer.gate(stuck)) if stuck else 0
    return sum(p.size for p in model.params.values()) - idle


def units(kind: str, V: int) -> int:
    """The largest number of units with at most TEXT_WEIGHTS weights."""
    for H in range(200, 1, -1):
        model = Model(new_cell(kind, V, H, np.random.default_rng(0)), V, rng=np.random.default_rng(0))
        if weights(kind, model) <= TEXT_WEIGHTS:
            return H
    raise ValueError(f"kind: expected one that fits {TEXT_WEIGHTS} weights, got {kind}")


def train(model: Model, batches: Iterable[Any], updates: int, rate: float, **options: Any) -> None:
    """Train along a cosine."""
    optimiser = Adam(rate)

    def cosine(run: Run) -> None:
        optimiser.learning_rate = rate * (0.01 + 0.99 * (1 + math.cos(math.pi * run.step / updates)) / 2)

    fit(model, batches, optimiser, max_steps=updates, clip_norm=1.0, progress=False, callback=cosine, **options)


def text(kind: str, seed: int, H: int) -> tuple[float, int]:
    """The text of chapter 3: bits per character on the test text, and the number of weights."""
    rng, split = np.random.default_rng(seed), python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    V, start = len(vocabulary), vocabulary.encode("\n")
    model = Model(new_cell(kind, V, H, rng), V, rng=rng)
    train(model, SequentialBatches(vocabulary.encode(split.train), 16, 64), TEXT_UPDATES, 0.01)
    return bits_per_character(model, vocabulary.encode(split.test), context=start), weights(kind, model)


def add(kind: str, seed: int) -> tuple[float, int]:
    """The adding problem: the mean squared error on new sequences, and the number of weights."""
    rng = np.random.default_rng(seed)
    cell = new_cell(kind, 2, ADDING_UNITS, rng)
    model = Model(cell, 1, rng=rng, loss="squared_error", return_sequences=False)

    def batch(size: int, rng: np.random.Generator) -> tuple[Any, Any]:
        task = adding(size, ADDING_STEPS, rng=rng)
        return task.x.astype(np.float32), task.y.astype(np.float32)

    train(model, [batch(32, rng) for _ in range(ADDING_UPDATES)], ADDING_UPDATES, 0.01)
    error, _ = model.evaluate(batch(1000, np.random.default_rng(99)))
    return error, weights(kind, model)


def main() -> None:
    """Run all, and write what they reached."""
    V = len(Vocabulary(python_docs_split().alphabet))
    result: dict[str, Any] = {"steps": ADDING_STEPS, "updates": TEXT_UPDATES, "text": {}, "adding": {}}
    progress = tqdm(total=(len(OPTIONS) + len(ADDING)) * len(SEEDS), desc="LSTM variants")
    for task, kinds in (("text", tuple(OPTIONS)), ("adding", ADDING)):
        for kind in kinds:
            H = units(kind, V) if task == "text" else ADDING_UNITS
            rows = []
            for seed in SEEDS:
                rows.append(text(kind, seed, H) if task == "text" else add(kind, seed))
                progress.update()
            reached, count = zip(*rows, strict=True)
            values = [round(float(value), 4) for value in reached]
            result[task][kind] = {"units": H, "weights": int(count[0]), "reached": values}
            tqdm.write(f"{task}, {kind}: {result[task][kind]}")
    PATH.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
