"""tools/pictures.py: pictures get small, and look as before."""

import io
import re
import xml.etree.ElementTree as ET

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import CHROMIUM
from pictures import few_colours, path_data, short, small_svg
from PIL import Image

from rnnlib import plots
from rnnlib.plots.notebook import as_svg

SVG = "{http://www.w3.org/2000/svg}"


def curves():
    left, right = plots.axes(7, 3, columns=2)
    x = np.linspace(0, 9, 50)
    left.plot(x, np.exp(-x), "o--", color=plots.COLOURS[0], label="a & b < c")
    left.plot(x, np.cos(x) + 2, color="#000000", alpha=0.5, label=r"$\phi'(a_3)$")
    left.fill_between(x, 0.1, np.exp(x), color=plots.COLOURS[2], alpha=0.2)
    right.bar(range(4), [1, 2, 3, 4], color=plots.COLOURS[:4], edgecolor="black")
    right.scatter([0, 1], [3, 4], s=90, c=["#ff0000", "#00ff00"], marker="v")
    right.text(1, 3.5, "two\nlines", rotation=30, family="monospace", weight="bold", color="#ff0000")
    plots.finish(left, yscale="log", title="in order")
    right.legend(["bars"], title="a legend")
    return left


def heat_map():
    return plots.state_heatmap(np.random.default_rng(0).normal(size=(20, 8)), "a text of 20 letters")


def diagram():
    return plots.unrolled_network(["$X_1$", "7"], ["", r"$\mathbf{O}_2$"])


@pytest.fixture(params=[curves, heat_map, diagram], ids=lambda draw: draw.__name__)
def drawing(request):
    """matplotlib's own SVG, as a notebook shows it."""
    svg = as_svg(request.param().figure)
    plt.close("all")
    return svg


def pixels(browser, svg: str) -> np.ndarray:
    page = browser.new_page(viewport={"width": 900, "height": 500})
    page.set_content(f"<style>* {{ margin: 0 }}</style>{svg[svg.index('<svg') :]}")
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return np.asarray(image, float)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; on Debian or Ubuntu: apt-get install chromium")
def test_a_small_drawing_looks_the_same(browser, drawing):
    before, after = pixels(browser, drawing), pixels(browser, small_svg(drawing))
    assert (before < 255).any(axis=2).mean() > 0.01  # something is drawn
    assert np.abs(before - after).mean() < 0.3  # of 255; a missing curve or text makes more
    soft = np.abs(before - after).reshape(50, 10, 90, 10, 3).mean(axis=(1, 3, 4))  # squares of 10 pixels
    assert soft.max() < 25


def test_a_drawing_gets_at_most_half_as_large_and_says_the_same(drawing):
    small = small_svg(drawing)
    assert len(small) < 0.5 * len(drawing)
    texts = [
        ["".join(text.itertext()).strip() for text in ET.fromstring(svg).iter(f"{SVG}text")] for svg in (drawing, small)
    ]
    assert [re.sub(r"\s", "", text) for text in texts[0]] == [re.sub(r"\s", "", text) for text in texts[1]]
    assert "cmsy" not in small  # a font that no browser has


def test_what_was_made_small_stays_as_it_is(drawing):
    small = small_svg(drawing)
    assert small_svg(small) == small


def test_other_drawings_are_left_alone():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><path d="m 1.234567 0 l 1 1" style="fill: none"/></svg>'
    assert small_svg(svg) == svg


@pytest.mark.parametrize(
    ("path", "small"),
    [
        ("M 10.123 20 L 15.123 20 L 15.123 30.456 L 10 20 z", "M10.1 20h5v10.5l-5.1-10.5z"),
        ("M 0 3 C 0.796 3 1.559 2.684 2.121 2.121", "M0 3c.8 0 1.56-.32 2.12-.88"),  # a mark
        ("M 100 100 L 100.01 100.02 L 103 101", "M100 100l3 1"),  # a step that rounds to nothing goes
        ("M 0 20 L 1 21 M 5 25 L 6 26 Z L 7 7", "M0 20l1 1M5 25l1 1zl2-18"),
        ("M 20 0 L 20 1e-7", "M20 0h0"),
    ],
)
def test_paths_are_rounded_and_relative(path, small):
    assert path_data(path) == small


def test_rounding_does_not_add_up_along_a_curve():
    x = np.cumsum(np.full(1000, 0.0349))
    path = path_data("M 100 0 " + " ".join(f"L {100 + 10 * v:.6f} {50 * v:.6f}" for v in x))
    steps = re.findall(r"l?([\d.]+) ([\d.]+)", path.partition("l")[2])
    assert abs(sum(float(dx) for dx, _ in steps) - 349) < 0.1


def test_numbers_are_short():
    assert [short(v) for v in (0.5, -0.25, 3.0, -0.001, 12.3456, 100)] == [".5", "-.25", "3", "0", "12.35", "100"]


def test_an_image_keeps_its_colours_if_they_are_few_and_256_of_them_if_they_are_many():
    flat = np.zeros((40, 40, 4), np.uint8)
    flat[:20] = (0, 114, 178, 255)
    flat[20:] = (255, 255, 255, 0)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 4), np.uint8)
    for image in (flat, noise):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        small = few_colours(file.getvalue())
        assert len(small) < len(file.getvalue()) and few_colours(small) == small
        after = np.asarray(Image.open(io.BytesIO(small)).convert("RGBA"))
        assert len(np.unique(after.reshape(-1, 4), axis=0)) <= 256
        if image is flat:
            np.testing.assert_array_equal(after[:20], image[:20])
            assert (after[20:, :, 3] == 0).all()
