"""A class's submissions: read, graded side by side, kept as they come in.

What is kept says what was found, never what it is worth: points, corrections by hand and whose it is are added by
`rnnlib.grading.desk` each time, so that they can change and nothing has to be graded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rnnlib

from .exercise import Exercise, digest
from .limits import Limits
from .reading import Found, Refused, Taken, Unreadable, examine, read
from .rebuild import parts
from .run import grade_answers
from .store import Store
from .taking import match, take_answers, take_manual
from .text import tidy

NOT_KEPT = ("grader-fault", "refused")  # tried again by the next run
LONGEST_CODE = 20_000  # characters of an answer that are kept beside its result


@dataclass(frozen=True)
class Settings:
    """What is the same for all submissions of a run.

    Attributes
    ----------
    exercises : dict of str to Exercise
    limits : Limits
    trust : bool
    level : str
    hidden : tuple of str
        Folders that no submission may see.
    exercise : str
        The one exercise that is graded; all of them if empty.
    """

    exercises: dict[str, Exercise]
    limits: Limits
    trust: bool
    level: str
    hidden: tuple[str, ...] = ()
    exercise: str = ""


@dataclass(frozen=True)
class Job:
    """A submission that is being graded."""

    found: Found
    key: str
    exercise: Exercise
    answers: dict[str, Any]
    remarks: list[str]
    manual: dict[str, Taken | None]


@cache
def version() -> str:
    """A digest of the grader itself: a result of another version is no result."""
    content = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return f"{rnnlib.__version__}-{hashlib.sha256(content).hexdigest()[:16]}"


class Batch:
    """A run over many submissions.

    Parameters
    ----------
    store : Store
    settings : Settings
    executor : concurrent.futures.Executor
        Threads of this process, or a Dask cluster: a job needs nothing but its arguments.
    """

    def __init__(self, store: Store, settings: Settings, executor: Executor) -> None:
        self.store, self.settings, self.executor = store, settings, executor
        self.results: dict[str, dict[str, Any]] = {}
        self.graded = 0
        self._waiting: dict[Future[dict[str, Any]], Job] = {}
        self._again: list[Job] = []
        self._digests = {name: grading_digest(exercise) for name, exercise in settings.exercises.items()}
        self._whole = digest([self._digests, settings.exercise])
        self._data: dict[str, dict[str, Any]] = {}  # of each exercise, made once

    def run(
        self,
        found: list[Found],
        progress: Callable[[], Any] = lambda: None,
        *,
        only: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Grade everything that has no result yet, and return all results in the order of `found`.

        Parameters
        ----------
        found : list of Found
        progress : callable
            Called once for each submission that is done with.
        only : collection of str, optional
            Names of submissions: these are graded again whatever is kept of them, and no other.
        """
        for item in found:
            if self._guarded(item, only):
                progress()
        crowd = len(self._waiting) > 1
        for future in as_completed(self._waiting):
            if self._finish(self._waiting[future], future, alone=not crowd):
                progress()
        for job in self._again:  # one at a time: what the crowd may have caused, it does not cause now
            self._finish(job, self._submit(job), alone=True)
            progress()
        return self.present(found)

    def present(self, found: list[Found]) -> list[dict[str, Any]]:
        """What there is of each submission now; what this run has not come to is told by an earlier one, or waits."""
        results, begun = [], {job.found.name for job in self._waiting.values()}
        for item in found:
            if item.name not in self.results and item.name not in begun:
                self._guarded(item, ())  # an interruption came before it was looked at
            result = self.results.get(item.name)
            if result is None and (earlier := self.store.load(item.name)) is not None:
                result = {**earlier, "outdated": True}
            results.append(result or {"submission": item.name, **self._nothing("waiting", "It is not graded yet.")})
        return results

    def _guarded(self, item: Found, only: Collection[str] | None) -> bool:
        """Start a submission; whatever goes wrong with it concerns no other."""
        try:
            return self._start(item, wanted=only is None or item.name in only, again=only is not None)
        except Exception as error:
            self._keep(item, "", self._nothing("grader-fault", f"{type(error).__name__}: {error}"))
            return True

    def _start(self, item: Found, *, wanted: bool = True, again: bool = False) -> bool:
        """Whether no more is to be done: kept from an earlier run, nothing to grade, or not wanted now."""
        again = wanted and again
        try:
            content = examine(item)
        except Refused as refused:
            self._keep(item, "", self._nothing("refused", str(refused)))
            return True
        key = self._key(content, self._whole)
        if not again and (kept := self.store.load(item.name, key)) is not None:
            self.results[item.name] = kept
            return True
        try:
            submission = read(item.path)
            exercise = match(submission, self.settings.exercises)
            if self.settings.exercise not in ("", exercise.name):
                raise Unreadable(f"It answers the exercise {exercise.name}; {self.settings.exercise} is asked for.")
        except Unreadable as unreadable:
            self._keep(item, key, self._nothing("unreadable", str(unreadable)))
            return True
        key = self._key(content, self._digests[exercise.name])
        if not again and (kept := self.store.load(item.name, key)) is not None:
            self.results[item.name] = kept
            return True
        if not wanted:
            return True
        try:
            answers, remarks = take_answers(submission, exercise)
        except Unreadable as unreadable:
            self._keep(item, key, self._nothing("unreadable", str(unreadable)))
            return True
        job = Job(item, key, exercise, answers, remarks, take_manual(submission, exercise))
        self._waiting[self._submit(job)] = job
        self.graded += 1
        return False

    def _submit(self, job: Job) -> Future[dict[str, Any]]:
        settings, name = self.settings, job.exercise.name
        if name not in self._data:
            self._data[name] = job.exercise.to_json()
        return self.executor.submit(
            grade_answers, self._data[name], job.answers, settings.limits.to_json(),
            trust=settings.trust, hidden=settings.hidden,
        )  # fmt: skip

    def _finish(self, job: Job, future: Future[dict[str, Any]], *, alone: bool) -> bool:
        """Keep a result, or put the job aside to be tried alone: a time-out among others may be theirs."""
        try:
            graded = future.result()
        except Exception as error:  # a worker was lost, say: no submission's fault, and no reason to stop
            reason = f"{type(error).__name__}: {error}"
            graded = {"status": "grader-fault", "reason": reason, "sandbox": self.settings.level, "tasks": {}}
        if not alone and (graded.get("waited") or graded["status"] == "grader-fault"):
            self._again.append(job)
            return False
        try:
            self._keep(job.found, job.key, _evidence(job, graded))
        except Exception as error:
            self._keep(job.found, "", self._nothing("grader-fault", f"{type(error).__name__}: {error}"))
        return True

    def _nothing(self, status: str, reason: str) -> dict[str, Any]:
        return {"exercise": "", "status": status, "reason": reason, "sandbox": self.settings.level, "tasks": {},
                "remarks": []}  # fmt: skip

    def _keep(self, item: Found, key: str, result: dict[str, Any]) -> None:
        result = {"submission": item.name, **result}
        result["reason"] = tidy(result["reason"])[:2000]
        result["remarks"] = [tidy(remark)[:500] for remark in result["remarks"][:50]]
        key = "" if result["status"] in NOT_KEPT else key
        self.results[item.name] = result
        self.store.save(item.name, key, result)

    def _key(self, content: str, exercises: str) -> str:
        """What a result depends on."""
        return digest([content, exercises, version(), self.settings.limits.to_json(), self.settings.level])


