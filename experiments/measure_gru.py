"""Train plain RNNs and GRUs on the same tasks, with the same number of weights and in the same time, for chapter 6.

    python experiments/measure_gru.py

Three seeds each, on the adding problem, the delayed copy and the text of chapter 3; on the text also GRUs without a
reset gate. The numbers of updates are fixed, and chosen so that the kinds need about the same time of one processor;
how long they really took is stored beside the errors, in rnnlib/figures/data/gru.json.
"""

import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.cells import GRU, RNN
from rnnlib.cells.cell import Cell
from rnnlib.corpora import adding, delayed_copy, python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "gru.json"
SEEDS = (0, 1, 2)
SIZES = {"rnn": 64, "gru": 36}  # hidden units, of the toy tasks
UPDATES = {"rnn": 3000, "gru": 1600}
STEPS, DELAY, CHUNK = 50, 20, 40
TEXT_SIZES = {"rnn": 160, "gru": 86, "no reset": 110}
TEXT_UPDATES = {"rnn": 2600, "gru": 2000, "no reset": 1700}


def new_cell(kind: str, input_size: int, hidden_size: int, rng: np.random.Generator) -> Cell:
    """A plain RNN, a GRU, or a GRU whose reset gate is 1 for good: with a bias of 40 its slope is 0 in float32."""
    if kind == "rnn":
        return RNN(input_size, hidden_size, rng=rng, dtype=np.float32)
    cell = GRU(input_size, hidden_size, rng=rng, dtype=np.float32)
    if kind == "no reset":
        W_xr, W_hr, b_r = cell.gate("r")
        W_xr[...], W_hr[...], b_r[...] = 0, 0, 40
    return cell


def weights(kind: str, model: Model) -> int:
    """How many numbers training changes."""
    idle = sum(part.size for part in model.layer.gate("r")) if kind == "no reset" else 0
    return sum(p.size for p in model.params.values()) - idle


def train(model: Model, batches: Iterable[Any], updates: int, rate: float, **options: Any) -> float:
    """Train along a cosine, and return the seconds of processor time that it took."""
    optimiser = Adam(rate)

    def cosine(run: Run) -> None:
        optimiser.learning_rate = rate * (0.01 + 0.99 * (1 + math.cos(math.pi * run.step / updates)) / 2)

    started = time.process_time()
    fit(model, batches, optimiser, max_steps=updates, clip_norm=1.0, progress=False, callback=cosine, **options)
    return time.process_time() - started


def add(kind: str, seed: int) -> tuple[float, float, int]:
    """The adding problem over 50 steps: error (mean squared), seconds, weights."""
    rng = np.random.default_rng(seed)
    options = {"loss": "squared_error", "return_sequences": False}
    model = Model(new_cell(kind, 2, SIZES[kind], rng), 1, rng=rng, **options)

    def batch(size: int, rng: np.random.Generator) -> tuple[Any, Any]:
        task = adding(size, STEPS, rng=rng)
        return task.x.astype(np.float32), task.y.astype(np.float32)

    seconds = train(model, [batch(32, rng) for _ in range(UPDATES[kind])], UPDATES[kind], 0.005)
    error, _ = model.evaluate(batch(1000, np.random.default_rng(99)))
    return error, seconds, weights(kind, model)


def copy(kind: str, seed: int) -> tuple[float, float, int]:
    """The delayed copy of two letters over 20 steps: share of wrong letters, seconds, weights."""
    rng = np.random.default_rng(seed)
    model = Model(new_cell(kind, 2, SIZES[kind], rng), 2, rng=rng)
    task = delayed_copy(16, UPDATES[kind] * CHUNK, DELAY, rng=rng)
    batches = [(task.x[t : t + CHUNK], task.y[t : t + CHUNK]) for t in range(0, len(task.x), CHUNK)]
    seconds = train(model, batches, UPDATES[kind], 0.005, stateful=True)
    new = delayed_copy(32, 500, DELAY, rng=np.random.default_rng(99))
    wrong = model.forward(new.x)[0].argmax(axis=-1) != new.y
    return float(wrong[new.mask].mean()), seconds, weights(kind, model)


def text(kind: str, seed: int) -> tuple[float, float, int]:
    """The text of chapter 3: bits per character on the test text, seconds, weights."""
    rng, split = np.random.default_rng(seed), python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    V, start = len(vocabulary), vocabulary.encode("\n")
    model = Model(new_cell(kind, V, TEXT_SIZES[kind], rng), V, rng=rng)
    batches = SequentialBatches(vocabulary.encode(split.train), 16, 64)
    seconds = train(model, batches, TEXT_UPDATES[kind], 0.005)
    bits = bits_per_character(model, vocabulary.encode(split.test), context=start)
    return bits, seconds, weights(kind, model)


def main() -> None:
    """Run all, and write what they reached."""
    trials: list[tuple[str, Callable[[str, int], tuple[float, float, int]], str]] = [
        *(("adding", add, kind) for kind in SIZES),
        *(("copy", copy, kind) for kind in SIZES),
        *(("text", text, kind) for kind in TEXT_SIZES),
    ]
    result: dict[str, Any] = {"steps": STEPS, "delay": DELAY}
    progress = tqdm(total=len(trials) * len(SEEDS), desc="RNN and GRU")
    for task, measure, kind in trials:
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
