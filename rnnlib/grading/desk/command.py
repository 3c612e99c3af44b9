"""`rnnlib grade`: read what the teacher says, grade what has to be graded, write down what there is."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime

from .. import run, sandbox
from ..batch import Batch, Settings
from ..exercise import Exercise
from ..limits import Limits
from ..reading import Found, discover, other_files
from ..release import load_all
from ..store import Store
from ..text import line
from . import marking, similar, zipped
from .classroom import Classroom, Rules
from .export import exporter
from .late import read_time, shown
from .marks import Marks, read_marks
from .options import PLATFORMS, default_solutions
from .page import SOLUTION, feedback
from .progress import Progress, polite_ends
from .report import scores_csv, table
from .scores import Row
from .sheets import DeskError
from .summary import summary

OPTIONAL = (*(f"{platform}.csv" for platform in PLATFORMS), zipped.NAME, similar.PAGE)


class Refusal(RuntimeError):
    """Submissions cannot be isolated here."""


@dataclass(frozen=True)
class Plan:
    """What is to be done: everything that can be wrong in it was looked at before anything is graded."""

    arguments: argparse.Namespace
    exercises: dict[str, Exercise]
    found: list[Found]
    limits: Limits
    hidden: tuple[str, ...]
    classroom: Classroom
    exports: dict[str, Callable[[list[Row]], str]]
    only: set[str] | None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Plan:
        """From the command line.

        Raises
        ------
        DeskError
            If something that it names is not there or cannot be used.
        """
        for place in arguments.submissions:
            if not os.path.lexists(place):
                raise DeskError(f"{place}: no such file or folder")
        solutions = arguments.solutions or default_solutions()
        exercises = load_all(solutions)
        if arguments.exercise and arguments.exercise not in exercises:
            raise DeskError(f"--exercise: {arguments.exercise!r} is none of {', '.join(sorted(exercises))}")
        rules = Rules.of(arguments)
        if arguments.with_solutions and (last := rules.last_due()) and last > datetime.now().astimezone():
            raise DeskError(f"--with-solutions: expected that all due dates are over, got one at {shown(last)}")
        one = arguments.exercise or (next(iter(exercises)) if len(exercises) == 1 else "")
        if rules.roster is not None and not one:
            raise DeskError("--roster: expected --exercise beside it, one of "
                            f"{', '.join(sorted(exercises))}; got none")  # fmt: skip
        found = list(discover(arguments.submissions))
        for item in found:
            if time := rules.whose(item.name)[1]:
                read_time(time, item.name)
        if arguments.export and rules.roster is None:
            raise DeskError(f"--export {arguments.export[0]}: expected --roster beside it, got no roster")
        places = [place if place.is_dir() else place.parent for place in arguments.submissions]
        return cls(
            arguments,
            exercises,
            found,
            Limits(**{item.name: getattr(arguments, item.name) for item in fields(Limits)}),
            tuple(os.path.abspath(place) for place in (solutions, arguments.out, *places)),
            Classroom(
                exercises,
                one,
                read_marks(arguments.marks, exercises) if arguments.marks else Marks(),
                rules,
                tuple(other_files(arguments.submissions)) if rules.roster else (),
            ),
            {
                item: exporter(item, rules.roster, exercises[one], arguments.column)
                for item in arguments.export
                if rules.roster is not None
            },
            rules.chosen(found, arguments.only),
        )

    def written(self, rows: list[Row], pages: Mapping[str, str]) -> dict[str, str | bytes]:
        """The files that were asked for, by name."""
        written: dict[str, str | bytes] = {f"{platform}.csv": write(rows) for platform, write in self.exports.items()}
        roster = self.classroom.rules.roster
        if "moodle" in self.exports and roster is not None and roster.kind == "moodle":
            written[zipped.NAME] = zipped.moodle(rows, pages)
        if self.arguments.similar:
            written[similar.PAGE] = similar.page(rows, self.exercises)
        return written

    def notes(self, rows: list[Row]) -> list[str]:
        """What the teacher should know: marks without effect, files of nobody, rows that are not up to date."""
        said = self.classroom.marks.strangers(row.student for row in rows)
        said += [
            f"{row.submission}: {line(row.reason)[:300]}" for row in rows if row.status in ("nobody's", "grader-fault")
        ]
        for state, count in {
            "not graded yet: the same command without --only goes on": sum(row.status == "waiting" for row in rows),
            "to be marked by a person, see to_mark.html": sum(bool(row.to_mark) for row in rows),
            "graded before the submission or the exercise changed: without --only they are graded again": sum(
                row.outdated for row in rows
            ),
        }.items():
            if count:
                said.append(f"{count} of {len(rows)} {state}")
        return said


def grade(arguments: argparse.Namespace) -> bool:
    """Grade a class; whether there was a fault of the grader's.

    What is written says what there is, however little that is when the run is interrupted.

    Raises
    ------
    DeskError
        If the command line, or a file that it names, cannot be used.
    Refusal
        If submissions cannot be isolated here and are not trusted.
    KeyboardInterrupt
        If the run was interrupted.
    """
    plan = Plan.of(arguments)
    store = Store(arguments.out)
    with store.locked(), polite_ends():
        batch, interrupted = _run(plan, store)
        rows = plan.classroom.rows(batch.present(plan.found), plan.found)
        notes = plan.notes(rows)
        had_solutions = shows_solutions(store)
        pages = publish(store, rows, plan.exercises, solutions=arguments.with_solutions, notes=notes)
        written = {} if interrupted else plan.written(rows, pages)
        gone = store.remove(*(name for name in OPTIONAL if name not in written))
        for name, content in written.items():
            store.write(name, content)
    if gone:
        notes.append(f"removed, because this run did not write them: {', '.join(gone)}")
    if had_solutions and not arguments.with_solutions:
        notes.append("the pages show no solutions any more: this run was without --with-solutions")
    wrong = say(plan, rows, batch.graded, notes)
    if interrupted:
        raise KeyboardInterrupt
    return wrong


def _run(plan: Plan, store: Store) -> tuple[Batch, bool]:
    """Grade what has to be graded; whether that was interrupted."""
    arguments, batch = plan.arguments, None
    try:
        with workers(arguments, plan.hidden) as (executor, level):
            print(f"sandbox: {level}", file=sys.stderr)
            if level.name != "isolated" and not arguments.trust_submissions:
                raise Refusal(f"{level.reason}. If you trust every submission, say --trust-submissions.")
            settings = Settings(plan.exercises, plan.limits, arguments.trust_submissions, level.name,
                                hidden=plan.hidden, exercise=arguments.exercise)  # fmt: skip
            batch = Batch(store, settings, executor)
            with Progress(len(plan.found)) as progress:
                batch.run(plan.found, progress, only=plan.only)
    except KeyboardInterrupt:
        if batch is None:
            raise
        return batch, True
    return batch, False


def publish(
    store: Store,
    rows: list[Row],
    exercises: Mapping[str, Exercise],
    *,
    solutions: bool = False,
    notes: Iterable[str] = (),
) -> dict[str, str]:
    """Write everything that people read; returns the students' pages."""
    pages = {row.student: page(row, exercises.get(row.exercise), solutions) for row in rows}
    store.pages(pages)
    store.write("class.html", summary(rows, exercises, notes))
    for name, text in {marking.PAGE: marking.page(rows, exercises), marking.SHEET: marking.sheet(rows)}.items():
        if text:
            store.write(name, text)
        else:
            store.remove(name)
    store.write("scores.json", json.dumps([row.to_json() for row in rows], indent=1))
    store.write("scores.csv", scores_csv(rows))
    return pages


