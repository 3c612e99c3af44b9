"""What grading costs: a batch through `rnnlib grade` against bare nbval processes on the same notebooks.

    python tests/benchmarks/grading.py [--submissions 10] [--jobs 2] [--rounds 2]

Both run the same cells at the same parallelism on this machine, in turns. Bare nbval is measured twice: as it is
installed, and without the imports that a session of the grader leaves out, which shows the grader's own cost.
Then: one submission alone, `rnnlib check`, and how soon a dead kernel is noticed (nbval alone waits out its time-out).
`--resume 300` also grades a class of 300, all of which need a kernel, kills the run twice with SIGKILL, resumes it,
and compares with an undisturbed run.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from submissions import demo

from rnnlib.grading import sandbox
from rnnlib.grading.cli import main as rnnlib
from rnnlib.grading.kernel import WatchedKernel
from rnnlib.grading.limits import Limits
from rnnlib.grading.rebuild import rebuild
from rnnlib.grading.room import KernelLost, Room

COMMAND = [sys.executable, "-c", "import sys; from rnnlib.grading.cli import main; sys.exit(main(sys.argv[1:]))"]
LEAN = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def answers(number: int) -> dict[str, str]:
    return {key: f"{source}\n# student {number}" for key, source in demo.exercise().solutions.items()}


def bare(folder: Path, jobs: int, *, lean: bool) -> float:
    """Seconds for one nbval process per notebook."""
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")
    start = [sys.executable, "-c", LEAN] if lean else [sys.executable, "-m", "pytest"]
    options = ["--nbval", "--noconftest", "-c", str(settings), "-p", "no:cacheprovider", "-q"]
    options += ["-p", "nbval.plugin"] if lean else []
    env = {**os.environ, **ONE_THREAD} | ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if lean else {})

    def one(path: Path) -> None:
        run = subprocess.run([*start, *options, str(path)], env=env, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout

    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, sorted(folder.glob("*.ipynb"))))
    return time.perf_counter() - began


def batch(folder: Path, out: Path, solutions: Path, jobs: int) -> float:
    """Seconds for the whole command, from its start to its end."""
    began = time.perf_counter()
    command = [*COMMAND, "grade", str(folder), "--out", str(out), "--solutions", str(solutions), "--jobs", str(jobs)]
    subprocess.run([*command, "--trust-submissions"], check=True, capture_output=True)
    seconds = time.perf_counter() - began
    scores = json.loads((out / "scores.json").read_text())
    assert all(item["points"] == item["max_points"] == 6 for item in scores)
    return seconds


def death() -> float:
    """Seconds from the end of a kernel to the moment at which that is known."""
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder) / "room", Limits(), isolated=False)
        kernel = WatchedKernel(room)
        began = time.perf_counter()
        with contextlib.suppress(KernelLost):
            kernel.run("import os; os._exit(1)")
        seconds = time.perf_counter() - began
        room.stop()
    return seconds


def resume(count: int, root: Path, solutions: Path, jobs: int) -> None:
    """Kill a run twice at random, resume it, compare with one that was left alone."""
    for number in range(count):
        demo.write(root / "class" / f"{number}.ipynb", demo.filled(demo.student(), answers(number)))
    command = [
        *COMMAND,
        "grade",
        str(root / "class"),
        "--solutions",
        str(solutions),
        "--jobs",
        str(jobs),
        "--trust-submissions",
    ]
    began = time.perf_counter()
    subprocess.run([*command, "--out", str(root / "calm")], check=True, capture_output=True)
    whole = time.perf_counter() - began
    for _ in range(2):
        process = subprocess.Popen([*command, "--out", str(root / "killed")], stdout=-3, stderr=-3)
        time.sleep(random.uniform(0.1, 0.4) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        print(f"  killed with {len(list((root / 'killed/results').glob('*.json')))} results")
    run = subprocess.run([*command, "--out", str(root / "killed")], check=True, capture_output=True, text=True)
    same = (root / "calm/scores.json").read_bytes() == (root / "killed/scores.json").read_bytes()
    print(f"  {run.stderr.splitlines()[-2]}; the same scores as undisturbed: {same}; undisturbed {whole:.0f} s")
    assert same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("submissions", 10), ("jobs", 2), ("rounds", 2), ("resume", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        solution = demo.write(root / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
        with contextlib.redirect_stdout(io.StringIO()):
            rnnlib(["release", str(solution), "--out", str(root / "exercises")])
        for number in range(options.submissions):
            demo.write(root / "bare" / f"{number}.ipynb", rebuild(demo.exercise(), answers(number)))
            demo.write(root / "class" / f"{number}.ipynb", demo.filled(demo.student(), answers(number)))
        times: dict[str, list[float]] = {"nbval": [], "nbval, lean": [], "rnnlib grade": []}
        for number in range(options.rounds):
            if number == 0:  # the slowest, and not the one that counts
                times["nbval"].append(bare(root / "bare", options.jobs, lean=False))
            times["nbval, lean"].append(bare(root / "bare", options.jobs, lean=True))
            times["rnnlib grade"].append(batch(root / "class", root / f"out{number}", solution.parent, options.jobs))
        print(f"{options.submissions} submissions of 15 cells, {options.jobs} at a time; median of {options.rounds}")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
        print(f"sandbox: {sandbox.probe()}")
        middle = {key: statistics.median(values) for key, values in times.items()}
        for key, value in middle.items():
            each, ratio = value / options.submissions, middle["rnnlib grade"] / value
            print(f"  {key:14} {value:6.1f} s {each:6.2f} s each   rnnlib grade / this: {ratio:.2f}")
        single = root / "single"
        demo.write(single / "0.ipynb", demo.filled(demo.student(), answers(0)))
        print(f"  one submission alone: {batch(single, root / 'alone', solution.parent, 1):.2f} s")
        began = time.perf_counter()
        subprocess.run([*COMMAND, "check", str(single / "0.ipynb")], check=True, capture_output=True)
        print(f"  rnnlib check: {time.perf_counter() - began:.2f} s")
        print(f"  a dead kernel is noticed after {max(death() for _ in range(3)):.2f} s")
        if options.resume:
            resume(options.resume, root / "large", solution.parent, options.jobs)


if __name__ == "__main__":
    main()
