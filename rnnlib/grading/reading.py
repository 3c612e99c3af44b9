"""Reading a submission: from any file that claims to be a notebook to the sources of its answer cells.

Only three things are taken from a submission: which exercise it names, the ids of its cells, and their sources. A file
that is large is read by a process with a limit on its memory: `python -I -m rnnlib.grading.reading PATH`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .limits import MIB

LARGE = 8 * MIB  # read by another process
LARGEST = 200 * MIB  # not read at all
LONGEST_SOURCE = 200_000  # characters of one cell
MOST_CELLS = 5_000
LARGEST_IMAGE = 1 << 20  # characters of a stored picture
PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]+={0,2}")
READER_MIB = 1024  # of memory for the process that reads a large file
NO_NOTEBOOKS = ("._", "~$", ".~")  # beginnings of names that macOS, Office and editors leave beside files


class Unreadable(ValueError):
    """The file is no notebook with answers in it; the message says why, to the student."""


class Refused(ValueError):
    """The file was not even opened; the message says why."""


@dataclass(frozen=True)
class Found:
    """A file that was handed in: where it lies, and what it is called."""

    path: Path
    name: str


@dataclass(frozen=True)
class Submission:
    """What is taken from a notebook.

    Attributes
    ----------
    exercise : str
        The name in its metadata, or "".
    cells : tuple of Taken
    """

    exercise: str
    cells: tuple[Taken, ...]


class Taken(NamedTuple):
    """A cell. Editors that do not know of ids drop them; the cell's metadata hold a copy.

    `image` is the PNG that is stored with a cell whose task a person grades, in base64.
    """

    id: str
    id_copy: str
    role: str
    source: str
    kind: str = "code"
    image: str = ""


def other_files(places: list[Path]) -> Iterator[str]:
    """The names of all files in folders that are no notebooks."""
    for place in places:
        if place.is_dir():
            for path in _files(place, []):
                if not path.name.lower().endswith(".ipynb"):
                    yield _found(path, place, len(places) == 1).name


def discover(places: list[Path]) -> Iterator[Found]:
    """All notebooks in folders, at any depth, and all files that are named.

    Links to folders are not followed. A folder that cannot be read is yielded itself, to be refused with a reason.
    """
    for place in places:
        if not place.is_dir():
            yield Found(place, show(place.name if len(places) == 1 else str(place)))
            continue
        trouble: list[OSError] = []
        for path in _files(place, trouble):
            if path.name.lower().endswith(".ipynb"):
                yield _found(path, place, len(places) == 1)
        for error in trouble:
            yield _found(Path(error.filename), place, len(places) == 1)


def _files(place: Path, trouble: list[OSError]) -> Iterator[Path]:
    """All files of a folder but those that systems and editors leave; folders that cannot be read go to `trouble`."""
    for folder, folders, files in os.walk(place, onerror=trouble.append):
        folders[:] = sorted(name for name in folders if name not in (".ipynb_checkpoints", "__MACOSX"))
        yield from (Path(folder) / name for name in sorted(files) if not name.startswith(NO_NOTEBOOKS))


def _found(path: Path, place: Path, alone: bool) -> Found:
    return Found(path, show(str(path.relative_to(place) if alone else path)))


def show(name: str) -> str:
    """A file's name as text, even if it is not UTF-8; no two names are shown alike.

    Examples
    --------
    >>> show("04 王.ipynb"), show(os.fsdecode(b"caf\\xe9")), show("caf\\\\xe9")
    ('04 王.ipynb', 'caf\\\\xe9', 'caf\\\\\\\\xe9')
    """
    return os.fsencode(name.replace("\\", "\\\\")).decode("utf8", "backslashreplace")


def examine(found: Found) -> str:
    """A digest of the file's content, if it may be opened at all.

    Raises
    ------
    Refused
        If it is a link, no regular file, too large, or cannot be opened.
    """
    try:
        if found.path.is_symlink():
            raise Refused("It is a link, not a file: what it leads to may be another's. Hand in the notebook itself.")
        status = found.path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused("It is not a regular file.")
        if status.st_size > LARGEST:
            raise Refused(f"It has {status.st_size / MIB:.0f} MiB; {LARGEST // MIB} are read at most.")
        with open(found.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, RuntimeError) as error:
        raise Refused(f"It cannot be opened: {error.strerror if isinstance(error, OSError) else error}.") from None


def read(path: Path) -> Submission:
    """Read a notebook.

    Raises
    ------
    Unreadable
        If it is not one, in UTF-8, of nbformat 4.
    """
    if path.stat().st_size <= LARGE:
        return parse(path.read_bytes())
    command = [sys.executable, "-I", "-m", "rnnlib.grading.reading", str(path)]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        data = json.loads(run.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise Unreadable("It is too large to be read: reading it takes more time or memory than is allowed.") from None
    if "error" in data:
        raise Unreadable(data["error"])
    return Submission(data["exercise"], tuple(Taken(*cell) for cell in data["cells"]))


def parse(content: bytes) -> Submission:
    """What is taken from a notebook's content.

    Raises
    ------
    Unreadable
        As `read`.

    Examples
    --------
    >>> parse(b'{"nbformat": 4, "cells": [{"cell_type": "code", "id": "a", "source": ["x = 1"]}]}').cells
    (Taken(id='a', id_copy='', role='', source='x = 1', kind='code', image=''),)
    >>> parse(b"")
    Traceback (most recent call last):
        ...
    rnnlib.grading.reading.Unreadable: The file is empty.
    """
    if not content.strip():
        raise Unreadable("The file is empty.")
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"It is not UTF-8 text (byte {error.start}); save it from Jupyter again.") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"It is not JSON (line {error.lineno}: {error.msg}); save it from Jupyter again.") from None
    except (RecursionError, ValueError):
        raise Unreadable("It is not a notebook: its JSON cannot be read.") from None
    version = data.get("nbformat") if isinstance(data, dict) else None
    if type(version) not in (int, float):
        raise Unreadable("It is not a notebook: nbformat is missing.")
    if version != 4:
        raise Unreadable(f"It has nbformat {str(version)[:20]}; expected 4. Open it in Jupyter and save it again.")
    if not isinstance(data.get("cells"), list):
        raise Unreadable("It is not a notebook: it has no list of cells.")
    return Submission(_text(_meta(data).get("exercise")), tuple(_cells(data["cells"])))


def _meta(thing: dict[str, Any]) -> dict[str, Any]:
    meta = thing.get("metadata")
    own = meta.get("rnnlib") if isinstance(meta, dict) else None
    return own if isinstance(own, dict) else {}


def _unix(source: str) -> str:
    """A source with the line ends of Python; some editors write `\\r` twice."""
    return source.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def _image(cell: dict[str, Any]) -> str:
    """The last PNG among a cell's stored outputs, if it is one and no larger than it may be."""
    outputs = cell.get("outputs")
    for output in reversed(outputs if isinstance(outputs, list) else []):
        data = output.get("data") if isinstance(output, dict) else None
        image = data.get("image/png") if isinstance(data, dict) else None
        image = "".join(image) if isinstance(image, list) and all(isinstance(part, str) for part in image) else image
        if isinstance(image, str) and len(image) <= LARGEST_IMAGE and PNG.fullmatch(image := "".join(image.split())):
            return image
    return ""


