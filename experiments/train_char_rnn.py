"""Train the character model that chapter 3 and its figure show: rnnlib/pretrained/char_rnn.npz.

    python experiments/train_char_rnn.py

A plain RNN; characters.py says how it is trained.
"""

from characters import train

from rnnlib.cells import RNN

OPTIONS = {
    "hidden_size": 192,
    "dropout": 0.15,
    "batch_size": 16,
    "length": 64,
    "learning_rate": 0.003,
    "clip_norm": 1.0,
    "steps": 16_000,
}

if __name__ == "__main__":
    train("char_rnn", RNN, OPTIONS)
