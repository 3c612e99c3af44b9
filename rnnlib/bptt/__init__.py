"""Back-propagation through time (chapter 4): the loop over a sequence, forward and backward.

`unroll` runs a cell over a sequence and keeps a `Trace`; `backward` walks the trace from the last step to the first.
The rest is built on these two: stacked and bidirectional layers, truncation, gradient checks and Jacobians.
"""

from rnnlib.bptt.checks import gradient_check
from rnnlib.bptt.jacobians import jacobian_norms, jacobians, step_jacobians
from rnnlib.bptt.layers import Bidirectional, Stacked
from rnnlib.bptt.trace import Gradients, Trace, Workspace
from rnnlib.bptt.truncation import truncated_backward
from rnnlib.bptt.unrolling import backward, unroll

__all__ = [
    "Bidirectional",
    "Gradients",
    "Stacked",
    "Trace",
    "Workspace",
    "backward",
    "gradient_check",
    "jacobian_norms",
    "jacobians",
    "step_jacobians",
    "truncated_backward",
    "unroll",
]
