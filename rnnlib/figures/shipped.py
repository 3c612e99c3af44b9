"""The data that figures show and the library ships, by name; a page carries each of them once.

A new name needs a function that returns what JSON can hold, and an entry in `SHIPPED`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def measured(name: str) -> dict[str, Any]:
    """What the script `experiments/measure_<name>.py` has measured."""
    return json.loads((HERE / "data" / f"{name}.json").read_text(encoding="utf8"))


def char_rnn() -> dict[str, Any]:
    """The character model of chapter 3, as the page needs it, and the unit that chapter 3 finds in it."""
    from rnnlib.figures.type_ahead import network_of, quotation_unit
    from rnnlib.training import load_pretrained

    model, notes = load_pretrained("char_rnn")
    vocabulary = list(notes["vocabulary"])
    return {**network_of(model, vocabulary), "unit": quotation_unit(model, vocabulary)}


def microscope(name: str) -> dict[str, Any]:
    """A gated character model for `GateMicroscope`: units named on validation text, test text to be searched."""
    from rnnlib.corpora import balanced, python_docs_split
    from rnnlib.figures.gate_microscope import microscope_of
    from rnnlib.training import load_pretrained

    model, notes = load_pretrained(name)
    split = python_docs_split()
    return microscope_of(model, list(notes["vocabulary"]), balanced(split.validation), balanced(split.test))


def translator(name: str, most: int = 0) -> dict[str, Any]:
    """A translator for the page, with states of the first `most` lists that it was trained on."""
    import rnnlib.seq2seq  # noqa: F401  (from now on a checkpoint may name its classes)
    from rnnlib.corpora import date_lists
    from rnnlib.figures.translator import translator_of
    from rnnlib.training import load_pretrained

    model, notes = load_pretrained(name)
    pairs = date_lists(**{**notes["train"], "n": most}, part="train") if most else []
    return translator_of(model, notes["source"], notes["target"], pairs)


def shapes() -> dict[str, Any]:
    """Three real examples of each of the five shapes."""
    from rnnlib.figures.shapes import real_examples

    return real_examples()


SHIPPED: dict[str, Callable[[], dict[str, Any]]] = {
    "bottleneck": lambda: measured("bottleneck"),
    "char_gru": lambda: microscope("char_gru"),
    "char_lstm": lambda: microscope("char_lstm"),
    "char_rnn": char_rnn,
    "clipping": lambda: measured("clipping"),
    "date_attention": lambda: translator("date_attention", 128),
    "date_context_young": lambda: translator("date_context_young"),
    "gradient_highway": lambda: measured("gradient_highway"),
    "lags": lambda: measured("lags"),
    "ngram_dial": lambda: measured("ngram_dial"),
    "race": lambda: measured("race"),
    "shapes": shapes,
    "truncation_window": lambda: measured("truncation_window"),
}


@cache
def shipped(name: str) -> dict[str, Any]:
    """Return the shipped data `name`.

    Examples
    --------
    >>> shipped("truncation_window")["ks"][:4]
    [1, 2, 3, 4]
    """
    return SHIPPED[name]()
