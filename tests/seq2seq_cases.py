"""Encoders and decoders in which every pair of options occurs, and batches for them."""

import numpy as np
import pytest

from rnnlib.seq2seq import BOS, EOS, PAD, PairBatch, Seq2Seq

V = 9  # symbols, four of them special
# each pair of options occurs
CASES = [
    dict(zip(("cell", "bidirectional", "context", "use", "attention"), values, strict=True))
    for values in [
        ("gru", False, "last", "initial", None),
        ("gru", True, "transform_last", "input", None),
        ("gru", False, "transform_all", "both", None),
        ("lstm", False, "last", "both", None),
        ("lstm", True, "transform_all", "initial", None),
        ("lstm", False, "transform_last", "input", None),
        ("gru", False, "last", "input", "dot"),
        ("lstm", True, "last", "initial", "dot"),
        ("gru", True, "transform_all", "both", "scaled_dot"),
        ("lstm", False, "transform_last", "both", "scaled_dot"),
        ("gru", False, "transform_last", "initial", "general"),
        ("lstm", True, "last", "input", "general"),
        ("gru", True, "last", "both", "additive"),
        ("lstm", False, "transform_all", "initial", "additive"),
        ("gru", True, "transform_all", "input", "general"),
    ]
]
every_case = pytest.mark.parametrize("options", CASES, ids=lambda o: "-".join(str(value) for value in o.values()))


def make(options, seed=0, **more):
    more = {"dtype": np.float64, "hidden_size": 6, "embedding_size": 5} | more
    model = Seq2Seq(V, V, **options, rng=np.random.default_rng(seed), **more)
    rng = np.random.default_rng(seed + 100)
    for name, p in model.params.items():  # no bias may hide behind a zero
        if name.endswith((".b_u", ".b_q")):
            p[...] = rng.normal(size=p.shape)
    return model


def random_batch(x_lengths, y_lengths, seed=0):
    """Pairs of these lengths; 0 is an empty source."""
    rng = np.random.default_rng(seed)
    x_mask = np.arange(max(1, *x_lengths))[:, None] < np.array(x_lengths)
    y_mask = np.arange(max(y_lengths) + 1)[:, None] <= np.array(y_lengths)
    target = np.where(y_mask, rng.integers(3, V, y_mask.shape), PAD)
    target_out = np.where(np.arange(len(target))[:, None] == np.array(y_lengths), EOS, target)
    target_in = np.concatenate([np.full((1, len(y_lengths)), BOS), np.where(target_out == EOS, PAD, target_out)[:-1]])
    return PairBatch(np.where(x_mask, rng.integers(3, V, x_mask.shape), PAD), x_mask, target_in, target_out, y_mask)


def padded(batch, more_x, more_y=0):
    """The same pairs with longer padding."""
    x, x_mask, *targets = batch
    return PairBatch(
        *(np.pad(a, ((0, more_x), (0, 0))) for a in (x, x_mask)), *(np.pad(a, ((0, more_y), (0, 0))) for a in targets)
    )
