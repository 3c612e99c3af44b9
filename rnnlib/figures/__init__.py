"""The interactive figures: alive in JupyterLab and, with no kernel and no network, on the page.

>>> from rnnlib.figures import UnrollStepper
>>> UnrollStepper(step=7)
UnrollStepper(keep_slope=True, path=0, step=7, weight='W_h[1,0]')
"""

from rnnlib.extras import needs

needs("rnnlib.figures", "course", "anywidget")

from rnnlib.figures.ask import Ask
from rnnlib.figures.attention_editor import AttentionEditor
from rnnlib.figures.beam_explorer import BeamExplorer
from rnnlib.figures.bottleneck import Bottleneck
from rnnlib.figures.clipping_cliff import ClippingCliff
from rnnlib.figures.gate_microscope import GateMicroscope
from rnnlib.figures.gradient_highway import GradientHighway
from rnnlib.figures.ngram_dial import NgramDial
from rnnlib.figures.race import Race
from rnnlib.figures.scan_tree import ScanTree
from rnnlib.figures.shapes import Shapes
from rnnlib.figures.spectral_lab import SpectralLab
from rnnlib.figures.truncation_window import TruncationWindow
from rnnlib.figures.type_ahead import TypeAhead
from rnnlib.figures.unroll_stepper import UnrollStepper

__all__ = [
    "Ask",
    "AttentionEditor",
    "BeamExplorer",
    "Bottleneck",
    "ClippingCliff",
    "GateMicroscope",
    "GradientHighway",
    "NgramDial",
    "Race",
    "ScanTree",
    "Shapes",
    "SpectralLab",
    "TruncationWindow",
    "TypeAhead",
    "UnrollStepper",
]
