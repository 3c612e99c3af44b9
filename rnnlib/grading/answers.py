"""Answers: how a value leaves the student's kernel, and how it is compared outside of it.

A check cell calls `rnnlib.grading.answer(task, value)`. That displays the value as JSON of its own mime type,
`MIME`. The grader reads the JSON in another process and compares it with the stored answer of the solution:
exactly in type, shape, dtype and finiteness, within a tolerance in the numbers.

    encode  value -> JSON      in the kernel
    decode  JSON -> value      in the grader; believes nothing it is told
    compare expected, got      in the grader -> None, or what differs

Deliberately absent: pickles, `__eq__`, and everything else by which an object could speak for itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

MIME = "application/vnd.rnnlib.answer+json"
MAX_NUMBERS = 100_000  # in one answer; more than that is no answer but a data set
MAX_TEXT = 100_000  # characters in one answer
MAX_DEPTH = 20  # lists in lists
RTOL, ATOL = 1e-6, 1e-9  # what a task compares with unless its check cell says otherwise
NONFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
SIZES = {"int": (8, 16, 32, 64), "uint": (8, 16, 32, 64), "float": (16, 32, 64), "complex": (64, 128)}
DTYPES = frozenset({"bool"} | {f"{kind}{bits}" for kind, sizes in SIZES.items() for bits in sizes})


class BadAnswer(ValueError):
    """The JSON of an answer is not what `encode` writes."""


@dataclass(frozen=True)
class Tensor:
    """A decoded PyTorch tensor: its numbers, without PyTorch."""

    array: np.ndarray


@dataclass(frozen=True)
class Unsupported:
    """A decoded object that no answer can hold: the name of its type."""

    type: str


@dataclass(frozen=True)
class Difference:
    """What differs between two answers.

    Attributes
    ----------
    kind : {"type", "dtype", "shape", "finite", "value"}
    text : str
        A sentence for the student.
    """

    kind: str
    text: str


def encode(value: Any) -> dict[str, Any]:
    """JSON of a value: its type, shape and dtype beside its numbers.

    Parameters
    ----------
    value : None, bool, int, float, complex, str, array, tensor, or lists, tuples and dicts (with str keys) of them
        A NumPy scalar or an array without axes counts as the Python number of its kind.

    Returns
    -------
    dict
        Anything else becomes `{"kind": "unsupported", "type": ...}`, which equals no answer.

    Raises
    ------
    ValueError
        If the value has more than `MAX_NUMBERS` numbers, `MAX_TEXT` characters or `MAX_DEPTH` levels.

    Examples
    --------
    >>> encode(np.array([[1.0, np.nan]]))
    {'kind': 'array', 'dtype': 'float64', 'shape': [1, 2], 'value': [1.0, 'nan']}
    >>> encode((2, None))
    {'kind': 'tuple', 'items': [{'kind': 'int', 'value': 2}, {'kind': 'none'}]}
    """
    budget = {"numbers": MAX_NUMBERS, "characters": MAX_TEXT}
    return _encode(value, budget, MAX_DEPTH)


def _encode(value: Any, budget: dict[str, int], depth: int) -> dict[str, Any]:
    if depth == 0:
        raise ValueError(f"the answer is nested more than {MAX_DEPTH} levels deep")
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        return {**_encode_array(value.detach().cpu().resolve_conj().resolve_neg().numpy(), budget), "kind": "tensor"}
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return _encode_array(np.asarray(value), budget)
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    if isinstance(value, dict) and all(type(key) is str for key in value):
        _spend(budget, "characters", sum(map(len, value)))
        return {"kind": "dict", "items": {key: _encode(item, budget, depth - 1) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "items": [_encode(item, budget, depth - 1) for item in value]}
    return _encode_scalar(value, budget)


def _encode_scalar(value: Any, budget: dict[str, int]) -> dict[str, Any]:
    if isinstance(value, str):
        _spend(budget, "characters", len(value))
        return {"kind": "str", "value": str(value)}
    _spend(budget, "numbers", 1)
    if value is None:
        return {"kind": "none"}
    if isinstance(value, bool):
        return {"kind": "bool", "value": value}
    if isinstance(value, int):
        return {"kind": "int", "value": int(value)}
    if isinstance(value, float):
        return {"kind": "float", "value": _number(value)}
    if isinstance(value, complex):
        return {"kind": "complex", "value": [_number(value.real), _number(value.imag)]}
    return {"kind": "unsupported", "type": type(value).__name__[:80]}


def _encode_array(array: np.ndarray, budget: dict[str, int]) -> dict[str, Any]:
    dtype = array.dtype.name
    if dtype not in DTYPES:
        return {"kind": "unsupported", "type": f"array of {dtype}"[:80]}
    shape = list(array.shape)
    flat = array.ravel()
    if flat.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)  # real and imaginary parts, one after the other
    _spend(budget, "numbers", flat.size)
    values = flat.tolist()
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        values = [_number(number) for number in values]
    return {"kind": "array", "dtype": dtype, "shape": shape, "value": values}


def _number(value: float) -> float | str:
    """JSON has no NaN: a number that is not finite is written as a word."""
    if math.isfinite(value):
        return float(value)
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _spend(budget: dict[str, int], what: str, amount: int) -> None:
    budget[what] -= amount
    if budget[what] < 0:
        limit = {"numbers": MAX_NUMBERS, "characters": MAX_TEXT}[what]
        raise ValueError(f"the answer holds more than {limit} {what}; return only what the task asks for")


def decode(data: Any) -> Any:
    """The value behind the JSON that `encode` wrote, read as a letter from a stranger.

    Parameters
    ----------
    data : object
        Parsed JSON.

    Returns
    -------
    None, bool, int, float, complex, str, array, Tensor, Unsupported, or lists, tuples and dicts of them

    Raises
    ------
    BadAnswer
        If a key, type, length or number is not one that `encode` writes.

    Examples
    --------
    >>> decode(encode({"h": np.arange(3)}))
    {'h': array([0, 1, 2])}
    >>> decode({"kind": "array", "dtype": "float64", "shape": [3], "value": [1.0]})
    Traceback (most recent call last):
        ...
    rnnlib.grading.answers.BadAnswer: an array of shape [3] with 1 numbers
    """
    budget = {"numbers": MAX_NUMBERS, "characters": MAX_TEXT}
    try:
        return _decode(data, budget, MAX_DEPTH)
    except BadAnswer:
        raise
    except (ValueError, TypeError, OverflowError, KeyError, RecursionError, MemoryError) as error:
        raise BadAnswer(f"not an answer: {type(error).__name__}") from None


KEYS = {
    "none": {"kind"},
    **{kind: {"kind", "value"} for kind in ("bool", "int", "float", "complex", "str")},
    **{kind: {"kind", "items"} for kind in ("list", "tuple", "dict")},
    **{kind: {"kind", "dtype", "shape", "value"} for kind in ("array", "tensor")},
    "unsupported": {"kind", "type"},
}
SCALARS = {"bool": bool, "int": int, "str": str}


def _decode(data: Any, budget: dict[str, int], depth: int) -> Any:
    if depth == 0 or not isinstance(data, dict):
        raise BadAnswer("nested too deep" if depth == 0 else f"expected an object, got {type(data).__name__}")
    kind = data.get("kind")
    if not isinstance(kind, str) or set(data) != KEYS.get(kind, set()):
        raise BadAnswer("the keys of an answer are not those of its kind")
    if kind in ("array", "tensor"):
        array = _decode_array(data["dtype"], data["shape"], data["value"], budget)
        return array if kind == "array" else Tensor(array)
    if kind in ("list", "tuple"):
        if not isinstance(data["items"], list):
            raise BadAnswer("items is not a list")
        items = [_decode(item, budget, depth - 1) for item in data["items"]]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        if not isinstance(data["items"], dict):
            raise BadAnswer("items is not an object")
        _spend(budget, "characters", sum(map(len, data["items"])))
        return {key: _decode(item, budget, depth - 1) for key, item in data["items"].items()}
    return _decode_scalar(kind, data, budget)


def _decode_scalar(kind: str, data: dict[str, Any], budget: dict[str, int]) -> Any:
    if kind == "str":
        _spend(budget, "characters", len(data["value"]))
    else:
        _spend(budget, "numbers", 1)
    if kind == "none":
        return None
    if kind == "float":
        return _float(data["value"])
    if kind == "complex":
        real, imag = data["value"]
        return complex(_float(real), _float(imag))
    if kind == "unsupported":
        if not isinstance(data["type"], str):
            raise BadAnswer("type is not a string")
        return Unsupported(data["type"][:80])
    if type(data["value"]) is not SCALARS[kind]:
        raise BadAnswer(f"the value of kind {kind} is a {type(data['value']).__name__}")
    return data["value"]


def _float(value: Any) -> float:
    if isinstance(value, str):
        return NONFINITE[value]
    if type(value) not in (int, float):
        raise BadAnswer(f"expected a number, got {type(value).__name__}")
    return float(value)


def _decode_array(dtype: Any, shape: Any, value: Any, budget: dict[str, int]) -> np.ndarray:
    if dtype not in DTYPES or not isinstance(shape, list) or not isinstance(value, list):
        raise BadAnswer("an array needs a known dtype, a shape and a list of numbers")
    if any(type(length) is not int or length < 0 for length in shape) or not 1 <= len(shape) <= 32:
        raise BadAnswer("the shape of an array is a list of 1 to 32 lengths")
    target = np.dtype(dtype)
    parts = 2 if target.kind == "c" else 1
    if math.prod(shape) * parts != len(value):
        raise BadAnswer(f"an array of shape {shape} with {len(value)} numbers")
    _spend(budget, "numbers", len(value))
    if target.kind in "fc":
        real = np.array([_float(number) for number in value], dtype=np.float64)
        with np.errstate(over="ignore"):
            flat = real.view(np.complex128).astype(target) if parts == 2 else real.astype(target)
        return flat.reshape(shape)
    wanted = bool if target.kind == "b" else int
    if any(type(number) is not wanted for number in value):
        raise BadAnswer(f"an array of {dtype} holds something else")
    return np.array(value, dtype=target).reshape(shape)


def describe(value: Any) -> str:
    """A decoded value's type in words.

    Examples
    --------
    >>> describe(np.zeros((2, 3)))
    'an array of shape (2, 3)'
    >>> describe(1.5), describe((1, 2)), describe(None)
    ('a float', 'a tuple of 2', 'None')
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, Tensor):
        return f"a PyTorch tensor of shape {value.array.shape}"
    if isinstance(value, Unsupported):
        return f"an object of type {value.type}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _quoted(value: Any) -> str:
    """A value that is no number as a message shows it, not longer than 60 characters."""
    text = repr(value) if isinstance(value, str | bool | int) else describe(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def compare(
    expected: Any, got: Any, *, rtol: float = RTOL, atol: float = ATOL, where: str = "", private: bool = False
) -> Difference | None:
    """What differs between two decoded answers, or None if nothing does.

    Exact in type, length, keys, shape, dtype and finiteness; numbers within `atol + rtol * abs(expected)`. A *private*
    difference quotes no text of `got`, which could be anything that the code has seen.

    Examples
    --------
    >>> compare(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9])) is None
    True
    >>> compare(np.zeros((2, 3)), np.zeros((3, 2))).text
    'expected an array of shape (2, 3), got an array of shape (3, 2)'
    >>> compare((1, 2.0), (1, 2)).text
    'item 1: expected a float, got an int'
    """
    prefix = f"{where}: " if where else ""
    if type(expected) is not type(got):
        what = "an object of another type" if private and isinstance(got, Unsupported) else describe(got)
        return Difference("type", f"{prefix}expected {describe(expected)}, got {what}")
    if isinstance(expected, Tensor):
        return _compare_arrays(expected.array, got.array, rtol, atol, prefix)
    if isinstance(expected, np.ndarray):
        return _compare_arrays(expected, got, rtol, atol, prefix)
    if isinstance(expected, float | complex):
        return _compare_arrays(np.array([expected]), np.array([got]), rtol, atol, prefix)
    if isinstance(expected, list | tuple):
        if len(expected) != len(got):
            return Difference("shape", f"{prefix}expected {describe(expected)}, got {describe(got)}")
        pairs = [(f"item {index}", a, b) for index, (a, b) in enumerate(zip(expected, got, strict=True))]
    elif isinstance(expected, dict):
        if set(expected) != set(got):
            keys = "others" if private else sorted(got)[:20]
            return Difference("shape", f"{prefix}expected the keys {sorted(expected)}, got {keys}")
        pairs = [(f"{key!r}", item, got[key]) for key, item in expected.items()]
    else:
        same = expected == got and not isinstance(expected, Unsupported)
        what = describe(got) if private and isinstance(got, str | int) else _quoted(got)
        return None if same else Difference("value", f"{prefix}{what} is not right")
    for name, a, b in pairs:
        found = compare(a, b, rtol=rtol, atol=atol, where=f"{where}, {name}" if where else name, private=private)
        if found:
            return found
    return None


def _compare_arrays(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float, prefix: str) -> Difference | None:
    if expected.shape != got.shape:
        return Difference("shape", f"{prefix}expected {describe(expected)}, got {describe(got)}")
    if expected.dtype != got.dtype:
        return Difference("dtype", f"{prefix}expected numbers of dtype {expected.dtype}, got {got.dtype}")
    if expected.dtype.kind not in "fc":
        wrong = int((expected != got).sum())
        return Difference("value", f"{prefix}{wrong} of {expected.size} entries are wrong") if wrong else None
    odd, odd_got = ~np.isfinite(expected), ~np.isfinite(got)
    if (odd != odd_got).any():
        count = int((odd != odd_got).sum())
        what = "not finite (NaN or infinite)" if (odd_got & ~odd).any() else "finite, but should not be"
        return Difference("finite", f"{prefix}{count} of {expected.size} numbers are {what}")
    with np.errstate(invalid="ignore"):
        error = np.where(odd, 0.0, np.abs(got - expected))
        allowed = np.where(odd, 0.0, atol + rtol * np.abs(expected))
    wrong_numbers = error > allowed
    if odd.any():
        wrong_numbers |= odd & ~((expected == got) | (np.isnan(expected) & np.isnan(got)))
    if not wrong_numbers.any():
        return None
    count = int(wrong_numbers.sum())
    if expected.size == 1:
        return Difference("value", f"{prefix}the number is off by {error.max():.2g}")
    return Difference("value", f"{prefix}{count} of {expected.size} numbers are off, by at most {error.max():.2g}")
