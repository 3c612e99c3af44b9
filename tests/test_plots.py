"""What the pictures show: the artists' data, not their pixels."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rnnlib import plots
from rnnlib.bptt import backward, jacobian_norms, unroll
from rnnlib.cells import LSTM, RNN


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def trace():
    rng = np.random.default_rng(0)
    return unroll(LSTM(3, 5, rng=rng), rng.normal(size=(7, 2, 3)))


def test_state_heatmap_shows_the_states_of_one_sequence(trace):
    ax = plots.state_heatmap(trace, "a b\nc\td", sequence=1, units=[4, 0])
    np.testing.assert_array_equal(ax.images[0].get_array(), trace.h[:, 1, [4, 0]].T)
    assert [label.get_text() for label in ax.get_xticklabels()] == list("a␣b↵c⇥d")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["4", "0"]
    low, high = ax.images[0].get_clim()
    assert low == -high == -1  # zero is in the middle, and the colours mean the same in every picture


def test_state_heatmap_takes_arrays(trace):
    for array in (trace.h, trace.h[:, 0]):
        ax = plots.state_heatmap(array, "abcdefg")
        np.testing.assert_array_equal(ax.images[0].get_array(), trace.h[:, 0].T)


def test_gates_over_time_shows_each_gate_of_the_unit(trace):
    ax = plots.gates_over_time(trace, 2, sequence=1, text="abcdefg")
    assert [line.get_label() for line in ax.lines] == ["i", "f", "o", "g"]
    for line in ax.lines:
        np.testing.assert_array_equal(line.get_ydata(), trace.gates[line.get_label()][:, 1, 2])
    assert len(plots.gates_over_time(trace, 0, gates=["f"]).lines) == 1


def test_loss_curves_show_curves_and_baselines():
    ax = plots.loss_curves({"train": [3.0, 2.0], "valid": ([10, 20, 30], [3, 2, 1])}, baselines={"5-gram": 2.5})
    train, valid, baseline = ax.lines
    assert train.get_xdata().tolist() == [1, 2] and list(valid.get_xdata()) == [10, 20, 30]
    assert set(baseline.get_ydata()) == {2.5}
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["train", "valid", "5-gram"]


def test_gradient_norms_take_gradients_and_arrays(trace):
    gradients = backward(trace, np.ones_like(trace.h))
    ax = plots.gradient_norms({"LSTM": gradients, "half": 0.5 * gradients.h_norm})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), gradients.h_norm)
    assert ax.get_yscale() == "log"
    assert plots.gradient_norms(gradients).get_legend() is None


def test_jacobian_norms_stay_below_the_bound_in_the_picture_too():
    rng = np.random.default_rng(1)
    cell = RNN(3, 5, rng=rng)
    cell.params["W_h"] *= 0.8
    norms = jacobian_norms(unroll(cell, rng.normal(size=(9, 1, 3))))
    ax = plots.jacobian_norms(norms, bound=0.8)
    measured, bound = (line.get_ydata() for line in ax.lines)
    assert measured[0] == pytest.approx(1) == bound[0]  # distance 0 comes first
    assert (measured <= bound + 1e-12).all()
    given = plots.jacobian_norms({"a": norms}, bound=norms * 2).lines[1].get_ydata()
    np.testing.assert_allclose(given, 2 * norms[::-1])


def test_next_character_shows_the_most_probable_first():
    ax = plots.next_character([0.1, 0.2, 0.5, 0.2], ["a", "\n", "c", "d"], top=3, label="ab")
    assert [bar.get_height() for bar in ax.patches] == [0.5, 0.2, 0.2]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "↵", "d"]
    assert ax.get_title() == "ab"


def test_unrolled_network_draws_only_the_inputs_and_outputs_there_are():
    texts = [text.get_text() for text in plots.unrolled_network(["7", "", ""], ["", "s", "e"]).texts]
    assert [t for t in texts if not t.startswith("$")] == ["7", "s", "e"]
    assert "$H_{3}$" in texts


def test_a_picture_goes_into_given_axes(trace):
    for draw in (
        lambda ax: plots.state_heatmap(trace, "abcdefg", ax=ax),
        lambda ax: plots.gates_over_time(trace, 0, ax=ax),
        lambda ax: plots.loss_curves({"a": [1.0]}, ax=ax),
        lambda ax: plots.gradient_norms([1.0, 2.0], ax=ax),
        lambda ax: plots.jacobian_norms([1.0, 2.0], ax=ax),
        lambda ax: plots.next_character([1.0], ["a"], ax=ax),
        lambda ax: plots.unrolled_network(["a"], ax=ax),
    ):
        ax = plt.subplots()[1]
        assert draw(ax) is ax
        ax.figure.canvas.draw()  # no warning of a missing glyph


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda trace: plots.state_heatmap(trace, "abc"), "text.*7.*3"),
        (lambda trace: plots.state_heatmap(np.zeros(3), "abc"), "states"),
        (lambda trace: plots.gates_over_time(trace, 0, gates=["z"]), "gates.*'z'"),
        (lambda trace: plots.next_character([0.5, 0.5], ["a"]), r"probabilities.*\(1,\)"),
        (lambda trace: plots.unrolled_network(["a"], ["b", "c"]), "outputs.*1.*2"),
    ],
)
def test_bad_arguments_are_named(trace, call, words):
    with pytest.raises(ValueError, match=words):
        call(trace)
