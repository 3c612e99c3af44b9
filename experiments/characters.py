"""What the scripts that train a character model share: train_char_rnn.py, train_char_gru.py, train_char_lstm.py.

Each of them reads the training part of Python's manual again and again, with dropout against learning it by heart and a
learning rate that falls along a cosine. The numbers reached are stored in the file, beside the vocabulary. Seeds are
fixed; another machine or another BLAS rounds differently and ends with slightly different weights.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from rnnlib.corpora import python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit, load_model, save_checkpoint

FOLDER = Path(__file__).resolve().parent.parent / "rnnlib" / "pretrained"
# all of printable ASCII, so that a reader may type anything: a few of these never occur in the text
VOCABULARY = Vocabulary(["\n", *map(chr, range(32, 127))])
CONTEXT = VOCABULARY.encode("\n")


def train(
    name: str,
    make_layer: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    seeds: Sequence[int] = (0,),
    dtype: np.dtype | type = np.float16,
) -> None:
    """Train one model for each seed, side by side, and ship the one that predicts the validation text best.

    Parameters
    ----------
    name : str
        Of the file in rnnlib/pretrained.
    make_layer : callable
        ``make_layer(V, rng=…)`` returns the recurrent layer.
    options : dict
        ``dropout`` before the output layer, ``batch_size``, ``length``, ``learning_rate``, ``warm_up`` (in how many
        steps the learning rate rises to it; 1 unless given), ``clip_norm``, ``steps``, and whatever else the file
        should say about the layer.
    seeds : sequence of int
    dtype : dtype
        Of the stored weights; what is measured are the stored ones.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # one seed a core: small products gain nothing from two
    workers = min(len(seeds), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # spawned, so that they read these
        runs = list(pool.map(partial(_train, name, make_layer, dict(options), dtype), seeds))
    best = min(runs, key=lambda run: run[1]["validation_bits"])
    model, notes = best
    notes["by_seed"] = [{key: run[1][key] for key in ("seed", "validation_bits", "test_bits")} for run in runs]
    path = FOLDER / f"{name}.npz"
    save_checkpoint(path, model, notes=notes, dtype=dtype)
    print(*notes["by_seed"], f"{path.name}: {path.stat().st_size:,} bytes", sep="\n")


def _train(
    name: str, make_layer: Callable[..., Any], options: dict[str, Any], dtype: Any, seed: int
) -> tuple[Model, dict[str, Any]]:
    """One run: the model as it is stored, and what the file says about it."""
    train_text, validation, test = (VOCABULARY.encode(part) for part in python_docs_split())
    rng, V = np.random.default_rng(seed), len(VOCABULARY)
    model = Model(make_layer(V, rng=rng), V, rng=rng, dropout=options["dropout"])
    optimiser = Adam(options["learning_rate"])

    def cosine(run: Run) -> None:
        done = run.step / options["steps"]
        warm = min(1.0, (run.step + 1) / options.get("warm_up", 1))
        optimiser.learning_rate = options["learning_rate"] * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def measure() -> float:
        bits = bits_per_character(model, validation, context=CONTEXT)
        print(
            f"  {name}, seed {seed}: {bits:.3f} bits per character, {time.perf_counter() - started:.0f} s", flush=True
        )
        return bits

    started = time.perf_counter()
    batches = SequentialBatches(train_text, options["batch_size"], options["length"])
    run = fit(
        model, batches, optimiser, max_steps=options["steps"], clip_norm=options["clip_norm"], validate=measure,
        validate_every=options["steps"] // 8, callback=cosine, run=Run(rng), progress=False,
    )  # fmt: skip
    temporary = FOLDER / f".{name}.{seed}.npz"
    save_checkpoint(temporary, model, dtype=dtype)
    stored, _ = load_model(temporary)  # rounded, as it will be read
    temporary.unlink()
    notes = {"vocabulary": VOCABULARY, "corpus": "python_docs", "options": options, "epochs": run.epoch, "seed": seed}
    for part, ids in (("validation_bits", validation), ("test_bits", test)):
        notes[part] = round(bits_per_character(stored, ids, context=CONTEXT), 4)
    return stored, notes
