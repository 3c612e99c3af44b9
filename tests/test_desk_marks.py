"""What a person says about an answer stands, whatever is graded again."""

import csv
import json

import pytest
from submissions import demo, desk

from rnnlib.grading.cli import main
from rnnlib.grading.store import stem


@pytest.fixture
def room(tmp_path, monkeypatch, solutions):
    """A class of three: right, wrong in demo.2, nothing answered."""
    right = demo.exercise().solutions
    demo.write(tmp_path / "class" / "ann.ipynb", demo.filled(demo.student(), right))
    demo.write(tmp_path / "class" / "bo.ipynb",
               demo.filled(demo.student(), {**right, "gradient": demo.mistakes()["gradient"][0]}))  # fmt: skip
    demo.write(tmp_path / "class" / "cy.ipynb", demo.student())
    (tmp_path / "class" / "dee.ipynb").write_text("{")
    quick = desk.use(monkeypatch)

    def grade(*options, marks: str | None = None, status: int = 0) -> dict[str, dict]:
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solutions)]
        if marks is not None:
            (tmp_path / "marks.csv").write_text(marks, encoding="utf8")
            command += ["--marks", str(tmp_path / "marks.csv")]
        assert main([*command, *map(str, options)]) == status
        if status:
            return {}
        return {item["student"]: item for item in json.loads((tmp_path / "out" / "scores.json").read_text())}

    grade.quick, grade.path = quick, tmp_path
    grade.page = lambda who: (tmp_path / "out" / "feedback" / f"{stem(who)}.html").read_text(encoding="utf8")
    return grade


MARKS = """\
student,task,points,comment
# after we talked
bo,demo.2,2,"The idea is right,
<b>almost</b>."
ann.ipynb,demo.1,,Well done.
cy,00_demo,1.5,Oral examination.
bo,demo.3,,
"""


