"""A unit that is held: what the formulas give, gradients, models, and what cannot be held."""

import numpy as np
import pytest
from small_model import CELLS, every_cell, own_model

from rnnlib.bptt import Stacked, backward, clamped, gradient_check, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.registry import describe, known
from rnnlib.training import next_probabilities


def by_hand(cell, x, gate, unit, value):
    """All states of a GRU or LSTM with one unit held, written out step by step; (T, H)."""
    σ, H = lambda a: 1 / (1 + np.exp(-a)), cell.hidden_size
    W_x, W_h, b = (cell.params[name] for name in ("W_x", "W_h", "b"))
    h, c, states = np.zeros(H), np.zeros(H), []
    for x_t in x:
        part = lambda k, s, x_t=x_t: x_t @ W_x[:, k * H : (k + 1) * H] + s + b[k * H : (k + 1) * H]  # noqa: E731
        block = lambda k: W_h[:, k * H : (k + 1) * H]  # noqa: E731
        values = {}

        def held(name, a, values=values):
            a = a.copy()
            if name == gate:
                a[unit] = value
            values[name] = a
            return a

        if isinstance(cell, GRU):
            r, z = (held(name, σ(part(k, h @ block(k)))) for k, name in enumerate("rz"))
            if cell.reset_after:
                n = held("n", np.tanh(part(2, r * (h @ block(2) + cell.params["b_n"]))))
            else:
                n = held("n", np.tanh(part(2, (r * h) @ block(2))))
            h = held("state", z * h + (1 - z) * n)
            states.append(h)
        else:
            i, f, o = (held(name, σ(part(k, h @ block(k)))) for k, name in enumerate("ifo"))
            g = held("g", np.tanh(part(3, h @ block(3))))
            c = held("state", f * c + i * g)
            h = o * np.tanh(c)
            states.append(h)
    return np.array(states)


@pytest.mark.parametrize(("cell_type", "options"), CELLS[:3])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_clamped_cell_is_what_the_formulas_give(cell_type, options, value):
    cell = own_model(cell_type, options).layer
    x = np.random.default_rng(1).normal(size=(7, 1, 4))
    for gate in ("state", *cell.gates):
        expected = by_hand(cell, x[:, 0], gate, 2, value)
        trace = unroll(clamped(cell, gate, 2, value), x)
        np.testing.assert_allclose(trace.h[:, 0], expected, rtol=0, atol=1e-12)
        if gate != "state":
            np.testing.assert_allclose(trace.gates[gate][:, 0, 2], value, rtol=0, atol=1e-15)
    assert not np.allclose(unroll(cell, x).h[:, 0], expected)  # and the cell itself is as it was


@every_cell
def test_a_clamped_cell_has_right_gradients(cell_type, options):
    cell = own_model(cell_type, options).layer
    x = np.random.default_rng(2).normal(size=(5, 2, 4))
    for gate in ("state", cell.gates[0]):
        errors = gradient_check(clamped(cell, gate, 1, 0.25), x, rng=np.random.default_rng(3))
        assert max(errors.values()) < 1e-6
    trace = unroll(clamped(cell, "state", 1, 0.25), x)
    dh = np.zeros_like(trace.h)
    dh[-1, :, 1] = 1  # a state that stands still depends on nothing; an LSTM's h still on its output gate
    assert np.any(backward(trace, dh).params["W_h"]) == (cell_type is LSTM)


def test_a_clamped_model_shares_the_rest_and_predicts():
    model = own_model(GRU, {})
    held = clamped(model, "z", 0, 1.0)
    assert held.layer.params["W_h"] is not model.layer.params["W_h"] and held.output is model.output
    ids = np.array([0, 1, 2, 1])
    p, _ = next_probabilities(held, ids)
    h = by_hand(model.layer, np.eye(4)[ids], "z", 0, 1.0)[-1]
    logits = h @ model.params["W_hq"] + model.params["b_q"]
    np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(), atol=1e-12)


def test_clamping_says_what_it_cannot_do():
    cell = own_model(GRU, {}).layer
    with pytest.raises(ValueError, match=r"gate: expected one of \('state', 'r', 'z', 'n'\), got 'f'"):
        clamped(cell, "f", 0, 1)
    with pytest.raises(ValueError, match="unit: expected 0 to 5, got 6"):
        clamped(cell, "z", 6, 1)
    with pytest.raises(ValueError, match=r"value: expected one that sigmoid can give, got 1\.5"):
        clamped(cell, "z", 0, 1.5)
    with pytest.raises(ValueError, match="value: expected a finite number"):
        clamped(cell, "state", 0, np.nan)
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="layer: expected one cell, or a model with one, got Stacked"):
        clamped(Stacked([RNN(3, 4, rng=rng)]), "h", 0, 0)
    without = GRU(4, 3, rng=rng, use_bias=False, reset_after=True)
    trace = unroll(clamped(without, "r", 1, 0.5), rng.normal(size=(4, 1, 4)))
    np.testing.assert_allclose(trace.gates["r"][:, 0, 1], 0.5)


def test_a_cell_whose_state_is_held_is_not_stored_and_leaves_no_trace():
    before = known()
    for kind in (RNN, GRU, LSTM):
        model = own_model(kind, {})
        held = clamped(model, "state", 0, 0.0)
        assert isinstance(held.layer, kind) and type(model.layer) is kind
        with pytest.raises(TypeError, match="layer: expected a cell that can be stored, got one whose state is clamp"):
            describe(held)
    assert known() == before
