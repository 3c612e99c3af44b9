"""What the pictures show: the artists' data, not their pixels."""

import inspect
import io
import re

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
    assert [text.get_text() for text in ax.texts] == ["train", "valid", "5-gram"]


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


def written(ax):
    """The names at curves, and where they stand: the middle of each, in pixels."""
    ax.figure.canvas.draw()
    return {text.get_text(): text.get_window_extent() for text in ax.texts if text.get_gid() == "curve"}


def test_axes_have_the_size_and_the_panels_that_were_asked_for():
    panels = plots.axes(9, 4, rows=2, columns=3, sharex=True)
    assert panels.shape == (2, 3)
    assert panels[0, 0].figure.get_size_inches().tolist() == [9, 4]
    assert panels[0, 0].get_shared_x_axes().joined(panels[0, 0], panels[1, 2])
    assert not panels[0, 0].get_shared_y_axes().joined(panels[0, 0], panels[1, 2])
    assert not any(ax.spines[side].get_visible() for ax in panels.flat for side in ("top", "right"))
    diagram = plots.axes(3, 2, frame=False)
    assert not diagram.axison and diagram.get_aspect() == 1


def test_names_stand_at_the_ends_of_their_curves_and_do_not_cover_one_another():
    ax = plots.axes()
    for k, end in enumerate((2.0, 2.01, 2.02, 5.0)):
        ax.plot([1, 10, 100], [9, 4, end], color=plots.COLOURS[k], label=f"curve {k}")
    ax.plot([1, 2], [3, 4])  # has no name
    plots.finish(ax, xscale="log")
    boxes = written(ax)
    assert list(boxes) == [f"curve {k}" for k in range(4)]
    right, highest = ax.transData.transform([100, 5])
    assert all(right < box.x0 < right + 30 for box in boxes.values())
    assert abs((boxes["curve 3"].y0 + boxes["curve 3"].y1) / 2 - highest) < 10
    for below, above in zip(list(boxes.values())[:-1], list(boxes.values())[1:], strict=True):
        assert below.y1 <= above.y0
    assert ax.get_legend() is None


def test_a_curve_that_leaves_the_picture_is_named_where_it_is_last_seen():
    ax = plots.axes()
    ax.plot([1, 2, 3, 4], [1, 2, 30, 40], label="leaves")
    plots.finish(ax, ylim=(0, 3))
    box = written(ax)["leaves"]
    assert box.x0 - ax.transData.transform([2, 2])[0] == pytest.approx(6 * ax.figure.dpi / 72, abs=2)


def test_finishing_twice_writes_each_name_once():
    ax = plots.axes()
    ax.plot([1, 2], label="a")
    plots.finish(plots.finish(ax))
    assert [text.get_text() for text in ax.texts] == ["a"]


def test_what_is_no_curve_is_named_in_a_legend():
    ax = plots.axes()
    ax.plot([1, 2], label="curve")
    ax.bar([0, 1], [1, 2], label="bars")
    plots.finish(ax)
    assert [text.get_text() for text in ax.texts] == ["curve"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["bars"]
    assert plots.finish(ax, labels="legend") is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["curve", "bars"]


def test_names_of_curves_are_legible_on_white():
    for colour in plots.COLOURS:
        ax = plots.axes()
        ax.plot([1, 2], color=colour, label="a")
        r, g, b = (
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
            for v in matplotlib.colors.to_rgb(plots.finish(ax).texts[0].get_color())
        )
        assert 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5  # WCAG 2.1, contrast ratio


def test_shared_axes_are_named_once_and_panels_have_titles_of_their_own():
    panels = plots.axes(9, 4, rows=2, columns=2, sharex=True, sharey=True)
    for ax in panels.flat:
        ax.plot([1, 2], label="a")
    plots.finish(panels, title=["p", "q", "r", "s"], xlabel="x", ylabel="y")
    assert [ax.get_title() for ax in panels.flat] == ["p", "q", "r", "s"]
    assert [ax.get_xlabel() for ax in panels.flat] == ["", "", "x", "x"]
    assert [ax.get_ylabel() for ax in panels.flat] == ["y", "", "y", ""]
    assert [len(ax.texts) for ax in panels.flat] == [0, 0, 0, 1]
    apart = plots.finish(plots.axes(9, 3, columns=2), xlabel="x", ylabel=["y", "z"])
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in apart] == [("x", "y"), ("x", "z")]


def test_ticks_on_a_logarithmic_axis_are_plain_numbers():
    ax = plots.finish(plots.axes(), xscale="log", xticks=[0.5, 1, 28], xlim=(0.4, 40))
    ax.figure.canvas.draw()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.5", "1", "28"]
    assert len(ax.get_xticks(minor=True)) == 0


def test_thousands_of_points_are_stored_as_pixels():
    few, many = plots.axes(6, 3, columns=2)
    rng = np.random.default_rng(0)
    few.plot(rng.normal(size=400))
    many.scatter(rng.normal(size=20_000), rng.normal(size=20_000), s=2)
    plots.finish(np.array([few, many]))
    file = io.StringIO()
    few.figure.savefig(file, format="svg", dpi=150)
    assert file.getvalue().count("<image") == 1 and len(file.getvalue()) < 150_000  # 20,000 marks are 1.7 MB


def test_pictures_are_drawings_whose_text_is_text_and_the_same_in_every_run():
    files = []
    for _ in range(2):
        file = io.StringIO()
        plots.unrolled_network(["7"], ["s"]).figure.savefig(file, format="svg", metadata={"Date": None})
        files.append(file.getvalue())
    assert files[0] == files[1]
    assert re.search(r"<text[^>]*>7</text>", files[0])


def test_source_is_what_runs_without_its_docstring():
    shown = plots.source(LSTM.forward).data
    assert shown.startswith("```python\ndef forward(self") and shown.endswith("\n```")
    assert '"""' not in plots.source(unroll).data
    code = shown.removeprefix("```python\n").removesuffix("\n```")
    assert [line for line in inspect.getsource(LSTM.forward).splitlines() if line.strip()[:1] != '"'] == [
        "    " + line for line in code.splitlines()
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda trace: plots.axes(0, 3), "width: expected a positive number, got 0"),
        (lambda trace: plots.axes(columns=0), "columns: expected a positive number, got 0"),
        (lambda trace: plots.finish(plots.axes(), labels="curve"), "labels: expected 'curves'.*got 'curve'"),
        (lambda trace: plots.finish(plots.axes(), grid="z"), "grid: expected 'x'.*got 'z'"),
        (lambda trace: plots.finish(plots.axes(columns=2), title=["a"]), "title: expected 2 texts.*got 1"),
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
