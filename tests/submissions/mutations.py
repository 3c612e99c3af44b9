"""What honest students and their editors do to a notebook: right answers must stay right, or the student be told.

Each changes one task of a filled-in notebook. `place` is where its (last) answer cell stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rnnlib.grading.exercise import Exercise
from rnnlib.grading.names import asked

Cells = list[dict]


def text(cell: dict) -> str:
    return "".join(cell["source"])


def own(source: str, cell_id: str, kind: str = "code") -> dict:
    """A cell of the student's own."""
    cell = {"cell_type": kind, "id": cell_id, "metadata": {}, "source": source}
    return cell if kind != "code" else {**cell, "outputs": [], "execution_count": None}


def append(line: str) -> Callable[[Cells, int, Exercise], None]:
    """A last line in the answer cell."""

    def change(cells: Cells, place: int, exercise: Exercise) -> None:
        cells[place]["source"] = f"{text(cells[place])}\n{line}"

    return change


def split(cells: Cells, place: int, exercise: Exercise) -> None:
    """As JupyterLab does it: the last part keeps the id, the first has a new one and the same metadata."""
    cell = cells[place]
    first = {**cell, "id": f"{cell['id']}-first", "source": "OWN_CONSTANT = 3\nhalf_of = OWN_CONSTANT / 2"}
    cells.insert(place, first)
    cell["source"] = f"{text(cell)}\nassert half_of == 1.5"


def helper(cells: Cells, place: int, exercise: Exercise) -> None:
    """All of the work in a cell above; the answer cell only gives it the name that is asked for."""
    source = text(cells[place])
    given = [name for name in re.findall(r"(?m)^(?:def|class) (\w+)", source)]
    for name in given:
        source = re.sub(rf"\b{name}\b", f"own_{name}", source)
    cells.insert(place, own(source, f"{cells[place]['id']}-helper"))
    cells[place + 1]["source"] = "\n".join(f"{name} = own_{name}" for name in given)


def elsewhere(cells: Cells, place: int, exercise: Exercise) -> None:
    """The answer in a cell of one's own below the stub, which stays."""
    cell = cells[place]
    cells.insert(place + 1, own(text(cell), f"{cell['id']}-elsewhere"))
    cell["source"] = exercise.answer_cells[cell["id"]].source


def stub_below(cells: Cells, place: int, exercise: Exercise) -> None:
    """The stub, pasted below the answer, with the line ends of Windows."""
    cell = cells[place]
    stub = exercise.answer_cells[cell["id"]].source.replace("\n", "\r\n")
    cells.insert(place + 1, {**cell, "id": f"{cell['id']}-stub", "source": stub})


def copy_below(cells: Cells, place: int, exercise: Exercise) -> None:
    """A first attempt is above; the answer is a copy below it, changed."""
    cell = cells[place]
    attempt = "\n".join(f"def {name}(*args, **options): return 0" for name in asked(exercise, _task(cell, exercise)))
    cells.insert(place, {**cell, "source": attempt})
    cells[place + 1] = {**cell, "id": f"{cell['id']}-copy"}


def old_copy_below_check(cells: Cells, place: int, exercise: Exercise) -> None:
    """An old attempt is kept below the check cell."""
    cell = cells[place]
    names = asked(exercise, _task(cell, exercise))
    check = next(index for index in range(place, len(cells)) if _is_check(cells[index], _task(cell, exercise)))
    cells.insert(check + 1, {**cell, "id": f"{cell['id']}-old", "source": "\n".join(f"{n} = None" for n in names)})


def markdown(cells: Cells, place: int, exercise: Exercise) -> None:
    """The answer cell became a cell of text: one presses M too soon."""
    cell = cells[place]
    cells[place] = {"cell_type": "markdown", "id": cell["id"], "metadata": cell["metadata"], "source": text(cell)}


def answer_below_check(cells: Cells, place: int, exercise: Exercise) -> None:
    """The answer cell was moved below its check cell."""
    cell = cells.pop(place)
    check = next(index for index in range(len(cells)) if _is_check(cells[index], _task(cell, exercise)))
    cells.insert(check + 1, cell)


