"""The frame of every picture: panels of a given size, colours, and what stands around the curves.

A chapter draws between two calls: :func:`axes` makes the panels, then come matplotlib's own methods, and
:func:`finish` writes names at the curves and a quiet frame around them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D

__all__ = ["COLOURS", "LINES", "axes", "finish"]

# the colours of Okabe and Ito, which colour-blind readers can tell apart; curves differ in their dashes as well
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
LABEL_SIZE = 9.0  # points; 12 pixels on a page
LABEL_WIDTH = 22  # characters before the name of a curve goes on in the next line
MANY_POINTS = 5000  # what has more is stored as pixels: as a drawing it would weigh more than the rest of a chapter
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # how bright red, green and blue are
PER_PANEL = ("title", "xlabel", "ylabel")


def axes(
    width: float = 6.5,
    height: float = 3.2,
    *,
    rows: int = 1,
    columns: int = 1,
    sharex: bool = False,
    sharey: bool = False,
    frame: bool = True,
) -> Any:
    """New axes, one panel or several.

    Parameters
    ----------
    width, height : float
        Of the whole picture, in inches. A page's text is about 6.5 inches wide; a wider picture is shown smaller there.
        Text has 10 points.
    rows, columns : int
        How many panels.
    sharex, sharey : bool
        Whether all panels have the same axis; its numbers then stand at the outer ones only.
    frame : bool
        False for a diagram: no axes, and the same scale in both directions.

    Returns
    -------
    Axes, or array of Axes
        One panel, or as many as there are: (columns,) in a single row, (rows,) in a single column, else
        (rows, columns).

    Raises
    ------
    ValueError
        If a size or a number of panels is not positive.

    Examples
    --------
    >>> ax = axes(6.5, 3)
    >>> _ = ax.plot([1, 2, 3], [3.0, 2.5, 2.2], label="training")
    >>> ax = finish(ax, xlabel="step", ylabel="loss")
    >>> [text.get_text() for text in ax.texts]  # the name stands at the end of its curve
    ['training']
    >>> plt.close()

    Two panels with one vertical axis:

    >>> left, right = axes(9, 2.6, columns=2, sharey=True)
    >>> left.get_ylim() == right.get_ylim()
    True
    >>> plt.close()
    """
    for name, value in (("width", width), ("height", height), ("rows", rows), ("columns", columns)):
        if value <= 0:
            raise ValueError(f"{name}: expected a positive number, got {value}")
    _, panels = plt.subplots(rows, columns, figsize=(width, height), sharex=sharex, sharey=sharey, layout="constrained")
    for ax in np.ravel(panels):
        ax.spines[["top", "right"]].set_visible(False)
        if not frame:
            ax.set_axis_off()
            ax.set_aspect("equal")
    return panels


def finish(panels: Any, *, labels: str = "curves", grid: str | None = "y", **settings: Any) -> Any:
    """Names for axes and curves, and a quiet frame: the last call for a picture.

    Parameters
    ----------
    panels : Axes or array of Axes
        As :func:`axes` returned them.
    labels : {"curves", "legend", "none"}
        Where the names stand that were given with ``label=``: at the right end of each curve, in its colour, or in a
        legend, which is better where many curves end in one place. What is no curve is named in a legend. If all panels
        have the same names, only the last one shows them.
    grid : {"y", "x", "both", None}
        Which lines to draw behind the curves.
    **settings
        Anything that ``Axes.set`` takes, for all panels: ``xlabel``, ``ylabel``, ``title``, ``xlim``, ``yscale``,
        ``xticks``, … ``title``, ``xlabel`` and ``ylabel`` may also be lists with one text per panel. Ticks given on a
        logarithmic axis are written as plain numbers.

    Returns
    -------
    Axes, or array of Axes
        What came in.

    Raises
    ------
    ValueError
        If ``labels`` or ``grid`` is none of these, or a list does not have one text per panel.

    Examples
    --------
    >>> panels = axes(9, 2.8, columns=2, sharey=True)
    >>> for ax in panels:
    ...     _ = ax.plot([1, 2, 4, 8], [4, 3, 2, 2], LINES[0], color=COLOURS[0], label="linear")
    >>> left, right = finish(
    ...     panels,
    ...     title=["2013", "2014"],
    ...     xlabel="window (days)",
    ...     ylabel="error (°C)",
    ...     xscale="log",
    ...     xticks=[1, 2, 4, 8],
    ... )
    >>> left.get_ylabel(), right.get_ylabel()  # the axis is shared
    ('error (°C)', '')
    >>> [tick.get_text() for tick in right.get_xticklabels()]
    ['1', '2', '4', '8']
    >>> len(left.texts), len(right.texts)
    (0, 1)
    >>> plt.close()
    """
    if labels not in ("curves", "legend", "none"):
        raise ValueError(f"labels: expected 'curves', 'legend' or 'none', got {labels!r}")
    if grid not in ("x", "y", "both", None):
        raise ValueError(f"grid: expected 'x', 'y', 'both' or None, got {grid!r}")
    flat: list[Axes] = list(np.ravel(panels))
    for k, ax in enumerate(flat):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
        if grid is not None:
            ax.grid(axis=grid, alpha=0.3)  # type: ignore[arg-type]
        _set(ax, _of_panel(settings, flat, k))
    for ax in flat[0].figure.axes:  # with those of colour bars
        for artist in (*ax.lines, *ax.collections):
            if isinstance(artist, QuadMesh) or _points(artist) > MANY_POINTS:
                artist.set_rasterized(True)
    names = [ax.get_legend_handles_labels()[1] for ax in flat]
    for ax, own in zip(flat, names, strict=True):
        if own and labels != "none" and (ax is flat[-1] or own != names[-1]):
            _name_curves(ax) if labels == "curves" else ax.legend(frameon=False)
    return panels


def _of_panel(settings: dict[str, Any], flat: list[Axes], k: int) -> dict[str, Any]:
    """What panel `k` is to be set to: its own texts, and names of shared axes at the outer panels only."""
    own = dict(settings)
    for name in PER_PANEL:
        if name in own and not isinstance(own[name], str):
            if len(own[name]) != len(flat):
                raise ValueError(f"{name}: expected {len(flat)} texts, one per panel, got {len(own[name])}")
            own[name] = own[name][k]
        elif name != "title" and name in own and len(flat) > 1:
            shared = flat[k].get_shared_x_axes() if name == "xlabel" else flat[k].get_shared_y_axes()
            spec = flat[k].get_subplotspec()
            outer = spec is None or (spec.is_last_row() if name == "xlabel" else spec.is_first_col())
            if shared.joined(flat[0], flat[-1]) and not outer:
                del own[name]
    return own


def _set(ax: Axes, settings: dict[str, Any]) -> None:
    ticks = {name: settings[name] for name in ("xticks", "yticks") if name in settings}
    ax.set(**{name: value for name, value in settings.items() if name not in ticks})  # a scale sets ticks anew
    ax.set(**ticks)
    for name, values in ticks.items():
        axis = ax.xaxis if name == "xticks" else ax.yaxis
        if axis.get_scale() == "log" and f"{name[0]}ticklabels" not in settings:
            axis.set_ticks(values, [f"{value:g}" for value in values])
            axis.set_ticks([], minor=True)


def _points(artist: Any) -> int:
    if isinstance(artist, Line2D):
        return len(np.asarray(artist.get_xdata()))
    return max(len(artist.get_offsets()), sum(len(path.vertices) for path in artist.get_paths()))


def _name_curves(ax: Axes) -> None:
    """The name of each curve at its right end; a legend for what is no curve."""
    for text in [text for text in ax.texts if text.get_gid() == "curve"]:
        text.remove()  # this picture was finished before
    named = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    texts = [textwrap.fill(str(line.get_label()), LABEL_WIDTH) for line in named]
    ends = np.array([_visible_end(ax, line) for line in named]).reshape(-1, 2)  # in points, from the lower left
    heights = [1.25 * LABEL_SIZE * (1 + text.count("\n")) for text in texts]
    for line, name, end, y in zip(named, texts, ends, _apart(ends[:, 1], heights), strict=True):
        ax.annotate(
            name,
            tuple(end / _size(ax)),
            xycoords="axes fraction",
            xytext=(6, y - end[1]),
            textcoords="offset points",
            color=_ink(line.get_color()),
            fontsize=LABEL_SIZE,
            va="center",
            gid="curve",
        )
    lines = set(named)
    others = [(h, label) for h, label in zip(*ax.get_legend_handles_labels(), strict=True) if h not in lines]
    if others:
        ax.legend(*zip(*others, strict=True), frameon=False)


def _size(ax: Axes) -> np.ndarray:
    """Width and height of the axes in points, as far as they are known before the picture is laid out."""
    return np.array(ax.bbox.size) * 72 / ax.figure.dpi


def _visible_end(ax: Axes, line: Line2D) -> np.ndarray:
    """The last point of a curve that lies in the picture, in points from the lower left corner of the axes."""
    ax.get_ylim(), ax.get_xlim()  # sets limits that are still to be found
    size = np.array(ax.bbox.size)
    points = line.get_transform().transform(line.get_xydata()) - ax.bbox.min
    shown = np.flatnonzero(np.isfinite(points).all(1) & (points > -1).all(1) & (points < size + 1).all(1))
    end = points[shown[-1]] if len(shown) else size / 2
    return np.asarray(end * 72 / ax.figure.dpi)


def _apart(centres: Sequence[float] | np.ndarray, heights: Sequence[float]) -> list[float]:
    """The centres, moved as little as needed for texts of these heights not to cover one another.

    Examples
    --------
    >>> _apart([0, 50, 52], [10, 10, 10])
    [0.0, 46.0, 56.0]
    """
    stacks: list[tuple[float, list[int]]] = []  # neighbours that touch: the centre of each stack, and who is in it
    for k in np.argsort(centres, kind="stable"):
        stack = (float(centres[k]), [int(k)])
        while stacks and stack[0] - stacks[-1][0] < sum(heights[i] for i in stack[1] + stacks[-1][1]) / 2:
            below = stacks.pop()
            members = below[1] + stack[1]
            stack = (sum(float(centres[i]) for i in members) / len(members), members)
        stacks.append(stack)
    places = [0.0] * len(heights)
    for centre, members in stacks:
        y = centre - sum(heights[i] for i in members) / 2
        for i in members:
            places[i] = y + heights[i] / 2
            y += heights[i]
    return places


def _ink(colour: Any) -> str:
    """The colour, darkened until text in it is legible on white (a contrast of 4.5).

    Examples
    --------
    >>> _ink("#000000"), _ink("#E69F00") < "#B00000"
    ('#000000', True)
    """
    rgb = np.array(to_rgb(colour))
    while 1.05 / (0.05 + np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ LUMINANCE) < 4.5:
        rgb = rgb * 0.97
    return to_hex((rgb[0], rgb[1], rgb[2]))
