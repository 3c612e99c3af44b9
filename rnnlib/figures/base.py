"""What every figure shares: one Python class and one ES module, shown by two hosts.

In JupyterLab a figure is an `anywidget.AnyWidget`: its traits are synced with the page in both directions.
On a static page it is a `<div>` with the same traits as JSON, which `host.js` hands to the same module.
What is large, such as the weights of a shipped model, is named there and written once per book: see `Data`.

Left out on purpose: a JavaScript build step. A figure's module imports shared modules such as `view.js`
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

from rnnlib.figures.shipped import SHIPPED, shipped

HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{\s*([^}]*?),?\s*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function|const|class) (\w+))", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)


def bundle(name: str) -> str:
    """Return the ES module `name`.js with the modules that it imports written in front of it.

    A shared module becomes a function that is called on the spot and returns what the module exports, so
    names inside it cannot meet the names of another. Lines that are comments stay behind: a page does not read them.

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
        source = _COMMENT.sub("", (HERE / f"{module}.js").read_text(encoding="utf8"))
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
    """Return the palette and the style sheets that all figures share, followed by that of the figure `name`."""
    parts = ("palette", "figures", "controls", name)
    return "\n".join((HERE / f"{part}.css").read_text(encoding="utf8") for part in parts)


def pack(array: ArrayLike, dtype: str = "float32") -> dict[str, Any]:
    """Return an array as JSON can carry it: its dtype, its shape and its bytes in base64.

    Parameters
    ----------
    array : array_like
        The numbers.
    dtype : {"float16", "float32", "float64", "uint8", "uint16", "uint32", "int32", "int8"}
        What the page receives, little-endian. ``unpack`` in ``elements.js`` is the inverse.

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


class Data(traitlets.TraitType[Any, Any]):
    """A trait for what a figure shows: set to the name of a shipped file, or to data of the reader's own as a dict.

    Reading it gives the content. A notebook's output keeps the name only: the Sphinx extension writes the file once
    per book, and the page's host looks it up. So an output does not change when a model is trained again.

    Parameters
    ----------
    default : str
        One of `rnnlib.figures.shipped.SHIPPED`.

    Examples
    --------
    >>> class Holder(traitlets.HasTraits):
    ...     measured = Data("truncation_window")
    >>> Holder().measured["ks"][:3], Holder.measured.given(Holder())
    ([1, 2, 3], 'truncation_window')
    >>> Holder.measured.given(Holder(measured="lags"))
    'lags'
    >>> Holder(measured="truncation")
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: measured: expected data or one of ['bottleneck', ...], got 'truncation'
    """

    def __init__(self, default: str, **kwargs: Any) -> None:
        super().__init__(default_value=default, **kwargs)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> Any:
        if isinstance(value, dict) or value in SHIPPED:
            return value
        raise traitlets.TraitError(f"{self.name}: expected data or one of {sorted(SHIPPED)}, got {value!r}")

    def _cross_validate(self, obj: Any, value: Any) -> Any:
        """Keep a name a name: at the end of a constructor, traitlets sets each trait again to what `get` returns."""
        name = super().get(obj)
        if isinstance(name, str) and value is shipped(name):
            return name
        return super()._cross_validate(obj, value)

    def given(self, obj: Any) -> Any:
        """Return what the trait was set to: a name, or data."""
        return super().get(obj)

    def get(self, obj: Any, cls: Any = None) -> Any:
        value = super().get(obj, cls)
        return shipped(value) if isinstance(value, str) else value


class Figure(anywidget.AnyWidget):
    """Base of all figures: a subclass `Name` shows itself with the module `Name.js` beside it.

    A subclass gives `title` and its other traits a default, tags them with ``sync=True``, adds ``control=True`` to
    those that the reader can move, and says in `fallback` what a page without scripts should tell. The controls make up
    its `repr`, and the address of a state: ``#<id>?<control>=<value>&…`` in the address of a page, or in a link.

    Parameters
    ----------
    title : str
        The question above the picture.
    id : str
        The figure's name in addresses; by default its class's name, as in ``ngram-dial``. Two figures of a page that
        are given the same one share their state.

    Raises
    ------
    TypeError
        For a keyword argument that is not a trait of the figure.
    traitlets.TraitError
        For a value that the trait does not accept.
    """

    fallback: ClassVar[str]
    title = traitlets.Unicode().tag(sync=True)
    id = traitlets.Unicode().tag(sync=True)
    controls = traitlets.Dict(read_only=True).tag(sync=True)

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

    @traitlets.default("id")
    def _id_of_class(self) -> str:
        return re.sub(r"(?<=.)([A-Z])", r"-\1", type(self).__name__).lower()

    @traitlets.default("controls")
    def _limits_of_controls(self) -> dict[str, dict[str, Any]]:
        controls = self.class_traits(sync=True, control=True)
        return {name: limits(controls[name]) for name in sorted(controls)}

    @classmethod
    def _own_traits(cls) -> list[str]:
        inherited = {*anywidget.AnyWidget.class_trait_names(), "controls"}
        return [n for n in cls.class_trait_names(sync=True) if n not in inherited and not n.startswith("_")]

    def state(self) -> dict[str, Any]:
        """Return the synced traits: all that the figure's module sees, with shipped data by name."""
        traits = self.traits()
        return {
            name: trait.given(self) if isinstance(trait := traits[name], Data) else getattr(self, name)
            for name in self._own_traits()
        }

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return what a page need not repeat for each figure: the class's state, and the limits of its controls."""
        figure = cls()
        return {**figure.state(), "controls": figure.controls}

    def to_html(self) -> str:
        """Return the `<div>` that a static page shows: the state, and a text for a page without scripts.

        Of the state it holds the controls, the names of the shipped data, and what is not the class's default.
        """
        named = [name for name, trait in self.traits().items() if isinstance(trait, Data)]
        usual = type(self).defaults()
        kept = {*self.controls, *named}
        own = {name: value for name, value in self.state().items() if name in kept or value != usual[name]}
        state = json.dumps(own, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        name, title, text = type(self).__name__, html.escape(self.title), html.escape(self.fallback)
        files = f' data-named="{" ".join(named)}"' if named else ""
        return (
            f'<div class="rnnlib-figure" data-figure="{name}"{files} data-state="{html.escape(state)}">\n'
            f"<p><strong>{title}</strong> (an interactive figure). {text}</p>\n"
            "</div>"
        )

    def __repr__(self) -> str:
        """Name the traits that the reader can move: the same text in every run."""
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.controls)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # None only without a view
        return {**data, "text/html": self.to_html()}, metadata


def limits(trait: Any) -> dict[str, Any]:
    """Return which values a control takes, as JSON: those of an address are checked by it in the browser.

    Examples
    --------
    >>> limits(traitlets.Int(4, min=1, max=8)), limits(traitlets.Enum(("a", "b"), "a"))
    ({'type': 'number', 'min': 1, 'max': 8, 'whole': True}, {'values': ['a', 'b']})
    """
    if isinstance(trait, traitlets.Enum):
        return {"values": list(trait.values or ())}
    if isinstance(trait, traitlets.Bool):
        return {"values": [True, False]}
    if isinstance(trait, traitlets.Int | traitlets.Float):
        ends = {"min": trait.min, "max": trait.max}
        finite = {name: end for name, end in ends.items() if end is not None and np.isfinite(end)}
        return {"type": "number", **finite, "whole": isinstance(trait, traitlets.Int)}
    return {"type": "string"}
