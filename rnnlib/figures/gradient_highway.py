"""Where a loss's gradient goes on its way back, by which path, and what training makes of it (chapter 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from rnnlib.bptt import backward
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.cells.cell import Array
from rnnlib.figures.base import Data, Figure
from rnnlib.figures.gate_microscope import packed
from rnnlib.figures.type_ahead import network_of
from rnnlib.training import Model

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz.,()\"':-_0"
LONGEST = 64  # letters that are read
MOST = 12  # states of training
KEEPS = {"LSTM": "f", "GRU": "z"}  # the gate on the direct path


def plain(text: str) -> str:
    """A text in the small alphabet of the shipped networks.

    Examples
    --------
    >>> plain("In Python 3.12 (or later) x = [1]")
    'in python 0.00 (or later) x _ _0_'
    """
    small = ("0" if letter.isdigit() else letter for letter in text.lower())
    return "".join(letter if letter in ALPHABET else "_" for letter in small)


class GradientHighway(Figure):
    """Scrub through training, drag the loss along a text, and see from which earlier steps its gradient comes.

    For the loss L of one letter, δ_k is the gradient at the state after the k-th letter: ∂L/∂h_k of an RNN and of a
    GRU, ∂L/∂c_k of an LSTM with all that follows from c_k, h_k included. Shown is ‖δ_k‖ relative to its value at the
    loss. Over one step δ_{k−1} = δ_k ⊙ z_k + … (GRU) or δ_k ⊙ f_k + … (LSTM); what has taken the first term at every
    step is the direct path's part d_k, and the rest, δ_k − d_k, has passed a gate's or the candidate's weights at
    least once. Norms of parts do not add up, so a band is split by components along δ_k: ⟨d_k, δ_k⟩/‖δ_k‖ and
    ⟨δ_k − d_k, δ_k⟩/‖δ_k‖ sum to ‖δ_k‖. Where one part points against the whole it is drawn below zero. `route`
    computes the same in Python.

    Parameters
    ----------
    text : str
        What is read, in the small alphabet of the shipped networks: see `plain`. Its first 64 letters.
    position : int
        The letter whose prediction is the loss, counted from 0; a line break is read before the first one.
    snapshot : int
        Which state of training, 0 for the start.
    back : int
        How many steps before the last state the numbers are read off.
    scale : {"parts", "far"}
        Bands on a linear axis, which add up; or curves of the norms on a logarithmic axis, which show far steps.
    networks : str or dict
        The networks as the page needs them: the name of shipped ones, or what `of` makes of yours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> models = {"mine": [Model(GRU(4, 6, rng=rng), 4, rng=rng)]}
    >>> GradientHighway.of(models, "\\nabc", "abcabc")
    GradientHighway(back=5, position=5, scale='parts', snapshot=0, text='abcabc')
    """

    title = traitlets.Unicode("From which steps does the gradient come?").tag(sync=True)
    fallback = (
        "A small RNN, GRU and LSTM with equally many weights read a text. For the loss of one letter the figure shows "
        "how much of its gradient arrives at each earlier letter, split into the direct path through the forget or "
        "update gates and the paths through the gates' weights, at several points of the training."
    )

    text = traitlets.Unicode('the built-in name "print" is bound in this module.').tag(sync=True, control=True)
    position = traitlets.Int(24, min=0, max=LONGEST - 1).tag(sync=True, control=True)
    snapshot = traitlets.Int(5, min=0, max=MOST - 1).tag(sync=True, control=True)
    back = traitlets.Int(5, min=0, max=LONGEST).tag(sync=True, control=True)
    scale = traitlets.Enum(("parts", "far"), "parts").tag(sync=True, control=True)
    networks = Data("gradient_highway")

    @classmethod
    def of(
        cls,
        models: Mapping[str, Model | Sequence[Model]],
        vocabulary: Iterable[str],
        text: str,
        updates: Iterable[int] | None = None,
        **traits: Any,
    ) -> GradientHighway:
        """The figure for character models of your own, and a text.

        Parameters
        ----------
        models : dict of str to Model or list of Model
            One to three, by name: each one network, or a list of its states during training, all lists of one length.
        vocabulary : iterable of str
            The characters, in the order of their ids.
        text : str
            Its first 64 known characters are read, after a line break if there is one.
        updates : iterable of int, optional
            How many updates each state of the lists has seen; 0, 1, 2, … by default.

        Raises
        ------
        TypeError, ValueError
            If a model's layer is not one RNN, GRU or LSTM of the usual kind, or the numbers do not fit.
        """
        runs = {name: [run] if isinstance(run, Model) else list(run) for name, run in models.items()}
        data = highway_of(runs, vocabulary, range(len(next(iter(runs.values()), []))) if updates is None else updates)
        known = "".join(letter for letter in text if letter in data["vocabulary"])[:LONGEST]
        if not known:
            raise ValueError("text: expected characters of the vocabulary, got none")
        usual = {"text": known, "position": len(known) - 1, "snapshot": len(data["updates"]) - 1}
        return cls(**{**usual, **traits, "networks": data})


def highway_of(
    runs: Mapping[str, Sequence[Model]], vocabulary: Iterable[str], updates: Iterable[int]
) -> dict[str, Any]:
    """Pack networks for the figure.

    Parameters
    ----------
    runs : dict of str to list of Model
    vocabulary : iterable of str
    updates : iterable of int
        How many updates each state of the lists has seen.
    """
    symbols, counts = list(vocabulary), list(updates)
    if not 1 <= len(runs) <= 3 or not 1 <= len(counts) <= MOST or any(len(run) != len(counts) for run in runs.values()):
        lengths = [len(run) for run in runs.values()]
        raise ValueError(f"models: expected one to three, with one to {MOST} states each, got {lengths} states")
    cells = []
    for name, run in runs.items():
        packs = [network_of(model, symbols) for model in run]
        kinds = {(one["kind"], one["hidden_size"], str(one["options"])) for one in packs}
        if len(kinds) > 1 or getattr(run[0].layer, "is_variant", False):
            raise ValueError(f"models[{name!r}]: expected states of one plain cell, got {[m.layer for m in run]}")
        cells.append(
            {
                "name": name,
                "kind": packs[0]["kind"],
                "options": packs[0]["options"],
                "hidden_size": packs[0]["hidden_size"],
                "weights": sum(p.size for p in run[0].params.values()),
                "states": [{key: packed(p) for key, p in model.params.items()} for model in run],
            }
        )
    return {"vocabulary": "".join(symbols), "updates": counts, "cells": cells}


def route(model: Model, ids: Array) -> dict[str, Array]:
    """The gradient of the last letter's loss at each state before it, and its parts; see `GradientHighway`.

    Parameters
    ----------
    model : Model
        With one RNN, GRU or LSTM, in float64.
    ids : (T + 1,) array of int
        T letters that are read, and the one that is to be predicted.

    Returns
    -------
    dict of str to (T,) array
        ``norm``: ‖δ_k‖ of each state, relative to the last one's. ``direct``: the direct path's component along δ_k,
        in the same unit; the rest is the paths through the gates. ``alone``: ‖d_k‖ of the direct path by itself.

    Examples
    --------
    >>> model = Model(LSTM(3, 4, rng=np.random.default_rng(0)), 3, rng=np.random.default_rng(0))
    >>> found = route(model, np.array([0, 1, 2, 1]))
    >>> found["norm"].shape, float(found["norm"][-1]), bool(found["direct"][0] < found["norm"][0])
    ((3,), 1.0, True)
    """
    cell = model.layer
    if not isinstance(cell, RNN | GRU | LSTM) or getattr(cell, "is_variant", False):
        raise TypeError(f"model: expected one plain RNN, GRU or LSTM as its layer, got {cell!r}")
    x, y = np.asarray(ids)[:-1, None], np.asarray(ids)[1:, None]
    step = model.loss_and_gradients((x, y))
    trace, T = step.trace, len(x)
    dh = np.zeros_like(step.dh)
    dh[-1] = step.dh[-1]
    grads, gates = backward(trace, dh), trace.gates
    delta = grads.h[:, 0]
    if isinstance(cell, LSTM) and grads.c is not None:
        φ_c = cell.activation.value(trace.c[:, 0])
        delta = grads.c[:, 0] + delta * gates["o"][:, 0] * cell.activation.slope(φ_c)
    keep = gates[KEEPS[type(cell).__name__]][:, 0] if type(cell).__name__ in KEEPS else np.zeros_like(delta)
    direct = np.empty_like(delta)
    direct[-1] = delta[-1]
    for k in reversed(range(T - 1)):
        direct[k] = direct[k + 1] * keep[k + 1]
    norm, unit = np.linalg.norm(delta, axis=1), np.linalg.norm(delta[-1])
    along = np.divide((direct * delta).sum(axis=1), norm, out=np.zeros(T), where=norm > 0)
    return {"norm": norm / unit, "direct": along / unit, "alone": np.linalg.norm(direct, axis=1) / unit}
