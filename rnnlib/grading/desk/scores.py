"""Rows of the class's table: what was found in a submission, what it is worth, and what a person says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..exercise import Exercise
from ..text import tidy
from .marks import Mark, Marks

NO_GRADE = ("waiting", "grader-fault", "absent", "nobody's")  # statuses of which no number can be entered


@dataclass
class Score:
    """One task of one row.

    Attributes
    ----------
    verdict, message, hint : str
    graded : float
        The points that the grader gave.
    max_points : float
    title : str
    mark : Mark or None
        What a person says.
    case : int or None
        The case that was not right; 0 is the visible one.
    got : dict or None
        What came in the visible case, if it was not right, as `answers.encode` writes it.
    code : str
        The student's.
    kind : {"code", "markdown"}
        What the answer is.
    image : str
        Of a task that a person grades: the PNG that the notebook holds, in base64.
    """

    verdict: str
    message: str = ""
    graded: float = 0.0
    max_points: float = 0.0
    title: str = ""
    hint: str = ""
    mark: Mark | None = None
    case: int | None = None
    got: dict[str, Any] | None = None
    code: str = ""
    kind: str = "code"
    image: str = ""

    @property
    def to_mark(self) -> bool:
        """Whether a person has still to look at it."""
        return self.verdict == "to mark"

    @property
    def by_hand(self) -> bool:
        """Whether a person has set the points."""
        return self.mark is not None and self.mark.points is not None

    @property
    def changed(self) -> bool:
        """Whether a person has set points that the grader had given."""
        return self.by_hand and self.verdict != "marked"

    @property
    def points(self) -> float:
        """A person's points, or else the grader's."""
        return self.mark.points if self.mark is not None and self.mark.points is not None else self.graded

    @property
    def comment(self) -> str:
        """A person's words."""
        return tidy(self.mark.comment) if self.mark else ""

    def to_json(self) -> dict[str, Any]:
        """As in `scores.json`."""
        said: dict[str, Any] = {"verdict": self.verdict, "message": self.message}
        said |= {"points": self.points, "max_points": self.max_points}
        if self.changed:
            said["graded_points"] = self.graded
        return {**said, "comment": self.comment} if self.comment else said


@dataclass
class Row:
    """One row: a submission, or a student who may have handed in nothing.

    Attributes
    ----------
    student : str
        Whose it is: the identifier in the roster, or the submission's name where there is no roster.
    submission, exercise, status, reason, sandbox : str
        As the grader found it; see the page "For teachers".
    max_points : float
    tasks : dict of str to Score
    remarks : list of str
        What the student is told of how the notebook was read.
    outdated : bool
        Whether the submission or the exercise has changed since it was graded.
    mark : Mark or None
        What a person says of the exercise as a whole.
    name : str
        The student's.
    columns : dict of str to str
        The further columns of the roster.
    handed_in, due : datetime or None
    late : str
        How late it was handed in, in words; empty if it was not.
    penalty : float
        The points that this costs.
    rule : str
        The rule behind the penalty.
    others : list of str
        Further submissions of the student, which do not count.
    """

    student: str
    submission: str
    exercise: str = ""
    status: str = "absent"
    reason: str = ""
    sandbox: str = ""
    max_points: float = 0.0
    tasks: dict[str, Score] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    outdated: bool = False
    mark: Mark | None = None
    name: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    handed_in: datetime | None = None
    due: datetime | None = None
    late: str = ""
    penalty: float = 0.0
    rule: str = ""
    others: list[str] = field(default_factory=list)

    @property
    def earned(self) -> float:
        """The points of all tasks."""
        return round(sum(score.points for score in self.tasks.values()), 2)

    @property
    def by_hand(self) -> list[str]:
        """What a person has changed: tasks, and the exercise itself."""
        tasks = [task for task, score in self.tasks.items() if score.changed]
        return [*tasks, self.exercise] if self.mark is not None and self.mark.points is not None else tasks

    @property
    def points(self) -> float:
        """The points that count."""
        if self.mark is not None and self.mark.points is not None:
            return self.mark.points
        return round(max(self.earned - self.penalty, 0.0), 2)

    @property
    def grade(self) -> float | None:
        """The points as a learning platform is told them; None where there is no number to enter."""
        if self.mark is not None and self.mark.points is not None:
            return self.mark.points
        if any(score.verdict in ("to mark", "waiting") and not score.by_hand for score in self.tasks.values()):
            return None
        return None if self.status in NO_GRADE and not self.by_hand else self.points

    @property
    def to_mark(self) -> list[str]:
        """The tasks that a person has still to look at."""
        return [task for task, score in self.tasks.items() if score.to_mark]

    @property
    def comment(self) -> str:
        """A person's words on the exercise as a whole."""
        return tidy(self.mark.comment) if self.mark else ""

    def to_json(self) -> dict[str, Any]:
        """As in `scores.json`."""
        return {
            "student": self.student,
            "name": self.name,
            **({"columns": self.columns} if self.columns else {}),
            "submission": self.submission,
            "exercise": self.exercise,
            "status": self.status,
            "reason": self.reason,
            "points": self.points,
            "max_points": self.max_points,
            "late": self.late,
            "penalty": self.penalty,
            "by_hand": self.by_hand,
            "comment": self.comment,
            "outdated": self.outdated,
            "others": self.others,
            "sandbox": self.sandbox,
            "tasks": {task: score.to_json() for task, score in self.tasks.items()},
        }


