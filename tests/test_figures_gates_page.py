"""`GateMicroscope` in Chromium: what its reader does, and what it then shows."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from figure_page import page_of
from test_figures_gates import clamped_from

from rnnlib.figures import GateMicroscope
from rnnlib.figures.gate_microscope import search, unit_values
from rnnlib.figures.shipped import shipped
from rnnlib.training import load_pretrained


@pytest.fixture
def open_figure(browser, tmp_path) -> Iterator:
    """A function that opens a page with the figure alone, without a network."""
    with ExitStack() as pages:

        def visit(figure: GateMicroscope):
            tab = pages.enter_context(page_of(browser, tmp_path, figure))
            tab.wait_for_selector("text=/does the same in|such place|Mark letters/", timeout=60_000)
            return tab

        yield visit


def told(tab) -> str:
    return tab.locator("svg.rf-picture").text_content()


def shown_change(tab, character: str) -> tuple[float, float]:
    """The two shares in per cent beside a character that is expected: free and held."""
    texts = tab.locator(".rnnlib-figure svg text").all_text_contents()
    share = texts[texts.index(character) + 1]
    before, after = re.fullmatch(r"([\d.]+) % → ([\d.]+) %", share).groups()
    return float(before), float(after)


def test_the_default_state_shows_what_the_library_computes(open_figure):
    model, notes = load_pretrained("char_gru")
    figure, unit = GateMicroscope(), shipped("char_gru")["unit"]
    vocabulary = notes["vocabulary"]
    ids = vocabulary.encode("\n" + figure.text[: figure.position])
    k = vocabulary.encode('"')[0]
    tab = open_figure(figure)
    hold = {"gate": figure.gate, "unit": unit, "value": figure.value, "since": figure.since}
    expected = [100 * clamped_from(model, ids, held)[0][k] for held in (None, hold)]
    assert expected[0] > 2 * expected[1], "what the picture says by default: without its unit, the mark is not expected"
    assert shown_change(tab, '"') == pytest.approx(expected, abs=0.51)
    network = shipped("char_gru")
    values = unit_values(model, list(vocabulary), network["searched"])["state"][:, unit].astype(float)
    own = unit_values(model, list(vocabulary), figure.text)["state"][:, unit].astype(float)
    places = search(own[figure.mark_start : figure.mark_end], values)
    assert f"It does the same in {len(places)} place" in told(tab)
    assert tab.locator(".gm-heat").evaluate(
        "(e) => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some((v) => v > 0)"
    )
    assert not tab.trouble


def test_letters_are_marked_by_dragging_and_by_shift_and_arrows(open_figure):
    tab = open_figure(GateMicroscope(text='if "ab" is', position=0))
    assert "Mark letters" in told(tab)
    box = tab.locator(".rf-field").first.bounding_box()
    y = box["y"] + box["height"] - 16
    tab.mouse.move(box["x"] + 3.5 * 9, y)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 5.5 * 9, y, steps=3)
    tab.mouse.up()
    marked = tab.locator("rect.gm-marked")
    assert float(marked.get_attribute("width")) == pytest.approx(3 * 9, abs=1.1)
    tab.wait_for_selector("text=/does the same in/", timeout=60_000)
    caret = tab.get_by_role("slider", name="Reading position")
    caret.focus()
    caret.press("Escape")
    assert marked.count() == 0
    caret.press("Home")
    caret.press("ArrowRight")
    caret.press("Shift+ArrowRight")
    caret.press("Shift+ArrowRight")
    assert caret.get_attribute("aria-valuenow") == "3"
    assert float(marked.get_attribute("width")) == pytest.approx(2 * 9, abs=1.1)
    caret.press("Shift+ArrowLeft")
    assert float(marked.get_attribute("width")) == pytest.approx(9, abs=1.1)
    assert not tab.trouble


def test_a_unit_is_held_let_go_and_another_one_chosen(open_figure):
    tab = open_figure(GateMicroscope(gate="z", clamped=False, since=0, mark_start=-1, mark_end=-1))
    first, second = (shipped("char_gru")["units"][n]["unit"] for n in (0, 2))
    assert "→" not in told(tab).split("Where else")[0]
    knob = tab.get_by_role("slider", name=f"Hold the update gate z of unit {second},")
    knob.focus()
    knob.press("End")
    assert knob.get_attribute("aria-valuetext") == "held at 1.00"
    assert float(knob.get_attribute("aria-valuenow")) == 1
    assert "Held:" in told(tab) and tab.locator("path.gm-ghost").count() > 1
    since = tab.get_by_role("slider", name="Held from letter")
    since.focus()
    since.press("ArrowRight")
    assert since.get_attribute("aria-valuetext").startswith("from letter 1, h")
    tab.get_by_role("button", name="Let the unit go free").press("Enter")
    assert "Held:" not in told(tab) and since.is_hidden()
    overview = tab.get_by_role("slider", name="Unit, from what keeps longest")
    overview.focus()
    overview.press("Home")
    assert overview.get_attribute("aria-valuetext").startswith(f"unit {shipped('char_gru')['order'][0]}, number 1")
    tab.get_by_role("button", name=f"Choose unit {first}, quotation").press("Enter")
    assert f"unit {first}" in overview.get_attribute("aria-valuetext")
    assert not tab.trouble


def test_each_lane_of_cell_states_has_the_scale_of_its_unit(open_figure):
    network, text = shipped("char_lstm"), GateMicroscope.text.default_value
    model, notes = load_pretrained("char_lstm")
    values = np.abs(unit_values(model, list(notes["vocabulary"]), text)["state"]).max(axis=0)
    units = [one["unit"] for one in network["units"]]
    assert max(network["most"]) == 8 and np.median(network["most"]) < 4  # one for all would flatten most of them
    free = {"clamped": False, "since": 0, "mark_start": -1, "mark_end": -1}
    tab = open_figure(GateMicroscope("char_lstm", position=len(text), **free))
    for n, unit in enumerate(units):
        knob = tab.get_by_role("slider", name=f"Hold the state of unit {unit},")
        assert float(knob.get_attribute("aria-valuemax")) == pytest.approx(network["most"][unit], abs=0.005)
        upper, lower = lane_of(tab, n)
        drawn = tab.locator(".gm-up.state, .gm-down").evaluate_all(
            "(all, [upper, lower]) => all.map((e) => e.getBBox())"
            ".filter((b) => b.width > 200 && b.y >= upper && b.y + b.height <= lower).map((b) => b.height)",
            [upper - 0.6, lower + 0.6],
        )
        share = min(values[unit] / network["most"][unit], 1)
        assert max(drawn) == pytest.approx(share * (lower - upper) / 2, abs=1.5)
    assert not tab.trouble


def lane_of(tab, n: int) -> list[float]:
    """The upper and the lower edge of a lane."""
    return tab.locator(".gm-lane").nth(n).evaluate("(e) => { const b = e.getBBox(); return [b.y, b.y + b.height]; }")


def test_a_place_that_was_found_becomes_the_text(open_figure):
    tab = open_figure(GateMicroscope())
    jump = tab.get_by_role("button", name="Read the excerpt").first
    jump.press("Enter")
    text = tab.get_by_role("textbox").input_value()
    assert text in shipped("char_gru")["searched"].replace("\n", "") or len(text) > 20
    assert tab.locator("rect.gm-marked").count() == 1
    assert not tab.trouble
