"""Measure what dropout does to an LSTM that reads little text (chapter 8): rnnlib/figures/data/dropout.json.

    python experiments/measure_dropout.py

An LSTM reads the first TRAINING characters of Python's manual again and again, so that it learns them by heart unless
something hinders it. What is dropped, and how often the factors are drawn, differs from one way to the next (WAYS). For
each way the rate is the one of RATES with which the validation text is predicted best, with a seed of its own; then
networks with other seeds are trained with that rate. All of them are tried at every CHECK updates, and the check that
is best on the validation text counts ("early stopping"). Reported is the test text.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from rnnlib.bptt import backward, dropout, unroll
from rnnlib.cells import LSTM
from rnnlib.cells.cell import Array, Gates, State, blocks
from rnnlib.corpora import python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary, one_hot
from rnnlib.training import Adam, Model, Run, fit
from rnnlib.training.model import Step

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "dropout.json"
# what is dropped: the output O_t reads, H_{t−1} on its way into the gates, the cell state, the candidate;
# and how often: at every step anew, once a sequence, once a sequence for each gate
WAYS = {
    "none": ("", ""),
    "output, each step": ("output", "step"),
    "output, one draw": ("output", "sequence"),
    "recurrent, each step": ("recurrent", "step"),
    "recurrent, one draw": ("recurrent", "sequence"),
    "recurrent, one draw a gate": ("recurrent", "gate"),
    "cell state, each step": ("cell", "step"),
    "cell state, one draw": ("cell", "sequence"),
    "candidate, each step": ("candidate", "step"),
}
RATES, SEED_OF_TRIALS, SEEDS = (0.2, 0.4), 100, (0, 1, 2)
H, B, T, UPDATES, CHECK, LEARNING_RATE, CLIP_NORM = 64, 16, 40, 600, 100, 0.01, 1.0
TRAINING, CHOICE = 20_000, 10_000  # characters


class Dropped(LSTM):
    """An LSTM in which factors 0 or 1/(1 − p) stand at a place of one's choice, drawn as often as one likes.

    `place` is "output", "recurrent", "cell" or "candidate"; `often` is "step", "sequence" or, of "recurrent", "gate".
    """

    def __init__(self, *sizes: int, place: str, often: str, p: float, rng: np.random.Generator, **options: Any) -> None:
        super().__init__(*sizes, rng=rng, recurrent_dropout=p, **options)
        self.place, self.often, self.rng = place, often, rng
        self.drawn: Array | None = None

    def with_dropout(self, drop: Array | None) -> Dropped:
        """A copy for one batch; its first step draws. Without a draw (not training) nothing is dropped."""
        cell = copy(self)
        cell._drop, cell.drawn = drop, None
        return cell

    def factors(self, h: Array) -> Array:
        """(B, H), or (B, 4H) where they meet the gates: one draw for all gates repeated, or one for each."""
        if self._drop is None:
            return np.ones((len(h), 1), h.dtype)
        if self.drawn is None or self.often == "step":
            wide = h.shape[1] * (4 if self.often == "gate" else 1)
            self.drawn = dropout((len(h), wide), self.recurrent_dropout, self.rng, h.dtype)
        return self.drawn

    def forward(self, u: Array, state: State) -> tuple[State, Gates]:
        (h, c), m = state, self.factors(state[0])
        a = u + self.into_gates(h, m if self.place == "recurrent" else None)
        i, f, o, g = (self.activation if k == 3 else self.recurrent_activation for k in range(4))
        i, f, o, g = (φ.value(part) for φ, part in zip((i, f, o, g), blocks(a, 4), strict=True))
        c = f * c + i * (g * m if self.place == "candidate" else g)
        c = c * m if self.place == "cell" else c
        return (o * np.tanh(c), c), (i, f, o, g, m)

    def into_gates(self, h: Array, m: Array | None) -> Array:
        """H_{t−1} W_h, with factors on H_{t−1}: the same for all gates, or each gate's own."""
        if m is None or m.shape[1] <= h.shape[1]:
            return (h if m is None else h * m) @ self.params["W_h"]
        pairs = zip(blocks(m, 4), blocks(self.params["W_h"], 4), strict=True)
        return np.concatenate([(h * m_k) @ W_k for m_k, W_k in pairs], axis=1)

    def backward(self, dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
        (dh, dc), (_, c_prev), (_, c), (i, f, o, g, m) = dstate, before, after, gates
        on_g, on_c = m if self.place == "candidate" else 1, m if self.place == "cell" else 1
        tanh_c = np.tanh(c)
        dc = (dc + dh * o * (1 - tanh_c**2)) * on_c
        da_i, da_f = dc * g * on_g * i * (1 - i), dc * c_prev * f * (1 - f)
        da_o, da_g = dh * tanh_c * o * (1 - o), dc * i * on_g * (1 - g**2)
        da = np.concatenate([da_i, da_f, da_o, da_g], axis=1)
        if self.place != "recurrent":
            return da, (da @ self.params["W_h"].T, dc * f)
        if m.shape[1] <= f.shape[1]:
            return da, (da @ self.params["W_h"].T * m, dc * f)
        triples = zip(blocks(da, 4), blocks(self.params["W_h"], 4), blocks(m, 4), strict=True)
        return da, (sum(m_k * (da_k @ W_k.T) for da_k, W_k, m_k in triples), dc * f)

    def parameter_gradients(
        self, before: State, after: State, gates: Any, da: Array, dstate: State
    ) -> dict[str, Array]:
        """∂L/∂W_h, with the factors of every step on H_{t−1}."""
        h = before[0]
        if self.place != "recurrent":
            return {"W_h": flat(h).T @ flat(da)}
        m = np.stack([values[4] for values in gates])
        if m.shape[-1] <= h.shape[-1]:
            return {"W_h": flat(h * m).T @ flat(da)}
        pairs = zip(blocks(m, 4), blocks(da, 4), strict=True)
        return {"W_h": np.concatenate([flat(h * m_k).T @ flat(da_k) for m_k, da_k in pairs], axis=1)}


def flat(rows: Array) -> Array:
    """(T, B, N) → (T·B, N)."""
    return rows.reshape(-1, rows.shape[-1])


class OnOutput(Model):
    """A model whose output layer reads H_t ⊙ M, with one draw for all steps; `Model` itself draws at every step."""

    def loss_and_gradients(self, batch: Any, state: Any = None, rng: np.random.Generator | None = None) -> Step:
        x, y, _ = batch
        trace = unroll(self.layer, one_hot(x, self.input_size, self.dtype), state)
        m = dropout((1, *trace.h.shape[1:]), self.dropout, rng, self.dtype) if rng else 1
        loss, do = self.loss(self.output.forward(trace.h * m), y)
        dh, gradients = self.output.backward(trace.h * m, do)
        dh = dh * m
        gradients |= backward(trace, dh).params
        return Step(loss, gradients, tuple(part.copy() for part in trace.state), 0.0, x.size, trace, dh)


class Job(NamedTuple):
    """One training run."""

    way: str
    rate: float
    seed: int


def text() -> tuple[Vocabulary, str, str, str]:
    """The alphabet, what is learnt, what is chosen by, and what is reported."""
    split = python_docs_split()
    return Vocabulary(split.alphabet), split.train[:TRAINING], split.validation[:CHOICE], split.test[:CHOICE]


def new_model(way: str, p: float, V: int, rng: np.random.Generator) -> Model:
    """A model that has learnt nothing."""
    place, often = WAYS[way]
    options: dict[str, Any] = {"rng": rng, "dtype": np.float32}
    if place in ("", "output"):
        kind = OnOutput if often == "sequence" else Model
        return kind(LSTM(V, H, **options), V, rng=rng, dropout=p if place else 0.0)
    return Model(Dropped(V, H, place=place, often=often, p=p, **options), V, rng=rng)


def bits(model: Model, batches: SequentialBatches) -> float:
    """Bits per character; nothing is dropped."""
    state, total, symbols = None, 0.0, 0
    for batch in batches:
        loss, state = model.evaluate(batch, state)
        total, symbols = total + loss * batch.x.size, symbols + batch.x.size
    return float(total / symbols / np.log(2))


def measure(job: Job) -> dict[str, Any]:
    """Bits per character at the check that is best on the text of choice: there, on what was learnt, on test text."""
    rng = np.random.default_rng(job.seed)
    vocabulary, *parts = text()
    learnt, choice, test = (SequentialBatches(vocabulary.encode(part), B, T) for part in parts)
    again = SequentialBatches(vocabulary.encode(parts[0][:CHOICE]), B, T)
    model = new_model(job.way, job.rate, len(vocabulary), rng)
    best: dict[str, Any] = {"choice": 99.0, "test": None, "learnt": None, "step": 0, "exploded": False}

    def check(run: Run) -> None:
        if run.step % CHECK == 0 and (now := bits(model, choice)) < best["choice"]:
            best.update(choice=now, test=bits(model, test), learnt=bits(model, again), step=run.step)

    try:
        fit(
            model, learnt, Adam(LEARNING_RATE), max_steps=UPDATES, clip_norm=CLIP_NORM, callback=check, run=Run(rng),
            progress=False,
        )  # fmt: skip
    except FloatingPointError:  # the loss or the gradient is no number any more: what was reached until then counts
        best["exploded"] = True
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in best.items()}


