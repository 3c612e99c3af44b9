"""The figures in Chromium, on a page opened from disk with the network off, and what they compute against rnnlib.

A small Sphinx project with one page per figure stands in for the book: its notebooks hold what a figure displays.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from codesniffer import faults, needs_codesniffer

import rnnlib.figures
from rnnlib.bptt import backward, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.figures.base import HERE, bundle, pack
from rnnlib.ngrams import AddK, KneserNey, NGramCounts
from rnnlib.text import Vocabulary
from rnnlib.training import Model, load_pretrained, next_probabilities

FIGURES = {name: getattr(rnnlib.figures, name) for name in rnnlib.figures.__all__}
PICTURES = [name for name in FIGURES if name != "Ask"]
FRAME = 16  # milliseconds
every_figure = pytest.mark.parametrize("name", FIGURES)
every_picture = pytest.mark.parametrize("name", PICTURES)


# ---------------------------------------------------------------------------------------------- the page


def notebook(*figures: rnnlib.figures.base.Figure) -> nbformat.NotebookNode:
    """A notebook as the book holds it: executed, and without the widget view that needs a kernel."""
    cells = [nbformat.v4.new_markdown_cell("# A page with figures")]
    for figure in figures:
        data, _ = figure._repr_mimebundle_()
        del data["application/vnd.jupyter.widget-view+json"]
        output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
        cells.append(nbformat.v4.new_code_cell(repr(figure), execution_count=1, outputs=[output]))
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": language})


ASKS = [
    rnnlib.figures.Ask.number("How many?", 13, tolerance=4, unit="%", hints={50: "half", "below": "more"}, then="why"),
    rnnlib.figures.Ask.choice("Which of `a`?", ["x_{1}", "y"], "y", hints={"x_{1}": "not that"}, then="see below"),
    rnnlib.figures.Ask.order("Sort", ["c", "a", "b"], ["a", "b", "c"], hints={"a": "nearly", "": "begin with a"}),
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site: one page per figure, one with a figure twice, one without any."""
    from sphinx.cmd.build import build_main

    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    pages = {name: notebook(figure()) for name, figure in FIGURES.items()}
    pages["twice"] = notebook(rnnlib.figures.UnrollStepper(step=1), rnnlib.figures.UnrollStepper(step=7))
    pages["shared"] = notebook(*2 * [rnnlib.figures.UnrollStepper(step=1, id="same")])
    pages["linked"] = notebook(rnnlib.figures.TruncationWindow())
    link = '<a href="#truncation-window?k=8&window=sliding">try k = 8</a>'
    pages["linked"].cells.append(nbformat.v4.new_markdown_cell(link))
    pages["asks"] = notebook(*ASKS)
    for name, page in pages.items():
        nbformat.write(page, source / f"{name}.ipynb")
    toc = "\n".join(pages)
    (source / "index.md").write_text(f"# No figure here\n\n```{{toctree}}\n{toc}\n```\n", encoding="utf8")
    (source / "conf.py").write_text(
        "extensions = ['myst_nb', 'rnnlib.figures.sphinx_ext']\n"
        "html_theme = 'sphinx_book_theme'\nhtml_context = {'default_mode': 'auto'}\n"
        "nb_execution_mode = 'off'\nsuppress_warnings = ['myst-nb.lexer']\n",
        encoding="utf8",
    )
    assert build_main(["-q", "-W", "--keep-going", "-b", "html", str(source), str(target)]) == 0
    return target


@pytest.fixture
def open_page(browser, site) -> Iterator:
    """A function that opens a page offline; what goes wrong on it is collected in `tab.trouble`."""
    contexts = []

    def visit(page: str, *, width: int = 1200, scheme: str = "light", **options):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True, **options
        )
        contexts.append(context)
        tab = context.new_page()
        tab.trouble = []
        tab.on(
            "console",
            lambda message: (
                None
                if message.text.startswith("[PST]")
                else tab.trouble.append(f"{message.type}: {message.text[:300]}")
            ),  # [PST]: the theme of this small project names its mode
        )
        tab.on("pageerror", lambda error: tab.trouble.append(f"error: {error}"))
        tab.on("requestfailed", lambda request: tab.trouble.append(f"failed: {request.url[-200:]}"))
        tab.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "blob:", "data:")) else tab.trouble.append(request.url[:200])
            ),
        )
        tab.goto((site / f"{page}.html").as_uri(), wait_until="load")
        if options.get("java_script_enabled", True) and page != "index":
            tab.wait_for_selector(".rnnlib-figure[data-ready]", timeout=30_000)
            tab.wait_for_timeout(100)  # the observers of sizes have had their turn
        return tab

    yield visit
    for context in contexts:
        context.close()


# What a figure shows, without its controls: the values that these show would change in any case.
PICTURE = """(figure) => {
    const copy = figure.cloneNode(true);
    copy.querySelectorAll("label, button, select, input, textarea, .rf-summary").forEach((e) => e.remove());
    return copy.innerHTML;
}"""
CONTROLS = ".rnnlib-figure :is(input, select, button:not(.rf-link), textarea):enabled:visible"
HANDLES = ".rnnlib-figure svg [role=slider]"
# ends what moves by itself or runs over, so that the picture shows its state
SETTLED = 500  # milliseconds


