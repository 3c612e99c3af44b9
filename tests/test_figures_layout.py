"""Every figure in Chromium: silent, as high in every state, in motion, at 320 pixels, without scripts."""

import pytest
from figure_site import DRAGS, FIGURES, HANDLES, SETTLED, every_figure, every_picture


@every_figure
def test_page_from_disk_is_silent_and_self_contained(open_page, name):
    tab = open_page(name)
    assert tab.locator(".rnnlib-figure .rf").count() == 1
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
