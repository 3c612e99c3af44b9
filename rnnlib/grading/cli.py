"""The command `rnnlib`: check, grade, release."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rnnlib
from rnnlib.extras import needs

from .desk.options import Parser, add_options, default_solutions

if TYPE_CHECKING:
    from .exercise import Exercise
    from .reading import Submission

OK, WRONG, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
STATUS = """exit status:
  0    done: check found everything right, grade has no grader faults, release --check found nothing stale
  1    check: something is not right; grade: at least one grader fault; release --check: something is stale
  2    wrong usage, or the file to check or release cannot be used
  3    grade: refused, because submissions cannot be isolated here (see --trust-submissions)
  130  interrupted; results so far are kept and in the table, the same command goes on"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        needs("this command", "grading", "nbval", "nbformat", "jupyter_client", "zmq", "psutil")
    except ModuleNotFoundError as error:
        print(f"rnnlib: {error}", file=sys.stderr)
        return USAGE
    from .desk.sheets import DeskError
    from .exercise import ExerciseError
    from .store import Busy

    try:
        status: int = arguments.run(arguments)
    except (ExerciseError, Busy, DeskError) as error:
        print(f"rnnlib: {error}", file=sys.stderr)
        status = USAGE
    except KeyboardInterrupt:
        print("\nrnnlib: interrupted", file=sys.stderr)
        status = INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = Parser("rnnlib", description="Exercises that grade themselves.", epilog=STATUS, formatter_class=raw)
    top.add_argument("--version", action="version", version=f"rnnlib {rnnlib.__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check", help="run your own exercise notebook and say what is right", epilog=STATUS, formatter_class=raw
    )
    check.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    check.set_defaults(run=run_check)

    grade = commands.add_parser("grade", help="grade submissions", epilog=STATUS, formatter_class=raw, from_files=True)
    add_options(grade)
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


def run_check(arguments: argparse.Namespace) -> int:
    """The student's own check: visible cases only."""
    from .reading import Unreadable
    from .release import with_files
    from .run import check_answers
    from .taking import take_answers, take_manual

    notebook = arguments.notebook
    try:
        notebook, submission, visible = exercise_at(arguments.notebook)
        if notebook != arguments.notebook:
            print(f"rnnlib: checking {notebook}", file=sys.stderr)
        exercise, changed = with_files(visible, notebook.parent)
        answers, remarks = take_answers(submission, exercise)
        remarks = changed + remarks
        by_hand = take_manual(submission, exercise)
    except (OSError, Unreadable) as error:
        print(f"rnnlib: {notebook}: {error}", file=sys.stderr)
        return USAGE
    result = check_answers(exercise, answers)
    if arguments.json:
        print(json.dumps({**result, "remarks": remarks}, indent=1, ensure_ascii=False))
    else:
        for key, cell in by_hand.items():
            said = "not answered yet" if cell is None else "answered"
            remarks.append(f"{key} ({exercise.manual[key].points:g}): {said}; a person grades it.")
        print_check(result, remarks)
    if result["status"] != "graded":
        return USAGE
    return OK if result["points"] == result["max_points"] else WRONG


def exercise_at(path: Path) -> tuple[Path, Submission, Exercise]:
    """The notebook that is meant, if a terminal of JupyterLab opened in the project's folder or beside the chapters.

    Its place, its content, and the exercise that it carries; the error of the path itself if there is none.
    """
    from .reading import Unreadable, read
    from .release import carried

    trouble: list[OSError | Unreadable] = []
    for place in (path, path.parent / "exercises" / path.name, path.parent / "book" / "exercises" / path.name):
        try:
            submission = read(place)
            return place, submission, carried(submission)
        except (OSError, Unreadable) as error:
            trouble.append(error)
    raise trouble[0]


def print_check(result: dict[str, Any], remarks: list[str]) -> None:
    """One line per task, then what to know about it."""
    from .desk.page import MEANING
    from .desk.report import points

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
    most = points(result["max_points"])
    print(f"{points(result['points'])} of {most} points so far, in the visible cases; grading tries more of them.")


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
    from .desk.command import Refusal, grade

    try:
        return WRONG if grade(arguments) else OK
    except Refusal as refusal:
        print(f"rnnlib: refused: {refusal}", file=sys.stderr)
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