def picture(tab) -> str:
    return tab.locator(".rnnlib-figure").first.evaluate(PICTURE)


def describe(control) -> str:
    return control.evaluate(
        "(e) => `${e.type} ${e.ariaLabel ?? e.closest('label')?.innerText ?? e.innerText} ${e.value}`"
    )


def open_all_controls(tab) -> None:
    """Open the panel of controls that have no place in sight, if the figure has one."""
    opener = tab.get_by_role("button", name="All controls")
    if opener.count():
        opener.click()


def use_by_keyboard(control) -> None:
    """Move a control by keys alone, as far as to another value."""
    kind = control.evaluate("(e) => e.type")
    control.focus()
    if kind == "range":
        at_the_top = control.evaluate("(e) => Number(e.value) >= (Number(e.min) + Number(e.max)) / 2")
        for _ in range(3):
            control.press("ArrowLeft" if at_the_top else "ArrowRight")
    elif kind == "select-one":
        last = control.evaluate("(e) => e.selectedIndex === e.options.length - 1")
        control.press("ArrowUp" if last else "ArrowDown")
    elif kind in ("text", "textarea"):
        control.press("End")
        control.press_sequentially(" of")
    elif kind == "radio":
        control.press("Space")
    else:
        control.press("Enter" if kind in ("button", "submit") else "Space")


# ---------------------------------------------------------------------------------------------- every figure


@every_figure
def test_page_from_disk_is_silent_and_self_contained(open_page, name):
    tab = open_page(name)
    assert tab.locator(".rnnlib-figure .rf").count() == 1
    assert not tab.trouble


@every_picture
def test_every_control_changes_the_picture_by_keyboard(open_page, name):
    tab = open_page(name)
    order = tab.evaluate(
        """(selector) => [...document.querySelectorAll(selector)]
            .flatMap((e, n) => (e.checkVisibility() && !e.disabled ? [n] : []))""",
        CONTROLS.replace(":enabled:visible", ""),
    )
    count = len(order)
    assert count >= 1
    unmoved = []
    for n in range(count):
        control = tab.locator(CONTROLS.replace(":enabled:visible", "")).nth(order[n])
        if not control.is_visible() or not control.is_enabled():  # another control has switched it off: start afresh
            tab.reload(wait_until="load")
            tab.wait_for_selector(".rnnlib-figure[data-ready]")
            tab.wait_for_timeout(60)
        if control.evaluate("(e) => e.type === 'radio' && e.checked"):
            continue  # it is what the picture shows already; the others of its group are tried
        before, label = picture(tab), describe(control)
        use_by_keyboard(control)
        tab.wait_for_timeout(60)
        if picture(tab) == before:
            unmoved.append(label)
    assert not unmoved
    assert not tab.trouble


