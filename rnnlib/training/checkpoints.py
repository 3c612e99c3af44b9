"""Checkpoints: a model, its optimiser and its run in one .npz file.

The file holds plain arrays and one JSON text, no pickles, so that reading a stranger's file runs none of
his code. A SHA-256 sum over names, shapes and bytes tells a damaged file from a good one, and the file
appears under its name only when it is complete. Which classes a file may name is kept in
:mod:`rnnlib.registry`; `archive` reads and writes the files themselves.

Left out on purpose: sharded files, and anything that needs a migration. The format has a version number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from rnnlib.bptt.states import leaves, mapped
from rnnlib.registry import build, describe
from rnnlib.training.archive import CheckpointError, as_json, check_folder, read_checkpoint, write_checkpoint
from rnnlib.training.history import History, Run
from rnnlib.training.optimisers import Optimiser
from rnnlib.training.quantising import dequantise, quantise

__all__ = ["load_checkpoint", "load_model", "load_pretrained", "save_checkpoint"]


def save_checkpoint(
    path: str | Path,
    model: Any,
    optimiser: Optimiser | None = None,
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
    model : Model, or any other `Trainable` of a registered class
    optimiser, run : optional
        With both, training can be resumed bit for bit. Without, the file is a trained model.
    notes : dict, optional
        Anything JSON can hold, and instances of registered classes, such as a `Vocabulary`: how the model was
        trained, what it reached. They come back as they were.
    dtype : dtype, optional
        Store the parameters in this dtype, ``np.float16`` for a quarter of the size of float64. ``np.int8`` keeps one
        byte of each entry of a matrix (:func:`rnnlib.training.quantising.quantise`) and the rest in float32. Not
        together with ``optimiser`` or ``run``: a rounded model cannot be resumed bit for bit.

    Raises
    ------
    ValueError
        If ``dtype`` is given together with ``optimiser`` or ``run``, or a parameter overflows in it.
    TypeError
        If ``notes`` or the model's options are not JSON.
    ValueError
        If the class of the model, or of something in the notes, is not registered.

    Examples
    --------
    >>> import tempfile
    >>> from rnnlib.cells import GRU
    >>> from rnnlib.text import Vocabulary
    >>> from rnnlib.training import Model
    >>> rng = np.random.default_rng(0)
    >>> model = Model(GRU(3, 4, rng=rng), output_size=3, rng=rng)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder, "gru.npz"), model, notes={"vocabulary": Vocabulary("abc")})
    ...     loaded, notes = load_model(Path(folder, "gru.npz"))
    >>> notes
    {'vocabulary': Vocabulary(3 symbols, unknown=None)}
    >>> bool((loaded.params["W_h"] == model.params["W_h"]).all())
    True
    """
    if dtype is not None and (optimiser is not None or run is not None):
        raise ValueError(
            "dtype: expected None beside optimiser or run (a rounded model cannot be resumed bit for bit), got one"
        )
    arrays = _stored(model.params, None if dtype is None else np.dtype(dtype))
    meta: dict[str, Any] = {"model": describe(model), "notes": dict(notes or {})}
    if optimiser is not None:
        meta["optimiser"] = optimiser.config()
        arrays |= {f"optimiser/{name}": a for name, a in optimiser.state().items()}
    if run is not None:
        meta["run"], run_arrays = _pack_run(run)
        arrays |= {f"run/{name}": a for name, a in run_arrays.items()}
    write_checkpoint(path, arrays, meta)


def load_checkpoint(
    path: str | Path, model: Any, optimiser: Optimiser | None = None, run: Run | None = None
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
    arrays, meta = _read(path)
    _same(path, "model", meta["model"], describe(model))
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


def load_model(path: str | Path, dtype: DTypeLike | None = None) -> tuple[Any, dict[str, Any]]:
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
    arrays, meta = _read(path)
    try:
        model = build(meta["model"], rng=np.random.default_rng(0), dtype=None if dtype is None else np.dtype(dtype))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} describes a model that cannot be built: {error!r}") from error
    _check_params(path, arrays["model"], model.params)
    for name, p in model.params.items():
        p[...] = arrays["model"][name]
    return model, meta["notes"]


def load_pretrained(name: str, dtype: DTypeLike | None = None) -> tuple[Any, dict[str, Any]]:
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


