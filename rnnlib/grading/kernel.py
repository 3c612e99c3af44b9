"""A kernel that is watched: nbval's `RunningKernel`, for code that may do anything.

nbval sends a cell, waits for the reply, then reads the outputs. Here the same calls also notice within a fraction of a
second that the kernel died, that it uses too much, or that it talks too much, and they believe no message: what is not
as the protocol says is dropped. A message can still be forged, by code that runs in the kernel; but all it can carry
is an answer, and the right one is not known there.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from nbval.kernel import RunningKernel

from . import sandbox
from .answers import MIME
from .limits import CROWDED, MIB, Limits

WATCH = 0.2  # seconds between two looks at the processes
GRACE = 2.0  # seconds for a cell to end after it was interrupted
KEPT_TEXT = 20_000  # characters of printed text that are kept per cell
KEPT_DATA = (MIME, "text/plain")


class KernelLost(Exception):
    """The kernel is gone, or had to be ended, in the middle of a cell.

    Attributes
    ----------
    verdict : {"crash", "memory", "output limit"}
    again : bool
        Whether the cell before may have been the cause, so that it is fair to try this one again.
    """

    def __init__(self, verdict: str, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.again = again


class KernelFault(Exception):
    """The kernel did not start: nobody's answer is to blame."""


class WatchedKernel(RunningKernel):
    """A kernel in the sandbox.

    Parameters
    ----------
    folder : Path
        For the connection file and the kernel's log; students cannot see it when isolated.
    limits : Limits
    isolated : bool
        Whether to start it in bubblewrap.
    seconds_left : float, optional
        For all of its cells together; all of the notebook's unless given.

    Raises
    ------
    KernelFault
        If it does not answer within `limits.start_seconds`.
    """

    def __init__(self, folder: Path, limits: Limits, *, isolated: bool, seconds_left: float | None = None) -> None:
        self.limits = limits
        self.timed_out = self._stopped = False
        self.seconds_left = limits.notebook_seconds if seconds_left is None else seconds_left
        self._clock = Clock()
        self._allowed = limits.start_seconds
        self._give_up: float | None = None
        self._inbox: deque[dict[str, Any]] = deque()
        self._bytes = self._messages = self._text = 0
        self._next_watch = 0.0
        folder.mkdir(mode=0o700)
        self._context = zmq.Context()
        self._context.setsockopt(zmq.MAXMSGSIZE, int(2 * limits.output_mb * MIB))
        self._context.setsockopt(zmq.RCVHWM, 16)
        self._context.setsockopt(zmq.RECONNECT_IVL, 20)
        self._start(folder, isolated)

    def _start(self, folder: Path, isolated: bool) -> None:
        file, _ = write_connection_file(str(folder / "kernel.json"), key=secrets.token_hex(16).encode())
        os.chmod(file, 0o644)  # in a folder of 0700; the sandbox shows the file to another user
        user = sandbox.free_user() if isolated else None
        told = sandbox.settings(self.limits, isolated=isolated, user=user)
        inside = "/tmp/kernel.json" if isolated else file
        argv = [*sandbox.PYTHON, sandbox.LAUNCHER, told, "kernel", inside]
        if isolated:
            argv = sandbox.inner(argv, {inside: file}, self.limits)
        work = folder / "work"
        work.mkdir()
        env = {**sandbox.ENVIRONMENT, "HOME": str(work), "TMPDIR": str(work)}
        with open(folder / "kernel.log", "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work, env=env, start_new_session=True
            )
        self.kc = BlockingKernelClient(context=self._context, connection_file=file)
        self.kc.load_connection_file()
        self.kc.start_channels(stdin=False, hb=False)
        channels = [self.kc.shell_channel.socket, self.kc.iopub_channel.socket]
        self._monitors = [channel.get_monitor_socket(zmq.EVENT_DISCONNECTED) for channel in channels]
        self._poller = zmq.Poller()
        for channel in channels + self._monitors:
            self._poller.register(channel, zmq.POLLIN)
        try:
            self._wait_until_ready()
        except (KernelLost, Empty) as error:
            log_end = (folder / "kernel.log").read_bytes()[-500:].decode("utf8", "replace").strip()
            self.stop()
            raise KernelFault(f"the kernel did not start: {error} {log_end}".strip()) from None

    def _wait_until_ready(self) -> None:
        """Both channels work: a reply came, and so did its `idle`."""
        self._begin(self.limits.start_seconds)
        while True:
            msg_id = self.kc.kernel_info()
            self.await_reply(msg_id)
            try:
                self.await_idle(msg_id, timeout=0.1)
            except Empty:
                continue  # the subscription to the outputs was not there yet
            self._clock = Clock([main_process(self.process.pid)])
            self._inbox.clear()
            return

    # what nbval calls

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send a cell; its time, its outputs and its text are counted from here."""
        self.settle()
        self._inbox.clear()
        self._bytes = self._messages = self._text = 0
        self.timed_out = False
        self._begin(min(self.limits.cell_seconds, self.seconds_left))
        msg_id: str = self.kc.execute(cell_input, store_history=False, allow_stdin=False, stop_on_error=False)
        return msg_id

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply to a message, reading outputs meanwhile.

        Raises
        ------
        queue.Empty
            If the cell's time is over.
        KernelLost
            If the kernel died or went beyond a limit.
        """
        while True:
            if self._clock.seconds() > self._allowed:
                self.timed_out = True
                raise Empty
            for message in self._receive():
                if message["msg_type"].endswith("_reply") and message["parent_header"]["msg_id"] == msg_id:
                    if message["content"]["exit"]:
                        raise KernelLost("crash", "The cell asked for the end of the Python process, as `exit()` does.")
                    return

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next output of the kernel; `queue.Empty` if none comes in time."""
        end = time.monotonic() + (timeout if timeout is not None else self.limits.cell_seconds)
        if self._give_up is not None:
            end = min(end, self._give_up)
        while not self._inbox:
            if time.monotonic() > end:
                raise Empty
            self._receive()
        return self._inbox.popleft()

    def interrupt(self) -> None:
        """Ask the cell to end; it has `GRACE` seconds for that."""
        self.kc.control_channel.send(self.kc.session.msg("interrupt_request", {}))
        self._give_up = time.monotonic() + GRACE

    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the kernel and everything it started, now."""
        if self._stopped:
            return
        self._stopped = True
        process = self.process
        family = descendants(process.pid)
        process.kill()
        for member in family:  # in bubblewrap they are gone already
            with gone():
                member.kill()
        process.wait()
        self.settle()
        self.kc.stop_channels()
        self._context.destroy(linger=0)

    # and what it does not know of

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell and return its outputs as messages.

        Raises
        ------
        queue.Empty
            If its time is over; the cell may still be running.
        KernelLost
            If the kernel died or went beyond a limit.
        """
        msg_id = self.execute_cell_input(source)
        self.await_reply(msg_id)
        outputs: list[dict[str, Any]] = []
        while True:
            message = self.get_message("iopub", timeout=GRACE)
            if message["parent_header"]["msg_id"] == msg_id:
                if message["content"].get("execution_state") == "idle":
                    return outputs
                outputs.append(message)

    def survives(self) -> bool:
        """Whether the kernel is still there a moment after a cell, which may have left something that ends it."""
        time.sleep(WATCH)
        try:
            return self.is_alive() and self.run("") is not None
        except (KernelLost, Empty):
            return False

    def settle(self) -> None:
        """Book the last cell's time."""
        self.seconds_left -= self._clock.seconds()
        self._clock.start()
        self._give_up = None

    def _begin(self, allowed: float) -> None:
        self._clock.start()
        self._allowed = allowed

    def _receive(self) -> list[dict[str, Any]]:
        """Wait a moment; queue the outputs that came, return the replies, look at the processes when it is time."""
        ready = dict(self._poller.poll(100))
        replies = []
        if self.kc.iopub_channel.socket in ready:
            self._inbox.extend(self._read(self.kc.iopub_channel.socket, outputs=True))
        if self.kc.shell_channel.socket in ready:
            replies = self._read(self.kc.shell_channel.socket, outputs=False)
        if not replies and any(monitor in ready for monitor in self._monitors):
            self._disconnected()
        if time.monotonic() > self._next_watch:
            self._watch()
        return replies

    def _read(self, channel: zmq.Socket, *, outputs: bool) -> list[dict[str, Any]]:
        """All messages that a channel holds, without those that break the protocol."""
        found = []
        for _ in range(200):
            try:
                frames = channel.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            message = self._parse(frames)
            kept = None if message is None else clean(message)
            if kept is None:
                continue
            if outputs and kept["msg_type"] == "stream":
                kept["content"]["text"] = kept["content"]["text"][: KEPT_TEXT - self._text]
                self._text += len(kept["content"]["text"])
            found.append(kept)
        return found

    def _parse(self, frames: list[bytes]) -> dict[str, Any] | None:
        """A message, if it is signed and well formed; counted in any case."""
        self._bytes += sum(map(len, frames))
        self._messages += 1
        if self._bytes > self.limits.output_mb * MIB:
            raise KernelLost("output limit", f"The cell's output is larger than {self.limits.output_mb:g} MiB.")
        if self._messages > self.limits.output_messages:
            raise KernelLost("output limit", f"The cell has more than {self.limits.output_messages} outputs.")
        try:
            message: dict[str, Any] = self.kc.session.deserialize(self.kc.session.feed_identities(frames)[1])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
            return None
        return message

    def _disconnected(self) -> None:
        """A channel closed: the kernel died, or it sent a message that is larger than we accept."""
        for monitor in self._monitors:
            while monitor.poll(0):
                monitor.recv_multipart()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if not self.is_alive():
                raise KernelLost("crash", self._last_words(), again=True)
            time.sleep(0.02)
        raise KernelLost("output limit", f"One output is larger than {2 * self.limits.output_mb:g} MiB.")

    def _watch(self) -> None:
        """Is it alive, how large is it, how many are they?"""
        self._next_watch = time.monotonic() + WATCH
        if not self.is_alive():
            raise KernelLost("crash", self._last_words(), again=True)
        family = descendants(self.process.pid)
        self._clock.observe(process.pid for process in family)
        if len(family) > self.limits.processes:
            raise KernelLost("crash", f"More than {self.limits.processes} processes were started.")
        if resident(family) > self.limits.memory_mb * MIB and proportional(family) > self.limits.memory_mb * MIB:
            raise KernelLost("memory", f"More than {self.limits.memory_mb} MiB of memory were used.")

    def _last_words(self) -> str:
        code = self.process.returncode
        signal = -code if code < 0 else code - 128 if 128 < code < 160 else 0
        names = {
            4: "illegal instruction",
            6: "abort",
            9: "killed",
            11: "segmentation fault",
            24: "CPU time",
            25: "file size",
        }
        how = f"signal {signal}, {names.get(signal, 'ended by a signal')}" if signal else f"exit status {code}"
        return f"The Python process ended while this cell ran ({how})."


