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
    "sacrebleu",
    "sentencepiece",
}
# what each part of the library may import from it; a leaf may import every part that is no leaf
CORE = {
    "registry": set(),
    "extras": set(),
    "corpora": set(),
    "text": {"registry", "corpora"},
    "ngrams": {"corpora", "text"},
    "cells": {"registry", "extras"},
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


def said_without(packages: set[str], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that does not find some packages, as after an install without them."""
    hidden = f"""
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name.split(".")[0] in {packages!r} else found(name, *more)
"""
    return subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True)


@pytest.mark.parametrize("module", ["seq2seq", "plots", "figures", "symbolic"])
def test_a_missing_package_is_named_with_the_way_to_get_it(module):
    run = said_without(HEAVY, f"import rnnlib.{module}")
    assert f"ModuleNotFoundError: rnnlib.{module} needs " in run.stderr and 'pip install "PATH[course]"' in run.stderr


def test_the_command_names_what_it_lacks():
    run = said_without({"zmq"}, 'from rnnlib.grading.cli import main\nraise SystemExit(main(["check", "x.ipynb"]))')
    assert run.returncode == 2 and "needs zmq" in run.stderr and '[grading]"' in run.stderr


def test_a_checkpoint_of_any_class_of_the_library_is_understood_by_a_fresh_python():
    """Whatever class registers itself when all modules are imported is found when only training is."""
    every = [".".join(("rnnlib", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in modules()]
    library = [name for name in every if ".grading" not in name and ".figures" not in name]
    code = f"""
import importlib, rnnlib.registry
for name in {library!r}:
    importlib.import_module(name.removesuffix(".__init__"))
ours = {{name for name, cls in rnnlib.registry._CLASSES.items() if cls.__module__.startswith("rnnlib.")}}
print(*[name for name in ours if name[0] != "_"])
"""
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"GRU", "MinGRU", "LRU", "Seq2Seq", "Stacked", "L1L2"} <= set(names)
    asks = (
        f"import rnnlib.training; from rnnlib.registry import lookup; print(*[lookup(n).__name__ for n in {names!r}])"
    )
    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True)
    assert said.stdout.split() == names, said.stderr
