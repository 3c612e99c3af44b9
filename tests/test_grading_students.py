"""What students do to cells is normal: right answers keep their points, and the student is told what happened."""

import functools
import json
from pathlib import Path

import pytest
from submissions import demo, mutations
from submissions.mutations import KEPT, OWN_LOSS, WHOLE, mutate

from rnnlib.grading.exercise import Exercise
from rnnlib.grading.limits import Limits
from rnnlib.grading.reading import parse
from rnnlib.grading.release import load
from rnnlib.grading.run import grade_answers
from rnnlib.grading.taking import match, take_answers

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = sorted(path.stem for path in (BOOK / "solutions").glob("*.ipynb"))


@functools.cache
def chapter(name: str) -> Exercise:
    return load(BOOK / "solutions" / f"{name}.ipynb")


def filled(name: str) -> dict:
    notebook = json.loads((BOOK / "exercises" / f"{name}.ipynb").read_text(encoding="utf8"))
    return demo.filled(notebook, chapter(name).solutions)


def graded(notebook: dict, exercise: Exercise, limits: Limits) -> tuple[dict[str, dict], list[str]]:
    submission = parse(json.dumps(notebook).encode())
    assert match(submission, {exercise.name: exercise}) is exercise
    answers, remarks = take_answers(submission, exercise)
    result = grade_answers(exercise.to_json(), answers, limits.to_json(), trust=True)
    assert result["status"] == "graded", result
    return result["tasks"], remarks


def verdicts(tasks: dict[str, dict]) -> dict[str, str]:
    return {key: outcome["verdict"] for key, outcome in tasks.items()}


def rotated(exercise: Exercise, names: list[str], turn: int) -> dict[str, str]:
    """Which task gets which mutation."""
    return {task: names[(place + turn * len(exercise.tasks)) % len(names)] for place, task in enumerate(exercise.tasks)}


