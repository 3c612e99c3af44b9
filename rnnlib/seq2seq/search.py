"""From probabilities to a target: greedy search, and texts in, texts out (chapter 9).

A complete target ends with ``<eos>``. Its log-probability is the sum of its symbols', ``<eos>`` included, and its score

    log p(y_1 … y_n | source) / n^κ,    κ = `length_penalty`:

0 compares probabilities, which favours short targets; 1 compares means per symbol. (Wu et al. 2016 divide by
((5 + n) / 6)^α, the same idea with a gentler start.) ``<pad>`` and ``<bos>`` never follow; at `max_length` only
``<eos>`` can, so every hypothesis is complete and its log-probability is the model's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnnlib.seq2seq.batches import BOS, EOS, Text, pad_sources
from rnnlib.seq2seq.beam import beam_search
from rnnlib.seq2seq.encoder import Memory
from rnnlib.seq2seq.hypotheses import Hypothesis, allowed_symbols, log_softmax, read_one
from rnnlib.seq2seq.model import Seq2Seq
from rnnlib.text import Vocabulary, as_ids

__all__ = ["attention_weights", "decode", "greedy", "translate"]

Array = NDArray[Any]


@torch.no_grad()
def greedy(
    model: Seq2Seq, source: Any, source_mask: Any = None, *, max_length: int = 200, prefix: Sequence[int] = ()
) -> list[Hypothesis]:
    """The likeliest symbol at each step, until ``<eos>``.

    Parameters
    ----------
    model : Seq2Seq
    source : (T_x, B) array of int
    source_mask : (T_x, B) array, optional
        1 for a real symbol; all are by default.
    max_length : int
        The most symbols of a target, ``<eos>`` included.
    prefix : sequence of int
        Symbols that every target must begin with.

    Returns
    -------
    list of B Hypothesis
        Scores with κ = 0.

    Examples
    --------
    >>> model = Seq2Seq(6, 6, hidden_size=8, embedding_size=4, rng=np.random.default_rng(0))
    >>> (hypothesis,) = greedy(model, [[4], [5]], max_length=3)
    >>> len(hypothesis.ids), hypothesis.ids[-1] == EOS
    (3, True)
    """
    return _greedy(model, model.read(source, source_mask), max_length, prefix, {})


@torch.no_grad()
def decode(
    model: Seq2Seq,
    source: Any,
    *,
    prefix: Sequence[int] = (),
    attention_override: Mapping[int, Any] | None = None,
    max_length: int = 200,
) -> Hypothesis:
    """Greedy search for one source, with attention rows that are given.

    Parameters
    ----------
    source : (T_x,) array of int
    prefix : sequence of int
        Symbols that are forced first.
    attention_override : dict of int to (T_x,) array, optional
        For step t, the weights to use instead of the model's own; taken as they are, so they should sum to 1.

    Returns
    -------
    Hypothesis
        Its `weights` are those that were used.
    """
    memory = read_one(model, source)
    override = {int(t): np.asarray(row, dtype=model.dtype) for t, row in (attention_override or {}).items()}
    for t, row in override.items():
        if model.decoder.attention is None:
            raise ValueError("attention_override: expected None for a model without attention, got rows")
        if row.shape != (len(memory.mask),):
            raise ValueError(f"attention_override[{t}]: expected shape ({len(memory.mask)},), got {row.shape}")
    return _greedy(model, memory, max_length, prefix, override)[0]


@torch.no_grad()
def attention_weights(model: Seq2Seq, source: Any, target: Any) -> Array:
    """Where the model looks while the given target is fed: (n + 1, T_x), the last row for ``<eos>``.

    Parameters
    ----------
    model : Seq2Seq
        With attention.
    source : (T_x,) array of int
    target : (n,) array of int
        Without ``<bos>`` and ``<eos>``.

    Raises
    ------
    ValueError
        If the model has no attention.
    """
    if model.decoder.attention is None:
        raise ValueError("model: expected one with attention, got one without")
    y = as_ids(target, "target", model.config()["target_size"])
    fed = torch.from_numpy(np.append(BOS, y)[:, None])
    weights: Array = model.decoder(fed, read_one(model, source)).weights[:, 0].numpy()
    return weights


def translate(
    model: Seq2Seq,
    texts: Sequence[Text],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    *,
    width: int = 1,
    length_penalty: float = 0.0,
    max_length: int = 200,
    batch_size: int = 100,
    separator: str = "",
) -> list[str]:
    """Texts in, texts out: by greedy search, or by beam search where `width` is above 1.

    Examples
    --------
    >>> from rnnlib.seq2seq import vocabulary_of
    >>> x = vocabulary_of(["ab"])
    >>> model = Seq2Seq(len(x), len(x), hidden_size=8, embedding_size=4, rng=np.random.default_rng(0))
    >>> len(translate(model, ["ab", "b", ""], x, x, max_length=5))
    3
    """
    found = []
    for start in range(0, len(texts), batch_size):
        source, mask = pad_sources(texts[start : start + batch_size], source_vocabulary)
        if width == 1:
            best = greedy(model, source, mask, max_length=max_length)
        else:
            beams = beam_search(model, source, mask, width=width, length_penalty=length_penalty, max_length=max_length)
            best = [hypotheses[0] for hypotheses in beams]
        found += [hypothesis.text(target_vocabulary, separator) for hypothesis in best]
    return found


def _greedy(
    model: Seq2Seq, memory: Memory, max_length: int, prefix: Sequence[int], override: Mapping[int, Array]
) -> list[Hypothesis]:
    B = memory.context.shape[0]
    allowed = allowed_symbols(model, max_length, prefix)
    found = [Hypothesis() for _ in range(B)]
    y, state = torch.full((B,), BOS), model.decoder.initial_state(memory)
    for t in range(max_length):
        row = torch.from_numpy(override[t])[None].expand(B, -1) if t in override else None
        decoded = model.decoder.step(y, state, memory, row)
        log_p = log_softmax(decoded.logits)  # (B, V_y)
        best = np.where(allowed(t), log_p, -np.inf).argmax(axis=-1)
        for b, symbol in enumerate(best.tolist()):
            if found[b].ids[-1:] != (EOS,):
                weights = None if decoded.weights is None else decoded.weights[b].numpy()
                found[b] = found[b].followed_by(symbol, float(log_p[b, symbol]), weights, 0.0)
        if all(hypothesis.ids[-1] == EOS for hypothesis in found):
            break
        y, state = torch.from_numpy(best), decoded.state
    return found
