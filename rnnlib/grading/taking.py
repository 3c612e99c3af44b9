"""From a submission to answers: which of its cells make up the answer to each task.

Students split cells, write helpers into cells of their own, paste copies, and save with editors that lose what they do
not know. So a cell is found by its id, by the copy of its id in its metadata, or by what it defines; and what a task's
cells need and do not define is looked for in the student's other cells. The order is that of the notebook: a
task is answered by what stands above its check cell, run from top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from .exercise import Exercise
from .names import BUILTINS, asked, given, hidden_names, names
from .reading import LONGEST_SOURCE, Submission, Taken, Unreadable
from .rebuild import is_stub, plain

MOST_TEXT = 1_000_000  # characters of a student's own cells that are looked into
SETUP, CHECK, VISIBLE, ANSWER, OWN, MANUAL = "setup", "check", "visible", "answer", "own", "manual"


@dataclass(frozen=True)
class Placed:
    """A cell of the submission, and what it is to the exercise.

    Attributes
    ----------
    place : int
    cell : Taken
    part : {"setup", "check", "visible", "answer", "own", "manual"}
    id : str
        Of the exercise's cell, if it is one.
    by : {"id", "copy", "source", ""}
        How it was recognised.
    """

    place: int
    cell: Taken
    part: str
    id: str = ""
    by: str = ""

    @property
    def source(self) -> str:
        """The cell's source."""
        return self.cell.source


