"""Solutions get full marks, stubs none, every known mistake is named; one bad cell does not cost the others' points."""

from dataclasses import replace

import pytest
from submissions import demo

from rnnlib.grading import sandbox
from rnnlib.grading.exercise import Cell, ExerciseError
from rnnlib.grading.limits import Limits
from rnnlib.grading.run import check_answers, full_result, grade_answers

LEVEL = sandbox.probe()
needs_sandbox = pytest.mark.skipif(not LEVEL.isolated, reason=LEVEL.reason)
HIDDEN = "Right in the visible case, but not in a hidden one. "


def graded(answers, **options):
    options = {"trust": True, **options}
    result = grade_answers(demo.exercise().to_json(), answers, demo.LIMITS.to_json(), **options)
    assert result["status"] == "graded", result["reason"]
    return full_result(demo.exercise(), result)


def verdicts(result):
    return {task: outcome["verdict"] for task, outcome in result["tasks"].items()}


def test_the_solution_gets_full_marks():
    result = graded(demo.exercise().solutions)
    assert (result["points"], result["max_points"]) == (6, 6)
    assert result["sandbox"] == LEVEL.name
    assert [outcome["points"] for outcome in result["tasks"].values()] == [2, 3, 1]


@pytest.mark.parametrize("answers", [{}, {cell.id: cell.source for cell in demo.exercise().answer_cells.values()}])
def test_no_answer_gets_no_points_and_is_called_missing(answers):
    result = graded(answers)
    assert result["points"] == 0
    assert set(verdicts(result).values()) == {"missing"}
    said = "Not answered yet." if answers else "The answer cell is not in the notebook."
    assert {outcome["message"] for outcome in result["tasks"].values()} == {said}


def test_a_stub_that_was_touched_but_not_answered_is_missing_too():
    touched = {cell.id: cell.source + "\n# later" for cell in demo.exercise().answer_cells.values()}
    assert set(verdicts(graded(touched)).values()) == {"missing"}


@pytest.mark.parametrize("number", range(3))
def test_each_known_mistake_is_rejected_by_its_name(number):
    result = graded({cell: sources[number] for cell, sources in demo.mistakes().items()})
    assert result["points"] == 0
    for key, task in demo.exercise().tasks.items():
        assert result["tasks"][key]["verdict"] == "failed"
        assert task.mistakes[number].hint in result["tasks"][key]["message"]


def test_knowing_the_visible_answer_by_heart_is_not_enough():
    by_heart = "def total(dW):\n    return np.array({})".format(
        demo.exercise().tasks["demo.3"].cases[0].answer["value"]
    )
    result = graded({**demo.exercise().solutions, "total": by_heart + ".reshape(2, 3)"})
    assert verdicts(result) == {"demo.1": "passed", "demo.2": "passed", "demo.3": "failed"}
    assert result["tasks"]["demo.3"]["message"].startswith(HIDDEN)
    assert result["points"] == 5


def test_checking_ones_own_answers_tries_the_visible_cases():
    answers = {**demo.exercise().solutions, "gradient": demo.mistakes()["gradient"][0]}
    result = check_answers(demo.exercise().visible(), answers)
    assert verdicts(result) == {"demo.1": "passed", "demo.2": "failed", "demo.3": "passed"}
    assert result["tasks"]["demo.2"]["message"].endswith("You forgot the derivative of tanh.")


CRASH = "import os\ndef step(*args):\n    os._exit(3)"


def test_a_crash_in_one_task_leaves_the_others_their_points():
    result = graded({**demo.exercise().solutions, "step": CRASH})
    assert verdicts(result) == {"demo.1": "crash", "demo.2": "passed", "demo.3": "passed"}
    assert "exit status 3" in result["tasks"]["demo.1"]["message"]


def test_a_cell_that_ends_the_kernel_when_it_is_over_is_found_and_left_out():
    solutions = demo.exercise().solutions
    result = graded({**solutions, "gradient": solutions["gradient"] + "\nexit()"})
    assert verdicts(result) == {"demo.1": "passed", "demo.2": "crash", "demo.3": "passed"}


def test_the_time_for_the_notebook_ends_it_and_keeps_what_was_done():
    slow = "import time\n" + demo.exercise().solutions["gradient"] + "\ntime.sleep(3)"
    limits = Limits(**{**demo.LIMITS.to_json(), "notebook_seconds": 2.0})
    answers = {**demo.exercise().solutions, "gradient": slow}
    result = full_result(
        demo.exercise(), grade_answers(demo.exercise().to_json(), answers, limits.to_json(), trust=True)
    )
    assert verdicts(result) == {"demo.1": "passed", "demo.2": "timeout", "demo.3": "timeout"}


