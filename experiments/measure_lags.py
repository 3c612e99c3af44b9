"""Measure over which lag a cell learns two tasks (chapters 5 and 8): rnnlib/figures/data/lags.json.

    python experiments/measure_lags.py           # the cells that the file does not have yet
    python experiments/measure_lags.py RNN       # these cells, measured anew

Delayed copy and adding, each with lags that grow until learning stops, three seeds each. What counts as solved was
fixed beforehand; size, learning rate and UPDATES after a few trials, so that the runs take minutes. Every CHECK updates
the network is tried on sequences that it has not seen; it has *solved* the task at the first check at which its error
is below the task's limit, and it has not if that does not happen within UPDATES updates. Batch, learning rate and
clipping are the same for both tasks and for all cells; all cells have W_h of about one size.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.bptt import backward, unroll
from rnnlib.cells import RNN
from rnnlib.cells.cell import Cell
from rnnlib.corpora import adding, delayed_copy
from rnnlib.text import one_hot
from rnnlib.training import Adam, Model, Run, fit
from rnnlib.training.losses import cross_entropy, squared_error
from rnnlib.training.model import Step

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "lags.json"
CELLS: dict[str, tuple[type[Cell], int]] = {"RNN": (RNN, 64)}  # with H; one more line for one more cell
LAGS = {"copy": [5, 10, 20, 40, 80], "last": [5, 10, 20, 40], "adding": [5, 10, 20, 40]}
LIMIT = {"copy": 0.05, "last": 0.05, "adding": 0.01}  # share of wrong letters, mean squared error
SEEDS, B, TEST, LEARNING_RATE, CLIP_NORM, UPDATES, CHECK = 3, 32, 200, 0.003, 1.0, 2000, 25


class Sequences:
    """A model whose loss looks at some steps only, while it reads all of them; `fit` trains it."""

    has_dropout = False

    def __init__(self, model: Model) -> None:
        self.model, self.params = model, model.params

    def output(self, x: np.ndarray) -> tuple[Any, np.ndarray]:
        """The trace of x (T, B, D) and the outputs of all steps, (T, B, Q)."""
        trace = unroll(self.model.layer, x)
        return trace, self.model.output.forward(trace.h)

    def loss_and_gradients(self, batch: Any, state: Any = None, rng: Any = None) -> Step:
        """Of a batch (x, y, counts); counts (T, B) is True at the steps at which y is wanted."""
        x, y, counts = batch
        trace, out = self.output(x)
        loss_of = cross_entropy if np.issubdtype(y.dtype, np.integer) else squared_error
        loss, dout = loss_of(out, y, counts)
        dh, gradients = self.model.output.backward(trace.h, dout)
        gradients |= backward(trace, dh).params
        return Step(loss, gradients, None, 0.0, int(counts.sum()), trace, dh)

    def after_update(self) -> None:
        """Nothing to do."""


def draw(task: str, lag: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch (x, y, counts) of a task.

    "copy": write at each step the letter of `lag` steps ago, `lag` letters in all. "last": the same with one loss only,
    at the last step. "adding": the sum of two marked numbers after `lag` steps.
    """
    if task == "adding":
        x, y = adding(batch, lag, rng=rng)
        counts = np.zeros(x.shape[:2], dtype=bool)
        counts[-1] = True
        return x.astype(np.float32), np.broadcast_to(y.astype(np.float32), (*x.shape[:2], 1)), counts
    symbols = delayed_copy(batch, 2 * lag, lag, rng=rng)
    counts = symbols.mask.copy()
    if task == "last":
        counts[:-1] = False
    return one_hot(symbols.x, symbols.n_symbols, np.float32), symbols.y, counts


def error(model: Sequences, task: str, test: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """Share of wrong letters, or the mean squared error."""
    x, y, counts = test
    out = model.output(x)[1]
    wrong = np.square(out - y)[..., 0] if task == "adding" else out.argmax(axis=-1) != y
    return float(wrong[counts].mean())


def measure(cell: str, task: str, lag: int, seed: int) -> int | None:
    """One training run: after how many updates it has solved the task, or None."""
    rng = np.random.default_rng([seed, lag])
    kind, hidden = CELLS[cell]
    layer = kind(2, hidden, rng=rng, dtype=np.float32)
    model = Sequences(Model(layer, 1 if task == "adding" else 2, rng=rng))
    test = draw(task, lag, TEST, np.random.default_rng([seed, lag, 1]))
    errors: list[float] = []

    def check(run: Run) -> bool:
        if run.step % CHECK == 0:
            errors.append(error(model, task, test))
        return bool(errors) and errors[-1] < LIMIT[task]

    run = fit(
        model, lambda rng: (draw(task, lag, B, rng) for _ in range(UPDATES)), Adam(LEARNING_RATE),
        epochs=1, clip_norm=CLIP_NORM, callback=check, run=Run(rng), progress=False,
    )  # fmt: skip
    return run.step if errors[-1] < LIMIT[task] else None


def main(names: list[str]) -> None:
    """Measure what is named, or what the file lacks; keep the rest."""
    rules = {
        "limit": LIMIT, "seeds": SEEDS, "batch": B, "test": TEST, "learning_rate": LEARNING_RATE,
        "clip_norm": CLIP_NORM, "updates": UPDATES, "check": CHECK,
    }  # fmt: skip
    old = json.loads(PATH.read_text(encoding="utf8")) if PATH.exists() else {}
    cells = old.get("cells", {}) if old.get("rules") == rules and old.get("lags") == LAGS else {}
    names = names or [name for name in CELLS if name not in cells] or list(CELLS)
    with tqdm(total=len(names) * SEEDS * sum(map(len, LAGS.values())), unit="run") as bar:
        for name in names:
            cells[name] = {"hidden_size": CELLS[name][1]}
            for task, lags in LAGS.items():
                runs = []
                for lag in lags:
                    runs.append([measure(name, task, lag, seed) for seed in range(SEEDS)])
                    bar.update(SEEDS)
                    tqdm.write(f"{name} {task} {lag}: {runs[-1]}")
                cells[name][task] = runs  # updates by lag and seed
    PATH.write_text(json.dumps({"rules": rules, "lags": LAGS, "cells": cells}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main(sys.argv[1:])
