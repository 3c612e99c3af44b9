"""Recurrent cells: `RNN`, `GRU` and `LSTM` (chapters 3, 6 and 7).

A cell owns its parameters and knows *one step*: forward, and backward. The loop over time is in `rnnlib.bptt`.

Shapes everywhere: T steps, B sequences in a batch, D inputs, H hidden units, G gates.
A cell of your own is derived from `Cell`, whose documentation shows one.
"""

from rnnlib.cells.activations import ACTIVATIONS
from rnnlib.cells.cell import Cell
from rnnlib.cells.gru import GRU
from rnnlib.cells.initializers import INITIALIZERS
from rnnlib.cells.lstm import LSTM
from rnnlib.cells.rnn import RNN

__all__ = ["ACTIVATIONS", "GRU", "INITIALIZERS", "LSTM", "RNN", "Cell"]
