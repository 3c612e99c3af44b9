"""What the sandbox hides and forbids, tried by starting it."""

import ctypes
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlib.grading import launcher, sandbox
from rnnlib.grading.limits import Limits
from rnnlib.grading.watch import INODE

LEVEL = sandbox.probe()
needs_sandbox = pytest.mark.skipif(not LEVEL.isolated, reason=LEVEL.reason)
INSIDE = Path(sys.prefix) / "share"  # a place that the sandbox shows


@pytest.fixture
def course():
    """A course below Python's own folder, as in a container that holds both."""
    folder = INSIDE / f"course-{os.getpid()}"
    folder.mkdir(parents=True)
    (folder / "04.answers.json").write_text("the right answers")
    yield folder
    (folder / "04.answers.json").unlink()
    folder.rmdir()


def inside(code: str, *hidden: Path) -> str:
    """What a program prints there."""
    command = sandbox.inner([*sandbox.PYTHON, "-c", code], Limits(), [str(path) for path in hidden])
    run = subprocess.run(sandbox.outer(command), capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@needs_sandbox
def test_answers_are_hidden_wherever_they_lie(course):
    look = f"import os; print(os.listdir({str(course)!r}))"
    assert inside(look) == "['04.answers.json']", "the case that this is about"
    assert inside(look, course) == "[]"
    assert inside(f"import os, numpy; print(os.listdir({str(course)!r}))", course) == "[]"


@needs_sandbox
def test_a_folder_that_holds_python_itself_can_be_hidden(course):
    """What lies below it is shown again, and nothing else."""
    above = Path(sys.prefix).parent
    look = f"import os, json, numpy; print(json.dumps(os.listdir({str(above)!r})))"
    assert set(json.loads(inside(look, above))) <= {Path(sys.prefix).name, "rnnlib"}
    assert sandbox.probe((str(course), str(above.parent / "nowhere"))).isolated


@needs_sandbox
def test_the_level_is_tried_against_the_real_folders(course, monkeypatch):
    assert sandbox.probe((str(course),)).isolated
    monkeypatch.setattr(sandbox, "_hidden", lambda folders: [])
    sandbox.probe.cache_clear()
    level = sandbox.probe((str(course),))
    sandbox.probe.cache_clear()
    assert not level.isolated and f"these can be read: {course}" in level.reason


@needs_sandbox
def test_a_level_without_the_filter_is_not_isolated(tmp_path, monkeypatch):
    text = Path(sandbox.LAUNCHER).read_text().replace("        filter_calls(machine)\n", "")
    weak = Path(sys.prefix) / f"launcher-{os.getpid()}.py"
    weak.write_text(text)
    try:
        monkeypatch.setattr(sandbox, "LAUNCHER", str(weak))
        sandbox.probe.cache_clear()
        level = sandbox.probe()
        assert not level.isolated
        for call in ("keyctl", "memfd_create", "shmget", "unshare"):
            assert call in level.reason
    finally:
        sandbox.probe.cache_clear()
        weak.unlink()


@needs_sandbox
def test_a_level_whose_memory_cannot_be_counted_is_not_isolated(monkeypatch):
    monkeypatch.setattr(sandbox, "can_count", lambda pid: False)
    sandbox.probe.cache_clear()
    level = sandbox.probe()
    sandbox.probe.cache_clear()
    assert not level.isolated and "its memory cannot be counted from outside" in level.reason


def test_the_filter_is_well_formed_for_each_machine():
    """A jump must end inside the program, the last step must return."""
    for machine in launcher.MACHINES:
        code = launcher.program(machine)
        steps = [code[start : start + 8] for start in range(0, len(code), 8)]
        assert len(code) % 8 == 0 and len(steps) < 4096
        for place, step in enumerate(steps):
            if step[0] & 7 == 5:  # a jump
                assert place + 1 + max(step[2], step[3]) < len(steps)
        assert steps[-1][0] == 6


@pytest.mark.skipif(platform.machine() not in launcher.MACHINES, reason="no filter for this machine")
def test_the_keys_of_the_caller_stay_his_own():
    """A session keyring of its own: what lies in ours is not found there."""
    libc, machine = ctypes.CDLL(None, use_errno=True), platform.machine()
    add, keyctl = launcher.number("add_key", machine), launcher.number("keyctl", machine)
    code = f"""
import ctypes, sys
sys.path.insert(0, {str(Path(sandbox.LAUNCHER).parent)!r})
import launcher
launcher.new_keyring({machine!r})
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({keyctl}, 10, -3, b"user", b"rnnlib-test", 0))  # search the session keyring
"""
    launcher.new_keyring(machine)  # of this process; nothing of the user's is touched
    key = libc.syscall(add, b"user", b"rnnlib-test", b"secret", 6, -3)
    if key < 0:
        pytest.skip("no keyrings here")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "-1"
    found = subprocess.run([sys.executable, "-c", code.replace("launcher.new_keyring", "str")],
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert int(found.stdout) == key, "the case that this is about"


@needs_sandbox
def test_an_empty_file_in_memory_takes_what_is_counted(tmp_path):
    """The system's own count of its memory, before and after many empty files."""
    if not Path("/proc/meminfo").exists():
        pytest.skip("no /proc/meminfo")
    code = """
def slab(): return next(int(l.split()[1]) for l in open('/proc/meminfo') if l.startswith('SUnreclaim') or False) * 1024
before, n = slab(), 60000
for i in range(n): open(f'/tmp/{i}', 'w').close()
print((slab() - before) / n)"""
    assert float(inside(code)) < 2 * INODE


def test_settings_for_the_launcher_name_every_limit():
    told = json.loads(sandbox.settings(Limits(), isolated=True, user=None))
    assert set(told) == {"file_mb", "memory_mb", "notebook_seconds", "processes", "own_user", "user"}
