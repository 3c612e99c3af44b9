"""The grader's side of the stage: one sandbox, the Python in it that ran setup, and what its processes use.

`rnnlib.grading.stage` runs inside. What it reports is believed only in so far as no harm can come of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from . import sandbox
from .data import write_files
from .limits import CROWDED, MIB, Limits
from .names import Terms
from .watch import Folders, Processor, buffers, descendants, gone, inner_pid, proportional, resident

WATCH = 0.2  # seconds between two looks at the processes
SWEEPS = 200  # looks for processes that a task left behind, before the whole sandbox is given up
LONGEST_REPORT = 1 << 16


class KernelLost(Exception):
    """The kernel is gone, or had to be ended, in the middle of a cell.

    Attributes
    ----------
    verdict : {"crash", "memory", "output limit", "timeout"}
    again : bool
        Whether the cell before may have been the cause, so that it is fair to try this one again.
    """

    def __init__(self, verdict: str, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.again = again


class KernelFault(Exception):
    """The stage did not start or setup failed: nobody's answer is to blame."""


class RoomLost(Exception):
    """The stage ended; a student's process may have ended it."""


class Room:
    """A sandbox with a stage in it.

    Parameters
    ----------
    folder : Path
        For the log and, without isolation, for the files of the student's code.
    limits : Limits
    isolated : bool
        Whether to start it in bubblewrap.
    hidden : iterable of str
        Folders that must not be seen there.
    files : mapping of str to str
        Data files of the exercise, in base64, for the working folder.

    Raises
    ------
    KernelFault
        If it does not answer within `limits.start_seconds`.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        isolated: bool,
        hidden: Iterable[str] = (),
        files: Mapping[str, str] = sandbox.NOTHING,
    ) -> None:
        self.folder, self.limits, self.isolated, self.files = folder, limits, isolated, files
        self.hidden = [*hidden, str(sandbox.COURSE), str(folder)]
        self.processor = Processor()
        self.ended: dict[int, int] = {}  # pid inside to exit code
        self._buffer = b""
        self._heard: list[dict[str, Any]] = []
        self._stopped = False
        self._inside = self.pid = 0
        self.next_watch = 0.0
        self.work = folder / "work"
        self.data = folder / "data" if isolated else self.work
        self.work.mkdir(parents=True)
        self.data.mkdir(exist_ok=True)
        write_files(files, self.data)
        self._start()
        try:
            self._await("up", limits.start_seconds)
        except RoomLost as error:
            self.stop()
            raise KernelFault(f"the kernel did not start: {error} {self.log()}".strip()) from None
        self.pid = next((p.pid for p in descendants(self.process.pid) if inner_pid(p.pid) == self._inside), 0)
        self.pid = self.pid or self.process.pid
        self.folders = Folders(self.pid, sandbox.PRIVATE if isolated else ())
        self._files_at_first = self.folders.bytes()

    def _start(self) -> None:
        user = sandbox.free_user() if self.isolated else None
        told = sandbox.settings(self.limits, isolated=self.isolated, user=user)
        argv = [*sandbox.PYTHON, sandbox.LAUNCHER, told, "stage", "-"]
        if self.isolated:
            argv = sandbox.inner(argv, self.limits, self.hidden, {name: str(self.data / name) for name in self.files})
        env = {**sandbox.ENVIRONMENT, "HOME": str(self.work), "TMPDIR": str(self.work)}
        with open(self.folder / "kernel.log", "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.work, env=env,
                start_new_session=True, bufsize=0,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.reports = self.process.stdout.fileno()
        os.set_blocking(self.reports, False)

    def log(self) -> str:
        """The end of what was said on the way."""
        with open(self.folder / "kernel.log", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 500))
            return file.read().decode("utf8", "replace").strip()

    # what the stage does

    def setup(self, source: str) -> tuple[str, str] | None:
        """Run a setup cell; the name and the message of its error, if it raises one.

        Raises
        ------
        RoomLost
            If the stage ends or does not answer.
        """
        self._tell({"run": source})
        said = self._await("ran", CROWDED * self.limits.cell_seconds)
        if isinstance(said, list) and len(said) == 2 and all(isinstance(part, str) for part in said):
            return said[0], said[1]
        return None

    def task(self, connection: dict[str, Any], terms: Terms) -> tuple[int, int]:
        """Start a copy of the stage as a kernel; its process id inside the sandbox, and outside."""
        if not self.isolated:  # an earlier task may have changed them
            write_files(self.files, self.data)
        command = {"task": {"connection": connection, **terms.to_json()}}
        for last in (False, True):
            self._tell(command)
            inside = self._await("started", self.limits.start_seconds)
            if not isinstance(inside, int):
                raise RoomLost("the stage said something else than the id of a process")
            try:
                self._await("ready", self.limits.start_seconds / 2, child=inside)
                break
            except RoomLost:
                if last or inside in self.ended or not self.is_alive():
                    raise
            self._tell({"end": inside})  # a copy may hang at its start, once in thousands: another one is made
            while inside not in self.ended:
                self._await("ended", self.limits.start_seconds)
        with gone():
            for process in psutil.Process(self.pid).children():
                if inner_pid(process.pid) == inside:
                    return inside, process.pid
        raise RoomLost("the new kernel is gone")

    def sweep(self) -> None:
        """End everything but the stage itself: the kernel of a task, and whatever it has left behind."""
        with gone():  # a student's process may have stopped it
            psutil.Process(self.pid).resume()
        for _ in range(SWEEPS):
            family = [p for p in self.family() if p.pid != self.pid and not self._is_shell(p)]
            if not family:
                return
            for process in family:  # stopped first, so that none of them starts another meanwhile
                with gone():
                    process.send_signal(signal.SIGSTOP)
            for process in family:
                with gone():
                    process.kill()
            with contextlib.suppress(RoomLost):
                self.hear(0.01)
        self.stop()

    def is_clean(self) -> bool:
        """Whether a task has left room for the next one's files."""
        return self.folders.bytes() <= self._files_at_first + MIB

    def _is_shell(self, process: psutil.Process) -> bool:
        """Whether it is bubblewrap's own first process, above the stage."""
        return self.isolated and inner_pid(process.pid) == 1

    # what it says

    def _tell(self, command: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(command).encode("ascii") + b"\n")
        except OSError:
            raise RoomLost(self.last_words()) from None

    def _await(self, key: str, seconds: float, child: int = 0) -> Any:
        """The value of the next report with this key; no more, if a child is named that ends before."""
        end = time.monotonic() + seconds
        while True:
            self._heard += self.hear(0.0 if self._heard else 0.05)
            while self._heard:
                report = self._heard.pop(0)
                if key in report:
                    if key == "up":
                        self._inside = report[key]
                    return report[key]
            if child in self.ended:
                raise RoomLost(f"it ended at its start (exit status {self.ended[child]}).")
            if time.monotonic() > end:
                raise RoomLost(f"no answer within {seconds:g} seconds.")

    def hear(self, seconds: float) -> list[dict[str, Any]]:
        """What the stage reported, after at most so many seconds; ends of tasks are noted.

        Raises
        ------
        RoomLost
            If it ended.
        """
        if self._stopped or not select.select([self.reports], [], [], seconds)[0]:
            return []
        try:
            data = os.read(self.reports, LONGEST_REPORT)
        except BlockingIOError:
            return []
        if not data:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            raise RoomLost(self.last_words())
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-LONGEST_REPORT:]
        found = []
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                report = json.loads(line)
                if isinstance(report, dict):
                    found.append(report)
                    self._note(report.get("ended"))
        return found

    def _note(self, ended: Any) -> None:
        if isinstance(ended, list) and len(ended) == 2 and all(type(part) is int for part in ended):
            self.ended[ended[0]] = ended[1]

    def last_words(self, code: int | None = None) -> str:
        """How a Python process ended, in words."""
        code = self.process.poll() if code is None else code
        if code is None:
            return "The Python process does not answer."
        number = -code if code < 0 else code - 128 if 128 < code < 160 else 0
        names = {4: "illegal instruction", 6: "abort", 9: "killed", 11: "segmentation fault", 24: "CPU time",
                 25: "file size", 31: "forbidden system call"}  # fmt: skip
        how = f"signal {number}, {names.get(number, 'ended by a signal')}" if number else f"exit status {code}"
        return f"The Python process ended while this cell ran ({how})."

    # what its processes use

    def is_alive(self) -> bool:
        """Whether the sandbox and its stage are there."""
        return not self._stopped and self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """All processes of the sandbox."""
        return descendants(self.process.pid)

    def watch(self) -> None:
        """Look how many processes there are, how much memory and how much processor time they take.

        Raises
        ------
        KernelLost
            If it is too much.
        """
        self.next_watch = time.monotonic() + WATCH
        family = self.family()
        self.processor.observe(process.pid for process in family)
        if len(family) > self.limits.processes:
            raise KernelLost("crash", f"More than {self.limits.processes} processes were started.")
        most, files = self.limits.memory_mb * MIB, self.folders.bytes() + buffers(family)
        if resident(family) + files > most and proportional(family) + files > most:
            raise KernelLost("memory", f"More than {self.limits.memory_mb} MiB of memory were used.")

    def stop(self) -> None:
        """End the sandbox and everything in it, now."""
        if self._stopped:
            return
        self._stopped = True
        family = self.family()
        self.process.kill()
        for member in family:  # in bubblewrap they are gone already
            with gone():
                member.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if hasattr(self, "folders"):
            self.folders.close()
