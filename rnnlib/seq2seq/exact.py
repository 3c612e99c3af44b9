"""Exact search: the best target of all, for small cases (chapter 9). What beam search misses is a search error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rnnlib.cells.arguments import positive
from rnnlib.seq2seq.batches import BOS, EOS, PAD, PairBatch
from rnnlib.seq2seq.hypotheses import Hypothesis, log_softmax, read_one
from rnnlib.seq2seq.model import Seq2Seq, log_probabilities

__all__ = ["brute_force", "exact_search", "search_errors"]

LIMIT = 200_000  # how many targets brute force may look at
CLOSE = 1e-6  # scores that differ by less count as equal


def brute_force(model: Seq2Seq, source: Any, *, max_length: int, length_penalty: float = 0.0) -> list[Hypothesis]:
    """Every target of at most `max_length` symbols, ``<eos>`` included, best first.

    Parameters
    ----------
    model : Seq2Seq
    source : (T_x,) array of int
    max_length : int
        With m symbols beside ``<pad>``, ``<bos>`` and ``<eos>`` there are 1 + m + … + m^(max_length − 1) targets.
    length_penalty : float
        κ.

    Raises
    ------
    ValueError
        If there are more than 200,000.

    Examples
    --------
    >>> model = Seq2Seq(6, 6, hidden_size=8, embedding_size=4, rng=np.random.default_rng(0))
    >>> hypotheses = brute_force(model, [4, 5], max_length=3)
    >>> len(hypotheses)
    13
    """
    symbols = [k for k in range(model.config()["target_size"]) if k not in (PAD, BOS, EOS)]
    positive("max_length", max_length)
    if (count := sum(len(symbols) ** n for n in range(max_length))) > LIMIT:
        raise ValueError(f"max_length: expected one with at most {LIMIT:,} targets, got {max_length} with {count:,}")
    found = []
    for n in range(max_length):
        targets = itertools.product(symbols, repeat=n)
        while part := list(itertools.islice(targets, 2000)):
            found += _scored(model, source, part, length_penalty)
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


def _scored(model: Seq2Seq, source: Any, targets: Sequence[tuple[int, ...]], length_penalty: float) -> list[Hypothesis]:
    """Targets of one length as hypotheses: all are fed to the decoder at once."""
    y = np.array(targets, dtype=np.int64).reshape(len(targets), -1).T  # (n, B)
    ends = np.full((1, y.shape[1]), BOS), np.full((1, y.shape[1]), EOS)
    x = np.repeat(np.asarray(source)[:, None], y.shape[1], axis=1)
    target_in, target_out = np.concatenate([ends[0], y]), np.concatenate([y, ends[1]])
    log_p = log_probabilities(model, PairBatch(x, np.ones(x.shape, bool), target_in, target_out, target_out >= 0))
    scores = log_p.sum(axis=0) / len(target_out) ** length_penalty
    columns = zip(target_out.T.tolist(), log_p.T.tolist(), scores.tolist(), strict=True)
    return [Hypothesis(tuple(ids), tuple(p), score) for ids, p, score in columns]


@torch.no_grad()
def exact_search(
    model: Seq2Seq,
    source: Any,
    *,
    max_length: int,
    length_penalty: float = 0.0,
    found: Hypothesis | None = None,
    max_steps: int = 100_000,
) -> Hypothesis | None:
    """The best target of all, by depth-first search with a bound.

    A symbol can only lower a log-probability. So no continuation of a beginning with log-probability ℓ scores better
    than ℓ / max_length^κ, and a beginning that cannot beat the best complete target so far is left.

    Parameters
    ----------
    model : Seq2Seq
    source : (T_x,) array of int
    max_length : int
        The most symbols, ``<eos>`` included.
    length_penalty : float
        κ.
    found : Hypothesis, optional
        What beam search found with the same κ: the better, the faster.
    max_steps : int
        Steps of the decoder after which to give up.

    Returns
    -------
    Hypothesis or None
        None if it gave up.

    References
    ----------
    Stahlberg and Byrne (2019), "On NMT search errors and model errors: cat got your tongue?", algorithm 2.
    """
    positive("max_length", max_length)
    memory = read_one(model, source)
    best, steps = found, 0

    def promises(beginning: Hypothesis) -> bool:
        return best is None or beginning.log_probability / max_length**length_penalty > best.score + CLOSE

    stack = [(Hypothesis(), BOS, model.decoder.initial_state(memory))]
    while stack:
        beginning, y, state = stack.pop()
        if not promises(beginning):
            continue
        if steps == max_steps:
            return None
        steps += 1
        decoded = model.decoder.step(torch.tensor([y]), state, memory)
        log_p = log_softmax(decoded.logits)[0]
        row = None if decoded.weights is None else decoded.weights[0].numpy()
        last = len(beginning.ids) == max_length - 1
        ended = beginning.followed_by(EOS, float(log_p[EOS]), row, length_penalty)
        if best is None or ended.score > best.score + CLOSE:
            best = ended
        for symbol in [] if last else np.argsort(log_p, kind="stable").tolist():  # the likeliest on top of the stack
            longer = beginning.followed_by(symbol, float(log_p[symbol]), row, length_penalty)
            if symbol not in (PAD, BOS, EOS) and promises(longer):
                stack.append((longer, symbol, decoded.state))
    return best


def search_errors(found: Sequence[Hypothesis], exact: Sequence[Hypothesis], tolerance: float = 1e-4) -> int:
    """For how many sources the exact search found a better score.

    Parameters
    ----------
    found, exact : sequences of Hypothesis
        One of each for every source, with the same length penalty.
    tolerance : float
        Scores that differ by less are the same: batches of other sizes round otherwise.
    """
    return sum(best.score > other.score + tolerance for other, best in zip(found, exact, strict=True))