@every_picture
def test_every_control_has_a_name_and_can_be_reached_by_tab(open_page, name):
    tab = open_page(name)
    nameless = tab.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).filter((e) =>
            !(e.ariaLabel || [...(e.labels ?? [])].some((label) => label.innerText.trim()) || e.innerText.trim()))
            .map((e) => e.outerHTML)""",
        CONTROLS.replace(":visible", ""),
    )
    assert not nameless
    # a mark on each control, because what is drawn late may shift every count
    groups = tab.locator(CONTROLS).evaluate_all("(all) => all.map((e, i) => (e.dataset.group = e.name || `${i}`))")
    tab.locator(CONTROLS).first.focus()
    reached = set()
    for _ in range(60):
        inside = tab.evaluate(
            "document.activeElement.closest('.rnnlib-figure') && (document.activeElement.dataset.group ?? 'other')"
        )
        if not inside:
            break
        reached.add(inside)
        tab.keyboard.press("Tab")
    assert set(groups) <= reached


@every_picture
def test_at_most_three_native_controls_are_in_sight(open_page, name):
    tab = open_page(name)
    groups = tab.locator(CONTROLS).evaluate_all(
        "(all) => all.map((e) => e.name || e.closest('.rf-player, label, button'))"
    )
    fields = tab.locator(
        ".rnnlib-figure :is(fieldset, .rf-player, .rf-control:not(.rf-player *), .rf-check, .rf-row > button)"
    )
    assert groups and fields.evaluate_all("(all) => all.filter((e) => e.checkVisibility()).length") <= 3


@every_picture
def test_handles_in_the_picture_move_by_keyboard_and_say_where_they_are(open_page, name):
    tab = open_page(name)
    tab.wait_for_timeout(SETTLED)
    handles = tab.locator(HANDLES)
    assert handles.count() >= 1
    for n in range(handles.count()):
        handle = handles.nth(n)
        if handle.get_attribute("visibility") == "hidden" or handle.get_attribute("aria-valuemax") == "0":
            continue
        handle.focus()
        before, value = picture(tab), int(float(handle.get_attribute("aria-valuenow")))
        label = handle.get_attribute("aria-label")
        moved, pictures = [], set()
        for key in ("ArrowLeft", "ArrowRight", "ArrowRight"):
            handle.press(key)
            moved.append(float(handle.get_attribute("aria-valuenow")))
            tab.wait_for_timeout(30)
            pictures.add(picture(tab))  # a handle that stands at its end comes back to it
        assert len({value, *moved}) >= 2, label
        assert pictures - {before}, label
        for end in ("valuemin", "valuemax", "valuetext"):
            assert handle.get_attribute(f"aria-{end}"), label
        low, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
        assert all(low <= value <= high for value in moved), label
    assert not tab.trouble


# The values of the native controls that can be seen, and whether each has a label.
NATIVE = """() => [...document.querySelectorAll(".rnnlib-figure :is(input, select)")].filter((e) => e.checkVisibility())
    .map((e) => [e.labels[0]?.innerText.trim() || e.ariaLabel || "", `${e.value} ${e.checked}`])"""


@every_picture
@pytest.mark.parametrize("width", [1200, 360])
def test_what_is_dragged_can_be_set_by_a_labelled_native_control_on_every_axis(open_page, name, width):
    tab = open_page(name, width=width)
    open_all_controls(tab)
    unset = []
    handles = tab.locator(HANDLES)
    for n in range(handles.count()):
        handle = handles.nth(n)
        if handle.get_attribute("visibility") == "hidden":
            continue
        for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
            before, shown = handle.get_attribute("aria-valuetext"), tab.evaluate(NATIVE)
            handle.press(key)
            if handle.get_attribute("aria-valuetext") != before and tab.evaluate(NATIVE) == shown:
                unset.append(f"{handle.get_attribute('aria-label')}: {key}")
    assert not unset
    assert all(label for label, _ in tab.evaluate(NATIVE))


@every_picture
@pytest.mark.parametrize("width", [1200, 320])
def test_all_controls_open_by_keyboard_move_the_picture_and_keep_within_the_figure(open_page, name, width):
    tab = open_page(name, width=width, reduced_motion="reduce")
    opener = tab.get_by_role("button", name="All controls")
    if not opener.count():
        pytest.skip("all that is dragged has its control in sight")
    figure, panel = tab.locator(".rnnlib-figure"), tab.get_by_role("group", name="All controls")
    height = figure.bounding_box()["height"]
    opener.press("Enter")
    outer, inner = figure.bounding_box(), panel.bounding_box()
    assert outer["height"] == height and inner["y"] >= outer["y"] and inner["x"] >= outer["x"]
    assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    for n in range(panel.locator("input").count()):
        control, before = panel.locator("input").nth(n), picture(tab)
        if control.evaluate("(e) => e.min === e.max"):
            continue  # a single path
        use_by_keyboard(control)
        tab.wait_for_timeout(60)
        assert picture(tab) != before, describe(control)
    tab.keyboard.press("Escape")
    assert not panel.is_visible() and opener.evaluate("(e) => e === document.activeElement")


# In each picture, what is dragged, by how much, and the trait that follows.
DRAGS = {
    "BeamExplorer": ("Signs written", -150, 0, "step"),
    "Bottleneck": ("Dates in the list", -200, 0, "length"),
    "AttentionEditor": ("Weight at the chosen symbol", 0, 40, "edits"),
    "GateMicroscope": ("Hold the state of unit", 0, -12, "value"),
    "GradientHighway": ("Letter of the loss", -120, 0, "position"),
    "Race": ("Lag", -90, 0, "lag"),
    "ScanTree": ("Number of steps", -150, 0, "steps"),
    "Shapes": ("Step of the network", -260, 0, "step"),
    "NgramDial": ("Order", 120, 0, "order"),
    "TypeAhead": ("Reading position", -120, 0, "position"),
    "UnrollStepper": ("Value of the chosen weight", 0, -60, "W_h"),
    "TruncationWindow": ("Window k", -200, 0, "k"),
    "SpectralLab": ("Pair of eigenvalues 1", -60, 20, "eigenvalues"),
    "ClippingCliff": ("Start", 90, 0, "w"),
}


def finger(tab, points) -> None:
    """A touch that goes down at the first point, over the others, and up at the last."""
    session = tab.context.new_cdp_session(tab)
    for n, (x, y) in enumerate(points):
        kind = "touchMove" if n else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@every_picture
@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_the_picture_is_dragged(open_page, name, touch):
    tab = open_page(name, width=400 if touch else 1200, has_touch=touch)
    label, dx, dy, _ = DRAGS[name]
    dx /= 3 if touch else 1
    handle = tab.locator(HANDLES).filter(has=tab.locator("*")).and_(tab.get_by_label(label)).first
    handle.scroll_into_view_if_needed()
    tab.wait_for_timeout(SETTLED)
    value = handle.get_attribute("aria-valuenow")
    before = tab.evaluate("scrollY")
    box = handle.locator(".rf-grip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    path = [(x + dx * share, y + dy * share) for share in (0, 0.25, 0.5, 0.75, 1)]
    if touch:
        finger(tab, path)
    else:
        tab.mouse.move(*path[0])
        tab.mouse.down()
        for point in path[1:]:
            tab.mouse.move(*point)
        tab.mouse.up()
    assert handle.get_attribute("aria-valuenow") != value
    assert handle.evaluate("(e) => e === document.activeElement")
    assert tab.evaluate("scrollY") == before
    assert not tab.trouble


# Where the parts of a picture are, frame by frame, after a move by the keyboard.
WATCH = """async ([selector, key]) => {
    const handle = document.querySelectorAll(selector)[0];
    const sample = ".ng-count, .ng-mark, [aria-label='Letter of the sample'], text"; // grows letter by letter
    const apart = `.us-pulse, .tw-pulse, ${sample}`; // and what runs by itself
    const parts = [...handle.closest("svg").querySelectorAll("*")].filter((e) => !e.closest(apart));
    const of = (e) => ["transform", "x", "y", "width", "height", "cx", "cy", "d"].map((a) => e.getAttribute(a)).join();
    const read = () => parts.map(of);
    const start = read();
    handle.focus();
    handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const begin = performance.now();
    const frames = [[0, read()]];
    while (performance.now() - begin < 700) {
        await new Promise(requestAnimationFrame);
        frames.push([performance.now() - begin, read()]);
    }
    const end = frames.at(-1)[1];
    const between = frames.filter(([, now]) => now.some((v, n) => v !== start[n] && v !== end[n]));
    return { moved: end.some((v, n) => v !== start[n]), last: between.at(-1)?.[0] ?? 0, count: between.length };
}"""


@every_picture
def test_parts_run_over_in_a_third_of_a_second_or_jump_where_less_motion_is_asked_for(open_page, name):
    key = {"TypeAhead": "Home", "TruncationWindow": "ArrowLeft"}.get(name, "ArrowLeft")
    selector = f"{HANDLES}[aria-label^='{DRAGS[name][0]}']"
    tab = open_page(name, reduced_motion="no-preference")
    tab.wait_for_timeout(2 * SETTLED)
    seen = tab.evaluate(WATCH, [selector, key])
    assert seen["moved"] and seen["count"] >= 3
    assert 150 <= seen["last"] <= 450
    tab = open_page(name, reduced_motion="reduce")
    tab.wait_for_timeout(2 * SETTLED)
    still = tab.evaluate(WATCH, [selector, key])
    assert still["moved"] and still["count"] == 0


# The book gives a figure 60rem, or a phone's width without much of a margin.
AS_IN_THE_BOOK = """
    .bd-article-container { width: 990px !important; max-width: 100% !important; flex: none !important }
    .bd-article-container { padding: 0 14px !important }
    .bd-article { padding: 0 !important }
    .bd-sidebar-primary, .bd-sidebar-secondary { display: none !important }"""


@every_picture
@pytest.mark.parametrize(("width", "most", "smallest"), [(1200, 560, 12), (360, 680, 11)])
def test_height_is_the_same_in_all_states_and_text_is_large_enough(open_page, name, width, most, smallest):
    tab = open_page(name, width=width, reduced_motion="reduce")
    figure = tab.locator(".rnnlib-figure")
    tab.add_style_tag(content=AS_IN_THE_BOOK)
    tab.wait_for_timeout(400)
    heights, texts = set(), set()
    for n in range(12):
        heights.add(round(figure.bounding_box()["height"]))
        texts |= set(
            tab.evaluate(
                """() => [...document.querySelectorAll(".rnnlib-figure svg text")].filter((e) => e.textContent.trim())
                    .map((e) => [parseFloat(getComputedStyle(e).fontSize), e.ownerSVGElement])
                    .map(([size, svg]) => size * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
            )
        )
        tab.evaluate(
            """(n) => {
                const all = [...document.querySelectorAll(".rnnlib-figure :is(input:enabled, select)")];
                const control = all[n % all.length];
                if (control.type === "range") control.value = n % 2 ? control.min : control.max;
                else if (control.tagName === "SELECT") control.selectedIndex = n % control.options.length;
                else if (control.type === "text") control.value = "a text that is typed ".repeat(n % 7);
                else return control.click();
                control.dispatchEvent(new Event(control.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
            }""",
            n,
        )
        tab.wait_for_timeout(330)
    assert max(heights) <= most and max(heights) - min(heights) <= 1, heights
    assert min(texts) >= smallest - 0.05


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


