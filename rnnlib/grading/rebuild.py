"""The notebook that is graded: the template's cells with the student's answers, and the right answers as its outputs.

Nothing of the submitted file comes this far but the sources of answer cells. No tag, no metadata, no output, no check
cell and no comment of the student's can change how it is run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from .answers import MIME, decode, describe
from .exercise import Cell, Exercise

Answers = Mapping[str, str | list[str]]  # an answer cell's id to its source, or to the sources of its parts


def parts(answer: str | list[str]) -> list[str]:
    """The sources that make up an answer cell, in their order."""
    return [answer] if isinstance(answer, str) else list(answer)


def rebuild(exercise: Exercise, answers: Answers) -> dict[str, Any]:
    """A notebook for nbval: setup cells where they are, and at each check cell its task, answer cells first.

    Parameters
    ----------
    exercise : Exercise
        With recorded answers.
    answers : mapping of str to str, or to list of str
        The student's source of each answer cell, by cell id; the stub stands in for one that is missing. A cell that
        was split has several.

    Returns
    -------
    dict
        Each case of a check cell is a cell of its own, whose stored output is the right answer.
    """
    cells = []
    for cell in exercise.cells:
        if cell.role == "setup":
            cells.append(_code(cell.source, {"role": "setup", "cell": cell.id, "task": ""}))
        elif cell.role == "check":
            for own in exercise.answer_cells.values():
                if own.task == cell.task:
                    meta = {"role": "answer", "cell": own.id, "task": own.task}
                    cells += [_code(source, meta) for source in parts(answers.get(own.id, own.source))]
            cells += _checks(exercise, cell)
    for number, cell_json in enumerate(cells):
        cell_json["id"] = f"cell-{number}"
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _checks(exercise: Exercise, cell: Cell) -> list[dict[str, Any]]:
    found = []
    for number, case in enumerate(exercise.tasks[cell.task].cases):
        code = _code(case.source, {"role": "check", "cell": cell.id, "task": cell.task, "case": number})
        text = f"{cell.task}: {describe(decode(case.answer))}"
        data = {MIME: {"task": cell.task, "answer": case.answer}, "text/plain": text}
        code["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
        code["execution_count"] = 1  # nbval compares only what was run
        found.append(code)
    return found


def _code(source: str, meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"rnnlib": meta},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


def is_stub(source: str, cell: Cell) -> bool:
    """Whether a cell holds nothing but what students were given, whatever its line ends."""
    return plain(source) in ("", plain(cell.source))


def plain(source: str) -> str:
    """A source without what editors change: line ends, blank lines, blank space at the end of lines."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def unanswered(exercise: Exercise, answers: Answers) -> dict[str, str]:
    """Tasks without an answer, and why: every one of their answer cells is missing, empty or still the stub."""
    cells = defaultdict(list)
    for cell in exercise.answer_cells.values():
        cells[cell.task].append(cell)
    found = {}
    for task, own in cells.items():
        if all(is_stub(source, cell) for cell in own for source in parts(answers.get(cell.id, ""))):
            there = any(cell.id in answers for cell in own)
            found[task] = "Not answered yet." if there else "The answer cell is not in the notebook."
    return found
