"""What every search needs: hypotheses, which symbols may come next, log-probabilities (chapter 9)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnnlib.cells.arguments import positive
from rnnlib.seq2seq.batches import BOS, EOS, PAD
from rnnlib.seq2seq.encoder import Memory
from rnnlib.seq2seq.model import Seq2Seq
from rnnlib.text import Vocabulary, as_ids

__all__ = ["Hypothesis", "allowed_symbols", "log_softmax", "read_one"]

Array = NDArray[Any]


@dataclass(frozen=True, repr=False)
class Hypothesis:
    """A target that a search found."""

    ids: tuple[int, ...] = ()
    """Its n symbols; in a finished one ``<eos>`` is the last, and nowhere else."""
    log_probabilities: tuple[float, ...] = ()
    """Of each symbol, given those before."""
    score: float = 0.0
    """Its log-probability divided by n^κ."""
    rows: tuple[Array, ...] = ()
    """Attention at each step."""

    @property
    def log_probability(self) -> float:
        """Of the whole target, in nats."""
        return math.fsum(self.log_probabilities)

    @property
    def weights(self) -> Array | None:
        """Attention (n, T_x), None without; padding of the source included."""
        return np.stack(self.rows) if self.rows else None

    def text(self, vocabulary: Vocabulary, separator: str = "") -> str:
        """The symbols as one string, without ``<eos>``."""
        return vocabulary.decode([k for k in self.ids if k != EOS], separator)

    def __repr__(self) -> str:
        return f"Hypothesis({list(self.ids)}, score={self.score:.4f})"

    def followed_by(self, symbol: int, log_p: float, row: Array | None, length_penalty: float) -> Hypothesis:
        ids, log_probabilities = (*self.ids, symbol), (*self.log_probabilities, log_p)
        rows = self.rows if row is None else (*self.rows, row)
        return Hypothesis(ids, log_probabilities, math.fsum(log_probabilities) / len(ids) ** length_penalty, rows)


def log_softmax(logits: torch.Tensor) -> Array:
    """In double precision, so that sums over a long target do not drift."""
    log_p: Array = torch.log_softmax(logits.double(), dim=-1).numpy()
    return log_p


def allowed_symbols(model: Seq2Seq, max_length: int, prefix: Sequence[int]) -> Callable[[int], NDArray[np.bool_]]:
    """A function of the step: which symbols may come, (V_y,) of bool."""
    size = model.config()["target_size"]
    positive("max_length", max_length)
    forced = as_ids(prefix, "prefix", size) if len(prefix) else np.zeros(0, np.int64)
    if len(forced) >= max_length:
        raise ValueError(f"prefix: expected fewer symbols than max_length={max_length}, got {len(forced)}")
    if np.isin(forced, (PAD, BOS, EOS)).any():
        raise ValueError(f"prefix: expected no <pad>, <bos> or <eos>, got {forced.tolist()}")
    symbols = np.arange(size)

    def allowed(t: int) -> NDArray[np.bool_]:
        if t < len(forced):
            return symbols == forced[t]
        if t == max_length - 1:
            return symbols == EOS
        return (symbols != PAD) & (symbols != BOS)

    return allowed


def read_one(model: Seq2Seq, source: Any) -> Memory:
    """The memory of one source (T_x,)."""
    ids = np.asarray(source)
    if ids.ndim != 1:
        raise ValueError(f"source: expected the symbols of one source, shape (T_x,), got {ids.shape}")
    return model.read(ids[:, None])
