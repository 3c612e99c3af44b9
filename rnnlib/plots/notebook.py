"""Pictures in a notebook: drawings, not pixels."""

from __future__ import annotations

import re
import sys
from typing import Any

import matplotlib
from matplotlib.figure import Figure

__all__ = ["draw_as_svg"]

INLINE = ("inline", "module://matplotlib_inline.backend_inline")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read out, searched and recoloured, and weighs little
    "svg.hashsalt": "rnnlib",  # the same names inside the file in every run
    "image.interpolation": "none",  # one pixel for each entry of a heat map; the browser makes them large
}
OPTIONS: dict[str, Any] = {
    "bbox_inches": "tight",
    "dpi": 150,  # of what is stored as pixels inside a drawing
    "metadata": {"Creator": None, "Date": None, "Format": None, "Type": None},
}
# matplotlib writes the prime of φ′ as the letter 0 of a TeX font that no browser has
PRIME = re.compile(r"""y="(?P<y>[-\d.]+)" style="font-size: (?P<size>[\d.]+)px; font-family: 'cmsy10'">0<""")


def draw_as_svg() -> None:
    """From now on, Jupyter shows this process's pictures as SVG; someone's own choice of a format is respected."""
    matplotlib.rcParams.update(STYLE)
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or matplotlib.get_backend(auto_select=False) not in INLINE:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats  # now, so that it does not choose PNG later
    from matplotlib_inline.config import InlineBackend

    if set(InlineBackend.instance().figure_formats) == {"png"}:
        set_matplotlib_formats("svg")
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, as_svg)


def as_svg(figure: Figure) -> str | None:
    """The picture as the text of an SVG file, or nothing if nothing was drawn."""
    from IPython.core.pylabtools import print_figure

    return _with_primes(print_figure(figure, "svg", **OPTIONS) or "") or None


def _with_primes(svg: str) -> str:
    """A prime that every font has. It is small and high by itself, so it is no superscript."""

    def prime(found: re.Match[str]) -> str:
        y, size = float(found["y"]), float(found["size"])
        return f"""y="{y + 0.55 * size:.2f}" style="font-size: {1.4 * size:g}px; font-family: 'DejaVu Sans'">′<"""

    return PRIME.sub(prime, svg)
