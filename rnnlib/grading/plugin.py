"""A small pytest plugin: nbval runs the rebuilt notebook and compares, this decides what a difference means.

Over nbval's own notebook and cell it adds a kernel that is watched and, if a cell ended it, replaced by a new one in
which the earlier cells are run again, so that one bad cell does not cost the points of the others; a comparison of
answers with tolerance; and a verdict per task.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from .answers import MIME, BadAnswer, compare, decode
from .exercise import Exercise
from .hints import explain
from .kernel import KernelFault, KernelLost, WatchedKernel
from .limits import Limits
from .rebuild import unanswered

ERRORS = {"NotImplementedError": "missing", "MemoryError": "memory", "_ArrayMemoryError": "memory"}
FATAL = ("timeout", "crash", "memory", "output limit")  # an answer cell that ends so decides its task
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PLACE = re.compile(r"\(\d+\.py, ")  # a cell's made-up file name
LONGEST = 1000  # characters of a message


@dataclass(frozen=True)
class Outcome:
    """What became of one cell, or of one task."""

    verdict: str
    message: str = ""

    def to_json(self) -> dict[str, str]:
        """As JSON."""
        return {"verdict": self.verdict, "message": self.message[:LONGEST]}


@dataclass
class Grader:
    """The plugin: what to grade, and what was found.

    Attributes
    ----------
    exercise : Exercise
    answers : dict of str to str
        The student's sources of answer cells, by id.
    limits : Limits
    isolated : bool
    folder : Path
        For the kernels' files.
    tasks : dict of str to Outcome
        The verdicts so far.
    faults : list of str
        What went wrong that is not the student's doing.
    """

    exercise: Exercise
    answers: dict[str, str]
    limits: Limits
    isolated: bool
    folder: Path
    tasks: dict[str, Outcome] = field(default_factory=dict)
    cells: dict[str, Outcome] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The rebuilt notebook is the one file to collect."""
        if file_path.suffix != ".ipynb":
            return None
        notebook: GradedNotebook = GradedNotebook.from_parent(parent, path=file_path)
        notebook.grader = self
        return notebook


class GradedNotebook(IPyNbFile):
    """The rebuilt notebook, with a kernel that comes back."""

    grader: Grader
    kernel: WatchedKernel | None

    def setup(self) -> None:
        """Start the kernel and settle what needs no kernel."""
        self.kernel = None
        self.kernels = itertools.count()
        self.seconds_left = self.grader.limits.notebook_seconds
        self.lethal: set[str] = set()
        self.done: list[GradedCell] = []
        for task, why in unanswered(self.grader.exercise, self.grader.answers).items():
            self.grader.tasks[task] = Outcome("missing", why)

    def collect(self) -> Iterator[GradedCell]:
        """One item per cell; no tag or comment of a cell changes how it is run."""
        self.nb = nbformat.read(self.path, as_version=4)
        for number, cell in enumerate(self.nb.cells):
            role = cell.metadata.rnnlib.role
            options = defaultdict(bool, check=role == "check")
            yield GradedCell.from_parent(self, name=f"Cell {number}", cell_num=number, cell=cell, options=options)

    def teardown(self) -> None:
        """End the kernel."""
        self.drop_kernel()

    def nothing_left(self) -> bool:
        """Whether every task has failed already, so that no cell could change anything."""
        tasks = self.grader.tasks
        return all(task in tasks and tasks[task].verdict != "passed" for task in self.grader.exercise.tasks)

    def drop_kernel(self) -> None:
        """End the kernel, keep account of its time."""
        if self.kernel is not None:
            self.kernel.stop()
            self.seconds_left = self.kernel.seconds_left
            self.kernel = None

    def revive(self) -> None:
        """See that there is a kernel in which all earlier cells were run, but for those that end kernels."""
        while self.kernel is None or not self.kernel.is_alive():
            self.drop_kernel()
            number = next(self.kernels)
            self.kernel = WatchedKernel(
                self.grader.folder / f"kernel-{number}",
                self.grader.limits,
                isolated=self.grader.isolated,
                seconds_left=self.seconds_left,
            )
            for cell in self.done:
                if cell.role != "check" and cell.cell_id not in self.lethal and not self.replay(cell):
                    self.lethal.add(cell.cell_id)
                    break

    def replay(self, cell: GradedCell) -> bool:
        """Run an earlier cell again; whether the kernel is still there after it."""
        assert self.kernel is not None
        verdict, message = "crash", "The Python process ended after this cell."
        try:
            self.kernel.run(cell.cell.source)
            if cell.role != "answer" or self.kernel.survives():
                return True
        except KernelLost as lost:
            verdict, message = lost.verdict, str(lost)
        except Empty:
            verdict, message = "timeout", "The cell did not end when it was run again."
        self.grader.cells[cell.cell_id] = Outcome(verdict, message)
        self.drop_kernel()
        return False


