"""What a person says about an answer: points that stand instead of the grader's, and words for the student.

A file of marks is a CSV with a row for each student and task:

    student,task,points,comment
    s1024,bptt.3,2,"The idea is right, and the sum goes over the batch as well."
    s1031,bptt.1,,Well done.
    s1042,04_bptt,0,We have talked about this.

No points leave the grader's as they are. The exercise's name in place of a task stands for the exercise as a whole. One
file may serve a whole term: rows for tasks of exercises that are not there have no effect, and are named. The file is
the teacher's: nothing here ever writes to it, so a mark survives whatever is graded again or released anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from ..exercise import Exercise
from .sheets import DeskError, number, read_sheet

COLUMNS = ("student", "task", "points", "comment")


@dataclass(frozen=True)
class Mark:
    """One row.

    Attributes
    ----------
    student, task : str
        `task` may be the name of an exercise.
    points : float or None
    comment : str
    where : str
        File and line, for messages.
    """

    student: str
    task: str
    points: float | None
    comment: str
    where: str


@dataclass(frozen=True)
class Marks:
    """All marks, by student and task; `elsewhere` names tasks with marks that belong to no exercise here."""

    by: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def get(self, student: str, task: str) -> Mark | None:
        """The mark of a student for a task; a submission's name may stand without its `.ipynb`."""
        return self.by.get((student, task)) or self.by.get((student.removesuffix(".ipynb"), task))

    def strangers(self, students: Iterable[str]) -> list[str]:
        """What has no effect: a sentence for tasks from elsewhere, and one for each mark of a student who is not there.

        The latter is a typing error, or somebody who has left.
        """
        known = {name for student in students for name in (student, student.removesuffix(".ipynb"))}
        said = []
        if self.elsewhere:
            said.append(f"marks for {', '.join(self.elsewhere)} have no effect here: these are no tasks of the "
                        "solutions that were read")  # fmt: skip
        for mark in self.by.values():
            if mark.student not in known:
                near = get_close_matches(mark.student, sorted(known), 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                said.append(f"{mark.where}: there is no student {mark.student!r}, so this mark has no effect{hint}")
        return said


def read_marks(path: Path, exercises: Mapping[str, Exercise]) -> Marks:
    """Read a file of marks.

    Raises
    ------
    DeskError
        If a column is missing, a task of one of the exercises is not there, points are no number from 0 to the task's,
        or a student has two marks for a task.
    """
    sheet = read_sheet(path)
    if missing := [name for name in COLUMNS if name not in sheet.header]:
        raise DeskError(f"{path}: expected the columns {', '.join(COLUMNS)}, got {', '.join(sheet.header)}: "
                        f"{', '.join(missing)} is missing")  # fmt: skip
    worth = {name: exercise.max_points for name, exercise in exercises.items()}
    for exercise in exercises.values():
        worth |= exercise.worth
    families = {task.rpartition(".")[0] for exercise in exercises.values() for task in exercise.worth}
    by: dict[tuple[str, str], Mark] = {}
    elsewhere: dict[str, None] = {}
    for line, cells in sheet.rows:
        where, student, task = sheet.where(line), cells["student"], cells["task"]
        if not student:
            raise DeskError(f"{where}: expected a student, got an empty cell")
        if task and task not in worth and task.rpartition(".")[0] not in families:
            elsewhere[task] = None
            continue
        if task not in worth:
            near = get_close_matches(task, worth, 3) or sorted(exercises)
            raise DeskError(f"{where}: expected the name of a task or an exercise, such as {', '.join(near)}, "
                            f"got {task!r}")  # fmt: skip
        points = number(cells["points"]) if cells["points"] else None
        if cells["points"] and (points is None or not 0 <= points <= worth[task]):
            raise DeskError(f"{where}: points: expected a number from 0 to {worth[task]:g}, got {cells['points']!r}")
        if points is None and not cells["comment"]:
            continue  # a row that is not filled in yet
        if (student, task) in by:
            raise DeskError(f"{where}: expected one mark of {student} for {task}, got a second one after "
                            f"{by[student, task].where}")  # fmt: skip
        by[student, task] = Mark(student, task, points, cells["comment"], where)
    return Marks(by, tuple(elsewhere))
