"""Tasks with data beside the notebook, and tasks that a person grades: a text, a plot."""

import base64
import copy
import csv
import html
import io
import json

import pytest
from submissions import demo, desk

from rnnlib.grading import sandbox
from rnnlib.grading.cli import main
from rnnlib.grading.data import digests, write_files
from rnnlib.grading.exercise import Exercise, ExerciseError, from_solution
from rnnlib.grading.reading import parse
from rnnlib.grading.release import load
from rnnlib.grading.store import stem

DATA = "2.0\n3.0\n5.0\n"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
MEAN = '''\
def mean(path):
    """The mean of the numbers in a file -> float."""
    ### BEGIN SOLUTION
    return float(np.loadtxt(path).mean())
    ### END SOLUTION'''
FIRST = MEAN.replace("mean(path)", "first(path)").replace(".mean()", "[0]")


def solution() -> dict:
    """The demo, and a task with data, a text and a plot."""
    notebook = copy.deepcopy(demo.solution())
    notebook["metadata"] = {"rnnlib": {"files": ["rates.csv"]}}
    notebook["cells"][-1:-1] = [
        demo.cell("first", FIRST, role="answer", task="demo.4"),
        demo.cell("first-check", 'answer("demo.4", first("rates.csv"))', role="check", task="demo.4", points=1),
        demo.cell("mean", MEAN, role="answer", task="demo.5"),
        demo.cell("mean-check", 'answer("demo.5", mean("rates.csv"))', role="check", task="demo.5", points=1),
        demo.cell("why", "Because the weights are shared.", "markdown",
                  role="manual", task="demo.6", points=4, title="Why a sum?"),
        demo.cell("plot", "### BEGIN SOLUTION\nplt.plot(x)\n### END SOLUTION",
                  role="manual", task="demo.7", points=2, title="Draw it"),
    ]  # fmt: skip
    notebook["cells"][-1]["id"] = "why-solution"
    return notebook


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Folders of solutions and of students' notebooks."""
    folder, out = tmp_path_factory.mktemp("solutions"), tmp_path_factory.mktemp("exercises")
    (folder / "rates.csv").write_text(DATA)
    path = demo.write(folder / f"{demo.NAME}.ipynb", solution())
    assert main(["release", str(path), "--out", str(out)]) == 0
    return folder, out


def student(released, **answers: str) -> dict:
    notebook = json.loads((released[1] / f"{demo.NAME}.ipynb").read_text(encoding="utf8"))
    right = {**demo.exercise().solutions, "mean": MEAN, "first": FIRST}
    return demo.filled(notebook, {**right, **answers})


def test_students_get_the_data_beside_a_notebook_that_holds_no_solution(released):
    folder, out = released
    assert (out / "rates.csv").read_text() == DATA
    text = (out / f"{demo.NAME}.ipynb").read_text(encoding="utf8")
    assert "Because the weights" not in text and "plt.plot" not in text and "*Your answer to demo.6.*" in text
    exercise = load(folder / f"{demo.NAME}.ipynb")
    assert exercise.max_points == 6 + 2 + 6
    visible = Exercise.unpack(exercise.pack())
    assert visible.files == digests(exercise.files) and visible.manual["demo.6"].solution == ""
    assert Exercise.from_json(exercise.to_json()) == exercise


def test_a_release_is_stale_when_its_data_have_changed(released, tmp_path, capsys):
    for path in released[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    command = ["release", str(tmp_path / f"{demo.NAME}.ipynb"), "--out", str(released[1]), "--check"]
    assert main(command) == 0
    (tmp_path / "rates.csv").write_text(DATA + "7.0\n")
    assert main(command) == 1
    (tmp_path / "rates.csv").unlink()
    assert main(command) == 2
    assert "rates.csv: expected a data file of the exercise, got No such file" in capsys.readouterr().err


@pytest.mark.parametrize("trust", [False, True])
def test_data_are_there_when_graded_and_nobody_changes_them_for_others(released, tmp_path, monkeypatch, trust):
    if trust:
        monkeypatch.setattr(sandbox, "probe", lambda hidden=(): sandbox.Level("limited", "for a test"))
    elif not sandbox.probe().isolated:
        pytest.skip(sandbox.probe().reason)
    hostile = """
import os, pathlib
for call in (lambda p: p.chmod(0o666), lambda p: p.write_text("9"), lambda p: p.unlink(), lambda p: p.mkdir()):
    try:
        call(pathlib.Path("rates.csv"))
    except OSError:
        pass
"""
    demo.write(tmp_path / "class" / "a.ipynb", student(released, first=hostile + "first = lambda path: 2.0"))
    (tmp_path / "class" / "rates.csv").write_text("1\n")
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(released[0])]
    assert main([*command, *(["--trust-submissions"] if trust else [])]) == 0
    [row] = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert {task: row["tasks"][task]["verdict"] for task in ("demo.4", "demo.5")} == {
        "demo.4": "passed", "demo.5": "passed",
    }  # fmt: skip


