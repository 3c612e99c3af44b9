"""Pictures: a trace or arrays in, a matplotlib ``Axes`` out.

Every function that draws takes ``ax=None``, draws into new axes by default, and returns the axes, so that a caller can
add to the picture. What none of them draws, a chapter draws itself, between :func:`axes` and :func:`finish`.
:func:`source` shows a function of the library as code.

In a notebook, importing this package makes all pictures drawings (SVG) instead of pixels: they are sharp on any screen,
and small.

Shapes: T steps, B sequences, H hidden units.
"""

from rnnlib.extras import needs

needs("rnnlib.plots", "course", "matplotlib", "ipywidgets")

from .curves import gradient_norms, jacobian_norms, loss_curves
from .frame import COLOURS, LINES, axes, finish
from .live import Live
from .notebook import draw_as_svg
from .sequences import gates_over_time, next_character, state_heatmap, unrolled_network
from .source import source

__all__ = [
    "COLOURS",
    "LINES",
    "Live",
    "axes",
    "finish",
    "gates_over_time",
    "gradient_norms",
    "jacobian_norms",
    "loss_curves",
    "next_character",
    "source",
    "state_heatmap",
    "unrolled_network",
]

draw_as_svg()
