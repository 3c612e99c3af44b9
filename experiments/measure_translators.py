"""Train translators of dates without attention: contexts, uses and schedules of teacher forcing, for chapter 9.

    python experiments/measure_translators.py

Three contexts in three uses with about equally many weights, and four schedules of teacher forcing; three seeds each.
The numbers, and the processor time that each training took, go to rnnlib/figures/data/translators.json.
"""

import itertools
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from rnnlib.corpora import dates
from rnnlib.seq2seq import (
    BOS,
    EOS,
    PairBatches,
    Seq2Seq,
    greedy,
    linear_decay,
    log_probabilities,
    pair_batch,
    vocabulary_of,
)
from rnnlib.training import Adam, Run, fit

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "translators.json"
SEEDS = (0, 1, 2)
CONTEXTS, USES = ("last", "transform_last", "transform_all"), ("initial", "input", "both")
HIDDEN, EMBEDDING, RATE = 96, 24, 0.01
STEPS, LONG, FORCED_STEPS = 500, 1500, 400
SCHEDULES: dict[str, tuple[float, float]] = {
    "always": (1.0, 1.0),
    "from 1 to 0.5": (1.0, 0.5),
    "from 1 to 0": (1.0, 0.0),
    "never": (0.0, 0.0),
}

TRAINING, HELD_OUT = dates(18_000, seed=0, part="train"), dates(400, seed=0, part="test")
SIGNS = (vocabulary_of([chinese for chinese, _ in TRAINING]), vocabulary_of([english for _, english in TRAINING]))
BATCHES = PairBatches(TRAINING, *SIGNS, 64)
TRUTH = pair_batch(HELD_OUT, *SIGNS)
SEPARATORS = " ,/"
WORDS = {word for _, english in TRAINING for word in re.findall("[A-Za-z]+", english)}


def new_model(context: str, use: str, hidden_size: int, seed: int) -> Seq2Seq:
    """A translator with a GRU on both sides."""
    x, y = map(len, SIGNS)
    rng = np.random.default_rng(seed)
    return Seq2Seq(x, y, hidden_size=hidden_size, embedding_size=EMBEDDING, context=context, use=use, rng=rng)


def weights(model: Seq2Seq) -> int:
    """How many numbers training changes."""
    return sum(p.size for p in model.params.values())


def equal_size(context: str, use: str) -> int:
    """Hidden units with which a translator has about as many weights as the chapter's."""
    wanted = weights(new_model("last", "both", HIDDEN, 0))
    sizes = range(HIDDEN - 24, HIDDEN + 49, 2)
    return min(sizes, key=lambda size: abs(weights(new_model(context, use, size, 0)) - wanted))


def train(model: Seq2Seq, steps: int, seed: int, schedule: tuple[float, float] = (1.0, 1.0)) -> float:
    """Train along half a cosine, as the chapter does; seconds of processor time."""
    optimiser, run = Adam(RATE), Run(np.random.default_rng(seed))
    start, end = schedule
    model.teacher_forcing = (
        1.0 if schedule == (1.0, 1.0) else lambda: linear_decay(run.step, steps=steps, start=start, end=end)
    )

    def cosine(run: Run) -> None:
        optimiser.learning_rate = RATE * (1 + math.cos(math.pi * run.step / (steps + 1))) / 2

    started = time.process_time()
    fit(model, BATCHES, optimiser, max_steps=steps, clip_norm=1.0, callback=cosine, run=run, progress=False)
    model.teacher_forcing = 1.0
    return time.process_time() - started


def word_of(text: str, steps: int) -> np.ndarray:
    """The number of the word that each step belongs to: how many of " ,/" stand before it."""
    return np.cumsum([0] + [sign in SEPARATORS for sign in text.ljust(steps)])[:steps]


def layout(text: str) -> list[tuple[int, str]]:
    """Where a text has which separator, and its length."""
    return [(i, sign) for i, sign in enumerate(text + ",") if sign in SEPARATORS]


def judge(model: Seq2Seq) -> dict[str, Any]:
    """Share of dates right; nats per symbol after the first mistake, with the truth fed and running freely.

    The latter for the rest of the word with the mistake and for the words after it, in translations that have their
    separators where the right one has them, so that no symbol stands beside a wrong place. And how many words it has
    written that no training text has, the first three in the alphabet by name.
    """
    own = np.full_like(TRUTH.target_in, EOS)
    own[0] = BOS
    hypotheses = greedy(model, *TRUTH[:2], max_length=len(own))
    for b, hypothesis in enumerate(hypotheses):
        ids = hypothesis.ids[: len(own) - 1]
        own[1 : len(ids) + 1, b] = ids
    written, wanted = [h.text(SIGNS[1]) for h in hypotheses], [pair.english for pair in HELD_OUT]
    invented = sorted(set(re.findall("[A-Za-z]+", " ".join(written))) - WORDS)
    with torch.no_grad():
        wrong = (model(TRUTH).argmax(dim=-1).numpy() != TRUTH.target_out) & TRUTH.target_mask
    first = wrong.argmax(axis=0)
    same = [layout(text) == layout(answer) for text, answer in zip(written, wanted, strict=True)]
    after = (np.arange(len(wrong))[:, None] > first) & wrong.any(axis=0) & same & TRUTH.target_mask
    word = np.stack([word_of(text, len(own)) for text in wanted], axis=1)
    here = word == np.take_along_axis(word, first[None], axis=0)
    nats = [-log_probabilities(model, batch) for batch in (TRUTH, TRUTH._replace(target_in=own))]
    return {
        "right": round(float(1 - wrong.any(axis=0).mean()), 4),
        "word": [round(float(n[after & here].mean()), 4) for n in nats],
        "later": [round(float(n[after & ~here].mean()), 4) for n in nats],
        "invented": len(invented),
        "such_as": invented[:3],
    }


def main() -> None:
    """Train all, and write what was measured."""
    torch.set_num_threads(1)
    jobs: list[tuple[str, str, str]] = [("context", *pair) for pair in itertools.product(CONTEXTS, USES)]
    jobs += [("schedule", name, "") for name in SCHEDULES]
    found: dict[str, Any] = {"steps": FORCED_STEPS, "seeds": len(SEEDS), "contexts": [], "schedules": []}
    for kind, first, second in tqdm(jobs, unit="translator"):
        found[f"{kind}s"].append(
            measure_schedule(first) if kind == "schedule" else measure_context(first, second, STEPS)
        )
    found["long"] = measure_context("last", "initial", LONG)
    PATH.write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf8")


def measure_context(context: str, use: str, steps: int) -> dict[str, Any]:
    """A context in one use: size, share of dates right and seconds by seed."""
    size = equal_size(context, use)
    right, seconds = [], []
    for seed in SEEDS:
        model = new_model(context, use, size, seed)
        seconds.append(round(train(model, steps, seed), 1))
        right.append(round(judge(model)["right"], 4))
    return {
        **{"context": context, "use": use, "steps": steps, "hidden_size": size, "weights": weights(model)},
        **{"right": right, "seconds": seconds},
    }


def measure_schedule(name: str) -> dict[str, Any]:
    """A schedule of teacher forcing: what `judge` says, by seed."""
    runs, seconds = [], []
    for seed in SEEDS:
        model = new_model("last", "both", HIDDEN, seed)
        seconds.append(round(train(model, FORCED_STEPS, seed, SCHEDULES[name]), 1))
        runs.append(judge(model))
    return {"name": name, "runs": runs, "seconds": seconds}


if __name__ == "__main__":
    main()
