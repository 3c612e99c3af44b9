"""What runs in the student's kernel: `answer` displays a value, `visible` says what is right in the visible cases.

When the grader runs a notebook, `visible` is never called: no right answer is in the kernel's reach.
"""

from __future__ import annotations

import sys
from textwrap import fill
from typing import Any

from .answers import MIME, compare, decode, describe, encode
from .exercise import Exercise
from .guard import Guard
from .hints import explain
from .messages import changes

_exercise: Exercise | None = None
_guard: Guard | None = None


def set_guard(guard: Guard | None) -> None:
    """What watches the calls of the check cell that runs now."""
    global _guard
    _guard = guard


def visible(packed: str) -> None:
    """Load the visible cases of an exercise; the second cell of every student notebook does.

    Parameters
    ----------
    packed : str
        What `Exercise.pack` wrote.

    Raises
    ------
    ExerciseError
        If the text was damaged.
    """
    global _exercise
    _exercise = Exercise.unpack(packed)
    print(f"{_exercise.name}: {len(_exercise.worth)} tasks, {_exercise.max_points:g} points. A check cell says at once")
    print("whether your answer is right in the visible case; grading tries other cases as well.")
    if (shell := _shell()) is not None:
        from .notebook import Watcher

        Watcher(_exercise, shell).start()


def answer(task: str, value: Any) -> None:
    """Hand in a value as the answer to a task, and say whether it is right in the visible case.

    Parameters
    ----------
    task : str
        The task's id, as in `"bptt.3"`.
    value : object
        What `rnnlib.grading.answers.encode` takes.

    Raises
    ------
    ValueError
        If the value is larger than an answer may be.

    Examples
    --------
    >>> answer("example.1", [1.5, 2.0])  # of a task that this kernel knows no right answer to
    example.1: a list of 2
    """
    encoded = encode(value)
    changed = {"changed": _guard.changed[:20]} if _guard is not None and _guard.changed else {}
    text = folded(f"{task}: {verdict(task, encoded)}")
    if _shell() is not None:
        from IPython.display import display

        display({MIME: {"task": task, "answer": encoded} | changed, "text/plain": text}, raw=True)
    else:
        print(text)


def folded(text: str) -> str:
    """A message in lines of at most 88 characters, broken between words: JupyterLab would break them anywhere."""
    lines = [fill(line, 88, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")]
    return "\n".join(lines)


def _shell() -> Any:
    """IPython's shell, if this runs in one."""
    shell = sys.modules.get("IPython.core.interactiveshell")
    return shell.InteractiveShell.instance() if shell and shell.InteractiveShell.initialized() else None


def verdict(task: str, encoded: dict[str, Any]) -> str:
    """What to say beside an answer: right or not if the visible case is known, else what kind of value it is."""
    got = decode(encoded)
    if _exercise is None or task not in _exercise.tasks:
        return describe(got)
    this = _exercise.tasks[task]
    case = this.cases[0]
    expected = decode(case.answer)
    difference = compare(expected, got, rtol=this.rtol, atol=this.atol)
    if difference is None and _guard is not None and _guard.changed:
        return "not yet. The numbers are right, but: " + changes(_guard.changed[:5])
    if difference is None:
        return "right in the visible case. ✓"
    known = [(m.hint, decode(w)) for m, w in zip(this.mistakes, case.mistakes, strict=True) if w is not None]
    return "not yet. " + explain(difference, expected, got, known, rtol=this.rtol, atol=this.atol)
