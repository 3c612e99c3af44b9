"""Runs over many submissions: killed, resumed, repeated, and what they leave for people to read."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import pytest
from submissions import demo

from rnnlib.grading import batch, sandbox
from rnnlib.grading.cli import main
from rnnlib.grading.desk import command, report
from rnnlib.grading.desk.page import feedback
from rnnlib.grading.desk.scores import Row, scored
from rnnlib.grading.reading import discover
from rnnlib.grading.release import load_all
from rnnlib.grading.store import Busy, Store, stem

COMMAND = [sys.executable, "-c", "import sys; from rnnlib.grading.cli import main; sys.exit(main(sys.argv[1:]))"]


def submission(number: int) -> dict:
    """A class's answers: right, wrong in one task, or not there."""
    answers = dict(demo.exercise().solutions)
    if number % 3 == 1:
        answers["gradient"] = f"# student {number}\n" + demo.mistakes()["gradient"][number % 2]
    if number % 3 == 2:
        del answers["total"]
    answers["step"] = answers["step"] + f"\n# student {number}"
    return demo.filled(demo.student(), answers)


def expected_points(number: int) -> float:
    return {0: 6.0, 1: 3.0, 2: 5.0}[number % 3]


def options(folder: Path, out: Path, solutions: Path) -> list[str]:
    return [
        "grade",
        str(folder),
        "--out",
        str(out),
        "--solutions",
        str(solutions),
        "--jobs",
        "2",
        "--trust-submissions",
    ]


def scores(out: Path) -> dict[str, dict]:
    return {item["submission"]: item for item in json.loads((out / "scores.json").read_text(encoding="utf8"))}


def test_a_run_that_is_killed_twice_ends_as_if_nothing_had_happened(tmp_path, solutions):
    """20 submissions that need a kernel among 300: the others are settled in no time, before and between."""
    folder, out = tmp_path / "class", tmp_path / "results"
    for number in range(300):
        notebook = submission(number) if number % 15 == 0 else demo.student()
        demo.write(folder / f"group {number % 7}" / f"student {number}.ipynb", notebook)
    command = [*COMMAND, *options(folder, out, solutions)]
    rng = random.Random(os.getpid())
    done = []
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        enough = len(done) + rng.randint(1, 3)
        while process.poll() is None and len(_real(out)) < enough:
            time.sleep(0.05)
        time.sleep(rng.random())
        assert process.poll() is None, "the run was over before it was killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "scores.json").exists()
        done = _real(out)
    kept = len(list((out / "results").glob("*.json")))
    assert kept >= len(done) >= 2
    times = {path: path.stat().st_mtime_ns for path in done}
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"300 submissions, {300 - kept} of them graded now, 0 grader faults" in run.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == times, "a result was graded a second time"
    found = scores(out)
    assert (
        len(found) == len(list((out / "results").glob("*.json"))) == len(list((out / "feedback").glob("*.html"))) == 300
    )
    for number in range(300):
        points = expected_points(number) if number % 15 == 0 else 0.0
        assert found[f"group {number % 7}/student {number}.ipynb"]["points"] == points
    assert not list(out.rglob("*.tmp"))


def _real(out: Path) -> list[Path]:
    """Results of submissions that needed a kernel."""
    return [path for path in (out / "results").glob("*.json") if '"passed"' in path.read_text(encoding="utf8")]


def test_rerun_grades_nothing_and_one_changed_submission_regrades_one(tmp_path, solutions, capsys):
    folder, out = tmp_path / "class", tmp_path / "results"
    for number in range(3):
        demo.write(folder / f"{number}.ipynb", submission(number))
    (folder / "3.ipynb").write_text("{")
    command = options(folder, out, solutions)

    def graded() -> int:
        assert main(command) == 0
        said = capsys.readouterr().err
        return int(said.split(" of them graded now")[0].split()[-1])

    assert graded() == 3
    first = (out / "scores.json").read_bytes(), (out / "scores.csv").read_bytes()
    assert graded() == 0
    assert first == ((out / "scores.json").read_bytes(), (out / "scores.csv").read_bytes())
    demo.write(folder / "1.ipynb", submission(0))
    assert graded() == 1
    assert scores(out)["1.ipynb"]["points"] == 6
    command += ["--cell-seconds=19"]
    assert graded() == 3