class GradedCell(IPyNbCell):
    """One cell of the rebuilt notebook; a check cell's case is one cell."""

    parent: GradedNotebook

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        meta = self.cell.metadata.rnnlib
        self.role, self.cell_id, self.task = meta.role, meta.cell, meta.task
        self.case = meta.get("case", 0)
        self.difference = ""

    def setup(self) -> None:
        """Nothing: an earlier time-out is no reason to expect this cell to fail."""

    def runtest(self) -> None:
        """Run the cell and book its outcome."""
        grader, notebook = self.parent.grader, self.parent
        if grader.faults or (self.role == "check" and self._settled()) or self.parent.nothing_left():
            return
        outcome = Outcome("crash")
        for _ in range(2):
            try:
                outcome, again = self._attempt()
            except KernelFault as fault:
                grader.faults.append(str(fault))
                return
            if not again or not notebook.done or (self.role == "check" and self._settled()):
                break
        notebook.done.append(self)
        if outcome.verdict in FATAL and self.role != "check":
            notebook.lethal.add(self.cell_id)
        self._book(outcome)

    def _attempt(self) -> tuple[Outcome, bool]:
        """The outcome, and whether it is fair to try again."""
        notebook = self.parent
        if notebook.kernel is not None:
            notebook.kernel.settle()
        if notebook.seconds_left <= 0 or (notebook.kernel and notebook.kernel.seconds_left <= 0):
            return Outcome("timeout", "The time for the whole notebook was used up before this cell."), False
        notebook.revive()
        assert notebook.kernel is not None
        kernel, notebook.timed_out = notebook.kernel, False
        if self.role == "check" and self._settled():
            return Outcome("crash"), False  # reviving the kernel showed which cell ends it
        try:
            super().runtest()
        except KernelLost as lost:
            notebook.drop_kernel()
            return Outcome(lost.verdict, str(lost)), lost.again
        except Exception as error:
            if kernel.timed_out:
                return self._too_slow(kernel), False
            if isinstance(error, NbCellError):
                return self._raised(), False
            if not kernel.is_alive():
                notebook.drop_kernel()
                return Outcome("crash", "The Python process ended."), True
            raise
        return (self._too_slow(kernel) if kernel.timed_out else Outcome("passed")), False

    def _too_slow(self, kernel: WatchedKernel) -> Outcome:
        whole = kernel.seconds_left < kernel.limits.cell_seconds
        what = "The notebook's time was used up in this cell" if whole else "The cell took too long"
        return Outcome("timeout", f"{what}; a cell has {kernel.limits.cell_seconds:g} seconds.")

    def _raised(self) -> Outcome:
        """An error in the cell, or a difference."""
        errors = [out for out in self.test_outputs or [] if out.output_type == "error"]
        if not errors:
            return Outcome("failed", self.difference) if self.difference else Outcome("error", "The cell did not end.")
        name, value = errors[-1]["ename"], PLACE.sub("(", ANSI.sub("", errors[-1]["evalue"]))
        if name == "NotImplementedError":
            return Outcome("missing", "Not answered yet.")
        return Outcome(ERRORS.get(name, "error"), f"{name}: {value}" if value else name)

    def _settled(self) -> bool:
        """Whether the task has its verdict already."""
        grader = self.parent.grader
        known = grader.tasks.get(self.task)
        if known is not None and known.verdict != "passed":
            return True
        for cell_id, outcome in grader.cells.items():
            cell = grader.exercise.answer_cells.get(cell_id)
            if cell is not None and cell.task == self.task and outcome.verdict in FATAL:
                grader.tasks[self.task] = Outcome(outcome.verdict, f"In the answer cell: {outcome.message}")
                return True
        return False

    def _book(self, outcome: Outcome) -> None:
        """Keep the outcome of a cell; that of a check cell is its task's, unless the task has its verdict already."""
        grader = self.parent.grader
        if self.role == "check":
            if not self._settled():
                grader.tasks[self.task] = Outcome(outcome.verdict, self._explained(outcome))
            return
        grader.cells[self.cell_id] = outcome
        if self.role == "setup" and outcome.verdict != "passed" and self._fails_by_itself(outcome):
            grader.faults.append(f"cell {self.cell_id!r} of the exercise itself: {outcome.verdict}. {outcome.message}")

    def _fails_by_itself(self, outcome: Outcome) -> bool:
        """Whether this setup cell, which failed, fails without the student's answers before it too."""
        setup = [cell for cell in self.parent.done if cell.role == "setup"]
        if not any(cell.role == "answer" for cell in self.parent.done):
            return True
        if outcome.verdict == "timeout":
            return False  # the answers before it used up the time
        grader = self.parent.grader
        folder = grader.folder / f"kernel-{next(self.parent.kernels)}"
        try:
            kernel = WatchedKernel(folder, grader.limits, isolated=grader.isolated)
        except KernelFault:
            return True
        try:
            outputs = [kernel.run(cell.cell.source) for cell in setup]
            return any(message["msg_type"] == "error" for message in outputs[-1])
        except (KernelLost, Empty):
            return True
        finally:
            kernel.stop()

    def _explained(self, outcome: Outcome) -> str:
        """The message, with what the student must know to understand it."""
        grader, message = self.parent.grader, outcome.message
        if self.case and outcome.verdict != "passed":
            message = f"Right in the visible case, but not in a hidden one. {message}"
        if outcome.verdict == "error":
            for cell_id, earlier in grader.cells.items():
                cell = grader.exercise.answer_cells.get(cell_id)
                if cell is not None and cell.task == self.task and earlier.verdict == "error":
                    message = f"In the answer cell: {earlier.message}. Then: {message}"
            for cell in self.parent.done:
                if cell.role == "setup" and (earlier := grader.cells[cell.cell_id]).verdict != "passed":
                    return f"{message}. After your answers, a cell of the exercise itself failed: {earlier.message}"
        return message

    def compare_outputs(self, test: list[Any], ref: list[Any], skip_compare: Any = None) -> bool:
        """Compare the answer that the cell displayed with the stored one; nothing else that it displayed counts."""
        self.comparison_traceback: list[str] = []
        task = self.parent.grader.exercise.tasks[self.task]
        shown = [out["data"][MIME] for out in test if MIME in out.get("data", {})]
        if len(shown) != 1:
            self.difference = f"The check cell displayed {len(shown) or 'no'} answers; expected one."
            return False
        expected = decode(ref[0]["data"][MIME]["answer"])
        try:
            if not isinstance(shown[0], dict) or set(shown[0]) != {"task", "answer"} or shown[0]["task"] != self.task:
                raise BadAnswer("it is not the answer to this task")
            got = decode(shown[0]["answer"])
        except BadAnswer as error:
            self.difference = f"What the check cell displayed cannot be read as an answer: {error}."
            return False
        difference = compare(expected, got, rtol=task.rtol, atol=task.atol)
        if difference is None:
            return True
        wrong = task.cases[self.case].mistakes
        known = [(m.hint, decode(w)) for m, w in zip(task.mistakes, wrong, strict=True) if w is not None]
        self.difference = explain(difference, expected, got, known, rtol=task.rtol, atol=task.atol)
        return False
