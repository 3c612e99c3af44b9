"""Train the two translators of single dates that chapter 9 and its figure show, without attention.

    python experiments/train_dates.py

date_context.npz has been trained until it makes no mistakes; date_context_young.npz, the same with about a third of the
steps, still errs, so that a search has something to find. One byte a weight, so that a page can carry them.
"""

from translators import date_vocabularies, exact, save, train

from rnnlib.corpora import dates

MODEL = {"hidden_size": 96, "embedding_size": 24, "cell": "gru", "use": "both"}
TRAIN = {"n": 18_000, "seed": 1}
OPTIONS = {"batch_size": 64, "learning_rate": 0.005, "seed": 0}
STEPS = {"date_context": 1500, "date_context_young": 560}

if __name__ == "__main__":
    vocabularies = date_vocabularies()
    few, held_out = dates(200, seed=2, part="validation"), dates(500, seed=3, part="test")
    for name, steps in STEPS.items():
        options = OPTIONS | {"steps": steps}
        model, seconds = train(
            dates(**TRAIN, part="train"), vocabularies, model=MODEL, **options,
            validate=lambda model: exact(model, few, vocabularies),
        )  # fmt: skip
        save(
            name, model, vocabularies, {"train": TRAIN, "options": options, "seconds": round(seconds)},
            lambda stored: {"exact": exact(stored, held_out, vocabularies)},
        )  # fmt: skip
