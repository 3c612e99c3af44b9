"""A row of attention that the reader drags, and the translation that comes of it (chapter 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from rnnlib.figures.base import Data, Figure
from rnnlib.figures.translator import translator_of

if TYPE_CHECKING:
    from rnnlib.seq2seq import Seq2Seq

Edits = Mapping[int, Mapping[int, float]]


class AttentionEditor(Figure):
    """See where a translator looks at each symbol that it writes, make it look elsewhere, and read what comes of it.

    Without a model it shows chapter 10's, which translates Chinese dates, and lists of one to four of them.

    Parameters
    ----------
    model : Seq2Seq, optional
        A translator of your own with attention.
    source_vocabulary, target_vocabulary : iterable of str, optional
        Its symbols, in the order of their ids.
    pairs : sequence of (source, target), optional
        Pairs that it was trained on: the figure shows which of 128 states of theirs are nearest.
    text : str
        The source. Signs that the model does not know are left out.
    step : int
        The chosen symbol of the translation, from 0; the one after the last is the end.
    position : int
        The source's symbol whose weight is dragged.
    edits : str or dict
        Weights that are pinned, by step and by position: ``{15: {5: 0.9}}`` or "15:5=0.9". The other weights of the
        row share what is left, in their own proportions (`pinned`).
    prefix : str
        Signs that the translation has to begin with.
    network : str or dict
        The model as the page needs it: the name of a shipped one, or what the first arguments were made into.

    Raises
    ------
    TypeError, ValueError
        If the model is no `Seq2Seq`, has no attention, or does not fit its vocabularies.

    Examples
    --------
    >>> AttentionEditor(text="8月3日", step=7, position=0, edits={7: {0: 0.9}}).edits
    '7:0=0.9'
    """

    title = traitlets.Unicode("What if it looked elsewhere?").tag(sync=True)
    fallback = (
        "A trained translator of Chinese dates writes an English date symbol by symbol, each time weighing those of "
        "the source. The figure shows these weights as bars, lets the reader drag them, and shows the translation that "
        "comes of it above the one that the model writes by itself, with the nearest states of the training set."
    )

    text = traitlets.Unicode("2026年8月3日星期一").tag(sync=True, control=True)
    step = traitlets.Int(15, min=0).tag(sync=True, control=True)
    position = traitlets.Int(3, min=0).tag(sync=True, control=True)
    edits = traitlets.Unicode("15:3=0.9").tag(sync=True, control=True)
    prefix = traitlets.Unicode("").tag(sync=True, control=True)
    network = Data("date_attention")

    def __init__(
        self,
        model: Seq2Seq | None = None,
        source_vocabulary: Iterable[str] | None = None,
        target_vocabulary: Iterable[str] | None = None,
        pairs: Sequence[tuple[str, str]] = (),
        *,
        edits: str | Edits | None = None,
        **traits: Any,
    ) -> None:
        if "text" in traits or model is not None:  # the usual edit belongs to the usual text
            traits = {"step": 0, "position": 0, "edits": "", **traits}
        if edits is not None:
            traits["edits"] = edits if isinstance(edits, str) else written(edits)
        if (model is None) != (source_vocabulary is None) or (model is None) != (target_vocabulary is None):
            raise TypeError("model: expected a model together with both vocabularies, got one without the other")
        if model is not None and source_vocabulary is not None and target_vocabulary is not None:
            network = translator_of(model, source_vocabulary, target_vocabulary, pairs)
            if network["attention"] is None:
                raise ValueError("model: expected one with attention, got one without")
            traits["network"] = network
        super().__init__(**traits)


def written(edits: Edits) -> str:
    """Pinned weights as the figure's address has them.

    Examples
    --------
    >>> written({8: {6: 0.9, 7: 0.05}, 12: {3: 1}})
    '8:6=0.9,7=0.05;12:3=1'
    """
    rows = [f"{t}:{','.join(f'{j}={weight:g}' for j, weight in pins.items())}" for t, pins in edits.items() if pins]
    return ";".join(rows)


def pinned(own: ArrayLike, pins: Mapping[int, float]) -> np.ndarray:
    """A row of weights with some of them pinned: the others share what is left, in their own proportions.

    Pins that are more than 1 together are scaled to 1. Where the others have no weight of their own, they share evenly.

    Parameters
    ----------
    own : (T_x,) array_like
        The model's own weights.
    pins : dict of int to float
        Weights from 0 to 1 by position; a position beyond the source is left out.

    Returns
    -------
    (T_x,) array

    Examples
    --------
    >>> pinned([0.6, 0.3, 0.1], {1: 0.65}).round(3).tolist()
    [0.3, 0.65, 0.05]
    >>> pinned([1.0, 0.0, 0.0], {0: 0.5}).tolist()
    [0.5, 0.25, 0.25]
    """
    row = np.array(own, dtype=float)
    kept = {j: weight for j, weight in pins.items() if 0 <= j < len(row)}
    if not kept:
        return row
    free = np.ones(len(row), bool)
    free[list(kept)] = False
    held = sum(kept.values())
    if held > 1 or not free.any():
        kept = {j: weight / held if held else 1 / len(kept) for j, weight in kept.items()}
    rest, own_rest = 1 - min(1.0, sum(kept.values())), row[free].sum()
    row[free] = row[free] / own_rest * rest if own_rest > 1e-12 else rest / max(1, free.sum())
    row[list(kept)] = list(kept.values())
    return row
