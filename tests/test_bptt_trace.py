"""What a trace says: states, gates, masks, directions, slices, representations."""

import numpy as np
import pytest
from cell_kinds import CELLS, make, normal_state

from rnnlib.bptt import Bidirectional, Stacked, backward, unroll
from rnnlib.cells import GRU, LSTM, RNN


@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_unroll_equals_one_step_after_the_other(kind, options):
    rng = np.random.default_rng(3)
    cell = make(kind, options, 3, 4)
    x, state = rng.normal(size=(5, 2, 3)), normal_state(cell, 2, rng)
    trace = unroll(cell, x, state)
    for t in range(5):
        state = cell.step(x[t], state)
        np.testing.assert_allclose(trace.h[t], state[0], rtol=1e-13)
    for s, e in zip(trace.state, state, strict=True):
        np.testing.assert_allclose(s, e, rtol=1e-13)


def test_gates_and_cell_state_of_a_trace_obey_the_lstm_equations():
    cell = make(LSTM, {}, 3, 4)
    trace = unroll(cell, np.random.default_rng(0).normal(size=(5, 2, 3)))
    c_prev = np.concatenate([np.zeros((1, 2, 4)), trace.c[:-1]])
    np.testing.assert_allclose(trace.c, trace.gates["f"] * c_prev + trace.gates["i"] * trace.gates["g"], rtol=1e-12)
    np.testing.assert_allclose(trace.h, trace.gates["o"] * np.tanh(trace.c), rtol=1e-12)
    for name in "ifo":
        assert (trace.gates[name] > 0).all() and (trace.gates[name] < 1).all()


def test_a_masked_step_carries_the_state_and_the_last_valid_state_is_returned():
    cell = make(LSTM, {}, 2, 3)
    x = np.random.default_rng(0).normal(size=(6, 2, 2))
    mask = np.ones((6, 2), dtype=int)
    mask[4:, 0] = 0
    trace, short = unroll(cell, x, mask=mask), unroll(cell, x[:4, :1])
    np.testing.assert_array_equal(trace.h[3, 0], trace.h[5, 0])
    for s, e in zip(trace.state, short.state, strict=True):
        np.testing.assert_allclose(s[0], e[0], rtol=1e-13)


def test_reverse_is_the_reversed_sequence_put_back_in_time_order():
    cell = make(GRU, {}, 2, 3)
    x = np.random.default_rng(0).normal(size=(5, 2, 2))
    back, forth = unroll(cell, x, reverse=True), unroll(cell, x[::-1])
    np.testing.assert_allclose(back.h, forth.h[::-1], rtol=1e-13)
    np.testing.assert_allclose(back.gates["z"], forth.gates["z"][::-1], rtol=1e-13)
    np.testing.assert_allclose(back.state[0], back.h[0], rtol=1e-13)


def test_h_norm_is_the_norm_of_the_gradient_of_each_state():
    """Nudge h_t by way of a restart: the loss of the rest, as a function of the state, has that gradient."""
    cell = make(RNN, {}, 2, 3)
    rng = np.random.default_rng(0)
    x, dh = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2, 3))
    grads = backward(unroll(cell, x), dh)
    trace = unroll(cell, x)
    rest = backward(unroll(cell, x[2:], (trace.h[1],)), dh[2:]).state[0] + dh[1]
    np.testing.assert_allclose(grads.h_norm[1], np.linalg.norm(rest), rtol=1e-12)
    np.testing.assert_allclose(grads.h_norm, np.linalg.norm(grads.h.reshape(4, -1), axis=1), rtol=1e-12)


def test_one_trace_serves_several_losses_and_gradients_add_up():
    cell = make(LSTM, {}, 2, 3)
    rng = np.random.default_rng(0)
    trace = unroll(cell, rng.normal(size=(4, 2, 2)))
    one, two = rng.normal(size=(2, 4, 2, 3))
    first, second, both = backward(trace, one), backward(trace, two), backward(trace, one + two)
    for name in both.params:
        np.testing.assert_allclose(first.params[name] + second.params[name], both.params[name], atol=1e-12)


def test_a_slice_of_a_trace_goes_back_through_its_own_steps_only():
    cell = make(LSTM, {}, 2, 3)
    rng = np.random.default_rng(0)
    x, dh = rng.normal(size=(6, 2, 2)), rng.normal(size=(2, 2, 3))
    for reverse in (False, True):
        trace = unroll(cell, x, reverse=reverse)
        part = trace[2:4]
        again = unroll(cell, x[2:4], part.initial_state, reverse=reverse)
        np.testing.assert_allclose(part.h, again.h, rtol=1e-13)
        a, b = backward(part, dh), backward(again, dh)
        np.testing.assert_allclose(a.params["W_h"], b.params["W_h"], rtol=1e-12)
        np.testing.assert_allclose(a.state[1], b.state[1], rtol=1e-12)
    with pytest.raises(TypeError, match="steps"):
        trace[2]
    with pytest.raises(ValueError, match="steps"):
        trace[::2]


def test_only_an_lstm_has_a_cell_state():
    with pytest.raises(AttributeError, match="RNN has no cell state"):
        _ = unroll(make(RNN, {}, 2, 3), np.ones((3, 1, 2))).c


def test_short_representations():
    rng = np.random.default_rng(0)
    net = Stacked([GRU(2, 3, rng=rng), Bidirectional(RNN(3, 2, rng=rng), LSTM(3, 2, rng=rng))])
    x = np.ones((4, 1, 2))
    trace = unroll(net, x)
    for thing in (net, trace, trace.parts[0], backward(trace, np.ones((4, 1, 4)))):
        assert len(repr(thing)) < 300 and "array" not in repr(thing)
    assert repr(unroll(net.layers[0], x, mask=np.ones((4, 1)))) == (
        "Trace(GRU(input_size=2, hidden_size=3, dtype=float64), T=4, B=1, masked)"
    )
