"""How far a run has come: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SECONDS = 30.0  # between two lines
POLITE = ("SIGTERM", "SIGHUP")  # a machine that is shut down, a connection that is lost


class Progress:
    """Counts what is done with.

    Parameters
    ----------
    total : int
    seconds : float
        Between two lines where there is no terminal.
    """

    def __init__(self, total: int, seconds: float = SECONDS) -> None:
        self.total, self.seconds, self.done = total, seconds, 0
        self._said = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, unit=" submissions", file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self) -> None:
        """One more is done with."""
        self.done += 1
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() - self._said >= self.seconds:
            self._said = time.monotonic()
            print(f"{self.done} of {self.total} submissions", file=sys.stderr, flush=True)


@contextmanager
def polite_ends() -> Iterator[None]:
    """Let a request to end count as an interruption, so that the table is written first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(getattr(signal, name), interrupt) for name in POLITE}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
