"""Train LSTMs that lack a gate, or have one that is made otherwise, on the text of chapter 3 and on adding (chapter 7).

    python experiments/measure_lstm.py

Three seeds each; on the text every kind has about the same number of weights, and all have the same number of updates.
A gate that is missing is 1 for good. The result goes to rnnlib/figures/data/lstm.json.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import trials
from tqdm.auto import tqdm

from rnnlib.cells import LSTM
from rnnlib.corpora import python_docs_split
from rnnlib.text import Vocabulary
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
TEXT_WEIGHTS, TEXT_UPDATES = 24_000, 500
ADDING = ("LSTM", "forget bias 0", "forget bias 3")
ADDING_UNITS, ADDING_STEPS, ADDING_UPDATES = 24, 50, 600
RATE = 0.01


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


def text(kind: str, seed: int, H: int) -> tuple[float, int]:
    """The text of chapter 3: bits per character on the test text, and the number of weights."""
    model, bits, _ = trials.read_text(lambda V, rng: new_cell(kind, V, H, rng), seed, updates=TEXT_UPDATES, rate=RATE)
    return bits, trials.weights(model, OPTIONS[kind].get("stuck"))


def add(kind: str, seed: int) -> tuple[float, int]:
    """The adding problem: the mean squared error on new sequences, and the number of weights."""
    model, error, _ = trials.add(
        lambda D, rng: new_cell(kind, D, ADDING_UNITS, rng), seed, steps=ADDING_STEPS, updates=ADDING_UPDATES, rate=RATE
    )
    return error, trials.weights(model, OPTIONS[kind].get("stuck"))


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