def scored(result: Mapping[str, Any], exercises: Mapping[str, Exercise], asked: str = "") -> Row:
    """The row of one submission, without marks.

    Parameters
    ----------
    result : dict
        As `Batch.run` returns it.
    exercises : dict of str to Exercise
        What their tasks are worth now.
    asked : str
        The exercise that is graded, if it is one.
    """
    name = result["submission"]
    exercise = exercises.get(result["exercise"] or asked)
    row = Row(name, name, result["exercise"] or asked, result["status"], result["reason"], result["sandbox"],
              exercise.max_points if exercise else 0.0, remarks=list(result["remarks"]),
              outdated=result.get("outdated", False))  # fmt: skip
    if row.status != "graded":
        return row
    if exercise is None:  # what an earlier run has left of an exercise that is no more
        row.status, row.reason = "waiting", "Its exercise is not there any more."
        return row
    for key, most in exercise.worth.items():
        found = result["tasks"].get(key)
        row.tasks[key] = score = Score("waiting", "It is not graded yet.", 0.0, most, exercise.titles[key])
        if found is not None:
            share = float(found.get("share", found["verdict"] == "passed"))
            score.verdict, score.message, score.graded = found["verdict"], found["message"], round(most * share, 2)
            score.hint, score.case, score.got = found.get("hint", ""), found.get("case"), found.get("got")
            score.code, score.kind, score.image = (found.get(name, "") for name in ("code", "kind", "image"))
    return row


def mark(row: Row, marks: Marks, exercises: Mapping[str, Exercise]) -> None:
    """Add to a row what a person says about it."""
    exercise = exercises.get(row.exercise)
    if exercise is None:  # the file does not say what it answers; a mark may
        names = [
            name for name, one in exercises.items() if any(marks.get(row.student, key) for key in (name, *one.worth))
        ]
        if len(names) != 1:
            return
        exercise = exercises[names[0]]
        row.exercise, row.max_points = exercise.name, exercise.max_points
    row.mark = marks.get(row.student, exercise.name)
    for key, most in exercise.worth.items():
        found = marks.get(row.student, key)
        if found is None:
            continue
        if key not in row.tasks:  # nothing was graded, and yet somebody gave points: after an oral examination, say
            row.tasks[key] = Score("by hand", "", 0.0, most, exercise.titles[key])
        row.tasks[key].mark = found
        if row.tasks[key].to_mark and found.points is not None:
            row.tasks[key].verdict = "marked"
