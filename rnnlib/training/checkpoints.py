"""Checkpoints: a model, its optimiser and its run in one .npz file.

The file holds plain arrays and one JSON text, no pickles, so that reading a stranger's file runs none of
his code. A SHA-256 sum over names, shapes and bytes tells a damaged file from a good one, and the file
appears under its name only when it is complete.

Left out on purpose: sharded files, and anything that needs a migration. The format has a version number.
"""

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
from numpy.typing import DTypeLike

from rnnlib.training.config import build_model, model_config
from rnnlib.training.model import Model
from rnnlib.training.optimisers import SGD, Adam
from rnnlib.training.history import History, Run

__all__ = ["CheckpointError", "load_checkpoint", "load_model", "load_pretrained", "save_checkpoint"]

FORMAT, VERSION = "rnnlib checkpoint", 1
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


def save_checkpoint(
    path: str | Path,
    model: Model,
    optimiser: SGD | Adam | None = None,
    run: Run | None = None,
    *,
    notes: Mapping[str, Any] | None = None,
    dtype: DTypeLike | None = None,
) -> None:
    """Write a checkpoint, atomically.

    Parameters
    ----------
    path : path
        Usually ends in ``.npz``. The folder must exist. An existing file is replaced in one move.
    model : Model
    optimiser, run : optional
        With both, training can be resumed bit for bit. Without, the file is a trained model.
    notes : dict, optional
        Anything JSON can hold: the vocabulary, how the model was trained, what it reached.
    dtype : dtype, optional
        Store the parameters in this dtype, ``np.float16`` for a quarter of the size of float64. Not
        together with ``optimiser`` or ``run``: a rounded model cannot be resumed bit for bit.

    Raises
    ------
    ValueError
        If ``dtype`` is given together with ``optimiser`` or ``run``, or a parameter overflows in it.
    TypeError
        If ``notes`` or the model's options are not JSON.

    Examples
    --------
    >>> import tempfile
    >>> from rnnlib.cells import GRU
    >>> rng = np.random.default_rng(0)
    >>> model = Model(GRU(3, 4, rng=rng), output_size=3, rng=rng)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder, "gru.npz"), model, notes={"vocabulary": "abc"})
    ...     loaded, notes = load_model(Path(folder, "gru.npz"))
    >>> notes
    {'vocabulary': 'abc'}
    >>> bool((loaded.params["W_h"] == model.params["W_h"]).all())
    True
    """
    if dtype is not None and (optimiser is not None or run is not None):
        raise ValueError("dtype: a model stored in another dtype cannot be resumed; leave out optimiser and run")
    arrays = {f"model/{name}": _cast(name, p, dtype) for name, p in model.params.items()}
    meta: dict[str, Any] = {"model": model_config(model), "notes": dict(notes or {})}
    if optimiser is not None:
        meta["optimiser"] = optimiser.config()
        arrays |= {f"optimiser/{name}": a for name, a in optimiser.state().items()}
    if run is not None:
        meta["run"], run_arrays = _pack_run(run)
        arrays |= {f"run/{name}": a for name, a in run_arrays.items()}
    _write(Path(path), arrays, meta)


def load_checkpoint(
    path: str | Path, model: Model, optimiser: SGD | Adam | None = None, run: Run | None = None
) -> dict[str, Any]:
    """Put what a checkpoint holds into a model of the same shape, and into an optimiser and a run.

    Nothing is changed unless everything fits.

    Parameters
    ----------
    path : path
    model : Model
        Built with the same options; its parameters are overwritten in place.
    optimiser, run : optional
        Continue as they were when the file was written.

    Returns
    -------
    dict
        The notes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is damaged or no checkpoint, or was written for another model or optimiser.
    """
    arrays, meta = _read(Path(path))
    _same(path, "model", meta["model"], model_config(model))
    _check_params(path, arrays["model"], model.params)
    for name, thing in (("optimiser", optimiser), ("run", run)):
        if thing is not None and name not in meta:
            raise CheckpointError(f"{path} holds no {name}; it was saved without one, so it cannot be resumed")
    if optimiser is not None:
        adjustable = {"learning_rate": optimiser.learning_rate}  # a schedule may have moved it
        _same(path, "optimiser", meta["optimiser"] | adjustable, optimiser.config())
    restored = _unpack_run(meta["run"], arrays["run"]) if run is not None else None
    if optimiser is not None:
        optimiser.load_state(arrays["optimiser"])
    if run is not None:
        vars(run).update(vars(restored))
    for name, p in model.params.items():
        p[...] = arrays["model"][name]
    return meta["notes"]


