"""Recording: run a solution, and every known mistake, to learn what each case must answer.

This runs the teacher's own code, so it needs no sandbox.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from queue import Empty
from typing import Any

from .answers import MIME, Unsupported, compare, decode
from .exercise import Exercise, ExerciseError, Task
from .kernel import KernelLost, WatchedKernel
from .limits import Limits


def record(exercise: Exercise, limits: Limits | None = None) -> Exercise:
    """The exercise with its right answers, and with what its mistakes answer.

    Parameters
    ----------
    exercise : Exercise
        From `exercise.from_solution`.
    limits : Limits, optional

    Raises
    ------
    ExerciseError
        If a cell fails, a case displays no answer, or a mistake is not told apart from the solution by any case.
    """
    with tempfile.TemporaryDirectory(prefix="rnnlib-") as folder:
        _run_setup_alone(exercise, Path(folder) / "setup", limits or Limits())
        kernel = WatchedKernel(Path(folder) / "kernel", limits or Limits(), isolated=False)
        try:
            tasks = dict(exercise.tasks)
            for cell in exercise.cells:
                if cell.role == "check":
                    tasks[cell.task] = _record_task(kernel, exercise, tasks[cell.task])
                else:
                    _run(kernel, exercise.solutions.get(cell.id, cell.source), f"cell {cell.id!r}")
        finally:
            kernel.stop()
    return replace(exercise, tasks=tasks)


def _run_setup_alone(exercise: Exercise, folder: Path, limits: Limits) -> None:
    """Setup that needs an answer would fail for every student who has none."""
    kernel = WatchedKernel(folder, limits, isolated=False)
    try:
        for cell in exercise.cells:
            if cell.role == "setup":
                _run(kernel, cell.source, f"cell {cell.id!r}, run without the answers before it,")
    finally:
        kernel.stop()


def _record_task(kernel: WatchedKernel, exercise: Exercise, task: Task) -> Task:
    right = [_answer(kernel, case.source, task, f"check cell {task.cell!r}") for case in task.cases]
    for number, answer in enumerate(right):
        if isinstance(decode(answer), Unsupported):
            raise ExerciseError(f"check cell {task.cell!r}, case {number}: {decode(answer).type} can be no answer")
    wrong: list[list[dict[str, Any] | None]] = [[] for _ in task.cases]
    for index, mistake in enumerate(task.mistakes):
        _run(kernel, mistake.source, f"the mistake {mistake.hint!r} of {task.id}")
        told_apart = False
        for number, case in enumerate(task.cases):
            given = _wrong_answer(kernel, case.source, task)
            wrong[number].append(given)
            told_apart |= given is None or _differs(task, right[number], given)
        if not told_apart:
            raise ExerciseError(f"{task.id}: no case tells the mistake {mistake.hint!r} from the solution")
        if all(answers[index] is None for answers in wrong):
            raise ExerciseError(
                f"{task.id}: the mistake {mistake.hint!r} gives no answer in any case, so its hint would never be seen"
            )
        for earlier in range(index):
            if not any(_differ(task, answers[earlier], answers[index]) for answers in wrong):
                raise ExerciseError(
                    f"{task.id}: no case tells the mistakes {task.mistakes[earlier].hint!r} and {mistake.hint!r} apart"
                )
        for cell in exercise.cells:
            if cell.role == "answer" and cell.task == task.id:
                _run(kernel, exercise.solutions[cell.id], f"cell {cell.id!r}")
    cases = [
        replace(case, answer=answer, mistakes=tuple(w))
        for case, answer, w in zip(task.cases, right, wrong, strict=True)
    ]
    return replace(task, cases=tuple(cases))


def _differ(task: Task, one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Whether two wrong answers differ; that of a mistake that raises an error is None."""
    return one is None or other is None or _differs(task, one, other)


def _differs(task: Task, right: dict[str, Any], wrong: dict[str, Any]) -> bool:
    return compare(decode(right), decode(wrong), rtol=task.rtol, atol=task.atol) is not None


def _run(kernel: WatchedKernel, source: str, what: str) -> list[dict[str, Any]]:
    try:
        outputs = kernel.run(source)
    except (KernelLost, Empty) as error:
        raise ExerciseError(f"{what} did not end well: {error or 'it took too long'}") from None
    for message in outputs:
        if message["msg_type"] == "error":
            raise ExerciseError(f"{what} fails: {message['content']['ename']}: {message['content']['evalue']}")
    return outputs


def _answer(kernel: WatchedKernel, source: str, task: Task, what: str) -> dict[str, Any]:
    outputs = _run(kernel, source, what)
    shown = [m["content"]["data"][MIME] for m in outputs if MIME in m["content"].get("data", {})]
    if len(shown) != 1 or shown[0]["task"] != task.id:
        names = [item["task"] for item in shown]
        raise ExerciseError(f"{what}: expected it to display one answer to {task.id!r}, it displayed {names}")
    answer: dict[str, Any] = shown[0]["answer"]
    return answer


def _wrong_answer(kernel: WatchedKernel, source: str, task: Task) -> dict[str, Any] | None:
    """What a mistake answers; None if it raises an error, which is wrong enough."""
    try:
        return _answer(kernel, source, task, "a mistake")
    except ExerciseError:
        if not kernel.is_alive():
            raise
        return None
