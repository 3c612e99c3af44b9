"""The stage on which cells run: one Python that has run the setup cells, and for each task a copy of it.

    stage     runs the exercise's own setup cells, and nothing of the student's
      task    a copy (`fork`) for one task: an IPython kernel that runs the student's cells, then the check cells

So each task starts from what setup gave it, whatever the answers to other tasks did to names, modules or settings,
and a copy costs a fraction of a new Python. The grader's side is `rnnlib.grading.room`. They talk in lines of JSON:

    {"run": source}                            ->  {"ran": null}, or {"ran": [name of the error, message]}
    {"task": {connection, asked, ...}}         ->  {"ready": pid}, then {"ended": [pid, status]} when it ends
    {"end": pid}                               ->  {"ended": ...}
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import sys
import traceback
from typing import Any

sys.modules["debugpy"] = None  # type: ignore[assignment] # a debugger that nobody will use takes long to load
import ipykernel.debugger  # noqa: E402, F401

del sys.modules["debugpy"]

# loaded here, once, and not by each task
import IPython.core.debugger  # noqa: E402
import IPython.extensions.storemagic  # noqa: E402, F401
import psutil  # noqa: E402, F401
import tornado.platform.asyncio  # noqa: E402
import tornado.queues  # noqa: E402, F401
from ipykernel.kernelapp import IPKernelApp  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from jupyter_client.localinterfaces import local_ips  # noqa: E402
from traitlets.config import Config  # noqa: E402

from .scene import PlayedKernel, Scene  # noqa: E402

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4


def main() -> None:
    """Serve until the grader closes the line."""
    commands, reports = os.dup(0), os.dup(1)  # nobody else has them: a task closes them, a program never inherits them
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what setup prints goes into the log
    Stage(commands, reports).serve()


class Stage:
    """The process that runs setup and makes copies of itself."""

    def __init__(self, commands: int, reports: int) -> None:
        self.commands, self.reports = commands, reports
        settings = Config(HistoryManager={"enabled": False}, InteractiveShell={"xmode": "Minimal", "colors": "nocolor"})
        self.shell = InteractiveShell.instance(config=settings)
        local_ips()  # remembered
        self.tasks: dict[int, int] = {}  # file descriptor of a process to its pid
        self.selector = selectors.DefaultSelector()
        self.selector.register(commands, selectors.EVENT_READ)

    def serve(self) -> None:
        """Do as the lines say."""
        self.report({"up": os.getpid()})
        pending = b""
        while True:
            for key, _ in self.selector.select():
                if key.fd != self.commands:
                    self.reap(key.fd)
                    continue
                data = os.read(self.commands, 1 << 16)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def report(self, data: dict[str, Any]) -> None:
        """A line to the grader."""
        os.write(self.reports, json.dumps(data).encode("ascii") + b"\n")

    def obey(self, command: dict[str, Any]) -> None:
        """Run a setup cell, start a task, or end one."""
        if "run" in command:
            result = self.shell.run_cell(command["run"], store_history=False)
            error = result.error_before_exec or result.error_in_exec
            said = None if error is None else [type(error).__name__[:200], str(error)[:2000]]
            sys.stdout.flush()
            self.report({"ran": said})
        elif "task" in command:
            self.start(command["task"])
        elif "end" in command:
            with contextlib.suppress(OSError):
                os.kill(command["end"], signal.SIGKILL)

    def start(self, told: dict[str, Any]) -> None:
        """Fork a task."""
        pid = os.fork()
        if pid:
            file = os.pidfd_open(pid)
            self.tasks[file] = pid
            self.selector.register(file, selectors.EVENT_READ)
            return
        status = 1
        try:
            self.selector.close()
            for file in (self.commands, *self.tasks):
                os.close(file)
            self.play(told)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def reap(self, file: int) -> None:
        """A task ended."""
        pid = self.tasks.pop(file)
        self.selector.unregister(file)
        os.close(file)
        _, status = os.waitpid(pid, 0)
        self.report({"ended": [pid, os.waitstatus_to_exitcode(status)]})

    def play(self, told: dict[str, Any]) -> None:
        """In the copy: become a kernel, say so, and serve it until the end."""
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        os.setsid()
        scene = Scene(self.shell.user_module, told["asked"], told["may_change"], told["without"])
        InteractiveShell.clear_instance()
        app = StageApp.instance(kernel_class=PlayedKernel)
        where = dict(told["connection"])
        key = where.pop("key").encode("ascii")
        app.update_config(Config(StageApp=where, Session={"key": key}))
        options = ["--HistoryManager.enabled=False", "--InteractiveShell.xmode=Minimal", "--IPKernelApp.log_level=40"]
        app.initialize(options)
        app.kernel.scene = scene
        scene.open(app.shell)
        self.report({"ready": os.getpid()})
        os.close(self.reports)
        app.start()


class StageApp(IPKernelApp):
    """A kernel that is told where to listen, and writes that into no file: the disk may be full."""

    def init_connection_file(self) -> None:
        """Nothing."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """Nothing."""

    def log_connection_info(self) -> None:
        """Nothing: the grader knows."""
