"""The options of `rnnlib grade`, without loading what carries them out."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import rnnlib

from ..limits import Limits

PLATFORMS = ("moodle", "canvas")


class Parser(argparse.ArgumentParser):
    """A parser that reads further arguments from @FILE: written as in a shell, with comments, on as many lines.

    Only the parser of a command that was made with `from_files=True` does so.
    """

    def __init__(self, *arguments: Any, from_files: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._from_files = from_files

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual, after what the files say has been put in their places."""
        args = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(self._expanded(args) if self._from_files else args, namespace)

    def _expanded(self, arguments: list[str]) -> list[str]:
        found: list[str] = []
        for argument in arguments:
            found += self._said_in(argument[1:]) if argument.startswith("@") else [argument]
        return found

    def _said_in(self, path: str) -> list[str]:
        """The arguments that a file holds."""
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            self.error(f"@{path}: {getattr(error, 'strerror', None) or 'expected UTF-8'}")
        found: list[str] = []
        for number, line in enumerate(lines, 1):
            try:
                found += shlex.split(line, comments=True)
            except ValueError:
                self.error(f"{path}, line {number}: expected a second quotation mark, got {line.strip()!r}")
        return found


def positive(text: str) -> int:
    """A number of jobs."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def default_solutions() -> Path:
    """`book/solutions` below the current folder, or of the project that this package lies in."""
    here = Path("book/solutions")
    return here if here.is_dir() else Path(rnnlib.__file__).resolve().parent.parent / "book" / "solutions"


def add_options(grade: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    grade.description = "Grade submissions. @FILE among the arguments reads more of them from a file."
    grade.add_argument("submissions", type=Path, nargs="+", metavar="SUBMISSIONS", help="folders or notebooks")
    grade.add_argument("--out", type=Path, required=True, metavar="RESULTS", help="folder for scores and feedback")
    grade.add_argument(
        "--solutions", type=Path, metavar="FOLDER", help="released solution notebooks (default: book/solutions)"
    )
    grade.add_argument("--exercise", metavar="NAME", default="", help="grade this exercise only, refuse all others")
    grade.add_argument("--json", action="store_true", help="print scores.json instead of a table")
    grade.add_argument(
        "--only", action="append", default=[], metavar="WHO", help="grade only this student again, or this "
        "submission, or what a pattern such as 's10*' names; the table keeps all others. May be given several times"
    )  # fmt: skip
    _add_people(grade.add_argument_group("people"))
    _add_machine(grade.add_argument_group("machines and limits"))


def _add_people(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--marks", type=Path, metavar="CSV", help="points and comments of yours: columns student, task, points, comment"
    )

    group.add_argument(
        "--roster", type=Path, metavar="CSV", help="the class: identifier, name, further columns; or what Canvas "
        "or Moodle exports. Who handed in nothing has a row then"
    )  # fmt: skip
    group.add_argument(
        "--pattern", default="", metavar="PATH", help="how a path names a student: '{id}_*.ipynb', '*_{id}_*/*', "
        "'{group}/{time}/*' (default: the identifier stands anywhere in it)"
    )  # fmt: skip
    group.add_argument(
        "--keep",
        choices=("last", "best"),
        default="last",
        help="which of several hand-ins counts (default: %(default)s)",
    )
    group.add_argument("--due", metavar="TIME", help="such as '2026-11-20 23:59'; later is late")
    group.add_argument("--late-penalty", metavar="RULE", help="10%%/day, 5%%/hour, 0.5/day (points), 20%% (once)")
    group.add_argument(
        "--late-most", default="100%", metavar="SHARE", help="what lateness costs at most (default: %(default)s)"
    )
    group.add_argument(
        "--time-column", default="", metavar="NAME", help="the roster's column with the time of handing in (default: "
        "the {time} of the pattern, or the file's own)"
    )  # fmt: skip
    group.add_argument(
        "--due-column", default="", metavar="NAME", help="the roster's column with due dates of one's own"
    )
    group.add_argument(
        "--similar", action="store_true", help="write similar.html: pairs of answers that are alike without their names"
    )
    group.add_argument(
        "--with-solutions", action="store_true", help="show the solution on each page, once all due dates are over"
    )
    group.add_argument(
        "--export",
        action="append",
        default=[],
        choices=PLATFORMS,
        help="write canvas.csv, or moodle.csv and moodle-feedback.zip, for an import",
    )
    group.add_argument(
        "--column", default="", metavar="NAME", help="what the exercise is called there (default: its name)"
    )


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many at a time (default: %(default)s)",
    )
    group.add_argument("--scheduler", metavar="ADDRESS", help="send the work to this Dask scheduler")
    group.add_argument("--trust-submissions", action="store_true", help="go on where submissions cannot be isolated")
    for item in fields(Limits):
        kind = int if item.type == "int" else float
        group.add_argument(
            f"--{item.name.replace('_', '-')}", type=kind, default=item.default, help="limit (default: %(default)s)"
        )
