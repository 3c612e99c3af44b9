"""Sphinx extension that brings the figures of a page to life, offline.

A page whose notebook outputs hold figures gets the host script and, for each kind of figure on it, its module and its
style sheet, and the shipped data that it names, which are written once per book; other pages get nothing. All files are
local; a page works from ``file://``. Enable it with ``extensions = ["rnnlib.figures.sphinx_ext"]`` (Jupyter Book:
``sphinx.extra_extensions``).

A page without a notebook shows a figure with the directive ``living-figure``: its argument is the class, its content
the traits as JSON, for instance ``{"text": "The value of", "temperature": 0.5}``.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from traitlets import TraitError

import rnnlib.figures
from rnnlib.figures.base import HERE
from rnnlib.figures.shipped import SHIPPED, shipped


class LivingFigure(SphinxDirective):
    """The directive ``living-figure``: what a notebook's output cell holds, on a page of plain Markdown."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in rnnlib.figures.__all__:
            raise self.error(f"no figure is called {name!r}; expected one of {', '.join(rnnlib.figures.__all__)}")
        try:
            figure = getattr(rnnlib.figures, name)(**json.loads("\n".join(self.content) or "{}"))
        except (TypeError, ValueError, TraitError) as error:
            raise self.error(f"{name}: {error}") from error
        return [nodes.raw("", figure.to_html(), format="html")]


_FIGURE = re.compile(r'class="rnnlib-figure" data-figure="(\w+)"(?: data-named="([\w ]+)")? data-state="([^"]*)"')


def prefer_html(app: Sphinx, config: Config) -> None:
    """Make myst-nb show a figure's HTML, not the widget view that needs a kernel."""
    if "nb_mime_priority_overrides" in config:
        config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, ("html", "text/html", 0)]


def add_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Add the host, and the module, style sheet and data of each kind of figure, to a page that has figures."""
    figures = _FIGURE.findall(context.get("body", ""))
    names = sorted({name for name, _, _ in figures})
    data = set()
    for _, named, state in figures:
        values = json.loads(html.unescape(state))
        data |= {values[trait] for trait in named.split() if isinstance(values[trait], str)}
    for name in names:
        app.add_css_file(f"figures/{name}.css")
    for name in (*sorted(f"data/{name}" for name in data), *names, *(["host"] if names else [])):
        app.add_js_file(f"figures/{name}.js", loading_method="defer")


def write_scripts(app: Sphinx) -> None:
    """Write the host, a script and a style sheet per figure, and a script per shipped file, into the static folder."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "figures"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "host.js").write_text((HERE / "host.js").read_text(encoding="utf8"), encoding="utf8")
    for name in rnnlib.figures.__all__:
        figure = getattr(rnnlib.figures, name)
        parts = {"module": figure._esm, "state": figure.defaults()}
        (folder / f"{name}.js").write_text(assignment("rnnlibFigures", name, parts), encoding="utf8")
        (folder / f"{name}.css").write_text(figure._css, encoding="utf8")
    for name in SHIPPED:
        (folder / "data" / f"{name}.js").write_text(assignment("rnnlibData", name, shipped(name)), encoding="utf8")


def assignment(variable: str, name: str, value: object) -> str:
    """A script that leaves a value under a name in an object of the page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"(window.{variable} ??= {{}}).{name} = {text};\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the three steps with Sphinx."""
    app.add_directive("living-figure", LivingFigure)
    app.connect("config-inited", prefer_html)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_scripts)
    return {"version": rnnlib.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
