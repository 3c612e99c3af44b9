"""The built book: it builds without a warning, its links lead somewhere, and every page works in a browser from disk.

The pages are opened as a reader would open them who has no internet: as files, in Chromium, with the network off.
"""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from codesniffer import faults, needs_codesniffer
from conftest import CHROMIUM
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"  # the command, in this environment
FIRST_VIEW_LIMIT = 1_200_000  # bytes, text as gzip would send it
COMPRESSED = {".woff", ".woff2", ".png", ".jpg", ".jpeg", ".gif", ".webp"}

# two frames drawn, so that observers of sizes have had their turn, and then what the theme puts off for 0.3 s
SETTLED = "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => r(0), 400))))"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium found; on Debian or Ubuntu: apt-get install chromium"
)


def pages_of_toc() -> list[str]:
    """Every page that the book must have: those of _toc.yml, the search page, and the entrance."""

    def files(entry: dict) -> Iterator[str]:
        if "file" in entry or "root" in entry:
            yield entry.get("file") or entry["root"]
        for key in ("parts", "chapters", "sections"):
            for child in entry.get(key, []):
                yield from files(child)

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    return [f"{name}.html" for name in files(toc)] + ["search.html", "index.html", "genindex.html"]


PAGES = pages_of_toc()


@dataclass
class Built:
    """A freshly built book."""

    folder: Path
    seconds: float
    returncode: int
    log: str


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The book as it is now, built once for all workers."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # what the workers share
    record = folder / "book.json"
    with FileLock(folder / "book.lock"):
        if not record.exists():
            command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(ROOT), "-W", "--keep-going"]
            before = os.times()
            run = subprocess.run([*command, "--path-output", str(folder)], capture_output=True)
            after = os.times()
            seconds = sum(after[2:4]) - sum(before[2:4])  # of processor time, however busy the machine is now
            log = (run.stdout + run.stderr).decode("utf8", errors="replace")
            record.write_text(json.dumps({"seconds": seconds, "returncode": run.returncode, "log": log}))
    return Built(folder / "_build" / "html", **json.loads(record.read_text()))


# ---------------------------------------------------------------------------------------------- without a browser


def test_book_builds_without_warnings(built):
    assert built.returncode == 0, built.log[-5000:]


def test_rendering_takes_at_most_45_seconds(built):
    assert built.seconds < 45, f"rendering took {built.seconds:.0f} s of processor time"


def test_every_page_of_the_contents_is_built_and_no_other(built):
    assert {path.relative_to(built.folder).as_posix() for path in built.folder.rglob("*.html")} == set(PAGES)


def test_every_chapter_and_page_of_the_folder_is_in_the_contents():
    sources = [
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book/api").glob("*.md"),
        *(ROOT / "book").glob("*.ipynb"),
        *(ROOT / "book/exercises").glob("*.ipynb"),
    ]
    names = {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in sources}
    assert names == {page for page in PAGES if page.startswith("book/")}


def test_intro_links_every_chapter(parsed):
    chapters = {Path(page).name for page in PAGES if Path(page).name[0].isdigit()}
    assert chapters <= {urlsplit(link).path for link in parsed["book/intro.html"].links}


