"""Truncated backpropagation."""

import numpy as np
import pytest
from cell_kinds import CELLS, make

from rnnlib.bptt import backward, truncated_backward, unroll
from rnnlib.cells import LSTM, RNN


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_chunks_equal_separate_sequences_with_a_carried_state(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 2, 3)
    x, dh, k = rng.normal(size=(7, 2, 2)), rng.normal(size=(7, 2, 3)), 3
    if reverse:
        x, dh = x[::-1], dh[::-1]
    total, state = {name: np.zeros_like(p) for name, p in cell.params.items()}, cell.initial_state(2)
    for start in range(0, 7, k):
        part = unroll(cell, x[start : start + k], state)
        for name, g in backward(part, dh[start : start + k]).params.items():
            total[name] += g
        state = part.state
    if reverse:
        x, dh = x[::-1], dh[::-1]
    cut = truncated_backward(unroll(cell, x, reverse=reverse), dh, k)
    for name, g in cut.params.items():
        np.testing.assert_allclose(g, total[name], atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_sliding_window_sends_each_loss_back_through_k_steps(reverse):
    """By hand for a linear RNN: ∂L/∂b of the loss at t is Σ_{j<k} dh_t W_hᵀ^j."""
    cell = make(RNN, {}, 2, 3, activation="linear")
    rng = np.random.default_rng(0)
    dh, k = rng.normal(size=(6, 1, 3)), 2
    grads = truncated_backward(unroll(cell, np.ones((6, 1, 2)), reverse=reverse), dh, k, window="sliding")
    W = cell.params["W_h"]
    in_order = dh[::-1, 0] if reverse else dh[:, 0]
    by_hand = sum(d @ np.linalg.matrix_power(W.T, j) for t, d in enumerate(in_order) for j in range(min(k, t + 1)))
    np.testing.assert_allclose(grads.params["b"], by_hand, rtol=1e-12)


@pytest.mark.parametrize("window", ["chunks", "sliding"])
def test_a_window_as_long_as_the_sequence_is_the_whole_gradient(window):
    rng = np.random.default_rng(0)
    cell = make(LSTM, {}, 2, 3)
    trace, dh = unroll(cell, rng.normal(size=(5, 2, 2))), rng.normal(size=(5, 2, 3))
    cut, whole = truncated_backward(trace, dh, 5, window=window), backward(trace, dh)
    for name in whole.params:
        np.testing.assert_allclose(cut.params[name], whole.params[name], atol=1e-12)
    np.testing.assert_allclose(cut.x, whole.x, atol=1e-12)
    np.testing.assert_allclose(cut.h, whole.h, atol=1e-12)
    np.testing.assert_allclose(cut.c, whole.c, atol=1e-12)
    np.testing.assert_allclose(cut.state, whole.state, atol=1e-12)


def test_truncation_refuses_a_window_that_is_none():
    trace = unroll(make(RNN, {}, 2, 3), np.ones((4, 1, 2)))
    dh = np.ones((4, 1, 3))
    with pytest.raises(ValueError, match="k: expected at least 1, got 0"):
        truncated_backward(trace, dh, 0)
    with pytest.raises(TypeError, match="k: expected an int"):
        truncated_backward(trace, dh, 2.5)
    with pytest.raises(ValueError, match="window: expected 'chunks' or 'sliding'"):
        truncated_backward(trace, dh, 2, window="steps")
