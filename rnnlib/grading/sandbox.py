"""The sandbox: bubblewrap around the kernel, and a second, thin one around the process that grades.

    outer   own network (nothing but loopback), own process ids; everything else as it is
      pytest with nbval: trusted; reads the expected answers
      inner   own process ids, read-only system, private /tmp, no other files; a user that owns nothing
        the kernel: the student's code

The network is made around both, so that loopback reaches from one to the other and nowhere else. Whether all of
this works on a machine is found out by trying (`probe`): containers and hardened systems often forbid some of it.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .limits import MIB, Limits
from .watch import Folders, descendants, gone

PACKAGE = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-I"]
LAUNCHER = str(PACKAGE / "grading" / "launcher.py")
COURSE = PACKAGE.parent / "book" / "solutions"  # where right answers lie if nobody says otherwise
NOTHING: Mapping[str, str] = {}
PRIVATE = ("/tmp", "/dev/shm")
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "timezone")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "PYTHONDONTWRITEBYTECODE": "1",
    # one thread each: notebooks are graded side by side
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
INSTALL = "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and allow it to make namespaces"


COUNTED = "memory and processor time are counted from outside, five times a second"


@dataclass(frozen=True)
class Level:
    """How well submissions are kept apart from the rest of this machine.

    Attributes
    ----------
    name : {"isolated", "limited"}
    reason : str
        Why it is no better; empty if isolated.
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason or COUNTED})"

    @property
    def isolated(self) -> bool:
        """Whether hostile code is held."""
        return self.name == "isolated"


def settings(limits: Limits, *, isolated: bool, user: int | None) -> str:
    """What the launcher is told, as JSON."""
    own_user = isolated or user is not None
    data = {key: limits.to_json()[key] for key in ("file_mb", "memory_mb", "notebook_seconds", "processes")}
    return json.dumps({**data, "own_user": own_user, "user": user})


def free_user() -> int | None:
    """A user id that nobody has, for one sandbox started by root; None if we are not root.

    The operating system counts processes per user: with a user of its own, a submission that starts as many as it may
    takes none away from those beside it.
    """
    if os.geteuid() != 0:
        return None
    with open("/proc/self/uid_map") as file:
        known = int(file.readline().split()[2])
    room = min(known, 1 << 30) - 30_000
    return 30_000 + secrets.randbelow(room) if room > 0 else known - 1


def outer(command: list[str]) -> list[str]:
    """The command in a network of its own and with process ids of its own; its end is the end of all it started."""
    bwrap = shutil.which("bwrap") or "bwrap"
    flags = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session"]
    return [bwrap, "--dev-bind", "/", "/", "--proc", "/proc", *flags, "--", *command]


def inner(
    command: list[str], limits: Limits, hidden: Iterable[str] = (), files: Mapping[str, str] = NOTHING
) -> list[str]:
    """The command in a room of its own.

    Parameters
    ----------
    command : list of str
    limits : Limits
    hidden : iterable of str
        Folders that must look empty inside, wherever they lie.
    files : mapping of str to str
        Names of files in the working folder there, and where they lie outside: they can be read, and not be changed.
    """
    argv = [shutil.which("bwrap") or "bwrap"]
    argv += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    argv += ["--die-with-parent", "--new-session", "--clearenv"]
    if os.geteuid() == 0:
        argv += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        argv += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    for name, value in ENVIRONMENT.items():
        argv += ["--setenv", name, value]
    private = ["--size", str(limits.disk_mb * MIB), "--perms", "1777", "--tmpfs"]
    argv += ["--proc", "/proc", "--dev", "/dev", *private, PRIVATE[1], "--remount-ro", "/dev"]
    # before Python, which may be installed below it
    argv += [*private, PRIVATE[0], "--perms", "1777", "--dir", "/tmp/work"]
    argv += _system() + _python() + _hidden(hidden)
    for name, path in files.items():
        argv += ["--ro-bind", path, f"/tmp/work/{name}"]
    return [*argv, "--remount-ro", "/", "--chdir", "/tmp/work", "--", *command]


