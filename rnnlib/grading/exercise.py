"""An exercise: cells with a role, tasks with cases, and the right answers beside them.

A *solution notebook* is the only source. The metadata of its cells, under the key `rnnlib`, gives each a role:

    role      the cell                                                        beside its role it says
    setup     runs as it is; every code cell that names no role is one
    answer    has ### BEGIN SOLUTION ... ### END SOLUTION; students get a stub    task
    check     calls the student's function, displays answer(task, value)      task, points; hidden, title, rtol, atol
    mistake   a wrong answer as code; never leaves the teacher                task, hint
    manual    a text, or code that draws: a task that a person grades           task, points; title
    solution  what only the solution shows

A check cell with hidden variants has a line that ends in `# case`. Each string in `hidden` is another such line;
a hidden variant is the same cell with that line replaced. The notebook's own metadata may name `files` that lie beside
it, which students get too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .answers import ATOL, RTOL
from .data import digests, file_names
from .tasks import Case, Cell, ExerciseError, Manual, Mistake, Task

OPTIONAL = ("may_change", "without", "partial")  # not written where they say nothing
ROLES = ("setup", "answer", "check", "mistake", "manual", "solution")
CASE = re.compile(r"(?m)^(?P<indent>[ \t]*)\S.*# case[ \t]*$")
# in a stub: `x (B, D) -> y (B, H)`, `Returns ...`, or a line `"""P(x|h), (N,)."""`
RETURNS = re.compile(r'->|→|\b[Rr]eturns?\b|""".*(?:, |array )\([A-Z]\w*,[^()]*\)\."""')
SOLUTION = re.compile(r"(?ms)^(?P<indent>[ \t]*)### BEGIN SOLUTION[^\n]*\n.*?^[ \t]*### END SOLUTION[^\n]*$")


@dataclass(frozen=True)
class Exercise:
    """Everything that a grader needs of an exercise; its visible half is everything that a student gets.

    Attributes
    ----------
    name : str
        The solution notebook's name without `.ipynb`.
    cells : tuple of Cell
        In the order in which they run.
    tasks : dict of str to Task
    solutions : dict of str to str
        The solution notebook's own sources of the answer cells, by cell id; empty in the visible half.
    manual : dict of str to Manual
        Tasks that a person grades.
    files : dict of str to str
        Data files that lie beside the notebook, in base64; in the visible half, digests of them. See `data`.
    title : str
        The solution notebook's heading, for pages; no part of what is graded.
    """

    name: str
    cells: tuple[Cell, ...]
    tasks: dict[str, Task]
    solutions: dict[str, str] = field(default_factory=dict)
    manual: dict[str, Manual] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    title: str = field(default="", compare=False)

    @property
    def max_points(self) -> float:
        """The points of all tasks together."""
        return sum(self.worth.values())

    @property
    def worth(self) -> dict[str, float]:
        """The points of each task, those that a person grades behind the others."""
        return {key: task.points for key, task in (self.tasks | self.manual).items()}

    @property
    def titles(self) -> dict[str, str]:
        """The title of each task, which may be empty."""
        return {key: task.title for key, task in (self.tasks | self.manual).items()}

    @property
    def answer_cells(self) -> dict[str, Cell]:
        """The answer cells by id."""
        return {cell.id: cell for cell in self.cells if cell.role == "answer"}

    def definition(self) -> str:
        """A digest of all sources and settings, without the recorded answers."""
        bare = {
            key: replace(task, cases=tuple(replace(case, answer=None, mistakes=()) for case in task.cases))
            for key, task in self.tasks.items()
        }
        return digest(replace(self, tasks=bare).to_json())

    def visible(self) -> Exercise:
        """The half that a student may have: visible cases, hints without the code of the mistakes, no solutions."""
        tasks = {}
        for key, task in self.tasks.items():
            cases = tuple(case for case in task.cases if not case.hidden)
            tasks[key] = replace(task, cases=cases, mistakes=tuple(Mistake(item.hint) for item in task.mistakes))
        manual = {key: replace(task, solution="") for key, task in self.manual.items()}
        return replace(self, tasks=tasks, solutions={}, manual=manual, files=digests(self.files))

    def to_json(self) -> dict[str, Any]:
        """As JSON; `from_json` is its inverse."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del data["title"]
        for task in data["tasks"].values():
            for key in OPTIONAL:
                if not task[key]:
                    del task[key]
        return {key: value for key, value in data.items() if value or key not in ("manual", "files")}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Exercise:
        """From what `to_json` wrote.

        Raises
        ------
        ExerciseError
            If the data are not an exercise.
        """
        try:
            tasks = {}
            place = {cell["id"]: n for n, cell in enumerate(data["cells"])}
            # in the notebook's order: in a packed exercise keys are sorted, and 10 comes before 2
            for key, task in sorted(data["tasks"].items(), key=lambda item: place[item[1]["cell"]]):
                cases = tuple(Case(**{**case, "mistakes": tuple(case["mistakes"])}) for case in task["cases"])
                mistakes = tuple(Mistake(**mistake) for mistake in task["mistakes"])
                names = {key: tuple(task.get(key, ())) for key in ("may_change", "without")}
                tasks[key] = Task(**{**task, "cases": cases, "mistakes": mistakes, **names})
            cells = tuple(Cell(**cell) for cell in data["cells"])
            manual = {key: Manual(**task) for key, task in data.get("manual", {}).items()}
            return cls(data["name"], cells, tasks, data["solutions"], manual, dict(data.get("files", {})))
        except (KeyError, TypeError, AttributeError) as error:
            raise ExerciseError(f"these data are no exercise: {type(error).__name__}: {error}") from None

    def pack(self) -> str:
        """The visible half as text of about 100 characters a line, for the student's notebook."""
        raw = json.dumps(self.visible().to_json(), separators=(",", ":"), sort_keys=True).encode("utf8")
        text = base64.b64encode(zlib.compress(raw, 9)).decode("ascii")
        return "\n".join(text[start : start + 100] for start in range(0, len(text), 100))

    @classmethod
    def unpack(cls, text: str) -> Exercise:
        """From what `pack` wrote.

        Raises
        ------
        ExerciseError
            If the text was damaged.
        """
        try:
            decompressor = zlib.decompressobj()
            raw = decompressor.decompress(base64.b64decode("".join(text.split()), validate=True), 20_000_000)
            return cls.from_json(json.loads(raw))
        except ExerciseError:
            raise
        except (ValueError, zlib.error, RecursionError) as error:
            raise ExerciseError(
                f"the cell with the exercise's visible cases is damaged ({error}); copy it from a fresh notebook"
            ) from None


