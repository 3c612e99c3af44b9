"""A small pytest plugin: nbval runs the rebuilt notebook and compares, this decides what a difference means.

Over nbval's own notebook and cell it adds a kernel for each task, a watched copy of what the setup cells left, so that
one bad cell does not cost the points of the others; a comparison of answers with tolerance; and a verdict per task.
"""

from __future__ import annotations

import builtins
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from .answers import MIME, BadAnswer, compare, decode
from .exercise import Exercise
from .hints import recognised
from .kernel import WatchedKernel
from .limits import Limits
from .messages import changes, received
from .names import terms
from .rebuild import Answers, unanswered
from .room import KernelFault, KernelLost, Room, RoomLost
from .text import tidy

KNOWN_ERRORS = frozenset(name for name in dir(builtins) if name[0].isupper()) | {"LinAlgError", "_ArrayMemoryError"}
ERRORS = {"NotImplementedError": "missing", "MemoryError": "memory", "_ArrayMemoryError": "memory"}
FATAL = ("timeout", "crash", "memory", "output limit")  # an answer cell that ends so decides its task
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
OWN_SHARE = 0.8  # of its time that a cell has used the processor itself if a time-out is its own doing
PLACE = re.compile(r"\(\d+\.py, ")  # a cell's made-up file name
LONGEST = 1000  # characters of a message
LARGEST_KEPT = 60_000  # characters of JSON of a wrong answer that is kept, to be shown beside the right one


@dataclass(frozen=True)
class Outcome:
    """What became of one cell, or of one task.

    Attributes
    ----------
    verdict, message : str
    share : float
        Of the points; less than 1 only for a task that gives part of its points for part of its cases.
    hint : str
        What the message says beyond the difference itself: the hint to a mistake that was recognised.
    case : int or None
        The case that was not right; 0 is the visible one.
    got : dict or None
        What came in the visible case, as `answers.encode` writes it, if it is not the right answer.
    """

    verdict: str
    message: str = ""
    share: float = 0.0
    hint: str = ""
    case: int | None = None
    got: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON; without the share if the verdict says it, and without what there is not."""
        said: dict[str, Any] = {"verdict": self.verdict, "message": tidy(self.message)[:LONGEST]}
        if self.share != float(self.verdict == "passed"):
            said["share"] = self.share
        if self.hint:
            said["hint"] = tidy(self.hint)[:LONGEST]
        if self.case is not None and self.verdict != "missing":
            said["case"] = self.case
        return said if self.got is None else {**said, "got": self.got}


@dataclass
class Grader:
    """The plugin: what to grade, and what was found.

    Attributes
    ----------
    exercise : Exercise
    answers : mapping
        The student's sources of answer cells, by id.
    limits : Limits
    isolated : bool
    folder : Path
        For the kernels' files.
    hidden : tuple of str
        Folders that the kernels must not see.
    tasks : dict of str to Outcome
        The verdicts so far.
    faults : list of str
        What went wrong that is not the student's doing.
    waited : bool
        Whether a time-out may be a neighbour's doing: the cell had not used the processor time that it may use, and
        its processes waited for others.
    """

    exercise: Exercise
    answers: Answers
    limits: Limits
    isolated: bool
    folder: Path
    hidden: tuple[str, ...] = ()
    tasks: dict[str, Outcome] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    waited: bool = False

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The rebuilt notebook is the one file to collect."""
        if file_path.suffix != ".ipynb":
            return None
        notebook: GradedNotebook = GradedNotebook.from_parent(parent, path=file_path)
        notebook.grader = self
        return notebook


