"""A trained character model that reads what you type (chapter 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import traitlets

from rnnlib.cells import Cell
from rnnlib.figures.base import Data, Figure, pack
from rnnlib.training import Model


class TypeAhead(Figure):
    """Type, and see what a trained RNN expects next, what it has in its hidden state, and how it would go on.

    Without other arguments the model is the one of chapter 3, trained on Python's manual. It reads a line break
    first, as at the beginning of a paragraph, then the text.

    Parameters
    ----------
    model : Model, optional
        A character model of your own: one RNN, GRU or LSTM with an output per step over the characters.
    vocabulary : iterable of str, optional
        Its characters, in the order of their ids.
    text : str
        What the reader has typed. Characters that the model does not know are skipped, and named.
    position : int
        How many of the known characters the network has read; -1 or a number beyond the end means all.
    temperature : float, 0.1 to 2
        Divides the logits: below 1 the likely becomes likelier, above 1 less so.
    unit : int
        The hidden unit that colours the text; -1 means the one that chapter 3 finds.
    seed : int
        Of the continuation that is drawn.
    network : str or dict
        The model as the page needs it: the name of a shipped one, or what ``model`` and ``vocabulary`` were made into.

    Raises
    ------
    TypeError
        If the model's layer is not a single cell.
    ValueError
        If the vocabulary does not have one character per input and output of the model.

    Examples
    --------
    >>> TypeAhead(text="The quick", temperature=0.5)
    TypeAhead(position=-1, seed=1, temperature=0.5, text='The quick', unit=-1)
    """

    title = traitlets.Unicode("What does the network expect next?").tag(sync=True)
    fallback = (
        "A recurrent network that was trained, character by character, on Python's manual reads the text that you "
        "type. The figure shows the characters that it expects next with their probabilities, how much each typed "
        "character surprised it, its hidden state, and a continuation drawn from it at a temperature that you choose."
    )

    text = traitlets.Unicode('If the argument is not a "string", a "').tag(sync=True, control=True)
    position = traitlets.Int(-1, min=-1).tag(sync=True, control=True)
    temperature = traitlets.Float(0.5, min=0.1, max=2).tag(sync=True, control=True)
    unit = traitlets.Int(-1, min=-1).tag(sync=True, control=True)
    seed = traitlets.Int(1, min=0).tag(sync=True, control=True)
    network = Data("char_rnn")

    def __init__(self, model: Model | None = None, vocabulary: Iterable[str] | None = None, **traits: Any) -> None:
        if (model is None) != (vocabulary is None):
            missing = "vocabulary" if vocabulary is None else "model"
            raise TypeError(f"{missing}: expected a model together with its vocabulary, got None")
        if model is not None and vocabulary is not None:
            traits["network"] = network_of(model, list(vocabulary))
        super().__init__(**traits)


def network_of(model: Model, vocabulary: list[str]) -> dict[str, Any]:
    """Pack a character model: the cell's kind and options, the parameters in half precision, the characters.

    Raises
    ------
    TypeError, ValueError
        See `TypeAhead`.
    """
    cell = model.layer
    if not isinstance(cell, Cell):
        raise TypeError(f"model: expected one RNN, GRU or LSTM as its layer, got {type(cell).__name__}")
    V = len(vocabulary)
    if any(len(character) != 1 for character in vocabulary):
        raise ValueError("vocabulary: expected single characters")
    if cell.input_size != V or model.params["W_hq"].shape[1] != V:
        sizes = f"{cell.input_size} inputs and {model.params['W_hq'].shape[1]} outputs"
        raise ValueError(f"vocabulary: expected one character for each of the model's {sizes}, got {V}")
    known = ("activation", "recurrent_activation", "reset_after")
    return {
        "kind": type(cell).__name__,
        "options": {name: value for name, value in cell.config().items() if name in known},
        "hidden_size": cell.hidden_size,
        "vocabulary": "".join(vocabulary),
        "unit": 0,
        "params": {name: pack(p, "float16") for name, p in model.params.items()},
    }


def quotation_unit(model: Model, vocabulary: list[str]) -> int:
    """The hidden unit whose value goes most closely with whether a quotation is open, as chapter 3 finds it.

    Measured over the first 3,000 characters of the held-out text whose paragraphs close every quotation.
    """
    from rnnlib.bptt import unroll
    from rnnlib.corpora import inside_quotations, python_docs_split
    from rnnlib.text import one_hot

    lines = [line for line in python_docs_split().validation.splitlines() if line.count('"') % 2 == 0]
    text = ("\n" + "\n".join(lines))[:3000]
    index = {character: k for k, character in enumerate(vocabulary)}
    ids = np.array([index[character] for character in text])
    assert isinstance(model.layer, Cell)  # as network_of demands
    h = unroll(model.layer, one_hot(ids[:, None], len(vocabulary))).h[:, 0]  # (T, H)
    correlation = np.corrcoef(h.T, inside_quotations(text))[-1, :-1]  # (H,)
    return int(np.nanargmax(np.abs(correlation)))
