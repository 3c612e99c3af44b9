"""The class's table, for programs, spreadsheets and the terminal."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Any

from ..text import line, tidy
from .scores import Row
from .sheets import sheet_text

FORMULA = re.compile(r"(^|[;,\t\n\r|])(?=\s*[=+\-@＝＋－＠])")  # where a spreadsheet would see a formula begin
WHO = ("student", "name")
FIXED = (
    "submission", "exercise", "status", "points", "max_points", "late", "penalty", "by_hand", "sandbox", "reason",
)  # fmt: skip


def points(value: float) -> str:
    """Points without needless decimals.

    Examples
    --------
    >>> points(3.0), points(2.5)
    ('3', '2.5')
    """
    return f"{value:g}"


def scores_csv(rows: list[Row]) -> str:
    """One row per row, one column per task (its points; empty where there is no such task).

    Further columns of a roster stand behind the name, under the names that they have there.

    Examples
    --------
    >>> from rnnlib.grading.desk.scores import Score
    >>> row = Row("a.ipynb", "a.ipynb", "x", "graded", sandbox="isolated", max_points=2.0)
    >>> row.tasks["x.1"] = Score("passed", "", 2.0, 2.0)
    >>> print(scores_csv([row]), end="")
    "student","name","submission","exercise","status","points","max_points","late","penalty","by_hand","sandbox","reason","x.1"
    "a.ipynb","","a.ipynb","x","graded",2,2,"",0,"","isolated","",2
    """
    tasks = sorted({task for row in rows for task in row.tasks}, key=_by_number)
    further = list(dict.fromkeys(name for row in rows for name in row.columns))
    table = []
    for row in rows:
        said = {**row.to_json(), "by_hand": ", ".join(row.by_hand), "points": "" if row.grade is None else row.grade}
        cells = [_cell(said[key]) for key in WHO] + [safe(row.columns.get(name, "")) for name in further]
        cells += [_cell(said[key]) for key in FIXED]
        table.append([*cells, *(_points(row, task) for task in tasks)])
    return sheet_text([*WHO, *map(safe, further), *FIXED, *tasks], table, csv.QUOTE_NONNUMERIC)


def _points(row: Row, task: str) -> Any:
    """A task's points; empty where there is no such task, or no number yet."""
    score = row.tasks.get(task)
    return (
        "" if score is None or (score.verdict in ("to mark", "waiting") and not score.by_hand) else _cell(score.points)
    )


def _cell(value: Any) -> Any:
    """A number as short as it can be; text that is no formula."""
    if isinstance(value, str):
        return safe(value)
    return int(value) if value == int(value) else value


def _by_number(task: str) -> tuple[str, int]:
    name, _, number = task.rpartition(".")
    return name, int(number)


def safe(text: str) -> str:
    """Text that is no formula, whichever character a spreadsheet splits at.

    Examples
    --------
    >>> safe("=1+1"), safe("a;=1+1;b.ipynb"), safe("04 a-b.ipynb")
    ("'=1+1", "a;'=1+1;b.ipynb", '04 a-b.ipynb')
    """
    return FORMULA.sub(r"\1'", tidy(text))


def table(rows: list[Row], width: int = 100) -> str:
    """The table at the end of a run.

    Parameters
    ----------
    rows : list of Row
    width : int
        Of the terminal.
    """
    head = "student" if any(row.name for row in rows) else "submission"
    names = max([len(head), *(len(_who(row)) for row in rows)])
    names = min(names, max(20, width // 2))
    lines = [f"{head:<{names}}  {'points':>9}  verdicts"]
    for row in rows:
        name = _who(row)
        name = name if len(name) <= names else "…" + name[1 - names :]
        score = "-" if row.grade is None else f"{points(row.points)} / {points(row.max_points)}"
        lines.append(f"{name:<{names}}  {score:>9}{'*' if row.by_hand else ' '} {outcome(row)}"[: max(width, 60)])
    if any(row.by_hand for row in rows):
        lines.append("* changed by hand")
    return "\n".join(lines)


def _who(row: Row) -> str:
    return line(f"{row.student} {row.name}" if row.name else row.submission)


def outcome(row: Row) -> str:
    """Verdicts in numbers, or why there are none."""
    if row.status != "graded":
        return f"{row.status}: {line(row.reason)}"
    counts = Counter(score.verdict for score in row.tasks.values())
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    said += f"; {row.late} late" if row.late else ""
    return f"{said}; outdated" if row.outdated else said
