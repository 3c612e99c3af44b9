"""Gradient descent beside a wall of the loss, with and without clipping (chapter 5)."""

from __future__ import annotations

import numpy as np
import traitlets
from numpy.typing import NDArray

from rnnlib.bptt import backward, unroll
from rnnlib.cells import RNN
from rnnlib.figures.base import Figure
from rnnlib.training import clip_by_norm, clip_by_value

UPDATES = 40
TARGET = 0.7
LENGTHS = (10, 15, 20, 25, 30, 40, 50)


class ClippingCliff(Figure):
    """Drag the start of gradient descent on two weights, and see where it ends with clipping and without.

    One tanh unit has to remember one bit: h_t = tanh(x_t + w h_{t−1} + b), where x_1 is 1 or −1 and the other inputs
    are 0, and h_T should be 0.7 or −0.7. The loss is the mean of ½ (h_T − y)² over the two sequences. Where |b| is too
    large for w, one of the two memories tips over: there the loss has a wall. The figure computes loss, gradient
    (by backpropagation through all T steps) and 40 updates for the start that is shown.

    Parameters
    ----------
    w, b : float
        The start, in [0.2, 3.2] and [−1.1, 1.1].
    rate : float, 0.02 to 2
        Learning rate.
    threshold : float, 0.05 to 5
        Of clipping.
    clip : {"norm", "value"}
        Scale the whole gradient, or cut each of its two entries; `rnnlib.training.clip_by_norm` and `clip_by_value`.
    T : int
        One of `LENGTHS`: steps over which the bit is kept.
    step : int, 0 to 40
        The update up to which the paths are shown.

    Examples
    --------
    >>> figure = ClippingCliff(step=8)
    >>> figure
    ClippingCliff(T=20, b=-0.5, clip='norm', rate=0.5, step=8, threshold=0.5, w=1.8)
    >>> [figure.path(clip)[-1, 2].round(3).item() for clip in (None, "norm")]  # the loss after 40 updates
    [0.745, 0.0]
    """

    title = traitlets.Unicode("Gradient descent meets a wall: where does it land?").tag(sync=True)
    fallback = (
        "It shows the loss of a recurrent unit that has to remember one bit, over its two weights. It has a wall. "
        "Gradient descent that reaches it takes a step fifty times as long as the others and ends far away on a flat "
        "plain; the same descent with a clipped gradient climbs down behind the wall and ends near the minimum."
    )

    w = traitlets.Float(1.8, min=0.2, max=3.2).tag(sync=True, control=True)
    b = traitlets.Float(-0.5, min=-1.1, max=1.1).tag(sync=True, control=True)
    rate = traitlets.Float(0.5, min=0.02, max=2).tag(sync=True, control=True)
    threshold = traitlets.Float(0.5, min=0.05, max=5).tag(sync=True, control=True)
    clip = traitlets.Enum(("norm", "value"), "norm").tag(sync=True, control=True)
    T = traitlets.Enum(LENGTHS, 20).tag(sync=True, control=True)
    step = traitlets.Int(UPDATES, min=0, max=UPDATES).tag(sync=True, control=True)

    def path(self, clip: str | None) -> NDArray[np.float64]:
        """The same descent in Python: w, b, the loss and the gradient's norm before each update and after the last.

        Parameters
        ----------
        clip : {None, "norm", "value"}
            How the gradient is clipped.

        Returns
        -------
        (41, 4) array
        """
        cell = RNN(1, 1, rng=np.random.default_rng(0))
        cell.params["W_x"][:], cell.params["W_h"][:], cell.params["b"][:] = 1, self.w, self.b
        x, y = np.zeros((self.T, 2, 1)), TARGET * np.array([[1.0], [-1.0]])
        x[0] = np.sign(y)
        found = []
        for _ in range(UPDATES + 1):
            trace = unroll(cell, x)
            error = trace.h[-1] - y
            dh = np.zeros_like(trace.h)
            dh[-1] = error / 2
            gradients = backward(trace, dh).params
            del gradients["W_x"]
            w, b = float(cell.params["W_h"][0, 0]), float(cell.params["b"][0])
            norm = float(np.hypot(gradients["W_h"][0, 0], gradients["b"][0]))
            found.append([w, b, float((error**2).mean() / 2), norm])
            if clip == "norm":
                clip_by_norm(gradients, self.threshold)
            elif clip == "value":
                clip_by_value(gradients, self.threshold)
            for name, gradient in gradients.items():
                cell.params[name] -= self.rate * gradient
        return np.array(found)
