"""Releasing an exercise: from a solution notebook to the student's notebook and the file of right answers.

book/solutions/04_bptt.ipynb          the source
book/solutions/04_bptt.answers.json   what each case must answer, for the grader
book/exercises/04_bptt.ipynb          what a student gets
"""

from __future__ import annotations

import ast
import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from .data import digests, read_files
from .exercise import Exercise, ExerciseError, digest, from_solution, joined, role_of, stub
from .limits import Limits
from .reading import Submission, Unreadable
from .record import record
from .run import grade_answers

KEPT = ("tags", "jupyter")  # metadata of a cell that students get too
HEADING = re.compile(r"(?m)^# (?:Exercises?: )?(?P<title>.+)$")
VISIBLE_ID = "rnnlib-visible"
VISIBLE = re.compile(r'^visible\("""', re.MULTILINE)


def answers_file(solution: Path) -> Path:
    """Where the right answers of a solution notebook are kept."""
    return solution.with_suffix(".answers.json")


def read_solution(path: Path) -> dict[str, Any]:
    """A solution notebook's JSON.

    Raises
    ------
    ExerciseError
        If it cannot be read.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise ExerciseError(f"{path}: {error}") from None
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4 or "cells" not in notebook:
        raise ExerciseError(f"{path}: expected a notebook of nbformat 4")
    return notebook


def _read(notebook: dict[str, Any], solution: Path) -> Exercise:
    """The exercise with its data files, without answers."""
    exercise = from_solution(notebook, solution.stem)
    return replace(exercise, files=read_files(exercise.files, solution.parent), title=_title(notebook))


def _title(notebook: dict[str, Any]) -> str:
    """The notebook's heading, without the word Exercises before a colon."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and (match := HEADING.search(joined(cell["source"]))):
            return match["title"].strip()
    return ""


def load(solution: Path) -> Exercise:
    """A released exercise with its right answers.

    Parameters
    ----------
    solution : Path
        The solution notebook; its answers lie beside it.

    Raises
    ------
    ExerciseError
        If it was never released, or changed since.
    """
    exercise = _read(read_solution(solution), solution)
    found = _stored(solution, exercise)
    if found is None:
        raise ExerciseError(
            f"{solution}: changed since it was released, or never released; run: rnnlib release {solution}"
        )
    return found


