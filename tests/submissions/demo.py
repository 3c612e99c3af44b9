"""A small exercise of three tasks that do not need each other, as a solution notebook made by code."""

import copy
import functools
import json
from pathlib import Path

from rnnlib.grading import release
from rnnlib.grading.exercise import Exercise, from_solution
from rnnlib.grading.limits import Limits
from rnnlib.grading.record import record

NAME = "00_demo"
# short: a test of a time-out waits for it
LIMITS = Limits(
    cell_seconds=3, notebook_seconds=60, memory_mb=400, disk_mb=50, processes=24, output_mb=2, output_messages=500
)

SETUP = """\
import numpy as np

from rnnlib.grading import answer"""

STEP = '''\
def step(x, h, W_x, W_h):
    """One step of an RNN: x (B, D), h (B, H) -> (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(x @ W_x + h @ W_h)
    ### END SOLUTION'''

STEP_CHECK = """\
seed, B = 0, 2  # case
rng = np.random.default_rng(seed)
answer("demo.1", step(*(rng.normal(size=shape) for shape in [(B, 3), (B, 4), (3, 4), (4, 4)])))"""

GRADIENT = '''\
def gradient(h, dh):
    """h (B, H) = tanh(a) and dL/dh (B, H) -> dL/da (B, H)."""
    ### BEGIN SOLUTION
    return dh * (1 - h**2)
    ### END SOLUTION'''

GRADIENT_CHECK = """\
seed, shape = 0, (2, 3)  # case
rng = np.random.default_rng(seed)
answer("demo.2", gradient(np.tanh(rng.normal(size=shape)), rng.normal(size=shape)))"""

TOTAL = '''\
def total(dW):
    """The gradient of a shared weight: the steps' gradients dW (T, D, H), summed -> (D, H)."""
    ### BEGIN SOLUTION
    return dW.sum(axis=0)
    ### END SOLUTION'''

TOTAL_CHECK = """\
seed, T = 0, 3  # case
answer("demo.3", total(np.random.default_rng(seed).normal(size=(T, 2, 3))))"""


def cell(cell_id: str, source: str, kind: str = "code", **meta) -> dict:
    found = {"cell_type": kind, "id": cell_id, "metadata": {"rnnlib": meta} if meta else {}, "source": source}
    return found if kind == "markdown" else {**found, "execution_count": None, "outputs": []}


def mistake(cell_id: str, task: str, name: str, line: str, hint: str) -> dict:
    return cell(cell_id, f"{name} = lambda {line}", role="mistake", task=task, hint=hint)


def solution() -> dict:
    cells = [
        cell("title", "# Demo\n\nThree tasks.", "markdown"),
        cell("setup", SETUP),
        cell("step", STEP, role="answer", task="demo.1"),
        cell("step-check", STEP_CHECK, role="check", task="demo.1", points=2, title="One step",
             hidden=["seed, B = 1, 2", "seed, B = 2, 1", "seed, B = 3, 5"]),
        mistake("step-1", "demo.1", "step", "x, h, W_x, W_h: x @ W_x + h @ W_h", "The activation is missing."),
        mistake("step-2", "demo.1", "step", "x, h, W_x, W_h: np.tanh(x @ W_x + h @ W_h.T)", "W_h needs no transpose."),
        mistake("step-3", "demo.1", "step", "x, h, W_x, W_h: np.tanh(x @ W_x)", "The old state is missing."),
        cell("gradient", GRADIENT, role="answer", task="demo.2"),
        cell("gradient-check", GRADIENT_CHECK, role="check", task="demo.2", points=3,
             hidden=["seed, shape = 1, (1, 1)", "seed, shape = 2, (4, 5)", "seed, shape = 3, (3, 2)"]),
        mistake("gradient-1", "demo.2", "gradient", "h, dh: dh", "You forgot the derivative of tanh."),
        mistake("gradient-2", "demo.2", "gradient", "h, dh: dh * (1 - np.tanh(h)**2)", "h is already tanh(a)."),
        mistake("gradient-3", "demo.2", "gradient", "h, dh: dh * h * (1 - h)", "The sigmoid has this derivative."),
        cell("total", TOTAL, role="answer", task="demo.3"),
        cell("total-check", TOTAL_CHECK, role="check", task="demo.3", points=1,
             hidden=["seed, T = 1, 1", "seed, T = 2, 6", "seed, T = 3, 4"]),
        mistake("total-1", "demo.3", "total", "dW: dW[-1]", "That is the last step's gradient alone."),
        mistake("total-2", "demo.3", "total", "dW: dW.mean(axis=0)", "Sum over the steps, do not average."),
        mistake("total-3", "demo.3", "total", "dW: dW.sum(axis=1)", "Axis 0 is time."),
        cell("why", "The weights are shared, so the gradients add up.", "markdown", role="solution"),
    ]  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@functools.cache
def exercise() -> Exercise:
    """Recorded once per process."""
    return record(from_solution(solution(), NAME), LIMITS)


@functools.cache
def student_text() -> str:
    return release.student_text(solution(), exercise())


def student() -> dict:
    """A fresh student's notebook."""
    return json.loads(student_text())


def mistakes() -> dict[str, list[str]]:
    """The sources of the known mistakes, by answer cell."""
    by_task = {task.id: [mistake.source for mistake in task.mistakes] for task in exercise().tasks.values()}
    return {item.id: by_task[item.task] for item in exercise().answer_cells.values()}


def filled(student: dict, answers: dict[str, str]) -> dict:
    """A student's notebook with these sources in its answer cells."""
    done = copy.deepcopy(student)
    for item in done["cells"]:
        if item["id"] in answers:
            item["source"] = answers[item["id"]]
    return done


def write(path: Path, notebook: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf8")
    return path
