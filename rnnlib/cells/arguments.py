"""Checks of arguments, in one wording: ``name: expected …, got …``."""

import difflib
import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def as_real(argument: str, value: object, dtype: np.dtype, shape: tuple[int | None, ...]) -> Array:
    """`value` as an array of `dtype`, after checking that it is floating-point, finite and of `shape` (None: any)."""
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{argument}: expected a floating-point array, got {array.dtype}")
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{argument}: expected shape ({wanted}), got {array.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())  # cheaper than to look at each entry; large ones may overflow here
    if suspicious and not np.isfinite(array).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{argument}: expected finite numbers, got {array[where]} at {where}")
    return array.astype(dtype, copy=False)


def keyword_options(cls: type) -> list[str]:
    """The keyword options of a class's constructor and of those that it inherits from, sorted."""
    constructors = [vars(base)["__init__"] for base in cls.__mro__[:-1] if "__init__" in vars(base)]
    parameters = [p for init in constructors for p in inspect.signature(init).parameters.values()]
    return sorted({p.name for p in parameters if p.kind is p.KEYWORD_ONLY})


def number(argument: str, value: object) -> float:
    """`value` as a float, or a TypeError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{argument}: expected a number, got {type(value).__name__} {value!r}")
    return float(value)


def unknown_option(cls: type, name: str) -> str:
    """The message about an option that a cell has not got."""
    options = keyword_options(cls)
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{name}: expected an option of {cls.__name__} ({', '.join(options)}), got {name!r}{hint}"


def positive(argument: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{argument}: expected an int, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{argument}: expected at least 1, got {value}")
    return int(value)


def floating(argument: str, value: Any) -> np.dtype:
    """A dtype if it is one that the library computes in, float32 or float64."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"{argument}: expected float32 or float64, got {value!r}") from None
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{argument}: expected float32 or float64, got {dtype}")
    return dtype


def generator(argument: str, value: object) -> None:
    """TypeError unless `value` is a random generator."""
    if not isinstance(value, np.random.Generator):
        given = type(value).__name__
        raise TypeError(
            f"{argument}: expected a np.random.Generator, got {given}; np.random.default_rng(seed) makes one"
        )


def rate(argument: str, value: float) -> float:
    if not 0 <= number(argument, value) < 1:
        raise ValueError(f"{argument}: expected a rate in [0, 1), got {value}")
    return float(value)
