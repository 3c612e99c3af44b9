"""The command `rnnlib`: check, grade, release."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import rnnlib

from .limits import Limits

OK, WRONG, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
STATUS = """exit status:
  0    done: check found everything right, grade has no grader faults, release --check found nothing stale
  1    check: something is not right; grade: at least one grader fault; release --check: something is stale
  2    wrong usage, or the file to check or release cannot be used
  3    grade: refused, because submissions cannot be isolated here (see --trust-submissions)
  130  interrupted; results so far are kept, the same command goes on"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = parser().parse_args(argv)
    from .exercise import ExerciseError
    from .store import Busy

    try:
        status: int = arguments.run(arguments)
    except (ExerciseError, Busy) as error:
        print(f"rnnlib: {error}", file=sys.stderr)
        status = USAGE
    except KeyboardInterrupt:
        print("\nrnnlib: interrupted", file=sys.stderr)
        status = INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "rnnlib", description="Exercises that grade themselves.", epilog=STATUS, formatter_class=raw
    )
    top.add_argument("--version", action="version", version=f"rnnlib {rnnlib.__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check", help="run your own exercise notebook and say what is right", epilog=STATUS, formatter_class=raw
    )
    check.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    check.set_defaults(run=run_check)

    grade = commands.add_parser("grade", help="grade submissions", epilog=STATUS, formatter_class=raw)
    grade.add_argument("submissions", type=Path, nargs="+", metavar="SUBMISSIONS", help="folders or notebooks")
    grade.add_argument("--out", type=Path, required=True, metavar="RESULTS", help="folder for scores and feedback")
    grade.add_argument(
        "--solutions", type=Path, metavar="FOLDER", help="released solution notebooks (default: book/solutions)"
    )
    grade.add_argument("--exercise", metavar="NAME", default="", help="grade this exercise only, refuse all others")
    grade.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many at a time (default: %(default)s)",
    )
    grade.add_argument("--scheduler", metavar="ADDRESS", help="send the work to this Dask scheduler")
    grade.add_argument("--trust-submissions", action="store_true", help="go on where submissions cannot be isolated")
    grade.add_argument("--json", action="store_true", help="print scores.json instead of a table")
    for item in fields(Limits):
        kind = int if item.type == "int" else float
        grade.add_argument(
            f"--{item.name.replace('_', '-')}", type=kind, default=item.default, help="limit (default: %(default)s)"
        )
    grade.set_defaults(run=run_grade)

    release = commands.add_parser(
        "release", help="make students' notebooks from solutions", epilog=STATUS, formatter_class=raw
    )
    release.add_argument("solutions", type=Path, nargs="*", metavar="SOLUTION", help="default: all of book/solutions")
    release.add_argument(
        "--out", type=Path, metavar="FOLDER", help="for students' notebooks (default: exercises beside solutions)"
    )
    release.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    release.add_argument("--force", action="store_true", help="record the answers anew")
    release.set_defaults(run=run_release)
    return top


def positive(text: str) -> int:
    """A number of jobs."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def default_solutions() -> Path:
    """`book/solutions` below the current folder, or of the project that this package lies in."""
    here = Path("book/solutions")
    return here if here.is_dir() else Path(rnnlib.__file__).resolve().parent.parent / "book" / "solutions"


def run_check(arguments: argparse.Namespace) -> int:
    """The student's own check: visible cases only."""
    from .reading import Unreadable, read
    from .release import carried
    from .run import check_answers
    from .taking import take_answers

    try:
        submission = read(arguments.notebook)
        exercise = carried(submission)
    except (OSError, Unreadable) as error:
        print(f"rnnlib: {arguments.notebook}: {error}", file=sys.stderr)
        return USAGE
    answers, remarks = take_answers(submission, replace(exercise, solutions={}))
    result = check_answers(exercise, answers)
    if arguments.json:
        print(json.dumps({**result, "remarks": remarks}, indent=1, ensure_ascii=False))
    else:
        print_check(result, remarks)
    if result["status"] != "graded":
        return USAGE
    return OK if result["points"] == result["max_points"] else WRONG


