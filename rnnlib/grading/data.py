"""Data files of an exercise: they lie beside the solution notebook, beside the student's, and in the sandbox.

In the sandbox they can be read and not be changed. Files that a student hands in are never looked at.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .tasks import ExerciseError

NAME = re.compile(r"(?!.*\.(?:ipynb|py)$)[\w][\w.\- ]{0,99}")
MOST_BYTES = 5 << 20  # of all files of an exercise


def file_names(notebook: dict[str, Any]) -> list[str]:
    """The names under `files` in a solution notebook's metadata.

    Raises
    ------
    ExerciseError
        If they are no names of files beside it.

    Examples
    --------
    >>> file_names({"metadata": {"rnnlib": {"files": ["weather.csv"]}}})
    ['weather.csv']
    """
    meta = notebook.get("metadata", {}).get("rnnlib", {})
    names = meta.get("files", []) if isinstance(meta, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise ExerciseError(
            f"files {names!r} in the notebook's metadata: expected a list of names of files beside it, as 'weather.csv'"
        )
    return names


def read_files(names: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The files in base64.

    Raises
    ------
    ExerciseError
        If one cannot be read, is a link or no name of a file there, or all are too large together.
    """
    found = {}
    for name in names:
        if not NAME.fullmatch(name) or (folder / name).is_symlink():  # a stranger's notebook names them too
            raise ExerciseError(f"{name!r}: expected a data file in {folder}, got another path or a link")
        try:
            found[name] = base64.b64encode((folder / name).read_bytes()).decode("ascii")
        except OSError as error:
            raise ExerciseError(
                f"{folder / name}: expected a data file of the exercise, got {error.strerror}"
            ) from None
    if (size := sum(len(content) for content in found.values()) * 3 // 4) > MOST_BYTES:
        raise ExerciseError(f"{', '.join(names)}: expected {MOST_BYTES} bytes of data at most, got {size}")
    return found


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """A digest of each file, which is all that a student's notebook carries of it."""
    return {name: hashlib.sha256(content.encode("ascii")).hexdigest() for name, content in files.items()}


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Put the files into a folder, where nobody can write to them by accident."""
    for name, content in files.items():
        path = folder / name
        raw = base64.b64decode(content)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        if not (path.is_file() and not path.is_symlink() and path.read_bytes() == raw):
            path.unlink(missing_ok=True)
            path.write_bytes(raw)
        path.chmod(0o444)
