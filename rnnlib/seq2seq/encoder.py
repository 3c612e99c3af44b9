"""The encoder: a source of any length becomes states, a context and a state to start from (chapter 9)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnnlib.seq2seq.layers import drawn, embedding, last_of, recurrent, zeros

__all__ = ["CONTEXTS", "Encoder", "Memory"]

CONTEXTS = ("last", "transform_last", "transform_all")


class Memory(NamedTuple):
    """What the decoder knows of the sources."""

    encoded: Tensor
    """H̄ (T_x, B, H): the state at each symbol, 0 at padding."""
    mask: Tensor
    """(T_x, B) of bool: which symbols are real."""
    context: Tensor
    """U (B, H): the whole source in one vector; 0 for an empty source."""
    state: tuple[Tensor, ...]
    """What the context gives as a state to start from, ``(h,)`` or ``(h, c)``, each (B, H)."""

    def of(self, members: Tensor) -> Memory:
        """The same for some of the sources, given by their numbers; one may come several times."""
        state = tuple(part[members] for part in self.state)
        return Memory(self.encoded[:, members], self.mask[:, members], self.context[members], state)


class Encoder(nn.Module):
    """Reads the source and sums it up in one of three contexts.

    ================  ===============================================================
    "last"            U = H̄ after the last valid symbol (both directions side by side)
    "transform_last"  U = tanh(H̄_last W_u + b_u)
    "transform_all"   U = tanh(mean over the valid j of H̄_j · W_u + b_u)
    ================  ===============================================================

    The decoder may start from H_0 = U. An LSTM's C_0 is the encoder's last cell state under "last"; under a transform
    it is U before its tanh, so that H_0 = tanh(C_0).

    Parameters
    ----------
    source_size : int
        V_x.
    embedding_size, hidden_size : int
        E, and H: the width of H̄, both directions together, so each has H/2 units.
    cell : {"gru", "lstm"}
    bidirectional : bool
        Read from both ends (needs an even H).
    context : {"last", "transform_last", "transform_all"}
    rng : np.random.Generator

    References
    ----------
    Sutskever, Vinyals and Le (2014), "Sequence to sequence learning with neural networks"; Cho et al. (2014), "Learning
    phrase representations using RNN encoder-decoder for statistical machine translation". Chapter 9.
    """

    def __init__(
        self,
        source_size: int,
        *,
        embedding_size: int,
        hidden_size: int,
        cell: str,
        bidirectional: bool,
        context: str,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.kind = context
        self.embedding = embedding(source_size, embedding_size, rng)
        width = hidden_size // 2 if bidirectional else hidden_size
        self.rnn = recurrent(cell, embedding_size, width, rng, bidirectional=bidirectional)
        if context != "last":
            self.W_u, self.b_u = drawn(rng, hidden_size, hidden_size), zeros(hidden_size)

    def forward(self, source: Tensor, mask: Tensor, factors: Tensor | None = None) -> Memory:
        """Read B sources.

        Parameters
        ----------
        source : (T_x, B) tensor of int64
        mask : (T_x, B) tensor of bool
            Real symbols first.
        factors : (1, B, E) tensor, optional
            Dropout, the same at each step.

        Returns
        -------
        Memory
        """
        x = self.embedding(source)  # (T_x, B, E)
        x = torch.where(mask[..., None], x if factors is None else x * factors, 0)  # padding has no vector
        lengths = mask.sum(dim=0)
        packed = pack_padded_sequence(x, lengths.clamp(min=1), enforce_sorted=False)  # an empty source: one zero vector
        h, state = self.rnn(packed)
        real = (lengths > 0)[:, None]
        encoded = torch.where(mask[..., None], pad_packed_sequence(h, total_length=len(source))[0], 0)
        last = tuple(torch.where(real, part, 0) for part in last_of(state))
        if self.kind == "last":
            return Memory(encoded, mask, last[0], last)
        summary = last[0] if self.kind == "transform_last" else encoded.sum(dim=0) / lengths.clamp(min=1)[:, None]
        before = torch.where(real, summary @ self.W_u + self.b_u, 0)
        context = torch.tanh(before)
        return Memory(encoded, mask, context, (context, before)[: len(last)])