@every_figure
def test_figure_fits_320_pixels(open_page, name):
    tab = open_page(name, width=320)
    cut = tab.evaluate(
        """() => [...document.querySelectorAll(".rnnlib-figure *")].filter((e) => {
            const box = e.getBoundingClientRect();
            const around = e.closest(".rnnlib-figure").getBoundingClientRect();
            return box.width > 1 && (box.right > around.right + 0.5 || box.left < around.left - 0.5 || box.right > 320);
        }).map((e) => e.outerHTML.slice(0, 150))"""
    )
    assert not cut


@every_figure
def test_without_scripts_the_page_tells_what_the_figure_shows(open_page, name):
    tab = open_page(name, java_script_enabled=False)
    assert FIGURES[name]().title in tab.locator(".rnnlib-figure").inner_text()


# Move every control through its values; after each change force the page's layout, and take the time of both.
SWEEP = """() => {
    const figure = document.querySelector(".rnnlib-figure");
    const times = [];
    const measure = (act) => {
        const start = performance.now();
        act();
        figure.getBoundingClientRect();
        times.push(performance.now() - start);
    };
    const fire = (control, event) => control.dispatchEvent(new Event(event, { bubbles: true }));
    const set = (control, value, event) => measure(() => { control.value = value; fire(control, event); });
    for (const control of figure.querySelectorAll("input, select, button, textarea")) {
        if (control.type === "range") {
            const [low, high] = [Number(control.min), Number(control.max)];
            for (let n = 0; n <= 20; n++) set(control, low + ((high - low) * ((n * 7) % 21)) / 20, "input");
        } else if (control.tagName === "SELECT") {
            for (const { value } of control.options) set(control, value, "change");
        } else if (control.type === "text" || control.tagName === "TEXTAREA") {
            const before = control.value;
            for (const letter of "the quick brown fox") set(control, control.value + letter, "input");
            set(control, before, "input");
        } else for (let n = 0; n < 2; n++) measure(() => control.click());
    }
    return times;
}"""


