"""A class that is graded without kernels: whose answers are the solution's, a known mistake's, or neither."""

from concurrent.futures import Executor, Future
from contextlib import contextmanager

from rnnlib.grading import sandbox
from rnnlib.grading.desk import command
from rnnlib.grading.exercise import Exercise
from rnnlib.grading.rebuild import parts, unanswered


class Quick(Executor):
    """An executor that compares sources in place of answers, and counts what it was asked."""

    def __init__(self):
        self.asked, self._data = 0, None

    def submit(self, fn, /, exercise, answers, limits, **options):
        self.asked += 1
        future: Future = Future()
        if exercise is not self._data:  # the same for a whole run
            self._data, self._exercise = exercise, Exercise.from_json(exercise)
        tasks = verdicts(self._exercise, answers)
        graded = {"status": "graded", "reason": "", "sandbox": "isolated", "waited": False, "tasks": tasks}
        future.set_result(graded)
        return future


def verdicts(exercise: Exercise, answers: dict) -> dict:
    """What the session would say of answers that it knows."""
    said = {task: {"verdict": "missing", "message": why} for task, why in unanswered(exercise, answers).items()}
    for key, cell in exercise.answer_cells.items():
        task = exercise.tasks[cell.task]
        if task.id in said:
            continue
        source = without_comments("\n".join(parts(answers[key])))
        wrong = [n for n, item in enumerate(task.mistakes) if source.endswith(without_comments(item.source))]
        if wrong:
            hint, got = task.mistakes[wrong[0]].hint, task.cases[0].mistakes[wrong[0]]
            said[task.id] = {"verdict": "failed", "message": f"6 of 6 numbers are off, by at most 1. {hint}",
                             "hint": hint, "case": 0, "got": got}  # fmt: skip
        elif source == without_comments(exercise.solutions[key]):
            said[task.id] = {"verdict": "passed", "message": ""}
        else:
            said[task.id] = {"verdict": "error", "message": "ZeroDivisionError: division by zero", "case": 0}
    return said


def without_comments(source: str) -> str:
    lines = (line.split("#")[0].rstrip() for line in source.splitlines())
    return "\n".join(line for line in lines if line)


def use(monkeypatch) -> Quick:
    """Let `rnnlib grade` use it."""
    quick = Quick()

    @contextmanager
    def workers(arguments, hidden):
        yield quick, sandbox.Level("isolated")

    monkeypatch.setattr(command, "workers", workers)
    return quick
