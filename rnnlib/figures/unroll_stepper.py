"""Back-propagation through three steps of a two-unit RNN, one path at a time (chapter 4)."""

from __future__ import annotations

from typing import ClassVar

import traitlets

from rnnlib.figures.base import Figure, Matrix
from rnnlib.training import load_pretrained

# a two-unit network trained on daily temperatures, and three days on which it errs (experiments/train_two_unit_rnn.py)
_MODEL, _WINDOW = load_pretrained("two_unit_rnn")


class UnrollStepper(Figure):
    """Step a two-unit RNN forward and back through time and watch ∂L/∂w grow, path by path.

    The network is h_t = tanh(x_t W_x + h_{t−1} W_h + b) for t = 1, 2, 3, with the readout ŷ = h_3 W_hq + b_q
    and the loss L = ½ (ŷ − y)². One weight is used at all three steps, so its gradient is a sum of three
    terms. The figure shows each of them as a product along paths, beside the finite difference that nudges
    only the copy of the weight used at that step.

    The weights and numbers that it starts with are those of a network trained to forecast tomorrow's highest
    temperature in Seattle, in units of 10 °C around the mean, on 24 to 27 April 2015.

    Parameters
    ----------
    step : int, 1 to 7
        1, 2, 3: the forward pass has reached h_1, h_2, h_3. 4: the loss. 5, 6, 7: the backward pass has
        reached the weight's use at t = 3, 2, 1.
    weight : str
        The weight whose gradient is shown, as Python indexes it: ``"W_x[0,1]"``, ``"W_h[1,0]"``, ``"b[0]"``.
    path : int, 0 to 3
        Which of the paths from the weight's use to the loss is spelt out; there are 1, 2 and 4 of them.
    keep_slope : bool
        False drops φ′ from every product, as if φ were the identity, which it is not.
    W_x, W_h, b : arrays of shape (1, 2), (2, 2), (2,)
        The cell's parameters, as in `rnnlib.cells.RNN.params`.
    W_hq, b_q : arrays of shape (2, 1), (1,)
        The readout's parameters.
    x, h_0, y : array of shape (3, 1), array of shape (2,), float
        Input sequence, initial state and target.

    Examples
    --------
    >>> figure = UnrollStepper(step=6, weight="W_h[0,0]")
    >>> figure.W_h = [[0.5, 0.0], [0.0, 0.5]]
    >>> figure
    UnrollStepper(keep_slope=True, path=0, step=6, weight='W_h[0,0]')
    """

    title = traitlets.Unicode("One weight, three uses: which one is to blame?").tag(sync=True)
    fallback = (
        "It unrolls a two-unit recurrent network over three time steps. One weight is used at every step, so "
        "its gradient is a sum of three terms; each term multiplies the slopes and weights along the paths "
        "from that use to the loss, and equals the finite difference of the loss when only that use changes."
    )
    WEIGHTS: ClassVar[list[str]] = [
        *("W_x[0,0]", "W_x[0,1]"),
        *("W_h[0,0]", "W_h[0,1]", "W_h[1,0]", "W_h[1,1]"),
        *("b[0]", "b[1]"),
    ]

    step = traitlets.Int(7, min=1, max=7).tag(sync=True, control=True)
    weight = traitlets.Enum(WEIGHTS, "W_h[1,0]").tag(sync=True, control=True)
    path = traitlets.Int(0, min=0, max=3).tag(sync=True, control=True)
    keep_slope = traitlets.Bool(True).tag(sync=True, control=True)
    W_x = Matrix((1, 2), _MODEL.params["W_x"]).tag(sync=True)
    W_h = Matrix((2, 2), _MODEL.params["W_h"]).tag(sync=True)
    b = Matrix((2,), _MODEL.params["b"]).tag(sync=True)
    W_hq = Matrix((2, 1), _MODEL.params["W_hq"]).tag(sync=True)
    b_q = Matrix((1,), _MODEL.params["b_q"]).tag(sync=True)
    x = Matrix((3, 1), _WINDOW["x"]).tag(sync=True)
    h_0 = Matrix((2,), _WINDOW["h_0"]).tag(sync=True)
    y = traitlets.Float(_WINDOW["y"]).tag(sync=True)