class Clock:
    """Seconds that a submission's processes had for themselves.

    On a crowded machine a program waits for a processor. Linux counts that time in `/proc/PID/schedstat`, and it is not
    the student's. Without that file this is the time by the clock on the wall.

    Parameters
    ----------
    pids : iterable of int
        The processes known so far; `observe` adds others.
    """

    def __init__(self, pids: Iterable[int] = ()) -> None:
        self._delays: dict[int, float] = {}
        self.observe(pids)
        self.start()

    def observe(self, pids: Iterable[int]) -> None:
        """Look at these processes from now on; what one that ended has waited stays counted."""
        for pid in list(pids):
            try:
                with open(f"/proc/{pid}/schedstat") as file:
                    self._delays[pid] = int(file.read().split()[1]) / 1e9
            except (OSError, IndexError, ValueError):
                self._delays.setdefault(pid, 0.0)

    def start(self) -> None:
        """Count from here."""
        self._began, self._waited = time.monotonic(), self._delay()

    def seconds(self) -> float:
        """Seconds since `start`, at least the time on the wall divided by `CROWDED`."""
        wall = time.monotonic() - self._began
        return max(wall - (self._delay() - self._waited), wall / CROWDED)

    def _delay(self) -> float:
        self.observe(self._delays)
        return sum(self._delays.values())


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


