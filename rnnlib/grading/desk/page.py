"""A student's page of feedback: one HTML file without scripts that says where each point came from."""

from __future__ import annotations

import html

from ..text import line
from .classroom import account
from .report import points
from .scores import Row, Score

MEANING = {
    "passed": "right in every case",
    "failed": "an answer, but not the right one",
    "error": "Python raised an error",
    "timeout": "took too long",
    "crash": "ended the Python process",
    "memory": "used too much memory",
    "output limit": "printed or displayed too much",
    "missing": "no answer",
    "waiting": "not graded yet",
    "by hand": "looked at by a person",
}
STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8888; }
td.number { white-space: nowrap; }
.message { white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def document(title: str, body: str) -> str:
    """A whole HTML page; `title` is text, `body` is HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>{html.escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def feedback(row: Row) -> str:
    """A page for the student."""
    title = line(f"{row.exercise or 'Feedback'}: {row.name or row.submission}")
    if row.status == "graded":
        summary = f"<strong>{points(row.points)} of {points(row.max_points)} points.</strong>"
    elif row.status == "grader-fault":
        summary = "Grading did not work this time. This is not your fault, and it costs you nothing."
    elif row.status in ("waiting", "absent", "nobody's"):
        summary = html.escape(row.reason)
    else:
        summary = f"This file could not be graded. {html.escape(row.reason)}"
    body = f"<p>{summary}</p>\n{_whole(row)}"
    if row.tasks:
        titles = ("Task", "Points", "Verdict", "What happened")
        head = "<tr>" + "".join(f"<th scope=col>{title}</th>" for title in titles) + "</tr>"
        rows = "".join(_task(task, score) for task, score in row.tasks.items())
        body += f"<div class=wide><table>\n{head}\n{rows}</table></div>\n"
    if row.remarks:
        notes = "".join(f"<li>{html.escape(remark)}</li>" for remark in row.remarks)
        body += f"<h2>Remarks</h2>\n<ul>{notes}</ul>"
    return document(title, body)


def _whole(row: Row) -> str:
    """Lateness, and what a person says of the exercise as a whole."""
    said = f"<p>{html.escape(told)}</p>\n" if (told := account(row)) else ""
    if row.mark is not None and row.mark.points is not None:
        said += f"<p>Your teacher has set the points of this exercise; its tasks alone give {points(row.earned)}.</p>\n"
    if row.comment:
        said += f"<p class=message>Your teacher says: {html.escape(row.comment)}</p>\n"
    return said


def _task(task: str, score: Score) -> str:
    verdict = score.verdict
    message = html.escape(score.message or MEANING[verdict].capitalize() + ".")
    if score.by_hand:
        message += f"\nYour teacher has set the points; the grader gave {points(score.graded)}."
    if score.comment:
        message += f"\nYour teacher says: {html.escape(score.comment)}"
    return (
        f"<tr><th scope=row>{html.escape(task)}</th>"
        f"<td class=number>{points(score.points)} of {points(score.max_points)}</td>"
        f"<td>{'✓ ' if verdict == 'passed' else ''}{html.escape(verdict)}</td>"
        f"<td class=message>{message}</td></tr>\n"
    )
