"""The watched kernel: notices death and greed at once, survives what it is told."""

import os
import time
from queue import Empty

import psutil
import pytest

from rnnlib.grading import kernel as module
from rnnlib.grading.kernel import Clock, KernelFault, KernelLost, WatchedKernel, clean, descendants, gone
from rnnlib.grading.limits import Limits

LIMITS = Limits(cell_seconds=2, notebook_seconds=60, memory_mb=700, output_mb=2, output_messages=500)


@pytest.fixture
def kernel(tmp_path):
    watched = WatchedKernel(tmp_path / "kernel", LIMITS, isolated=False)
    yield watched
    watched.stop()


def texts(messages):
    return "".join(item["content"]["text"] for item in messages if item["msg_type"] == "stream")


def test_cells_share_a_namespace_and_their_outputs_come_back(kernel):
    kernel.run("x = 20")
    assert texts(kernel.run("print(x + 1)")) == "21\n"
    [error] = [item for item in kernel.run("1 / 0") if item["msg_type"] == "error"]
    assert error["content"]["ename"] == "ZeroDivisionError"
    home = os.environ.get("HOME")
    assert texts(kernel.run(f"import os; print(os.environ['HOME'] == {home!r})")) == "False\n"


@pytest.mark.alone
def test_a_dead_kernel_is_noticed_within_a_second(kernel):
    start = time.perf_counter()
    with pytest.raises(KernelLost, match="exit status 7") as lost:
        kernel.run("import os; os._exit(7)")
    assert time.perf_counter() - start < 1
    assert lost.value.again
    assert not kernel.is_alive()


def test_a_cell_that_takes_too_long_can_be_interrupted_and_the_kernel_goes_on(kernel):
    start = time.monotonic()
    with pytest.raises(Empty):
        kernel.run("while True: pass")
    assert kernel.timed_out and time.monotonic() - start >= LIMITS.cell_seconds
    kernel.interrupt()
    assert texts(kernel.run("print('alive')")) == "alive\n"
    assert kernel.seconds_left < LIMITS.notebook_seconds - LIMITS.cell_seconds


def test_what_is_printed_is_kept_only_in_part(kernel):
    kept = texts(kernel.run("print('x' * 10**6)"))
    assert kept == "x" * module.KEPT_TEXT
    with pytest.raises(KernelLost) as lost:
        kernel.run("print('x' * 3 * 10**6)")
    assert lost.value.verdict == "output limit"


def test_the_end_of_a_kernel_is_the_end_of_its_children(kernel):
    kernel.run("import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)")
    family = descendants(kernel.process.pid)
    assert any(process.name() == "sleep" for process in family)
    kernel.stop()
    psutil.wait_procs(family, timeout=5)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    kernel.stop()


def test_a_kernel_that_does_not_start_is_a_fault_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(module.sandbox, "LAUNCHER", str(tmp_path / "nothing.py"))
    with pytest.raises(KernelFault, match=r"did not start.*exit status 2.*nothing\.py"):
        WatchedKernel(tmp_path / "kernel", LIMITS, isolated=False)


def test_waiting_for_a_processor_does_not_count(monkeypatch):
    now, waited = [100.0], [3.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    clock = Clock()
    monkeypatch.setattr(clock, "_delay", lambda: waited[0])
    clock.start()
    now[0], waited[0] = 110.0, 9.0
    assert clock.seconds() == 4
    waited[0] = 13.0
    assert clock.seconds() == 10 / module.CROWDED
    assert Clock([os.getpid()]).seconds() >= 0


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"msg_type": 3, "parent_header": {"msg_id": "1"}, "content": {}},
        {"msg_type": "status", "parent_header": None, "content": {}},
        {"msg_type": "status", "parent_header": {"msg_id": 1}, "content": {"execution_state": "idle"}},
        {"msg_type": "status", "parent_header": {"msg_id": "1"}, "content": []},
        {"msg_type": "status", "parent_header": {"msg_id": "1"}, "content": {"execution_state": ["idle"]}},
        {"msg_type": "display_data", "parent_header": {"msg_id": "1"}, "content": {"data": "x"}},
        {
            "msg_type": "error",
            "parent_header": {"msg_id": "1"},
            "content": {"ename": "x", "evalue": "y", "traceback": "z"},
        },
        {"msg_type": "stream", "parent_header": {"msg_id": "1"}, "content": {"name": "stdin", "text": "x"}},
        {"msg_type": "comm_open", "parent_header": {"msg_id": "1"}, "content": {}},
    ],
)
def test_messages_that_break_the_protocol_are_dropped(message):
    assert clean(message) is None


def test_only_answers_and_text_are_kept_of_a_display():
    content = {"data": {"image/png": "x" * 99, "text/plain": "y", module.MIME: {"task": "t"}}, "metadata": {"a": 1}}
    kept = clean({"msg_type": "display_data", "parent_header": {"msg_id": "1"}, "content": content})
    assert set(kept["content"]["data"]) == {"text/plain", module.MIME}
    assert kept["content"]["metadata"] == {}


def test_looking_at_a_process_that_is_gone_is_no_error():
    with gone():
        raise psutil.NoSuchProcess(1)
    with pytest.raises(ValueError), gone():
        raise ValueError
