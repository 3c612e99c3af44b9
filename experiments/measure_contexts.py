"""Measure on single dates what the context is, where it enters the decoder, and what attention changes: chapters 9, 10.

    python experiments/measure_contexts.py

All models have about as many weights and learn from the same dates for the same number of steps; two seeds.
"""

import itertools
import json

from translators import DATA, date_vocabularies, exact, train, with_weights

from rnnlib.corpora import dates

SHARED = {"embedding_size": 24, "cell": "gru"}
WEIGHTS = 80_000
WITHOUT = itertools.product(("last", "transform_last", "transform_all"), ("initial", "input", "both"), (None,))
WITH = [("last", "initial", score) for score in ("dot", "scaled_dot", "general", "additive")]
TRAIN = {"n": 18_000, "seed": 1}
OPTIONS = {"steps": 700, "batch_size": 64, "learning_rate": 0.005}
SEEDS = (0, 1)


def measure() -> dict:
    """What the file holds."""
    vocabularies, pairs = date_vocabularies(), dates(**TRAIN, part="train")
    held_out = dates(400, seed=3, part="test")
    models = []
    for context, use, attention in [*WITHOUT, *WITH]:
        options = {"context": context, "use": use, "attention": attention}
        shape = with_weights(WEIGHTS, vocabularies, SHARED | options)
        trained = [train(pairs, vocabularies, model=shape, seed=seed, **OPTIONS) for seed in SEEDS]
        models.append(
            options
            | {
                "hidden_size": shape["hidden_size"],
                "weights": sum(p.size for p in trained[0][0].params.values()),
                "seconds": [round(seconds, 1) for _, seconds in trained],
                "exact": [exact(model, held_out, vocabularies) for model, _ in trained],
            }
        )
        print(models[-1], flush=True)
    return {"models": models, "held_out": len(held_out), "shared": SHARED, "options": OPTIONS, "train": TRAIN}


if __name__ == "__main__":
    path = DATA / "contexts.json"
    path.write_text(json.dumps(measure(), separators=(",", ":")) + "\n", encoding="utf8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")
