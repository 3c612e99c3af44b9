"""What people read: a page per student, a table per class, a table on the terminal."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from typing import Any

from .text import line, tidy

MEANING = {
    "passed": "right in every case",
    "failed": "an answer, but not the right one",
    "error": "Python raised an error",
    "timeout": "took too long",
    "crash": "ended the Python process",
    "memory": "used too much memory",
    "output limit": "printed or displayed too much",
    "missing": "no answer",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8888; }}
td.number {{ white-space: nowrap; }}
.message {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{summary}</p>
{table}{remarks}
</main>
</body>
</html>
"""
FORMULA = re.compile(r"(^|[;,\t\n\r|])(?=\s*[=+\-@＝＋－＠])")  # where a spreadsheet would see a formula begin


def points(value: float) -> str:
    """Points without needless decimals.

    Examples
    --------
    >>> points(3.0), points(2.5)
    ('3', '2.5')
    """
    return f"{value:g}"


def feedback(result: dict[str, Any]) -> str:
    """A page for the student.

    Parameters
    ----------
    result : dict
        One object of `scores.json`, with `reason` and `remarks`.
    """
    title = html.escape(f"{result['exercise'] or 'Feedback'}: {result['submission']}")
    if result["status"] == "graded":
        summary = f"<strong>{points(result['points'])} of {points(result['max_points'])} points.</strong>"
    elif result["status"] == "grader-fault":
        summary = "Grading did not work this time. This is not your fault, and it costs you nothing."
    else:
        summary = f"This file could not be graded. {html.escape(result['reason'])}"
    rows = [_row(task, outcome) for task, outcome in result["tasks"].items()]
    titles = ("Task", "Points", "Verdict", "What happened")
    head = "<tr>" + "".join(f"<th scope=col>{title}</th>" for title in titles) + "</tr>"
    table = f"<div class=wide><table>\n{head}\n{''.join(rows)}</table></div>\n" if rows else ""
    notes = "".join(f"<li>{html.escape(remark)}</li>" for remark in result["remarks"])
    remarks = f"<h2>Remarks</h2>\n<ul>{notes}</ul>" if notes else ""
    return PAGE.format(title=title, summary=summary, table=table, remarks=remarks)


def _row(task: str, outcome: dict[str, Any]) -> str:
    verdict = outcome["verdict"]
    return (
        f"<tr><th scope=row>{html.escape(task)}</th>"
        f"<td class=number>{points(outcome['points'])} of {points(outcome['max_points'])}</td>"
        f"<td>{'✓ ' if verdict == 'passed' else ''}{html.escape(verdict)}</td>"
        f"<td class=message>{html.escape(outcome['message'] or MEANING[verdict].capitalize() + '.')}</td></tr>\n"
    )


def scores_csv(results: list[dict[str, Any]]) -> str:
    """One row per submission, one column per task (its points; empty where there is no such task).

    Examples
    --------
    >>> graded = {"verdict": "passed", "points": 2.0, "max_points": 2.0, "message": ""}
    >>> row = {"submission": "a.ipynb", "exercise": "x", "status": "graded", "points": 2.0, "max_points": 2.0}
    >>> print(scores_csv([{**row, "sandbox": "isolated", "reason": "", "tasks": {"x.1": graded}}]).strip())
    "submission","exercise","status","points","max_points","sandbox","reason","x.1"
    "a.ipynb","x","graded",2,2,"isolated","",2
    """
    tasks = sorted({task for result in results for task in result["tasks"]}, key=_by_number)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    fixed = ["submission", "exercise", "status", "points", "max_points", "sandbox", "reason"]
    writer.writerow([*fixed, *tasks])
    for result in results:
        row = [_number(value) if isinstance(value := result[key], float) else _safe(value) for key in fixed]
        earned = [_number(result["tasks"][task]["points"]) if task in result["tasks"] else "" for task in tasks]
        writer.writerow([*row, *earned])
    return file.getvalue()


def _number(value: float) -> float | int:
    """A number as short as it can be."""
    return int(value) if value == int(value) else value


def _by_number(task: str) -> tuple[str, int]:
    name, _, number = task.rpartition(".")
    return name, int(number)


def _safe(text: str) -> str:
    """Text that is no formula, whichever character a spreadsheet splits at.

    Examples
    --------
    >>> _safe("=1+1"), _safe("a;=1+1;b.ipynb"), _safe("04 a-b.ipynb")
    ("'=1+1", "a;'=1+1;b.ipynb", '04 a-b.ipynb')
    """
    return FORMULA.sub(r"\1'", tidy(text))


def table(results: list[dict[str, Any]], width: int = 100) -> str:
    """The table at the end of a run.

    Parameters
    ----------
    results : list of dict
    width : int
        Of the terminal.
    """
    lines = []
    names = max([len("submission"), *(len(line(result["submission"])) for result in results)])
    names = min(names, max(20, width // 2))
    lines.append(f"{'submission':<{names}}  {'points':>9}  verdicts")
    for result in results:
        name = line(result["submission"])
        name = name if len(name) <= names else "…" + name[1 - names :]
        if result["status"] == "graded":
            score = f"{points(result['points'])} / {points(result['max_points'])}"
            counts = Counter(outcome["verdict"] for outcome in result["tasks"].values())
            what = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        else:
            score, what = "-", f"{result['status']}: {line(result['reason'])}"
        lines.append(f"{name:<{names}}  {score:>9}  {what}"[: max(width, 60)])
    return "\n".join(lines)
