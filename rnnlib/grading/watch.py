"""Processes seen from outside: how much memory they hold, how much time they had."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable

import psutil

from .limits import CROWDED

TICK = os.sysconf("SC_CLK_TCK")
INODE = 1200  # bytes of the system's memory that an empty file in memory takes, at most; measured


class gone:
    """Ignores that a process ended meanwhile, or is not ours to look at."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, psutil.Error)


def descendants(pid: int) -> list[psutil.Process]:
    """All processes that a process started, and those that they started."""
    with gone():
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return found
    return []


def inner_pid(pid: int) -> int:
    """The id that a process has in its own view of processes, 0 if it is gone."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return 0


def resident(family: Iterable[psutil.Process]) -> int:
    """Bytes of memory, pages shared by several processes counted for each."""
    total = 0
    for process in family:
        with gone():
            total += process.memory_info().rss
    return total


def proportional(family: Iterable[psutil.Process]) -> int:
    """Bytes of memory, pages shared by several processes counted once."""
    total = 0
    for process in family:
        with gone():
            try:
                total += process.memory_full_info().pss
            except psutil.AccessDenied:
                total += process.memory_info().rss
    return total


class Folders:
    """What a sandbox's private folders hold: they lie in memory, and so do their empty files."""

    def __init__(self, pid: int, names: Iterable[str]) -> None:
        self._files = []
        for name in names:
            with contextlib.suppress(OSError):
                self._files.append(os.open(f"/proc/{pid}/root{name}", os.O_PATH))

    def bytes(self) -> int:
        """Bytes of files, and of what the system remembers about them."""
        total = 0
        for file in self._files:
            with contextlib.suppress(OSError):
                status = os.fstatvfs(file)
                total += (status.f_blocks - status.f_bfree) * status.f_frsize
                total += (status.f_files - status.f_ffree) * INODE
        return total

    def close(self) -> None:
        """Let go of them."""
        for file in self._files:
            os.close(file)
        self._files.clear()


class Processor:
    """Seconds of processor time that a sandbox's processes used, those that ended included."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], int] = {}

    def observe(self, pids: Iterable[int]) -> None:
        """Look at these processes; what one that ended had used when it was last seen stays counted."""
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
                self._seen[pid, fields[19]] = int(fields[11]) + int(fields[12])

    def seconds(self) -> float:
        """As of the last look."""
        return sum(self._seen.values()) / TICK


class Clock:
    """Seconds of a cell: the time on the wall, without that in which its process waited for a processor.

    On a crowded machine a program waits for its turn. Linux counts that time in `/proc/PID/schedstat`, and it is not
    the student's. But what the sandbox's processes did together always counts, whoever of them waited for whom.

    Parameters
    ----------
    processor : Processor
    pid : int, optional
        The process that runs the cells; without it, no waiting is known.
    """

    def __init__(self, processor: Processor | None = None, pid: int | None = None) -> None:
        self.processor, self.pid = processor or Processor(), pid
        self._waited = 0.0
        self.start()

    def start(self) -> None:
        """Count from here."""
        self._began, self._delay, self._used = time.monotonic(), self._waiting(), self.processor.seconds()

    def used(self) -> float:
        """Seconds of processor time since `start`, of all processes together."""
        return self.processor.seconds() - self._used

    def seconds(self) -> float:
        """Seconds since `start`: at least the processor time, and the time on the wall divided by `CROWDED`."""
        wall = time.monotonic() - self._began
        return max(wall - (self._waiting() - self._delay), self.used(), wall / CROWDED)

    def _waiting(self) -> float:
        """Seconds that the process has waited for a processor in its life."""
        if self.pid is not None:
            with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{self.pid}/schedstat") as file:
                self._waited = int(file.read().split()[1]) / 1e9
        return self._waited
