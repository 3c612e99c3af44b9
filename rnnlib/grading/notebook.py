"""What the student's own notebook notices: names that were overwritten, arguments that were changed.

`rnnlib.grading.visible` puts a `Watcher` into the kernel. It looks at each cell after it ran, and guards the functions
that a check cell is about to call, as grading does; so the notebook tells what grading would.
"""

from __future__ import annotations

from typing import Any

from . import inside
from .exercise import Exercise
from .guard import Guard
from .names import asked, given, hidden_names
from .rebuild import plain


class Watcher:
    """Looks at the cells of an exercise while a student works on it.

    Parameters
    ----------
    exercise : Exercise
        The visible half.
    shell : InteractiveShell
    """

    def __init__(self, exercise: Exercise, shell: Any) -> None:
        self.exercise, self.shell = exercise, shell
        self.given = given(exercise)
        self.checks = {plain(task.cases[0].source): task.id for task in exercise.tasks.values()}
        self.setups = {plain(cell.source) for cell in exercise.cells if cell.role == "setup"}
        self.kept: dict[str, Any] = {}  # what setup cells gave
        self.guarded: dict[str, tuple[Any, Any]] = {}  # a name's value, and what stands there while a check cell runs
        self.told: set[str] = set()
        self.guard = Guard()

    def start(self) -> None:
        """Watch from now on; only the last one does."""
        old = getattr(self.shell, "_rnnlib_watcher", None)
        for event, call in (("pre_run_cell", "before"), ("post_run_cell", "after")):
            if old is not None:
                self.shell.events.unregister(event, getattr(old, call))
            self.shell.events.register(event, getattr(self, call))
        self.shell._rnnlib_watcher = self

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        task = self.checks.get(plain(info.raw_cell or ""))
        if task is None:
            return
        self.guard = Guard(self.exercise.tasks[task].may_change)
        names = self.shell.user_ns
        for name in asked(self.exercise, task):
            if name in names:
                self.guarded[name] = names[name], self.guard.watch(name, names[name])
                names[name] = self.guarded[name][1]
        inside.set_guard(self.guard)

    def after(self, result: Any) -> None:
        """A cell has run."""
        names = self.shell.user_ns
        for name, (value, stand_in) in self.guarded.items():
            if names.get(name) is stand_in:
                names[name] = value
        self.guarded.clear()
        self.guard.release()
        inside.set_guard(None)
        source = plain(getattr(result.info, "raw_cell", "") or "")
        if source in self.setups:
            self.kept |= {name: names[name] for name in self.given if name in names}
            self.told.clear()
        elif source not in self.checks:
            self.tell(source)

    def tell(self, source: str) -> None:
        """What this cell has overwritten."""
        names, wanted = self.shell.user_ns, {n for task in self.exercise.tasks for n in asked(self.exercise, task)}
        lost = [name for name, value in self.kept.items() if names.get(name, self) is not value and name not in wanted]
        hides = [name for name in hidden_names([source], wanted, {}) if name not in self.given]
        for name in lost + hides:
            if name not in self.told:
                whose = "the exercise gave you" if name in lost else "is Python's own"
                print(f"note: {name}, which {whose}, is something else after this cell. Choose another name, ", end="")
                print("restart the kernel, and run the cells from the top.")
        self.told |= {*lost, *hides}
