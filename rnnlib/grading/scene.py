"""Two sets of names in one kernel: the student's cells write into one, the check cells read the other.

A check cell sees the names that setup gave it, and of the student's those that the task asks for. So `answer = 42`,
`np = None` or `%reset -f` in an answer cell is no obstacle to grading it: what the student's functions see is
what the student wrote, and what the check cell sees is what the exercise wrote.
"""

from __future__ import annotations

import builtins
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from ipykernel.ipkernel import IPythonKernel

from . import inside
from .guard import Guard

CHECK = "rnnlib-check"  # the id under which the grader sends check cells


class Scene:
    """The names and the settings of one task.

    Parameters
    ----------
    setup : module
        Where the setup cells ran; check cells run there too.
    asked : sequence of str
        The names that the student's cells are to define.
    may_change : sequence of str
        The arguments that these may change, see `Guard`.
    without : sequence of str
        Packages that this task is to be solved without.
    """

    def __init__(
        self, setup: types.ModuleType, asked: Sequence[str], may_change: Sequence[str], without: Sequence[str]
    ) -> None:
        self.setup, self.asked, self.may_change = setup, asked, may_change
        self.student = types.ModuleType("__main__")
        self.student.__dict__.update(setup.__dict__)
        take_away(without)
        self.settings = Settings()
        self.streams: list[tuple[Any, Any]] = []
        self.guard: Guard | None = None

    def open(self, shell: Any) -> None:
        """Give the shell's own names to both sides, and the student's to the student."""
        self.shell = shell
        for module in (self.setup, self.student):
            self._enter(module)
            shell.init_user_ns()
        sys.modules["__main__"] = self.student
        self.streams = [(stream, getattr(stream, "pub_thread", None)) for stream in (sys.stdout, sys.stderr)]
        self.displayhook = sys.displayhook

    def before_answer(self) -> None:
        """A cell of the student's comes next."""
        self._enter(self.student)

    def after_cell(self) -> None:
        """A cell is over: what it printed is sent, though it closed or replaced the streams."""
        sys.stdout, sys.stderr = (stream for stream, _ in self.streams)
        for stream, thread in self.streams:
            stream.pub_thread = thread
        if self.guard is not None:
            self.guard.release()
            self.guard = None
        inside.set_guard(None)

    def before_check(self) -> None:
        """A check cell comes next: setup's names and the asked ones, Python's and NumPy's own settings."""
        self.settings.restore()
        sys.displayhook = self.displayhook
        names = self.setup.__dict__
        self.guard = Guard(self.may_change)
        for name in self.asked:
            if name in self.student.__dict__:
                names[name] = self.guard.watch(name, self.student.__dict__[name])
            else:
                names.pop(name, None)
        inside.set_guard(self.guard)
        self._enter(self.setup)

    def _enter(self, module: types.ModuleType) -> None:
        self.shell.user_module, self.shell.user_ns = module, module.__dict__


class Away:
    """Finds no module of these packages, and says why."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """As the import system calls it."""
        if name.split(".")[0] in self.packages:
            raise ImportError(f"this task is to be solved without {name.split('.')[0]}")


def take_away(packages: Sequence[str]) -> None:
    """Make packages impossible to import for the rest of this process."""
    for name in [name for name in sys.modules if name.split(".")[0] in packages]:
        del sys.modules[name]
    if packages:
        sys.meta_path.insert(0, Away(packages))


class Settings:
    """What one cell can set for all that run after it: recorded when this is made."""

    def __init__(self) -> None:
        self.recursion = sys.getrecursionlimit()
        self.builtins = dict(vars(builtins))
        self.errors = np.geterr()
        self.printing = np.get_printoptions()
        self.filters = list(warnings.filters)
        self.showwarning = warnings.showwarning

    def restore(self) -> None:
        """Set it again."""
        sys.setrecursionlimit(self.recursion)
        for name, value in self.builtins.items():
            if vars(builtins).get(name, self) is not value:
                setattr(builtins, name, value)
        np.seterr(**self.errors)
        np.set_printoptions(**self.printing)
        warnings.filters[:] = self.filters  # type: ignore[index]
        warnings.showwarning = self.showwarning
        sys.settrace(None)
        sys.setprofile(None)


class PlayedKernel(IPythonKernel):
    """An IPython kernel whose cells know on which side they run."""

    scene: Scene | None = None

    async def do_execute(self, code: str, silent: bool, *args: Any, cell_id: str | None = None, **kwargs: Any) -> Any:
        """Run a cell of the student's or, if it is named so, a check cell."""
        scene = self.scene
        assert scene is not None
        try:
            if cell_id == CHECK:
                scene.before_check()
            else:
                scene.before_answer()
            return await super().do_execute(code, silent, *args, cell_id=None, **kwargs)
        finally:
            scene.after_cell()
