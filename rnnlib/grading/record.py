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
from .exercise import Cell, Exercise, ExerciseError, Mistake, Task
from .kernel import WatchedKernel
from .limits import Limits
from .messages import changes
from .names import terms
from .room import KernelLost, Room, RoomLost


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
        room = Room(Path(folder) / "room", limits or Limits(), isolated=False, files=exercise.files)
        try:
            tasks = dict(exercise.tasks)
            for cell in exercise.cells:
                if cell.role == "setup":
                    _set_up(room, cell)
                elif cell.role == "check":
                    tasks[cell.task] = _record_task(room, exercise, tasks[cell.task])
        finally:
            room.stop()
    return replace(exercise, tasks=tasks)


def _set_up(room: Room, cell: Cell) -> None:
    """Run a setup cell: there is no answer yet, as for a student who has none."""
    try:
        error = room.setup(cell.source)
    except RoomLost as lost:
        raise ExerciseError(f"cell {cell.id!r} did not end well: {lost}") from None
    if error is not None:
        raise ExerciseError(f"cell {cell.id!r}, run without the answers, fails: {error[0]}: {error[1]}")


def _record_task(room: Room, exercise: Exercise, task: Task) -> Task:
    right = _answers(room, exercise, task, None)
    for number, answer in enumerate(right):
        if answer is not None and isinstance(decode(answer), Unsupported):
            raise ExerciseError(f"check cell {task.cell!r}, case {number}: {decode(answer).type} can be no answer")
    wrong: list[list[dict[str, Any] | None]] = [[] for _ in task.cases]
    for index, mistake in enumerate(task.mistakes):
        changed: list[str] = []
        told_apart = False
        for number, given in enumerate(_answers(room, exercise, task, mistake, changed)):
            wrong[number].append(given)
            told_apart |= given is None or _differs(task, right[number], given)
        if not told_apart and not changed:
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
    cases = [
        replace(case, answer=answer, mistakes=tuple(w))
        for case, answer, w in zip(task.cases, right, wrong, strict=True)
    ]
    return replace(task, cases=tuple(cases))


def _answers(
    room: Room, exercise: Exercise, task: Task, mistake: Mistake | None, changed: list[str] | None = None
) -> list[dict[str, Any] | None]:
    """What the solution answers in each case, or the solution with a mistake; None where that raises an error."""
    kernel = WatchedKernel(room, terms(exercise, task.id))
    try:
        for cell in exercise.answer_cells.values():
            if cell.task == task.id:
                _run(kernel, exercise.solutions[cell.id], f"cell {cell.id!r}")
        if mistake is not None:
            _run(kernel, mistake.source, f"the mistake {mistake.hint!r} of {task.id}")
        found: list[dict[str, Any] | None] = []
        for case in task.cases:
            try:
                answer, writes = _answer(kernel, case.source, task, f"check cell {task.cell!r}")
            except ExerciseError:
                if mistake is None or not kernel.is_alive():
                    raise
                found.append(None)
                continue
            if changed is not None:
                changed += writes
            elif writes:
                raise ExerciseError(
                    f"check cell {task.cell!r}: {changes(writes)} Or, if the task allows that, say so in its text and "
                    f"name the argument under 'may_change' in this cell's metadata"
                )
            found.append(answer)
        return found
    finally:
        kernel.stop()


def _differ(task: Task, one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Whether two wrong answers differ; that of a mistake that raises an error is None."""
    return one is None or other is None or _differs(task, one, other)


def _differs(task: Task, right: dict[str, Any] | None, wrong: dict[str, Any]) -> bool:
    return right is None or compare(decode(right), decode(wrong), rtol=task.rtol, atol=task.atol) is not None


def _run(kernel: WatchedKernel, source: str, what: str, *, check: bool = False) -> list[dict[str, Any]]:
    try:
        outputs = kernel.run(source, check=check)
    except (KernelLost, Empty) as error:
        raise ExerciseError(f"{what} did not end well: {error or 'it took too long'}") from None
    for message in outputs:
        if message["msg_type"] == "error":
            raise ExerciseError(f"{what} fails: {message['content']['ename']}: {message['content']['evalue']}")
    return outputs


def _answer(kernel: WatchedKernel, source: str, task: Task, what: str) -> tuple[dict[str, Any], list[str]]:
    """The answer that a check cell displays, and the arguments that the student's functions changed."""
    outputs = _run(kernel, source, what, check=True)
    shown = [m["content"]["data"][MIME] for m in outputs if MIME in m["content"].get("data", {})]
    if len(shown) != 1 or shown[0]["task"] != task.id:
        names = [item["task"] for item in shown]
        raise ExerciseError(f"{what}: expected it to display one answer to {task.id!r}, it displayed {names}")
    answer: dict[str, Any] = shown[0]["answer"]
    return answer, shown[0].get("changed", [])
