"""The first program inside the sandbox: sets limits, gives up all rights, becomes the stage on which cells run.

Run as `python -I launcher.py SETTINGS COMMAND ARGUMENT`, with SETTINGS a JSON object of limits. The command is
`stage -`, see `rnnlib.grading.stage`, or `probe PLACES`, which reports what a program in this place can do.
It is a script of its own, without imports from rnnlib, because it must be in force before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import signal
import socket
import struct
import sys

MIB = 1 << 20
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
FAMILIES = (1, 2, 10, 16)  # sockets: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; AF_VSOCK leads out of the namespaces
JOIN_SESSION_KEYRING = 1

# What no exercise needs, by its number on each processor: keys of the operating system, memory that no page table
# shows, other programs' memory, namespaces and mounts in which a limit does not hold, the kernel's own machinery.
FORBIDDEN = {
    # name: (x86_64, aarch64)
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "userfaultfd": (323, 282), "vmsplice": (278, 75),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "perf_event_open": (298, 241), "bpf": (321, 280),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170), "clock_settime": (227, 112),
}  # fmt: skip
OTHERS = {"clone": (56, 220), "clone3": (435, 435), "socket": (41, 198)}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the table, name in the filter


def limit(settings: dict) -> None:
    """Set the limits that the operating system keeps for each process."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,  # buffers of sockets and pipes are memory too
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


def number(name: str, machine: str) -> int:
    """A system call's number."""
    return {**FORBIDDEN, **OTHERS}[name][MACHINES[machine][0]]


def new_keyring(machine: str) -> None:
    """A session keyring of its own: the caller's keys stay out of reach."""
    ctypes.CDLL(None).syscall(number("keyctl", machine), JOIN_SESSION_KEYRING, None, 0, 0, 0)


def program(machine: str) -> bytes:
    """The filter of system calls, as instructions of the classic Berkeley packet filter.

    A forbidden call fails with EPERM, as it does for a user without rights; so libraries that only try it go on.
    """
    load, equal, greater, masked, give = 0x20, 0x15, 0x35, 0x45, 0x06  # ld, jeq, jge, jset, ret
    allow, deny = 0x7FFF0000, 0x00050000

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    def fail(number: int) -> bytes:
        return step(give, 0, 0, 0)[:4] + struct.pack("I", deny | number)

    lines = [step(load, 4), step(equal, MACHINES[machine][1], 1, 0), fail(errno.ENOSYS), step(load, 0)]
    if machine == "x86_64":
        lines += [step(greater, 0x40000000, 0, 1), fail(errno.ENOSYS)]  # its second, 32-bit set of calls
    for name in FORBIDDEN:
        lines += [step(equal, number(name, machine), 0, 1), fail(errno.EPERM)]
    # where glibc gets ENOSYS for clone3, whose flags lie in memory, it uses clone, whose flags can be seen
    lines += [step(equal, number("clone3", machine), 0, 1), fail(errno.ENOSYS)]
    lines += [step(equal, number("clone", machine), 0, 4), step(load, 16), step(masked, NEW_NAMESPACES, 0, 1)]
    lines += [fail(errno.EPERM), step(give, allow)]
    lines += [step(equal, number("socket", machine), 0, 3 + len(FAMILIES)), step(load, 16)]
    lines += [step(equal, family, len(FAMILIES) - place, 0) for place, family in enumerate(FAMILIES)]
    return b"".join([*lines, fail(errno.EAFNOSUPPORT), step(give, allow), step(give, allow)])


def filter_calls(machine: str) -> bool:
    """Put the filter into force for this process and all that it will start; whether that worked."""
    code = program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(libc.prctl(PR_SET_SECCOMP, 2, ctypes.create_string_buffer(head, len(head)), 0, 0) == 0)


def run_stage(_: str) -> None:
    """Become the stage."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # a student's process cannot write to its memory
    from rnnlib.grading.stage import main

    main()


def run_probe(places: str) -> None:
    """Print as JSON what a program in this place can do."""
    wanted = json.loads(places)
    print(json.dumps({
        "user": os.getuid(),
        "network": _network(),
        "readable": [path for path in wanted if _readable(path)],
        "processes": sum(name.isdigit() for name in os.listdir("/proc")),
        "writable": [folder for folder in ("/", "/dev", "/usr", os.path.dirname(__file__)) if _writable(folder)],
        "calls": _calls(),
        "vsock": _socket(40),
    }))  # fmt: skip


def _network() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # a route is enough: nothing is sent
        return True
    return False


def _socket(family: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM):
        return True
    return False


def _readable(path: str) -> bool:
    """Whether a file, or anything in a folder, can be read."""
    try:
        if not os.path.isdir(path):
            with open(path, "rb"):
                return True
        return bool(os.listdir(path))
    except OSError:
        return False


def _writable(folder: str) -> bool:
    with contextlib.suppress(OSError):
        path = os.path.join(folder, f"probe-{os.getpid()}")
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL))
        os.unlink(path)
        return True
    return False


def _calls() -> list[str]:
    """The system calls among the worst that are not refused."""
    libc, machine, found = ctypes.CDLL(None, use_errno=True), platform.machine(), []
    if machine not in MACHINES:
        return [f"those of {machine}"]
    tried: dict[str, tuple] = {
        "keyctl": (0, -3, 0), "memfd_create": (b"probe", 0), "userfaultfd": (0,), "shmget": (0, 4096, 0o1600),
        "io_uring_setup": (0, None), "unshare": (0x10000000,), "ptrace": (0, 0, 0, 0),
    }  # fmt: skip
    for name, arguments in tried.items():
        ctypes.set_errno(0)
        if libc.syscall(number(name, machine), *arguments) != -1 or ctypes.get_errno() != errno.EPERM:
            found.append(name)
    return found


def main() -> None:
    """Limits first, then rights, then the command."""
    settings = json.loads(sys.argv[1])
    command, argument = sys.argv[2:]
    machine = platform.machine()
    if not settings["own_user"]:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # do not outlive the grader
    limit(settings)
    become(settings["user"])
    if machine in MACHINES:
        new_keyring(machine)
        filter_calls(machine)
    {"stage": run_stage, "probe": run_probe}[command](argument)


if __name__ == "__main__":
    main()
