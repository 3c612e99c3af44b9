"""Curves: losses, norms of gradients and of Jacobian products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .frame import COLOURS, LINES, axes, finish

__all__ = ["gradient_norms", "jacobian_norms", "loss_curves"]


def loss_curves(
    curves: Mapping[str, Any],
    *,
    baselines: Mapping[str, float] | None = None,
    ylabel: str = "loss",
    ax: Axes | None = None,
) -> Axes:
    """Losses against steps, with constant baselines to compare with.

    Parameters
    ----------
    curves : dict of str to array or (steps, values)
        A plain array is drawn against 1, 2, 3, …; a pair against its own steps, for instance
        ``(history.validation_step, history.validation)``.
    baselines : dict of str to float, optional
        Horizontal lines.
    ylabel : str
        What is measured, with its unit.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = loss_curves({"training": [3.0, 2.5, 2.2]}, baselines={"6-gram": 2.4}, ylabel="bits per character")
    >>> [text.get_text() for text in ax.texts]
    ['training', '6-gram']
    >>> plt.close()
    """
    ax = axes(6.5, 3.2) if ax is None else ax
    for k, (name, values) in enumerate(curves.items()):
        steps, values = values if isinstance(values, tuple) else (np.arange(1, len(values) + 1), values)
        marker = "o" if len(steps) < 30 else None
        ax.plot(steps, values, LINES[k % 4], color=_colour(k), label=name, marker=marker, markersize=4)
    for k, (name, value) in enumerate((baselines or {}).items(), start=len(curves)):
        ax.axhline(value, color=_colour(k), linestyle=LINES[k % 4], label=name)
    return finish(ax, xlabel="step", ylabel=ylabel)


def gradient_norms(norms: Mapping[str, Any] | Any, *, ax: Axes | None = None) -> Axes:
    """‖∂L/∂h_t‖ against t, on a logarithmic axis: how much of the gradient reaches each step.

    Parameters
    ----------
    norms : (T,) array, Gradients, or dict of these by label
        Of gradients, their ``h_norm``.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = gradient_norms({"RNN": 0.5 ** np.arange(10)[::-1]})
    >>> ax.get_yscale()
    'log'
    >>> plt.close()
    """
    ax = axes(6.5, 3.2) if ax is None else ax
    curves = norms if isinstance(norms, Mapping) else {"": norms}
    for k, (name, values) in enumerate(curves.items()):
        values = np.asarray(getattr(values, "h_norm", values))
        ax.plot(np.arange(1, len(values) + 1), values, LINES[k % 4], color=_colour(k), label=name)
    return finish(ax, xlabel="step t", ylabel="‖∂L/∂h_t‖", yscale="log")


def jacobian_norms(norms: Any, bound: Any = None, *, ax: Axes | None = None) -> Axes:
    """‖∂h_T/∂h_t‖ against the distance T − t, with a bound beside it (chapter 5).

    Parameters
    ----------
    norms : (T,) array, or dict of these by label
        Entry t belongs to step t + 1, as :func:`rnnlib.bptt.jacobian_norms` returns them.
    bound : float or (T,) array, optional
        A number γ is drawn as the bound γ^(T − t).
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = jacobian_norms(0.4 ** np.arange(10)[::-1], bound=0.5)
    >>> [text.get_text() for text in ax.texts]
    ['measured', 'bound']
    >>> plt.close()
    """
    ax = axes(6.5, 3.2) if ax is None else ax
    curves = norms if isinstance(norms, Mapping) else {"measured": norms}
    length = 0
    for k, (name, values) in enumerate(curves.items()):
        length = max(length, len(values))
        ax.plot(np.arange(len(values)), np.asarray(values)[::-1], LINES[k % 4], color=_colour(k), label=name)
    if bound is not None:
        distance = np.arange(length)
        values = float(bound) ** distance if np.ndim(bound) == 0 else np.asarray(bound)[::-1]
        ax.plot(distance, values, ":", color="#000000", label="bound")
    return finish(ax, xlabel="distance T − t", ylabel="‖∂h_T/∂h_t‖", yscale="log")


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]
