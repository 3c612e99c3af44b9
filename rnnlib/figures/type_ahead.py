"""A trained character model that reads what you type (chapter 3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import traitlets

from rnnlib.cells import Cell
from rnnlib.figures.base import Figure, pack
from rnnlib.training import Model, load_pretrained


class TypeAhead(Figure):
    """Type, and see what a trained RNN expects next, what it has in its hidden state, and how it would go on.

    Without other arguments the model is the one of chapter 3, trained on Python's manual. It reads a line break
    first, as at the beginning of a paragraph, then the text.

    Parameters
    ----------
    text : str
        What the model has read. Characters that it does not know are skipped, and named.
    temperature : float, 0.1 to 2
        Divides the logits: below 1 the likely becomes likelier, above 1 less so.
    seed : int
        Of the continuation that is drawn.
    network : dict
        The model as the page needs it; `TypeAhead.of` makes it from a model of your own.

    Examples
    --------
    >>> TypeAhead(text="The quick", temperature=0.5)
    TypeAhead(seed=1, temperature=0.5, text='The quick')
    """

    title = "Type ahead: what comes next?"
    fallback = (
        "A recurrent network that was trained, character by character, on Python's manual reads the text that you "
        "type. The figure shows the characters that it expects next with their probabilities, how much each typed "
        "character surprised it, its hidden state, and a continuation drawn from it at a temperature that you choose."
    )

    text = traitlets.Unicode("If the value is not a ").tag(sync=True, control=True)
    temperature = traitlets.Float(1.0, min=0.1, max=2).tag(sync=True, control=True)
    seed = traitlets.Int(1, min=0).tag(sync=True, control=True)
    network = traitlets.Dict().tag(sync=True)

    @traitlets.default("network")
    def _trained_network(self) -> dict[str, Any]:
        return trained_network()

    @classmethod
    def of(cls, model: Model, vocabulary: Sequence[str], **traits: Any) -> TypeAhead:
        """Show a character model of your own.

        Parameters
        ----------
        model : Model
            One RNN, GRU or LSTM with an output per step over the characters.
        vocabulary : sequence of str
            The characters, in the order of their ids.
        **traits
            See the class.

        Returns
        -------
        TypeAhead

        Raises
        ------
        TypeError
            If the model's layer is not a single cell.
        ValueError
            If the vocabulary does not have one character per input and output of the model.
        """
        return cls(network=network_of(model, vocabulary), **traits)


@cache
def trained_network() -> dict[str, Any]:
    """The model of chapter 3, as the page needs it."""
    model, notes = load_pretrained("char_rnn")
    return network_of(model, notes["vocabulary"])


def network_of(model: Model, vocabulary: Sequence[str]) -> dict[str, Any]:
    """Pack a character model: the cell's kind and options, the parameters in half precision, the characters.

    Raises
    ------
    TypeError, ValueError
        See `TypeAhead.of`.
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
        "params": {name: pack(p, "float16") for name, p in model.params.items()},
    }
