"""Grading again: one student, changed points, a run that was interrupted, somebody who has left."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from submissions import demo, desk

from rnnlib.grading.cli import main, parser
from rnnlib.grading.desk import zipped
from rnnlib.grading.desk.progress import Progress
from rnnlib.grading.store import Store, stem

COMMAND = [sys.executable, "-c", "import sys; from rnnlib.grading.cli import main; sys.exit(main(sys.argv[1:]))"]


def submission(number: int) -> dict:
    answers = {key: f"{source}\n# student {number}" for key, source in demo.exercise().solutions.items()}
    return demo.filled(demo.student(), answers)


@pytest.fixture
def room(tmp_path, monkeypatch, solutions):
    """Three students, all right, graded without kernels."""
    quick = desk.use(monkeypatch)
    for number in range(3):
        demo.write(tmp_path / "class" / f"s{number}.ipynb", submission(number))

    def grade(*options, status: int = 0, solutions=solutions) -> dict[str, dict]:
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solutions)]
        assert main([*command, *map(str, options)]) == status
        return {item["student"]: item for item in json.loads((tmp_path / "out" / "scores.json").read_text())}

    grade.path, grade.quick = tmp_path, quick
    return grade


def test_one_student_again_and_the_table_stays(room, capsys):
    first = room()
    assert room("--only=s1") == first and room.quick.asked == 4, "again, though nothing has changed"
    for number in range(3):
        demo.write(room.path / "class" / f"s{number}.ipynb", demo.student())
    found = room("--only=s1.ipynb")
    assert [found[f"s{number}.ipynb"]["points"] for number in range(3)] == [6, 0, 6]
    assert [found[f"s{number}.ipynb"]["outdated"] for number in range(3)] == [True, False, True]
    said = capsys.readouterr()
    assert "2 of 3 graded before the submission or the exercise changed" in said.err and "; outdated" in said.out
    demo.write(room.path / "class" / "s3.ipynb", submission(3))
    found = room("--only=S[02]*")
    assert [found[f"s{number}.ipynb"]["points"] for number in range(3)] == [0, 0, 0]
    assert found["s3.ipynb"]["status"] == "waiting"
    assert "1 of 4 not graded yet" in capsys.readouterr().err
    assert [item["points"] for item in room().values()] == [0, 0, 0, 6]
    room("--only=s9", status=2)
    assert "--only: expected a student, a submission or a pattern of such, got 's9'" in capsys.readouterr().err


def test_a_student_of_the_roster_is_named_by_the_identifier(room):
    (room.path / "roster.csv").write_text("id,name\ns0,Ann\ns1,Bo\ns2,Cy\ns3,Dee\n")
    options = ["--roster", room.path / "roster.csv"]
    room(*options)
    room(*options, "--only=s1", "--only=cy", "--only=s3")
    assert room.quick.asked == 5


def test_points_and_titles_change_and_nobody_is_graded_again(room, tmp_path):
    room()
    notebook = demo.solution()
    for cell in notebook["cells"]:
        meta = cell["metadata"].get("rnnlib", {})
        if meta.get("role") == "check":
            meta |= {"points": 10 * meta["points"], "title": "Another title"}
    path = demo.write(tmp_path / "new" / f"{demo.NAME}.ipynb", notebook)
    assert main(["release", str(path), "--out", str(tmp_path / "exercises")]) == 0
    found = room(solutions=path.parent)
    assert [item["points"] for item in found.values()] == [60, 60, 60] and room.quick.asked == 3


def test_another_case_is_a_reason_to_grade_again(room, tmp_path):
    room()
    notebook = demo.solution()
    next(cell for cell in notebook["cells"] if cell["id"] == "total-check")["metadata"]["rnnlib"]["hidden"].pop()
    path = demo.write(tmp_path / "new" / f"{demo.NAME}.ipynb", notebook)
    assert main(["release", str(path), "--out", str(tmp_path / "exercises")]) == 0
    room(solutions=path.parent)
    assert room.quick.asked == 6


def test_the_feedback_of_somebody_who_has_left_goes(room):
    room()
    mine = room.path / "out" / "feedback" / "notes.html"
    mine.write_text("the teacher's")
    (room.path / "class" / "s1.ipynb").unlink()
    assert list(room()) == ["s0.ipynb", "s2.ipynb"]
    left = {path.name for path in (room.path / "out" / "feedback").iterdir()}
    assert left == {f"{stem('s0.ipynb')}.html", f"{stem('s2.ipynb')}.html", "notes.html"}


def test_a_page_that_did_not_change_is_not_written(room):
    room()
    pages = [*(room.path / "out").rglob("*.html"), *(room.path / "out").glob("scores.*")]
    before = {path: path.stat().st_mtime_ns for path in pages}
    room()
    assert {path: path.stat().st_mtime_ns for path in pages} == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_table_of_what_it_has(number, tmp_path, solutions):
    for student in range(8):
        demo.write(tmp_path / "class" / f"s{student}.ipynb", submission(student))
    out = tmp_path / "out"
    command = [*COMMAND, "grade", str(tmp_path / "class"), "--out", str(out), "--solutions", str(solutions)]
    command += ["--jobs", "2", "--trust-submissions"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a job in the background ignores
    )  # fmt: skip
    while process.poll() is None and not list((out / "results").glob("*.json")):
        time.sleep(0.02)
    process.send_signal(number)
    stopped = time.monotonic()
    said = process.communicate()
    assert process.returncode == 130, said
    assert time.monotonic() - stopped < 10
    found = json.loads((out / "scores.json").read_text())
    statuses = [item["status"] for item in found]
    assert len(found) == 8 and 1 <= statuses.count("graded") == 8 - statuses.count("waiting") < 8
    assert all((item["points"] == 6) == (item["status"] == "graded") for item in found)
    assert f"{statuses.count('waiting')} of 8 not graded yet" in said[1] and "interrupted" in said[1]
    assert len(list((out / "feedback").iterdir())) == 8 and not list(out.rglob("*.tmp"))


def test_what_an_interruption_came_before_is_not_called_out_of_date(room, monkeypatch):
    room()
    demo.write(room.path / "class" / "s1.ipynb", demo.student())

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(room.quick, "submit", interrupted)
    found = room(status=130)
    assert [item["outdated"] for item in found.values()] == [False, True, False]


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    with Progress(300, seconds=3600) as progress:
        for _ in range(299):
            progress()
    assert said.getvalue() == ""
    with Progress(3, seconds=0) as progress:
        progress()
        progress()
    assert said.getvalue() == "1 of 3 submissions\n2 of 3 submissions\n"


def test_arguments_can_stand_in_a_file(room):
    (room.path / "roster.csv").write_text("id,name\ns0,Ann\ns9,Bo\n")
    file = room.path / "week 4.txt"
    file.write_text(f"# the fourth week\n--roster '{room.path / 'roster.csv'}'  # as in a shell\n\n--keep=best\n")
    assert [item["name"] for item in room(f"@{file}").values()][:2] == ["Ann", "Bo"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# week 4\n--keep best\n--pattern '{id}_*.ipynb\n", "{}, line 3: expected a second quotation mark, got"),
        (b"--column=gr\xf6\xdfer", "@{}: expected UTF-8"),
        (None, "@{}: No such file or directory"),
    ],
)
def test_a_file_of_arguments_that_cannot_be_read_is_told_with_its_line(room, content, said, capsys):
    file = room.path / "class.txt"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SystemExit) as stopped:
        room(f"@{file}")
    assert stopped.value.code == 2 and said.format(file) in capsys.readouterr().err


def test_what_an_earlier_run_wrote_and_this_one_does_not_is_named(room, capsys):
    (room.path / "roster.csv").write_text("id,name\ns0,Ann\n")
    roster = ["--roster", room.path / "roster.csv"]
    room(*roster, "--export=moodle", "--similar", "--with-solutions")
    assert "removed" not in capsys.readouterr().err
    room(*roster, "--similar")
    said = capsys.readouterr().err
    assert "removed, because this run did not write them: moodle.csv\n" in said and "no solutions any more" in said
    assert not (room.path / "out" / "moodle.csv").exists() and (room.path / "out" / "similar.html").exists()
    room(*roster)
    said = capsys.readouterr().err
    assert "did not write them: similar.html\n" in said and "solutions" not in said


def test_the_page_for_teachers_names_options_and_files_that_exist(room):
    said = (Path(__file__).resolve().parent.parent / "book" / "for_teachers.md").read_text(encoding="utf8")
    known = {word for action in subparsers() for word in action.option_strings}
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said)) - {"--nthreads", "--no-deps"}  # Dask's and pip's
    assert options <= known and len(options) > 20
    own = {"--json", "--start-seconds", "--processes", "--file-mb", "--disk-mb", "--output-mb", "--output-messages"}
    assert known - options - own == {"-h", "--help"} - options, "an option that the page does not tell of"
    (room.path / "roster.csv").write_text("id,name\ns0,Ann\n")
    room("--roster", room.path / "roster.csv", "--export=moodle", "--similar")
    written = {path.name for path in (room.path / "out").iterdir()} - {".lock", "results", "feedback"}
    assert written == {"scores.csv", "scores.json", "class.html", "moodle.csv", "similar.html"}
    assert all(f"`{name}`" in said for name in [*written, zipped.NAME])


def subparsers() -> list:
    """All options of all commands."""
    [commands] = [action for action in parser()._actions if action.choices]
    return [action for command in commands.choices.values() for action in command._actions]


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.write("scores.csv", "before")

    for error in (OSError("the disk is full"), KeyboardInterrupt()):

        def fails(*arguments, error=error):
            raise error

        monkeypatch.setattr(os, "fsync", fails)
        with pytest.raises(type(error)):
            store.write("scores.csv", "after")
        assert (tmp_path / "scores.csv").read_text() == "before" and not list(tmp_path.rglob("*.tmp"))
