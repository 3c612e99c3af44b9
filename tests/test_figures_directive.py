"""A figure on a page of plain Markdown."""

import html
import io
import json

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from rnnlib.figures import UnrollStepper


def test_the_directive_shows_what_a_notebook_cell_would_and_names_an_unknown_figure(tmp_path):
    page = '# A page\n\n```{living-figure} UnrollStepper\n{"step": 3}\n```\n'
    built, _ = build_page(tmp_path / "known", page)
    assert html.escape(json.dumps(UnrollStepper(step=3).state(), separators=(",", ":"), sort_keys=True)) in built
    _, warnings = build_page(tmp_path / "unknown", page.replace("UnrollStepper", "Stepper"))
    assert "no figure is called 'Stepper'; expected one of" in warnings
    _, warnings = build_page(tmp_path / "trait", page.replace("step", "stride"))
    assert "UnrollStepper has no trait 'stride'" in warnings


def build_page(folder, markdown):
    """Build a book of one page: its HTML and the warnings."""
    folder.mkdir()
    (folder / "index.md").write_text(markdown, encoding="utf8")
    settings = {"extensions": ["myst_parser", "rnnlib.figures.sphinx_ext"]}
    with docutils_namespace():
        warnings = io.StringIO()
        app = Sphinx(folder, None, folder / "html", folder / "doctrees", "html", settings, None, warnings)
        app.build()
    return (folder / "html" / "index.html").read_text(encoding="utf8"), warnings.getvalue()
