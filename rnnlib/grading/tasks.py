"""What an exercise is made of: cells, tasks with their cases, and tasks that a person grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .answers import ATOL, RTOL


class ExerciseError(ValueError):
    """A solution notebook that breaks the rules; the message names the cell and the rule."""


@dataclass(frozen=True)
class Case:
    """One variant of a check cell: its source, and the answers that were recorded for it.

    Attributes
    ----------
    source : str
    hidden : bool
        Whether students never see it.
    answer : dict or None
        The right answer as `answers.encode` writes it; None before the exercise is released.
    mistakes : tuple of (dict or None)
        What each of the task's known mistakes answers, in their order; None where it raises an error.
    """

    source: str
    hidden: bool = False
    answer: dict[str, Any] | None = None
    mistakes: tuple[dict[str, Any] | None, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer to a task, and what to tell whoever gives it."""

    hint: str
    source: str = ""


@dataclass(frozen=True)
class Cell:
    """A code cell of the template. `source` of an answer cell is the stub; a check cell's is in its cases."""

    id: str
    role: str
    source: str = ""
    task: str = ""


@dataclass(frozen=True)
class Task:
    """One graded task: all of its cases must be right for its points.

    Attributes
    ----------
    id : str
        Chapter or topic, a dot, a number: `bptt.3`.
    points : float
    cell : str
        The id of its check cell.
    cases : tuple of Case
        The visible case first.
    mistakes : tuple of Mistake
    title : str
    rtol, atol : float
    may_change : tuple of str
        Arguments that the student's functions may change; `"*"` stands for all.
    without : tuple of str
        Packages that the task is to be solved without.
    partial : bool
        Whether each case is worth its share of the points.
    """

    id: str
    points: float
    cell: str
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...] = ()
    title: str = ""
    rtol: float = RTOL
    atol: float = ATOL
    may_change: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True)
class Manual:
    """A task that a person grades: a text, or a cell that draws something. It is not run.

    Attributes
    ----------
    id : str
    points : float
    cell : str
        The id of the cell that holds the answer.
    stub : str
        What students find in it.
    title : str
    kind : {"markdown", "code"}
    solution : str
        What the solution notebook says there; empty in the visible half.
    """

    id: str
    points: float
    cell: str
    stub: str
    title: str = ""
    kind: str = "markdown"
    solution: str = ""