def scratch(cells: Cells, place: int, exercise: Exercise) -> None:
    """Trials in cells of one's own, above and below, some of them wrong."""
    cells.insert(place + 1, own("x = rng = answer = 1\nprint(undefined)", f"{cells[place]['id']}-trial"))
    cells.insert(place, own("1 / 0", f"{cells[place + 1]['id']}-trial-2"))
    cells.insert(place, own("notes to myself", f"{cells[place + 2]['id']}-notes", "markdown"))


def _task(cell: dict, exercise: Exercise) -> str:
    return exercise.answer_cells[cell["id"]].task


def _is_check(cell: dict, task: str) -> bool:
    meta = cell["metadata"].get("rnnlib", {})
    return (meta.get("role"), meta.get("task")) == ("check", task)


# the answer must still get its points
KEPT: dict[str, Callable[[Cells, int, Exercise], None]] = {
    "answer overwritten": append("answer = 42"),
    "a builtin overwritten": append("vars = dir = copyright = 3"),
    "split": split,
    "helper": helper,
    "elsewhere": elsewhere,
    "stub pasted below": stub_below,
    "copy below": copy_below,
    "old copy below the check": old_copy_below_check,
    "markdown": markdown,
    "answer below its check": answer_below_check,
    "scratch": scratch,
    "recursion limit": append("import sys\nsys.setrecursionlimit(60)"),
    "strict NumPy": append("import numpy, warnings\nnumpy.seterr(all='raise')\nwarnings.simplefilter('error')"),
    "closed stdout": append("import sys\nsys.stdout.close()"),
    "stdout replaced": append("import io, sys\nsys.stdout = sys.stderr = io.StringIO()\nsys.stdout.close()"),
    "error at the end": append("raise ExceptionGroup('several', [ValueError('one'), TypeError('two')])"),
    "magics": append("%time 1 + 1\n!true\n%config InlineBackend.figure_format = 'svg'"),
    "names of check cells": append("seed = rng = x = y = B = T = D = H = shape = shapes = found = None"),
}

# the answer may lose its own points, and the student is told; no other task does
OWN_LOSS: dict[str, Callable[[Cells, int, Exercise], None]] = {
    "NumPy overwritten": append("np = None"),
    "range overwritten": append("range = len = sum = list = 5"),
    "reset": append("%reset -f"),
    "delayed exit": append("import os, threading\nthreading.Timer(0.2, os._exit, [1]).start()"),
    "exit handler": append("import atexit, os\natexit.register(os._exit, 3)"),
    "signal": append("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.alarm(1)"),
    "builtins changed": append("import builtins\nbuiltins.sum = builtins.len = None"),
    "NumPy changed": append("import numpy\nnumpy.tanh = numpy.exp = numpy.zeros = None"),
}


# of the whole notebook
def windows(notebook: dict) -> None:
    """Line ends of Windows in every source."""
    for cell in notebook["cells"]:
        cell["source"] = text(cell).replace("\n", "\r\n")


def ids_lost(notebook: dict) -> None:
    """An editor that knows notebooks of format 4.4."""
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]


def ids_and_metadata_lost(notebook: dict) -> None:
    """An editor that keeps nothing but sources."""
    notebook["nbformat"], notebook["metadata"] = 4.0, {}
    for number, cell in enumerate(notebook["cells"]):
        cell["id"], cell["metadata"] = f"new-{number}", {}


def colab(notebook: dict) -> None:
    """Colab: metadata of its own, outputs, sources as lists."""
    notebook["metadata"] |= {"colab": {"provenance": []}, "accelerator": "GPU"}
    for cell in notebook["cells"]:
        cell["metadata"] |= {"id": "x", "outputId": "y"}
        cell["source"] = text(cell).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["ok\n"]}]


def no_outputs(notebook: dict) -> None:
    """Saved without outputs, by a filter for version control that drops keys too."""
    for cell in notebook["cells"]:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


WHOLE = {f.__name__: f for f in (windows, ids_lost, ids_and_metadata_lost, colab, no_outputs)}


def mutate(notebook: dict, exercise: Exercise, chosen: dict[str, Callable[[Cells, int, Exercise], None]]) -> None:
    """Change a filled-in notebook: each task as said."""
    cells = notebook["cells"]
    for task, change in chosen.items():
        ids = [cell.id for cell in exercise.answer_cells.values() if cell.task == task]
        place = max(index for index, cell in enumerate(cells) if cell["id"] in ids)
        change(cells, place, exercise)