class GradedNotebook(IPyNbFile):
    """The rebuilt notebook: one room for all of it, one kernel for each task."""

    grader: Grader
    kernel: WatchedKernel | None

    def setup(self) -> None:
        """Settle what needs no kernel."""
        self.room: Room | None = None
        self.rooms, self.used = 0, False  # rooms so far; whether a task has run in the present one
        self.kernel, self.kernel_task = None, ""
        self.seconds_left = self.grader.limits.notebook_seconds
        self.setups: list[GradedCell] = []
        self.errors: dict[str, str] = {}  # of answer cells, by task
        self.ready = 0  # setup cells that were run in the room
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
        """End everything."""
        self.drop_kernel()
        self.drop_room()

    def drop_kernel(self) -> None:
        """End the kernel, keep account of its time."""
        if self.kernel is not None:
            self.kernel.stop()
            self.seconds_left = self.kernel.seconds_left
            self.kernel = None

    def drop_room(self) -> None:
        """End the sandbox."""
        if self.room is not None:
            self.room.stop()
            self.room, self.ready, self.used = None, 0, False

    def kernel_for(self, task: str) -> WatchedKernel:
        """The task's kernel: a new copy of what the setup cells so far have left."""
        if self.kernel is None or self.kernel_task != task:
            self.drop_kernel()
            grader = self.grader
            wanted = terms(grader.exercise, task)
            try:
                self.kernel = WatchedKernel(self._prepared(), wanted, self.seconds_left)
            except KernelFault:
                if not self.used:
                    raise
                self.drop_room()  # an earlier task may have damaged it
                self.kernel = WatchedKernel(self._prepared(), wanted, self.seconds_left)
            self.kernel_task, self.used = task, True
        return self.kernel

    def _prepared(self) -> Room:
        """A room in which all setup cells so far were run, and nothing else."""
        if self.room is not None and not (self.room.is_alive() and self.room.is_clean()):
            self.drop_room()
        if self.room is None:
            self.rooms += 1
            grader = self.grader
            folder = grader.folder / f"room-{self.rooms}"
            files = grader.exercise.files
            self.room = Room(folder, grader.limits, isolated=grader.isolated, hidden=grader.hidden, files=files)
        for cell in self.setups[self.ready :]:
            where = f"cell {cell.cell_id!r} of the exercise itself"
            try:
                error = self.room.setup(cell.cell.source)
            except RoomLost as lost:
                raise KernelFault(f"{where}: {lost}") from None
            if error is not None:
                raise KernelFault(f"{where} fails: {error[0]}: {error[1]}")
            self.ready += 1
        return self.room