def test_the_table_the_json_and_the_pages_agree(tmp_path, solutions, capsys):
    folder, out = tmp_path / "class", tmp_path / "results"
    hostile = demo.filled(
        demo.student(), {"gradient": "def gradient(h, dh):\n    raise ValueError('<script>alert(1)</script>')"}
    )
    demo.write(folder / "=1+1.ipynb", hostile)
    demo.write(folder / "<b>bold</b>\n.ipynb", submission(0))
    assert main([*options(folder, out, solutions), "--json"]) == 0
    printed = {item["submission"]: item for item in json.loads(capsys.readouterr().out)}
    assert printed == scores(out)
    item = printed["=1+1.ipynb"]
    assert {"submission", "exercise", "status", "reason", "points", "max_points", "sandbox", "tasks"} <= set(item)
    assert item["tasks"]["demo.2"] == {
        "verdict": "error", "message": "ValueError: <script>alert(1)</script>", "points": 0.0, "max_points": 3.0,
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((out / "scores.csv").read_text(encoding="utf8"))))
    assert {row["submission"] for row in rows} == {"'=1+1.ipynb", "<b>bold</b>\n.ipynb"}
    assert [row["demo.1"] for row in rows] in (["0", "2"], ["2", "0"])
    pages = "".join(path.read_text(encoding="utf8") for path in (out / "feedback").glob("*.html"))
    assert "<script>" not in pages and "<b>" not in pages
    assert "&lt;script&gt;" in pages and "6 of 6 points" in pages
    assert "isolated" in sandbox.probe().name or item["sandbox"] == "limited"


class Lost(Executor):
    """A cluster whose workers die."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_exception(ConnectionError("the worker is gone"))
        return future


def test_a_lost_worker_is_the_graders_fault_and_is_tried_again(tmp_path, solutions, monkeypatch):
    folder, out = tmp_path / "class", tmp_path / "results"
    demo.write(folder / "a.ipynb", submission(0))
    settings = batch.Settings(load_all(solutions), demo.LIMITS, True, "limited")
    for _ in range(2):
        run = batch.Batch(Store(out), settings, Lost())
        [result] = run.run(list(discover([folder])))
        assert (result["status"], run.graded) == ("grader-fault", 1)
        assert "the worker is gone" in result["reason"]
    row = scored(result, load_all(solutions))
    assert "not your fault" in feedback(row) and row.grade is None


def test_the_exit_status_tells_a_clean_run_from_one_with_faults(tmp_path, solutions):
    folder = tmp_path / "class"
    demo.write(folder / "a.ipynb", submission(0))
    assert main([*options(folder, tmp_path / "results", solutions), "--start-seconds=0.01"]) == 1
    assert scores(tmp_path / "results")["a.ipynb"]["status"] == "grader-fault"


def test_below_isolated_the_command_refuses(tmp_path, solutions, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "probe", lambda hidden=(): sandbox.Level("limited", "for a test"))
    folder = tmp_path / "class"
    demo.write(folder / "a.ipynb", submission(0))
    command = [item for item in options(folder, tmp_path / "out", solutions) if item != "--trust-submissions"]
    assert main(command) == 3
    assert "for a test" in capsys.readouterr().err
    assert not (tmp_path / "out" / "scores.json").exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["grade", "nowhere", "--out", "x"], 2), (["check", "nowhere.ipynb"], 2), (["release", "nowhere.ipynb"], 2)],
)
def test_what_is_not_there_is_wrong_usage(arguments, status, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == status
    assert "nowhere" in capsys.readouterr().err


def test_help_names_every_exit_status(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["grade", "--help"])
    assert stop.value.code == 0
    assert all(f"\n  {status} " in capsys.readouterr().out for status in (0,))
    for bad in ("0", "-1", "two"):
        with pytest.raises(SystemExit) as stop:
            main(["grade", "x", "--out", "y", "--jobs", bad])
        assert stop.value.code == 2


def test_a_student_checks_a_notebook(tmp_path, capsys):
    path = demo.write(tmp_path / "mine.ipynb", submission(1))
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().out
    assert "✓ demo.1 (2): right in the visible case" in said
    assert "✗ demo.2 (3): failed." in said and "3 of 6 points" in said
    assert main(["check", str(demo.write(path, submission(0))), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 6
    demo.write(path, demo.solution())
    assert main(["check", str(path)]) == 2
    assert "It is a solution notebook" in capsys.readouterr().err


@pytest.mark.parametrize("folder", [".", "book", "book/exercises"])
def test_a_check_finds_the_exercise_from_where_a_terminal_opens(tmp_path, monkeypatch, capsys, folder):
    """Beside the chapter of the same name, which is no exercise, or in the project's folder, where it is not."""
    (tmp_path / "book" / "exercises").mkdir(parents=True)
    demo.write(tmp_path / "book" / "00_demo.ipynb", {**submission(0), "cells": submission(0)["cells"][-1:]})
    demo.write(tmp_path / "book" / "exercises" / "00_demo.ipynb", submission(0))
    monkeypatch.chdir(tmp_path / folder)
    assert main(["check", "00_demo.ipynb"]) == 0
    said = capsys.readouterr()
    assert "in the visible cases" in said.out
    assert ("exercises/00_demo.ipynb" in said.err) == (folder != "book/exercises")


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    with Store(tmp_path).locked():
        Path(tmp_path / "results" / "x.json.tmp").write_text("")
        with pytest.raises(Busy, match="another run"), Store(tmp_path).locked():
            pass
    with Store(tmp_path).locked():
        assert not list(tmp_path.rglob("*.tmp"))


