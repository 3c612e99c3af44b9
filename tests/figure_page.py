"""A page with one figure alone, opened from disk without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlib.figures.base import HERE, Data, Figure
from rnnlib.figures.shipped import shipped
from rnnlib.figures.sphinx_ext import assignment


@contextmanager
def page_of(browser: Any, folder: Path, figure: Figure, **options: Any) -> Iterator[Any]:
    """The page as a tab of the browser; what its console says is in `tab.trouble`."""
    traits = figure.traits().items()
    named = {
        trait.given(figure) for _, trait in traits if isinstance(trait, Data) and isinstance(trait.given(figure), str)
    }
    parts = {"module": figure._esm, "state": figure.defaults()}
    scripts = [
        *(assignment("rnnlibData", name, shipped(name)) for name in sorted(named)),
        assignment("rnnlibFigures", type(figure).__name__, parts),
        (HERE / "host.js").read_text(encoding="utf8"),
    ]
    for n, script in enumerate(scripts):
        (folder / f"{n}.js").write_text(script, encoding="utf8")
    tags = "".join(f'<script src="{n}.js"></script>' for n in range(len(scripts)))
    page = f'<!doctype html><html><meta charset="utf8"><style>{figure._css}</style>{figure.to_html()}{tags}</html>'
    (folder / "page.html").write_text(page, encoding="utf8")
    usual = {"viewport": {"width": 1000, "height": 800}, "offline": True, "reduced_motion": "reduce"}
    context = browser.new_context(**usual | options)
    tab = context.new_page()
    tab.trouble = []
    tab.on("console", lambda message: tab.trouble.append(message.text))
    tab.on("pageerror", lambda error: tab.trouble.append(str(error)))
    tab.goto((folder / "page.html").as_uri())
    tab.wait_for_selector(".rnnlib-figure[data-ready]")
    tab.wait_for_timeout(400)
    yield tab
    assert not tab.trouble
    context.close()


def told(tab: Any) -> str:
    """The finding, the first text in the picture."""
    tab.wait_for_timeout(150)
    return str(tab.locator("svg.rf-picture text").first.text_content())


def summary(tab: Any) -> str:
    """What a screen reader is told."""
    tab.wait_for_timeout(500)
    return str(tab.locator(".rf-summary").inner_text())


def call(tab: Any, source: str, expression: str, argument: object) -> Any:
    """Import an ES module in the browser and evaluate an expression with its names as `m`."""
    script = f"""async ([source, argument]) => {{
        const url = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
        const m = await import(url);
        return {expression};
    }}"""
    return tab.evaluate(script, [source, argument])
