"""What the scripts that train translators share: train_dates.py, train_date_lists.py, train_ui_strings.py and
measure_bottleneck.py.

The learning rate rises over the first steps and falls along half a cosine. Seeds are fixed; another machine or another
BLAS rounds differently and ends with slightly different weights.
"""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnnlib.corpora import Pair, date_lists, dates
from rnnlib.seq2seq import SPECIAL, PairBatches, Seq2Seq, translate
from rnnlib.text import Vocabulary
from rnnlib.training import Adam, Run, fit, load_model, save_checkpoint

PACKAGE = Path(__file__).resolve().parent.parent / "rnnlib"
PRETRAINED, DATA = PACKAGE / "pretrained", PACKAGE / "figures" / "data"
Text = str | Sequence[str]


def date_vocabularies() -> tuple[Vocabulary, Vocabulary]:
    """The characters of Chinese and of English dates and lists: all that occur, whatever is drawn."""
    pairs = [*dates(5000, seed=0, part="train"), *date_lists(200, seed=0, lengths=(3,), part="train")]
    sides = ({character for text in side for character in text} for side in zip(*pairs, strict=True))
    chinese, english = (Vocabulary([*SPECIAL, *sorted(side)], unknown=SPECIAL[-1]) for side in sides)
    return chinese, english


def train(
    pairs: Sequence[tuple[Text, Text]],
    vocabularies: Sequence[Vocabulary],
    *,
    model: Mapping[str, Any],
    steps: int,
    batch_size: int,
    learning_rate: float,
    warm_up: int = 100,
    seed: int = 0,
    validate: Callable[[Seq2Seq], float] | None = None,
    progress: bool = True,
) -> tuple[Seq2Seq, float]:
    """Train one translator.

    Parameters
    ----------
    pairs : sequence of (source, target)
    vocabularies : (source, target)
    model : dict
        Options of `Seq2Seq`.
    steps, batch_size, learning_rate, warm_up
        Of the training.
    seed : int
    validate : function of the model, optional
        Called eight times; its value is printed.

    Returns
    -------
    model : Seq2Seq
    seconds : float
        Processor time, which another process on the machine does not change much.
    """
    torch.set_num_threads(1)  # small products gain nothing from two
    rng = np.random.default_rng(seed)
    translator = Seq2Seq(*map(len, vocabularies), **model, rng=rng)
    batches = PairBatches(pairs, *vocabularies, batch_size)
    optimiser = Adam(learning_rate / warm_up)

    def schedule(run: Run) -> None:
        done = max(run.step - warm_up, 0) / (steps - warm_up)
        rising = min((run.step + 1) / warm_up, 1)
        optimiser.learning_rate = learning_rate * rising * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def measure() -> float:
        value = validate(translator) if validate else math.nan
        print(f"  {value:.4f} after {time.process_time() - started:.0f} s", flush=True)
        return value

    started = time.process_time()
    fit(
        translator, batches, optimiser, max_steps=steps, clip_norm=1.0, callback=schedule, run=Run(rng),
        validate=measure if validate else None, validate_every=max(steps // 8, 1), progress=progress,
    )  # fmt: skip
    return translator, time.process_time() - started


def exact(model: Seq2Seq, pairs: Sequence[Pair], vocabularies: Sequence[Vocabulary]) -> float:
    """The share of pairs that greedy search translates without any mistake."""
    found = translate(model, [pair.chinese for pair in pairs], *vocabularies)
    return float(np.mean([text == pair.english for text, pair in zip(found, pairs, strict=True)]))


def save(
    name: str,
    model: Seq2Seq,
    vocabularies: Sequence[Vocabulary],
    notes: Mapping[str, Any],
    measure: Callable[[Seq2Seq], dict[str, Any]],
) -> None:
    """Ship a model, one byte a weight, beside what the stored one reaches.

    Parameters
    ----------
    name : str
        Of the file in rnnlib/pretrained.
    vocabularies : (source, target)
        Stored as the notes "source" and "target".
    notes : dict
        What else the file says.
    measure : function of the model
        What it returns goes into the notes; the model is the rounded one, as it will be read.
    """
    path, notes = PRETRAINED / f"{name}.npz", dict(notes)
    notes["source"], notes["target"] = (vocabulary.to_list() for vocabulary in vocabularies)
    temporary = PRETRAINED / f".{name}.npz"
    save_checkpoint(temporary, model, dtype=np.int8)
    stored, _ = load_model(temporary)
    temporary.unlink()
    measured = measure(stored)
    save_checkpoint(path, model, notes=notes | measured, dtype=np.int8)
    print(f"{path.name}: {path.stat().st_size:,} bytes, {measured}", flush=True)


def with_weights(number: int, vocabularies: Sequence[Vocabulary], model: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `Seq2Seq` with the hidden size, an even one, that brings it nearest to so many weights."""

    def weights(hidden_size: int) -> int:
        drawn = Seq2Seq(*map(len, vocabularies), **model, hidden_size=hidden_size, rng=np.random.default_rng(0))
        return sum(p.size for p in drawn.params.values())

    sizes = range(16, 400, 2)
    above = bisect.bisect_left(sizes, number, key=weights)
    best = min(sizes[max(above - 1, 0) : above + 1], key=lambda size: abs(weights(size) - number))
    return {**model, "hidden_size": best}
