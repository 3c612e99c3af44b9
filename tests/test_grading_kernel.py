"""The watched kernel: notices death and greed at once, survives what it is told."""

import os
import time
from queue import Empty

import psutil
import pytest

from rnnlib.grading import kernel as module
from rnnlib.grading import room as rooms
from rnnlib.grading import watch
from rnnlib.grading.answers import MIME
from rnnlib.grading.kernel import WatchedKernel
from rnnlib.grading.limits import CROWDED, Limits
from rnnlib.grading.messages import clean
from rnnlib.grading.names import Terms
from rnnlib.grading.room import KernelFault, KernelLost, Room
from rnnlib.grading.watch import Clock, Processor, descendants, gone, inner_pid

LIMITS = Limits(cell_seconds=2, notebook_seconds=60, memory_mb=700, output_mb=2, output_messages=500)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    stage = Room(tmp_path_factory.mktemp("room"), LIMITS, isolated=False)
    assert stage.setup("import numpy as np\nfrom rnnlib.grading import answer\ngiven = [1, 2]") is None
    yield stage
    stage.stop()


@pytest.fixture
def kernel(room):
    watched = WatchedKernel(room, Terms(("f", "C")))
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


HANGS = """
import os, time
from pathlib import Path
def hang():
    if {all} or not Path("hung").exists():
        Path("hung").touch()
        time.sleep(1000)
os.register_at_fork(after_in_child=hang)
"""


@pytest.mark.parametrize("always", [False, True])
def test_a_copy_that_hangs_at_its_start_is_made_once_more(tmp_path, always):
    limits = Limits(start_seconds=20 if not always else 4)
    stage = Room(tmp_path / "room", limits, isolated=False)
    try:
        assert stage.setup(HANGS.format(all=always)) is None
        if always:
            with pytest.raises(KernelFault, match="no answer within 2 seconds"):
                WatchedKernel(stage)
        else:
            kernel = WatchedKernel(stage)
            assert texts(kernel.run("print('alive')")) == "alive\n"
            kernel.stop()
    finally:
        stage.stop()


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
    family = descendants(kernel.outside)
    assert any(process.name() == "sleep" for process in family)
    kernel.stop()
    psutil.wait_procs(family, timeout=5)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    kernel.stop()


def test_a_stage_that_does_not_start_is_a_fault_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms.sandbox, "LAUNCHER", str(tmp_path / "nothing.py"))
    with pytest.raises(KernelFault, match=r"did not start.*exit status 2.*nothing\.py"):
        Room(tmp_path / "room", LIMITS, isolated=False)


def test_setup_that_fails_says_how(room):
    assert room.setup("1 / 0") == ("ZeroDivisionError", "division by zero")
    assert room.setup("def f(:") is not None


def test_each_task_starts_from_what_setup_gave(room):
    first = WatchedKernel(room)
    first.run("given.append(3); np.zeros = None; import sys; sys.setrecursionlimit(60)")
    first.stop()
    second = WatchedKernel(room)
    assert texts(second.run("print(given, np.zeros(1), sys.getrecursionlimit() if 'sys' in dir() else '')")) == (
        "[1, 2] [0.] \n"
    )
    second.stop()


def answers(messages):
    return [item["content"]["data"][MIME] for item in messages if MIME in item["content"].get("data", {})]


def test_a_check_cell_sees_what_setup_gave_and_what_is_asked_for(kernel):
    kernel.run("answer = np = given = print = 3\ndef f(x): return x + 1\nother = 4")
    check = "x = f(given[0])\nprint('other' in dir(), np.ones(1))\nanswer('t.1', x)"
    messages = kernel.run(check, check=True)
    assert texts(messages) == "False [1.]\n"
    assert answers(messages) == [{"task": "t.1", "answer": {"kind": "int", "value": 2}}]
    assert texts(kernel.run("import sys; sys.stdout.write(f'{answer} {other}\\n')")) == "3 4\n"


