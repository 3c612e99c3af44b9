"""The class's rows: everybody in the roster, which of several hand-ins counts, and what lateness costs."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ..exercise import Exercise
from ..reading import Found
from .late import Penalty, lateness, read_time, shown, told
from .marks import Marks
from .roster import Pattern, Roster, Student, folded, read_roster, unclear
from .scores import Row, mark, scored
from .sheets import DeskError

NEVER = datetime.fromtimestamp(0).astimezone()
UNREAD = ("unreadable", "refused")  # statuses that an earlier hand-in is better than


@dataclass(frozen=True)
class Rules:
    """What holds for all hand-ins.

    Attributes
    ----------
    roster : Roster or None
    pattern : Pattern or None
        How paths name students; None without a roster.
    keep : {"last", "best"}
    due : datetime or None
    penalty : Penalty
    time_column, due_column : str
        Columns of the roster with the time of handing in, and with a due date of one's own.
    """

    roster: Roster | None = None
    pattern: Pattern | None = None
    keep: str = "last"
    due: datetime | None = None
    penalty: Penalty = field(default_factory=Penalty)
    time_column: str = ""
    due_column: str = ""

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Rules:
        """From the command line.

        Raises
        ------
        DeskError
            If a file, a column or a time in it cannot be used.
        """
        roster = read_roster(arguments.roster) if arguments.roster else None
        columns = {"--time-column": arguments.time_column, "--due-column": arguments.due_column}
        if roster is None:
            for option, value in {"--pattern": arguments.pattern, **columns}.items():
                if value:
                    raise DeskError(f"{option}: expected --roster beside it, got no roster")
        else:
            for option, name in columns.items():
                if name:
                    _look_over(roster, roster.column(name, option))
        due = read_time(arguments.due, "--due") if arguments.due else None
        penalty = Penalty.read(arguments.late_penalty or "0%", arguments.late_most)
        if arguments.late_penalty and due is None and not arguments.due_column:
            raise DeskError("--late-penalty: expected --due or --due-column beside it, got neither")
        return cls(roster, Pattern(roster, arguments.pattern) if roster else None, arguments.keep, due, penalty,
                   arguments.time_column, arguments.due_column)  # fmt: skip

    def due_of(self, student: Student | None) -> datetime | None:
        """When a student's work is due."""
        own = told(student.columns[self.due_column]) if student and self.due_column else ""
        return read_time(own, self.due_column) if own else self.due

    def last_due(self) -> datetime | None:
        """When the last student's work is due."""
        students = self.roster.students if self.roster else ()
        times = [time for time in (self.due, *map(self.due_of, students)) if time]
        return max(times, default=None)

    def whose(self, name: str) -> tuple[list[Student], str]:
        """Whose a submission is, and the time that its path tells; without a roster, nobody's."""
        return self.pattern.match(name) if self.pattern else ([], "")

    def chosen(self, found: list[Found], names: list[str]) -> set[str] | None:
        """The submissions of those that are named, by a student's identifier or name, a path, or a pattern like `s10*`.

        Raises
        ------
        DeskError
            If one names nobody.
        """
        if not names:
            return None
        labels: dict[str, set[str]] = {item.name: {item.name, item.name.removesuffix(".ipynb")} for item in found}
        everybody = set().union(*labels.values())
        for item in found:
            labels[item.name] |= {label for one in self.whose(item.name)[0] for label in (one.id, one.name)}
        for student in self.roster.students if self.roster else ():
            everybody |= {student.id, student.name}
        chosen = set()
        for name in names:
            if not any(fnmatchcase(folded(label), folded(name)) for label in everybody):
                raise DeskError(f"--only: expected a student, a submission or a pattern of such, got {name!r}")
            chosen |= {item for item, own in labels.items() if any(fnmatchcase(folded(x), folded(name)) for x in own)}
        return chosen


def _look_over(roster: Roster, column: str) -> None:
    for line, cells in roster.sheet.rows:
        if told(cells[column]):
            read_time(cells[column], f"{roster.sheet.where(line)}, {column}")