@pytest.mark.alone
@every_picture
def test_every_control_reacts_within_a_frame(open_page, name):
    tab = open_page(name)
    rounds = [tab.evaluate(SWEEP) for _ in range(10)]  # the same moves in each; other work on the machine delays some
    p95 = np.percentile(np.min(rounds, axis=0), 95)
    assert p95 <= FRAME, f"{name}: 95 % of the reactions take up to {p95:.1f} ms"
    assert not tab.trouble


# A move of every control and handle in sight, and the time until it is painted; the figure is at rest before.
ROUNDS = 10  # at most; it ends as soon as each control has been fast enough
FIRST_PAINT = """async (round) => {
    const figure = document.querySelector(".rnnlib-figure");
    const fields = [...figure.querySelectorAll("input, select, svg [role=slider]")];
    const painted = () => new Promise((done) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel(); // its message comes after the frame
        port1.onmessage = done;
        port2.postMessage(0);
    }));
    const fire = (e, event) => e.dispatchEvent(new Event(event, { bubbles: true }));
    const times = [];
    for (const e of fields.filter((field) => field.checkVisibility() && !field.disabled)) {
        await new Promise((r) => setTimeout(r, 600));
        await painted();
        const begin = performance.now();
        if (e.tagName === "g") {
            const key = round % 2 ? "ArrowRight" : "ArrowLeft";
            e.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        } else if (e.type === "range") {
            e.value = round % 2 ? e.max : e.min;
            fire(e, "input");
        } else if (e.tagName === "SELECT") {
            e.selectedIndex = (e.selectedIndex + 1) % e.options.length;
            fire(e, "change");
        } else if (e.type === "text") {
            e.value = round % 2 ? `${e.value} x` : "the quick brown fox";
            fire(e, "input");
        } else e.click();
        await painted();
        times.push([e.ariaLabel || e.labels?.[0]?.innerText || e.value, performance.now() - begin]);
    }
    return times;
}"""


@pytest.mark.alone
@every_picture
def test_first_paint_comes_within_100_milliseconds_on_a_processor_six_times_slower(open_page, name):
    tab = open_page(name, reduced_motion="no-preference")
    tab.wait_for_timeout(2 * SETTLED)
    session = tab.context.new_cdp_session(tab)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    best: dict[int, tuple[float, str]] = {}
    for round_ in range(ROUNDS):  # other work on the machine delays some
        for n, (label, time) in enumerate(tab.evaluate(FIRST_PAINT, round_)):
            best[n] = min(best.get(n, (time, label)), (time, label))
        late = [f"{label}: {time:.0f} ms" for time, label in best.values() if time > 100]
        if round_ >= 1 and not late:
            break
    assert not late


# ---------------------------------------------------------------------------------------------- the two hosts' rules


def test_page_without_figures_loads_nothing_of_them(open_page):
    tab = open_page("index")
    assert tab.locator("script[src*='figures/'], link[href*='figures/']").count() == 0


def both(tab):
    """The two figures of a page, once both are there."""
    tab.wait_for_function("document.querySelectorAll('.rnnlib-figure[data-ready]').length === 2")
    tab.wait_for_timeout(SETTLED)
    return [tab.locator(".rnnlib-figure").nth(n) for n in (0, 1)]


def test_two_figures_on_a_page_move_apart(open_page):
    tab = open_page("twice")
    first, second = both(tab)
    before = second.evaluate(PICTURE)
    first.get_by_role("combobox", name="Weight").select_option("W_h[1,1]")
    first.get_by_role("slider", name="Step").press("ArrowRight")
    assert "2 of 7" in first.inner_text() and "7 of 7" in second.inner_text()
    assert second.get_by_role("combobox", name="Weight").input_value() == "W_h[1,0]"
    assert second.evaluate(PICTURE) == before
    assert [figure.get_attribute("id") for figure in (first, second)] == ["unroll-stepper", "unroll-stepper-2"]


def test_two_figures_with_the_same_id_stay_in_step(open_page):
    first, second = both(open_page("shared"))
    first.get_by_role("slider", name="Step").press("End")
    assert "7 of 7" in second.inner_text()
    second.get_by_role("slider", name="Step").press("Home")
    assert "1 of 7" in first.inner_text()


# A figure outside any page: its listeners on its model and on the document, before and after it is removed.
LISTENERS = """(() => {
    let count = 0;
    for (const target of [document, window]) {
        const [on, off] = [target.addEventListener.bind(target), target.removeEventListener.bind(target)];
        target.addEventListener = (...all) => { count++; on(...all); };
        target.removeEventListener = (...all) => { count--; off(...all); };
    }
    const state = argument;
    const model = { get: (name) => state[name], set: (name, v) => { state[name] = v; }, save_changes() {},
        on: () => { count++; }, off: () => { count--; } };
    const el = document.createElement("div");
    document.body.append(el);
    const end = m.default.render({ model, el });
    const during = count;
    end();
    return [during, count];
})()"""


