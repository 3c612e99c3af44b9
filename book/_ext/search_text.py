"""The text that the search page looks through: one entry per section, as a script, since no page may fetch a file.

Sphinx's own index knows words; Chinese text has no spaces between them, and a reader looks for a part of a term.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx


def entries(doctree: nodes.document, page: str, title: str) -> Iterator[list[str]]:
    """Page, title, heading, anchor and text of every section that has text of its own."""
    for section in doctree.findall(nodes.section):
        heading = section.next_node(nodes.title)
        own = (child for child in section.children if not isinstance(child, nodes.section | nodes.title))
        text = " ".join(map(text_of, own))
        if heading is not None and (text or len(section.children) > 1):
            yield [page, title, heading.astext(), section["ids"][0], " ".join(text.split())]


SKIPPED = (nodes.math, nodes.math_block, nodes.literal_block, nodes.raw, nodes.comment)


def text_of(node: nodes.Node) -> str:
    """The text of a part of a page without formulas, code, what only other formats show, and keys of what is cited."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, SKIPPED) or (isinstance(node, pending_xref) and node["refdomain"] in ("cite", "math")):
        return ""
    return ("" if isinstance(node, nodes.TextElement) else " ").join(text_of(child) for child in node.children)


def write_search_text(app: Sphinx, exception: Exception | None) -> None:
    """Write ``_static/book-text.js``."""
    if exception is not None or app.builder.format != "html":
        return
    found = []
    for name in sorted(app.env.found_docs):
        title = app.env.titles[name].astext()
        number = app.env.toc_secnumbers.get(name, {}).get("")
        named = f"{'.'.join(map(str, number))}. {title}" if number else title
        found += list(entries(app.env.get_doctree(name), f"{name}.html", named))
    script = f"window.bookText = {json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n"
    (Path(app.outdir) / "_static" / "book-text.js").write_text(script, encoding="utf8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", write_search_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
