"""What SymPy derives is what the library computes, and what the formulas of one step say."""

import numpy as np
import pytest
import sympy

from rnnlib.bptt import backward, jacobians, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.symbolic import NUMERIC, state_jacobian, terms_by_power, unrolled

CELLS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


def a_walk(kind, T, seed=0):
    """A cell of one unit with weights that are not small, inputs, a state that is not zero, and a random dh."""
    rng = np.random.default_rng(seed)
    cell = CELLS[kind](1, 1, rng=rng)
    for p in cell.params.values():
        p[...] = rng.normal(size=p.shape)
    state = tuple(rng.normal(size=(1, 1)) for _ in cell.states)
    return cell, rng.normal(size=(T, 1, 1)), state, rng.normal(size=(T, 1, 1))


def numbers(walk, cell, x, state, dh):
    """A number for every symbol of a walk."""
    values = dict(
        zip((*walk.x, *walk.g, *walk.start), np.concatenate([x, dh, *([s] for s in state)]).ravel(), strict=True)
    )
    for k, gate in enumerate(cell.gates):
        for prefix, name in (("W_x", "W_x"), ("W_h", "W_h"), ("b_", "b")):
            values[walk.weights[f"{prefix}{gate}"]] = cell.params[name].ravel()[k]
    return values


def value(expression, values):
    return sympy.lambdify(list(values), expression, [NUMERIC, "numpy"], cse=True)(*values.values())


def test_one_weight_over_four_steps():
    cell, x, state, dh = a_walk("LSTM", 4)
    walk = unrolled("LSTM", 4)
    derived = value(walk.gradient("W_hf"), numbers(walk, cell, x, state, dh))
    np.testing.assert_allclose(derived, backward(unroll(cell, x, state), dh).params["W_h"][0, 1], rtol=1e-9)


@pytest.mark.parametrize("T", [1, 2, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_the_derived_gradient_is_that_of_the_backward_pass(kind, T):
    cell, x, state, dh = a_walk(kind, T)
    derived = unrolled(kind, T).evaluate(cell, x, state, dh)
    ours = backward(unroll(cell, x, state), dh)
    for name in cell.params:
        np.testing.assert_allclose(derived[name], ours.params[name], rtol=1e-9, atol=1e-12)
    for name, gradient in zip(("h_0", "c_0"), ours.state, strict=False):
        np.testing.assert_allclose(derived[name], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_the_states_are_those_of_the_library(kind):
    cell, x, state, _ = a_walk(kind, 3)
    walk = unrolled(kind, 3)
    h = value([s[0] for s in walk.states], numbers(walk, cell, x, state, np.zeros_like(x)))
    np.testing.assert_allclose(h, unroll(cell, x, state).h.ravel(), rtol=1e-12)


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_the_jacobian_in_the_gates_values_is_the_measured_one(kind, T):
    cell, x, state, _ = a_walk(kind, T, seed=1)
    trace = unroll(cell, np.concatenate([np.zeros((1, 1, 1)), x]), state)  # a step before, so that s_0 is in the trace
    values = {f"W_h{gate}": cell.params["W_h"][0, k] for k, gate in enumerate(cell.gates)}
    for t in range(T + 1):
        values |= {f"{gate}_{t}": trace.gates[gate][t, 0, 0] for gate in cell.gates if gate != "h"}
        values |= {f"h_{t}": trace.h[t, 0, 0]} | ({f"c_{t}": trace.c[t, 0, 0]} if kind == "LSTM" else {})
    entries = state_jacobian(kind, T)
    symbols = {s: values[str(s)] for s in entries.free_symbols}
    np.testing.assert_allclose(value(entries, symbols), jacobians(trace)[0], rtol=1e-9)


def test_an_lstm_has_a_term_without_any_recurrent_weight_and_the_rnn_only_the_highest_power():
    for T in (1, 2, 3):
        assert terms_by_power(state_jacobian("RNN", T)[0]) == {T: 1}
        powers = terms_by_power(state_jacobian("LSTM", T)[1, 1])
        assert min(powers) == 0 and powers[0] == 1
        direct = state_jacobian("LSTM", T)[1, 1].subs({f"W_h{gate}": 0 for gate in "ifog"})
        assert direct == sympy.Mul(*(sympy.Symbol(f"f_{t}") for t in range(1, T + 1)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: unrolled("lstm", 2), "cell: expected one of RNN, GRU, LSTM, got 'lstm'"),
        (lambda: unrolled("LSTM", 6), "steps: expected 1 to 5"),
        (lambda: state_jacobian("LSTM", 0), "steps: expected 1 to 5"),
        (lambda: unrolled("RNN", 2).gradient("W_hf"), "name: expected one of W_xh"),
        (
            lambda: unrolled("LSTM", 1).evaluate(
                LSTM(1, 1, rng=np.random.default_rng(0), peephole=True), np.zeros((1, 1, 1)), (), np.zeros(1)
            ),
            r"cell: expected LSTM\(1, 1\) without variants",
        ),
        (
            lambda: unrolled("RNN", 2).evaluate(
                RNN(1, 1, rng=np.random.default_rng(0)), np.zeros((3, 1, 1)), (), np.zeros(3)
            ),
            r"x: expected shape \(2, 1, 1\), got \(3, 1, 1\)",
        ),
    ],
)
def test_what_the_formulas_do_not_describe_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