def main_process(pid: int) -> int:
    """The first process below `pid` that is not bubblewrap."""
    with gone():
        process = psutil.Process(pid)
        while process.name() == "bwrap" and process.children():
            process = process.children()[0]
        return int(process.pid)
    return pid


def resident(family: list[psutil.Process]) -> int:
    """Bytes of memory, pages shared by several processes counted for each."""
    total = 0
    for process in family:
        with gone():
            total += process.memory_info().rss
    return total


def proportional(family: list[psutil.Process]) -> int:
    """Bytes of memory, pages shared by several processes counted once."""
    total = 0
    for process in family:
        with gone():
            try:
                total += process.memory_full_info().pss
            except psutil.AccessDenied:
                total += process.memory_info().rss
    return total


def clean(message: dict[str, Any]) -> dict[str, Any] | None:
    """What the grader keeps of a message, or None if it is none of those that it reads.

    Examples
    --------
    >>> head = {"msg_type": "stream", "parent_header": {"msg_id": "1"}}
    >>> clean({**head, "content": {"name": "stdout", "text": "hello", "more": 1}})["content"]
    {'name': 'stdout', 'text': 'hello'}
    >>> clean({**head, "content": {"name": "stdout", "text": ["hello"]}}) is None
    True
    """
    kind, parent, content = message.get("msg_type"), message.get("parent_header"), message.get("content")
    if not isinstance(kind, str) or not isinstance(parent, dict) or not isinstance(content, dict):
        return None
    msg_id = parent.get("msg_id")
    if not isinstance(msg_id, str):
        return None
    kept = _content(kind, content)
    return None if kept is None else {"msg_type": kind, "parent_header": {"msg_id": msg_id}, "content": kept}


def _content(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    def text(key: str) -> bool:
        return isinstance(content.get(key), str)

    if kind in ("execute_reply", "kernel_info_reply"):
        payload = content.get("payload")
        asked = isinstance(payload, list) and any(
            isinstance(p, dict) and p.get("source") == "ask_exit" for p in payload
        )
        return {"exit": asked}
    if kind == "status" and text("execution_state"):
        return {"execution_state": content["execution_state"]}
    if kind == "stream" and text("text") and content.get("name") in ("stdout", "stderr"):
        return {"name": content["name"], "text": content["text"].replace("\b", "").replace("\r", "\n")}
    if kind in ("display_data", "execute_result") and isinstance(content.get("data"), dict):
        data = {key: content["data"][key] for key in KEPT_DATA if key in content["data"]}
        return {"data": data, "metadata": {}, "execution_count": 1}
    if kind == "error" and text("ename") and text("evalue") and isinstance(content.get("traceback"), list):
        lines = [line[:2000] for line in content["traceback"][-40:] if isinstance(line, str)]
        return {"ename": content["ename"][:200], "evalue": content["evalue"][:2000], "traceback": lines}
    return None
