"""What recurrence became (chapter 11): layers whose gates do not look at the state, and a scan in the loop's place.

Read in this order: `scan` (h_t = a_t h_{t−1} + b_t, step by step and as a tree, and its gradients), `layer` (what the
layers share), `gated` (minGRU and minLSTM), `lru` (a linear recurrent unit, real or complex).

They keep the protocol `rnnlib.bptt.Layer`: they are unrolled, checked, stacked, trained and saved like the cells of the
chapters before. ``W_h`` is what they lack.
"""

from rnnlib.modern.gated import MinGRU, MinLSTM
from rnnlib.modern.layer import ScanLayer, ScanTrace
from rnnlib.modern.lru import LRU
from rnnlib.modern.scan import Cost, compose, loop, scan, scan_backward, scan_cost, tree

__all__ = [
    "LRU",
    "Cost",
    "MinGRU",
    "MinLSTM",
    "ScanLayer",
    "ScanTrace",
    "compose",
    "loop",
    "scan",
    "scan_backward",
    "scan_cost",
    "tree",
]