@every_figure
def test_a_removed_figure_leaves_no_listener_behind(blank, name):
    figure = FIGURES[name]()
    state = {n: getattr(figure, n) for n in [*figure.state(), "controls"]}
    during, after = call(blank, bundle(name), LISTENERS, state)
    assert during > 3 and after == 0


@every_picture
def test_a_copied_address_restores_every_control(open_page, name):
    tab = open_page(name)
    for n in range(tab.locator(CONTROLS).count()):
        control = tab.locator(CONTROLS).nth(n)
        if control.evaluate("(e) => e.type !== 'button'"):
            use_by_keyboard(control)
    tab.get_by_role("button", name="Copy a link to this state").click()
    state = "(all) => all.map((e) => [e.value, e.checked])"
    fields = ".rnnlib-figure :is(input, select)"
    expected = tab.locator(fields).evaluate_all(state)
    url = tab.url
    assert "#" in url and "?" in url
    tab.goto("about:blank")
    tab.goto(url)
    tab.wait_for_selector(".rnnlib-figure[data-ready]")
    tab.wait_for_timeout(SETTLED)
    assert tab.locator(fields).evaluate_all(state) == expected
    assert not tab.trouble


def test_an_address_with_nonsense_changes_nothing(open_page):
    tab = open_page("NgramDial")
    tab.wait_for_timeout(SETTLED)
    before = picture(tab)
    tab.evaluate("location.hash = '#ngram-dial?order=99&smoothing=none&k=x&colour=red&seed=1.5'")
    tab.wait_for_timeout(SETTLED)
    assert picture(tab) == before
    assert not tab.trouble


def test_a_link_in_the_prose_sets_a_state(open_page):
    tab = open_page("linked")
    tab.get_by_role("link", name="try k = 8").click()
    figure = tab.locator(".rnnlib-figure")
    assert figure.get_by_role("slider", name="Window k:").get_attribute("aria-valuetext") == "k = 8"
    assert figure.get_by_role("radio", name="sliding window").is_checked()
    assert not tab.trouble


# ---------------------------------------------------------------------------------------------- Ask


def test_ask_answers_a_number_with_the_hint_that_was_foreseen(open_page):
    tab = open_page("asks")
    box = tab.locator(".rnnlib-figure").nth(0)
    field, said = box.get_by_role("textbox", name="Your guess"), box.locator("[aria-live=polite]")
    for given, answer in (
        ("half", "type a number"),
        ("50", "half"),
        ("5", "more"),
        ("80", "Think again"),
        ("12,5", "why"),
    ):
        field.fill(given)
        field.press("Enter")
        assert answer in said.inner_text()
    assert "Right" in said.inner_text()
    assert not tab.trouble


def test_ask_answers_a_choice_and_tells_when_asked(open_page):
    tab = open_page("asks")
    box = tab.locator(".rnnlib-figure").nth(1)
    box.locator("label").first.click()
    assert "not that" in box.inner_text()
    box.get_by_role("button", name="Tell me").click()
    assert "The answer: y. see below" in box.inner_text()
    box.get_by_role("radio", name="y").check(force=True)
    assert "Right. see below" in box.inner_text()
    assert box.locator("code").inner_text() == "a" and box.locator("sub").first.inner_text() == "1"


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_ask_takes_an_order_by_dragging_and_by_keys(open_page, touch):
    tab = open_page("asks", has_touch=touch)
    box = tab.locator(".rnnlib-figure").nth(2)
    names = lambda: [text.split()[-1] for text in box.locator("li").all_inner_texts()]  # noqa: E731
    box.scroll_into_view_if_needed()
    top = box.locator("li").nth(0).bounding_box()
    bottom = box.locator("li").nth(2).bounding_box()
    path = [(top["x"] + 60, top["y"] + 15), (top["x"] + 60, bottom["y"] - 20), (top["x"] + 60, bottom["y"] + 20)]
    if touch:
        finger(tab, path)
    else:
        tab.mouse.move(*path[0])
        tab.mouse.down()
        tab.mouse.move(*path[1])
        tab.mouse.move(*path[2])
        tab.mouse.up()
    assert names() == ["a", "b", "c"]
    box.locator("li button").nth(1).press("ArrowUp")
    assert names() == ["b", "a", "c"]
    box.get_by_role("button", name="Check").click()
    assert "begin with a" in box.inner_text()
    box.locator("li button").nth(0).press("ArrowDown")
    box.get_by_role("button", name="Check").click()
    assert "Right" in box.inner_text()
    assert not tab.trouble


