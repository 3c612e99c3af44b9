"""Beam search: several hypotheses at once (chapter 9).

The beam has `width` places. At each step every live hypothesis is continued by every symbol, and the likeliest
continuations take the free places; they all have the same length, so the length penalty does not matter here. One that
ends keeps its place to the end, so that at most `width` are found. This is beam search as in Bahdanau et al. (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from rnnlib.cells.arguments import number, positive
from rnnlib.seq2seq.batches import BOS, EOS
from rnnlib.seq2seq.encoder import Memory
from rnnlib.seq2seq.hypotheses import Hypothesis, allowed_symbols, log_softmax, read_one
from rnnlib.seq2seq.model import Seq2Seq

__all__ = ["Branch", "beam_search", "beam_tree"]

Array = NDArray[Any]


class Branch(NamedTuple):
    """A continuation that beam search looked at."""

    parent: int
    """Its place in the list of the step before; −1 in the first step."""
    symbol: int
    log_probability: float
    """Of all symbols up to this one."""
    score: float
    kept: bool
    """False: it was pruned."""
    ended: bool


@torch.no_grad()
def beam_search(
    model: Seq2Seq,
    source: Any,
    source_mask: Any = None,
    *,
    width: int,
    length_penalty: float = 0.0,
    max_length: int = 200,
    prefix: Sequence[int] = (),
) -> list[list[Hypothesis]]:
    """The best complete targets that a beam of `width` places finds, for B sources at once.

    Parameters
    ----------
    model : Seq2Seq
    source : (T_x, B) array of int
    source_mask : (T_x, B) array, optional
    width : int
        1 is greedy search.
    length_penalty : float
        κ.
    max_length : int
        The most symbols of a target, ``<eos>`` included.
    prefix : sequence of int
        Symbols that every target must begin with.

    Returns
    -------
    list of B lists of Hypothesis
        Each sorted by score, best first; at most `width`, all different.

    References
    ----------
    Graves (2012), "Sequence transduction with recurrent neural networks"; Bahdanau, Cho and Bengio (2015); Wu et al.
    (2016), "Google's neural machine translation system", section 7, on normalising by length.
    """
    found, _ = _beam(model, model.read(source, source_mask), width, length_penalty, max_length, prefix, 0)
    return found


@torch.no_grad()
def beam_tree(
    model: Seq2Seq,
    source: Any,
    *,
    width: int,
    length_penalty: float = 0.0,
    max_length: int = 200,
    prefix: Sequence[int] = (),
    pruned: int | None = None,
) -> tuple[list[Hypothesis], list[list[Branch]]]:
    """Beam search for one source, with what it looked at on the way.

    Parameters
    ----------
    source : (T_x,) array of int
    width, length_penalty, max_length, prefix
        As in `beam_search`. To reopen a pruned branch, give the symbols on its way as `prefix`.
    pruned : int, optional
        How many of the likeliest branches that found no place are listed; `width` by default.

    Returns
    -------
    hypotheses : list of Hypothesis
        Best first.
    steps : list of lists of Branch
        For each step its branches by falling probability: first those that were kept, then those that were pruned.
    """
    memory = read_one(model, source)
    found, steps = _beam(model, memory, width, length_penalty, max_length, prefix, width if pruned is None else pruned)
    return found[0], steps


def _beam(
    model: Seq2Seq,
    memory: Memory,
    width: int,
    length_penalty: float,
    max_length: int,
    prefix: Sequence[int],
    pruned: int,
) -> tuple[list[list[Hypothesis]], list[list[Branch]]]:
    """Hypotheses of each source, best first; and, of the last source, the branches of each step."""
    positive("width", width)
    if number("length_penalty", length_penalty) < 0:
        raise ValueError(f"length_penalty: expected at least 0, got {length_penalty}")
    allowed = allowed_symbols(model, max_length, prefix)
    B = memory.context.shape[0]
    finished: list[list[Hypothesis]] = [[] for _ in range(B)]
    live = [(b, -1, Hypothesis()) for b in range(B)]  # source, place among the branches of the step before, hypothesis
    state, near, steps = model.decoder.initial_state(memory), memory, []
    for t in range(max_length):
        y = torch.tensor([hypothesis.ids[-1] if t else BOS for _, _, hypothesis in live])
        decoded = model.decoder.step(y, state, near)
        log_p = np.where(allowed(t), log_softmax(decoded.logits), -np.inf)  # (rows, V_y)
        sums = log_p + np.array([[hypothesis.log_probability] for _, _, hypothesis in live])
        after, parents = [], []
        for b in dict.fromkeys(b for b, _, _ in live):
            rows = [k for k, (of, _, _) in enumerate(live) if of == b]
            places, branches = width - len(finished[b]), []
            for rank, (k, symbol) in enumerate(_largest(sums[rows], places + pruned)):
                row = rows[k]
                weights = None if decoded.weights is None else decoded.weights[row].numpy()
                _, parent, shorter = live[row]
                longer = shorter.followed_by(symbol, float(log_p[row, symbol]), weights, length_penalty)
                kept, ended = rank < places, symbol == EOS
                branches.append(Branch(parent, symbol, longer.log_probability, longer.score, kept, ended))
                if kept and ended:
                    finished[b].append(longer)
                elif kept:
                    after.append((b, rank, longer))
                    parents.append(row)
        steps.append(branches)
        if not after:
            break
        if [b for b, _, _ in after] != [b for b, _, _ in live]:
            near = memory.of(torch.tensor([b for b, _, _ in after]))
        state = tuple(part[parents] for part in decoded.state)
        live = after
    return [sorted(found, key=lambda hypothesis: -hypothesis.score) for found in finished], steps


def _largest(sums: Array, n: int) -> list[tuple[int, int]]:
    """Row and symbol of the n largest entries that are not −∞, largest first; of equal ones the first."""
    flat = sums.ravel()
    n = min(n, int(np.isfinite(flat).sum()))
    smallest = np.partition(flat, -n)[-n]
    among = np.flatnonzero(flat >= smallest)
    order = among[np.argsort(-flat[among], kind="stable")][:n]
    return [(int(k) // sums.shape[1], int(k) % sums.shape[1]) for k in order]