@dataclass
class Taking:
    """The cells of a submission against those of an exercise."""

    submission: Submission
    exercise: Exercise
    remarks: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    @cached_property
    def setup(self) -> dict[str, str]:
        """The names that setup gives."""
        return given(self.exercise)

    @cached_property
    def cells(self) -> list[Placed]:
        """All cells of code, and cells of text that were answer cells."""
        found, read = [], 0
        for place, cell in enumerate(self.submission.cells):
            placed = self._placed(place, cell)
            if placed.part == OWN:
                read += len(cell.source)
            if (cell.kind == "code" or placed.part == ANSWER) and read <= MOST_TEXT:
                found.append(placed)
        return found

    def _placed(self, place: int, cell: Taken) -> Placed:
        roles = {item.id: item.role for item in self.exercise.cells}
        for key, by in ((cell.id, "id"), (cell.id_copy, "copy")):
            if key in roles:
                same = roles[key] != SETUP or plain(cell.source) == plain(self._setup_source(key))
                return Placed(place, cell, roles[key] if same else OWN, key, by)
        if by_hand := {item.cell for item in self.exercise.manual.values()} & {cell.id, cell.id_copy}:
            return Placed(place, cell, MANUAL, by_hand.pop(), "id")
        if cell.role == VISIBLE or "rnnlib-visible" in (cell.id, cell.id_copy) or cell.source.startswith(VISIBLE_LINE):
            return Placed(place, cell, VISIBLE)
        if cell.kind == "code":
            for item in self.exercise.cells:
                source = self.exercise.tasks[item.task].cases[0].source if item.role == CHECK else item.source
                if plain(cell.source) == plain(source):
                    return Placed(place, cell, item.role, item.id, "source")
        return Placed(place, cell, OWN)

    def _setup_source(self, cell_id: str) -> str:
        return next(item.source for item in self.exercise.cells if item.id == cell_id)

    def take(self) -> dict[str, str | list[str]]:
        """The answers, by answer cell; the remarks are kept."""
        answers: dict[str, str | list[str]] = {}
        for task in self.exercise.tasks:
            answers |= self._task(task)
        self._remark_on_checks()
        own = [cell for cell in self.cells if cell.part == OWN and cell.place not in self.used and cell.source.strip()]
        own = [cell for cell in own if not cell.id]
        if own:
            self.remarks.append(f"{_count(own, 'cell')} of your own {'were' if len(own) > 1 else 'was'} not needed for "
                                "an answer, and not run.")  # fmt: skip
        return answers

    def _task(self, task: str) -> dict[str, str | list[str]]:
        ids = [cell.id for cell in self.exercise.answer_cells.values() if cell.task == task]
        check = self.exercise.tasks[task].cell
        end = max((cell.place for cell in self.cells if cell.part == CHECK and cell.id == check), default=1 << 30)
        claimed = {key: self._claimed(task, key, end) for key in ids}
        chosen = [cell for cells in claimed.values() for cell in cells]
        extra = self._helpers(task, chosen, end)
        self.used |= {cell.place for cell in chosen + extra}
        self._remark_on(task, claimed, extra)
        if not extra and all(len(cells) <= 1 for cells in claimed.values()):
            return {key: cells[0].source for key, cells in claimed.items() if cells}
        answered = [key for key, cells in claimed.items() if any(not self._is_stub(cell) for cell in cells)]
        stubs = [cell for key in ids if key not in answered and not self._defined(key, extra) for cell in claimed[key]]
        real = [cell for key in answered for cell in claimed[key]]
        parts = sorted([*stubs, *real, *extra], key=lambda cell: cell.place)
        if (size := sum(len(cell.source) for cell in parts)) > LONGEST_SOURCE:
            raise Unreadable(f"The answer to {task} has {size} characters in {_count(parts, 'cell')}; "
                             f"{LONGEST_SOURCE} are allowed.")  # fmt: skip
        return {ids[0]: [cell.source for cell in parts], **{key: [] for key in ids[1:]}}

    def _claimed(self, task: str, key: str, end: int) -> list[Placed]:
        """The cells that say they are this answer cell: those above the check cell that hold more than the stub."""
        mine = [cell for cell in self.cells if cell.part == ANSWER and cell.id == key]
        answered = [cell for cell in mine if not self._is_stub(cell)]
        above = [cell for cell in answered if cell.place < end]
        if above and len(above) < len(answered):
            self.used |= {cell.place for cell in answered}
            self.remarks.append(f"A copy of the answer to {task} below its check cell was not taken: what stands above "
                                "the check cell counts.")  # fmt: skip
        elif answered and not above:
            self.remarks.append(f"The answer to {task} stands below its check cell; it was taken from there.")
        return above or answered or mine[-1:]

    def _is_stub(self, placed: Placed) -> bool:
        return is_stub(placed.source, self.exercise.answer_cells[placed.id])

    def _defined(self, key: str, cells: Iterable[Placed]) -> bool:
        """Whether what a stub asks for is defined in these cells."""
        wanted = set(names(self.exercise.answer_cells[key].source).defines)
        return bool(wanted) and wanted <= {name for cell in cells for name in names(cell.source).defines}

    def _helpers(self, task: str, chosen: list[Placed], end: int) -> list[Placed]:
        """The student's other cells that this task needs: above its check cell first, below it if it must be."""
        found: dict[int, Placed] = {}
        start = [cell for cell in chosen if not self._is_stub(cell)]
        others = [cell for cell in self.cells if cell.part in (OWN, ANSWER) and cell not in chosen]
        others = [cell for cell in others if not self._is_any_stub(cell)]
        for limit in (end, 1 << 30):
            while True:
                have = [*start, *found.values()]
                defined = {name for cell in have for name in names(cell.source).defines}
                needs = set(asked(self.exercise, task)) | {name for cell in have for name in names(cell.source).needs}
                missing = needs - defined - set(self.setup) - BUILTINS
                # of several definitions in cells of one's own the last counts, as in the notebook
                again = needs & defined if limit == end else set()
                new = [cell for cell in others if cell.place < limit and cell.place not in found
                       and self._gives(cell, missing | again if cell.part == OWN else missing, defined)]  # fmt: skip
                if not new:
                    break
                found |= {cell.place: cell for cell in new}
                if limit > end:
                    self.remarks.append(f"{task} needs what is defined below its check cell; it was run all the same.")
        return list(found.values())

    def _gives(self, cell: Placed, missing: set[str], defined: set[str]) -> bool:
        these = names(cell.source)
        return bool(missing & set(these.defines) or (missing and "*" in these.defines)
                    or (cell.part == OWN and these.touches & defined))  # fmt: skip

    def _is_any_stub(self, placed: Placed) -> bool:
        return any(is_stub(placed.source, cell) for cell in self.exercise.answer_cells.values())

    # what to tell the student

    def _remark_on(self, task: str, claimed: dict[str, list[Placed]], extra: list[Placed]) -> None:
        cells = [cell for mine in claimed.values() for cell in mine]
        if any(cell.kind != "code" for cell in (placed.cell for placed in cells) if cell.source.strip()):
            self.remarks.append(f"The answer cell of {task} is no code cell any more; its text was run as code. Make "
                                "it one again: select it, press Esc, then Y.")  # fmt: skip
        for mine in claimed.values():
            if len(mine) > 1:
                self.remarks.append(f"The answer cell of {task} is there in {len(mine)} parts or copies; they were run "
                                    "from top to bottom.")  # fmt: skip
        wanted = asked(self.exercise, task)
        for cell in extra:
            these = list(names(cell.source).defines)
            what = ", ".join(these[:3])
            if cell.part == OWN and set(these) & set(wanted):
                self.remarks.append(f"The answer to {task} ({what}) was found in a cell that is not its answer cell.")
            elif cell.part == OWN and what:
                self.remarks.append(f"A cell of your own ({what}) was run with {task}.")
        sources = [cell.source for cell in [*cells, *extra]]
        for name in hidden_names(sources, wanted, self.setup):
            whose = "the exercise gave you" if name in self.setup else "is Python's own"
            self.remarks.append(f"Your answer to {task} sets the name {name} anew, which {whose}. Check cells use the "
                                "original; choose another name.")  # fmt: skip
        if any("%reset" in source for source in sources):
            self.remarks.append(f"Your answer to {task} says %reset, which deletes what the exercise gave you.")

    def _remark_on_checks(self) -> None:
        checks = {cell.id: cell.task for cell in self.exercise.cells if cell.role == CHECK}
        for key, task in checks.items():
            mine = [cell for cell in self.cells if cell.part == CHECK and cell.id == key]
            if not mine:
                self.remarks.append(f"The check cell of {task} is missing; the original was run.")
            elif all(plain(cell.source) != plain(self.exercise.tasks[task].cases[0].source) for cell in mine):
                self.remarks.append(f"The check cell of {task} was changed; the original was run.")
        if any(cell.by == "source" for cell in self.cells):
            self.remarks.append("Cells of this notebook have lost their ids; they were known by what they hold.")