def test_a_changed_argument_is_told_beside_the_answer(kernel):
    kernel.run("def f(h, keep):\n    h += 1\n    return h\nclass C:\n    def g(self, x): x[0] = 7; return self.k(x)\n"
               "    def k(self, x): x[0] = 8; return x")  # fmt: skip
    [shown] = answers(kernel.run("answer('t.1', f(np.ones(2), np.ones(3)))", check=True))
    assert shown["changed"] == ["f: h"]
    [shown] = answers(kernel.run("answer('t.1', C().g(np.ones(2)))", check=True))
    assert shown["changed"] == ["C.g: x"]
    [shown] = answers(kernel.run("answer('t.1', 1)", check=True))
    assert "changed" not in shown


def test_what_a_task_allows_may_be_changed(room):
    allowed = WatchedKernel(room, Terms(("f",), may_change=("h",)))
    allowed.run("def f(h): h += 1; return h")
    assert "changed" not in answers(allowed.run("answer('t.1', f(np.ones(2)))", check=True))[0]
    allowed.stop()


def test_a_task_without_a_package_cannot_have_it(room):
    without = WatchedKernel(room, Terms(("f",), without=("decimal",)))
    [error] = [item for item in without.run("import decimal") if item["msg_type"] == "error"]
    assert error["content"]["evalue"] == "this task is to be solved without decimal"
    without.stop()


def test_waiting_for_a_processor_does_not_count(monkeypatch):
    now, waited, used = [100.0], [3.0], [1.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    clock = Clock()
    monkeypatch.setattr(clock, "_waiting", lambda: waited[0])
    monkeypatch.setattr(clock.processor, "seconds", lambda: used[0])
    clock.start()
    now[0], waited[0] = 110.0, 9.0
    assert clock.seconds() == 4
    waited[0] = 13.0
    assert clock.seconds() == 10 / CROWDED
    used[0] = 8.0  # of all its processes: who makes himself wait has used it
    assert clock.seconds() == 7


def test_processor_time_of_all_processes_is_counted():
    processor = Processor()
    processor.observe([os.getpid()])
    before, end = processor.seconds(), time.process_time() + 0.1
    while time.process_time() < end:
        pass
    processor.observe([os.getpid()])
    assert 0.05 <= processor.seconds() - before < 1
    processor.observe([2**22 - 1])  # there is no such process
    assert Clock(processor, os.getpid()).seconds() >= 0
    assert inner_pid(os.getpid()) > 0 and inner_pid(2**22 - 1) == 0


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
    content = {"data": {"image/png": "x" * 99, "text/plain": "y", MIME: {"task": "t"}}, "metadata": {"a": 1}}
    kept = clean({"msg_type": "display_data", "parent_header": {"msg_id": "1"}, "content": content})
    assert set(kept["content"]["data"]) == {MIME}
    assert kept["content"]["metadata"] == {}


def test_looking_at_a_process_that_is_gone_is_no_error():
    with gone():
        raise psutil.NoSuchProcess(1)
    with pytest.raises(ValueError), gone():
        raise ValueError


def test_pytorch_and_plots_work_in_setup_and_in_the_copies(tmp_path):
    """What was used before a process is copied must go on working in the copy: autograd, plots, progress bars."""
    use = "import torch, matplotlib.pyplot as plt\nfrom tqdm.auto import tqdm\n"
    use += "x = torch.ones(50, 50, requires_grad=True)\n(x @ x).sum().backward()\n"
    use += "torch.nn.LSTM(3, 4)(torch.ones(5, 2, 3))[0].sum().backward()\n"
    use += "plt.plot([1, 2]); plt.show()\nfor _ in tqdm(range(3)): pass\n"
    room = Room(tmp_path / "room", Limits(), isolated=False)
    try:
        assert room.setup("%matplotlib inline\n" + use) is None
        task = WatchedKernel(room)
        messages = task.run(use + "print(x.grad.sum().item())")
        assert [item["content"] for item in messages if item["msg_type"] == "error"] == []
        assert "250000.0" in texts(messages)
        task.stop()
    finally:
        room.stop()