class Page(HTMLParser):
    """The anchors of a page, and where its links and loaded files point."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.repeated_ids: list[str] = []
        self.alts: list[str | None] = []
        self.figures: set[str] = set()
        self.feed(path.read_text(encoding="utf8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if name := values.get("id"):
            if name in self.ids:
                self.repeated_ids.append(name)
            self.ids.add(name)
        if figure := values.get("data-figure"):
            own = json.loads(values["data-state"]).get("id")
            self.figures.add(own or re.sub(r"(?<=.)([A-Z])", r"-\1", figure).lower())
        if tag == "img":
            self.alts.append(values.get("alt"))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon", "shortcut icon"):
            self.loads.append(values["href"])
        elif tag in ("script", "img", "iframe", "source", "video", "audio", "embed") and "src" in values:
            self.loads.append(values["src"])


@pytest.fixture(scope="session")
def parsed(built) -> dict[str, Page]:
    return {page: Page(built.folder / page) for page in PAGES}


def dangling(folder: Path, parsed: dict[str, Page], page: str, link: str) -> str | None:
    """What is wrong with a link on a page, if anything."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return None if parts.netloc and "." in parts.netloc else "no host"
    if parts.scheme:
        return None if parts.scheme in ("mailto", "data") else f"scheme {parts.scheme}"
    target = (folder / page).parent / unquote(parts.path) if parts.path else folder / page
    name = target.resolve().relative_to(folder.resolve()).as_posix()
    if not target.is_file():
        return "no such file"
    fragment, _, state = unquote(parts.fragment).partition("?")
    if state and name in parsed:  # a figure's state; the figure gets its id when it is drawn
        return None if fragment in parsed[name].figures else "no such figure"
    if fragment and name in parsed and fragment not in parsed[name].ids:
        return "no such anchor"
    return None


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(built, parsed, page):
    bad = {link: why for link in parsed[page].links if (why := dangling(built.folder, parsed, page, link))}
    assert not bad


@pytest.mark.parametrize("page", PAGES)
def test_loaded_files_are_in_the_book(built, parsed, page):
    remote = [link for link in parsed[page].loads if urlsplit(link).scheme or urlsplit(link).netloc]
    bad = {link: why for link in parsed[page].loads if (why := dangling(built.folder, parsed, page, link))}
    assert not remote and not bad


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique(parsed, page):
    assert not parsed[page].repeated_ids


@pytest.mark.parametrize("page", PAGES)
def test_pictures_say_what_they_show(parsed, page):
    """An empty text is for decoration; the notebook renderer's own stand-in is the name of the file."""
    assert not [alt for alt in parsed[page].alts if alt is None or alt.endswith((".png", ".svg", ".jpg"))]


# ---------------------------------------------------------------------------------------------- in a browser


@dataclass
class Visit:
    """What happened while a page was open."""

    tab: object  # playwright's Page
    local: set[Path] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser, built):
    """A function that opens a page of the book, offline, and waits until its equations are set."""
    contexts = []

    def open_page(page: str, *, scheme: str = "light", width: int = 1200, query: str = "") -> Visit:
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True, reduced_motion="reduce"
        )
        context.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        contexts.append(context)
        result = Visit(context.new_page())

        def decide(route) -> None:
            address = urlsplit(route.request.url)
            if address.scheme == "file":
                result.local.add(Path(unquote(address.path)))
                route.continue_()
            else:
                result.trouble.append(f"a request leaves the page: {route.request.url[:200]}")
                route.abort()

        context.route("**/*", decide)
        tab = result.tab
        tab.on("console", lambda message: result.trouble.append(f"console {message.type}: {message.text[:300]}"))
        tab.on("pageerror", lambda error: result.trouble.append(f"error: {error}"))
        tab.on("requestfailed", lambda r: result.trouble.append(f"failed: {r.url[-200:]}: {r.failure}"))
        tab.on("dialog", lambda dialog: result.trouble.append(f"dialog: {dialog.message}"))
        tab.goto((built.folder / page).as_uri() + query, wait_until="load")
        if page == "index.html":
            tab.wait_for_url("**/book/*.html")
        tab.wait_for_function("document.readyState === 'complete' && document.fonts.status === 'loaded'")
        tab.evaluate("window.MathJax ? MathJax.startup.promise.then(() => document.fonts.ready).then(() => 0) : 0")
        tab.evaluate(SETTLED)
        return result

    yield open_page
    for context in contexts:
        context.close()


def weight(path: Path) -> int:
    """Bytes of a file as a server would send it."""
    data = path.read_bytes()
    return len(data) if path.suffix in COMPRESSED else len(gzip.compress(data, 6))


