"""Sequences: what a network reads, holds and predicts, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from .frame import COLOURS, LINES, axes, finish

__all__ = ["gates_over_time", "next_character", "state_heatmap", "unrolled_network"]

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
    >>> import matplotlib.pyplot as plt
    >>> ax = state_heatmap(np.tanh(np.random.default_rng(0).normal(size=(5, 3))), "hello")
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['h', 'e', 'l', 'l', 'o']
    >>> plt.close()
    """
    h = _one_sequence(getattr(states, "h", states), sequence, "states")  # (T, H)
    characters = _characters(text, len(h))
    units = range(h.shape[1]) if units is None else units
    ax = axes(min(12.0, 2 + 0.2 * len(h)), min(6.0, 1.5 + 0.18 * len(units))) if ax is None else ax
    limit = max(1.0, float(np.abs(h).max()))
    image = ax.imshow(
        h[:, list(units)].T, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    ax.set_xticks(range(len(h)), characters, family="monospace")
    if len(units) <= 24:
        ax.set_yticks(range(len(units)), [str(u) for u in units])
    ax.set(xlabel="character read", ylabel="hidden unit")
    bar = ax.figure.colorbar(image, ax=ax, label="h", pad=0.02)
    bar.solids.set_rasterized(True)  # type: ignore[union-attr]  # 256 patches otherwise
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
    ax = axes(min(12.0, 2 + 0.25 * len(steps)), 2.8) if ax is None else ax
    for k, name in enumerate(gates):
        ax.plot(steps, trace.gates[name][:, sequence, unit], LINES[k % 4], color=COLOURS[k % len(COLOURS)], label=name)
    if text is not None:
        ax.set_xticks(steps, _characters(text, len(steps)), family="monospace")
    return finish(ax, xlabel="character read" if text else "step t", ylabel=f"gate value, unit {unit}")


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
    >>> import matplotlib.pyplot as plt
    >>> ax = next_character([0.1, 0.7, 0.2], ["a", " ", "b"], top=2)
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['␣', 'b']
    >>> plt.close()
    """
    p = np.asarray(probabilities)
    if p.shape != (len(symbols),):
        raise ValueError(f"probabilities: expected shape ({len(symbols)},), one per symbol, got {p.shape}")
    order = np.argsort(-p, kind="stable")[:top]
    ax = axes(0.8 + 0.42 * len(order), 2.4) if ax is None else ax
    ax.bar(range(len(order)), p[order], color=COLOURS[0])
    ax.set_xticks(range(len(order)), [_visible(symbols[i]) for i in order], family="monospace")
    if label is not None:
        ax.set_title(label, fontsize="medium")
    return finish(ax, ylabel="probability", ylim=(0, 1))


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
    >>> import matplotlib.pyplot as plt
    >>> ax = unrolled_network(["h", "e", "l", "l"], ["e", "l", "l", "o"])
    >>> len(ax.patches)  # a box, an arrow from the left, in and out, for each step; one arrow to the right
    17
    >>> plt.close()
    """
    outputs = [""] * len(inputs) if outputs is None else outputs
    if len(outputs) != len(inputs):
        raise ValueError(f"outputs: expected {len(inputs)} entries, one per input, got {len(outputs)}")
    ax = axes(1.5 * len(inputs) + 1.0, 2.6) if ax is None else ax
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
