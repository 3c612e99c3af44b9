"""Who is in the class, and whose a file is.

A roster is a CSV with a row for each student: the identifier, the name, and whatever else there is. The gradebook that
Canvas exports and the grading worksheet of a Moodle assignment are rosters too; they are known by their columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .sheets import DeskError, Sheet, read_sheet

MOODLE = ("Identifier", "Full name")
CANVAS = ("Student", "ID")
TIME = r"\d{4}-?\d\d-?\d\d(?:[t _-]?\d\d[-:._h]?\d\d(?:[-:._]?\d\d)?)?"
FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Student:
    """One row of a roster: `columns` holds all of it."""

    id: str
    name: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Roster:
    """The class.

    Attributes
    ----------
    sheet : Sheet
    kind : {"plain", "moodle", "canvas"}
    students : tuple of Student
    """

    sheet: Sheet
    kind: str
    students: tuple[Student, ...]

    def column(self, name: str, option: str) -> str:
        """A column's name, if there is one.

        Raises
        ------
        DeskError
            If there is none.
        """
        if name not in self.sheet.header:
            raise DeskError(f"{option}: expected a column of {self.sheet.path}, which are "
                            f"{', '.join(self.sheet.header)}; got {name!r}")  # fmt: skip
        return name

    @property
    def further(self) -> tuple[str, ...]:
        """The columns beside identifier and name, if the roster is a plain one."""
        return self.sheet.header[2:] if self.kind == "plain" else ()


def read_roster(path: Path) -> Roster:
    """Read a roster.

    Raises
    ------
    DeskError
        If it cannot be read, names nobody, or names somebody twice.
    """
    sheet = read_sheet(path)
    header = set(sheet.header)
    kind = "moodle" if header >= set(MOODLE) else "canvas" if header >= {*CANVAS, "Section"} else "plain"
    students: dict[str, Student] = {}
    for line, cells in sheet.rows:
        if kind == "canvas" and not cells["ID"]:
            continue  # the row of possible points
        student = _student(kind, sheet.header, cells)
        if not student.id:
            raise DeskError(f"{sheet.where(line)}: expected an identifier, got {next(iter(cells.values()))!r}")
        if student.id in students:
            raise DeskError(f"{sheet.where(line)}: expected each identifier once, got {student.id!r} a second time")
        students[student.id] = student
    if not students:
        raise DeskError(f"{path}: expected a row for each student below the names of the columns, got none")
    return Roster(sheet, kind, tuple(students.values()))


def _student(kind: str, header: tuple[str, ...], cells: dict[str, str]) -> Student:
    if kind == "canvas":
        return Student(cells["ID"], cells["Student"], cells)
    if kind == "moodle":  # "Participant 1234"; the number is in the names of downloaded files
        number = re.search(r"\d+$", cells["Identifier"])
        return Student(number[0] if number else "", cells["Full name"], cells)
    return Student(cells[header[0]], cells[header[1]] if len(header) > 1 else "", cells)


def folded(text: str) -> str:
    """Text as it is compared: macOS writes é in two characters, and case means nothing."""
    return unicodedata.normalize("NFC", text).casefold()


def bounded(text: str) -> str:
    """A regular expression for a text that is no part of a longer word or number.

    Examples
    --------
    >>> [bool(re.search(bounded("12"), name)) for name in ("s12.ipynb", "04_12", "112", "12a")]
    [True, True, False, True]
    """
    kinds = {True: r"\d", False: r"[^\W\d_]"}
    before = f"(?<!{kinds[text[0].isdigit()]})" if text[0].isalnum() else ""
    after = f"(?!{kinds[text[-1].isdigit()]})" if text[-1].isalnum() else ""
    return f"{before}{re.escape(text)}{after}"


@dataclass(frozen=True)
class Pattern:
    """How a file's name tells whose it is.

    Attributes
    ----------
    roster : Roster
    text : str
        A path from its end: `{id}`, `{name}` or another column's name in braces stands for what the column says,
        `{time}` for a date and a time, `*` for anything within a name, `**` for any folders. If it is empty, the
        identifier stands anywhere in the path.
    """

    roster: Roster
    text: str = ""

    def __post_init__(self) -> None:
        fields = FIELD.findall(self.text)
        known = list(dict.fromkeys(["id", "name", "time", *self.roster.sheet.header]))
        for name in fields:
            if name not in known:
                raise DeskError(f"--pattern: expected in braces one of {', '.join(known)}; got {{{name}}}")
        if self.text and set(fields) <= {"time"}:
            raise DeskError(f"--pattern: expected a column in braces, such as {{id}}; got {self.text!r}")

    def value(self, student: Student, field: str) -> str:
        """What stands in a student's column."""
        return {"id": student.id, "name": student.name}.get(field, student.columns.get(field, ""))

    @cached_property
    def _fields(self) -> list[str]:
        return FIELD.findall(self.text)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        text = self.text + "**" if self.text.endswith("/") else self.text
        parts = re.split(r"(\{[^{}]*\}|\*\*/|\*\*|\*|\?)", text)
        end = r"(?:\.ipynb)?" if not folded(text).endswith((".ipynb", "*")) else ""
        built, number = "", 0
        wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        for part in parts:
            if FIELD.fullmatch(part):
                built += f"(?P<f{number}>{self._choices(part[1:-1])})"
                number += 1
            else:
                built += wild.get(part) or re.escape(folded(part))
        return re.compile(f"(?:.*/)?{built}{end}", re.DOTALL)

    def _choices(self, field: str) -> str:
        if field == "time":
            return TIME
        values = {folded(self.value(student, field)) for student in self.roster.students} - {""}
        return "|".join(bounded(value) for value in sorted(values, key=len, reverse=True)) or r"(?!)"

    @cached_property
    def _anywhere(self) -> list[tuple[re.Pattern[str], Student]]:
        return [(re.compile(bounded(folded(student.id))), student) for student in self.roster.students]

    def match(self, name: str) -> tuple[list[Student], str]:
        """Whose a submission is, and the time that its name tells, or "".

        Without a pattern there is one student or none. With one there may be several: a column can name a group.
        """
        name = folded(name)
        if not self.text:
            found = [student for regex, student in self._anywhere if regex.search(name)]
            return found, ""
        match = self._regex.fullmatch(name)
        if match is None:
            return [], ""
        said = {field: match[f"f{number}"] for number, field in enumerate(self._fields)}
        time = said.pop("time", "")
        return [student for student in self.roster.students
                if all(folded(self.value(student, field)) == text for field, text in said.items())], time  # fmt: skip


def unclear(students: Iterable[Student], pattern: Pattern) -> str:
    """Why a submission is nobody's."""
    ids = [student.id for student in students]
    if ids and not pattern.text:
        return f"Its path names {', '.join(ids[:5])}; say with --pattern where the identifier stands."
    return "Its path names nobody in the roster."
