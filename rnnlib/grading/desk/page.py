"""A student's page of feedback: where each point came from, and what came where something else was expected."""

from __future__ import annotations

import re

from ..answers import decode
from ..exercise import Exercise, Task
from ..text import line
from .classroom import account
from .difference import beside
from .layout import code, document, escape, wide_table
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
    "to mark": "a person will look at it",
    "marked": "looked at by a person",
}
SUMMARY = {
    "grader-fault": "Grading did not work this time. This is not your fault, and it costs you nothing.",
    "unreadable": "This file could not be graded. ",
    "refused": "This file could not be graded. ",
}
SOLUTION = 'class="solution"'  # marks each solution on a page
BRACKETS = re.compile(r"(?m)^[ \t]*### (?:BEGIN|END) SOLUTION[^\n]*\n?")


def feedback(row: Row, exercise: Exercise | None = None, *, solutions: bool = False) -> str:
    """A page for the student.

    Parameters
    ----------
    row : Row
    exercise : Exercise, optional
        With recorded answers; without it, answers are told but not shown.
    solutions : bool
        Whether to show the solution of each task.
    """
    title = exercise.title if exercise is not None and exercise.title else row.exercise or "Feedback"
    heading = line(f"{title}: {row.name or row.submission}")
    body = f'<p class="note">Exercise {escape(row.exercise)}</p>\n' if title != row.exercise and row.exercise else ""
    body += (
        f'<p class="total">{points(row.points)} of {points(row.max_points)} points</p>\n'
        if row.grade is not None
        else ""
    )
    if row.status != "graded":
        reason = "" if row.status == "grader-fault" else row.reason
        body += f'<p class="message">{escape(SUMMARY.get(row.status, "") + reason)}</p>\n'
    if row.outdated:
        body += "<p>The notebook or the exercise has changed since this was graded.</p>\n"
    body += _whole(row)
    if row.tasks:
        body += wide_table(
            ("Task", "Points", "Verdict"), [_line(task, score) for task, score in row.tasks.items()], "tasks"
        )
        for task, score in row.tasks.items():
            body += _task(task, score, exercise, solutions)
    if row.remarks:
        notes = "".join(f"<li>{escape(remark)}</li>\n" for remark in row.remarks)
        body += f"<section>\n<h2>How your notebook was read</h2>\n<ul>\n{notes}</ul>\n</section>\n"
    return document(heading, body)


def _whole(row: Row) -> str:
    """Lateness, and what a person says of the exercise as a whole."""
    said = f"<p>{escape(told)}</p>\n" if (told := account(row)) else ""
    if row.mark is not None and row.mark.points is not None:
        said += f"<p>Your teacher has set the points of this exercise; its tasks alone give {points(row.earned)}.</p>\n"
    return said + teacher(row.comment)


def teacher(comment: str) -> str:
    """A person's words."""
    return f'<p class="teacher"><strong>Your teacher says:</strong> {escape(comment)}</p>\n' if comment else ""


def answer(score: Score) -> str:
    """An answer that is not run: its text, or its code and the picture that the notebook holds."""
    said = f'<p class="message answer">{escape(score.code)}</p>\n' if score.kind != "code" else f"{code(score.code)}\n"
    if score.image:
        said += f'<p><img src="data:image/png;base64,{score.image}" alt="The picture that the notebook holds."></p>\n'
        said += '<p class="note">The picture is the one in the notebook; the code was not run again.</p>\n'
    return said


def _line(task: str, score: Score) -> list[str]:
    name = f'<a href="#{escape(task)}">{escape(task)}</a>' + (f" {escape(score.title)}" if score.title else "")
    return [
        name,
        f"{points(score.points)} of {points(score.max_points)}{' *' if score.changed else ''}",
        _verdict(score),
    ]


def _verdict(score: Score) -> str:
    good = score.verdict == "passed"
    neutral = score.verdict in ("by hand", "to mark", "marked", "waiting") or score.points == score.max_points
    kind = "good" if good else "note" if neutral else "bad"
    return f'<span class="{kind}">{"✓ " if good else ""}{escape(score.verdict)}</span>'


def _task(task: str, score: Score, exercise: Exercise | None, solutions: bool) -> str:
    this = exercise.tasks.get(task) if exercise is not None else None
    name = f"{task} {score.title}" if score.title else task
    body = f"<h2>{escape(name)}</h2>\n<p><strong>{points(score.points)} of {points(score.max_points)} points</strong>, "
    body += f"{_verdict(score)}: {escape(MEANING.get(score.verdict, score.verdict))}.</p>\n"
    if score.message:
        body += f'<p class="message">{escape(score.message)}</p>\n'
    if score.changed and score.verdict != "by hand":
        body += f"<p>* Your teacher has set the points; the grader gave {points(score.graded)}.</p>\n"
    body += teacher(score.comment)
    if score.verdict in ("to mark", "marked"):
        body += f"<h3>Your answer</h3>\n{answer(score)}"
    elif score.verdict not in ("passed", "missing", "waiting"):
        body += _evidence(score, this)
    elif score.verdict == "passed" and score.code.strip():
        body += f"<details><summary>Your answer to {escape(task)}</summary>\n{code(score.code)}\n</details>\n"
    if solutions and exercise is not None and task in exercise.worth:
        told = code(solution(exercise, task))
        if score.verdict == "passed":
            body += f"<details {SOLUTION}><summary>A solution of {escape(task)}</summary>\n{told}\n</details>\n"
        else:
            body += f"<div {SOLUTION}>\n<h3>A solution</h3>\n{told}\n</div>\n"
    return f'<section id="{escape(task)}">\n{body}</section>\n'


def _evidence(score: Score, task: Task | None) -> str:
    """The student's code beside the case that was not right, if students may see that case."""
    shown = [f"<div><h3>Your answer</h3>\n{code(score.code)}</div>\n"] if score.code.strip() else []
    differs = ""
    if task is not None and score.case == 0:
        shown.append(f"<div><h3>The visible case</h3>\n{code(task.cases[0].source)}</div>\n")
        if score.got is not None and task.cases[0].answer is not None:
            expected, got = decode(task.cases[0].answer), decode(score.got)
            differs = f"<h3>What came of it</h3>\n{beside(expected, got, rtol=task.rtol, atol=task.atol)}\n"
    return (f'<div class="beside">\n{"".join(shown)}</div>\n' if shown else "") + differs


def solution(exercise: Exercise, task: str) -> str:
    """The solution's own code for a task, without the marks around it."""
    if task in exercise.manual:
        return BRACKETS.sub("", exercise.manual[task].solution).rstrip()
    sources = [exercise.solutions.get(key, "") for key, cell in exercise.answer_cells.items() if cell.task == task]
    return "\n\n".join(BRACKETS.sub("", source).rstrip() for source in sources)
