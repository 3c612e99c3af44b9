"""What every figure shares: one Python class and one ES module, shown by two hosts.

In JupyterLab a figure is an `anywidget.AnyWidget`: its traits are synced with the page in both directions.
On a static page it is a `<div>` with the same traits as JSON, which `host.js` hands to the same module.

Left out on purpose: a JavaScript build step. A figure's module imports the shared `cells.js` and `view.js`
by name; `bundle` writes them in front of it, so that both hosts receive one string that imports nothing.
"""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{\s*([^}]*?),?\s*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function|const|class) (\w+))", re.MULTILINE)


def bundle(name: str) -> str:
    """Return the ES module `name`.js with the modules that it imports written in front of it.

    A shared module becomes a function that is called on the spot and returns what the module exports, so
    names inside it cannot meet the names of another.

    Parameters
    ----------
    name : str
        File name of the module without ``.js``; the file stands beside this one.

    Returns
    -------
    str
        The source of one ES module without imports.

    Examples
    --------
    >>> source = bundle("UnrollStepper")
    >>> "import {" in source, "export default" in source
    (False, True)
    """
    shared: dict[str, str] = {}

    def resolve(module: str) -> str:
        source = (HERE / f"{module}.js").read_text(encoding="utf8")
        for _, imported in _IMPORT.findall(source):
            if imported not in shared:
                body = resolve(imported)
                names = ", ".join(_EXPORT.findall(body))
                shared[imported] = (
                    f"const ${imported} = (() => {{\n{_EXPORT.sub('', body)}return {{ {names} }};\n}})();\n"
                )
        return _IMPORT.sub(r"const { \1 } = $\2;\n", source)

    own = resolve(name)
    return "".join(shared.values()) + own


def stylesheet(name: str) -> str:
    """Return the style sheet that all figures share, followed by that of the figure `name`."""
    return "\n".join((HERE / f"{part}.css").read_text(encoding="utf8") for part in ("figures", name))


def pack(array: ArrayLike, dtype: str = "float32") -> dict[str, Any]:
    """Return an array as JSON can carry it: its dtype, its shape and its bytes in base64.

    Parameters
    ----------
    array : array_like
        The numbers.
    dtype : {"float16", "float32", "float64", "uint8", "uint16", "uint32", "int32"}
        What the page receives, little-endian. ``unpack`` in ``view.js`` is the inverse.

    Returns
    -------
    dict
        ``{"dtype": str, "shape": list of int, "data": str}``.

    Examples
    --------
    >>> pack([[1.0, 2.0]])
    {'dtype': 'float32', 'shape': [1, 2], 'data': 'AACAPwAAAEA='}
    """
    values = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {
        "dtype": dtype,
        "shape": list(values.shape),
        "data": base64.b64encode(values.tobytes()).decode("ascii"),
    }


class Matrix(traitlets.TraitType[Any, Any]):
    """A trait for a small array of finite numbers of a fixed shape, kept as nested lists of float.

    Parameters
    ----------
    shape : tuple of int
        The shape that a value must have.
    default : array_like
        The first value.

    Examples
    --------
    >>> class Cell(traitlets.HasTraits):
    ...     W_h = Matrix((2, 2), [[1, 0], [0, 1]])
    >>> Cell(W_h=[[1, 2], [3]])
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: W_h must hold numbers of shape (2, 2), got [[1, 2], [3]]
    """

    def __init__(self, shape: tuple[int, ...], default: ArrayLike, **kwargs: Any) -> None:
        self.shape = shape
        super().__init__(default_value=np.asarray(default, float).reshape(shape).tolist(), **kwargs)

    def validate(self, obj: Any, value: Any) -> Any:
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            array = np.empty(0)
        if array.shape != self.shape:
            raise traitlets.TraitError(f"{self.name} must hold numbers of shape {self.shape}, got {value!r}")
        if not np.isfinite(array).all():
            raise traitlets.TraitError(f"{self.name} must hold finite numbers, got {value!r}")
        return array.tolist()


class Figure(anywidget.AnyWidget):
    """Base of all figures: a subclass `Name` shows itself with the module `Name.js` beside it.

    A subclass declares its traits with ``.tag(sync=True)``, adds ``control=True`` to those that the reader
    can move (they make up its `repr`), and says in `fallback` what a page without scripts should tell.

    Raises
    ------
    TypeError
        For a keyword argument that is not a trait of the figure.
    traitlets.TraitError
        For a value that the trait does not accept.
    """

    title: ClassVar[str]
    fallback: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "title" in cls.__dict__:  # not one of the subclasses that traitlets makes to add traits to an object
            cls._esm = bundle(cls.__name__) + f"//# sourceURL=rnnlib/{cls.__name__}.js\n"
            cls._css = stylesheet(cls.__name__)
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits: Any) -> None:
        known = self._own_traits()
        for name in traits:
            if name not in known:
                raise TypeError(f"{type(self).__name__} has no trait {name!r}; it has {', '.join(known)}")
        super().__init__(**traits)

    @classmethod
    def _own_traits(cls) -> list[str]:
        inherited = anywidget.AnyWidget.class_trait_names()
        return [n for n in cls.class_trait_names(sync=True) if n not in inherited and not n.startswith("_")]

    def state(self) -> dict[str, Any]:
        """Return the synced traits: all that the figure's module sees."""
        return {name: getattr(self, name) for name in self._own_traits()}

    def to_html(self) -> str:
        """Return the `<div>` that a static page shows: the state, and a text for a page without scripts."""
        state = json.dumps(self.state(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        name, title, text = type(self).__name__, html.escape(self.title), html.escape(self.fallback)
        return (
            f'<div class="rnnlib-figure" data-figure="{name}" data-state="{html.escape(state)}">\n'
            f"<p><strong>{title}</strong> (an interactive figure). {text}</p>\n"
            "</div>"
        )

    def __repr__(self) -> str:
        """Name the traits that the reader can move: the same text in every run."""
        controls = self.class_trait_names(sync=True, control=True)
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in sorted(controls))})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # None only without a view
        return {**data, "text/html": self.to_html()}, metadata
