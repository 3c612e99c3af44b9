"""Sphinx extension of the book's frame: a page loads nothing that is not in the book's own folder.

* MathJax is copied out of the installed package ``sphinx-mathjax-offline``: the parts that a page can ask for.
* The style sheets become one. The colours of `rnnlib.figures` are those of the pages, and matplotlib's drawings take
  part in them (`drawings.py`).
* The theme's script stops writing to the console of every reader's browser.
* The list of references loses two ARIA roles that docutils gives it and that no longer exist or do not fit,
  an empty heading of a table (the corner above its row names) becomes a plain empty cell, and a heading that is
  nothing but an equation gets a name in plain text for screen readers. A comma after a formula stays on its line.
  Wide tables are marked, so that a phone shows them as lists (`tables.py`).
* ``index.html`` is a complete page, so that it is accessible too while it leads on to the first one.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from drawings import inline_drawings
from sphinx.application import Sphinx
from sphinx.util.fileutil import copy_asset
from tables import listed

from rnnlib.figures.base import HERE as FIGURES

HERE = Path(__file__).parent
# in book/_styles, in the order in which they are joined: a later one wins
STYLES = (
    "colours",
    "type",
    "code",
    "pictures",
    "equations",
    "tables",
    "boxes",
    "frame",
    "search",
    "print",
    "reference",
    "cheatsheet",
)
EMPTY_HEADING = re.compile(r"<th([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>")
EQUATION_HEADING = re.compile(r'(<th[^>]*>\s*<p>)<span class="math ([^"]*)">\\\((.*?)\\\)</span>(</p>\s*</th>)', re.S)
MARK_AFTER_FORMULA = re.compile(r'(<span class="math [^"]*">[^<]*</span>)([.,;:!?)’”]+)')
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={target}">
</head>
<body><main><h1>{title}</h1><p><a href="{target}">Open the book</a></p></main></body>
</html>
"""


def mathjax_folder() -> Path:
    """Where the installed package keeps MathJax."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is missing: install the packages of requirements.txt")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(static: Path) -> None:
    """Copy MathJax into the folder of static files."""
    source, target = mathjax_folder(), static / "mathjax"
    for part in MATHJAX_PARTS:
        folder = (target / part) if (source / part).is_dir() else (target / part).parent
        copy_asset(str(source / part), str(folder))


def quieten(script: Path) -> None:
    """Turn the theme's progress messages on the console into calls of nothing."""
    text = script.read_text(encoding="utf8")
    script.write_text(text.replace("console.log(", "(()=>{})("), encoding="utf8")


def named_heading(match: re.Match[str]) -> str:
    """A table's heading that is one equation, with the equation in plain text beside it for those who hear the page."""
    start, classes, tex, end = match.groups()
    plain = re.sub(r"\\(mathbf|boldsymbol|mathrm|text|left|right|[,;!: ])|[{}\\]", "", tex).strip()
    seen = f'<span class="math {classes}" aria-hidden="true">\\({tex}\\)</span>'
    return f'{start}{seen}<span class="visually-hidden">{plain}</span>{end}'


def repair_markup(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Make the body of a page say to a screen reader what it shows."""
    body = context.get("body", "")
    body = body.replace('role="list" class="citation-list"', 'class="citation-list"')
    body = body.replace(' role="doc-biblioentry"', "")
    body = EQUATION_HEADING.sub(named_heading, body)
    body = MARK_AFTER_FORMULA.sub(r'<span class="with-mark">\1\2</span>', body)
    context["body"] = listed(EMPTY_HEADING.sub(r"<td\1></td>", body))


def name_summaries(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Give the arrows that unfold a chapter in the list of contents a name: the theme's have none."""
    generate = context.get("generate_toctree_html")
    if generate is not None:
        label = '<summary aria-label="Exercises of this chapter">'
        context["generate_toctree_html"] = lambda *args, **options: str(generate(*args, **options)).replace(
            "<summary>", label
        )


def write_styles(app: Sphinx) -> None:
    """Write what the pages load as one style sheet: the palette, which figures and drawings share, and `STYLES`."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        paths = [FIGURES / "palette.css", *(HERE.parent / "_styles" / f"{name}.css" for name in STYLES)]
        sheets = [path.read_text(encoding="utf8") for path in paths]
        (static / "book.css").write_text("\n".join(sheets), encoding="utf8")


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Complete the built pages with the files that they load."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static)
    for macros in static.glob("*webpack-macros.html"):
        macros.unlink()  # templates that the theme leaves among the files it publishes
    quieten(static / "scripts" / "pydata-sphinx-theme.js")
    target = f"{app.config.root_doc}.html"
    title = app.config.html_title.replace("&", "&amp;")
    (Path(app.outdir) / "index.html").write_text(INDEX.format(title=title, target=target), encoding="utf8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_styles)
    app.connect("html-page-context", inline_drawings)
    app.connect("html-page-context", repair_markup)
    app.connect("html-page-context", name_summaries, priority=900)  # after the theme's own
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
