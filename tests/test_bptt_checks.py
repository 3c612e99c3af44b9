"""Finite differences: what the gradient check finds, and what it refuses."""

import numpy as np
import pytest
import torch
from cell_kinds import CELLS, make, normal_state

from rnnlib.bptt import Bidirectional, Stacked, gradient_check, numeric_gradient
from rnnlib.cells import GRU, LSTM, RNN


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_gradient_check_passes_with_masks_and_dropout(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 3, 4, dropout=0.3, recurrent_dropout=0.3)
    x, state = rng.normal(size=(5, 3, 3)), normal_state(cell, 3, rng)
    mask = np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 0]])
    errors = gradient_check(cell, x, state, mask, rng=rng, dropout_seed=1, reverse=reverse)
    assert set(errors) == {*cell.params, "x", *(f"state[{k}]" for k in range(len(cell.states)))}
    assert max(errors.values()) < 1e-7


def test_gradient_check_passes_on_layers():
    rng = np.random.default_rng(0)
    net = Stacked([
        Bidirectional(GRU(2, 3, rng=rng), Stacked([LSTM(2, 2, rng=rng, peephole=True), RNN(2, 2, rng=rng)])),
        LSTM(5, 3, rng=rng, peephole=True, coupled=True),
    ])  # fmt: skip
    x, mask = rng.normal(size=(4, 2, 2)), np.array([[1, 0], [1, 1], [1, 1], [0, 1]])
    for reverse in (False, True):
        assert max(gradient_check(net, x, mask=mask, rng=rng, reverse=reverse).values()) < 1e-7


def test_gradient_check_finds_an_error_that_never_flows_through_the_cell_state():
    class Forgetful(LSTM):
        """The mistake of many a first LSTM: ∂L/∂C_{t−1} is left at zero."""

        def backward(self, dstate, before, after, gates):
            da, (dh, dc) = super().backward(dstate, before, after, gates)
            return da, (dh, np.zeros_like(dc))

    rng = np.random.default_rng(0)
    errors = gradient_check(Forgetful(2, 3, rng=rng), rng.normal(size=(4, 2, 2)), rng=rng)
    assert errors["W_h"] > 1e-2 and errors["state[1]"] > 0.5


def test_gradient_check_refuses_what_it_could_not_see():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="float64"):
        gradient_check(RNN(2, 3, rng=rng, dtype=np.float32), np.ones((4, 1, 2)), rng=rng)
    with pytest.raises(ValueError, match="T > 2"):
        gradient_check(RNN(2, 3, rng=rng), np.ones((2, 1, 2)), rng=rng)


def test_numeric_gradient_equals_autograd_and_leaves_the_array():
    rng = np.random.default_rng(0)
    a, W = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    kept = a.copy()
    found = numeric_gradient(lambda: float(np.sum(np.tanh(a @ W) ** 2)), a)
    leaf = torch.tensor(a, requires_grad=True)
    torch.sum(torch.tanh(leaf @ torch.tensor(W)) ** 2).backward()
    np.testing.assert_allclose(found, leaf.grad.numpy(), atol=1e-9)
    np.testing.assert_array_equal(a, kept)


def test_numeric_gradient_nudges_views_and_refuses_single_precision():
    cell = make(GRU, {}, 2, 3)
    W_xz = cell.gate("z")[0]
    assert numeric_gradient(lambda: float(cell.params["W_x"].sum()), W_xz) == pytest.approx(np.ones((2, 3)))
    for wrong in (np.ones(2, np.float32), [1.0, 2.0], np.ones(2, int)):
        with pytest.raises(TypeError, match=r"array: expected a float64 array, got (float32|list|int64)"):
            numeric_gradient(lambda: 0.0, wrong)