def _system() -> list[str]:
    """Programs and libraries of the operating system; of /etc only what they need."""
    argv = ["--ro-bind", "/usr", "/usr"]
    for path in SYSTEM:
        if os.path.islink(path):
            argv += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            argv += ["--ro-bind", path, path]
    for name in ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return argv


def _roots() -> list[str]:
    """This Python, its packages, and rnnlib: the package only, not the project around it."""
    found = dict.fromkeys([sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix), str(PACKAGE)])
    return [root for root in found if not Path(root).is_relative_to("/usr")]


def _python() -> list[str]:
    argv: list[str] = []
    for root in _roots():
        for parent in reversed(Path(root).parents):
            if parent != Path("/"):
                argv += ["--perms", "0755", "--dir", str(parent)]
        argv += ["--ro-bind", root, root]
    return argv


def _hidden(folders: Iterable[str]) -> list[str]:
    """An empty folder over each that would be seen; where Python lies below one, Python is shown again."""
    argv: list[str] = []
    shown = [Path(root) for root in ("/usr", *(path for path in SYSTEM if os.path.isdir(path)), *_roots())]
    for folder in dict.fromkeys(os.path.realpath(name) for name in folders):
        if not os.path.isdir(folder) or not any(Path(folder).is_relative_to(root) for root in shown):
            continue
        argv += ["--perms", "0555", "--tmpfs", folder]
        for root in shown:
            if root != Path(folder) and root.is_relative_to(folder):
                argv += ["--ro-bind", str(root), str(root)]
    return argv


def _try(command: list[str]) -> tuple[dict[str, Any] | None, str]:
    """What the probe reports, and whether what it holds can be counted meanwhile; or None, and why it did not start."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            line = process.stdout.readline()
            found = json.loads(line) if line else None
            if found is not None:
                found["counted"] = can_count(process.pid)
            process.stdin.close()
            said = process.stderr.read().strip().splitlines()[-1:]
            return found, said[0] if said else "no reason given"
        finally:
            timer.cancel()
            process.kill()


def can_count(pid: int) -> bool:
    """Whether the memory of a sandbox's processes and of its private folders can be seen from outside."""
    family = descendants(pid)
    folders = Folders(family[-1].pid, PRIVATE) if family else None
    try:
        with gone():
            return bool(family) and folders is not None and folders.complete and family[-1].memory_full_info().pss > 0
        return False
    finally:
        if folders is not None:
            folders.close()


@functools.cache
def probe(hidden: tuple[str, ...] = ()) -> Level:
    """The level that this machine can keep, found by starting a program in the sandbox and asking what it can do.

    Parameters
    ----------
    hidden : tuple of str
        The real folders of right answers, submissions and results: none of them may be in sight.
    """
    if sys.platform != "linux" or not shutil.which("bwrap"):
        return Level("limited", f"there is no bubblewrap here; {INSTALL}")
    limits = Limits()
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("not for students")
        places = json.dumps([str(secret), *dict.fromkeys([*hidden, *map(os.path.realpath, hidden), str(COURSE)])])
        start = [*PYTHON, LAUNCHER, settings(limits, isolated=True, user=free_user()), "probe", places]
        try:
            found, said = _try(outer(inner(start, limits, [*hidden, str(COURSE)])))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return Level("limited", f"the sandbox could not be tried: {error}")
    if found is None:
        return Level("limited", f"the sandbox did not start ({said}); {INSTALL}")
    leaks = {
        "the network is in reach": found["network"] or found["vsock"],
        f"these can be read: {', '.join(found['readable'])}": bool(found["readable"]),
        "other processes can be seen": found["processes"] > 4,
        f"these folders can be written to: {', '.join(found['writable'])}": bool(found["writable"]),
        "the sandbox runs as root": found["user"] == 0,
        f"these calls of the system are open: {', '.join(found['calls'])}": bool(found["calls"]),
        "its memory cannot be counted from outside": not found["counted"],
    }
    reasons = [reason for reason, leaks_here in leaks.items() if leaks_here]
    return Level("limited", "; ".join(reasons)) if reasons else Level("isolated")
