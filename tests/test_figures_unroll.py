"""`UnrollStepper` against the library."""

import numpy as np
import pytest
from figure_page import call
from figure_site import SETTLED

import rnnlib.figures
from rnnlib.bptt import backward, unroll
from rnnlib.cells import RNN
from rnnlib.figures.base import bundle


def stepper_with_random_weights(seed: int) -> rnnlib.figures.UnrollStepper:
    rng = np.random.default_rng(seed)
    shapes = {"W_x": (1, 2), "W_h": (2, 2), "b": 2, "W_hq": (2, 1), "b_q": 1, "x": (3, 1), "h_0": 2}
    arrays = {name: rng.uniform(-1.5, 1.5, size=shape) for name, shape in shapes.items()}
    return rnnlib.figures.UnrollStepper(step=7, y=rng.normal(), **arrays)


def gradients_of(figure: rnnlib.figures.UnrollStepper) -> dict[str, np.ndarray]:
    """∂L/∂W_x, ∂L/∂W_h, ∂L/∂b by the library, for the network that the figure shows."""
    cell = RNN(1, 2, rng=np.random.default_rng(0))
    for name in ("W_x", "W_h", "b"):
        cell.params[name][...] = getattr(figure, name)
    trace = unroll(cell, np.array(figure.x)[:, None, :], state=(np.array([figure.h_0]),))
    output = trace.h[-1] @ np.array(figure.W_hq) + np.array(figure.b_q)  # (1, 1)
    dh = np.zeros_like(trace.h)
    dh[-1] = (output - figure.y) @ np.array(figure.W_hq).T
    return backward(trace, dh).params


@pytest.mark.parametrize("seed", range(5))
def test_unroll_stepper_equals_backward_and_its_finite_differences(blank, seed):
    figure = stepper_with_random_weights(seed)
    expected = gradients_of(figure)
    for weight in figure.WEIGHTS:
        name, _, index = weight.rstrip("]").partition("[")
        figure.weight = weight
        got = call(blank, bundle("UnrollStepper"), "m.gradient({ get: (name) => argument[name] })", figure.state())
        assert got["total"] == pytest.approx(expected[name][tuple(map(int, index.split(",")))], abs=1e-6)
        assert got["difference"] == pytest.approx(got["total"], abs=1e-6)
        for term in got["terms"]:
            assert term["difference"] == pytest.approx(term["value"], abs=1e-6)
            assert len(term["paths"]) == 2 ** (3 - term["t"])


def test_unroll_stepper_without_slopes_disagrees_with_the_finite_differences(blank):
    figure = stepper_with_random_weights(0)
    figure.keep_slope = False
    got = call(blank, bundle("UnrollStepper"), "m.gradient({ get: (name) => argument[name] })", figure.state())
    assert all(abs(term["value"] - term["difference"]) > 1e-3 for term in got["terms"])


def test_unroll_stepper_may_go_back_before_its_pulse_has_started(open_page):
    tab = open_page("UnrollStepper")
    tab.locator(".rf-player input[type=range]").evaluate(
        """(slider) => {
            for (const step of [4, 7, 4]) {
                slider.value = step;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    tab.wait_for_timeout(SETTLED)
    assert "The prediction is" in tab.locator(".rf-summary").text_content()
    assert not tab.trouble


def test_unroll_stepper_shows_what_it_computes(open_page):
    tab = open_page("UnrollStepper")
    tab.wait_for_timeout(SETTLED)
    figure = rnnlib.figures.UnrollStepper(step=7)
    expected = gradients_of(figure)["W_h"][1, 0]
    for text in ("sum ", "finite difference "):
        shown = tab.locator(".rnnlib-figure svg text").filter(has_text=text).last.text_content()
        assert float(shown.split()[-1].replace("−", "-")) == pytest.approx(expected, abs=5e-5)
    handle = tab.get_by_role("slider", name="Value of the chosen weight")
    handle.press("ArrowUp")
    tab.wait_for_timeout(SETTLED)
    figure.W_h = [figure.W_h[0], [round(figure.W_h[1][0] + 0.05, 3), figure.W_h[1][1]]]
    expected = gradients_of(figure)["W_h"][1, 0]
    shown = tab.locator(".rnnlib-figure svg text").filter(has_text="sum ").last.text_content()
    assert float(shown.split()[-1].replace("−", "-")) == pytest.approx(expected, abs=1e-4)