@dataclass(frozen=True)
class Classroom:
    """What makes a table out of results.

    Attributes
    ----------
    exercises : dict of str to Exercise
    exercise : str
        The one that is graded, if it is one.
    marks : Marks
    rules : Rules
    others : tuple of str
        The names of files that were handed in and are no notebooks.
    """

    exercises: Mapping[str, Exercise]
    exercise: str
    marks: Marks
    rules: Rules
    others: tuple[str, ...] = ()

    def rows(self, results: list[dict[str, Any]], found: list[Found]) -> list[Row]:
        """A row for each submission; with a roster, for each student, and then for each submission that is nobody's."""
        if self.rules.roster is None or self.rules.pattern is None:
            return [self._row(result, item, None) for result, item in zip(results, found, strict=True)]
        by_student: dict[str, list[Row]] = {student.id: [] for student in self.rules.roster.students}
        strangers = []
        for result, item in zip(results, found, strict=True):
            students, time = self.rules.whose(item.name)
            if not students or (len(students) > 1 and not self.rules.pattern.text):
                row = self._row(result, item, None)
                row.status, row.reason, row.tasks = "nobody's", unclear(students, self.rules.pattern), {}
                strangers.append(row)
                continue
            for student in students:
                by_student[student.id].append(self._row(result, item, student, time))
        return [self._one(student, by_student[student.id]) for student in self.rules.roster.students] + strangers

    def _row(self, result: Mapping[str, Any], item: Found, student: Student | None, time: str = "") -> Row:
        row = scored(result, self.exercises, self.exercise)
        if student is not None:
            self._belongs(row, student)
        mark(row, self.marks, self.exercises)
        own = told(student.columns[self.rules.time_column]) if student and self.rules.time_column else ""
        row.handed_in = read_time(own or time, item.name) if own or time else _changed(item)
        row.due = self.rules.due_of(student)
        if row.due is not None and row.handed_in is not None and row.handed_in > row.due:
            late: timedelta = row.handed_in - row.due
            row.late, row.penalty = lateness(late), self.rules.penalty.points(late, row.max_points)
            row.rule = str(self.rules.penalty) if row.penalty else ""
        return row

    def _belongs(self, row: Row, student: Student) -> None:
        assert self.rules.roster is not None
        row.student, row.name = student.id, student.name
        row.columns = {name: student.columns[name] for name in self.rules.roster.further}

    def _instead(self, student: Student) -> str:
        """What there is of a student without a notebook."""
        assert self.rules.pattern is not None
        for name in self.others:
            as_notebook = re.sub(r"\.[^./]*$", "", name) + ".ipynb"  # what the pattern may ask for
            if any(self.rules.pattern.match(path)[0] == [student] for path in (name, as_notebook)):
                return f"{os.path.basename(name)} is not a notebook, and no notebook was handed in."
        return "Nothing was handed in."

    def _one(self, student: Student, rows: list[Row]) -> Row:
        """The hand-in that counts."""
        if not rows:
            exercise = self.exercises.get(self.exercise)
            row = Row(student.id, "", self.exercise, "absent", self._instead(student))
            row.max_points = exercise.max_points if exercise else 0.0
            self._belongs(row, student)
            row.due = self.rules.due_of(student)
            mark(row, self.marks, self.exercises)
            return row
        readable = [row for row in rows if row.status not in UNREAD] or rows
        if self.rules.keep == "best":
            chosen = max(readable, key=lambda row: (row.points, row.handed_in or NEVER, row.submission))
        else:
            chosen = max(readable, key=lambda row: (row.handed_in or NEVER, row.submission))
        chosen.others = [row.submission for row in rows if row is not chosen]
        if chosen.others:
            chosen.remarks.insert(0, f"{len(rows)} files were handed in; {chosen.submission} counts, the "
                                     f"{self.rules.keep} that can be read.")  # fmt: skip
            for row in rows:
                if row.status in UNREAD and row is not chosen:
                    chosen.remarks.insert(1, f"{row.submission} could not be graded. {row.reason}")
        return chosen


def _changed(item: Found) -> datetime | None:
    """When a file was changed last, whole seconds."""
    try:
        return datetime.fromtimestamp(int(os.lstat(item.path).st_mtime)).astimezone()
    except (OSError, OverflowError, ValueError):
        return None


def account(row: Row) -> str:
    """How the points came about, in one line; empty if there is nothing to tell.

    Examples
    --------
    >>> account(Row("s1", "a.ipynb", "x", "graded"))
    ''
    """
    said = []
    if row.late:
        assert row.handed_in is not None and row.due is not None
        cost = f"-{row.penalty:g} points ({row.rule})" if row.penalty else "which costs nothing"
        said.append(f"Handed in {shown(row.handed_in)}, due {shown(row.due)}: {row.late} late, {cost}.")
        if row.penalty:
            said.append(f"The tasks alone give {row.earned:g}.")
    return " ".join(said)
