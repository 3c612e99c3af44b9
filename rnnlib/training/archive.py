"""The files that checkpoints are: named arrays and one JSON text in an .npz, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnlib.registry import build, describe

__all__ = ["CheckpointError", "read_checkpoint", "write_checkpoint"]

INSTANCE = "instance of"  # the key that marks an instance of a registered class among the JSON
FORMAT, VERSION = "rnnlib checkpoint", 2
DAMAGE = (  # what zipfile, zlib, NumPy and json say when bytes are not what they should be
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, or belongs to another model."""


def _checksum(arrays: Mapping[str, np.ndarray], text: bytes) -> str:
    total = hashlib.sha256(text)
    for name in sorted(arrays):
        a = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {a.dtype.str} {a.shape}".encode())
        total.update(a.tobytes())
    return total.hexdigest()


def write_checkpoint(path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write named arrays and whatever JSON can hold to one file, atomically.

    Parameters
    ----------
    path : path
        Usually ends in ``.npz``. The folder must exist. An existing file is replaced in one move.
    arrays : dict of str to array
    meta : dict
        JSON, and instances of registered classes (:mod:`rnnlib.registry`), which come back as such.

    Raises
    ------
    TypeError
        If `meta` holds something else.
    ValueError
        If it holds an instance of a class that is not registered.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_checkpoint(f"{folder}/two.npz", {"w": np.arange(2)}, {"unit": "°C"})
    ...     read_checkpoint(f"{folder}/two.npz")
    ({'w': array([0, 1])}, {'unit': '°C'})
    """
    path = Path(path)
    check_folder("path", path)
    for name, a in arrays.items():
        if np.asarray(a).dtype.hasobject:
            raise TypeError(f"arrays[{name!r}]: expected numbers, got an array of objects")
    text = as_json(meta).encode()
    header = {"format": FORMAT, "version": VERSION, "sha256": _checksum(arrays, text)}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        header=np.frombuffer(json.dumps(header).encode(), np.uint8),
        meta=np.frombuffer(text, np.uint8),
        **arrays,  # type: ignore[arg-type]
    )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            file.write(buffer.getvalue())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_folder(argument: str, path: str | Path) -> None:
    """FileNotFoundError if the folder that a file is to be written into is not there."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{argument}: expected an existing folder, got {folder}")


def as_json(meta: Mapping[str, Any]) -> str:
    """The JSON text that a checkpoint stores."""
    return json.dumps(meta, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON does not know: NumPy's numbers, and instances of registered classes."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "config"):
        described = describe(value)
        try:
            build(described)
        except (KeyError, TypeError, ValueError) as error:
            raise TypeError(
                f"notes, options: expected instances that their config() builds again, got {value!r}: {error}"
            ) from error
        return {INSTANCE: described.pop("class"), **described}
    raise TypeError(
        f"notes, options: expected JSON or instances of registered classes, got {type(value).__name__}: {value!r}"
    )


def _instances(value: dict[str, Any]) -> Any:
    """Undo `_plain` for one JSON object."""
    if INSTANCE not in value:
        return value
    return build({"class": value[INSTANCE], **{key: v for key, v in value.items() if key != INSTANCE}})


def read_checkpoint(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays by name and the JSON part of a file that `write_checkpoint` made, after checking every byte.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is damaged or no checkpoint, or names a class that is not registered.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        header = json.loads(content.pop("header").tobytes())
        text = content.pop("meta").tobytes()
        known = header["format"] == FORMAT
    except DAMAGE as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint of rnnlib ({error!r})") from error
    if not known:
        raise CheckpointError(f"{path} has the format {header['format']!r}, expected {FORMAT!r}")
    if header["version"] != VERSION:
        raise CheckpointError(f"{path} has version {header['version']}, this rnnlib reads version {VERSION}")
    if _checksum(content, text) != header["sha256"]:
        raise CheckpointError(f"{path} is damaged: its content does not match its checksum")
    try:
        return content, json.loads(text, object_hook=_instances)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} holds something that cannot be built: {error}") from error