def test_without_isolation_nothing_is_graded_unless_it_is_trusted(monkeypatch):
    monkeypatch.setattr(sandbox, "probe", lambda hidden=(): sandbox.Level("limited", "for a test"))
    answers = demo.exercise().solutions
    refused = grade_answers(demo.exercise().to_json(), answers, demo.LIMITS.to_json())
    assert (refused["status"], refused["sandbox"], refused["tasks"]) == ("refused", "limited", {})
    assert "for a test" in refused["reason"]
    result = graded({**answers, "step": CRASH})
    assert (result["points"], result["sandbox"]) == (4, "limited")


def test_the_graders_own_fault_is_nobodys_zero():
    impossible = Limits(**{**demo.LIMITS.to_json(), "start_seconds": 0.01})
    result = grade_answers(demo.exercise().to_json(), demo.exercise().solutions, impossible.to_json(), trust=True)
    assert result["status"] == "grader-fault"
    assert "did not start" in result["reason"]
    assert full_result(demo.exercise(), result)["tasks"] == {}


def with_second_setup(source):
    """The demo exercise with one more setup cell, after the first task."""
    exercise = demo.exercise()
    place = [cell.id for cell in exercise.cells].index("gradient")
    cells = (*exercise.cells[:place], Cell("second-setup", "setup", source), *exercise.cells[place:])
    return replace(exercise, cells=cells).to_json()


def test_a_later_setup_cell_that_fails_by_itself_is_the_graders_fault():
    result = grade_answers(with_second_setup("1 / 0"), demo.exercise().solutions, demo.LIMITS.to_json(), trust=True)
    assert result["status"] == "grader-fault"
    assert "cell 'second-setup' of the exercise itself fails: ZeroDivisionError" in result["reason"]


def test_an_answer_cannot_make_a_setup_cell_fail():
    """Whoever deletes NumPy loses what needs it, and costs nobody else anything."""
    solutions = demo.exercise().solutions
    result = grade_answers(
        with_second_setup("np.float64(1)"), {**solutions, "step": solutions["step"] + "\nnumpy = np\ndel np"},
        demo.LIMITS.to_json(), trust=True,
    )  # fmt: skip
    assert result["status"] == "graded"
    assert verdicts(result) == {"demo.1": "error", "demo.2": "passed", "demo.3": "passed"}
    assert "name 'np' is not defined" in result["tasks"]["demo.1"]["message"]


def test_an_error_in_the_answer_cell_is_told_with_what_came_of_it():
    result = graded({**demo.exercise().solutions, "step": "steps = undefined"})
    said = "In the answer cell: NameError: name 'undefined' is not defined. Then: NameError: name 'step' is not defined"
    assert result["tasks"]["demo.1"]["message"] == said


def test_part_of_the_points_for_part_of_the_cases():
    exercise = demo.exercise()
    task = replace(exercise.tasks["demo.2"], partial=True)
    exercise = replace(exercise, tasks={**exercise.tasks, "demo.2": task})
    half = "def gradient(h, dh):\n    if len(h) > 2: return dh\n    return dh * (1 - h**2)"
    answers = {**exercise.solutions, "gradient": half}
    result = full_result(exercise, grade_answers(exercise.to_json(), answers, demo.LIMITS.to_json(), trust=True))
    assert result["tasks"]["demo.2"]["verdict"] == "failed"
    assert result["tasks"]["demo.2"]["points"] == 1.5
    assert result["points"] == 4.5


def test_limits_are_positive_numbers():
    for bad in (0, -1, "4", True):
        with pytest.raises(ValueError, match="cell_seconds: expected a positive number"):
            Limits(cell_seconds=bad)
    assert issubclass(ExerciseError, ValueError)


@needs_sandbox
def test_the_sandbox_is_what_it_says():
    assert LEVEL.reason == ""
    inside = sandbox.inner(["/bin/true"], Limits())
    assert "--clearenv" in inside and "--die-with-parent" in inside
    assert "--unshare-net" in sandbox.outer([])


def test_each_sandbox_has_a_user_of_its_own(monkeypatch):
    """Processes are counted per user: with a shared one, a fork bomb would starve its neighbours."""
    monkeypatch.setattr(sandbox.os, "geteuid", lambda: 0)
    users = {sandbox.free_user() for _ in range(20)}
    assert len(users) > 10 and min(users) >= 30_000
    monkeypatch.setattr(sandbox.os, "geteuid", lambda: 1000)
    assert sandbox.free_user() is None


def test_a_machine_without_bubblewrap_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox.probe.cache_clear()
    level = sandbox.probe()
    sandbox.probe.cache_clear()
    assert not level.isolated
    assert "apt-get install bubblewrap" in str(level)
