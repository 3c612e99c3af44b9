"""What truncating backpropagation costs and saves, over the length of the window (chapter 4)."""

from __future__ import annotations

import traitlets

from rnnlib.figures.base import Data, Figure

KS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96)


class TruncationWindow(Figure):
    """Drag the window k of truncated backpropagation: bias, memory, and what is still learned.

    Everything is measured by `experiments/measure_truncation_window.py`: the gradient ∂L/∂W_h of chapter 3's character
    model over 96 characters of held-out text, truncated and in full; the memory of one training step; and the
    accuracy of small RNNs that were trained on the delayed copy with each window.

    Parameters
    ----------
    k : int
        One of `KS`: how many steps an error flows back at most.
    window : {"chunks", "sliding"}
        Cut the text into pieces of k steps, or send each step's own loss back through k steps; see
        `rnnlib.bptt.truncated_backward`.
    delay : int
        One of 1, 2, 3, 4, 6, 8: which delayed copy is looked at.
    measured : str or dict
        The name of shipped measurements, or a dict:
        ``cosine`` and ``error`` by kind of window, ``memory`` in bytes, ``copied`` (delays, windows).

    Examples
    --------
    >>> TruncationWindow(k=8)
    TruncationWindow(delay=4, k=8, window='chunks')
    """

    title = traitlets.Unicode("How far back must an error flow?").tag(sync=True)
    fallback = (
        "It shows, for windows of 1 to 96 steps, how far the truncated gradient of a trained character model is from "
        "the full one (it points elsewhere and is too short for small windows, and is exact when the window holds the "
        "whole text), how the memory of a training step grows with the window, and which delays of a delayed copy "
        "task a network learns: those that are shorter than the window."
    )

    k = traitlets.Enum(KS, 4).tag(sync=True, control=True)
    window = traitlets.Enum(("chunks", "sliding"), "chunks").tag(sync=True, control=True)
    delay = traitlets.Enum((1, 2, 3, 4, 6, 8), 4).tag(sync=True, control=True)
    measured = Data("truncation_window")
