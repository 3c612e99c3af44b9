"""Train the LSTM that chapter 7 and its figure show: rnnlib/pretrained/char_lstm.npz.

    python experiments/train_char_lstm.py

Three seeds, for the spread; characters.py says how each is trained. One byte a weight, so that a page can carry it.
"""

from functools import partial

import numpy as np
from characters import train

from rnnlib.cells import LSTM

OPTIONS = {
    "hidden_size": 140,
    "recurrent_dropout": 0.25,
    "dropout": 0.25,
    "batch_size": 16,
    "length": 64,
    "learning_rate": 0.005,
    "clip_norm": 1.0,
    "steps": 16_000,
}

if __name__ == "__main__":
    layer = partial(
        LSTM,
        hidden_size=OPTIONS["hidden_size"],
        recurrent_dropout=OPTIONS["recurrent_dropout"],
        dtype=np.float32,
    )
    train("char_lstm", layer, OPTIONS, seeds=(0, 1, 2), dtype=np.int8)
