"""Which classes a checkpoint may name: an open table, so that a class of your own is saved and loaded like ours.

A checkpoint holds arrays and JSON, no code. Where it says ``{"class": "GRU", "hidden_size": 4, ...}``, the class is
looked up here. A class derived from `Cell` or `Model` enters itself when it is defined; any other is entered by the
decorator `register`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["build", "describe", "known", "lookup", "register"]

Class = TypeVar("Class", bound=type)
_CLASSES: dict[str, type] = {}
# of rnnlib, but imported only when a checkpoint names them
_LATER = {
    "LRU": "rnnlib.modern",
    "MinGRU": "rnnlib.modern",
    "MinLSTM": "rnnlib.modern",
    "Seq2Seq": "rnnlib.seq2seq",
}


def register(cls: Class) -> Class:
    """Enter a class under its name, so that checkpoints can hold its instances; use it as a decorator.

    The class needs ``config()``, its options in types that JSON knows. It is built again by ``cls.from_config(config,
    **context)`` if it has that class method, else by ``cls(**config)``.

    A class defined again (a notebook's cell that is run twice) replaces the one before, but a class of another module
    never replaces one of rnnlib: then `describe` says so when something is saved.

    Examples
    --------
    >>> @register
    ... class Scale:
    ...     def __init__(self, factor):
    ...         self.factor = factor
    ...
    ...     def config(self):
    ...         return {"factor": self.factor}
    >>> description = describe(Scale(3))
    >>> description
    {'class': 'Scale', 'factor': 3}
    >>> lookup(description["class"]) is Scale
    True
    """
    name = cls.__name__
    if not hasattr(cls, "config"):
        raise TypeError(f"{name}: expected a class with a method config(), got one without")
    if not (_is_ours(_CLASSES.get(name)) and not _is_ours(cls)):
        _CLASSES[name] = cls
    return cls


def lookup(name: Any) -> type:
    """The class registered under `name`.

    Raises
    ------
    ValueError
        If there is none; the message says what to do.
    """
    if isinstance(name, str) and name in _LATER and name not in _CLASSES:
        importlib.import_module(_LATER[name])
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(
            f"class: expected one of {known()}, got {name!r}; define or import a class of that name first, "
            "with @rnnlib.registry.register above it if it is not a cell"
        )
    return _CLASSES[name]


def describe(thing: Any) -> dict[str, Any]:
    """``thing.config()`` with the name of its class: what a checkpoint stores.

    Raises
    ------
    ValueError
        If its class is not registered, or has the name of another one that is.
    """
    cls = type(thing)
    config = thing.config() if hasattr(thing, "config") else {}  # which may say why it cannot be stored
    registered = _CLASSES.get(cls.__name__)
    if registered is not cls:
        if registered is None:
            what = f"{cls.__name__}; put @rnnlib.registry.register above its definition"
        elif registered.__module__ == cls.__module__:
            what = f"one that has been defined again since; make this {cls.__name__} again"
        else:
            what = f"one with the name of {registered.__module__}.{cls.__name__}; give it another name"
        raise ValueError(f"{cls.__name__}: expected a registered class, so that it can be loaded again, got {what}")
    if hasattr(thing, "check_config"):
        thing.check_config(config)
    return {"class": cls.__name__, **config}


def known() -> list[str]:
    """The registered names, sorted."""
    return sorted({*_CLASSES, *_LATER})


def build(config: Mapping[str, Any], **context: Any) -> Any:
    """The thing that `describe` described, freshly made.

    Parameters
    ----------
    config : dict
        With the key ``"class"``.
    **context
        Passed on to ``from_config``, for instance ``rng`` and ``dtype``; not to a plain constructor.
    """
    options = dict(config)
    cls: Any = lookup(options.pop("class", None))
    return cls.from_config(options, **context) if hasattr(cls, "from_config") else cls(**options)


def _is_ours(cls: type | None) -> bool:
    return cls is not None and cls.__module__.split(".")[0] == "rnnlib"
