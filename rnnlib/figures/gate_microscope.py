"""The units of a trained recurrent network over a text, and what is lost when one is held (chapters 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import traitlets

from rnnlib.cells import Cell
from rnnlib.corpora import inside_quotations
from rnnlib.figures.base import Data, Figure, pack
from rnnlib.figures.type_ahead import network_of
from rnnlib.training import Model, auc
from rnnlib.training.quantising import dequantise, quantise

LONGEST = 300  # characters that are read of what is typed
SEARCHED = 3000  # characters of the held-out text that are searched
LOOKED_AT = 6000  # characters of the validation text by which units are chosen and named


class GateMicroscope(Figure):
    """Type a text, see what single units do over it, hold one of them, and find where else it does the same.

    Without a model it shows the GRU of chapter 6. The named units are chosen by `named_units`.

    Parameters
    ----------
    model : Model or str, optional
        A character model of your own, one RNN, GRU or LSTM with an output per step; or the name of a shipped one.
    vocabulary : iterable of str, optional
        Its characters, in the order of their ids.
    text : str
        What is read: its first 300 known characters, after a line break.
    searched : str, optional
        The text of your own that is searched, and by which the units of a model of your own are chosen and named;
        `text` by default.
    position : int
        How many characters have been read; beyond the end means all, which is usual for a text of your own.
    gate : str
        What the lanes show: "state" (c of an LSTM, h of the others), or a gate of the cell.
    unit : int
        The chosen unit; -1 means the first of the named ones.
    clamped : bool
        Whether the chosen unit is held. With a text of your own it is if ``value`` is given.
    value : float
        At which value its gate or its state is held. A state at 0 is ablated.
    since : int
        From which character on.
    mark_start, mark_end : int
        The marked stretch of the text, the end excluded; -1 means none.
    network : str or dict
        The model as the page needs it: the name of a shipped one, or what the first arguments were made into.

    Raises
    ------
    TypeError
        If the model's layer is not a single cell, or comes without a vocabulary.
    ValueError
        If the vocabulary does not have one character per input and output of the model.

    Examples
    --------
    >>> from rnnlib.cells import GRU
    >>> rng = np.random.default_rng(0)
    >>> model = Model(GRU(4, 6, rng=rng), 4, rng=rng)
    >>> figure = GateMicroscope(model, "\\nabc", "abcabc", gate="z", clamped=False)
    >>> figure.network["kind"], figure.unit
    ('GRU', -1)
    """

    title = traitlets.Unicode("What is lost if one unit is held still?").tag(sync=True)
    fallback = (
        "A trained recurrent network reads a text, character by character. The figure shows what some of its units do "
        "over the text: their state and their gates. A unit can be held at a value; then the figure shows how the "
        "expected next characters change, and where else in a longer text the unit behaves as over a marked stretch."
    )

    text = traitlets.Unicode('The built-in name "print" is bound in this module.').tag(sync=True, control=True)
    position = traitlets.Int(24, min=0).tag(sync=True, control=True)
    gate = traitlets.Enum(("state", "z", "r", "n", "i", "f", "o", "g"), "state").tag(sync=True, control=True)
    unit = traitlets.Int(-1, min=-1).tag(sync=True, control=True)
    clamped = traitlets.Bool(True).tag(sync=True, control=True)
    # the median of the quotation unit outside quotations, on validation text; held from the opening mark on
    value = traitlets.Float(-0.18, min=-8, max=8).tag(sync=True, control=True)
    since = traitlets.Int(18, min=0).tag(sync=True, control=True)
    mark_start = traitlets.Int(18, min=-1).tag(sync=True, control=True)
    mark_end = traitlets.Int(24, min=-1).tag(sync=True, control=True)
    network = Data("char_gru")

    def __init__(
        self,
        model: Model | str | None = None,
        vocabulary: Iterable[str] | None = None,
        text: str | None = None,
        searched: str | None = None,
        **traits: Any,
    ) -> None:
        if text is not None:  # the usual stretch and hold belong to the usual text
            usual = {"position": LONGEST, "clamped": "value" in traits, "mark_start": -1, "mark_end": -1, "since": 0}
            traits = {**usual, **traits, "text": text}
        if isinstance(model, str):
            traits["network"] = model
        elif (model is None) != (vocabulary is None):
            missing = "vocabulary" if vocabulary is None else "model"
            raise TypeError(f"{missing}: expected a model together with its vocabulary, got None")
        elif model is not None and vocabulary is not None:
            symbols = list(vocabulary)
            given = traits.get("text", GateMicroscope.text.default_value) if searched is None else searched
            traits["network"] = microscope_of(model, symbols, given, given)
        super().__init__(**traits)


def microscope_of(model: Model, vocabulary: list[str], named_by: str, searched: str) -> dict[str, Any]:
    """Pack a character model for the figure: its weights, its named units, the order of all, the text to be searched.

    Weights that lie on a grid of 255 steps a column, as those of shipped models do, keep one byte each; those of
    other models are rounded to half precision.

    Raises
    ------
    TypeError, ValueError
        See `GateMicroscope`.
    """
    network = network_of(model, vocabulary)
    known = set(vocabulary)
    read = [character for character in named_by if character in known] or [vocabulary[0]]
    run = unit_values(model, vocabulary, read[:LOOKED_AT])
    named = named_units(run, read[:LOOKED_AT])
    # the scale of each unit's lane; a cell state has no bound, and that of one unit would flatten all others
    most = np.abs(run["state"]).max(axis=0).astype(float).clip(0.25, 8.0).round(2).tolist()
    return network | {
        "unit": named[0]["unit"],
        "units": named,
        "order": np.argsort(-keeping(run), kind="stable").tolist(),
        "most": most if type(model.layer).__name__ == "LSTM" else 1.0,
        "searched": "".join(character for character in searched if character in known)[:SEARCHED],
        "params": {name: packed(p) for name, p in model.params.items()},
    }


def packed(p: np.ndarray) -> dict[str, Any]:
    """An array as the page needs it: one byte an entry and a scale for each column, if that loses nothing.

    Examples
    --------
    >>> on_grid = np.array([[127.0, -254.0], [64.0, 2.0]])  # columns of steps of 1 and of 2
    >>> packed(on_grid)["dtype"], packed(on_grid + 0.1)["dtype"], packed(on_grid[0])["dtype"]
    ('int8', 'float16', 'float32')
    """
    if p.ndim < 2:
        return pack(p, "float32")
    whole, scale = quantise(p)
    if np.abs(dequantise(whole, scale) - p).max() > 1e-5 * np.abs(p).max():
        return pack(p, "float16")
    return pack(whole, "int8") | {"scale": pack(scale, "float32")}


def unit_values(model: Model, vocabulary: list[str], text: Iterable[str]) -> dict[str, np.ndarray]:
    """The state and each gate over a text that is read after a line break, (T, H) each.

    ``"state"`` is c of an LSTM, h of the others; the entry t is what the unit had after character t.
    """
    from rnnlib.bptt import unroll
    from rnnlib.text import one_hot

    index = {character: k for k, character in enumerate(vocabulary)}
    ids = np.array([index.get("\n", 0), *(index[character] for character in text)])
    assert isinstance(model.layer, Cell)  # as network_of demands
    trace = unroll(model.layer, one_hot(ids[:, None], len(vocabulary)))
    run = {name: values[1:, 0] for name, values in trace.gates.items()}
    return {"state": trace.visited[-1][2:, 0], **run}


def keeping(run: dict[str, np.ndarray]) -> np.ndarray:
    """How long each unit keeps what it has, (H,): its mean update or forget gate.

    For a cell that has neither: the correlation of its state with its state one step before.
    """
    for gate in ("z", "f"):
        if gate in run:
            return run[gate].mean(axis=0)
    h = run["state"]
    if len(h) < 3:
        return np.zeros(h.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        now, after = h[:-1] - h[:-1].mean(axis=0), h[1:] - h[1:].mean(axis=0)
        return np.nan_to_num((now * after).mean(axis=0) / (now.std(axis=0) * after.std(axis=0)))


def named_units(run: dict[str, np.ndarray], text: Iterable[str]) -> list[dict[str, Any]]:
    """Choose five units and name them after what they follow most closely.

    In this order, each unit once: the unit whose state best tells whether a quotation is open, by the area under its
    ROC curve; whose state goes with the place in the word, by correlation; of the rest, which keeps what it has longest
    and which changes fastest, by the mean of its update or forget gate; whose state best tells whether a bracket
    is open. What the text does not contain is left out.

    Parameters
    ----------
    run : dict of (T, H) arrays
        From `unit_values`.
    text : T characters

    Returns
    -------
    list of dict
        ``unit``, ``name``, ``score`` and ``measure``, what the score is.
    """
    characters = list(text)
    state, keep = run["state"], keeping(run)
    kept = next((f"mean {gate}" for gate in ("z", "f") if gate in run), "r")
    quotation = inside_quotations("".join(characters))
    bracket = np.cumsum([(c == "(") - (c == ")") for c in characters]) > 0
    scores = [
        ("quotation", "AUC", areas(state, quotation)),
        ("place in the word", "r", correlations(state, places_in_words(characters))),
        ("keeps long", kept, keep),
        ("changes fast", kept, -keep),
        ("bracket", "AUC", areas(state, bracket)),
    ]
    named: list[dict[str, Any]] = []
    for name, measure, score in scores:
        if score is None or len(named) == state.shape[1]:
            continue
        free = np.where(np.isin(np.arange(len(score)), [unit["unit"] for unit in named]), -np.inf, score)
        unit = int(np.argmax(free))
        named.append({"unit": unit, "name": name, "score": round(abs(float(score[unit])), 2), "measure": measure})
    return named


def areas(values: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """For each column, how well it tells the two apart: the AUC, or 1 minus it; None where there is one kind only.

    Examples
    --------
    >>> areas(np.array([[0.1, 3], [0.4, 1], [0.2, 2], [0.8, 1]]), np.array([0, 1, 0, 1]))
    array([1., 1.])
    """
    if len(np.unique(inside)) < 2:
        return None
    area = auc(values, inside)
    return np.maximum(area, 1 - area)


def correlations(values: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """The size of each column's correlation with a quantity; None where the quantity does not vary."""
    if np.std(place) == 0:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = values - values.mean(axis=0)
        r = (centred * (place - place.mean())[:, None]).mean(axis=0) / (values.std(axis=0) * place.std())
    return np.abs(np.nan_to_num(r))