def print_check(result: dict[str, Any], remarks: list[str]) -> None:
    """One line per task, then what to know about it."""
    from .report import MEANING, points

    if result["status"] != "graded":
        print(f"rnnlib: the check itself failed: {result['reason']}", file=sys.stderr)
        return
    for task, outcome in result["tasks"].items():
        mark = "✓" if outcome["verdict"] == "passed" else "✗"
        what = (
            "right in the visible case"
            if mark == "✓"
            else f"{outcome['verdict']}. {outcome['message'] or MEANING[outcome['verdict']]}"
        )
        print(f"{mark} {task} ({points(outcome['max_points'])}): {what}")
    for remark in remarks:
        print(f"  note: {remark}")
    if result["sandbox"] != "isolated":
        print("  note: there is no sandbox here: the notebook's code ran with your rights. Check only what you trust.")
    print(f"{points(result['points'])} of {points(result['max_points'])} points so far; grading tries more cases.")


def run_release(arguments: argparse.Namespace) -> int:
    """Students' notebooks from solutions."""
    from .release import release, stale

    solutions = arguments.solutions or sorted(default_solutions().glob("*.ipynb"))
    if not solutions:
        print(f"rnnlib: no solution notebooks in {default_solutions()}", file=sys.stderr)
        return USAGE
    found = []
    for solution in solutions:
        out = arguments.out or solution.resolve().parent.parent / "exercises"
        changed = stale(solution, out) if arguments.check else release(solution, out, force=arguments.force)
        for path in changed:
            print(f"{'stale' if arguments.check else 'written'}: {path}")
        found += changed
    if not found:
        print("everything is up to date")
    return WRONG if arguments.check and found else OK


def run_grade(arguments: argparse.Namespace) -> int:
    """Grade a class."""
    from tqdm import tqdm

    from .batch import Batch, Settings, faults
    from .reading import discover
    from .release import load_all
    from .report import scores_csv, table
    from .store import Store

    for place in arguments.submissions:
        if not os.path.lexists(place):
            print(f"rnnlib: {place}: no such file or folder", file=sys.stderr)
            return USAGE
    solutions = arguments.solutions or default_solutions()
    exercises = load_all(solutions)
    if arguments.exercise and arguments.exercise not in exercises:
        known = ", ".join(sorted(exercises))
        print(f"rnnlib: --exercise: {arguments.exercise!r} is none of {known}", file=sys.stderr)
        return USAGE
    limits = Limits(**{item.name: getattr(arguments, item.name) for item in fields(Limits)})
    found = list(discover(arguments.submissions))
    store = Store(arguments.out)
    places = [place if place.is_dir() else place.parent for place in arguments.submissions]
    hidden = tuple(os.path.abspath(place) for place in (solutions, arguments.out, *places))
    with store.locked(), workers(arguments, hidden) as (executor, level):
        print(f"sandbox: {level}", file=sys.stderr)
        if level.name != "isolated" and not arguments.trust_submissions:
            print(
                f"rnnlib: refused: {level.reason}. If you trust every submission, say --trust-submissions.",
                file=sys.stderr,
            )
            return REFUSED
        settings = Settings(
            exercises, limits, arguments.trust_submissions, level.name, hidden=hidden, only=arguments.exercise
        )
        batch = Batch(store, settings, executor)
        with tqdm(total=len(found), unit=" submissions", file=sys.stderr, disable=None) as bar:
            results = batch.run(found, progress=bar.update)
        hidden = ("remarks",)
        scores = [{key: value for key, value in result.items() if key not in hidden} for result in results]
        store.write("scores.json", json.dumps(scores, indent=1))
        store.write("scores.csv", scores_csv(scores))
    print(
        json.dumps(scores, indent=1) if arguments.json else table(results, shutil.get_terminal_size((120, 24)).columns)
    )
    wrong = list(faults(results))
    print(f"{len(found)} submissions, {batch.graded} of them graded now, {len(wrong)} grader faults", file=sys.stderr)
    print(f"scores and feedback: {arguments.out}", file=sys.stderr)
    return WRONG if wrong else OK


@contextmanager
def workers(arguments: argparse.Namespace, hidden: tuple[str, ...]) -> Iterator[tuple[Executor, Any]]:
    """Where the work is done, and the level of isolation that holds there."""
    from . import run, sandbox

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
        return
    from distributed import Client

    with Client(arguments.scheduler) as client:
        levels = client.run(sandbox.probe, hidden)
        worst = next((level for level in levels.values() if not level.isolated), next(iter(levels.values()), None))
        if worst is None:
            worst = sandbox.Level("limited", f"the scheduler {arguments.scheduler} has no workers")
        yield client.get_executor(pure=False), worst


if __name__ == "__main__":
    sys.exit(main())
