"""Measure how many lists of dates are translated without a mistake, by their length: chapters 9 and 10, `Bottleneck`.

    python experiments/measure_bottleneck.py

All models have about as many weights and learn from the same lists of one to four dates, in the same order, for the
same number of steps, but for one that gets four times as many. Three seeds, for the spread; the one is trained once.
"""

import json

import numpy as np
from translators import DATA, date_vocabularies, train, with_weights

from rnnlib.corpora import date_lists
from rnnlib.seq2seq import translate

SHARED = {"embedding_size": 32, "cell": "lstm", "bidirectional": True}
WEIGHTS = 107_000
MODELS = [
    ("last state, at the start", {"context": "last", "use": "initial"}, 1, (0, 1, 2)),
    ("last state, at every step", {"context": "last", "use": "both"}, 1, (0, 1, 2)),
    ("all states, at every step", {"context": "transform_all", "use": "both"}, 1, (0, 1, 2)),
    ("last state, four times as long", {"context": "last", "use": "both"}, 4, (0,)),
    ("attention", {"attention": "dot"}, 1, (0, 1, 2)),
]
TRAIN = {"n": 40_000, "seed": 1, "lengths": (1, 2, 3, 4)}
OPTIONS = {"batch_size": 64, "learning_rate": 0.005}
STEPS, LENGTHS, HELD_OUT, EXAMPLES = 800, (1, 2, 3, 4, 5, 6), 100, 3


def measure() -> dict:
    """What the file holds."""
    vocabularies, pairs = date_vocabularies(), date_lists(**TRAIN, part="train")
    held_out = [date_lists(HELD_OUT, seed=3, lengths=(k,), part="test") for k in LENGTHS]
    models, outputs = [], []
    for name, options, times, seeds in MODELS:
        shape = with_weights(WEIGHTS, vocabularies, SHARED | options)
        exact = []
        for seed in seeds:
            print(f"{name}, seed {seed}", flush=True)
            model, seconds = train(pairs, vocabularies, model=shape, steps=STEPS * times, seed=seed, **OPTIONS)
            found = [translate(model, [pair.chinese for pair in lists], *vocabularies) for lists in held_out]
            exact.append(
                [
                    float(np.mean([text == pair.english for text, pair in zip(texts, lists, strict=True)]))
                    for texts, lists in zip(found, held_out, strict=True)
                ]
            )
            if seed == seeds[0]:
                outputs.append([texts[:EXAMPLES] for texts in found])
                weights = sum(p.size for p in model.params.values())
            print(f"  {exact[-1]} in {seconds:.0f} s", flush=True)
        described = {"name": name, "context": None, "use": None, "attention": None, **options}
        models.append(
            described | {"weights": weights, "steps": STEPS * times, "seconds": round(seconds), "exact": exact}
        )
    return {
        "lengths": LENGTHS,
        "trained": TRAIN["lengths"],
        "signs": [round(float(np.mean([len(pair.english) for pair in lists])), 1) for lists in held_out],
        "held_out": HELD_OUT,
        "models": models,
        "examples": [
            [
                {"source": lists[i].chinese, "target": lists[i].english, "outputs": [texts[k][i] for texts in outputs]}
                for i in range(EXAMPLES)
            ]
            for k, lists in enumerate(held_out)
        ],
        "shared": SHARED,
        "options": OPTIONS,
        "train": TRAIN,
    }


if __name__ == "__main__":
    path = DATA / "bottleneck.json"
    path.write_text(json.dumps(measure(), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")
