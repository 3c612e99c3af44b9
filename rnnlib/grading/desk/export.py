"""Files that a learning platform imports.

canvas.csv    the columns of Canvas' gradebook: Student, ID, SIS User ID, SIS Login ID, Section, then the assignment; a
              row of possible points comes first
moodle.csv    the grading worksheet of a Moodle assignment with Grade and Feedback comments filled in, if the roster is
              one; else the roster's columns with points and comment behind them, for Moodle's import into the gradebook

What the platform wrote itself is given back to it as it was, to the letter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from ..exercise import Exercise
from .report import points
from .roster import CANVAS, Roster
from .scores import Row
from .sheets import DeskError, number, sheet_text

CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POSSIBLE = "    Points Possible"
WORKSHEET = ("Identifier", "Grade", "Last modified (grade)")


def exporter(platform: str, roster: Roster, exercise: Exercise, column: str) -> Callable[[list[Row]], str]:
    """What writes a platform's file, once it is sure that it can.

    Parameters
    ----------
    platform : {"moodle", "canvas"}
    roster : Roster
    exercise : Exercise
    column : str
        The name of the assignment there; the exercise's name if it is empty.

    Raises
    ------
    DeskError
        If the roster lacks what the platform asks for.
    """
    if platform == "canvas":
        return _canvas(roster, exercise, column or exercise.name)
    return _worksheet(roster, exercise) if roster.kind == "moodle" else _moodle(roster, column or exercise.name)


def _canvas(roster: Roster, exercise: Exercise, column: str) -> Callable[[list[Row]], str]:
    if roster.kind != "canvas":
        raise DeskError(f"--export canvas: expected the gradebook that Canvas exports as the roster, with the columns "
                        f"{', '.join([*CANVAS, 'Section'])}, got {', '.join(roster.sheet.header)}")  # fmt: skip
    fixed = [name for name in CANVAS_COLUMNS if name in roster.sheet.header]
    known = [name for name in roster.sheet.header if re.fullmatch(re.escape(column) + r"( \(\d+\))?", name)]

    name = known[0] if known else column
    for line, cells in roster.sheet.rows:
        if not cells["ID"]:
            _same_maximum(roster, line, cells.get(name, ""), exercise)

    def write(rows: list[Row]) -> str:
        grades = {row.student: _grade(row.grade) for row in rows}
        head = [POSSIBLE, *[""] * (len(fixed) - 1), points(exercise.max_points)]
        table = [[*(student.columns[key] for key in fixed), grades.get(student.id) or student.columns.get(name, "")]
                 for student in roster.students]  # fmt: skip
        return sheet_text([*fixed, name], [head, *table])

    return write


def _same_maximum(roster: Roster, line: int, text: str, exercise: Exercise) -> None:
    """Refuse points out of another number than the platform's."""
    most = number(text)
    if most is not None and most != exercise.max_points:
        raise DeskError(f"{roster.sheet.where(line)}: expected a maximum grade of {exercise.max_points:g}, what "
                        f"{exercise.name} is worth, got {most:g}; set it in the assignment's settings, and download "
                        "the file again")  # fmt: skip


def _worksheet(roster: Roster, exercise: Exercise) -> Callable[[list[Row]], str]:
    if missing := [name for name in WORKSHEET if name not in roster.sheet.header]:
        raise DeskError(f"--export moodle: expected a grading worksheet with the columns {', '.join(WORKSHEET)}, got "
                        f"{', '.join(roster.sheet.header)}: {', '.join(missing)} is missing")  # fmt: skip
    for line, cells in roster.sheet.rows:
        _same_maximum(roster, line, cells.get("Maximum Grade") or cells.get("Maximum grade") or "", exercise)

    def write(rows: list[Row]) -> str:
        by_student = {row.student: row for row in rows}
        table = []
        for student in roster.students:
            cells, row = dict(student.columns), by_student.get(student.id)
            if row is not None and row.grade is not None:
                cells["Grade"] = _grade(row.grade)
                if "Feedback comments" in cells:
                    cells["Feedback comments"] = comment(row)
            table.append([cells[name] for name in roster.sheet.header])
        return sheet_text(roster.sheet.header, table)

    return write


def _moodle(roster: Roster, column: str) -> Callable[[list[Row]], str]:
    def write(rows: list[Row]) -> str:
        by_student = {row.student: row for row in rows}
        table = []
        for student in roster.students:
            row = by_student.get(student.id)
            graded = row if row is not None and row.grade is not None else None
            table.append([*(student.columns[name] for name in roster.sheet.header),
                          _grade(graded.grade if graded else None), comment(graded) if graded else ""])  # fmt: skip
        return sheet_text([*roster.sheet.header, column, f"{column} feedback"], table)

    return write


def _grade(value: float | None) -> str:
    return "" if value is None else points(value)


def comment(row: Row) -> str:
    """The points in a line of HTML, as Moodle takes comments; no word of it is the student's, which could be code.

    Examples
    --------
    >>> from rnnlib.grading.desk.scores import Score
    >>> row = Row("s1", "a.ipynb", "x", "graded", max_points=3.0)
    >>> row.tasks = {"x.1": Score("passed", "", 2.0, 2.0), "x.2": Score("failed", "Off by <1>.", 0.0, 1.0)}
    >>> comment(row)
    '2 of 3 points. x.1: 2 of 2, passed. x.2: 0 of 1, failed.'
    """
    said = [f"{points(row.points)} of {points(row.max_points)} points.", html.escape(row.comment)]
    if row.penalty:
        said.append(f"{row.late} late: -{points(row.penalty)}.")
    for task, score in row.tasks.items():
        said.append(f"{task}: {points(score.points)} of {points(score.max_points)}, {score.verdict}.")
        said.append(html.escape(score.comment))
    return " ".join(part.replace("\n", "<br>") for part in said if part)
