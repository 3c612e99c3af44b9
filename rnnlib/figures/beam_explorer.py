"""The tree that beam search grows, and what it throws away (chapter 9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import traitlets

from rnnlib.figures.base import Data, Figure
from rnnlib.figures.translator import translator_of

if TYPE_CHECKING:
    from rnnlib.seq2seq import Seq2Seq

WIDEST, LONGEST = 5, 120


class BeamExplorer(Figure):
    """Watch beam search grow its tree, change its width and the length penalty, and reopen a branch that it pruned.

    Without a model it shows a translator of dates of chapter 9 whose training was broken off, so that it is unsure. A
    reopened branch is searched with a beam of the same width; ends it with a higher score than the winner, then the
    search has made an error, not the model.

    Parameters
    ----------
    model : Seq2Seq, optional
        A translator of your own, with attention or without.
    source_vocabulary, target_vocabulary : iterable of str, optional
        Its symbols, in the order of their ids.
    text : str
        The source. Signs that the model does not know are left out.
    width : int
        How many places the beam has; 1 is greedy search.
    length_penalty : float
        κ: the score of n symbols is their log-probability divided by n^κ.
    step : int
        How many symbols have been written; beyond the end means all.
    prefix : str
        Signs that every translation has to begin with.
    reopened : str
        The symbols up to the pruned branch that is reopened, with "∎" for the end; "" for none.
    network : str or dict
        The model as the page needs it: the name of a shipped one, or what the first arguments were made into.

    Raises
    ------
    TypeError, ValueError
        If the model is no `Seq2Seq`, or does not fit its vocabularies.

    Examples
    --------
    >>> BeamExplorer(text="8月3日", width=2).width
    2
    """

    title = traitlets.Unicode("What does the beam throw away?").tag(sync=True)
    fallback = (
        "A translator of Chinese dates, trained for a short time only, writes an English date by beam search. The "
        "figure shows the tree of what the beam keeps at each symbol and what it prunes. A pruned branch can be "
        "reopened: where it ends with a higher probability than the winner, the search has made an error."
    )

    text = traitlets.Unicode("12月23日周日").tag(sync=True, control=True)
    width = traitlets.Int(3, min=1, max=WIDEST).tag(sync=True, control=True)
    length_penalty = traitlets.Float(0.0, min=0, max=1.5).tag(sync=True, control=True)
    step = traitlets.Int(LONGEST, min=0, max=LONGEST).tag(sync=True, control=True)
    prefix = traitlets.Unicode("").tag(sync=True, control=True)
    reopened = traitlets.Unicode("Sun, D").tag(sync=True, control=True)
    network = Data("date_context_young")

    def __init__(
        self,
        model: Seq2Seq | None = None,
        source_vocabulary: Iterable[str] | None = None,
        target_vocabulary: Iterable[str] | None = None,
        **traits: Any,
    ) -> None:
        if "text" in traits or model is not None:  # the usual branch belongs to the usual text
            traits = {"reopened": "", **traits}
        if (model is None) != (source_vocabulary is None) or (model is None) != (target_vocabulary is None):
            raise TypeError("model: expected a model together with both vocabularies, got one without the other")
        if model is not None and source_vocabulary is not None and target_vocabulary is not None:
            traits["network"] = translator_of(model, source_vocabulary, target_vocabulary)
        super().__init__(**traits)
