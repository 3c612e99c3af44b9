"""A small Sphinx project with one page per figure, built and opened offline, and what all its tests do by hand.

It stands in for the book: its notebooks hold what a figure displays.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

import rnnlib.figures

FIGURES = {name: getattr(rnnlib.figures, name) for name in rnnlib.figures.__all__}
PICTURES = [name for name in FIGURES if name != "Ask"]
every_figure = pytest.mark.parametrize("name", FIGURES)
every_picture = pytest.mark.parametrize("name", PICTURES)


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


def build(source: Path, target: Path) -> Path:
    """Write the site into one folder and build it in the other: one page per figure, one with two, one without any."""
    from sphinx.cmd.build import build_main

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


@contextmanager
def visited(
    browser: Any, site: Path, page: str, *, width: int = 1200, scheme: str = "light", **options: Any
) -> Iterator[Any]:
    """A page opened offline; what goes wrong on it is collected in `tab.trouble`."""
    viewport = {"width": width, "height": 900}
    context = browser.new_context(color_scheme=scheme, viewport=viewport, offline=True, **options)
    tab = context.new_page()
    tab.trouble = []

    def heard(message: Any) -> None:
        if not message.text.startswith("[PST]"):  # the theme of this small project names its mode
            tab.trouble.append(f"{message.type}: {message.text[:300]}")

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "blob:", "data:")):
            tab.trouble.append(request.url[:200])

    tab.on("console", heard)
    tab.on("pageerror", lambda error: tab.trouble.append(f"error: {error}"))
    tab.on("requestfailed", lambda request: tab.trouble.append(f"failed: {request.url[-200:]}"))
    tab.on("request", asked)
    tab.goto((site / f"{page}.html").as_uri(), wait_until="load")
    if options.get("java_script_enabled", True) and page != "index":
        tab.wait_for_selector(".rnnlib-figure[data-ready]", timeout=30_000)
        tab.wait_for_timeout(100)  # the observers of sizes have had their turn
    yield tab
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
