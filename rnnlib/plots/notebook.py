"""Pictures in a notebook: drawings, not pixels."""

from __future__ import annotations

import sys
from typing import Any

import matplotlib

__all__ = ["draw_as_svg"]

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


def draw_as_svg() -> None:
    """From now on, Jupyter shows this process's pictures as SVG; someone's own choice of a format is respected."""
    matplotlib.rcParams.update(STYLE)
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=shell)
    if set(backend.figure_formats) == {"png"}:
        backend.print_figure_kwargs = OPTIONS
        backend.figure_formats = {"svg"}
