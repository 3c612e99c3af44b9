"""Names in a cell's source: what it defines, what it needs, what it hides. Nothing is run.

A cell in IPython's own language (`%time`, `!ls`) is translated first. What cannot be parsed defines and needs nothing.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .exercise import Exercise

LONGEST = 20_000  # characters of a cell that is looked into
DEEPEST = 60  # brackets in brackets
BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "get_ipython", "display", "In", "Out", "exit", "quit"}
SHELL = frozenset({"get_ipython", "display", "exit", "quit"})


@dataclass(frozen=True)
class Terms:
    """What a task asks of the student's cells, as the stage is told.

    Attributes
    ----------
    asked : tuple of str
        The names that the check cell takes from them.
    may_change, without : tuple of str
        See `Task`.
    """

    asked: tuple[str, ...] = ()
    may_change: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass
class Names:
    """What a piece of code has to do with names outside of it.

    Attributes
    ----------
    defines : dict of str to str
        Names that it sets at its top level, and how: the import statement, or "".
    needs : set of str
        Names that it reads and does not define itself, inside functions too.
    touches : set of str
        Names whose objects it changes: `W[0] = 1`, `f.cache = {}`.
    packages : set of str
        Packages that it imports, anywhere.
    parsed : bool
    """

    defines: dict[str, str] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    touches: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    parsed: bool = False


@functools.lru_cache(maxsize=512)
def names(source: str) -> Names:
    """What a cell defines and needs.

    Examples
    --------
    >>> found = names("import numpy as np\\ndef f(x):\\n    y = g(x)\\n    return np.sum(y)")
    >>> found.defines, sorted(found.needs)
    ({'np': 'numpy', 'f': ''}, ['g'])
    >>> names("def f(:").parsed
    False
    """
    found = Names()
    tree = parsed(source)
    if tree is None:
        return found
    found.parsed = True
    bound_inside: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (found.needs if isinstance(node.ctx, ast.Load) else bound_inside).add(node.id)
        elif isinstance(node, ast.arg):
            bound_inside.add(node.arg)
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.touches |= _base(node)
        elif isinstance(node, ast.Import):
            found.packages |= {alias.name.split(".")[0] for alias in node.names}
            bound_inside |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.packages.add((node.module or "").split(".")[0])
            bound_inside |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ExceptHandler | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound_inside.add(node.name or "")
    for statement in _top(tree.body):
        found.defines.update(_bound(statement))
    found.needs -= set(found.defines) | bound_inside
    return found


def parsed(source: str) -> ast.Module | None:
    """A cell's syntax tree, or None."""
    if len(source) > LONGEST or _depth(source) > DEEPEST:
        return None
    for text in (source, None):
        try:
            return ast.parse(_translated(source) if text is None else text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _translated(source: str) -> str:
    """IPython's own language as Python; a cell magic's body as it is."""
    from IPython.core.inputtransformer2 import TransformerManager

    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%") and first.split()[0] in ("%%time", "%%timeit", "%%capture", "%%prun"):
        source = rest
    return TransformerManager().transform_cell(source)


def _depth(source: str) -> int:
    depth = most = 0
    for char in source:
        if char in "([{":
            depth += 1
            most = max(most, depth)
        elif char in ")]}":
            depth -= 1
    return most


def _base(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _top(body: list[Any]) -> Iterable[Any]:
    """The statements that run in the cell's own scope, inside `if`, `for`, `with` and `try` too."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            yield from _top(getattr(statement, part, []))


def _bound(statement: Any) -> dict[str, str]:
    """The names that one statement sets."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name: ""}
    if isinstance(statement, ast.Import):
        return {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in statement.names}  # fmt: skip
    if isinstance(statement, ast.ImportFrom):
        return {alias.asname or alias.name: f"{statement.module}.{alias.name}" for alias in statement.names}
    targets: list[ast.AST] = []
    for key in ("targets", "target", "items"):
        value = getattr(statement, key, [])
        targets += value if isinstance(value, list) else [value]
    found = [node for target in targets for node in ast.walk(target)]
    return {node.id: "" for node in found if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def given(exercise: Exercise) -> dict[str, str]:
    """The names that setup cells define, and how."""
    found: dict[str, str] = {}
    for cell in exercise.cells:
        if cell.role == "setup":
            found.update(names(cell.source).defines)
    return found


def asked(exercise: Exercise, task: str) -> tuple[str, ...]:
    """The names that a task's answer is to define: those of its stubs, and those that only its check cell needs."""
    found: dict[str, None] = {}
    for cell in exercise.cells:
        if cell.role == "answer" and cell.task == task:
            found |= dict.fromkeys(names(cell.source).defines)
    this = exercise.tasks[task]
    needs = set().union(*(names(case.source).needs for case in this.cases))
    return tuple(found | dict.fromkeys(sorted(needs - set(given(exercise)) - BUILTINS)))


def terms(exercise: Exercise, task: str) -> Terms:
    """What the stage is told about a task."""
    this = exercise.tasks[task]
    return Terms(asked(exercise, task), this.may_change, this.without)


def hidden_names(sources: Iterable[str], own: Iterable[str], setup: dict[str, str]) -> list[str]:
    """The names of setup's or of Python's own that some cells set anew, without what the task asks for.

    Importing the same thing again changes nothing.

    Examples
    --------
    >>> hidden_names(["import numpy as np\\nsum = 3\\nanswer = 42\\nmine = 1"], ["f"], {"np": "numpy", "answer": "a.b"})
    ['sum', 'answer']
    """
    found: dict[str, None] = {}
    for source in sources:
        for name, how in names(source).defines.items():
            again = how and setup.get(name) == how
            if name not in own and not again and (name in setup or name in BUILTINS - SHELL or name == "display"):
                found[name] = None
    return list(found)
