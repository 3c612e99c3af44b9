"""Small models for tests: of a short text that they can learn, and of four characters with random weights."""

import numpy as np
import pytest

from rnnlib.bptt import Stacked
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.text import ShuffledBatches, Vocabulary
from rnnlib.training import Model

TEXT = "the cat sat on the mat. the dog sat on the log. " * 8
VOCABULARY = Vocabulary.of(TEXT)
IDS = VOCABULARY.encode(TEXT)
V = len(VOCABULARY)

ALPHABET = "\nab "
CELLS = [(GRU, {}), (GRU, {"reset_after": True}), (LSTM, {}), (RNN, {})]
every_cell = pytest.mark.parametrize(("cell_type", "options"), CELLS)


def make_model(kind="LSTM", seed=0, **options):
    rng = np.random.default_rng(seed)
    cell = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
    if kind == "Stacked":
        layer = Stacked([c(i, 8, rng=rng, dtype=np.float32, dropout=0.1) for c, i in ((GRU, V), (LSTM, 8))])
    else:
        layer = cell[kind](V, 12, rng=rng, dtype=np.float32)
    return Model(layer, V, rng=rng, **options)


def shuffled(rng):
    return ShuffledBatches(IDS, 4, 10, rng=rng)


def own_model(cell_type, options, seed=0, H=6, V=4):
    """A model with one cell, no weight of which is what it starts with."""
    rng = np.random.default_rng(seed)
    model = Model(cell_type(V, H, rng=rng, **options), V, rng=rng)
    for p in model.params.values():
        p[...] = rng.normal(scale=0.7, size=p.shape).astype(np.float16)  # what half precision keeps
    return model
