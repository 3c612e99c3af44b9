"""Train the translator of dates and lists of dates that chapter 10 and its figure show: date_attention.npz.

    python experiments/train_date_lists.py

Lists of one to four dates, no date of which is held out; then the share of held-out lists without any mistake, for one
date to six. One byte a weight, so that a page can carry it.
"""

from translators import date_vocabularies, exact, save, train

from rnnlib.corpora import date_lists

MODEL = {"hidden_size": 96, "embedding_size": 32, "cell": "lstm", "bidirectional": True, "attention": "dot"}
TRAIN = {"n": 40_000, "seed": 1, "lengths": (1, 2, 3, 4)}
OPTIONS = {"steps": 1500, "batch_size": 64, "learning_rate": 0.005, "seed": 0}

if __name__ == "__main__":
    vocabularies = date_vocabularies()
    few = date_lists(80, seed=2, part="validation")
    model, seconds = train(
        date_lists(**TRAIN, part="train"), vocabularies, model=MODEL, **OPTIONS,
        validate=lambda model: exact(model, few, vocabularies),
    )  # fmt: skip
    held_out = {k: date_lists(500, seed=3, lengths=(k,), part="test") for k in range(1, 7)}
    save(
        "date_attention", model, vocabularies, {"train": TRAIN, "options": OPTIONS, "seconds": round(seconds)},
        lambda stored: {"exact": [exact(stored, pairs, vocabularies) for pairs in held_out.values()]},
    )  # fmt: skip
