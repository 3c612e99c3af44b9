"""Sphinx extension that brings the figures of a page to life, offline.

A page whose notebook outputs hold figures gets the host script and, for each kind of figure on it, its module
and its style sheet; other pages get nothing. All files are local; a page works from ``file://``. Enable it with
``extensions = ["rnnlib.figures.sphinx_ext"]`` (Jupyter Book: ``sphinx.extra_extensions``).

A page without a notebook shows a figure with the directive ``living-figure``: its argument is the class, its content
the traits as JSON, for instance ``{"text": "The value of", "temperature": 0.5}``.
"""

from __future__ import annotations

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


_FIGURE = re.compile(r'class="rnnlib-figure" data-figure="(\w+)"')


def prefer_html(app: Sphinx, config: Config) -> None:
    """Make myst-nb show a figure's HTML, not the widget view that needs a kernel."""
    if "nb_mime_priority_overrides" in config:
        config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, ("html", "text/html", 0)]


def add_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Add the host, and the module and style sheet of each kind of figure, to a page that has figures."""
    names = sorted(set(_FIGURE.findall(context.get("body", ""))))
    for name in names:
        app.add_css_file(f"figures/{name}.css")
        app.add_js_file(f"figures/{name}.js", loading_method="defer")
    if names:
        app.add_js_file("figures/host.js", loading_method="defer")


def write_scripts(app: Sphinx) -> None:
    """Write the host, and one script and one style sheet per figure, into the book's static folder."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "host.js").write_text((HERE / "host.js").read_text(encoding="utf8"), encoding="utf8")
    for name in rnnlib.figures.__all__:
        figure = getattr(rnnlib.figures, name)
        source = json.dumps(figure._esm, ensure_ascii=False)
        script = f"(window.rnnlibFigures ??= {{}}).{name} = {source};\n"
        (folder / f"{name}.js").write_text(script, encoding="utf8")
        (folder / f"{name}.css").write_text(figure._css, encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the three steps with Sphinx."""
    app.add_directive("living-figure", LivingFigure)
    app.connect("config-inited", prefer_html)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_scripts)
    return {"version": rnnlib.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