def _stored(solution: Path, exercise: Exercise) -> Exercise | None:
    """The exercise with the answers that were recorded for this very definition, if there are any."""
    try:
        stored = json.loads(answers_file(solution).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None
    if stored.get("definition") != exercise.definition():
        return None
    tasks = {}
    for key, task in exercise.tasks.items():
        pairs = zip(task.cases, stored["tasks"][key], strict=True)
        cases = [replace(case, answer=rec["answer"], mistakes=tuple(rec["mistakes"])) for case, rec in pairs]
        tasks[key] = replace(task, cases=tuple(cases))
    return replace(exercise, tasks=tasks)


def load_all(folder: Path) -> dict[str, Exercise]:
    """All released exercises of a folder of solutions, by name.

    Raises
    ------
    ExerciseError
        If there is none, or one of them is not up to date.
    """
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        raise ExerciseError(f"{folder}: no solution notebooks there; name the folder with --solutions")
    return {path.stem: load(path) for path in paths}


def release(solution: Path, out: Path, *, force: bool = False, limits: Limits | None = None) -> list[Path]:
    """Write what follows from a solution notebook, and prove that the solution gets full marks.

    Parameters
    ----------
    solution : Path
    out : Path
        The folder for the student's notebook.
    force : bool
        Record the answers anew even if the definition did not change.
    limits : Limits, optional

    Returns
    -------
    list of Path
        The files that changed.

    Raises
    ------
    ExerciseError
        If a rule is broken, a cell fails, or the recorded answers do not come out a second time.
    """
    limits = limits or Limits()
    notebook = read_solution(solution)
    exercise = _read(notebook, solution)
    released = None if force else _stored(solution, exercise)
    files = {}
    if released is None:
        released = record(exercise, limits)
        _prove(released, limits)
        files[answers_file(solution)] = _answers_text(released).encode()
    files |= _for_students(notebook, released, out / solution.name)
    changed = []
    for path, content in files.items():
        if not _holds(path, content):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(path.name + ".tmp")
            temporary.write_bytes(content)
            temporary.replace(path)
            changed.append(path)
    return changed


def _for_students(notebook: dict[str, Any], exercise: Exercise, path: Path) -> dict[Path, bytes]:
    """The student's notebook, and the data files beside it."""
    data = {path.with_name(name): base64.b64decode(content) for name, content in exercise.files.items()}
    return {path: student_text(notebook, exercise).encode(), **data}


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def stale(solution: Path, out: Path) -> list[Path]:
    """The files that `release` would change."""
    notebook = read_solution(solution)
    released = _stored(solution, _read(notebook, solution))
    if released is None:
        return [answers_file(solution), out / solution.name]
    wanted = _for_students(notebook, released, out / solution.name)
    return [path for path, content in wanted.items() if not _holds(path, content)]


def _prove(exercise: Exercise, limits: Limits) -> None:
    result = grade_answers(exercise.to_json(), exercise.solutions, limits.to_json(), trust=True)
    if result["status"] != "graded":
        raise ExerciseError(f"{exercise.name}: grading the solution failed: {result['reason']}")
    for task, outcome in result["tasks"].items():
        if outcome["verdict"] != "passed":
            what = f"{outcome['verdict']}. {outcome['message']}"
            raise ExerciseError(f"{task}: the solution itself does not pass when it is graded: {what}")


def _answers_text(exercise: Exercise) -> str:
    """One line per case, so that a change can be read."""
    lines = []
    for key, task in exercise.tasks.items():
        cases = [json.dumps({"answer": case.answer, "mistakes": case.mistakes}) for case in task.cases]
        lines.append(f" {json.dumps(key)}: [\n  " + ",\n  ".join(cases) + "\n ]")
    return f'{{"definition": "{exercise.definition()}",\n"tasks": {{\n' + ",\n".join(lines) + "\n}}\n"


def student_text(notebook: dict[str, Any], exercise: Exercise) -> str:
    """The student's notebook as the text of a file."""
    return json.dumps(student_notebook(notebook, exercise), ensure_ascii=False, indent=1) + "\n"


def student_notebook(notebook: dict[str, Any], exercise: Exercise) -> dict[str, Any]:
    """The student's notebook: stubs for solutions, no hidden variants, no mistakes, no outputs; ids of cells stay.

    Parameters
    ----------
    notebook : dict
        The solution notebook's JSON.
    exercise : Exercise
        With recorded answers; the visible ones go into a cell before the first code cell.
    """
    cells = []
    for cell in notebook["cells"]:
        meta = role_of(cell)
        role = meta.get("role")
        if role in ("mistake", "solution"):
            continue
        metadata = {key: cell["metadata"][key] for key in KEPT if key in cell.get("metadata", {})}
        copy = {
            "cell_type": cell["cell_type"],
            "id": cell["id"],
            "metadata": metadata,
            "source": joined(cell["source"]),
        }
        if role == "manual":
            copy["source"] = exercise.manual[meta["task"]].stub
        if cell["cell_type"] == "code" or role == "manual":
            own: dict[str, Any] = {"cell": cell["id"]}
            own |= {key: meta[key] for key in ("role", "task", "points", "title") if key in meta}
            metadata |= {"rnnlib": own}
            if role in ("answer", "check", "manual"):
                metadata["deletable"] = False
            if role == "check":
                metadata["editable"] = False
            if role == "answer":
                copy["source"] = stub(copy["source"], cell["id"], meta["task"])
        if cell["cell_type"] == "code":
            copy |= {"execution_count": None, "outputs": []}
        cells.append(copy)
    first = next(index for index, cell in enumerate(cells) if cell["cell_type"] == "code")
    cells.insert(first, _visible_cell(exercise))
    for cell in cells:
        cell["source"] = cell["source"].splitlines(keepends=True)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "rnnlib": {"exercise": exercise.name, "definition": digest(exercise.visible().to_json())},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _visible_cell(exercise: Exercise) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": VISIBLE_ID,
        "metadata": {
            "deletable": False,
            "editable": False,
            "jupyter": {"source_hidden": True},
            "rnnlib": {"cell": VISIBLE_ID, "role": "visible"},
            "tags": ["remove-cell"],  # from the book's page
        },
        "source": f'from rnnlib.grading import visible\n\nvisible("""\n{exercise.pack()}\n""")',
        "execution_count": None,
        "outputs": [],
    }


def with_files(exercise: Exercise, folder: Path) -> tuple[Exercise, list[str]]:
    """A carried exercise with the data files that lie in a folder, and remarks on those that are not as they were.

    Raises
    ------
    Unreadable
        If one is missing.
    """
    try:
        files = read_files(exercise.files, folder)
    except ExerciseError as error:
        raise Unreadable(f"{error}; put the file beside the notebook again.") from None
    changed = [name for name, found in digests(files).items() if found != exercise.files[name]]
    said = [f"The data file {name} is not the one that you were given; grading uses the original." for name in changed]
    return replace(exercise, files=files), said


def carried(submission: Submission) -> Exercise:
    """The visible half of the exercise that a student's notebook carries with it.

    Raises
    ------
    Unreadable
        If its cell is missing or damaged.
    """
    for cell_id, id_copy, _, source, *_ in submission.cells:
        if VISIBLE_ID not in (cell_id, id_copy) and not VISIBLE.search(source):
            continue
        try:
            calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
            return Exercise.unpack(ast.literal_eval(calls[0].args[0]))
        except (SyntaxError, ValueError, IndexError, AttributeError, RecursionError) as error:
            raise Unreadable(
                f"The folded cell at its top is damaged ({error}); copy it from a fresh notebook."
            ) from None
    if any("### BEGIN SOLUTION" in source for _, _, _, source, *_ in submission.cells):
        raise Unreadable("It is a solution notebook, which rnnlib release checks; rnnlib check is for the student's.")
    raise Unreadable(
        "It is no exercise notebook: the folded cell at its top is missing; copy it from a fresh notebook."
    )
