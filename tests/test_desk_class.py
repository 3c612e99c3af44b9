"""A class of 60 as a teacher grades it: from the platform's own list to the file that the platform imports.

The exercise is the book's own, chapter 5. Most students are graded by `submissions.desk.Quick`, which compares sources
in place of answers; some, the hostile one among them, by the real thing, which the quick one must agree with.
"""

import csv
import functools
import html
import io
import json
import os
import random
import re
import shutil
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from submissions import demo, desk

from rnnlib.grading import sandbox
from rnnlib.grading.batch import grade_answers
from rnnlib.grading.cli import main
from rnnlib.grading.desk import command
from rnnlib.grading.exercise import Exercise
from rnnlib.grading.release import load
from rnnlib.grading.store import Store, stem

BOOK = Path(__file__).resolve().parent.parent / "book"
NAME = "05_gradients"
DUE = datetime.fromisoformat("2026-11-20T23:59:00")
ABSENT, EMPTY, HOSTILE, LATE = 7, 11, 13, {17: timedelta(hours=2), 19: timedelta(days=2, hours=1)}
REAL = (1, 2, HOSTILE)
FAMILY = ["Lee", "Müller", "王", "O'Neill", "de la Cruz", "=Sum", "Şahin", "Nguyễn"]


class Mixed(desk.Quick):
    """The quick executor, and the real thing for those who are marked; both must agree."""

    def __init__(self, level: sandbox.Level):
        super().__init__()
        self.level, self.real = level, 0

    def submit(self, fn, /, exercise, answers, limits, **options):
        assert fn is grade_answers
        future = super().submit(fn, exercise, answers, limits, **options)
        if "# really" not in json.dumps(answers) or self.real == len(REAL):
            return future
        self.real += 1
        said = fn(exercise, answers, limits, **options)
        assert said["status"] == "graded", said
        quick = future.result()["tasks"]
        agreed = {task for task, outcome in said["tasks"].items() if outcome["verdict"] == quick[task]["verdict"]}
        assert agreed >= set(quick) - {"gradients.1"}, (said, quick)
        real: Future = Future()
        real.set_result(said)
        return real


def canvas_id(number: int) -> str:
    return str(4000 + number)


@functools.cache
def expected(number: int) -> dict[str, int | None]:
    """Which mistake a student makes in each task; None is right, -1 is no answer."""
    rng = random.Random(number)
    exercise = load(BOOK / "solutions" / f"{NAME}.ipynb")
    return {task: rng.choices([None, rng.randrange(len(this.mistakes)), -1], [5, 3, 1])[0]
            for task, this in exercise.tasks.items()}  # fmt: skip


def hand_in(folder: Path, exercise: Exercise, number: int) -> None:
    """What Canvas' download has of a student."""
    name = folder / f"student{number}_{'LATE_' if number in LATE else ''}{canvas_id(number)}_{90000 + number}_05.ipynb"
    if number == ABSENT:
        return
    answers = {}
    for cell, source in exercise.solutions.items():
        task = exercise.answer_cells[cell].task
        wrong = expected(number)[task]
        mark = "# really\n" if number in REAL else ""
        if wrong != -1:
            mistake = "" if wrong is None else f"\n\n{exercise.tasks[task].mistakes[wrong].source}"
            answers[cell] = f"{mark}# {number}\n{source}{mistake}"
    if number == HOSTILE:
        first = next(iter(exercise.solutions))
        answers[first] = (
            "# really\nimport os\nopen('/etc/passwd', 'a').write('x')\nos.kill(os.getppid(), 9)\nos._exit(0)"
        )
    student = json.loads((BOOK / "exercises" / f"{NAME}.ipynb").read_text(encoding="utf8"))
    demo.write(name, demo.filled(student, answers))
    if number == EMPTY:
        name.write_text("")
    stamp = (DUE + LATE.get(number, timedelta(hours=-number))).timestamp()
    os.utime(name, (stamp, stamp))


