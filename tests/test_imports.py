"""Imports go one way, and the library itself needs nothing but NumPy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rnnlib"
HEAVY = {
    "torch",
    "keras",
    "matplotlib",
    "ipywidgets",
    "anywidget",
    "sklearn",
    "vega_datasets",
    "pandas",
    "IPython",
    "sympy",
}
# what each part of the library may import from it; a leaf may import every part that is no leaf
CORE = {
    "registry": set(),
    "corpora": set(),
    "text": {"registry", "corpora"},
    "ngrams": {"corpora", "text"},
    "cells": {"registry"},
    "bptt": {"registry", "cells"},
    "training": {"registry", "cells", "bptt", "text", "corpora"},
    "pretrained": set(),
}
LEAVES = {"symbolic", "seq2seq", "modern", "plots", "figures", "grading"}
ALSO = {"figures": {"seq2seq"}}  # the figures on translation, once they are given a model


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    """The part of the library a file belongs to: the first name below `rnnlib`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """The parts of rnnlib that a file imports, wherever in the file it does."""
    package = ("rnnlib", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("rnnlib.")}
    return found - {"__version__"}


def test_the_walk_sees_relative_and_absolute_imports():
    assert imported_parts(PACKAGE / "bptt" / "unrolling.py") >= {"cells"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_one_way(path):
    part = part_of(path)
    assert part in CORE or part in LEAVES, f"{part} has no place in the order of imports yet"
    allowed = CORE[part] if part in CORE else set(CORE) | ALSO.get(part, set())
    assert imported_parts(path) - {part} <= allowed


def test_the_order_has_no_cycle():
    settled: set[str] = set()
    while ready := {part for part, needs in CORE.items() if part not in settled and needs <= settled}:
        settled |= ready
    assert settled == set(CORE)


@pytest.mark.parametrize("module", ["rnnlib", *(f"rnnlib.{part}" for part in CORE if (PACKAGE / part).is_dir())])
def test_importing_the_library_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_importing_the_figures_does_not_load_pytorch():
    code = "import sys, rnnlib.figures; print('torch' in sys.modules, 'rnnlib.seq2seq' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
