"""The same jobs on a Dask cluster: a real scheduler and two workers, each a process of its own."""

import json
import re
import subprocess
import sys

import pytest
from submissions import demo

from rnnlib.grading.cli import main

pytest.importorskip("distributed", reason="pip install 'dask[distributed]'")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        with open(folder / f"{len(processes)}.log", "w") as log:
            processes.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT))
        return folder / f"{len(processes) - 1}.log"

    try:
        file = folder / "scheduler.json"
        start("scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard", f"--scheduler-file={file}")
        for _ in range(2):
            start("worker", f"--scheduler-file={file}", "--nthreads=1", "--no-dashboard", "--no-nanny")
        yield _address(file, processes[0])
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:  # a worker that waits for a scheduler which is gone
                process.kill()
                process.wait()


def _address(file, process):
    import time

    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and (found := re.search(r"tcp://[\d.:]+", file.read_text())):
            return found[0]
        time.sleep(0.1)
    raise RuntimeError("the scheduler did not start")


@pytest.mark.alone
def test_300_submissions_give_the_same_files_on_a_cluster_as_here(address, tmp_path):
    """12 of them need a kernel. Not in the files: who graded, when, and in which order."""
    solution = demo.write(tmp_path / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(solution), "--out", str(tmp_path / "exercises")]) == 0
    right, wrong = demo.exercise().solutions, demo.mistakes()
    for number in range(300):
        answers = {**right, "gradient": wrong["gradient"][number % 3]} if number % 50 == 0 else right
        notebook = demo.filled(demo.student(), answers) if number % 25 == 0 else demo.student()
        demo.write(tmp_path / "class" / f"{number:03}.ipynb", notebook)
    names = "".join(f"{number:03},Student {number}\n" for number in range(301))
    (tmp_path / "roster.csv").write_text("id,name\n" + names)
    command = ["grade", str(tmp_path / "class"), "--solutions", str(solution.parent), "--trust-submissions"]
    command += ["--roster", str(tmp_path / "roster.csv"), "--export=moodle", "--similar", "--jobs=2"]
    assert main([*command, "--out", str(tmp_path / "here")]) == 0
    assert main([*command, "--out", str(tmp_path / "there"), "--scheduler", address]) == 0
    here, there = (
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("here", "there")
    )
    assert len(here) == 300 + 301 + 6
    assert set(here) == set(there) and [name for name in here if here[name] != there[name]] == []


def test_a_cluster_grades_as_this_machine_does(address, tmp_path, capsys):
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    solution = demo.write(tmp_path / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(solution), "--out", str(tmp_path / "exercises")]) == 0
    answers = demo.exercise().solutions
    sources = [
        {},
        {"step": "import os\ndef step(*args):\n    os._exit(1)"},
        {"total": demo.mistakes()["total"][0]},
        {"step": ""},
    ]
    for number, source in enumerate(sources):
        demo.write(tmp_path / "class" / f"{number}.ipynb", demo.filled(demo.student(), {**answers, **source}))
    command = ["grade", str(tmp_path / "class"), "--solutions", str(solution.parent), "--trust-submissions"]
    assert main([*command, "--out", str(tmp_path / "here")]) == 0
    assert main([*command, "--out", str(tmp_path / "there"), "--scheduler", address]) == 0
    here, there = ((tmp_path / name / "scores.json").read_text() for name in ("here", "there"))
    assert json.loads(here) == json.loads(there)
    assert [item["points"] for item in json.loads(there)] == [6, 4, 5, 4]
    assert "4 of them graded now" in capsys.readouterr().err