class GradedCell(IPyNbCell):
    """One cell of the rebuilt notebook; a check cell's case is one cell."""

    parent: GradedNotebook

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        meta = self.cell.metadata.rnnlib
        self.role, self.cell_id, self.task = meta.role, meta.cell, meta.task
        self.case = meta.get("case", 0)
        self.difference, self.hint = "", ""
        self.got: dict[str, Any] | None = None

    def setup(self) -> None:
        """Nothing: an earlier time-out is no reason to expect this cell to fail."""

    def stop(self) -> None:
        """As nbval asks for when an error was displayed and the cell does not end."""
        self.parent.drop_kernel()

    def runtest(self) -> None:
        """Run the cell and book its outcome; a setup cell is run when the first kernel is needed."""
        notebook = self.parent
        if self.role == "setup":
            notebook.setups.append(self)
        elif not notebook.grader.faults and not self._settled():
            try:
                self._book(self._attempt())
            except KernelFault as fault:
                notebook.grader.faults.append(str(fault))
            self.test_outputs = None  # what was displayed is not kept for all cells at once

    def _attempt(self) -> Outcome:
        notebook = self.parent
        if notebook.kernel is not None:
            notebook.kernel.settle()
            notebook.seconds_left = notebook.kernel.seconds_left
        if notebook.seconds_left <= 0:
            return Outcome("timeout", "The time for the whole notebook was used up before this cell.")
        kernel, notebook.timed_out = notebook.kernel_for(self.task), False
        kernel.checking = self.role == "check"
        try:
            super().runtest()
        except KernelLost as lost:
            notebook.drop_kernel()
            return Outcome(lost.verdict, str(lost))
        except Exception as error:
            if kernel.timed_out:
                return self._too_slow(kernel)
            if isinstance(error, NbCellError) or self._errors():
                return self._raised()
            if not kernel.is_alive():
                notebook.drop_kernel()
                return Outcome("crash", "The Python process ended.")
            raise
        return self._too_slow(kernel) if kernel.timed_out else Outcome("passed", share=1.0)

    def _too_slow(self, kernel: WatchedKernel) -> Outcome:
        limits = kernel.limits
        whole = kernel.seconds_left < limits.cell_seconds
        idle = kernel.used < OWN_SHARE * min(limits.cell_seconds, kernel.seconds_left)
        self.parent.grader.waited |= idle and kernel.crowded
        what = "The notebook's time was used up in this cell" if whole else "The cell took too long"
        return Outcome("timeout", f"{what}; a cell has {limits.cell_seconds:g} seconds, with all that it starts.")

    def _errors(self) -> list[Any]:
        """The errors that the cell displayed."""
        outputs: list[Any] = self.test_outputs or []
        return [out for out in outputs if out.output_type == "error"]

    def _raised(self) -> Outcome:
        """An error in the cell, or a difference."""
        errors = self._errors()
        if not errors:
            if not self.difference:
                return Outcome("error", "The cell did not end.")
            return Outcome("failed", self.difference, hint=self.hint, got=self.got)
        name, value = errors[-1]["ename"], PLACE.sub("(", ANSI.sub("", errors[-1]["evalue"]))
        if name == "NotImplementedError":
            return Outcome("missing", "Not answered yet.")
        if self.role == "check" and self.case:  # the student's own error may quote what nobody is to know
            name, value = name if name in KNOWN_ERRORS else "An error of your own", ""
        return Outcome(ERRORS.get(name, "error"), f"{name}: {value}" if value else name)

    def _settled(self) -> bool:
        """Whether the task has its verdict already."""
        known = self.parent.grader.tasks.get(self.task)
        if known is None or known.verdict == "passed":
            return False
        task = self.parent.grader.exercise.tasks[self.task]
        return not (task.partial and self.case and known.verdict in ("failed", "error"))

    def _book(self, outcome: Outcome) -> None:
        """Keep the outcome of a check cell; that of an answer cell only if there is no going on after it."""
        grader, task = self.parent.grader, self.task
        if self.role == "answer":
            if outcome.verdict in FATAL:
                grader.tasks[task] = Outcome(outcome.verdict, f"In the answer cell: {outcome.message}")
            elif outcome.verdict == "error":
                self.parent.errors.setdefault(task, outcome.message)
            return
        known, cases = grader.tasks.get(task), len(grader.exercise.tasks[task].cases)
        earned = (known.share if known else 0.0) + outcome.share / cases
        if not grader.exercise.tasks[task].partial:
            earned = float(outcome.verdict == "passed")
        if known is not None and known.verdict != "passed":  # the first case that is not right is told
            grader.tasks[task] = replace(known, share=min(earned, 1.0))
            return
        case = None if outcome.verdict == "passed" else self.case
        grader.tasks[task] = replace(outcome, message=self._explained(outcome), share=min(earned, 1.0), case=case)

    def _explained(self, outcome: Outcome) -> str:
        """The message, with what the student must know to understand it."""
        message = outcome.message
        if self.case and outcome.verdict != "passed":
            message = f"Right in the visible case, but not in a hidden one. {message}"
        if outcome.verdict in ("error", "missing") and self.task in self.parent.errors:
            message = f"In the answer cell: {self.parent.errors[self.task]}. Then: {message}"
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
            got, changed = received(shown[0], self.task)
        except BadAnswer as error:
            self.difference = f"What the check cell displayed cannot be read as an answer: {error}."
            return False
        private = self.case > 0
        difference = compare(expected, got, rtol=task.rtol, atol=task.atol, private=private)
        if difference is not None:
            wrong = task.cases[self.case].mistakes
            known = [(m.hint, decode(w)) for m, w in zip(task.mistakes, wrong, strict=True) if w is not None]
            self.hint = recognised(expected, got, known, rtol=task.rtol, atol=task.atol)
            self.difference = f"{difference.text}. {self.hint}".rstrip()
            if not private and len(json.dumps(shown[0]["answer"])) <= LARGEST_KEPT:
                self.got = shown[0]["answer"]
        if changed:
            said = "Your function changed one of its arguments." if private else changes(changed)
            self.difference = " ".join(part for part in (self.difference, said) if part)
        return not self.difference
