"""A figure on a page of plain Markdown."""

import subprocess
import sys

from rnnlib.figures import UnrollStepper


def test_the_directive_shows_what_a_notebook_cell_would_and_names_an_unknown_figure(tmp_path):
    page = '# A page\n\n```{living-figure} UnrollStepper\n{"step": 3}\n```\n'
    built, _ = build_page(tmp_path / "known", page)
    assert UnrollStepper(step=3).to_html() in built
    _, warnings = build_page(tmp_path / "unknown", page.replace("UnrollStepper", "Stepper"))
    assert "no figure is called 'Stepper'; expected one of" in warnings
    _, warnings = build_page(tmp_path / "trait", page.replace("step", "stride"))
    assert "UnrollStepper has no trait 'stride'" in warnings


def build_page(folder, markdown):
    """Build a book of one page, in a process of its own: its HTML and the warnings."""
    folder.mkdir()
    (folder / "index.md").write_text(markdown, encoding="utf8")
    (folder / "conf.py").write_text("extensions = ['myst_parser', 'rnnlib.figures.sphinx_ext']\n", encoding="utf8")
    command = [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (folder / "html" / "index.html").read_text(encoding="utf8"), done.stderr
