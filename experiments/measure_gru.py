"""Train plain RNNs and GRUs on the same tasks, with the same number of weights and in the same time, for chapter 6.

    python experiments/measure_gru.py

Three seeds each, on the adding problem, the delayed copy and the text of chapter 3; on the text also GRUs without a
reset gate. The numbers of updates are fixed, and chosen so that the kinds need about the same time of one processor;
how long they really took is stored beside the errors, in rnnlib/figures/data/gru.json.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trials
from tqdm.auto import tqdm

from rnnlib.cells import GRU, RNN
from rnnlib.cells.cell import Cell
from rnnlib.corpora import delayed_copy
from rnnlib.training import Model

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "gru.json"
SEEDS = (0, 1, 2)
SIZES = {"rnn": 64, "gru": 36}  # hidden units, of the toy tasks
UPDATES = {"rnn": 3000, "gru": 1600}
STEPS, DELAY, CHUNK, RATE = 50, 20, 40, 0.005
TEXT_SIZES = {"rnn": 160, "gru": 86, "no reset": 110}
TEXT_UPDATES = {"rnn": 2600, "gru": 2000, "no reset": 1700}
HELD = {"no reset": "r"}


def new_cell(kind: str, input_size: int, hidden_size: int, rng: np.random.Generator) -> Cell:
    """A plain RNN, a GRU, or a GRU whose reset gate is 1 for good."""
    cell = (RNN if kind == "rnn" else GRU)(input_size, hidden_size, rng=rng, dtype=np.float32)
    if kind in HELD:
        trials.hold_open(cell, HELD[kind])
    return cell


def add(kind: str, seed: int) -> tuple[float, float, int]:
    """The adding problem over 50 steps: error (mean squared), seconds, weights."""
    model, error, seconds = trials.add(
        lambda D, rng: new_cell(kind, D, SIZES[kind], rng), seed, steps=STEPS, updates=UPDATES[kind], rate=RATE
    )
    return error, seconds, trials.weights(model)


def copy(kind: str, seed: int) -> tuple[float, float, int]:
    """The delayed copy of two letters over 20 steps: share of wrong letters, seconds, weights."""
    rng = np.random.default_rng(seed)
    model = Model(new_cell(kind, 2, SIZES[kind], rng), 2, rng=rng)
    task = delayed_copy(16, UPDATES[kind] * CHUNK, DELAY, rng=rng)
    batches = [(task.x[t : t + CHUNK], task.y[t : t + CHUNK]) for t in range(0, len(task.x), CHUNK)]
    seconds = trials.train(model, batches, UPDATES[kind], RATE, stateful=True)
    new = delayed_copy(32, 500, DELAY, rng=np.random.default_rng(99))
    wrong = model.forward(new.x)[0].argmax(axis=-1) != new.y
    return float(wrong[new.mask].mean()), seconds, trials.weights(model)


def text(kind: str, seed: int) -> tuple[float, float, int]:
    """The text of chapter 3: bits per character on the test text, seconds, weights."""
    model, bits, seconds = trials.read_text(
        lambda V, rng: new_cell(kind, V, TEXT_SIZES[kind], rng), seed, updates=TEXT_UPDATES[kind], rate=RATE
    )
    return bits, seconds, trials.weights(model, HELD.get(kind))


def main() -> None:
    """Run all, and write what they reached."""
    measurements: list[tuple[str, Callable[[str, int], tuple[float, float, int]], str]] = [
        *(("adding", add, kind) for kind in SIZES),
        *(("copy", copy, kind) for kind in SIZES),
        *(("text", text, kind) for kind in TEXT_SIZES),
    ]
    result: dict[str, Any] = {"steps": STEPS, "delay": DELAY}
    progress = tqdm(total=len(measurements) * len(SEEDS), desc="RNN and GRU")
    for task, measure, kind in measurements:
        rows = []
        for seed in SEEDS:
            rows.append(measure(kind, seed))
            progress.update()
        reached, seconds, count = zip(*rows, strict=True)
        sizes, updates = (TEXT_SIZES, TEXT_UPDATES) if task == "text" else (SIZES, UPDATES)
        result.setdefault(task, {})[kind] = {
            "units": sizes[kind],
            "weights": int(count[0]),
            "updates": updates[kind],
            "reached": [round(float(value), 4) for value in reached],
            "seconds": round(float(np.mean(seconds)), 1),
        }
        tqdm.write(f"{task}, {kind}: {result[task][kind]}")
    PATH.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