def resize(tab, width: int) -> None:
    """Give the page another width, and wait until it has settled."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.wait_for_function("width => innerWidth === width", arg=width)
    tab.evaluate(SETTLED)


def heaviness(seen: Visit) -> list[str]:
    """The page's heaviest files, if it is heavier than a first view may be."""
    weights = {path.name: weight(path) for path in seen.local}
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:10]
    return [f"too heavy: {heaviest}"] if sum(weights.values()) > FIRST_VIEW_LIMIT else []


def unset_equations(tab) -> list[str]:
    """Equations that MathJax could not set, or did not."""
    wrong = tab.locator("mjx-merror, [data-mjx-error]").count()
    set_, all_ = tab.locator("mjx-container").count(), tab.locator("span.math, div.math").count()
    return [f"equations: {wrong} wrong, {set_} of {all_} set"] if wrong or set_ < all_ else []


def cut_off(tab) -> list[str]:
    """What does not fit the width of the page and does not scroll by itself."""
    width = tab.evaluate("document.documentElement.scrollWidth")
    found = [f"the page is {width} wide"] if width > tab.viewport_size["width"] else []
    return found + tab.evaluate(
        """() => [...document.querySelectorAll('.bd-article *')].filter((e) => {
            const scrolls = 'mjx-container, pre, table, .cell_output > .output, .drawing';
            if (e.closest(`${scrolls}, .headerlink, button`)) return false;
            const box = e.getBoundingClientRect();
            return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1);
        }).map((e) => `cut off: ${e.outerHTML.slice(0, 120)}`)"""
    )


# A chapter has thousands of coloured words in its code, in a dozen kinds, and hundreds of formulas of a dozen elements
# each; a page of the reference has thousands of names. To look at all would take axe minutes, so one of a kind stays as
# it is; the others become part of the text around them, which is looked at too.
ONE_OF_A_KIND = """() => {
    const seen = new Set();
    function thin(selector, likeness, around, drop) {
        for (const part of document.querySelectorAll(selector)) {
            const kind = [selector, ...likeness(part), ...around.map((place) => !!part.closest(place))].join();
            if (seen.has(kind)) drop(part);
            seen.add(kind);
        }
    }
    const classes = (part) => [part.className, part.parentElement.className];
    const unwrap = (part) => part.replaceWith(...part.childNodes);
    thin('mjx-container', (formula) => [formula.getAttribute('display'), formula.parentElement.className],
        ['a', 'h2', 'h3', 'li', 'td', 'th', 'summary', 'figcaption'], (formula) => formula.replaceWith('formula'));
    thin('.highlight pre span[class]', classes, ['.cell_input', '.cell_output'], unwrap);
    const apart = '[id], .highlight, .highlight *, .rnnlib-figure *, mjx-container *';
    thin(`.bd-article :is(span, code, em, strong):not(${apart})`,
        (part) => [part.tagName, part.parentElement.tagName, ...classes(part)],
        ['a', 'dt', 'dd', 'li', 'td', 'th', 'summary', 'figcaption', '.admonition', 'blockquote'], unwrap);
    document.body.normalize();
}"""