def test_a_figure_that_fails_keeps_its_text_and_says_so(browser, site, tmp_path):
    page = (site / "twice.html").read_text(encoding="utf8").replace('src="_static', f'src="{site.as_uri()}/_static')
    broken = page.replace("&quot;weight&quot;:&quot;W_h[1,0]&quot;", "&quot;weight&quot;:&quot;nonsense&quot;", 1)
    assert broken != page
    (tmp_path / "broken.html").write_text(broken, encoding="utf8")
    tab = browser.new_page()
    errors = []
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.goto((tmp_path / "broken.html").as_uri())
    tab.wait_for_selector(".rnnlib-figure[data-ready]")
    assert "an interactive figure" in tab.locator(".rnnlib-figure").first.inner_text()
    assert any("The figure UnrollStepper could not start" in error for error in errors)
    tab.close()


# ---------------------------------------------------------------------------------------------- agreement with rnnlib


@pytest.fixture
def blank(browser) -> Iterator:
    tab = browser.new_page()
    yield tab
    tab.close()


def call(tab, source: str, expression: str, argument: object) -> object:
    """Import an ES module in the browser and evaluate an expression with its names as `m`."""
    script = f"""async ([source, argument]) => {{
        const url = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
        const m = await import(url);
        return {expression};
    }}"""
    return tab.evaluate(script, [source, argument])


RUN = """(() => {
    const { step, params, x, state, options } = argument;
    const flat = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, Float32Array.from(p.flat())]));
    let [now, out] = [state.map((s) => Float64Array.from(s)), []];
    for (const row of x) {
        now = m[step](flat, Float64Array.from(row), now, options).state;
        out.push(now.map((s) => [...s]));
    }
    return out;
})()"""


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("cell_type", "step", "options"),
    [
        (RNN, "rnnStep", {}),
        (RNN, "rnnStep", {"activation": "relu"}),
        (GRU, "gruStep", {}),
        (GRU, "gruStep", {"reset_after": True}),
        (GRU, "gruStep", {"recurrent_activation": "hard_sigmoid"}),
        (LSTM, "lstmStep", {}),
        (LSTM, "lstmStep", {"activation": "linear", "recurrent_activation": "hard_sigmoid"}),
        (LSTM, "lstmStep", {"use_bias": False}),
        (GRU, "gruStep", {"use_bias": False, "reset_after": True}),
    ],
)
def test_steps_equal_the_library(blank, cell_type, step, options, seed):
    rng = np.random.default_rng(seed)
    D, H, T = (int(n) for n in rng.integers(1, 7, size=3))
    cell = cell_type(D, H, rng=rng, dtype=np.float32, **options)
    for p in cell.params.values():
        p[...] = rng.normal(scale=0.5, size=p.shape)
    x = rng.normal(size=(T, D)).astype(np.float32)
    state = tuple(rng.uniform(-1, 1, size=(1, H)).astype(np.float32) for _ in cell.initial_state(1))
    argument = {
        "step": step,
        "params": {name: p.tolist() for name, p in cell.params.items()},
        "x": x.tolist(),
        "state": [s[0].tolist() for s in state],
        "options": {k: v for k, v in options.items() if k != "use_bias"},
    }
    shown = call(blank, (HERE / "cells.js").read_text(encoding="utf8"), RUN, argument)
    for x_t, seen in zip(x, shown, strict=True):
        state = cell.step(x_t[None], state)
        for expected, got in zip(state, seen, strict=True):
            np.testing.assert_allclose(got, expected[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "uint16", "uint32", "int32"])
def test_unpack_is_the_inverse_of_pack(blank, dtype):
    rng = np.random.default_rng(3)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        array = np.concatenate([rng.normal(size=40), [0, -0.0, 1e-7, -3e-6, 60000]]).astype(kind).reshape(5, 9)
    else:
        array = rng.integers(0, 200, size=(5, 9)).astype(kind)
    source = (HERE / "elements.js").read_text(encoding="utf8")
    got = call(
        blank, source, "(({ shape, data }) => ({ shape, data: [...data] }))(m.unpack(argument))", pack(array, dtype)
    )
    assert got["shape"] == [5, 9]
    assert got["data"] == array.ravel().tolist()


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


# The distributions that the page computes, after each of several texts.
TYPED = """(() => {
    const reader = new m.Reader(argument.network);
    return argument.cases.map(([text, temperature]) => {
        const { candidates, bits, known } = m.predict(reader, text, temperature);
        return { p: Object.fromEntries(candidates.map(({ character, p }) => [character, p])), bits, known };
    });
})()"""


def test_type_ahead_predicts_what_the_library_predicts(blank):
    model, notes = load_pretrained("char_rnn")
    vocabulary = Vocabulary(list(notes["vocabulary"]))
    # the later texts share beginnings with the earlier ones: the reader goes on from the states it has kept
    texts = [
        "If the value is not a ",
        "If the value is",
        "If the value is not None, 想 the",
        "",
        "def f(x):\n    return",
    ]
    cases = [(text, temperature) for text in texts for temperature in (1.0, 0.5, 2.0)]
    argument = {"network": rnnlib.figures.TypeAhead().network, "cases": cases}
    shown = call(blank, bundle("TypeAhead"), TYPED, argument)
    for (text, temperature), got in zip(cases, shown, strict=True):
        known = text.replace("想", "")
        p, _ = next_probabilities(model, vocabulary.encode("\n" + known), temperature=temperature)
        np.testing.assert_allclose([got["p"][c] for c in list(notes["vocabulary"])], p, rtol=0, atol=1e-3)
        assert "".join(got["known"]) == known
        surprise = [
            -np.log2(next_probabilities(model, vocabulary.encode("\n" + known[:t]))[0][vocabulary.encode(known[t])[0]])
            for t in range(len(known))
        ]
        np.testing.assert_allclose(got["bits"], surprise, atol=1e-2)


