"""A kernel that is watched: nbval's `RunningKernel`, for code that may do anything.

nbval sends a cell, waits for the reply, then reads the outputs. Here the same calls also notice within a fraction of a
second that the kernel died, that it uses too much, or that it talks too much, and they believe no message: what is not
as the protocol says is dropped. A message can still be forged, by code that runs in the kernel; but all it can carry
is an answer, and the right one is not known there.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from queue import Empty
from typing import Any

import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import LocalPortCache
from nbval.kernel import RunningKernel

from .limits import MIB
from .messages import MAX_ANSWERS, clean, is_answer
from .names import Terms
from .room import KernelFault, KernelLost, Room, RoomLost
from .watch import Clock

CHECK = "rnnlib-check"  # as in `rnnlib.grading.scene`
GRACE = 2.0  # seconds for a cell to end after it was interrupted
SUBSCRIBED = 0.2  # seconds until a kernel that does not greet a subscriber is asked again
KEPT_TEXT = 20_000  # characters of printed text that are kept per cell
CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


class WatchedKernel(RunningKernel):
    """The kernel of one task: a copy of what setup has left in a room.

    Parameters
    ----------
    room : Room
    terms : Terms
        What is asked for, and what is allowed.
    seconds_left : float, optional
        For all cells together; all of the notebook's unless given.

    Raises
    ------
    KernelFault
        If it does not answer within `limits.start_seconds`.
    """

    def __init__(self, room: Room, terms: Terms | None = None, seconds_left: float | None = None) -> None:
        self.room, self.limits = room, room.limits
        self.timed_out = self._stopped = self.checking = False
        self.seconds_left = self.limits.notebook_seconds if seconds_left is None else seconds_left
        self.used = 0.0  # seconds of processor time in the cell that timed out
        self._clock = Clock()
        self._allowed = self.limits.start_seconds
        self._give_up: float | None = None
        self._inbox: deque[dict[str, Any]] = deque()
        self._bytes = self._messages = self._text = self._answers = 0
        self._context = zmq.Context()
        self._context.setsockopt(zmq.MAXMSGSIZE, int(2 * self.limits.output_mb * MIB))
        self._context.setsockopt(zmq.RCVHWM, 16)
        self._context.setsockopt(zmq.RECONNECT_IVL, 20)
        connection = _connection()
        try:
            self.inside, self.outside = room.task(connection, terms or Terms())
            self._connect(connection)
        except (RoomLost, KernelLost, Empty) as error:
            self._stopped = True
            self._context.destroy(linger=0)
            room.stop()
            raise KernelFault(f"the kernel did not start: {error} {room.log()}".strip()) from None

    def _connect(self, connection: dict[str, Any]) -> None:
        self.kc = BlockingKernelClient(context=self._context)
        info: Any = {**connection, "signature_scheme": "hmac-sha256"}
        self.kc.load_connection_info(info)
        self.kc.start_channels(stdin=False, hb=False)
        channels = [self.kc.shell_channel.socket, self.kc.iopub_channel.socket]
        self._monitors = [channel.get_monitor_socket(zmq.EVENT_DISCONNECTED) for channel in channels]
        self._poller = zmq.Poller()
        for channel in channels + self._monitors:
            self._poller.register(channel, zmq.POLLIN)
        self._poller.register(self.room.reports, zmq.POLLIN)
        self._wait_until_ready()
        self._clock = Clock(self.room.processor, self.outside)

    def _wait_until_ready(self) -> None:
        """Both channels work: a reply came, and a sign that outputs will be heard: a greeting or an `idle`."""
        self._begin(self.limits.start_seconds)
        while True:
            msg_id = self.kc.kernel_info()
            self.await_reply(msg_id)
            end = time.monotonic() + SUBSCRIBED
            while time.monotonic() < end:
                while self._inbox:
                    message = self._inbox.popleft()
                    idle = message["content"].get("execution_state") == "idle"
                    if message["msg_type"] == "iopub_welcome" or idle:
                        return
                self._receive(10)

    # what nbval calls

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send a cell; its time, its outputs and its text are counted from here."""
        self.settle()
        self._inbox.clear()
        self._bytes = self._messages = self._text = self._answers = 0
        self.timed_out = False
        self._begin(min(self.limits.cell_seconds, self.seconds_left))
        content = {"code": cell_input, "silent": False, "store_history": False, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": False}  # fmt: skip
        meta = {"cellId": CHECK} if self.checking else {}
        message = self.kc.session.msg("execute_request", content, metadata=meta)
        self.kc.shell_channel.send(message)
        msg_id: str = message["header"]["msg_id"]
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
                self.timed_out, self.used = True, self._clock.used()
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
        return not self._stopped and self.inside not in self.room.ended and self.room.is_alive()

    def stop(self) -> None:
        """End the kernel and everything it started, now; the room stays."""
        if self._stopped:
            return
        self._stopped = True
        self.room.sweep()
        self.settle()
        self.kc.stop_channels()
        self._context.destroy(linger=0)

    # and what it does not know of

    def run(self, source: str, *, check: bool = False) -> list[dict[str, Any]]:
        """Run a cell and return its outputs as messages.

        Raises
        ------
        queue.Empty
            If its time is over; the cell may still be running.
        KernelLost
            If the kernel died or went beyond a limit.
        """
        self.checking = check
        msg_id = self.execute_cell_input(source)
        self.await_reply(msg_id)
        outputs: list[dict[str, Any]] = []
        while True:
            message = self.get_message("iopub", timeout=GRACE)
            if message["parent_header"]["msg_id"] == msg_id:
                if message["content"].get("execution_state") == "idle":
                    return outputs
                outputs.append(message)

    def settle(self) -> None:
        """Book the last cell's time."""
        self.seconds_left -= self._clock.seconds()
        self._clock.start()
        self._give_up = None

    def _begin(self, allowed: float) -> None:
        self._clock.start()
        self._allowed = allowed

    def _receive(self, milliseconds: int = 100) -> list[dict[str, Any]]:
        """Wait a moment; queue the outputs that came, return the replies, look at the processes when it is time."""
        ready = dict(self._poller.poll(milliseconds))
        replies = []
        if self.kc.iopub_channel.socket in ready:
            self._inbox.extend(self._read(self.kc.iopub_channel.socket, outputs=True))
        if self.kc.shell_channel.socket in ready:
            replies = self._read(self.kc.shell_channel.socket, outputs=False)
        if self.room.reports in ready:
            self._listen()
        if not replies:
            if any(monitor in ready for monitor in self._monitors):
                self._disconnected()
            self._lost_if_ended()
        if time.monotonic() > self.room.next_watch:
            self.room.watch()
        return replies

    def _listen(self) -> None:
        """What the stage says: a task ended; or nothing any more, which is a student's doing while a cell runs."""
        try:
            self.room.hear(0)
        except RoomLost as lost:
            raise KernelLost("crash", str(lost), again=True) from None

    def _lost_if_ended(self) -> None:
        if self.inside in self.room.ended:
            raise KernelLost("crash", self.room.last_words(self.room.ended[self.inside]), again=True)

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
            if is_answer(kept):
                self._answers += 1
                if self._answers > MAX_ANSWERS:  # one too many is enough to know
                    continue
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
            self._listen()
            self._lost_if_ended()
            time.sleep(0.02)
        raise KernelLost("output limit", f"One output is larger than {2 * self.limits.output_mb:g} MiB.")


def _connection() -> dict[str, Any]:
    """Where a kernel listens: five free ports of loopback, and the key that its messages are signed with."""
    ports = LocalPortCache.instance()
    found: dict[str, Any] = {channel: ports.find_available_port("127.0.0.1") for channel in CHANNELS}
    return {**found, "ip": "127.0.0.1", "transport": "tcp", "key": secrets.token_hex(16)}