def test_marks_stand_on_the_page_and_in_the_table(room, capsys):
    before = room()
    after = room(marks=MARKS)
    assert room.quick.asked == 3, "marks are no reason to grade again"
    assert before["bo.ipynb"]["points"] == 3 and after["bo.ipynb"]["points"] == 5
    assert after["bo.ipynb"]["tasks"]["demo.2"] == {
        "verdict": "failed", "message": before["bo.ipynb"]["tasks"]["demo.2"]["message"], "points": 2.0,
        "max_points": 3.0, "graded_points": 0.0, "comment": "The idea is right,\n<b>almost</b>.",
    }  # fmt: skip
    assert [after[who]["by_hand"] for who in ("ann.ipynb", "bo.ipynb", "cy.ipynb")] == [[], ["demo.2"], ["00_demo"]]
    assert after["ann.ipynb"]["points"] == 6 and after["cy.ipynb"]["points"] == 1.5
    said = capsys.readouterr().out
    assert "5 / 6*" in said and "* changed by hand" in said and "6 / 6*" not in said
    assert "The idea is right,\n&lt;b&gt;almost&lt;/b&gt;." in room.page("bo.ipynb")
    assert "the grader gave 0" in room.page("bo.ipynb") and "5 of 6 points" in room.page("bo.ipynb")
    assert "Well done." in room.page("ann.ipynb") and "has set the points" not in room.page("ann.ipynb")
    assert "its tasks alone give 0" in room.page("cy.ipynb") and "Oral examination." in room.page("cy.ipynb")
    with open(room.path / "out" / "scores.csv", encoding="utf8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["bo.ipynb"]["by_hand"] == "demo.2" and rows["bo.ipynb"]["demo.2"] == "2"


def test_marks_survive_regrading_and_a_new_release(room, tmp_path, solutions):
    room(marks=MARKS)
    room("--cell-seconds=19")
    assert room("--cell-seconds=19", marks=MARKS)["bo.ipynb"]["points"] == 5
    assert room.quick.asked == 6
    notebook = demo.solution()
    check = next(cell for cell in notebook["cells"] if cell["id"] == "gradient-check")
    check["metadata"]["rnnlib"]["hidden"].append("seed, shape = 5, (2, 2)")
    path = demo.write(tmp_path / "new" / f"{demo.NAME}.ipynb", notebook)
    assert main(["release", str(path), "--out", str(tmp_path / "exercises")]) == 0
    assert room("--solutions", tmp_path / "new", marks=MARKS)["bo.ipynb"]["points"] == 5
    assert room.quick.asked == 9
    assert (tmp_path / "marks.csv").read_text() == MARKS, "the file is the teacher's"


def test_a_mark_counts_where_nothing_could_be_graded(room):
    after = room(marks="student;task;points;comment\ndee;demo.2;2,5;shown to me\n")
    assert after["dee.ipynb"]["status"] == "unreadable" and after["dee.ipynb"]["max_points"] == 6
    assert (after["dee.ipynb"]["points"], after["dee.ipynb"]["tasks"]["demo.2"]["verdict"]) == (2.5, "by hand")
    assert "shown to me" in room.page("dee.ipynb")


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("student,task,comment\n", "expected the columns student, task, points, comment, got student, task, comment"),
        ("student,task,points,comment\nbo,demo.9,1,x\n", "line 2: expected the name of a task or an exercise, such as"),
        ("student,task,points,comment\nbo,demo.2,4,x\n", "line 2: points: expected a number from 0 to 3, got '4'"),
        ("student,task,points,comment\nbo,demo.2,-1,x\n", "expected a number from 0 to 3, got '-1'"),
        ("student,task,points,comment\nbo,demo.2,two,\n", "got 'two'"),
        ("student,task,points,comment\nbo,demo.2,1,x, y\n", "line 2: expected 4 cells, got 5"),
        ("student,task,points,comment\nbo,demo.2,1,x\nbo,demo.2,2,x\n", "line 3: expected one mark of bo for demo.2"),
        ("student,task,points,comment\nbo,,1,x\n", "line 2: expected the name of a task or an exercise, such as"),
        ("student,task,points,comment\n,demo.2,1,x\n", "expected a student, got an empty cell"),
        ("", "got an empty file"),
    ],
)  # fmt: skip
def test_a_mark_that_cannot_be_used_is_told_before_anything_is_graded(room, marks, said, capsys):
    room(marks=marks, status=2)
    assert said in capsys.readouterr().err
    assert room.quick.asked == 0 and not (room.path / "out" / "scores.json").exists()


def test_one_file_of_marks_serves_all_exercises_of_a_term(room, capsys):
    """Its rows for other exercises may say what they want; of the exercise that is graded, no task can be mistyped."""
    other = "bo,bptt.3,99,See me.\nbo,04_bptt,7,\nbo,bptt.3,1,\nann,demo.1,1,\n"
    found = room(marks="student,task,points,comment\n" + other)
    assert found["ann.ipynb"]["points"] == 5 and found["bo.ipynb"]["points"] == 3
    said = capsys.readouterr().err
    assert "marks for bptt.3, 04_bptt have no effect here: these are no tasks of the solutions that were read" in said
    assert said.count("bptt.3") == 1
    room(marks="student,task,points,comment\n" + other + "ann,demo.7,1,\n", status=2)
    assert "line 6: expected the name of a task or an exercise, such as demo." in capsys.readouterr().err


def test_a_mark_of_nobody_is_told(room, capsys):
    room(marks="student,task,points,comment\nbob,demo.2,2,x\n")
    assert (
        "line 2: there is no student 'bob', so this mark has no effect; did you mean 'bo'?" in capsys.readouterr().err
    )


def test_marks_that_are_no_text_are_told(room, capsys):
    (room.path / "bad.csv").write_bytes("student,task,points,comment\nbo,demo.2,2,größer".encode("latin1"))
    room("--marks", room.path / "bad.csv", status=2)
    assert "expected UTF-8, got byte 0xf6" in capsys.readouterr().err
    room("--marks", room.path / "none.csv", status=2)
    assert "none.csv: No such file" in capsys.readouterr().err
