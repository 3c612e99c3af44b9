"""Measure what the figure `NgramDial` (chapter 2) shows: rnnlib/figures/data/ngram_dial.json.

    python experiments/measure_ngram_dial.py

The bits per character are those of `rnnlib.ngrams` with counts from the whole training part, on the validation part.
The page draws its samples from counts of its own, made from the piece of the training part that is stored here.
Stored with them is the SHA-256 of the whole text, which says what the numbers were measured on.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from rnnlib.corpora import Split, python_docs, python_docs_split
from rnnlib.ngrams import AddK, KneserNey, NGramCounts, bits_per_character, unseen
from rnnlib.text import Vocabulary

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "ngram_dial.json"
MAX_ORDER = 8
KS = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
PIECE = 90_000  # characters


def measure(split: Split) -> dict[str, Any]:
    """Bits per character on the validation part, by order and smoothing; the share of n-grams that are new.

    Returns
    -------
    dict
        ``unseen`` (8,); ``bits``: "maximum likelihood" and "Kneser-Ney" (8,), "add-k" (7, 8), None for infinity.
    """
    vocabulary = Vocabulary(split.alphabet)
    train, validation = vocabulary.encode(split.train), vocabulary.encode(split.validation)
    counts = NGramCounts(train, len(vocabulary), max_order=MAX_ORDER)
    orders = range(1, MAX_ORDER + 1)

    def bits(model: Any) -> float | None:
        with np.errstate(divide="ignore"):
            value = bits_per_character(model, validation)
        return round(float(value), 4) if np.isfinite(value) else None

    return {
        "unseen": unseen(counts, validation).grams.round(5).tolist(),
        "bits": {
            "maximum likelihood": [bits(AddK(counts, n, k=0)) for n in orders],
            "add-k": [[bits(AddK(counts, n, k=k)) for n in orders] for k in KS],
            "Kneser-Ney": [bits(KneserNey(counts, n)) for n in orders],
        },
    }


def main() -> None:
    """Measure, cut the piece at the end of a paragraph, and store both."""
    split = python_docs_split()
    piece = split.train[: split.train.index("\n", PIECE) + 1]
    vocabulary = Vocabulary(sorted(set(piece)))
    counts = NGramCounts(vocabulary.encode(piece), len(vocabulary), max_order=MAX_ORDER)
    discounts = [[round(float(d[1]), 6) for d in KneserNey(counts, n).discounts] for n in range(1, MAX_ORDER + 1)]
    sha256 = hashlib.sha256(python_docs().encode("ascii")).hexdigest()
    result = {"sha256": sha256, "train": len(split.train), "ks": KS, **measure(split)}
    result |= {"text": piece, "discounts": discounts}
    PATH.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf8")
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