@pytest.mark.parametrize("turn", range(-(-len(KEPT) // 3)))
def test_what_the_code_deserves_is_kept(turn):
    """Every mutation on one task of three of the demo; as many notebooks as that takes."""
    exercise, notebook = demo.exercise(), demo.filled(demo.student(), demo.exercise().solutions)
    chosen = rotated(exercise, list(KEPT), turn)
    mutate(notebook, exercise, {task: KEPT[name] for task, name in chosen.items()})
    tasks, remarks = graded(notebook, exercise, demo.LIMITS)
    assert set(verdicts(tasks).values()) == {"passed"}, (chosen, tasks, remarks)


@pytest.mark.parametrize("name", list(OWN_LOSS))
def test_one_tasks_state_costs_no_other_task(name):
    exercise, notebook = demo.exercise(), demo.filled(demo.student(), demo.exercise().solutions)
    mutate(notebook, exercise, {"demo.1": OWN_LOSS[name]})
    tasks, _ = graded(notebook, exercise, demo.LIMITS)
    assert [tasks["demo.2"]["verdict"], tasks["demo.3"]["verdict"]] == ["passed", "passed"], tasks


@pytest.mark.parametrize("name", list(WHOLE))
def test_the_same_answers_get_the_same_points_whoever_saved_the_notebook(name):
    exercise, notebook = demo.exercise(), demo.filled(demo.student(), demo.exercise().solutions)
    WHOLE[name](notebook)
    tasks, remarks = graded(notebook, exercise, demo.LIMITS)
    assert set(verdicts(tasks).values()) == {"passed"}
    told = ["Cells of this notebook have lost their ids; they were known by what they hold."]
    assert [r for r in remarks if "was found in a cell" not in r] == (told if name == "ids_and_metadata_lost" else [])


@pytest.mark.parametrize("turn", range(2))
@pytest.mark.parametrize("name", CHAPTERS)
def test_the_books_solutions_survive_what_students_do(name, turn):
    """Each task of a chapter is changed in another way; two turns here, all of them with `all_turns` below."""
    chapter_survives(name, turn)


def chapter_survives(name: str, turn: int) -> None:
    exercise, notebook = chapter(name), filled(name)
    start = 7 * CHAPTERS.index(name)
    names = list(KEPT)[start % len(KEPT) :] + list(KEPT)[: start % len(KEPT)]
    chosen = rotated(exercise, names, turn)
    mutate(notebook, exercise, {task: KEPT[change] for task, change in chosen.items()})
    list(WHOLE.values())[turn % 2](notebook)
    tasks, remarks = graded(notebook, exercise, Limits())
    wrong = {task: (chosen[task], outcome) for task, outcome in tasks.items() if outcome["verdict"] != "passed"}
    assert not wrong, (wrong, remarks)


@pytest.mark.parametrize("name", CHAPTERS)
def test_sources_alone_are_enough_for_the_book(name):
    """No ids, no metadata: each answer cell is found, and holds what it held."""
    exercise, notebook = chapter(name), filled(name)
    mutations.ids_and_metadata_lost(notebook)
    submission = parse(json.dumps(notebook).encode())
    assert match(submission, {chapter(other).name: chapter(other) for other in CHAPTERS}) is exercise
    answers, _ = take_answers(submission, exercise)
    code = "\n".join(part for answer in answers.values() for part in ([answer] if isinstance(answer, str) else answer))
    assert all(line in code for source in exercise.solutions.values() for line in source.splitlines())


def told(change, **answers) -> str:
    exercise = demo.exercise()
    notebook = demo.filled(demo.student(), {**exercise.solutions, **answers})
    if change:
        mutate(notebook, exercise, {"demo.2": change})
    return " ".join(take_answers(parse(json.dumps(notebook).encode()), exercise)[1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (KEPT["answer overwritten"], "sets the name answer anew, which the exercise gave you"),
        (OWN_LOSS["range overwritten"], "sets the name sum anew, which is Python's own"),
        (OWN_LOSS["reset"], "%reset, which deletes what the exercise gave you"),
        (KEPT["split"], "there in 2 parts or copies; they were run from top to bottom"),
        (KEPT["helper"], "A cell of your own (own_gradient) was run with demo.2"),
        (KEPT["elsewhere"], "The answer to demo.2 (gradient) was found in a cell that is not its answer cell"),
        (KEPT["old copy below the check"], "A copy of the answer to demo.2 below its check cell was not taken"),
        (KEPT["markdown"], "no code cell any more; its text was run as code"),
        (KEPT["answer below its check"], "The answer to demo.2 stands below its check cell"),
    ],
)
def test_the_student_is_told(change, said):
    assert said in told(change)


def test_nothing_is_said_of_a_notebook_as_it_should_be():
    assert told(None) == ""
    assert told(None, gradient="import numpy as np\n" + demo.exercise().solutions["gradient"]) == ""


@pytest.fixture
def shell(monkeypatch):
    """A fresh IPython in which the demo's first cells were run."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    for cell in demo.student()["cells"]:
        if cell["metadata"].get("rnnlib", {}).get("role") in ("visible", "setup"):
            assert shell.run_cell("".join(cell["source"])).success
    yield shell
    InteractiveShell.clear_instance()


def test_the_notebook_tells_what_was_overwritten(shell, capsys):
    shell.run_cell(demo.exercise().solutions["step"])
    assert "note" not in capsys.readouterr().out
    shell.run_cell(demo.exercise().solutions["gradient"] + "\nanswer = 42\nsum = 3\nmine = 1")
    said = capsys.readouterr().out
    assert "note: answer, which the exercise gave you, is something else after this cell" in said
    assert "note: sum, which is Python's own, is something else" in said and "mine" not in said
    shell.run_cell(demo.SETUP)
    shell.run_cell("answer = 42")
    assert "note: answer" in capsys.readouterr().out


def test_the_notebook_tells_what_was_changed(shell, capsys):
    writes = "def gradient(h, dh):\n    h *= -h\n    h += 1\n    return dh * h"
    shell.run_cell(writes)
    before = shell.user_ns["gradient"]
    shell.run_cell(demo.GRADIENT_CHECK)
    said = "not yet. The numbers are right, but: Your function gradient changed its argument h"
    assert said in " ".join(capsys.readouterr().out.split())
    assert shell.user_ns["gradient"] is before
    shell.run_cell(demo.exercise().solutions["gradient"])
    shell.run_cell(demo.GRADIENT_CHECK)
    assert "right in the visible case. ✓" in capsys.readouterr().out