def digest(data: Any) -> str:
    """A short digest of JSON data that does not depend on the order of keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def joined(source: Any) -> str:
    """A cell's source as one string; notebooks store it as a string or as a list of lines."""
    return "".join(source) if isinstance(source, list) else source


def role_of(cell: dict[str, Any]) -> dict[str, Any]:
    """The `rnnlib` metadata of a solution's cell, with its role filled in."""
    meta = dict(cell.get("metadata", {}).get("rnnlib", {}))
    if cell["cell_type"] == "code":
        meta.setdefault("role", "answer" if "### BEGIN SOLUTION" in joined(cell["source"]) else "setup")
    return meta


def stub(source: str, cell_id: str = "", task: str = "") -> str:
    """An answer cell as the student gets it: each solution block is replaced by an error that says what to do.

    Examples
    --------
    >>> print(stub("def f(x):\\n    ### BEGIN SOLUTION\\n    return x + 1\\n    ### END SOLUTION", task="demo.1"))
    def f(x):
        # your code here
        raise NotImplementedError("demo.1 is not answered yet")
    """
    text, count = SOLUTION.subn(
        lambda match: (
            f"{match['indent']}# your code here\n"
            f'{match["indent"]}raise NotImplementedError("{task} is not answered yet")'
        ),
        source,
    )
    if count == 0 or "### BEGIN SOLUTION" in text or "### END SOLUTION" in text:
        raise ExerciseError(
            f"answer cell {cell_id!r}: expected ### BEGIN SOLUTION and ### END SOLUTION in pairs, each on its own line"
        )
    return text


def from_solution(notebook: dict[str, Any], name: str) -> Exercise:
    """The exercise that a solution notebook defines, without recorded answers.

    Parameters
    ----------
    notebook : dict
        The notebook's JSON, nbformat 4.5 or later (cells have ids).
    name : str
        What the exercise is called, usually the file's name without `.ipynb`.

    Raises
    ------
    ExerciseError
        If a rule of the table at the top of this module is broken.
    """
    cells: list[Cell] = []
    solutions: dict[str, str] = {}
    tasks: dict[str, Task] = {}
    mistakes: list[tuple[str, str, Mistake]] = []
    manual: dict[str, Manual] = {}
    for cell_id, cell, meta in _cells(notebook):
        role, source, task = meta.get("role"), joined(cell["source"]), str(meta.get("task", ""))
        if role not in ROLES:
            raise ExerciseError(f"cell {cell_id!r}: role {role!r}, expected one of {', '.join(ROLES)}")
        if role in ("answer", "check", "mistake", "manual") and not re.fullmatch(r"[A-Za-z][\w-]*\.\d+", task):
            raise ExerciseError(f"cell {cell_id!r}: task {task!r}, expected a name, a dot and a number, as in 'bptt.3'")
        if role == "mistake":
            mistakes.append((cell_id, task, Mistake(_text(meta, "hint", cell_id), source)))
        elif role == "check":
            if task in tasks:
                raise ExerciseError(f"cell {cell_id!r}: task {task!r} already has a check cell, {tasks[task].cell!r}")
            tasks[task] = _task(cell_id, source, meta)
            cells.append(Cell(cell_id, role, task=task))
        elif role == "manual":
            if task in manual:
                raise ExerciseError(f"cell {cell_id!r}: task {task!r} already has the cell {manual[task].cell!r}")
            manual[task] = _manual(cell_id, cell["cell_type"], source, meta)
        elif role == "answer":
            solutions[cell_id] = source
            cells.append(Cell(cell_id, role, stub(source, cell_id, task), task))
        elif role == "setup":
            cells.append(Cell(cell_id, role, source))
    for cell_id, task, mistake in mistakes:
        if task not in tasks:
            raise ExerciseError(f"cell {cell_id!r}: no check cell has the task {task!r}")
        tasks[task] = replace(tasks[task], mistakes=(*tasks[task].mistakes, mistake))
    _complete(cells, tasks, name)
    if both := sorted(set(tasks) & set(manual)):
        raise ExerciseError(f"{name}: task {both[0]!r}: expected a check cell or the role 'manual', got both")
    return Exercise(name, tuple(cells), tasks, solutions, manual, dict.fromkeys(file_names(notebook), ""))


