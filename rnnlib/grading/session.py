"""One submission, graded in a process of its own: `python -I -m rnnlib.grading.session FOLDER`.

`FOLDER/job.json` says what to do, `FOLDER/result.json` what came of it. The process that started this
one ends it with all its children when the time is over, whatever state it is in.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import sys
from pathlib import Path

from .exercise import Exercise
from .limits import Limits
from .rebuild import rebuild

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(folder: Path) -> int:
    """Grade as `job.json` says; 0 if there is a result, whatever it is."""
    # imported by nbformat by way of jsonschema, it builds a grammar for seconds; notebooks hold no such addresses
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import pytest

    from .plugin import Grader
    from .watch import descendants, gone

    job = json.loads((folder / "job.json").read_text(encoding="utf8"))
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # whoever started this died: nobody wants the result
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # a detached process becomes our child, if it cannot be held otherwise
    exercise = Exercise.from_json(job["exercise"])
    grader = Grader(exercise, job["answers"], Limits(**job["limits"]), job["isolated"], folder, tuple(job["hidden"]))
    empty = folder / "notebook"
    empty.mkdir()
    path = empty / f"graded-{secrets.token_hex(8)}.ipynb"
    path.write_text(json.dumps(rebuild(exercise, job["answers"])), encoding="utf8")
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")
    arguments = ["--noconftest", "-c", str(settings), "--rootdir", str(empty), "-p", "nbval.plugin", "-q", "--color=no"]
    arguments += ["-p", "no:cacheprovider", "--assert=plain", "--tb=short", str(path)]
    code = pytest.main(arguments, plugins=[grader])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        grader.faults.append(f"pytest ended with {code!r}")
    if missing := set(exercise.tasks) - set(grader.tasks):
        grader.faults.append(f"no verdict for {', '.join(sorted(missing))}")
    result = {
        "tasks": {task: outcome.to_json() for task, outcome in grader.tasks.items()},
        "faults": grader.faults,
        "waited": grader.waited,
    }
    temporary = folder / "result.tmp"
    temporary.write_text(json.dumps(result), encoding="utf8")
    temporary.replace(folder / "result.json")
    while left := descendants(os.getpid()):
        for process in left:
            with gone():
                process.kill()
                process.wait(1)
    return 0


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(status)  # everything is written; threads of the messaging library need no farewell