def _cells(cells: list[Any]) -> Iterator[Taken]:
    """The cells that could hold code: a cell of text is taken only if it was an answer cell."""
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"It has {len(cells)} cells; {MOST_CELLS} are read at most.")
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source, kind, meta = cell.get("source"), cell.get("cell_type"), _meta(cell)
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str) or kind not in ("code", "markdown", "raw"):
            continue
        image = _image(cell) if meta.get("role") == "manual" else ""
        taken = Taken(_text(cell.get("id")), _text(meta.get("cell")), _text(meta.get("role")),
                      _unix(source[:LONGEST_SOURCE]), kind, image)  # fmt: skip
        if taken.role == "answer" and len(source) > LONGEST_SOURCE:
            raise Unreadable(
                f"The answer cell {taken.id!r} has {len(source)} characters; {LONGEST_SOURCE} are allowed."
            )
        yield taken


def main(path: str) -> None:
    """Read a large file within limits and print what is taken from it."""
    resource.setrlimit(resource.RLIMIT_AS, (READER_MIB * MIB, READER_MIB * MIB))
    try:
        submission = parse(Path(path).read_bytes())
        data: dict[str, Any] = {"exercise": submission.exercise, "cells": submission.cells}
    except Unreadable as error:
        data = {"error": str(error)}
    except MemoryError:
        data = {"error": "It is too large to be read: reading it takes more memory than is allowed."}
    json.dump(data, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
