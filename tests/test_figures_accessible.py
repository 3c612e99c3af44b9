"""Every figure in Chromium: summaries, axe-core, HTML_CodeSniffer, contrast."""

import pytest
from codesniffer import faults, needs_codesniffer
from figure_site import DRAGS, HANDLES, SETTLED, every_figure, every_picture, open_all_controls


@every_picture
def test_summary_is_a_polite_sentence_that_follows_the_picture(open_page, name):
    tab = open_page(name)
    summary = tab.locator(".rnnlib-figure .rf-summary")
    assert summary.get_attribute("aria-live") == "polite"
    tab.wait_for_timeout(SETTLED)
    text = summary.inner_text()
    assert len(text.split()) >= 6 and text.rstrip("”").endswith((".", "!", "?"))
    handle = tab.locator(HANDLES).and_(tab.get_by_label(DRAGS[name][0])).first
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft"):
        handle.press(key)
    if name == "UnrollStepper":
        tab.get_by_role("slider", name="Step").press("Home")
    tab.wait_for_timeout(SETTLED + 400)
    assert summary.inner_text() != text


@every_figure
def test_axe_finds_nothing(open_page, name):
    from axe_playwright_python.base import AXE_SCRIPT

    tab = open_page(name)
    open_all_controls(tab)
    tab.evaluate(AXE_SCRIPT)
    contrast = ["color-contrast"]
    report = []
    for scheme, width, rules in (  # colours depend on the scheme, all the rest at most on the width
        ("light", 1200, {}),
        ("dark", 1200, {"runOnly": {"type": "rule", "values": contrast}}),
        ("dark", 320, {"rules": {rule: {"enabled": False} for rule in contrast}}),
    ):
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_timeout(300)  # the observers of theme and sizes have had their turn
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme
        found = tab.evaluate("o => axe.run('.rnnlib-figure', o)", {"preload": False, **rules})
        assert found["passes"], "axe looked at nothing"
        report += [
            f"{scheme}, {width}: {rule['id']}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
    assert not report, "\n".join(report)


@needs_codesniffer
@every_figure
def test_a_second_checker_finds_nothing_with_all_controls_open(open_page, name):
    tab = open_page(name)
    open_all_controls(tab)
    found = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.wait_for_timeout(300)
        found += [f"{scheme}: {fault}" for fault in faults(tab, ".rnnlib-figure")]
    assert not found, "\n".join(found)


# Text in a picture, which axe leaves out: its colour against what lies behind it, as WCAG computes contrast.
CONTRAST = """() => {
    const channel = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const luminance = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => channel(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const figure = document.querySelector(".rnnlib-figure .rf");
    const surface = getComputedStyle(figure).backgroundColor;
    const see_through = ["none", "rgba(0, 0, 0, 0)"];
    return [...figure.querySelectorAll("svg text")].filter((text) => text.textContent.trim()).map((text) => {
        const box = text.getBoundingClientRect();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        const behind = document.elementsFromPoint(x, y)
            .find((e) => /^(rect|circle)$/.test(e.tagName) && !see_through.includes(getComputedStyle(e).fill));
        const colours = [getComputedStyle(text).fill, behind ? getComputedStyle(behind).fill : surface];
        const [one, two] = colours.map(luminance);
        return [text.textContent, (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)];
    });
}"""


@every_figure
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_in_pictures_has_contrast(open_page, name, scheme):
    tab = open_page(name, scheme=scheme)
    tab.set_viewport_size({"width": 1200, "height": 3000})
    tab.wait_for_timeout(50)
    low = {text: round(ratio, 2) for text, ratio in tab.evaluate(CONTRAST) if ratio < 4.5}
    assert not low
