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
from dataclasses import dataclass
from pathlib import Path

from .limits import MIB, Limits

PACKAGE = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-I"]
LAUNCHER = str(PACKAGE / "grading" / "launcher.py")
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
        return f"{self.name} ({self.reason})" if self.reason else self.name

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


def inner(command: list[str], files: dict[str, str], limits: Limits) -> list[str]:
    """The command in a room of its own.

    Parameters
    ----------
    command : list of str
    files : dict of str to str
        Where a file of the outside appears inside, read-only.
    limits : Limits
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
    argv += ["--proc", "/proc", "--dev", "/dev", *private, "/dev/shm", "--remount-ro", "/dev"]
    argv += [
        *private,
        "/tmp",
        "--perms",
        "1777",
        "--dir",
        "/tmp/work",
    ]  # before Python, which may be installed below it
    argv += _system() + _python()
    for inside, outside in files.items():
        argv += ["--ro-bind", outside, inside]
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


def _python() -> list[str]:
    """This Python, its packages, and rnnlib: the package only, not the project around it."""
    found = dict.fromkeys([sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix), str(PACKAGE)])
    roots = [root for root in found if not Path(root).is_relative_to("/usr")]
    argv: list[str] = []
    for root in roots:
        for parent in reversed(Path(root).parents):
            if parent != Path("/"):
                argv += ["--perms", "0755", "--dir", str(parent)]
        argv += ["--ro-bind", root, root]
    return argv


@functools.cache
def probe() -> Level:
    """The level that this machine can keep, found by starting a program in the sandbox and asking what it can do."""
    if sys.platform != "linux" or not shutil.which("bwrap"):
        return Level("limited", f"there is no bubblewrap here; {INSTALL}")
    limits = Limits()
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("not for students")
        user = free_user()
        start = [*PYTHON, LAUNCHER, settings(limits, isolated=True, user=user), "probe", str(secret)]
        try:
            run = subprocess.run(
                outer(inner(start, {}, limits)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
            )
            found = json.loads(run.stdout) if run.returncode == 0 else None
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return Level("limited", f"the sandbox could not be tried: {error}")
    if found is None:
        said = run.stderr.strip().splitlines()[-1:] or ["no reason given"]
        return Level("limited", f"the sandbox did not start ({said[0]}); {INSTALL}")
    leaks = {
        "the network is in reach": found["network"],
        "files of the grader can be read": found["secret"],
        "other processes can be seen": found["processes"] > 4,
        f"these folders can be written to: {found['writable']}": bool(found["writable"]),
        "the sandbox runs as root": found["user"] == 0,
    }
    reasons = [reason for reason, leaks_here in leaks.items() if leaks_here]
    return Level("limited", "; ".join(reasons)) if reasons else Level("isolated")
