"""Train the GRU that chapter 6 and its figure show: rnnlib/pretrained/char_gru.npz.

    python experiments/train_char_gru.py

Three seeds, for the spread; characters.py says how each is trained. One byte a weight, so that a page can carry it.
"""

import numpy as np
from characters import train

from rnnlib.cells import GRU

OPTIONS = {
    "hidden_size": 160,
    "recurrent_dropout": 0.2,
    "dropout": 0.2,
    "batch_size": 16,
    "length": 64,
    "learning_rate": 0.005,
    "clip_norm": 1.0,
    "steps": 10_000,
}

if __name__ == "__main__":
    train("char_gru", GRU, OPTIONS, seeds=(0, 1, 2), dtype=np.int8)
