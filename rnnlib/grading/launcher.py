"""The first program inside the sandbox: sets limits, gives up all rights, becomes the kernel.

Run as `python -I launcher.py SETTINGS COMMAND ARGUMENT`, with SETTINGS a JSON object of limits. The command is
`kernel FILE` for a Jupyter kernel with that connection file, or `probe SECRET`, which reports what it can reach.
It is a script of its own, without imports from rnnlib, because it must be in force before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys

MIB = 1 << 20


def limit(settings: dict) -> None:
    """Set the limits that the operating system keeps for each process."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: settings["file_mb"] * MIB,
        # address space is more than memory: libraries reserve what they never touch
        resource.RLIMIT_AS: 2 * settings["memory_mb"] * MIB + 2048 * MIB,
        resource.RLIMIT_CPU: int(2 * settings["notebook_seconds"]) + 10,
    }
    if settings["own_user"]:
        # counted per user: only where the sandbox has a user of its own
        wanted[resource.RLIMIT_NPROC] = 2 * settings["processes"] + 40
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def become(user: int | None) -> None:
    """Give up root for a user that owns nothing."""
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


def run_kernel(connection_file: str) -> None:
    """Become an IPython kernel without history, and without the long tracebacks that nobody reads here."""
    from ipykernel import kernelapp

    sys.argv = ["kernel", "-f", connection_file, "--HistoryManager.enabled=False", "--InteractiveShell.xmode=Minimal"]
    sys.argv += ["--IPKernelApp.log_level=40"]
    kernelapp.launch_new_instance()


def run_probe(secret: str) -> None:
    """Print as JSON what a program in this place can do."""
    writable: list[str] = []
    found = {"user": os.getuid(), "network": False, "secret": True, "processes": 0, "writable": writable}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # a route is enough: nothing is sent
        found["network"] = True
    try:
        with open(secret, "rb"):
            pass
    except OSError:
        found["secret"] = False
    found["processes"] = sum(name.isdigit() for name in os.listdir("/proc"))
    for folder in ("/", "/dev", "/usr", os.path.dirname(__file__)):
        with contextlib.suppress(OSError):
            path = os.path.join(folder, f"probe-{os.getpid()}")
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL))
            os.unlink(path)
            writable.append(folder)
    print(json.dumps(found))


def main() -> None:
    """Limits first, then rights, then the command."""
    settings = json.loads(sys.argv[1])
    command, argument = sys.argv[2:]
    if not settings["own_user"]:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: do not outlive the grader
    limit(settings)
    become(settings["user"])
    {"kernel": run_kernel, "probe": run_probe}[command](argument)


if __name__ == "__main__":
    main()