def shows_solutions(store: Store) -> bool:
    """Whether the pages of an earlier run do."""
    return any(
        SOLUTION in path.read_text(encoding="utf8", errors="replace")
        for path in (store.folder / "feedback").glob("*.html")
    )


def page(row: Row, exercise: Exercise | None = None, solutions: bool = False) -> str:
    """A row's page; if it cannot be made, that is the grader's fault and costs nobody else a page."""
    try:
        return feedback(row, exercise, solutions=solutions)
    except Exception as error:
        row.status, row.reason, row.tasks = "grader-fault", f"{type(error).__name__}: {error}"[:500], {}
        return feedback(row)


def say(plan: Plan, rows: list[Row], graded: int, notes: list[str]) -> bool:
    """Print the table and what to know about it; whether there was a fault of the grader's."""
    if plan.arguments.json:
        print(json.dumps([row.to_json() for row in rows], indent=1))
    else:
        print(table(rows, shutil.get_terminal_size((120, 24)).columns))
    wrong = sum(row.status == "grader-fault" for row in rows)
    said = list(notes)
    said.append(f"{len(plan.found)} submissions, {graded} of them graded now, {wrong} grader faults")
    said.append(f"scores and feedback: {plan.arguments.out}")
    print("\n".join(said), file=sys.stderr)
    return wrong > 0


@contextmanager
def workers(arguments: argparse.Namespace, hidden: tuple[str, ...]) -> Iterator[tuple[Executor, sandbox.Level]]:
    """Where the work is done, and the level of isolation that holds there."""
    if arguments.scheduler is None:
        executor = ThreadPoolExecutor(arguments.jobs)
        try:
            yield executor, sandbox.probe(hidden)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            run.stop_all()
            raise
        finally:
            executor.shutdown()
            run.go()
        return
    from distributed import Client

    with Client(arguments.scheduler) as client:
        levels = client.run(sandbox.probe, hidden)
        worst = next((level for level in levels.values() if not level.isolated), next(iter(levels.values()), None))
        if worst is None:
            worst = sandbox.Level("limited", f"the scheduler {arguments.scheduler} has no workers")
        yield client.get_executor(pure=False), worst