def test_a_damaged_result_is_no_result(tmp_path):
    store = Store(tmp_path)
    result = {"submission": "a.ipynb", "tasks": {}}
    store.save("a.ipynb", "key", result)
    assert store.load("a.ipynb", "key") == result
    assert store.load("a.ipynb", "other") is store.load("b.ipynb", "key") is None
    assert store.load("a.ipynb") == result
    (tmp_path / "results" / f"{stem('a.ipynb')}.json").write_text("{")
    assert store.load("a.ipynb", "key") is None


def test_names_of_results_are_safe_and_their_own():
    names = [
        "a/b.ipynb",
        "a-b.ipynb",
        "a b.ipynb",
        "../../etc/passwd",
        "\n.ipynb",
        "x" * 300,
        "你好.ipynb",
        ".ipynb",
        "-rf.ipynb",
    ]
    stems = [stem(name) for name in names]
    assert len(set(stems)) == len(names)
    assert all(set(item) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") for item in stems)
    assert all(len(item) < 80 and not item.startswith("-") for item in stems)


def test_a_name_cannot_break_the_table():
    row = Row("a\n\x1b[31m.ipynb", "a\n\x1b[31m.ipynb", status="unreadable", reason="x\ny")
    assert len(report.table([row]).splitlines()) == 2
    assert "\x1b" not in report.table([row])


class Crowd(Executor):
    """Results as they come from a crowded machine: the first time-out of each may be a neighbour's doing."""

    def __init__(self, *results):
        self.results, self.asked = list(results), 0

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        tasks = {"demo.1": "passed", "demo.2": self.results[self.asked], "demo.3": "passed"}
        self.asked += 1
        future.set_result({
            "status": "graded", "reason": "", "sandbox": "limited", "waited": tasks["demo.2"] == "timeout",
            "tasks": {key: {"verdict": verdict, "message": "\ud800", "share": float(verdict == "passed")}
                      for key, verdict in tasks.items()},
        })  # fmt: skip
        return future


def graded_by(executor, folder, out, solutions, **options):
    settings = batch.Settings(load_all(solutions), demo.LIMITS, True, "limited", **options)
    run = batch.Batch(Store(out), settings, executor)
    exercises = load_all(solutions)
    rows = [scored(result, exercises) for result in run.run(list(discover([folder])))]
    command.publish(Store(out), rows, exercises)
    return rows


def test_a_time_out_that_a_neighbour_may_have_caused_is_tried_again_alone(tmp_path, solutions):
    folder = tmp_path / "class"
    for number in range(3):
        demo.write(folder / f"{number}.ipynb", submission(0))
    crowd = Crowd("timeout", "passed", "timeout", "passed", "timeout")
    results = graded_by(crowd, folder, tmp_path / "results", solutions)
    assert crowd.asked == 5
    assert [row.tasks["demo.2"].verdict for row in results].count("timeout") == 1
    assert graded_by(Crowd(), folder, tmp_path / "results", solutions) == results


def test_one_that_is_alone_is_not_tried_again(tmp_path, solutions):
    demo.write(tmp_path / "class" / "a.ipynb", submission(0))
    crowd = Crowd("timeout")
    graded_by(crowd, tmp_path / "class", tmp_path / "results", solutions)
    assert crowd.asked == 1


@pytest.mark.parametrize("where", ["read", "match", "take_answers", "_evidence", "feedback"])
def test_whatever_fails_in_one_submission_the_others_are_graded(where, tmp_path, solutions, monkeypatch):
    folder, out = tmp_path / "class", tmp_path / "results"
    for name in "abc":
        demo.write(folder / f"{name}.ipynb", submission(0))
    module = command if where == "feedback" else batch
    real, calls = getattr(module, where), []

    def fails_once(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "for a test")
        return real(*args, **kwargs)

    monkeypatch.setattr(module, where, fails_once)
    results = graded_by(Crowd("passed", "passed", "passed"), folder, out, solutions)
    assert sorted(row.status for row in results) == ["graded", "graded", "grader-fault"]
    assert all(row.points == 6 for row in results if row.status == "graded")
    [fault] = [row for row in results if row.status == "grader-fault"]
    assert "UnicodeEncodeError" in fault.reason
    results = graded_by(Crowd("passed"), folder, out, solutions)
    assert [row.status for row in results] == ["graded"] * 3


def test_only_one_exercise_is_accepted_if_it_is_named(tmp_path, solutions, capsys):
    folder, out = tmp_path / "class", tmp_path / "results"
    other = tmp_path / "both"
    other.mkdir()
    for path in solutions.iterdir():
        for name in (demo.NAME, "01_next"):
            (other / path.name.replace(demo.NAME, name)).write_bytes(path.read_bytes())
    text = (other / "01_next.ipynb").read_text().replace("demo.", "next.")
    (other / "01_next.ipynb").write_text(text)
    assert main(["release", str(other / "01_next.ipynb"), "--out", str(tmp_path / "exercises")]) == 0
    demo.write(folder / "old.ipynb", submission(0))
    assert main([*options(folder, out, other), "--exercise=01_next"]) == 0
    assert "answers the exercise 00_demo; 01_next is asked for" in scores(out)["old.ipynb"]["reason"]
    assert main([*options(folder, out, other), "--exercise=00_demo"]) == 0
    assert scores(out)["old.ipynb"]["points"] == 6
    assert main([*options(folder, out, other), "--exercise=99_none"]) == 2
    assert "'99_none' is none of 00_demo, 01_next" in capsys.readouterr().err


def test_strange_text_reaches_no_file_as_it_is(tmp_path, solutions):
    folder, out = tmp_path / "class", tmp_path / "results"
    for name in ("a;=1+1;b.ipynb", "bob\u202ebnypi.ipynb", "第四章 王小明.ipynb", "caf\udce9.ipynb", "x, @y.ipynb"):
        demo.write(folder / name, submission(0))
    results = graded_by(Crowd(*["failed"] * 5), folder, out, solutions)
    table = report.scores_csv(results)
    assert "a;'=1+1;b.ipynb" in table and "x,' @y.ipynb" in table and "\\u202e" in table and "王小明" in table
    written = "".join(path.read_text(encoding="utf8") for path in out.rglob("*.html")) + table + report.table(results)
    assert "\u202e" not in written and "\\ud800" in written and "\ud800" not in written


@pytest.mark.skipif(not sandbox.probe().isolated, reason=sandbox.probe().reason)
def test_somebody_elses_notebook_is_checked_in_the_sandbox(tmp_path, capsys):
    canary = tmp_path / "canary.txt"
    canary.write_text("alive")
    hostile = f"import pathlib\npathlib.Path({str(canary)!r}).write_text('dead')\n" + demo.exercise().solutions["step"]
    path = demo.write(tmp_path / "theirs.ipynb", demo.filled(demo.student(), {"step": hostile}))
    assert main(["check", str(path)]) == 1
    assert canary.read_text() == "alive"
    assert "with your rights" not in capsys.readouterr().out


def test_a_check_without_a_sandbox_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "probe", lambda hidden=(): sandbox.Level("limited", "for a test"))
    path = demo.write(tmp_path / "mine.ipynb", submission(0))
    assert main(["check", str(path)]) == 0
    assert "there is no sandbox here: the notebook's code ran with your rights" in capsys.readouterr().out
