"""Whether a function left its arguments as they were.

To write into an input is the classical mistake of a backward pass by hand: the answer is right, and the caller's arrays
are not what they were. While a check cell runs, the functions and classes that a task asks for are *guarded*: their
arguments are copied before each call and compared after it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from types import FunctionType
from typing import Any

import numpy as np

MAX_CALLS = 200  # guarded calls in one check cell; more would cost more than they tell
MAX_NUMBERS = 2_000_000  # in one call's arguments
MAX_DEPTH = 4  # lists in lists
ANY = "*"


class Guard:
    """Watches calls, and collects what was changed.

    Parameters
    ----------
    may_change : collection of str
        Names of arguments that may be changed; `"*"` stands for all.

    Examples
    --------
    >>> def halve(h):
    ...     h /= 2
    ...     return h
    >>> guard = Guard()
    >>> guard.watch("halve", halve)(np.ones(3))
    array([0.5, 0.5, 0.5])
    >>> guard.changed
    ['halve: h']
    """

    def __init__(self, may_change: Collection[str] = ()) -> None:
        self.may_change = frozenset(may_change)
        self.changed: list[str] = []
        self._calls = self._depth = 0
        self._classes: list[tuple[type, str, Any]] = []

    def watch(self, name: str, thing: Any) -> Any:
        """The same function, guarded; a class has its methods guarded until `release`; anything else as it is."""
        if isinstance(thing, FunctionType):
            return self._guarded(name, thing)
        if isinstance(thing, type) and ANY not in self.may_change:
            for key, method in list(vars(thing).items()):
                if isinstance(method, FunctionType) and (not key.startswith("__") or key == "__call__"):
                    self._classes.append((thing, key, method))
                    setattr(thing, key, self._guarded(f"{name}.{key}", method))
        return thing

    def release(self) -> None:
        """Take the guards off classes again."""
        for owner, key, method in reversed(self._classes):
            setattr(owner, key, method)
        self._classes.clear()

    def _guarded(self, name: str, function: FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            if self._depth or self._calls >= MAX_CALLS or ANY in self.may_change:
                return function(*args, **options)
            self._calls += 1
            named = _named(function, args, options)
            before = copied({key: value for key, value in named.items() if key not in self.may_change})
            self._depth += 1
            try:
                return function(*args, **options)
            finally:
                self._depth -= 1
                for key in before:
                    if not same(before[key], named[key]) and f"{name}: {key}" not in self.changed:
                        self.changed.append(f"{name}: {key}")

        return call


def _named(function: FunctionType, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments by their names, without the object that a method belongs to."""
    try:
        bound = inspect.signature(function).bind(*args, **options).arguments
    except TypeError:  # the call will say so
        return {}
    named: dict[str, Any] = {}
    for place, (key, value) in enumerate(bound.items()):
        if not (place == 0 and "." in function.__qualname__.rpartition("<locals>.")[2]):
            named[key] = value
    return named


def copied(values: dict[str, Any]) -> dict[str, Any]:
    """Copies of the arrays and containers among some values; nothing if they are too large."""
    if sum(_size(value, MAX_DEPTH) for value in values.values()) > MAX_NUMBERS:
        return {}
    return {key: _copy(value, MAX_DEPTH) for key, value in values.items() if _is_mutable(value)}


def _is_mutable(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | tuple | dict) or _is_tensor(value)


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _size(value: Any, depth: int) -> int:
    if isinstance(value, np.ndarray):
        return value.size
    if _is_tensor(value):
        return int(value.numel())
    if depth and isinstance(value, list | tuple | dict):
        return len(value) + sum(_size(item, depth - 1) for item in _items(value))
    return 1


def _copy(value: Any, depth: int) -> Any:
    if isinstance(value, np.ndarray):
        return np.array(value)
    if _is_tensor(value):
        return value.detach().clone()
    if depth and isinstance(value, dict):
        return {key: _copy(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_copy(item, depth - 1) for item in value]
    return value


def same(before: Any, after: Any) -> bool:
    """Whether a value is still what was copied.

    Examples
    --------
    >>> same([np.zeros(2)], [np.zeros(2)]), same([np.zeros(2)], [np.ones(2)]), same({"a": 1}, {})
    (True, False, False)
    """
    if isinstance(before, np.ndarray):
        return isinstance(after, np.ndarray) and before.dtype == after.dtype and _same_array(before, after)
    if _is_tensor(before):
        return bool(before.shape == after.shape and _same_array(before.cpu().numpy(), after.detach().cpu().numpy()))
    if isinstance(before, dict):
        return list(before) == list(after) and all(same(item, after[key]) for key, item in before.items())
    if isinstance(before, list):
        return len(before) == len(after) and all(same(a, b) for a, b in zip(before, after, strict=True))
    if isinstance(before, int | float | complex | str | np.generic):
        return type(before) is type(after) and bool(before == after or before != before)
    return before is after


def _same_array(before: np.ndarray, after: np.ndarray) -> bool:
    if before.shape != after.shape:
        return False
    return bool(np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"))