def canvas_export(folder: Path, exercise: Exercise) -> None:
    """The gradebook as Canvas exports it."""
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercise 5 (7021)", "Current Score"]]
    rows += [["    Points Possible", "", "", "", "", f"{exercise.max_points:g}", "(read only)"]]
    rows += [[f"{FAMILY[n % 8]}, Nr {n}", canvas_id(n), f"u{n}", f"u{n}@x.org", "A", "", ""] for n in range(60)]
    with open(folder / "canvas-export.csv", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Solutions, 60 students' files, the gradebook that Canvas exported, three marks."""
    solutions = tmp_path / "solutions"
    solutions.mkdir()
    for path in (BOOK / "solutions").glob(f"{NAME}.*"):
        shutil.copy(path, solutions)
    exercise = load(solutions / f"{NAME}.ipynb")
    for number in range(60):
        hand_in(tmp_path / "class", exercise, number)
    canvas_export(tmp_path, exercise)
    (tmp_path / "marks.csv").write_text(
        "student,task,points,comment\n"
        f"{canvas_id(3)},gradients.2,1.5,The idea is right.\n"
        f"{canvas_id(EMPTY)},{NAME},12,Sent to me by mail.\n"
        f"{canvas_id(HOSTILE)},{NAME},0,See me.\n"
    )
    mixed = Mixed(sandbox.probe())
    monkeypatch.setattr(desk, "Quick", lambda: mixed)
    desk.use(monkeypatch)
    if not mixed.level.isolated:
        pytest.skip(mixed.level.reason)

    def grade(*options) -> dict[str, dict]:
        arguments = [str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solutions),
                     "--exercise", NAME, "--roster", str(tmp_path / "canvas-export.csv"), "--pattern=*_{id}_*_05",
                     "--due=2026-11-20 23:59", "--late-penalty=10%/day", "--marks", str(tmp_path / "marks.csv"),
                     "--export=canvas", "--column=Exercise 5"]  # fmt: skip
        assert main(["grade", *arguments, *options]) == 0
        found = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf8"))
        assert [item["student"] for item in found] == [canvas_id(number) for number in range(60)]
        return {item["student"]: item for item in found}

    grade.path, grade.mixed, grade.solutions, grade.exercise = tmp_path, mixed, solutions, exercise
    return grade


def by_hand(exercise: Exercise, number: int) -> float | None:
    """A student's points, without the grader."""
    if number in (ABSENT, EMPTY, HOSTILE):
        return {ABSENT: None, EMPTY: 12.0, HOSTILE: 0.0}[number]
    earned = sum(task.points for key, task in exercise.tasks.items() if expected(number)[key] is None)
    if number == 3:
        earned += 1.5 - (exercise.tasks["gradients.2"].points if expected(3)["gradients.2"] is None else 0)
    days = {17: 1, 19: 3}.get(number, 0)
    return round(max(0.0, earned - days * exercise.max_points / 10), 2)


def explained(page: str) -> float | None:
    """The points that follow from what a page says: its tasks, its penalty, its teacher."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", page.split("<h1>")[1]))
    total = re.search(r"([\d.]+) of ([\d.]+) points", page.split("<section")[0])
    if total is None:
        return None
    tasks = [float(points) for points in re.findall(r'data-is="Points">([\d.]+) of', page)]
    cost = re.search(r"late, -([\d.]+) points", text)
    if "Your teacher has set the points of this exercise" in text:
        return float(total[1])
    assert round(max(sum(tasks) - (float(cost[1]) if cost else 0), 0), 2) == float(total[1])
    return float(total[1])


def imported(room) -> dict[str, str]:
    rows = list(csv.reader(io.StringIO((room.path / "out" / "canvas.csv").read_text(encoding="utf8"))))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercise 5 (7021)"]
    assert rows[1][0] == "    Points Possible" and len(rows) == 62
    assert [row[0] for row in rows[2:]] == [f"{FAMILY[n % 8]}, Nr {n}" for n in range(60)]
    return {row[1]: row[5] for row in rows[2:]}


def check(room, exercise: Exercise, found: dict[str, dict]) -> None:
    """Table, page and platform's file say the same, which is what can be reckoned by hand."""
    grades = imported(room)
    for number in range(60):
        who, points = canvas_id(number), by_hand(exercise, number)
        page = (room.path / "out" / "feedback" / f"{stem(who)}.html").read_text(encoding="utf8")
        assert grades[who] == ("" if points is None else f"{points:g}"), number
        assert points is None or found[who]["points"] == points == explained(page), number
    assert "Nothing was handed in." in (room.path / "out" / "feedback" / f"{stem(canvas_id(ABSENT))}.html").read_text()
    changed = [who for who, item in found.items() if item["by_hand"]]
    assert changed == [canvas_id(number) for number in (3, EMPTY, HOSTILE)]
    assert {who for who, item in found.items() if item["late"]} == {canvas_id(number) for number in LATE}