def take_manual(submission: Submission, exercise: Exercise) -> dict[str, Taken | None]:
    """The cells of the tasks that a person grades, by task; None if there is nothing but what was given.

    Of several copies the last that says something counts.
    """
    found: dict[str, Taken | None] = {}
    for key, task in exercise.manual.items():
        mine = [cell for cell in submission.cells if task.cell in (cell.id, cell.id_copy)]
        said = [cell for cell in mine if plain(cell.source) not in ("", plain(task.stub))]
        found[key] = said[-1] if said else None
    return found


VISIBLE_LINE = "from rnnlib.grading import visible"


def _count(things: list[Placed], what: str) -> str:
    return f"{len(things)} {what}{'s' if len(things) > 1 else ''}"


def take_answers(submission: Submission, exercise: Exercise) -> tuple[dict[str, str | list[str]], list[str]]:
    """The sources of the answer cells by id, and remarks on what was taken and what was not.

    An answer that is in several cells is a list of their sources.
    """
    taking = Taking(submission, exercise)
    answers = taking.take()
    return answers, list(dict.fromkeys(taking.remarks))


def match(submission: Submission, exercises: dict[str, Exercise]) -> Exercise:
    """The exercise that a submission answers: the one that it names, or the one whose cells it has.

    Raises
    ------
    Unreadable
        If there is none, or more than one.
    """
    hits = {name: _familiar(submission, exercise) for name, exercise in exercises.items()}
    named = submission.exercise
    if named in exercises:
        if hits[named] == 0:
            raise Unreadable(f"It names the exercise {named!r}, but none of its answer cells is there, nor a cell that "
                             "defines what they ask for. Hand in the notebook that you filled in.")  # fmt: skip
        return exercises[named]
    best = max(hits.values(), default=0)
    names_of_best = [name for name, count in hits.items() if count == best]
    if best == 0:
        what = f"It names the exercise {named!r}, which is none of" if named else (
            "It names no exercise, and its cells are those of none of")  # fmt: skip
        raise Unreadable(f"{what} {', '.join(sorted(exercises))}.")
    if len(names_of_best) > 1:
        raise Unreadable(f"Its cells are those of more than one exercise: {', '.join(sorted(names_of_best))}.")
    return exercises[names_of_best[0]]


def _familiar(submission: Submission, exercise: Exercise) -> int:
    """How many of an exercise's answer cells are there, by their ids or by what they define."""
    ids = {name for cell in submission.cells for name in (cell.id, cell.id_copy)} & set(exercise.answer_cells)
    if ids:
        return 1000 * len(ids)
    wanted = {name for task in exercise.tasks for name in asked(exercise, task)}
    code, read = set(), 0
    for cell in submission.cells:
        read += len(cell.source)
        if cell.kind == "code" and read <= MOST_TEXT:
            code |= set(names(cell.source).defines)
    return len(wanted & code)