def test_a_student_checks_with_the_data_beside_the_notebook(released, tmp_path, capsys):
    path = demo.write(tmp_path / "mine.ipynb", student(released, why="Because of the sum."))
    assert main(["check", str(path)]) == 2
    assert "put the file beside the notebook again" in capsys.readouterr().err
    (tmp_path / "rates.csv").write_text(DATA)
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "demo.6 (4): answered; a person grades it." in said
    assert (
        "demo.7 (2): not answered yet; a person grades it." in said
        and "8 of 8 points so far, in the visible cases" in said
    )
    (tmp_path / "rates.csv").write_text("2.0\n")
    assert main(["check", str(path)]) == 1
    assert "The data file rates.csv is not the one that you were given" in capsys.readouterr().out


def test_a_strangers_notebook_names_no_file_elsewhere(released, tmp_path, capsys):
    exercise = load(released[0] / f"{demo.NAME}.ipynb")
    secret = tmp_path / "secret.csv"
    secret.write_text("1")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "rates.csv").symlink_to(secret)
    path = demo.write(tmp_path / "theirs" / "a.ipynb", student(released))
    assert main(["check", str(path)]) == 2
    assert "got another path or a link" in capsys.readouterr().err
    for name in ("../secret.csv", "/etc/passwd", ".hidden", "x.py", "a/b.csv"):
        text = exercise.pack()
        packed = Exercise(exercise.name, exercise.cells, exercise.tasks, files={name: ""}).pack()
        other = json.loads(json.dumps(student(released)).replace(json.dumps(text)[1:-1], json.dumps(packed)[1:-1]))
        for cell in other["cells"]:
            if cell["id"] == "rnnlib-visible":
                cell["source"] = f'from rnnlib.grading import visible\n\nvisible("""\n{packed}\n""")'
        demo.write(path, other)
        assert main(["check", str(path)]) == 2
        assert "got another path or a link" in capsys.readouterr().err
        with pytest.raises(ExerciseError, match="expected a list of names of files beside it"):
            from_solution({**solution(), "metadata": {"rnnlib": {"files": [name]}}}, "x")


def test_data_replace_whatever_stands_in_their_place(tmp_path):
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "a.csv" / "x").write_text("")
    (tmp_path / "b.csv").symlink_to("/etc/passwd")
    files = {name: base64.b64encode(b"1\n").decode() for name in ("a.csv", "b.csv")}
    for _ in range(2):
        write_files(files, tmp_path)
        assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text() == "1\n"


@pytest.fixture
def room(released, tmp_path, monkeypatch):
    """Three students: all answered, a text only, nothing."""
    desk.use(monkeypatch)
    everything = student(released, why="The <b>chain</b> rule\nadds up.", plot="plt.plot([1, 2])")
    plot = next(cell for cell in everything["cells"] if cell["id"] == "plot")
    plot["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG[:10] + "\n" + PNG[10:]}}
    ]
    demo.write(tmp_path / "class" / "s1.ipynb", everything)
    demo.write(tmp_path / "class" / "s2.ipynb", student(released, why="=1+1"))
    demo.write(tmp_path / "class" / "s3.ipynb", student(released))

    def grade(marks: str = "student,task,points,comment\n", *options) -> dict[str, dict]:
        (tmp_path / "marks.csv").write_text(marks, encoding="utf8")
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(released[0])]
        assert main([*command, "--marks", str(tmp_path / "marks.csv"), *options]) == 0
        return {item["student"]: item for item in json.loads((tmp_path / "out" / "scores.json").read_text())}

    grade.out = tmp_path / "out"
    return grade


def rows(path) -> list[dict]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf8"))))


