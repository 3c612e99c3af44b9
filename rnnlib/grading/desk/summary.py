"""One page about the class, for the teacher: which tasks went wrong, in what way, and what to explain again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import mean, median

from ..exercise import CASE, Exercise, Task
from ..store import stem
from ..text import line
from .layout import code, document, escape, wide_table
from .report import outcome, points
from .scores import Row, Score

HINTS = 5  # of a task, at most
KINDS = {  # the parts of a bar from left to right: its colour, what it stands for, and its verdicts
    "passed": ("right", ("passed",)),
    "by": ("points by a person", ("marked", "by hand")),
    "failed": ("wrong, or an error", ("failed", "error")),
    "other": ("over a limit, or crashed", ("timeout", "crash", "memory", "output limit")),
    "none": ("no answer, or nobody has looked yet", ("to mark", "missing", "waiting")),
}
KIND = {verdict: kind for kind, (_, its_verdicts) in KINDS.items() for verdict in its_verdicts}
TOLD = ("failed", "error", "timeout", "crash", "memory", "output limit")  # verdicts that something can be said of


def summary(rows: list[Row], exercises: Mapping[str, Exercise], notes: Iterable[str] = ()) -> str:
    """The page.

    Parameters
    ----------
    rows : list of Row
    exercises : dict of str to Exercise
    notes : iterable of str
        What to know about this run.
    """
    body = _states(rows)
    for name, exercise in exercises.items():
        mine = [row for row in rows if row.exercise == name and row.status != "nobody's"]
        if mine:
            body += _exercise(exercise, mine, heading=sum(row.exercise == name for row in rows) < len(rows))
    body += _students(rows)
    if notes := list(notes):
        body += "<section>\n<h2>To look at</h2>\n<ul>\n" + "".join(f"<li>{escape(note)}</li>\n" for note in notes)
        body += "</ul>\n</section>\n"
    names = sorted({row.exercise for row in rows if row.exercise})
    return document(f"The class: {', '.join(names)}" if names else "The class", body)


def _students(rows: list[Row]) -> str:
    """Everybody's row, with a link to the page; a file is linked as it lies beside this one."""
    said = []
    for row in rows:
        name = f"{row.student} {row.name}" if row.name else row.submission
        score = "-" if row.grade is None else f"{points(row.points)} of {points(row.max_points)}"
        link = f'<a href="feedback/{stem(row.student)}.html">{escape(line(name))}</a>'
        said.append([link, score + (" *" if row.by_hand else ""), escape(outcome(row))])
    table = wide_table(("Student", "Points", "What came of it"), said, "tasks")
    note = '<p class="note">* changed by hand</p>\n' if any(row.by_hand for row in rows) else ""
    return f"<section>\n<h2>Students</h2>\n{table}{note}</section>\n"


def _states(rows: list[Row]) -> str:
    counts = Counter(row.status for row in rows)
    late, hand = sum(bool(row.late) for row in rows), sum(bool(row.by_hand) for row in rows)
    said = [f"{count} {status}" for status, count in counts.most_common()]
    said += [f"{late} late"] if late else []
    said += [f"{hand} changed by hand"] if hand else []
    return f"<p>{len(rows)} rows: {escape(', '.join(said))}.</p>\n"


def _exercise(exercise: Exercise, rows: list[Row], heading: bool) -> str:
    grades = [row.grade for row in rows if row.grade is not None]
    body = f"<h2>{escape(exercise.name) if heading else 'Tasks'}</h2>\n"
    if grades:
        average, middle = (points(round(value, 2)) for value in (mean(grades), median(grades)))
        body += (f"<p>{len(grades)} have a number: {average} of {points(exercise.max_points)} points on average, the "
                 f"median is {middle}, from {points(min(grades))} to {points(max(grades))}.</p>\n")  # fmt: skip
    scores = {task: [row.tasks[task] for row in rows if task in row.tasks] for task in exercise.worth}
    body += wide_table(
        ("Task", "Average", "Verdicts"),
        [_line(exercise, task, found) for task, found in scores.items() if found],
        "tasks",
    )
    body += legend()
    body += "".join(_task(exercise.tasks[task], found) for task, found in scores.items() if task in exercise.tasks)
    return f"<section>\n{body}</section>\n"


