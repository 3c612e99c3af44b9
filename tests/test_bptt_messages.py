"""Bad input is named."""

import numpy as np
import pytest
from cell_kinds import make

from rnnlib.bptt import Bidirectional, Stacked, backward, gradient_check, jacobians, truncated_backward, unroll
from rnnlib.cells import LSTM, RNN


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.ones((4, 2))}, ValueError, r"x: expected shape \(any, any, 3\), got \(4, 2\)"),
        ({"x": np.ones((4, 2, 5))}, ValueError, r"x: expected shape \(any, any, 3\), got \(4, 2, 5\)"),
        ({"x": np.ones((0, 2, 3))}, ValueError, r"x: expected at least one step"),
        (
            {"x": np.ones((4, 2, 3), dtype=int)},
            TypeError,
            r"x: expected a floating.* int64.*one_hot\(x, 3\)",
        ),
        ({"x": np.ones((4, 2), dtype=int)}, TypeError, r"got int64.*one_hot\(x, 3\)"),
        ({"x": np.full((4, 2, 3), np.nan)}, ValueError, r"x: expected finite numbers, got nan at \(0, 0, 0\)"),
        ({"state": np.zeros((2, 5))}, TypeError, r"state: expected a tuple \(h, c\).* got ndarray"),
        ({"state": (np.zeros((2, 5)),)}, TypeError, "got a tuple of 1"),
        ({"state": (np.zeros((2, 5)), np.zeros((2, 4)))}, ValueError, r"state\[1\] \(c\): expected shape \(2, 5\)"),
        ({"mask": np.ones((2, 4))}, ValueError, r"mask: expected shape \(T, B\) = \(4, 2\), got \(2, 4\)"),
        ({"mask": np.full((4, 2), 0.5)}, ValueError, "mask: expected 0 and 1 only, got 0.5"),
        ({"mask": np.full((4, 2), "1")}, TypeError, "mask: expected bool, or 0 and 1"),
        ({"mask": np.array([[1, 1], [1, 0], [1, 1], [1, 1]])}, ValueError, "contiguous, got 1011 in sequence 1"),
        ({"dropout_rng": 3}, TypeError, "dropout_rng: expected a np.random.Generator, got int"),
    ],
)
def test_unroll_refuses_bad_input_and_says_why(change, error, message):
    cell = make(LSTM, {}, 3, 5)
    with pytest.raises(error, match=message):
        unroll(cell, **({"x": np.ones((4, 2, 3))} | change))


def test_large_finite_inputs_are_not_taken_for_infinite_ones():
    cell = make(RNN, {}, 3, 5, dtype=np.float32)
    cell.params["W_x"] *= 0.1
    x = np.full((4, 2, 3), 1e38, np.float32)  # whose sum overflows
    assert np.isfinite(unroll(cell, x).h).all()
    x[1, 1, 1], x[2, 0, 0] = np.inf, -np.inf
    with pytest.raises(ValueError, match=r"got inf at \(1, 1, 1\)"):
        unroll(cell, x)


def test_backward_refuses_bad_input_and_says_why():
    trace = unroll(make(LSTM, {}, 3, 5), np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match=r"dh: expected shape \(4, 2, 5\), got \(4, 2, 3\)"):
        backward(trace, np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match="dh: expected finite numbers"):
        backward(trace, np.full((4, 2, 5), np.inf))
    with pytest.raises(TypeError, match="dstate: expected a tuple"):
        backward(trace, np.ones((4, 2, 5)), np.ones((2, 5)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda cell, x: Stacked(cell), "layers: expected a list of layers, got RNN"),
        (lambda cell, x: Stacked([1]), r"layers\[0\]: expected a cell.* got int"),
        (lambda cell, x: Bidirectional(cell, 1), "backward_layer: expected a cell.* got int"),
        (lambda cell, x: unroll(RNN, x), "layer: expected a cell.* got the class RNN"),
        (lambda cell, x: backward(unroll(cell, x).h, x), "trace: expected what unroll returns, got ndarray"),
        (lambda cell, x: jacobians(unroll(Stacked([cell]), x)), "trace: expected the Trace of a cell, got LayerTrace"),
        (lambda cell, x: truncated_backward(unroll(Stacked([cell]), x), x, 2), "trace: expected the Trace of a cell"),
        (lambda cell, x: gradient_check(cell, x, rng=0), "rng: expected a np.random.Generator, got int"),
    ],
)
def test_what_stands_in_the_wrong_place_is_named(call, words):
    with pytest.raises(TypeError, match=words):
        call(make(RNN, {}, 2, 2), np.ones((3, 1, 2)))