def load_model(path: str | Path, dtype: DTypeLike | None = None) -> tuple[Model, dict[str, Any]]:
    """Build the model that a checkpoint describes.

    Parameters
    ----------
    path : path
    dtype : float32 or float64, optional
        Of the parameters; as it was trained by default.

    Returns
    -------
    model : Model
    notes : dict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is damaged or no checkpoint, or describes a model that this library cannot build.
    """
    arrays, meta = _read(Path(path))
    try:
        model = build_model(meta["model"], None if dtype is None else np.dtype(dtype))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} describes a model that cannot be built: {error!r}") from error
    _check_params(path, arrays["model"], model.params)
    for name, p in model.params.items():
        p[...] = arrays["model"][name]
    return model, meta["notes"]


def load_pretrained(name: str, dtype: DTypeLike | None = None) -> tuple[Model, dict[str, Any]]:
    """:func:`load_model` for a model that comes with this library; ``make models`` trains it anew.

    Parameters
    ----------
    name : str
        For instance ``"char_rnn"``, the character model of chapter 3.
    dtype : float32 or float64, optional
        As it was trained by default.

    Raises
    ------
    ValueError
        If there is no such model; the message lists those there are.
    """
    folder = Path(__file__).parent.parent / "pretrained"
    path = folder / f"{name}.npz"
    if not path.exists():
        known = sorted(file.stem for file in folder.glob("*.npz"))
        raise ValueError(f"name: expected one of {known}, got {name!r}")
    return load_model(path, dtype)


def _cast(name: str, p: np.ndarray, dtype: DTypeLike | None) -> np.ndarray:
    if dtype is None:
        return p
    with np.errstate(over="ignore"):
        stored = p.astype(dtype)
    if not np.isfinite(stored).all():
        raise ValueError(f"dtype: {name} has entries too large for {np.dtype(dtype)}")
    return stored


def _same(path: str | Path, what: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse options that differ, naming them."""
    stored, given = json.loads(json.dumps(stored)), json.loads(json.dumps(given))
    if stored != given:
        differing = [key for key in sorted({*stored, *given}) if stored.get(key) != given.get(key)]
        said = "; ".join(f"{key}: file {stored.get(key)!r}, here {given.get(key)!r}" for key in differing)
        raise CheckpointError(f"{path} was saved for a {what} with other options ({said})")


def _check_params(path: str | Path, stored: Mapping[str, np.ndarray], params: Mapping[str, np.ndarray]) -> None:
    found = {name: a.shape for name, a in stored.items()}
    wanted = {name: p.shape for name, p in params.items()}
    if found != wanted:
        raise CheckpointError(f"{path} holds parameters {found}, the model has {wanted}")


def _pack_run(run: Run) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What JSON can hold of a run, and its arrays."""
    arrays = {f"history/{name}": np.array(values, float) for name, values in vars(run.history).items()}
    meta = {name: getattr(run, name) for name in ("step", "epoch", "batch", "epoch_seed", "seconds")}
    meta["state"] = _pack_state(run.state, "state", arrays)
    meta["rng"] = None if run.rng is None else run.rng.bit_generator.state
    return meta, arrays


def _unpack_run(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Run:
    history = History(**{name: arrays[f"history/{name}"].tolist() for name in vars(History())})
    history.validation_step = [int(step) for step in history.validation_step]
    run = Run(history=history, **{k: meta[k] for k in ("step", "epoch", "batch", "epoch_seed", "seconds")})
    run.state = _unpack_state(meta["state"], arrays)
    if meta["rng"] is not None:
        bit_generator = getattr(np.random, meta["rng"]["bit_generator"])()
        bit_generator.state = meta["rng"]
        run.rng = np.random.Generator(bit_generator)
    return run


def _pack_state(state: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """Store a state's arrays, and return their names in the nesting of its tuples."""
    if state is None:
        return None
    if isinstance(state, tuple):
        return [_pack_state(part, f"{name}.{k}", arrays) for k, part in enumerate(state)]
    arrays[name] = state
    return name


def _unpack_state(names: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(names, list):
        return tuple(_unpack_state(part, arrays) for part in names)
    return None if names is None else arrays[names]


def _checksum(arrays: Mapping[str, np.ndarray], text: bytes) -> str:
    total = hashlib.sha256(text)
    for name in sorted(arrays):
        a = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {a.dtype.str} {a.shape}".encode())
        total.update(a.tobytes())
    return total.hexdigest()


def _write(path: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    text = json.dumps(meta, ensure_ascii=False, sort_keys=True, default=_plain).encode()
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


def _plain(value: Any) -> Any:
    """What JSON does not know and NumPy's generators contain."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a checkpoint's notes and options must be JSON, got {type(value).__name__}: {value!r}")


def _read(path: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Arrays by group and the JSON part, after checking every byte."""
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
    groups: dict[str, dict[str, np.ndarray]] = {"model": {}, "optimiser": {}, "run": {}}
    for name, a in content.items():
        group, _, rest = name.partition("/")
        groups[group][rest] = a
    return groups, json.loads(text)