def _line(exercise: Exercise, task: str, scores: list[Score]) -> list[str]:
    known = [score.points for score in scores if not score.to_mark]
    average = points(round(mean(known), 2)) if known else "-"
    told = any(score.verdict in TOLD for score in scores) and task in exercise.tasks
    name = f'<a href="#{escape(task)}">{escape(task)}</a>' if told else escape(task)
    return [f"{name} {escape(exercise.titles[task])}", f"{average} of {points(exercise.worth[task])}",
            bar(scores) + shares(scores)]  # fmt: skip


def verdicts(scores: list[Score]) -> list[tuple[str, int]]:
    """How often there was each verdict, in the order of `KIND`."""
    counts = Counter(score.verdict for score in scores)
    places = list(KIND)
    return sorted(counts.items(), key=lambda item: places.index(item[0]) if item[0] in places else len(places))


def shares(scores: list[Score]) -> str:
    """The share of each verdict.

    Examples
    --------
    >>> shares([Score("passed"), Score("passed"), Score("passed"), Score("failed")])
    '75% passed, 25% failed'
    """
    return ", ".join(f"{100 * count / len(scores):.0f}% {escape(name)}" for name, count in verdicts(scores))


def bar(scores: list[Score]) -> str:
    """The same as a bar, which says nothing that is not said beside it."""
    parts = "".join(
        f'<i class="{KIND.get(name, "other")}" style="flex: {count}"></i>' for name, count in verdicts(scores)
    )
    return f'<span class="bar" aria-hidden="true">{parts}</span>'


def legend() -> str:
    """What the colours of all bars stand for."""
    parts = "".join(f'<li><i class="{kind}"></i> {meaning}</li>' for kind, (meaning, _) in KINDS.items())
    return f'<ul class="legend" aria-label="The colours of the bars">{parts}</ul>\n'


def _task(task: Task, scores: list[Score]) -> str:
    wrong = [score for score in scores if score.verdict in TOLD]
    if not wrong:
        return ""
    body = f'<h3 id="{escape(task.id)}">{escape(f"{task.id} {task.title}".strip())}</h3>\n'
    said = Counter(reason(score) for score in wrong)
    items = "".join(f"<li>{count} × {escape(line(text))}</li>\n" for text, count in said.most_common(HINTS))
    rest = len(said) - HINTS
    body += f"<ul>\n{items}</ul>\n" + (f'<p class="note">and {rest} more.</p>\n' if rest > 0 else "")
    cases = Counter(score.case for score in wrong if score.case)
    if cases:
        body += "<p>Right in the visible case, and not in a hidden one:</p>\n"
        for number, count in sorted(cases.items()):
            body += f"<p>{count} × case {number}</p>\n{code(case_line(task, number))}\n"
    return body


def reason(score: Score) -> str:
    """What went wrong, without the numbers of one student: the hint, or the error, or the verdict.

    Examples
    --------
    >>> reason(Score("failed", "3 numbers are off. The sign is wrong.", hint="The sign is wrong."))
    'The sign is wrong.'
    >>> reason(Score("error", "In the answer cell: NameError: name 'hh' is not defined"))
    'error: NameError'
    """
    if score.hint:
        return score.hint
    if score.verdict == "error":
        names = [word for word in score.message.replace(":", " ").split() if word.endswith(("Error", "Exception"))]
        return f"error: {names[-1][:80]}" if names else "error"
    if score.verdict == "failed":
        what = score.message.partition("hidden one. ")[2] or score.message
        return "failed: " + (
            "another kind or shape" if what.startswith(("expected", "item")) else "wrong, and no known mistake"
        )
    return score.verdict


def case_line(task: Task, number: int) -> str:
    """What makes a case the case that it is: its line that ends in `# case`, or all of it."""
    if number >= len(task.cases):
        return ""
    visible = CASE.search(task.cases[0].source)
    source = task.cases[number].source
    return source[visible.start() :].splitlines()[0].strip() if visible else source