def main() -> None:
    """Choose each way's rate, train three networks with it, and write what was found."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # one run a core; spawned processes read this
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:

        def all_of(jobs: list[Job], name: str) -> dict[Job, dict[str, Any]]:
            return dict(zip(jobs, tqdm(pool.map(measure, jobs), total=len(jobs), desc=name), strict=True))

        ways = [way for way in WAYS if way != "none"]
        trials = all_of([Job(*job, SEED_OF_TRIALS) for job in product(ways, RATES)], "choice of the rate")
        rate = {way: min(RATES, key=lambda p: trials[Job(way, p, SEED_OF_TRIALS)]["choice"]) for way in ways}
        runs = all_of([Job(way, rate.get(way, 0.0), seed) for way in WAYS for seed in SEEDS], "networks")
    result: dict[str, Any] = {
        "rules": {"hidden_size": H, "characters": TRAINING, "updates": UPDATES, "check": CHECK, "rates": RATES},
        "ways": {},
    }
    for way in WAYS:
        found = [runs[Job(way, rate.get(way, 0.0), seed)] for seed in SEEDS]
        tried = [trials[Job(way, p, SEED_OF_TRIALS)] for p in RATES] if way in rate else []
        result["ways"][way] = {"rate": rate.get(way, 0.0), "trials": [one["choice"] for one in tried]}
        result["ways"][way] |= {name: [one[name] for one in found] for name in ("test", "learnt", "step", "exploded")}
    PATH.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    for way, found in result["ways"].items():
        print(f"{way:28} p = {found['rate']}: {found['test']} (learnt {found['learnt']}, {found['step']})")


if __name__ == "__main__":
    main()
