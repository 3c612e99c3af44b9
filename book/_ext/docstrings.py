"""The library's reference from its docstrings, and the way from each name to the chapters that use it, and back.

* A chapter's number in a docstring becomes a link. Below each public name stand the chapters whose code uses it, and
  at the end of a chapter the names that its code uses, each a link to its entry.
* Columns in a module's docstring stay columns, and a bar in a formula stays a bar.
* The terms of the glossary, in both languages, stand in the index.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import index, pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

BOOK = Path(__file__).resolve().parent.parent
NUMBERS = re.compile(r"\b[Cc]hapters? \d+(?:(?:, | and | to )\d+)*")
HAN = re.compile(r"[\u4e00-\u9fff]")
CHINESE = "中文"  # one heading of the index for all Chinese names
LITERAL = re.compile(r"(``.*?``|`[^`]*`)")


def chapters() -> dict[int, Path]:
    """The chapters by number."""
    return {int(path.name[:2]): path for path in sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))}


def code_of(path: Path) -> ast.Module:
    """The code of a notebook, as one program."""
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    return ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


def used_names(program: ast.Module) -> set[str]:
    """The public names of rnnlib that a program imports, or takes from a module that it imports, with their modules."""
    found, modules = set(), {}
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rnnlib":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if isinstance(resolve(name), ModuleType):
                    modules[alias.asname or alias.name] = name
                else:
                    found.add(name)
    for node in ast.walk(program):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(f"{modules[node.value.id]}.{node.attr}")
    return {public(name) for name in found}


def resolve(name: str) -> Any:
    """The module or the thing of this name."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        module, _, last = name.rpartition(".")
        return getattr(import_module(module), last)


def public(name: str) -> str:
    """A name by the package that offers it, and a class by its own name.

    ``rnnlib.text.pieces.Pieces`` is ``rnnlib.text.Pieces``, and ``rnnlib.seq2seq.by_hand.attend`` stays.
    """
    package, last = ".".join(name.split(".")[:2]), name.rpartition(".")[2]
    offered = getattr(import_module(package), "__all__", ())
    own = getattr(resolve(name), "__name__", last)
    return next((f"{package}.{n}" for n in (own, last) if n in offered), name)


@cache
def uses() -> dict[str, list[int]]:
    """For each public name, the chapters whose code uses it."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, path in chapters().items():
        for name in sorted(used_names(code_of(path))):
            found[name].append(number)
    return dict(found)


def linked(text: str) -> str:
    """A line of a docstring with its chapters' numbers as links, and bars as bars."""

    def link(match: re.Match[str]) -> str:
        known = chapters()
        return re.sub(
            r"\d+",
            lambda n: f":doc:`{n[0]} </book/{known[int(n[0])].stem}>`" if int(n[0]) in known else n[0],
            match[0],
        )

    parts = LITERAL.split(text)
    return "".join(p if k % 2 else NUMBERS.sub(link, p.replace("|", "\\|")) for k, p in enumerate(parts))


def columns(lines: list[str]) -> list[str]:
    """Lines with what is indented after an empty line marked as text whose spaces count."""
    found: list[str] = []
    for line in lines:
        if line.startswith("    ") and found and not found[-1].strip():
            found += ["::", ""]
        found.append(line)
    return found


def improve(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Change a docstring's lines in place, before they are read as numpydoc."""
    plain = [line if line.lstrip().startswith((">>>", "...")) else linked(line) for line in lines]
    lines[:] = columns(plain) if what == "module" else plain
    if name in uses():
        where = uses()[name]
        links = ", ".join(f":doc:`{n} </book/{chapters()[n].stem}>`" for n in where)
        lines[:] = after_summary(lines, [f"In the code of {'chapters' if len(where) > 1 else 'chapter'} {links}.", ""])


def after_summary(lines: list[str], inserted: list[str]) -> list[str]:
    """Lines with others behind the first paragraph."""
    end = next((k for k, line in enumerate(lines) if not line.strip()), len(lines))
    return [*lines[:end], "", *inserted, *lines[end:]]


def add_to_page(app: Sphinx, doctree: nodes.document) -> None:
    """At the end of a chapter, the library's names that its code uses."""
    name = app.env.docname
    if not re.fullmatch(r"book/\d\d_\w+", name):
        return
    number = int(name.removeprefix("book/")[:2])
    packages: dict[str, list[str]] = defaultdict(list)
    for full, where in uses().items():
        if number in where and documented(full):
            packages[full.split(".")[1]].append(full)
    *_, last = doctree.findall(nodes.section)
    last += nodes.rubric("", "In the library")
    for package, names in sorted(packages.items()):
        paragraph = nodes.paragraph("", f"{package}: ", classes=["library-names"])
        for k, full in enumerate(sorted(names, key=str.lower)):
            paragraph += nodes.Text(", " if k else "")
            options = {"refdomain": "py", "reftype": "obj", "reftarget": full, "refdoc": name, "refexplicit": True}
            paragraph += pending_xref("", nodes.literal("", full.rpartition(".")[2]), **options)
        last += paragraph


def documented(name: str) -> bool:
    """Whether the reference has an entry for a name: a function or class that its package offers."""
    package, last = name.rpartition(".")[::2]
    thing = resolve(name)
    return (inspect.isclass(thing) or inspect.isfunction(thing)) and last in getattr(
        import_module(package), "__all__", ()
    )


class GlossaryToIndex(SphinxTransform):
    """Entries of the index for a term such as "gate · 门": one for each language."""

    default_priority = 400  # before Sphinx collects the index

    def apply(self, **options: Any) -> None:
        if self.env.docname != "book/glossary":
            return
        for term in list(self.document.findall(nodes.term)):
            names = term.astext().split(" · ")
            anchor = f"term-{nodes.make_id(names[0])}"
            term["ids"].append(anchor)
            term.insert(
                0,
                index(entries=[("single", name, anchor, "", CHINESE if HAN.search(name) else None) for name in names]),
            )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", improve, priority=100)
    app.connect("doctree-read", add_to_page)
    app.add_transform(GlossaryToIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
