"""An exercise with its solutions, as the tests of single exercises need it."""

from functools import cached_property
from pathlib import Path

import numpy as np

from rnnlib.grading.exercise import Exercise
from rnnlib.grading.limits import Limits
from rnnlib.grading.release import load
from rnnlib.grading.run import grade_answers

SOLUTIONS = Path(__file__).resolve().parent.parent / "book" / "solutions"


class Solved:
    """The exercise of a chapter, read when it is first asked for."""

    def __init__(self, name: str) -> None:
        self.path = SOLUTIONS / f"{name}.ipynb"

    @cached_property
    def exercise(self) -> Exercise:
        return load(self.path)

    @cached_property
    def names(self) -> dict:
        """What setup cells and solutions define."""
        found: dict = {}
        for cell in self.exercise.cells:
            if cell.role in ("setup", "answer"):
                exec(self.exercise.solutions.get(cell.id, cell.source), found)
        return found

    def grade(self, answers: dict[str, str]) -> dict[str, dict]:
        """What becomes of each task if these are the answers, by the id of their cells."""
        result = grade_answers(self.exercise.to_json(), answers, Limits().to_json(), trust=True)
        assert result["status"] == "graded", result
        return result["tasks"]


def slopes(loss, array: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    """Finite differences of loss() by every entry of `array`, which is changed and set back."""
    found = np.empty_like(array)
    for place in np.ndindex(*array.shape):
        kept, values = array[place], []
        for nudge in (eps, -eps):
            array[place] = kept + nudge
            values.append(loss())
        array[place] = kept
        found[place] = (values[0] - values[1]) / (2 * eps)
    return found
