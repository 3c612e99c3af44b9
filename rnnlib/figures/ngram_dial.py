"""Two dials of an n-gram model, order and smoothing, and what they do on held-out text (chapter 2)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import traitlets

from rnnlib.figures.base import HERE, Figure

KS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
SMOOTHINGS = ("maximum likelihood", "add-k", "Kneser-Ney")


class NgramDial(Figure):
    """Turn the order and the smoothing of an n-gram model: held-out bits per character, unseen n-grams, samples.

    The curves are measured by `rnnlib.ngrams`: counts from the training part of `python_docs_split`, bits on the
    validation part. The samples are drawn in the page, from counts of a piece of the training part, since all of
    it would be too large for a page.

    Parameters
    ----------
    order : int, 1 to 8
        n: the model sees n − 1 characters.
    smoothing : str
        One of `SMOOTHINGS`.
    k : float
        One of `KS`: what add-k adds to every count.
    seed : int
        Of the sample.
    measured : dict
        ``unseen`` (8,), ``bits`` by smoothing and order, ``text`` (the piece), ``discounts`` of Kneser-Ney for
        it, ``train`` (the number of characters that the curves are counted from).

    Examples
    --------
    >>> figure = NgramDial(order=5, smoothing="Kneser-Ney")
    >>> figure.measured["bits"]["Kneser-Ney"][4] < figure.measured["bits"]["Kneser-Ney"][1]
    True
    """

    title = "How much context, and how to smooth?"
    fallback = (
        "It shows bits per character on held-out text for n-gram models of order 1 to 8: maximum likelihood, which is "
        "infinitely surprised by any n-gram that it has not seen; add-k, which falls to order 4 and then rises again; "
        "and interpolated Kneser-Ney, which goes on falling. Below stand the share of unseen n-grams at each order and "
        "a sample of text from the chosen model."
    )

    order = traitlets.Int(4, min=1, max=8).tag(sync=True, control=True)
    smoothing = traitlets.Enum(SMOOTHINGS, "add-k").tag(sync=True, control=True)
    k = traitlets.Enum(KS, 0.1).tag(sync=True, control=True)
    seed = traitlets.Int(1, min=0).tag(sync=True, control=True)
    measured = traitlets.Dict().tag(sync=True)

    @traitlets.default("measured")
    def _shipped_measurements(self) -> dict[str, Any]:
        return shipped_measurements()


@cache
def shipped_measurements() -> dict[str, Any]:
    """What `experiments/measure_ngram_dial.py` has measured."""
    return json.loads((HERE / "data" / "ngram_dial.json").read_text(encoding="utf8"))
