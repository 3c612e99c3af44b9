"""Train the character model that chapter 3 and its figure show: rnnlib/pretrained/char_rnn.npz.

    python experiments/train_char_rnn.py

A plain RNN reads the training part of Python's manual again and again, with dropout against learning it by heart and a
learning rate that falls along a cosine. The numbers it reached are stored in the file, beside the vocabulary. The seed
is fixed; another machine or another BLAS rounds differently and ends with slightly different weights.
"""

import math
import time
from pathlib import Path

import numpy as np

from rnnlib.cells import RNN
from rnnlib.corpora import python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit, load_model, save_checkpoint

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "pretrained" / "char_rnn.npz"
OPTIONS = {
    "hidden_size": 192,
    "dropout": 0.15,
    "batch_size": 16,
    "length": 64,
    "learning_rate": 0.003,
    "clip_norm": 1.0,
    "steps": 16_000,
    "seed": 0,
}


def main() -> None:
    """Train, store in half precision, and measure what was stored."""
    # all of printable ASCII, so that a reader may type anything: a few of these never occur in the text
    vocabulary = Vocabulary(["\n", *map(chr, range(32, 127))])
    split = python_docs_split()
    train, validation, test = (vocabulary.encode(part) for part in split)
    V, H = len(vocabulary), OPTIONS["hidden_size"]

    rng = np.random.default_rng(OPTIONS["seed"])
    model = Model(RNN(V, H, rng=rng, dtype=np.float32), V, rng=rng, dropout=OPTIONS["dropout"])
    optimiser = Adam(OPTIONS["learning_rate"])

    def cosine(run: Run) -> None:
        done = run.step / OPTIONS["steps"]
        optimiser.learning_rate = OPTIONS["learning_rate"] * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def measure() -> float:
        bits = bits_per_character(model, validation, context=vocabulary.encode("\n"))
        print(f"  validation {bits:.3f} bits per character, {time.perf_counter() - started:.0f} s", flush=True)
        return bits

    started = time.perf_counter()
    batches = SequentialBatches(train, OPTIONS["batch_size"], OPTIONS["length"])
    run = fit(
        model, batches, optimiser, max_steps=OPTIONS["steps"], clip_norm=OPTIONS["clip_norm"],
        validate=measure, validate_every=2000, callback=cosine, run=Run(rng),
    )  # fmt: skip

    notes = {"vocabulary": vocabulary, "corpus": "python_docs", "options": OPTIONS, "epochs": run.epoch}
    save_checkpoint(PATH, model, notes=notes, dtype=np.float16)
    stored, _ = load_model(PATH)
    context = vocabulary.encode("\n")
    for name, ids in (("validation_bits", validation), ("test_bits", test)):
        notes[name] = round(bits_per_character(stored, ids, context=context), 4)
        print(f"{name}: {notes[name]}")
    save_checkpoint(PATH, model, notes=notes, dtype=np.float16)
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
