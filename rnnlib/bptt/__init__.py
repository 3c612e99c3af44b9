"""Back-propagation through time (chapter 4): the loop over a sequence, forward and backward.

`unroll` runs a cell over a sequence and keeps a `Trace`; `backward` walks the trace from the last step to the first.
The rest is built on these two: stacked and bidirectional layers, truncation, gradient checks and Jacobians.
"""

from rnnlib.bptt.bidirectional import Bidirectional
from rnnlib.bptt.checks import gradient_check, numeric_gradient
from rnnlib.bptt.clamping import clamped
from rnnlib.bptt.dropout import dropout
from rnnlib.bptt.flow import geometric_mean, gradient_flow
from rnnlib.bptt.jacobians import jacobian_norms, jacobians, step_jacobians
from rnnlib.bptt.layer import Layer, output
from rnnlib.bptt.stacked import Stacked
from rnnlib.bptt.trace import Gradients, LayerTrace, Trace
from rnnlib.bptt.truncation import truncated_backward
from rnnlib.bptt.unrolling import backward, unroll

__all__ = [
    "Bidirectional",
    "Gradients",
    "Layer",
    "LayerTrace",
    "Stacked",
    "Trace",
    "backward",
    "clamped",
    "dropout",
    "geometric_mean",
    "gradient_check",
    "gradient_flow",
    "jacobian_norms",
    "jacobians",
    "numeric_gradient",
    "output",
    "step_jacobians",
    "truncated_backward",
    "unroll",
]