def _cells(notebook: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The cells that matter, with id and metadata: code, in order, each id once."""
    seen = set()
    for index, cell in enumerate(notebook["cells"]):
        cell_id = cell.get("id")
        if not isinstance(cell_id, str) or cell_id in seen:
            raise ExerciseError(f"cell number {index} has the id {cell_id!r}; expected one of its own (nbformat 4.5)")
        seen.add(cell_id)
        meta = role_of(cell)
        role = meta.get("role")
        if (cell["cell_type"] == "code" and role != "solution") or role == "manual":
            yield cell_id, cell, meta


def _points(cell_id: str, meta: dict[str, Any]) -> float:
    points = meta.get("points")
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < 1e6:
        raise ExerciseError(f"check cell {cell_id!r}: points {points!r}, expected a positive number")
    return float(points)


def _manual(cell_id: str, kind: str, source: str, meta: dict[str, Any]) -> Manual:
    task = meta["task"]
    left = stub(source, cell_id, task) if kind == "code" else f"*Your answer to {task}.*"
    return Manual(task, _points(cell_id, meta), cell_id, left, str(meta.get("title", "")), kind, source)


def _task(cell_id: str, source: str, meta: dict[str, Any]) -> Task:
    points, hidden = _points(cell_id, meta), meta.get("hidden", [])
    if not isinstance(hidden, list) or not all(isinstance(line, str) for line in hidden):
        raise ExerciseError(f"check cell {cell_id!r}: hidden {hidden!r}, expected a list of lines of code")
    lines = list(CASE.finditer(source))
    if hidden and len(lines) != 1:
        raise ExerciseError(
            f"check cell {cell_id!r} has hidden variants and {len(lines)} lines that end in '# case'; expected one"
        )
    cases = [Case(source)]
    for line in hidden:
        match = lines[0]
        replaced = source[: match.start()] + match["indent"] + line.strip() + source[match.end() :]
        cases.append(Case(replaced, hidden=True))
    tolerance = {key: meta.get(key, default) for key, default in (("rtol", RTOL), ("atol", ATOL))}
    for key, value in tolerance.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            raise ExerciseError(f"check cell {cell_id!r}: {key} {value!r}, expected a number from 0 to below 1")
    return Task(
        meta["task"], points, cell_id, tuple(cases), title=str(meta.get("title", "")),
        rtol=float(tolerance["rtol"]), atol=float(tolerance["atol"]), partial=meta.get("partial") is True,
        may_change=_names(meta, "may_change", cell_id), without=_names(meta, "without", cell_id),
    )  # fmt: skip


def _names(meta: dict[str, Any], key: str, cell_id: str) -> tuple[str, ...]:
    found = meta.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ExerciseError(f"check cell {cell_id!r}: {key} {found!r}, expected a list of names")
    return tuple(found)


def _text(meta: dict[str, Any], key: str, cell_id: str) -> str:
    if not isinstance(meta.get(key), str) or not meta[key].strip():
        raise ExerciseError(f"cell {cell_id!r}: expected {key!r} in its metadata, a sentence for the student")
    return str(meta[key]).strip()


def _complete(cells: list[Cell], tasks: dict[str, Task], name: str) -> None:
    """Every task is asked and checked."""
    asked = {cell.task for cell in cells if cell.role == "answer"}
    if not tasks:
        raise ExerciseError(f"{name}: no cell has the role 'check', so nothing would be graded")
    for task in sorted(asked ^ set(tasks)):
        missing = "check cell" if task in asked else "answer cell"
        raise ExerciseError(f"{name}: task {task!r} has no {missing}")
    for task in tasks:
        stubs = "\n".join(cell.source for cell in cells if cell.role == "answer" and cell.task == task)
        if not RETURNS.search(stubs):
            raise ExerciseError(
                f"{name}: task {task!r}: its stub says nothing of what is returned; add a line to its docstring, such "
                "as '-> (B, H)' or 'Returns a dict with the keys ...'"
            )
