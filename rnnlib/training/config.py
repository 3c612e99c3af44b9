"""A model's options as plain data, and the model again from them: the part of a checkpoint that is not arrays."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from rnnlib.bptt import Bidirectional, Stacked
from rnnlib.cells import GRU, LSTM, RNN, Cell
from rnnlib.training.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from rnnlib.training.model import Model
from rnnlib.training.regularisers import L1L2

__all__ = ["build_model", "model_config"]

CELLS: dict[str, type[Cell]] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
CONSTRAINTS: dict[str, Any] = {kind.__name__: kind for kind in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}


def model_config(model: Model) -> dict[str, Any]:
    """All options of a model, in types that JSON knows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> config = model_config(Model(GRU(3, 4, rng=rng), output_size=2, rng=rng, return_sequences=False))
    >>> config["layer"]["class"], config["output_size"], config["return_sequences"]
    ('GRU', 2, False)
    >>> build_model(config).layer
    GRU(input_size=3, hidden_size=4, dtype=float64)
    """
    return {
        "layer": _layer_config(model.layer),
        "output_size": model.output.output_size,
        "loss": model.loss_name,
        "return_sequences": model.return_sequences,
        "dropout": model.dropout,
        "activity_regularizer": _regularizer_config(model.activity_regularizer),
        **{f"{role}_regularizer": _regularizer_config(r) for role, r in model.regularizers.items()},
        **{f"{role}_constraint": _constraint_config(c) for role, c in model.constraints.items()},
    }


def build_model(config: dict[str, Any], dtype: np.dtype | None = None) -> Model:
    """A model with these options, freshly initialised; ``dtype`` overrides that of its cells.

    Raises
    ------
    ValueError, TypeError, KeyError
        If an option is unknown, missing or out of range.
    """
    rng = np.random.default_rng(0)
    options = dict(config)
    layer = _build_layer(options.pop("layer"), dtype, rng)
    for name, value in options.items():
        if name.endswith("_regularizer") and value is not None:
            options[name] = L1L2(**value)
        if name.endswith("_constraint") and value is not None:
            value = {key: tuple(v) if isinstance(v, list) else v for key, v in value.items()}
            options[name] = CONSTRAINTS[value.pop("class")](**value)
    return Model(layer, rng=rng, **options)


def _layer_config(layer: Any) -> dict[str, Any]:
    if isinstance(layer, Cell):
        return {"class": type(layer).__name__, **layer.config()}
    parts = layer.cells if isinstance(layer, Bidirectional) else layer.layers
    return {"class": type(layer).__name__, "parts": [_layer_config(part) for part in parts]}


def _build_layer(config: dict[str, Any], dtype: np.dtype | None, rng: np.random.Generator) -> Any:
    options = dict(config)
    kind = options.pop("class")
    if kind in CELLS:
        return CELLS[kind](**options | ({} if dtype is None else {"dtype": dtype}), rng=rng)
    parts = [_build_layer(part, dtype, rng) for part in options["parts"]]
    if kind == "Bidirectional":
        return Bidirectional(*parts)
    if kind == "Stacked":
        return Stacked(parts)
    raise ValueError(f"layer: expected one of {[*CELLS, 'Stacked', 'Bidirectional']}, got {kind!r}")


def _regularizer_config(regularizer: L1L2 | None) -> dict[str, float] | None:
    return None if regularizer is None else asdict(regularizer)


def _constraint_config(constraint: Constraint | None) -> dict[str, Any] | None:
    return None if constraint is None else {"class": type(constraint).__name__, **asdict(constraint)}
