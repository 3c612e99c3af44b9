"""The notebook that is graded: the template's cells with the student's answers, and the right answers as its outputs.

Nothing of the submitted file comes this far but the sources of answer cells. No tag, no metadata, no output, no check
cell and no comment of the student's can change how it is run.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .answers import MIME, decode, describe
from .exercise import Cell, Exercise


def rebuild(exercise: Exercise, answers: dict[str, str]) -> dict[str, Any]:
    """A notebook for nbval.

    Parameters
    ----------
    exercise : Exercise
        With recorded answers.
    answers : dict of str to str
        The student's source of each answer cell, by cell id; the stub stands in for one that is missing.

    Returns
    -------
    dict
        Each case of a check cell is a cell of its own, whose stored output is the right answer.
    """
    cells = []
    for cell in exercise.cells:
        if cell.role == "check":
            cells += _checks(exercise, cell)
        else:
            source = answers.get(cell.id, cell.source) if cell.role == "answer" else cell.source
            cells.append(_code(source, {"role": cell.role, "cell": cell.id, "task": cell.task}))
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


def unanswered(exercise: Exercise, answers: dict[str, str]) -> dict[str, str]:
    """Tasks without an answer, and why: every one of their answer cells is missing, empty or still the stub."""
    cells = defaultdict(list)
    for cell in exercise.answer_cells.values():
        cells[cell.task].append(cell)
    found = {}
    for task, own in cells.items():
        if all(answers.get(cell.id, "").strip() in ("", cell.source.strip()) for cell in own):
            there = any(cell.id in answers for cell in own)
            found[task] = "Not answered yet." if there else "The answer cell is not in the notebook."
    return found
