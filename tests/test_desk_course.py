"""What the page for teachers says of the course itself: how long, worth what, what has to be installed."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest

from rnnlib.grading.cli import main
from rnnlib.grading.exercise import from_solution
from rnnlib.grading.release import load

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = (BOOK / "for_teachers.md").read_text(encoding="utf8")
SOLUTIONS = {path.stem: json.loads(path.read_text(encoding="utf8")) for path in (BOOK / "solutions").glob("*.ipynb")}
PACKAGES = {"weather": "vega-datasets", "digits": "scikit-learn", "dates": "babel", "date_lists": "babel"}
TASK = re.compile(r"^## (\d+)\. .+\n\n\*(.+), (\d+) points\*")


def source(cell: dict) -> str:
    return "".join(cell["source"])


def minutes(text: str) -> int:
    """What a task's heading says, in minutes."""
    number, unit = text.split()
    return (1 if number == "an" else int(number)) * {"minutes": 1, "hour": 60}[unit]


def tasks(notebook: dict) -> dict[int, tuple[int, int]]:
    """Minutes and points of each task, as its heading says."""
    found = [match for cell in notebook["cells"] if (match := TASK.match(source(cell)))]
    return {int(number): (minutes(time), int(points)) for number, time, points in (match.groups() for match in found)}


def table(first: str) -> list[list[str]]:
    """The rows of a table of the page, by the name of its first column."""
    lines = PAGE.split(f"| {first} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def total(found: list[tuple[int, int]]) -> list[str]:
    return [str(sum(column)) for column in zip(*found, strict=True)]


def test_the_plan_of_a_term_adds_up():
    rows = table("chapter")
    assert len(rows) == len(SOLUTIONS) == 11
    for row, (name, notebook) in zip(rows, sorted(SOLUTIONS.items()), strict=True):
        chapter = json.loads((BOOK / f"{name}.ipynb").read_text(encoding="utf8"))
        heading = source(chapter["cells"][0]).splitlines()[0].removeprefix("# ").split(":")[0]
        assert row[0] == f"{int(name[:2])} {heading}"
        found = tasks(notebook)
        exercise = load(BOOK / "solutions" / f"{name}.ipynb")
        assert list(found) == list(range(1, len(exercise.worth) + 1)) and row[1] == str(len(found))
        assert row[2:4] == total(list(found.values())) and float(row[3]) == exercise.max_points
        for number in re.findall(r"\d+", row[4].split(";")[0]):
            assert int(number) < int(name[:2]), "a chapter builds on earlier ones"


def test_the_plan_of_six_weeks_adds_up():
    by_word = {}
    for name, notebook in SOLUTIONS.items():
        exercise = load(BOOK / "solutions" / f"{name}.ipynb")
        by_word[next(iter(exercise.tasks)).split(".")[0]] = (int(name[:2]), tasks(notebook))
    rows = table("week")
    assert [row[0] for row in rows] == list("123456")
    for _, chapters, chosen, *said in rows:
        found = []
        for part in chosen.split("; "):
            word, numbers = part.split(" ", 1)
            chapter, all_tasks = by_word[word]
            assert str(chapter) in re.findall(r"\d+", chapters)
            found += [all_tasks[int(number)] for number in numbers.split(", ")]
        assert said == total(found) and 70 <= int(said[0]) <= 100


def test_an_exercise_that_takes_an_afternoon_fits_into_one():
    for name, notebook in SOLUTIONS.items():
        if "afternoon" in source(notebook["cells"][0]):
            assert sum(time for time, _ in tasks(notebook).values()) <= 180, name


def test_no_exercise_needs_more_than_the_page_says():
    """Beside what the library needs to grade: NumPy, and Python itself."""
    said = dict(re.findall(r"^\| (\d\d_\w+) \| `([\w-]+)` \|", PAGE, re.MULTILINE))
    for name, notebook in SOLUTIONS.items():
        needed = set()
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                for node in ast.walk(ast.parse(source(cell))):
                    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                    modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                    needed |= {module.split(".")[0] for module in modules}
                needed |= {PACKAGES[name] for name in re.findall(r"\bcorpora\.(\w+)", source(cell)) if name in PACKAGES}
        extra = needed - set(sys.stdlib_module_names) - {"numpy", "rnnlib"}
        assert extra == ({said[name]} if name in said else set()), name


def test_that_solutions_are_published_is_said_first():
    first = PAGE.split("\n## ")[0]
    assert "Solutions that are published cannot serve for marks that count" in first and "#write-a-task" in first
    assert "`--solutions`" in first and (BOOK / "solutions").is_dir()


def only(notebook: dict, keep: set[int]) -> dict:
    """A solution with some of its tasks, as the page says to make it: others go from one heading to the next."""
    cells, kept = [], True
    for cell in notebook["cells"]:
        if source(cell).startswith("## "):
            match = TASK.match(source(cell))
            kept = match is None or int(match[1]) in keep
        cells += [cell] if kept else []
    return {**notebook, "cells": cells}


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("name", sorted(SOLUTIONS))
def test_half_of_a_notebook_is_an_exercise(name, odd):
    found = tasks(SOLUTIONS[name])
    keep = {number for number in found if number % 2 == odd}
    exercise = from_solution(only(SOLUTIONS[name], keep), "week5")
    assert {int(task.split(".")[1]) for task in exercise.worth} == keep
    assert exercise.max_points == sum(points for number, (_, points) in found.items() if number in keep)


def test_some_of_a_notebooks_tasks_can_be_released(tmp_path, capsys):
    path = tmp_path / "mine" / "solutions" / "week5.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(only(SOLUTIONS["05_gradients"], {1, 4, 5})), encoding="utf8")
    assert main(["release", str(path)]) == 0
    released = tmp_path / "mine" / "exercises" / "week5.ipynb"
    assert f"written: {released}" in capsys.readouterr().out
    assert "gradients.4" in released.read_text(encoding="utf8") and "gradients.2" not in released.read_text("utf8")
    assert load(path).max_points == 8


def test_the_example_of_a_maximum_grade_is_right():
    points, name = re.search(r"the points that the exercise has here, (\d+) for `(\w+)`", PAGE).groups()
    assert load(BOOK / "solutions" / f"{name}.ipynb").max_points == float(points)
