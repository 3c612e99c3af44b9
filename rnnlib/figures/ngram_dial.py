"""Two dials of an n-gram model, order and smoothing, and what they do on held-out text (chapter 2)."""

from __future__ import annotations

import traitlets

from rnnlib.figures.base import Data, Figure

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
    letter : int
        Which letter of the sample is looked at, from 0.
    measured : str or dict
        The name of shipped measurements, or a dict: ``unseen`` (8,),
        ``bits`` by smoothing and order, ``text`` (the piece), ``discounts`` of Kneser-Ney for
        it, ``train`` (the number of characters that the curves are counted from).

    Examples
    --------
    >>> figure = NgramDial(order=5, smoothing="Kneser-Ney")
    >>> figure
    NgramDial(k=0.1, letter=24, order=5, seed=1, smoothing='Kneser-Ney')
    """

    title = traitlets.Unicode("How much context helps, and with which smoothing?").tag(sync=True)
    fallback = (
        "It shows bits per character on held-out text for n-gram models of order 1 to 8: maximum likelihood, which is "
        "infinitely surprised by any n-gram that it has not seen; add-k, which falls to order 4 and then rises again; "
        "and interpolated Kneser-Ney, which goes on falling. Below stand the share of unseen n-grams at each order and "
        "a sample of text from the chosen model."
    )

    order = traitlets.Int(4, min=1, max=8).tag(sync=True, control=True)
    smoothing = traitlets.Enum(SMOOTHINGS, "Kneser-Ney").tag(sync=True, control=True)
    k = traitlets.Enum(KS, 0.1).tag(sync=True, control=True)
    seed = traitlets.Int(1, min=0).tag(sync=True, control=True)
    letter = traitlets.Int(24, min=0, max=139).tag(sync=True, control=True)
    measured = Data("ngram_dial")