@pytest.mark.parametrize(("cell_type", "options"), [(GRU, {"reset_after": True}), (GRU, {}), (LSTM, {})])
def test_type_ahead_shows_models_of_the_reader(blank, cell_type, options):
    rng = np.random.default_rng(5)
    model = Model(cell_type(4, 6, rng=rng, **options), 4, rng=rng)
    figure = rnnlib.figures.TypeAhead(model, ["\n", "a", "b", "c"], text="abca")
    got = call(blank, bundle("TypeAhead"), TYPED, {"network": figure.network, "cases": [["abca", 1.0]]})[0]
    p, _ = next_probabilities(model, np.array([0, 1, 2, 3, 1]))
    np.testing.assert_allclose([got["p"][c] for c in "\nabc"], p, rtol=0, atol=1e-3)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_ngram_dial_counts_what_the_library_counts(blank, order):
    measured = rnnlib.figures.NgramDial().measured
    vocabulary = Vocabulary(sorted(set(measured["text"])))
    counts = NGramCounts(vocabulary.encode(measured["text"]), len(vocabulary), max_order=8)
    contexts = ["", "\n", "the ", "If the valu", "zqxj{", measured["text"][:9]]
    expression = """(() => {
        const counts = new m.Counts(argument.text, argument.discounts);
        const of = (context) => argument.models.map((options) => counts.distribution(context, options));
        return argument.contexts.map(of);
    })()"""
    models = [{"order": order, "smoothing": "add-k", "k": 0.1}, {"order": order, "smoothing": "Kneser-Ney", "k": 1}]
    argument = {**measured, "contexts": contexts, "models": models}
    shown = call(blank, bundle("NgramDial"), expression, argument)
    oracles = [AddK(counts, order, k=0.1), KneserNey(counts, order)]
    for context, distributions in zip(contexts, shown, strict=True):
        for oracle, got in zip(oracles, distributions, strict=True):
            # the discounts are stored with six digits
            np.testing.assert_allclose(got, oracle.distribution(vocabulary.encode(context)), rtol=0, atol=1e-5)


def test_shapes_steps_through_all_examples(open_page):
    tab = open_page("Shapes")
    for shape, examples in rnnlib.figures.Shapes().examples.items():
        tab.locator(f"input[value='{shape}']").check(force=True)
        for example in examples:
            shown = tab.locator(".rnnlib-figure").inner_text().replace("\xa0", " ")
            assert example["about"] in shown
            tab.get_by_role("slider", name="Step of the network").press("End")
            written = [column["output"] for column in example["columns"] if column["output"] is not None]
            assert tab.locator(".rnnlib-figure svg text.on.output").all_text_contents() == written
            tab.get_by_role("button", name="Another example").click()
    assert not tab.trouble


# A state after some steps, with one gate clamped to a value.
CLAMPED = """(() => {
    const { step, params, x, state, options, gate, value } = argument;
    const flat = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, Float64Array.from(p.flat())]));
    const hook = (name, values) => (name === gate ? values.map(() => value) : undefined);
    let now = state.map((s) => Float64Array.from(s));
    for (const row of x) now = m[step](flat, Float64Array.from(row), now, { ...options, hook }).state;
    return now.map((s) => [...s]);
})()"""


@pytest.mark.parametrize(
    ("step", "gate", "value", "clamped"),
    [
        ("lstmStep", "f", 1.0, lambda p, H: (p["W_x"][:, H : 2 * H], p["W_h"][:, H : 2 * H], p["b"][H : 2 * H])),
        ("gruStep", "r", 0.0, lambda p, H: (p["W_x"][:, :H], p["W_h"][:, :H], p["b"][:H])),
        ("gruStep", "z", 1.0, lambda p, H: (p["W_x"][:, H : 2 * H], p["W_h"][:, H : 2 * H], p["b"][H : 2 * H])),
    ],
)
def test_a_clamped_gate_is_what_the_library_computes_with_saturated_weights(blank, step, gate, value, clamped):
    """A gate stands at 0 or 1 when its weights are 0 and its bias is far from 0."""
    rng = np.random.default_rng(4)
    cell = {"lstmStep": LSTM, "gruStep": GRU}[step](3, 5, rng=rng)
    params = {name: p.tolist() for name, p in cell.params.items()}
    x = rng.normal(size=(6, 3))
    state = tuple(rng.normal(size=s.shape) for s in cell.initial_state(1))
    argument = {"step": step, "params": params, "x": x.tolist(), "gate": gate, "value": value}
    argument |= {"state": [s[0].tolist() for s in state], "options": {}}
    shown = call(blank, (HERE / "cells.js").read_text(encoding="utf8"), CLAMPED, argument)
    W_x, W_h, b = clamped(cell.params, 5)
    W_x[...], W_h[...], b[...] = 0, 0, 200 * value - 100
    for x_t in x:
        state = cell.step(x_t[None], state)
    for expected, got in zip(state, shown, strict=True):
        np.testing.assert_allclose(got, expected[0], rtol=0, atol=1e-6)
