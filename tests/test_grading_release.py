"""From a solution notebook to a student's notebook: nothing leaks, nothing is lost, every rule is kept."""

import json
import re
import subprocess
import sys

import pytest
from submissions import demo

from rnnlib.grading import inside, release
from rnnlib.grading.cli import default_solutions, main
from rnnlib.grading.exercise import Exercise, ExerciseError, from_solution, stub
from rnnlib.grading.reading import parse
from rnnlib.grading.record import record


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A folder with a released demo, as `rnnlib release` leaves it."""
    folder = tmp_path_factory.mktemp("book")
    path = demo.write(folder / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(path)]) == 0
    return folder


def student(folder):
    return json.loads((folder / "exercises" / f"{demo.NAME}.ipynb").read_text(encoding="utf8"))


def test_the_student_gets_stubs_with_the_solutions_ids(released):
    source, notebook = demo.solution(), student(released)
    ids = [item["id"] for item in source["cells"] if not re.match(r".*-\d$|why", item["id"])]
    assert [item["id"] for item in notebook["cells"] if item["id"] != release.VISIBLE_ID] == ids
    answers = {item["id"]: "".join(item["source"]) for item in notebook["cells"]}
    for cell_id in ("step", "gradient", "total"):
        assert 'raise NotImplementedError("demo.' in answers[cell_id]
        assert answers[cell_id].startswith("def ")


def test_nothing_that_is_the_teachers_reaches_the_student(released):
    text = (released / "exercises" / f"{demo.NAME}.ipynb").read_text(encoding="utf8")
    carried = json.dumps(release.carried(parse(text.encode())).to_json())
    for secret in ("SOLUTION", "1 - h**2", "seed, B = 1", "seed, B = 2", "lambda", "add up"):
        assert secret in json.dumps(demo.solution())
        assert secret not in text
        assert secret not in carried
    hidden = [case.answer for task in demo.exercise().tasks.values() for case in task.cases if case.hidden]
    assert len(hidden) == 9
    assert not any(json.dumps(answer["value"][0]) in carried for answer in hidden)


def test_the_student_carries_the_visible_half(released):
    carried = release.carried(parse(json.dumps(student(released)).encode()))
    assert carried == demo.exercise().visible()
    assert carried.max_points == 6
    assert all(len(task.cases) == 1 and task.cases[0].answer for task in carried.tasks.values())


def test_check_cells_cannot_be_deleted_by_accident_and_say_their_points(released):
    meta = {item["id"]: item["metadata"] for item in student(released)["cells"]}
    assert meta["step-check"] == {
        "deletable": False,
        "editable": False,
        "rnnlib": {"cell": "step-check", "role": "check", "task": "demo.1", "points": 2, "title": "One step"},
    }
    assert meta["step"]["rnnlib"] == {"cell": "step", "role": "answer", "task": "demo.1"}


def test_releasing_again_changes_nothing_and_a_changed_solution_is_stale(released, tmp_path, capsys):
    path = released / "solutions" / f"{demo.NAME}.ipynb"
    assert main(["release", str(path)]) == main(["release", "--check", str(path)]) == 0
    assert "written" not in capsys.readouterr().out
    changed = demo.solution()
    changed["cells"][2]["source"] += "\n# a remark"
    copy = demo.write(tmp_path / "solutions" / path.name, changed)
    release.answers_file(copy).write_bytes(release.answers_file(path).read_bytes())
    assert main(["release", "--check", str(copy)]) == 1
    with pytest.raises(ExerciseError, match="changed since it was released"):
        release.load(copy)


def test_text_alone_can_change_without_recording_anew(released, tmp_path):
    path = released / "solutions" / f"{demo.NAME}.ipynb"
    changed = demo.solution()
    changed["cells"][0]["source"] = "# Another title"
    copy = demo.write(tmp_path / "solutions" / path.name, changed)
    release.answers_file(copy).write_bytes(release.answers_file(path).read_bytes())
    assert release.load(copy).tasks == demo.exercise().tasks
    assert [item.name for item in release.release(copy, tmp_path / "exercises")] == [path.name]
    assert "Another title" in (tmp_path / "exercises" / path.name).read_text(encoding="utf8")


def test_the_answers_on_disk_are_the_recorded_ones(released):
    assert release.load_all(released / "solutions") == {demo.NAME: demo.exercise()}
    with pytest.raises(ExerciseError, match="no solution notebooks"):
        release.load_all(released / "exercises" / "nowhere")


def test_an_exercise_survives_json():
    assert Exercise.from_json(json.loads(json.dumps(demo.exercise().to_json()))) == demo.exercise()
    with pytest.raises(ExerciseError, match="no exercise"):
        Exercise.from_json({"tasks": {}})


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: "é" + text, lambda text: "", str.upper])
def test_a_damaged_pack_says_so(damage):
    with pytest.raises(ExerciseError, match="damaged"):
        Exercise.unpack(damage(demo.exercise().pack()))


@pytest.mark.parametrize("name", ["06_gru", "08_training"])
def test_a_packed_exercise_has_its_tasks_in_the_order_of_the_notebook(name):
    exercise = release.load(default_solutions() / f"{name}.ipynb")
    assert len(exercise.tasks) >= 10  # so that the order of the letters is another one
    assert list(Exercise.unpack(exercise.pack()).tasks) == list(exercise.tasks)


def change(cell_id, **meta):
    notebook = demo.solution()
    for item in notebook["cells"]:
        if item["id"] == cell_id:
            source = meta.pop("source", item["source"])
            item["metadata"]["rnnlib"] = {**item["metadata"]["rnnlib"], **meta}
            item["source"] = source
    return notebook


def without(*ids):
    notebook = demo.solution()
    notebook["cells"] = [item for item in notebook["cells"] if item["id"] not in ids]
    return notebook


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        (change("step-check", points=0), "points 0, expected a positive number"),
        (change("step-check", points="2"), "points '2'"),
        (change("step-check", task="step"), "task 'step', expected a name, a dot and a number"),
        (change("step-check", hidden="seed = 1"), "expected a list of lines"),
        (change("step-check", source="answer('demo.1', 1)"), "0 lines that end in '# case'"),
        (change("step-check", rtol=-1), "rtol -1"),
        (change("step-check", role="cheque"), "role 'cheque', expected one of"),
        (change("step-1", hint=" "), "expected 'hint'"),
        (change("step-1", task="demo.9"), "no check cell has the task 'demo.9'"),
        (change("gradient-check", task="demo.1"), "already has a check cell, 'step-check'"),
        (change("step", source="def step(): pass"), "### BEGIN SOLUTION and ### END SOLUTION in pairs"),
        (without("step"), "task 'demo.1' has no answer cell"),
        (change("step", source=demo.STEP.replace("-> (B, H)", "")), "its stub says nothing of what is returned"),
        (change("step-check", may_change="h"), "may_change 'h', expected a list of names"),
        (without("step-check", "step-1", "step-2", "step-3"), "task 'demo.1' has no check cell"),
        ({**demo.solution(), "cells": demo.solution()["cells"][:2]}, "nothing would be graded"),
        ({**demo.solution(), "cells": demo.solution()["cells"] * 2}, "expected one of its own"),
    ],
)
def test_a_broken_rule_names_the_cell_and_the_rule(notebook, said):
    with pytest.raises(ExerciseError, match=re.escape(said)):
        from_solution(notebook, demo.NAME)


def with_setup(source):
    """A second setup cell, between the first task and the second."""
    notebook = demo.solution()
    place = [item["id"] for item in notebook["cells"]].index("gradient")
    notebook["cells"].insert(place, demo.cell("second-setup", source))
    return notebook


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        (change("step-1", source="pass"), "no case tells the mistake 'The activation is missing.' from the solution"),
        (
            change("step-1", source="step = None"),
            "the mistake 'The activation is missing.' gives no answer in any case",
        ),
        (
            change("step-2", source=demo.solution()["cells"][4]["source"]),
            "tells the mistakes 'The activation is missing.' and 'W_h needs no transpose.' apart",
        ),
        (
            with_setup("shape = step.__name__"),
            "cell 'second-setup', run without the answers, fails: NameError",
        ),
        (change("step-check", source="seed, B = 0, 2  # case"), "expected it to display one answer to 'demo.1'"),
        (change("step-check", source="seed = 0  # case\nanswer('demo.2', 1)"), "it displayed ['demo.2']"),
        (change("step-check", source="seed = 0  # case\nanswer('demo.1', object())"), "object can be no answer"),
        (change("step", source="# -> step\n### BEGIN SOLUTION\n1 / 0\n### END SOLUTION"), "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_recorded_is_not_released(notebook, said):
    with pytest.raises(ExerciseError, match=re.escape(said)):
        record(from_solution(notebook, demo.NAME), demo.LIMITS)


WRITES = "    ### BEGIN SOLUTION\n    h *= -h\n    h += 1\n    return dh * h\n    ### END SOLUTION"


def test_a_solution_that_changes_its_arguments_must_say_so():
    source = demo.GRADIENT[: demo.GRADIENT.index("    ### BEGIN")] + WRITES
    with pytest.raises(ExerciseError, match=r"gradient changed its argument h.*'may_change'"):
        record(from_solution(change("gradient", source=source), demo.NAME), demo.LIMITS)
    notebook = change("gradient", source=source)
    for item in notebook["cells"]:
        if item["id"] == "gradient-check":
            item["metadata"]["rnnlib"]["may_change"] = ["h"]
    recorded = record(from_solution(notebook, demo.NAME), demo.LIMITS)
    assert recorded.tasks["demo.2"].may_change == ("h",)
    assert recorded.tasks["demo.2"].cases == demo.exercise().tasks["demo.2"].cases


def test_a_task_that_says_nothing_new_keeps_its_definition():
    """Exercises that were released before these settings existed are not stale."""
    data = demo.exercise().to_json()
    assert not {"may_change", "without", "partial"} & set(data["tasks"]["demo.1"])
    assert Exercise.from_json(data) == demo.exercise()


def test_a_solution_that_answers_differently_each_time_is_not_released(tmp_path):
    source = "seed = None  # case\nanswer('demo.3', np.random.default_rng(seed).random())"
    notebook = without("total-1", "total-2", "total-3")
    for item in notebook["cells"]:
        if item["id"] == "total-check":
            item["source"], item["metadata"]["rnnlib"]["hidden"] = source, []
    path = demo.write(tmp_path / "solutions" / "00_demo.ipynb", notebook)
    with pytest.raises(ExerciseError, match=r"demo\.3: the solution itself does not pass"):
        release.release(path, tmp_path, limits=demo.LIMITS)
    assert not release.answers_file(path).exists()


def test_a_stub_keeps_what_is_given():
    source = "a = 1\nif a:\n    ### BEGIN SOLUTION (hard)\n    b = 2\n    ### END SOLUTION\nc = 3"
    assert stub(source, task="demo.1").splitlines()[2:] == [
        "    # your code here",
        '    raise NotImplementedError("demo.1 is not answered yet")',
        "c = 3",
    ]


def test_the_notebook_says_at_once_what_is_right(monkeypatch, capsys):
    monkeypatch.setattr(inside, "_exercise", None)
    inside.visible(demo.exercise().pack())
    assert "3 tasks, 6 points" in capsys.readouterr().out
    scope: dict = {}
    exec(demo.SETUP, scope)
    said = {}
    for name, step in {
        "right": "np.tanh(x @ W_x + h @ W_h)",
        "mistake": "x @ W_x + h @ W_h",
        "transposed": "np.tanh(x @ W_x + h @ W_h).T",
        "list": "np.tanh(x @ W_x + h @ W_h).tolist()",
    }.items():
        exec(f"def step(x, h, W_x, W_h):\n    return {step}", scope)
        exec(demo.STEP_CHECK, scope)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 88  # what an output of JupyterLab shows without breaking words
        said[name] = " ".join(lines)
    assert said["right"] == "demo.1: right in the visible case. ✓"
    assert said["mistake"].endswith("The activation is missing.")
    assert "expected an array of shape (2, 4), got an array of shape (4, 2)" in said["transposed"]
    assert "Return an array, not a list." in said["list"]


def test_the_students_kernel_needs_numpy_only():
    code = (
        "import sys, rnnlib.grading; print(*{'torch', 'zmq', 'pytest', 'nbval', 'jupyter_client'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
