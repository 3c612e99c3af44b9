"""What a person has to mark: a page to read, task by task, and a sheet that becomes a file of marks."""

from __future__ import annotations

from collections.abc import Mapping

from ..exercise import Exercise
from ..text import line
from .layout import code, document, escape
from .marks import COLUMNS
from .page import answer, teacher
from .report import points, safe
from .scores import Row, Score
from .sheets import sheet_text

PAGE, SHEET = "to_mark.html", "to_mark.csv"
LONGEST = 1000  # characters of an answer in the sheet


def sheet(rows: list[Row]) -> str:
    """The rows that wait for points; empty if there are none.

    Examples
    --------
    >>> row = Row("s1", "a.ipynb", "x", "graded", name="Ann")
    >>> row.tasks["x.2"] = Score("to mark", max_points=4.0, code="Because.", kind="markdown")
    >>> print(sheet([row]), end="")
    student,task,points,comment,name,of,answer
    s1,x.2,,,Ann,4,Because.
    """
    table = [
        [row.student, task, "", row.tasks[task].comment, safe(row.name), points(row.tasks[task].max_points),
         safe(row.tasks[task].code[:LONGEST])]
        for row in rows for task in row.to_mark
    ]  # fmt: skip
    return sheet_text([*COLUMNS, "name", "of", "answer"], table) if table else ""


def page(rows: list[Row], exercises: Mapping[str, Exercise]) -> str:
    """All answers to tasks that a person grades, and what was said of them; empty if there are none."""
    body = ""
    for exercise in exercises.values():
        for key, task in exercise.manual.items():
            mine = [row for row in rows if key in row.tasks and row.tasks[key].verdict in ("to mark", "marked")]
            if not mine:
                continue
            waiting = sum(row.tasks[key].to_mark for row in mine)
            body += f'<section id="{escape(key)}">\n<h2>{escape(f"{key} {task.title}".strip())}</h2>\n'
            body += f"<p>{points(task.points)} points; {len(mine)} answers, {waiting} of them to mark.</p>\n"
            if task.solution:
                body += f"<details><summary>The solution to {escape(key)}</summary>\n{code(task.solution)}</details>\n"
            body += "".join(_one(row, row.tasks[key]) for row in mine) + "</section>\n"
    return document("To mark", body) if body else ""


def _one(row: Row, score: Score) -> str:
    given = f"{points(score.points)} of {points(score.max_points)} points" if score.by_hand else "to mark"
    who = line(f"{row.student} {row.name}".strip())
    return f"<h3>{escape(who)}: {given}</h3>\n{answer(score)}{teacher(score.comment)}"
