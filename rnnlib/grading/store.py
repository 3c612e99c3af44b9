"""Results on disk: one file per submission, written whole or not at all, found again by what it was made from."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .exercise import digest

OWN_PAGE = re.compile(r"-[0-9a-f]{16}\.html$")  # as `stem` ends a name


class Busy(RuntimeError):
    """Another run writes to the same folder."""


class Store:
    """The folder of results.

    Parameters
    ----------
    folder : Path
        Made if it is not there. Results lie in `results/`, pages in `feedback/`, tables beside them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("results", "feedback"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, and clear away what a killed run left half written.

        Raises
        ------
        Busy
            If another run is at work here.
        """
        with open(self.folder / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy(f"{self.folder}: another run is writing its results there") from None
            for path in [*self.folder.glob("*.tmp"), *self.folder.glob("*/*.tmp")]:
                path.unlink()
            yield

    def load(self, submission: str, key: str | None = None) -> dict[str, Any] | None:
        """The result that an earlier run has left, if it was made from the same things; with no key, from whatever."""
        try:
            stored = json.loads((self.folder / "results" / f"{stem(submission)}.json").read_text(encoding="utf8"))
            result: dict[str, Any] = stored["result"]
            same = key is None or stored["key"] == key
            return result if same and result["submission"] == submission and "tasks" in result else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, submission: str, key: str, result: dict[str, Any]) -> None:
        """Keep a result."""
        self.write(f"results/{stem(submission)}.json", json.dumps({"key": key, "result": result}, indent=1))

    def pages(self, pages: dict[str, str]) -> None:
        """Write the pages of feedback, by whose they are, and remove those of all others."""
        names = {f"{stem(who)}.html" for who in pages}
        for path in (self.folder / "feedback").glob("*.html"):
            if path.name not in names and OWN_PAGE.search(path.name):
                path.unlink()
        for who, page in pages.items():
            self.write(f"feedback/{stem(who)}.html", page)

    def remove(self, *names: str) -> list[str]:
        """Remove files that a run of other options has left and that are no longer true; returns which there were."""
        gone = [name for name in names if (self.folder / name).exists()]
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        return gone

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file whole or not at all; not if it is the same already."""
        path = self.folder / name
        content = text.encode("utf8", "backslashreplace") if isinstance(text, str) else text
        with suppress(OSError):
            if path.read_bytes() == content:
                return
        temporary = path.with_name(path.name + ".tmp")
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:  # an interruption, too
            temporary.unlink(missing_ok=True)
            raise


def stem(submission: str) -> str:
    """A file name for a submission's result: readable, safe, and no other submission's.

    Examples
    --------
    >>> stem("Ann Lee/04 [final].ipynb")
    'Ann_Lee-04_final-0d71be9469cead14'
    """
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", submission.removesuffix(".ipynb").replace("/", "-")).strip("_-")
    return f"{readable[-60:].strip('_-') or 'submission'}-{digest(submission)[:16]}"