def places_in_words(characters: list[str]) -> np.ndarray:
    """How many letters of the present word have been read, 0 between words.

    Examples
    --------
    >>> places_in_words(list("a bit, of"))
    array([1, 0, 1, 2, 3, 0, 0, 1, 2])
    """
    places, place = [], 0
    for character in characters:
        place = place + 1 if character.isalnum() or character == "_" else 0
        places.append(place)
    return np.array(places)


def search(stretch: np.ndarray, values: np.ndarray) -> list[int]:
    """Where a unit behaves over a text as over a marked stretch.

    A value is "on" above the middle between the least and the greatest value over the text. A place matches if on and
    off follow each other there exactly as over the stretch; those with the smallest mean squared difference come
    first, the earlier of two that are equal to six decimals, and a place that overlaps a better one is left out.

    Parameters
    ----------
    stretch : (L,) array
        The unit's values over the marked stretch.
    values : (T,) array
        Its values over the text that is searched.

    Returns
    -------
    list of int
        The first character of each match, the best first.

    Examples
    --------
    >>> search(np.array([0.1, 0.8]), np.array([0, 1, 1, 0, 0.8, 0.2]))
    [3, 0]
    """
    L = len(stretch)
    if not 0 < L <= len(values):
        return []
    middle = (values.min() + values.max()) / 2
    windows = np.lib.stride_tricks.sliding_window_view(values, L)  # (T − L + 1, L)
    matches = np.flatnonzero(((windows > middle) == (stretch > middle)).all(axis=1))
    distances = np.round(((windows[matches] - stretch) ** 2).mean(axis=1), 6)
    found: list[int] = []
    for start in matches[np.argsort(distances, kind="stable")]:
        if all(abs(start - other) >= L for other in found):
            found.append(int(start))
    return found
