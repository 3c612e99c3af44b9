"""Pictures: a trace or arrays in, a matplotlib ``Axes`` out.

Every function takes ``ax=None``, draws into new axes by default, and returns the axes, so that a caller can add to the
picture. The colours are those of Okabe and Ito, which colour-blind readers can tell apart; curves differ in their
dashes as well.

Shapes: T steps, B sequences, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

__all__ = [
    "COLOURS",
    "gates_over_time",
    "gradient_norms",
    "jacobian_norms",
    "loss_curves",
    "next_character",
    "state_heatmap",
    "unrolled_network",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
INVISIBLE = {" ": "␣", "\n": "↵", "\t": "⇥"}


def state_heatmap(
    states: Any, text: str, *, sequence: int = 0, units: Sequence[int] | None = None, ax: Axes | None = None
) -> Axes:
    """Hidden states over a text: one column per character, one row per unit; blue below zero, red above.

    Parameters
    ----------
    states : Trace or (T, B, H) or (T, H) array
        A trace shows its ``h``.
    text : str
        The T characters that were read.
    sequence : int
        Which one of the batch.
    units : sequence of int, optional
        The rows, from the top down; all by default.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If ``text`` does not have one character per step.

    Examples
    --------
    >>> ax = state_heatmap(np.tanh(np.random.default_rng(0).normal(size=(5, 3))), "hello")
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['h', 'e', 'l', 'l', 'o']
    >>> plt.close()
    """
    h = _one_sequence(getattr(states, "h", states), sequence, "states")  # (T, H)
    characters = _characters(text, len(h))
    units = range(h.shape[1]) if units is None else units
    ax = _axes(ax, (min(12.0, 2 + 0.2 * len(h)), min(6.0, 1.5 + 0.18 * len(units))))
    limit = max(1.0, float(np.abs(h).max()))
    image = ax.imshow(
        h[:, list(units)].T, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    ax.set_xticks(range(len(h)), characters, family="monospace")
    if len(units) <= 24:
        ax.set_yticks(range(len(units)), [str(u) for u in units])
    ax.set(xlabel="character read", ylabel="hidden unit")
    ax.figure.colorbar(image, ax=ax, label="h", pad=0.02)
    return ax


def gates_over_time(
    trace: Any,
    unit: int,
    *,
    sequence: int = 0,
    gates: Sequence[str] | None = None,
    text: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The gates of one hidden unit over time.

    Parameters
    ----------
    trace : Trace
    unit : int
    sequence : int
        Which one of the batch.
    gates : sequence of str, optional
        Names as in ``trace.gates``; all by default.
    text : str, optional
        The T characters that were read, to write along the axis.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a gate is unknown, or ``text`` does not have one character per step.
    """
    gates = list(trace.gates) if gates is None else gates
    unknown = [name for name in gates if name not in trace.gates]
    if unknown:
        raise ValueError(f"gates: expected names out of {list(trace.gates)}, got {unknown[0]!r}")
    steps = np.arange(1, len(trace.h) + 1)
    ax = _axes(ax, (min(12.0, 2 + 0.25 * len(steps)), 2.8))
    for k, name in enumerate(gates):
        ax.plot(steps, trace.gates[name][:, sequence, unit], LINES[k % 4], color=_colour(k), label=name)
    if text is not None:
        ax.set_xticks(steps, _characters(text, len(steps)), family="monospace")
    ax.set(xlabel="character read" if text else "step t", ylabel=f"gate value, unit {unit}")
    return _finish(ax)


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
    >>> ax = loss_curves({"training": [3.0, 2.5, 2.2]}, baselines={"6-gram": 2.4}, ylabel="bits per character")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['training', '6-gram']
    >>> plt.close()
    """
    ax = _axes(ax, (6.5, 3.2))
    for k, (name, values) in enumerate(curves.items()):
        steps, values = values if isinstance(values, tuple) else (np.arange(1, len(values) + 1), values)
        marker = "o" if len(steps) < 30 else None
        ax.plot(steps, values, LINES[k % 4], color=_colour(k), label=name, marker=marker, markersize=4)
    for k, (name, value) in enumerate((baselines or {}).items(), start=len(curves)):
        ax.axhline(value, color=_colour(k), linestyle=LINES[k % 4], label=name)
    ax.set(xlabel="step", ylabel=ylabel)
    return _finish(ax)


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
    >>> ax = gradient_norms({"RNN": 0.5 ** np.arange(10)[::-1]})
    >>> ax.get_yscale()
    'log'
    >>> plt.close()
    """
    ax = _axes(ax, (6.5, 3.2))
    curves = norms if isinstance(norms, Mapping) else {"": norms}
    for k, (name, values) in enumerate(curves.items()):
        values = np.asarray(getattr(values, "h_norm", values))
        ax.plot(np.arange(1, len(values) + 1), values, LINES[k % 4], color=_colour(k), label=name)
    ax.set(xlabel="step t", ylabel="‖∂L/∂h_t‖", yscale="log")
    return _finish(ax)


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
    >>> ax = jacobian_norms(0.4 ** np.arange(10)[::-1], bound=0.5)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['measured', 'bound']
    >>> plt.close()
    """
    ax = _axes(ax, (6.5, 3.2))
    curves = norms if isinstance(norms, Mapping) else {"measured": norms}
    length = 0
    for k, (name, values) in enumerate(curves.items()):
        length = max(length, len(values))
        ax.plot(np.arange(len(values)), np.asarray(values)[::-1], LINES[k % 4], color=_colour(k), label=name)
    if bound is not None:
        distance = np.arange(length)
        values = float(bound) ** distance if np.ndim(bound) == 0 else np.asarray(bound)[::-1]
        ax.plot(distance, values, ":", color="#000000", label="bound")
    ax.set(xlabel="distance T − t", ylabel="‖∂h_T/∂h_t‖", yscale="log")
    return _finish(ax)


def next_character(
    probabilities: Any, symbols: Sequence[str], *, top: int = 10, ax: Axes | None = None, label: str | None = None
) -> Axes:
    """The most probable next characters, as bars, the most probable first.

    Parameters
    ----------
    probabilities : (V,) array
    symbols : sequence of str
        The V characters in the order of their ids.
    top : int
        How many bars.
    ax : Axes, optional
    label : str, optional
        Written above the picture, for instance what was read so far.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is not one probability per symbol.

    Examples
    --------
    >>> ax = next_character([0.1, 0.7, 0.2], ["a", " ", "b"], top=2)
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['␣', 'b']
    >>> plt.close()
    """
    p = np.asarray(probabilities)
    if p.shape != (len(symbols),):
        raise ValueError(f"probabilities: expected shape ({len(symbols)},), one per symbol, got {p.shape}")
    order = np.argsort(-p, kind="stable")[:top]
    ax = _axes(ax, (0.8 + 0.42 * len(order), 2.4))
    ax.bar(range(len(order)), p[order], color=COLOURS[0])
    ax.set_xticks(range(len(order)), [_visible(symbols[i]) for i in order], family="monospace")
    ax.set(ylabel="probability", ylim=(0, 1))
    if label is not None:
        ax.set_title(label, fontsize="medium")
    return _finish(ax)


def unrolled_network(
    inputs: Sequence[str], outputs: Sequence[str] | None = None, *, hidden: str = "H", ax: Axes | None = None
) -> Axes:
    """A recurrent network drawn once per step: the same box, the same weights, in a row.

    Parameters
    ----------
    inputs : sequence of str
        What each step reads; an empty string draws no input.
    outputs : sequence of str, optional
        What each step answers; an empty string draws no output.
    hidden : str
        The name of the state.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If ``inputs`` and ``outputs`` differ in length.

    Examples
    --------
    >>> ax = unrolled_network(["h", "e", "l", "l"], ["e", "l", "l", "o"])
    >>> len(ax.patches)  # a box, an arrow from the left, in and out, for each step; one arrow to the right
    17
    >>> plt.close()
    """
    outputs = [""] * len(inputs) if outputs is None else outputs
    if len(outputs) != len(inputs):
        raise ValueError(f"outputs: expected {len(inputs)} entries, one per input, got {len(outputs)}")
    ax = _axes(ax, (1.5 * len(inputs) + 1.0, 2.6))
    for t, (x, o) in enumerate(zip(inputs, outputs, strict=True)):
        ax.add_patch(
            FancyBboxPatch((t - 0.28, -0.22), 0.56, 0.44, boxstyle="round,pad=0.02", fc="#E8F1F8", ec=COLOURS[0])
        )
        ax.text(t, 0, f"${hidden}_{{{t + 1}}}$", ha="center", va="center")
        _arrow(ax, (t - 0.7, 0), (t - 0.3, 0), COLOURS[1])
        for label, y, ends in ((x, -0.85, (-0.68, -0.24)), (o, 0.85, (0.24, 0.68))):
            if label:
                ax.text(t, y, label, ha="center", va="center")
                _arrow(ax, (t, ends[0]), (t, ends[1]), COLOURS[6])
    _arrow(ax, (len(inputs) - 0.7, 0), (len(inputs) - 0.3, 0), COLOURS[1])
    ax.text(-0.76, 0, f"${hidden}_0$", ha="right", va="center")
    ax.set(xlim=(-1.1, len(inputs) - 0.25), ylim=(-1.05, 1.05), aspect="equal")
    ax.set_axis_off()
    return ax


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=colour, shrinkA=0, shrinkB=0))


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def _finish(ax: Axes) -> Axes:
    """A quiet frame, and a legend if anything has a name."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", alpha=0.3)
    if any(label for label in ax.get_legend_handles_labels()[1]):
        ax.legend(frameon=False)
    return ax


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def _visible(character: str) -> str:
    return INVISIBLE.get(character, character)


def _characters(text: str, length: int) -> list[str]:
    if len(text) != length:
        raise ValueError(f"text: expected one character per step, {length}, got {len(text)}")
    return [_visible(character) for character in text]


def _one_sequence(values: Any, sequence: int, name: str) -> np.ndarray:
    """(T, H) out of (T, B, H) or (T, H)."""
    array = np.asarray(values)
    if array.ndim not in (2, 3):
        raise ValueError(f"{name}: expected shape (T, B, H) or (T, H), got {array.shape}")
    return array[:, sequence] if array.ndim == 3 else array
