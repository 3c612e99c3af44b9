"""Grade one submission from outside: start a session, wait, and turn whatever happened into a result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from . import sandbox
from .exercise import Exercise
from .limits import CROWDED, Limits
from .rebuild import unanswered

ATTEMPTS = 2  # a session that fails by itself gets a second chance
_running: set[subprocess.Popen[bytes]] = set()
_stopped = threading.Event()
REMOVED = (
    "PYTEST_",
    "PYTHON",
    "JPY_",
    "JUPYTER_",
    "IPYTHON",
)  # settings of the caller's that a session must not inherit


def grade_answers(
    exercise: dict[str, Any],
    answers: dict[str, Any],
    limits: dict[str, Any],
    *,
    trust: bool = False,
    hidden: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Grade the answer cells of one submission, on whatever machine this runs.

    Parameters
    ----------
    exercise : dict
        `Exercise.to_json()`, with recorded answers.
    answers : dict of str to str, or to list of str
        The student's source of each answer cell, by cell id; of a cell in several parts, those.
    limits : dict
        `Limits.to_json()`.
    trust : bool
        Whether to go on where submissions cannot be isolated.
    hidden : tuple of str
        Folders that must look empty to the student's code.

    Returns
    -------
    dict
        `status` ("graded", "refused" or "grader-fault"), `reason`, `sandbox` (the level's name), and `tasks`: id to
        `verdict` and `message`. `waited` is true if a time-out may be the doing of what else ran on the machine.
    """
    level = sandbox.probe(hidden)
    base: dict[str, Any] = {"sandbox": level.name, "reason": "", "tasks": {}, "waited": False}
    if not level.isolated and not trust:
        return {**base, "status": "refused", "reason": f"This machine cannot isolate submissions: {level.reason}"}
    none = unanswered(Exercise.from_json(exercise), answers)
    if len(none) == len(exercise["tasks"]):  # no kernel needed
        tasks = {task: {"verdict": "missing", "message": why} for task, why in none.items()}
        return {**base, "status": "graded", "tasks": tasks}
    faults: list[str] = []
    for _ in range(ATTEMPTS):
        if _stopped.is_set():
            break
        result = _session(exercise, answers, limits, level.isolated, hidden)
        if not result["faults"]:
            return {**base, "status": "graded", "tasks": result["tasks"], "waited": result["waited"]}
        faults = result["faults"]
    return {**base, "status": "grader-fault", "reason": "; ".join(faults)[:2000]}


def _session(
    exercise: dict[str, Any], answers: dict[str, Any], limits: dict[str, Any], isolated: bool, hidden: tuple[str, ...]
) -> dict[str, Any]:
    """Run a session to its end or to its deadline, and read its result."""
    with tempfile.TemporaryDirectory(prefix="rnnlib-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        job = {"exercise": exercise, "answers": answers, "limits": limits, "isolated": isolated, "hidden": hidden}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf8")
        command = [*sandbox.PYTHON, "-m", "rnnlib.grading.session", name]
        code, log = _run(sandbox.outer(command) if isolated else command, folder, deadline(Limits(**limits)))
        try:
            result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf8"))
        except (OSError, ValueError):
            how = "did not end in time" if code is None else f"ended with status {code}"
            return {"tasks": {}, "faults": [f"the grading process {how}: {log[-1500:].strip() or 'it said nothing'}"]}
        if result["faults"]:
            result["faults"].append(log[-1500:].strip())
        return result


def deadline(limits: Limits) -> float:
    """Seconds after which a session has surely lost its way: it keeps all the limits by itself long before."""
    return CROWDED * limits.notebook_seconds + 4 * limits.start_seconds


def _run(command: list[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """Exit status (None if it was ended) and the end of what was said."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(REMOVED)}
    env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with open(folder / "session.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        _running.add(process)
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _running.discard(process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return code, (folder / "session.log").read_text(encoding="utf8", errors="replace")


def check_answers(exercise: Exercise, answers: dict[str, Any], limits: Limits | None = None) -> dict[str, Any]:
    """Grade the visible cases of a notebook's answers, in the sandbox where there is one.

    Parameters
    ----------
    exercise : Exercise
        The visible half.
    answers : dict of str to str, or to list of str
    limits : Limits, optional
    """
    graded = grade_answers(exercise.to_json(), answers, (limits or Limits()).to_json(), trust=True)
    return full_result(exercise, graded)


def go() -> None:
    """Start sessions again after `stop_all`."""
    _stopped.clear()


def stop_all() -> None:
    """End all sessions of this process, because the user interrupted it."""
    _stopped.set()
    for process in list(_running):
        process.kill()


def full_result(exercise: Exercise, graded: dict[str, Any]) -> dict[str, Any]:
    """The points to the verdicts.

    Parameters
    ----------
    exercise : Exercise
    graded : dict
        What `grade_answers` returned.
    """
    tasks, points = {}, 0.0
    if graded["status"] == "graded":
        for key, task in exercise.tasks.items():
            outcome = graded["tasks"][key]
            share = float(outcome.get("share", outcome["verdict"] == "passed"))
            earned = round(task.points * share, 2)
            points += earned
            said = {"verdict": outcome["verdict"], "message": outcome["message"]}
            tasks[key] = {**said, "points": earned, "max_points": task.points}
    return {
        "exercise": exercise.name,
        "status": graded["status"],
        "reason": graded["reason"],
        "points": points,
        "max_points": sum(task.points for task in exercise.tasks.values()),
        "sandbox": graded["sandbox"],
        "tasks": tasks,
    }