def _evidence(job: Job, graded: dict[str, Any]) -> dict[str, Any]:
    """What is kept: the verdicts, and the code that they are about."""
    code: dict[str, str] = {}
    for key, cell in job.exercise.answer_cells.items():
        sources = [source for source in parts(job.answers.get(key, "")) if source.strip()]
        code[cell.task] = "\n\n".join([*([code[cell.task]] if cell.task in code else []), *sources])
    tasks = {key: dict(outcome) for key, outcome in graded["tasks"].items()}
    for key, outcome in tasks.items():
        outcome["code"] = tidy(code.get(key, ""))[:LONGEST_CODE]
    if graded["status"] == "graded":
        tasks |= {key: _to_mark(taken) for key, taken in job.manual.items()}
    said = {key: graded[key] for key in ("status", "reason", "sandbox")}
    return {"exercise": job.exercise.name, **said, "tasks": tasks, "remarks": job.remarks}


def _to_mark(cell: Taken | None) -> dict[str, Any]:
    """What a person will look at."""
    if cell is None:
        return {"verdict": "missing", "message": "Not answered yet."}
    source = tidy(cell.source)[:LONGEST_CODE]
    return {"verdict": "to mark", "message": "", "code": source, "image": cell.image, "kind": cell.kind}


def grading_digest(exercise: Exercise) -> str:
    """A digest of all that decides verdicts and messages: not of points and titles, nor of code that is not run."""
    data = exercise.to_json()
    for task in data["tasks"].values():
        del task["points"], task["title"]
        for mistake in task["mistakes"]:
            del mistake["source"]
    manual = {key: [task.cell, task.stub] for key, task in exercise.manual.items()}
    return digest({**data, "solutions": {}} | ({"manual": manual} if manual else {}))