def test_a_class_of_60_from_the_list_to_the_platform_and_again_after_a_correction(room, capsys):
    found = room()
    assert (room.mixed.asked, room.mixed.real) == (58, 3)
    check(room, room.exercise, found)
    assert found[canvas_id(HOSTILE)]["tasks"]["gradients.1"]["verdict"] in ("crash", "error")
    assert found[canvas_id(EMPTY)]["reason"] == "The file is empty."
    assert capsys.readouterr().out.count("*") == 4
    assert room("--similar") == found and room.mixed.asked == 58

    path = room.solutions / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf8"))
    for cell in notebook["cells"]:
        meta = cell["metadata"].get("rnnlib", {})
        if meta.get("task") == "gradients.3" and meta.get("role") == "check":
            meta |= {"points": meta["points"] + 1, "rtol": 1e-5}
    demo.write(path, notebook)
    assert main(["release", str(path), "--out", str(room.path / "exercises")]) == 0
    capsys.readouterr()
    corrected = load(path)
    assert corrected.max_points == room.exercise.max_points + 1
    with pytest.raises(AssertionError):
        room()
    assert "expected a maximum grade of 33, what 05_gradients is worth, got 32" in capsys.readouterr().err
    canvas_export(room.path, corrected)
    found = room()
    assert room.mixed.asked == 2 * 58
    check(room, corrected, found)
    assert "The idea is right." in (room.path / "out" / "feedback" / f"{stem(canvas_id(3))}.html").read_text()


class Fails(Store):
    """A disk that is full, or a machine that stops, at the n-th file."""

    left = 0

    def write(self, name: str, text: str) -> None:
        type(self).left -= 1
        if self.left < 0:
            raise OSError("the machine stops here")
        super().write(name, text)


def test_whenever_it_stops_each_file_is_the_old_one_or_the_new_one(tmp_path, monkeypatch):
    solution = demo.write(tmp_path / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(solution), "--out", str(tmp_path / "exercises")]) == 0
    desk.use(monkeypatch)
    (tmp_path / "roster.csv").write_text("id,name\ns0,A\ns1,B\n")

    def state() -> dict[str, bytes]:
        files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != ".lock"]
        return {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in files}

    def grade() -> int:
        places = [str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solution.parent)]
        return main(["grade", *places, "--roster", str(tmp_path / "roster.csv"), "--export=moodle", "--similar"])

    def hand_in(right: bool) -> None:
        for number in range(2):
            answers = demo.exercise().solutions if right else {}
            demo.write(tmp_path / "class" / f"s{number}.ipynb", demo.filled(demo.student(), answers))

    hand_in(right=True)
    assert grade() == 0
    new = state()
    hand_in(right=False)
    assert grade() == 0
    old = state()
    assert set(old) == set(new) and len(new) == 9
    hand_in(right=True)
    for count in range(12):
        monkeypatch.setattr(command, "Store", Fails)
        Fails.left = count
        stopped = False
        try:
            grade()
        except OSError:
            stopped = True
        now = state()
        assert all(content in (old[name], new[name]) for name, content in now.items())
        if not stopped:
            assert now == new
            break
        hand_in(right=False)
        monkeypatch.setattr(command, "Store", Store)
        assert grade() == 0 and state() == old
        hand_in(right=True)
    else:
        raise AssertionError("it never came to its end")