def test_texts_and_plots_wait_for_a_person_in_the_same_table(room, capsys):
    found = room()
    verdicts = {who: [item["tasks"][task]["verdict"] for task in ("demo.6", "demo.7")] for who, item in found.items()}
    assert verdicts == {
        "s1.ipynb": ["to mark", "to mark"], "s2.ipynb": ["to mark", "missing"], "s3.ipynb": ["missing", "missing"],
    }  # fmt: skip
    said = capsys.readouterr()
    assert "2 of 3 to be marked by a person, see to_mark.html" in said.err
    table = {row["student"]: row for row in rows(room.out / "scores.csv")}
    assert [table[who]["points"] for who in found] == ["", "", "8"], "a number that is not known yet is none"
    assert (table["s1.ipynb"]["demo.6"], table["s3.ipynb"]["demo.6"]) == ("", "0")
    sheet = rows(room.out / "to_mark.csv")
    assert [(row["student"], row["task"], row["of"]) for row in sheet] == [
        ("s1.ipynb", "demo.6", "4"), ("s1.ipynb", "demo.7", "2"), ("s2.ipynb", "demo.6", "4"),
    ]  # fmt: skip
    assert sheet[2]["answer"] == "'=1+1"
    page = (room.out / "to_mark.html").read_text(encoding="utf8")
    assert "The &lt;b&gt;chain&lt;/b&gt; rule" in page and f"data:image/png;base64,{PNG}" in page
    assert "Because the weights are shared." in page and "2 answers, 2 of them to mark" in page


def test_the_sheet_filled_in_is_the_file_of_marks(room):
    room()
    sheet = (room.out / "to_mark.csv").read_text(encoding="utf8")
    table = rows(room.out / "to_mark.csv")
    for row, (points, comment) in zip(
        table, [("3", "Name the rule."), ("2", ""), ("0", "Write it down.")], strict=True
    ):
        row |= {"points": points, "comment": comment}
    file = io.StringIO()
    writer = csv.DictWriter(file, sheet.splitlines()[0].split(","))
    writer.writeheader()
    writer.writerows(table)
    found = room(file.getvalue())
    assert [item["points"] for item in found.values()] == [8 + 3 + 2, 8, 8]
    assert found["s1.ipynb"]["by_hand"] == [], "the grader had given nothing that was changed"
    assert found["s1.ipynb"]["tasks"]["demo.6"] == {
        "verdict": "marked", "message": "", "points": 3.0, "max_points": 4.0, "comment": "Name the rule.",
    }  # fmt: skip
    assert not (room.out / "to_mark.csv").exists() and "0 of them to mark" in (room.out / "to_mark.html").read_text()
    page = html.unescape((room.out / "feedback" / f"{stem('s1.ipynb')}.html").read_text(encoding="utf8"))
    assert "Name the rule." in page and "The <b>chain</b> rule\nadds up." in page and "13 of 14 points" in page
    assert "demo.6 Why a sum?" in page and "Because the weights are shared." not in page
    room(file.getvalue(), "--with-solutions")
    page = (room.out / "feedback" / f"{stem('s1.ipynb')}.html").read_text(encoding="utf8")
    assert "Because the weights are shared." in page and "### BEGIN" not in page.split("A solution")[-1]


@pytest.mark.parametrize(
    "image", ["PHN2Zz4=", "iVBORw0KGgo\"onerror='", 7, ["iVBORw0KGgoA", 1], "iVBORw0KGgo" + "A" * (1 << 21)]
)
def test_what_is_no_small_picture_is_not_taken(image):
    cell = {"cell_type": "code", "id": "plot", "source": "x", "metadata": {"rnnlib": {"role": "manual"}},
            "outputs": [{"data": {"image/png": image}}, 3, {"data": []}]}  # fmt: skip
    [taken] = parse(json.dumps({"nbformat": 4, "cells": [cell]}).encode()).cells
    assert taken.image == ""


def test_a_task_is_graded_by_a_person_or_by_a_check_cell():
    notebook = solution()
    notebook["cells"].append(demo.cell("again", "x", "markdown", role="manual", task="demo.1", points=1))
    with pytest.raises(ExerciseError, match="expected a check cell or the role 'manual', got both"):
        from_solution(notebook, "x")
    notebook["cells"][-1] = demo.cell("again", "x", "markdown", role="manual", task="demo.6", points=1)
    with pytest.raises(ExerciseError, match="already has the cell 'why'"):
        from_solution(notebook, "x")
    notebook["cells"][-1] = demo.cell("again", "x", "markdown", role="manual", task="demo.8")
    with pytest.raises(ExerciseError, match="points None, expected a positive number"):
        from_solution(notebook, "x")