def check_savable(path: str | Path, model: Any) -> None:
    """Raise now what `save_checkpoint` would raise later: a class or an option that cannot be stored, a missing folder.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
    """
    as_json(describe(model))
    check_folder("checkpoint", path)


def _stored(params: Mapping[str, np.ndarray], dtype: np.dtype | None) -> dict[str, np.ndarray]:
    """The parameters as the file keeps them; a matrix of bytes has its scales beside it, in a group of their own."""
    if dtype is None:
        return {f"model/{name}": p for name, p in params.items()}
    if dtype != np.int8:
        return {f"model/{name}": _cast(name, p, dtype) for name, p in params.items()}
    arrays = {f"model/{name}": _cast(name, p, np.dtype(np.float32)) for name, p in params.items()}
    for name, p in params.items():
        if p.ndim == 2:
            arrays[f"model/{name}"], arrays[f"scale/{name}"] = quantise(p)
    return arrays


def _cast(name: str, p: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if not np.issubdtype(dtype, np.floating):
        raise ValueError(f"dtype: expected a floating-point type or int8, got {dtype}")
    with np.errstate(over="ignore"):
        stored = p.astype(dtype)
    if not np.isfinite(stored).all():
        raise ValueError(
            f"dtype: expected one that holds the entries of {name}, got {np.dtype(dtype)}, for which they are too large"
        )
    return stored


def _same(path: str | Path, what: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse options that differ, naming them."""
    stored, given = json.loads(as_json(stored)), json.loads(as_json(given))
    if stored != given:
        differing = [key for key in sorted({*stored, *given}) if stored.get(key) != given.get(key)]
        said = "; ".join(f"{key}: file {stored.get(key)!r}, here {given.get(key)!r}" for key in differing)
        raise CheckpointError(f"{path} was saved with other options of the {what} ({said})")


def _check_params(path: str | Path, stored: Mapping[str, np.ndarray], params: Mapping[str, np.ndarray]) -> None:
    found = {name: a.shape for name, a in stored.items()}
    wanted = {name: p.shape for name, p in params.items()}
    if found != wanted:
        raise CheckpointError(f"{path} holds parameters {found}, the model has {wanted}")


def _pack_run(run: Run) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What JSON can hold of a run, and its arrays."""
    arrays = {f"history/{name}": np.array(values, float) for name, values in vars(run.history).items()}
    meta = {name: getattr(run, name) for name in ("step", "epoch", "batch", "epoch_seed", "seconds")}
    arrays |= {f"state.{k}": a for k, a in enumerate(leaves(run.state))} if run.state is not None else {}
    numbers = iter(range(len(arrays)))
    meta["state"] = mapped(lambda _: f"state.{next(numbers)}", run.state)  # the arrays' names, nested as the state is
    meta["rng"] = None if run.rng is None else run.rng.bit_generator.state
    return meta, arrays


def _unpack_run(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Run:
    history = History(**{name: arrays[f"history/{name}"].tolist() for name in vars(History())})
    for name in ("symbols", "validation_step"):
        setattr(history, name, [int(n) for n in getattr(history, name)])
    run = Run(history=history, **{k: meta[k] for k in ("step", "epoch", "batch", "epoch_seed", "seconds")})
    run.state = mapped(arrays.__getitem__, _tuples(meta["state"]))
    if meta["rng"] is not None:
        bit_generator = getattr(np.random, meta["rng"]["bit_generator"])()
        bit_generator.state = meta["rng"]
        run.rng = np.random.Generator(bit_generator)
    return run


def _tuples(names: Any) -> Any:
    """JSON knows no tuples: turn its lists back into what they were."""
    return tuple(_tuples(part) for part in names) if isinstance(names, list) else names


def _read(path: str | Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Arrays by group, and the JSON part."""
    arrays, meta = read_checkpoint(path)
    if "model" not in meta:
        raise CheckpointError(f"{path} holds no model; read_checkpoint shows what it holds")
    groups: dict[str, dict[str, np.ndarray]] = {"model": {}, "optimiser": {}, "run": {}}
    for name, a in arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = a
    for name, scale in groups.pop("scale", {}).items():
        try:
            groups["model"][name] = dequantise(groups["model"][name], scale)
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{path} holds scales for {name!r} that do not fit its parameters") from error
    return groups, meta
