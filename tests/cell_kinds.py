"""Every kind of cell, with weights of which none is zero, and masks and states for it."""

import numpy as np
import pytest
from hypothesis import strategies as st

from rnnlib.cells import GRU, LSTM, RNN

CELLS = [
    pytest.param(RNN, {}, id="RNN"),
    pytest.param(GRU, {"reset_after": False}, id="GRU-reset-before"),
    pytest.param(GRU, {"reset_after": True}, id="GRU-reset-after"),
    pytest.param(LSTM, {}, id="LSTM"),
]
IN_TORCH = [CELLS[0], CELLS[2], CELLS[3]]
CELLS += [
    pytest.param(LSTM, {"peephole": True}, id="LSTM-peephole"),
    pytest.param(LSTM, {"coupled": True}, id="LSTM-coupled"),
    pytest.param(LSTM, {"forget_gate": False}, id="LSTM-no-forget-gate"),
    pytest.param(LSTM, {"peephole": True, "coupled": True}, id="LSTM-peephole-coupled"),
    pytest.param(LSTM, {"peephole": True, "forget_gate": False}, id="LSTM-peephole-no-forget-gate"),
]
cell_kinds = st.sampled_from([(p.values[0], p.values[1]) for p in CELLS])
sizes = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))  # T, B, D, H


def make(kind, options, D, H, seed=0, **more):
    """A cell with every parameter drawn at random, biases too, so that none is zero by chance."""
    rng = np.random.default_rng(seed)
    cell = kind(D, H, rng=rng, **options, **more)
    for p in cell.params.values():
        p[...] = rng.normal(scale=0.7, size=p.shape)
    return cell


def normal_state(cell, B, rng):
    return tuple(rng.normal(size=(B, cell.hidden_size)) for _ in cell.states)


def contiguous_mask(T, B, rng):
    """Real steps anywhere in the sequence, in one run; some sequences are empty, some full."""
    mask = np.zeros((T, B), dtype=bool)
    for b in range(B):
        start, stop = sorted(rng.integers(0, T + 1, size=2))
        mask[start:stop, b] = True
    return mask


def assert_same_gradients(trace, grads, expected, atol=1e-9):
    close = dict(rtol=1e-9, atol=atol)
    np.testing.assert_allclose(trace.h, expected["h"], **close)
    for s, e in zip(trace.state, expected["state"], strict=True):
        np.testing.assert_allclose(s, e, **close)
    assert grads.params.keys() == expected["params"].keys()
    for name, g in grads.params.items():
        np.testing.assert_allclose(g, expected["params"][name], err_msg=name, **close)
    np.testing.assert_allclose(grads.x, expected["x"], **close)
    for g, e in zip(grads.state, expected["initial"], strict=True):
        np.testing.assert_allclose(g, e, **close)