def violations(tab) -> list[str]:
    """What axe finds, in light and dark, at a desk and on a phone."""
    from axe_playwright_python.base import AXE_SCRIPT

    tab.evaluate(ONE_OF_A_KIND)
    tab.evaluate(AXE_SCRIPT)
    report = []
    contrast = ["color-contrast"]
    for scheme, width, rules in (  # colours depend on the scheme, all the rest at most on the width
        ("light", 1200, {}),
        ("dark", 1200, {"runOnly": {"type": "rule", "values": contrast}}),
        ("light", 320, {"rules": {rule: {"enabled": False} for rule in contrast}}),
    ):
        tab.emulate_media(color_scheme=scheme)
        resize(tab, width)
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme
        # preloading would fetch, which a browser refuses for files on disk
        found = tab.evaluate("o => axe.run(o)", {"preload": False, "resultTypes": ["violations"], **rules})
        assert found["passes"], "axe looked at nothing"
        report += [
            f"{scheme}, {width}: {rule['id']} ({rule['impact']}): {node['html'][:200]}: {node['failureSummary'][:300]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
    return report


@needs_chromium
@pytest.mark.parametrize("page", PAGES)
def test_page_is_silent_offline_light_fits_a_phone_and_axe_finds_nothing(visit, page):
    seen = visit(page)
    found = seen.trouble + heaviness(seen) + unset_equations(seen.tab)
    resize(seen.tab, 320)
    found += cut_off(seen.tab)
    found += violations(seen.tab)
    assert not found, "\n".join(found)
    assert not seen.trouble


@needs_chromium
@needs_codesniffer
@pytest.mark.parametrize("page", PAGES)
def test_a_second_checker_finds_nothing_worse_than_a_notice(visit, page):
    tab = visit(page).tab
    tab.evaluate(ONE_OF_A_KIND)
    found = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(SETTLED)
        found += [f"{scheme}: {fault}" for fault in faults(tab)]
    assert not found, "\n".join(found)


@needs_chromium
def test_colour_mode_switch_goes_round(visit):
    seen = visit(PAGES[0])
    button = seen.tab.locator("button.theme-switch-button:visible").first
    themes = []
    for _ in range(3):
        button.click()
        themes.append(seen.tab.evaluate("document.documentElement.dataset.mode"))
    assert sorted(themes) == ["auto", "dark", "light"]
    assert not seen.trouble


@needs_chromium
def test_search_finds_a_word_from_disk(visit):
    seen = visit("search.html", query="?q=recurrent+network")
    seen.tab.wait_for_selector("#search-results li a")
    first = seen.tab.locator("#search-results li").first
    assert first.locator("mark").first.inner_text().lower() in ("recurrent", "network")
    assert "Found in" in seen.tab.get_by_role("status").inner_text()
    assert not seen.trouble


@needs_chromium
@pytest.mark.parametrize("query", ["softmax", "gru", "vanishing+gradient", "attention", "lstm"])
def test_search_puts_what_explains_before_exercises_and_the_reference(visit, query):
    tab = visit("search.html", query=f"?q={query}").tab
    first = [link.get_attribute("href") for link in tab.locator("#search-results li a").all()[:3]]
    assert len(first) == 3 and not [link for link in first if "/exercises/" in link or "/api/" in link]


@needs_chromium
@pytest.mark.parametrize("part", ["门控", "循环", "gradi"])
def test_search_finds_a_part_of_a_word(visit, part):
    tab = visit("search.html", query=f"?q={part}").tab
    assert tab.locator("#search-results li").count() >= 1
    assert part in tab.locator("#search-results mark").first.inner_text().lower()
    with tab.expect_navigation():
        tab.locator("#search-results li a").first.click()
    assert tab.locator("#search-results").count() == 0


@needs_chromium
@pytest.mark.parametrize("width", [1200, 360])
def test_search_dialog_opens_and_leads_to_the_results(visit, width):
    seen = visit(PAGES[0], width=width)
    seen.tab.locator("button.search-button__button:visible").first.click()
    field_ = seen.tab.locator("#pst-search-dialog input[type=search]")
    field_.fill("gradient")
    field_.press("Enter")
    seen.tab.wait_for_url("**/search.html?q=gradient**")
    assert not seen.trouble


@needs_chromium
@pytest.mark.parametrize(("width", "name"), [(1200, "primary"), (360, "primary"), (360, "secondary")])
def test_sidebar_buttons_work(visit, width, name):
    page = next(p for p in PAGES if p.endswith("intro.html"))
    seen = visit(page, width=width)
    sidebar = seen.tab.locator(f".bd-sidebar-{name}").first
    before = sidebar.is_visible() and sidebar.bounding_box()["x"] >= 0
    seen.tab.locator(f"button.{name}-toggle:visible").first.click()
    seen.tab.evaluate(SETTLED)
    after = sidebar.is_visible() and sidebar.bounding_box()["x"] >= 0
    assert before != after
    assert not seen.trouble


# ---------------------------------------------------------------------------------------------- the layout

CHAPTERS = [page for page in PAGES if re.search(r"book/\d\d_", page)]

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


@needs_chromium
@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("page", [page for page in PAGES if page != "index.html"])  # which only leads to the intro
def test_nothing_jumps_while_a_page_loads(browser, built, page, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    tab = context.new_page()
    tab.add_init_script(SHIFTS)
    tab.goto((built.folder / page).as_uri())
    tab.evaluate("window.MathJax ? MathJax.startup.promise.then(() => 0) : 0")
    tab.evaluate(SETTLED)
    shifts = tab.evaluate("shifts")
    context.close()
    assert sum(shifts) < 0.1, shifts


@needs_chromium
@pytest.mark.parametrize("page", CHAPTERS)
def test_no_code_is_cut_off_at_1200_and_prose_keeps_to_its_measure(visit, page):
    tab = visit(page).tab
    cut = tab.evaluate(
        """() => [...document.querySelectorAll(".cell_input pre")]
            .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
            .map((e) => e.innerText.split("\\n").sort((a, b) => b.length - a.length)[0])"""
    )
    assert not cut
    widest = tab.evaluate("Math.max(...[...document.querySelectorAll('section > p')].map((e) => e.offsetWidth))")
    assert widest <= 680


@needs_chromium
@pytest.mark.parametrize("page", CHAPTERS)
def test_drawings_follow_light_and_dark_and_stack_on_a_phone(visit, page):
    tab = visit(page).tab
    if not tab.locator(".drawing").count():
        pytest.skip("this chapter's plots are not stored as drawings")
    ink = "getComputedStyle(document.querySelector('.drawing text')).fill"
    light = tab.evaluate(ink)
    tab.emulate_media(color_scheme="dark")
    tab.evaluate(SETTLED)
    assert tab.evaluate(ink) != light
    resize(tab, 360)
    small = tab.evaluate(
        """() => [...document.querySelectorAll(".drawing-whole text, .drawing-part")].filter((e) => e.checkVisibility())
            .map((e) => {
                const svg = e.closest("svg");
                const size = e.tagName === "text" ? parseFloat(getComputedStyle(e).fontSize) : 9;
                return size * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            }).filter((size) => size > 0 && size < 8.9)"""
    )
    assert not small
    # a panel shows only its own part, cut by the outlines that the whole drawing holds, which must exist for that
    inner = "[...document.querySelectorAll('.drawing-part svg')].map((e) => getComputedStyle(e).overflow)"
    assert set(tab.evaluate(inner)) <= {"hidden"}
    whole = """[...document.querySelectorAll('.panels > .drawing-whole')].map((e) => [getComputedStyle(e).display,
        e.getBoundingClientRect().width])"""
    assert all(display != "none" and width == 0 for display, width in tab.evaluate(whole))


@needs_chromium
def test_paper_is_light_whatever_the_screen_was(visit):
    tab = visit(CHAPTERS[0], scheme="dark").tab
    tab.emulate_media(media="print", color_scheme="dark")
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = tab.evaluate("getComputedStyle(document.querySelector('.bd-article p')).color")
    assert ground == "rgb(255, 255, 255)"
    assert max(int(channel) for channel in ink[4:-1].split(",")) < 80


@needs_chromium
@pytest.mark.parametrize("page", CHAPTERS)
def test_on_paper_figures_are_whole_in_colour_and_without_what_paper_cannot_do(visit, page, tmp_path):
    tab = visit(page, scheme="dark", width=800).tab
    tab.emulate_media(media="print", color_scheme="dark")
    figures = tab.locator(".rnnlib-figure .rf")
    assert figures.count() >= 1
    for style in figures.evaluate_all("(all) => all.map((e) => ({ ...getComputedStyle(e) }))"):
        assert style["backgroundColor"] == "rgb(255, 255, 255)"
        assert style["breakInside"] == "avoid"
        assert style["printColorAdjust"] == "exact"
    assert all(
        adjust == "exact"
        for adjust in tab.locator(".rnnlib-figure svg rect").evaluate_all(
            "(all) => all.slice(0, 20).map((e) => getComputedStyle(e).printColorAdjust)"
        )
    )
    assert tab.locator(".drawing").evaluate_all(
        "(all) => all.every((e) => getComputedStyle(e).breakInside === 'avoid')"
    )
    dead = "button.rf-link, .rf-panel, .rf-play"
    assert not tab.locator(".rnnlib-figure").locator(dead).evaluate_all("(all) => all.some((e) => e.checkVisibility())")


@needs_chromium
@pytest.mark.parametrize(("width", "most"), [(1200, 560), (360, 680)])
@pytest.mark.parametrize("page", CHAPTERS)
def test_figures_on_their_pages_are_low_enough_and_the_page_does_not_scroll_sideways(visit, page, width, most):
    tab = visit(page, width=width).tab
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tall = tab.locator(".rnnlib-figure").evaluate_all(
        "(all, most) => all.map((e) => [e.dataset.figure, e.offsetHeight]).filter(([name, h]) => h > most)", most
    )
    assert not tall
    if width == 360:  # prose, figures and code have the width of the phone but for a thumb's margin
        assert tab.locator(".bd-article section > p").first.bounding_box()["width"] >= 325


@needs_chromium
@pytest.mark.parametrize("page", ["book/notation.html", "book/for_teachers.html"])
def test_wide_tables_are_lists_on_a_phone(visit, page):
    tab = visit(page, width=360).tab
    listed = tab.locator("table.listed")
    assert listed.count() >= 1
    assert not tab.evaluate(
        """() => [...document.querySelectorAll("table")].filter((e) => e.checkVisibility())
            .filter((e) => e.parentElement.scrollWidth > e.parentElement.clientWidth + 1).map((e) => e.innerText)"""
    )


@needs_chromium
@pytest.mark.parametrize("page", CHAPTERS)
def test_chapter_moves_early_its_links_set_figures_and_no_widget_is_dead(visit, page):
    """Something reacts within two screens of 1200 x 800; links in the prose set states; for widgets, a picture."""
    tab = visit(page).tab
    tops = tab.evaluate("[...document.querySelectorAll('.rnnlib-figure')].map((e) => e.getBoundingClientRect().top)")
    assert min(tops) + tab.evaluate("scrollY") < 2 * 800

    links = tab.locator(".bd-article a[href^='#'][href*='?']")
    assert links.count() >= 1
    for link in links.all():
        link.click()
        name, _, wanted = unquote(urlsplit(link.get_attribute("href")).fragment).partition("?")
        tab.locator(f"#{name} .rf-link:not(.rf-more)").click()  # writes the state of the figure into the address
        _, _, shown = unquote(urlsplit(tab.url).fragment).partition("?")
        assert set(wanted.split("&")) <= set(shown.replace("+", " ").split("&"))

    own = tab.locator(".cell").filter(has=tab.locator(".cell_input", has_text="Live("))
    assert own.count() >= 1 and own.locator(".cell_output .drawing").count() == own.count()
    text = tab.locator(".bd-article").inner_text()
    assert "In JupyterLab" in text and not re.search(r"Loading widget|Box\(children|Slider\(value", text)
    assert not tab.locator(".bd-article :is(.jupyter-widgets, .widget-view, [type='application/vnd.jupyter*'])").count()


@needs_chromium
def test_an_address_with_a_figure_s_name_leads_to_it(visit):
    """The figure gets its id when it is drawn, after the browser has looked for it."""
    tab = visit("book/01_sequences.html", query="#shapes").tab
    box = tab.locator("#shapes").bounding_box()
    assert tab.evaluate("scrollY") > 200 and 0 <= box["y"] + box["height"] / 2 <= 900


def test_search_looks_through_text_without_the_keys_of_what_is_cited(built):
    keys = re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf8"), re.M)
    text = (built.folder / "_static" / "book-text.js").read_text(encoding="utf8")
    assert len(keys) > 50 and len(text) > 500_000
    assert [key for key in keys if key in text] == [] and "eq-gru" not in text
