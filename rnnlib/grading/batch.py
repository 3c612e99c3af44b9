"""A class's submissions: read, graded side by side, kept as they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rnnlib

from .exercise import Exercise, digest
from .limits import Limits
from .reading import Found, Refused, Unreadable, examine, read
from .report import feedback
from .run import full_result, grade_answers
from .store import Store
from .taking import match, take_answers

NOT_KEPT = ("grader-fault", "refused")  # tried again by the next run


@dataclass(frozen=True)
class Settings:
    """What is the same for all submissions of a run."""

    exercises: dict[str, Exercise]
    limits: Limits
    trust: bool
    level: str


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
        self._waiting: dict[Future[dict[str, Any]], tuple[Found, str, Exercise, list[str]]] = {}
        self._whole = digest({name: _exercise_digest(exercise) for name, exercise in settings.exercises.items()})

    def run(self, found: list[Found], progress: Callable[[], Any] = lambda: None) -> list[dict[str, Any]]:
        """Grade everything that has no result yet, and return all results in the order of `found`.

        `progress` is called once for each submission that has its result.
        """
        for item in found:
            if self._start(item):
                progress()
        for future in as_completed(self._waiting):
            self._finish(future)
            progress()
        return [self.results[item.name] for item in found]

    def _start(self, item: Found) -> bool:
        """Whether the result is there at once: kept from an earlier run, or nothing to grade."""
        try:
            content = examine(item)
        except Refused as refused:
            self._keep(item, "", self._nothing("refused", str(refused)))
            return True
        key = self._key(content, self._whole)
        if (kept := self.store.load(item.name, key)) is not None:
            self.results[item.name] = kept
            return True
        try:
            submission = read(item.path)
            exercise = match(submission, self.settings.exercises)
        except Unreadable as unreadable:
            self._keep(item, key, self._nothing("unreadable", str(unreadable)))
            return True
        except OSError as error:  # it was there a moment ago
            self._keep(item, "", self._nothing("grader-fault", str(error)))
            return True
        key = self._key(content, _exercise_digest(exercise))
        if (kept := self.store.load(item.name, key)) is not None:
            self.results[item.name] = kept
            return True
        answers, remarks = take_answers(submission, exercise)
        future = self.executor.submit(
            grade_answers, exercise.to_json(), answers, self.settings.limits.to_json(), trust=self.settings.trust
        )
        self._waiting[future] = (item, key, exercise, remarks)
        self.graded += 1
        return False

    def _finish(self, future: Future[dict[str, Any]]) -> None:
        item, key, exercise, remarks = self._waiting[future]
        try:
            graded = future.result()
        except Exception as error:  # a worker was lost, say: no submission's fault, and no reason to stop
            reason = f"{type(error).__name__}: {error}"
            graded = {"status": "grader-fault", "reason": reason, "sandbox": self.settings.level, "tasks": {}}
        self._keep(item, key, {**full_result(exercise, graded), "remarks": remarks})

    def _nothing(self, status: str, reason: str) -> dict[str, Any]:
        return {"exercise": "", "status": status, "reason": reason, "points": 0.0, "max_points": 0.0,
                "sandbox": self.settings.level, "tasks": {}, "remarks": []}  # fmt: skip

    def _keep(self, item: Found, key: str, result: dict[str, Any]) -> None:
        result = {"submission": item.name, **result}
        key = "" if result["status"] in NOT_KEPT else key
        self.store.save(item.name, key, result, feedback(result))
        self.results[item.name] = result

    def _key(self, content: str, exercises: str) -> str:
        """What a result depends on."""
        return digest([content, exercises, version(), self.settings.limits.to_json(), self.settings.level])


def _exercise_digest(exercise: Exercise) -> str:
    return digest(exercise.to_json())


def faults(results: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The results that are no results: somebody has to look at the grader."""
    return (result for result in results if result["status"] == "grader-fault")
