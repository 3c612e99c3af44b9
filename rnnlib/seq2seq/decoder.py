"""The decoder: a language model of the target that knows the source (chapters 9 and 10).

Without attention (Sutskever et al. 2014, Cho et al. 2014)

    H_t = cell([y_{t−1}, U], H_{t−1}),    O_t = H_t W_hq + b_q

and with it, in the form of Luong et al. (2015, section 3) without input feeding, where attention comes *after* the
recurrent step:

    H_t = cell(y_{t−1}, H_{t−1}),   α_t, U_t = attention(H_t, H̄),   M_t = tanh([U_t, H_t] W_m),   O_t = M_t W_mq + b_q

So no state depends on an earlier attention, and where the truth is fed all steps are computed at once: the recurrent
layer walks over the whole target, then all scores are one product. In Bahdanau et al. (2015) the context goes into the
step itself, which must then be taken one by one; that form is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rnnlib.seq2seq.attention import Attention
from rnnlib.seq2seq.encoder import Memory
from rnnlib.seq2seq.layers import drawn, embedding, recurrent, zeros

__all__ = ["USES", "Decoded", "Decoder"]

USES = ("initial", "input", "both")


class Decoded(NamedTuple):
    """What the decoder gives: for T_y steps, or for one, then without the first axis."""

    logits: Tensor
    """O (T_y, B, V_y)."""
    state: tuple[Tensor, ...]
    """After the last step, each part (B, H)."""
    h: Tensor
    """(T_y, B, H)."""
    context: Tensor
    """U (T_y, B, H); without attention the same at each step."""
    weights: Tensor | None
    """α (T_y, B, T_x); None without attention."""


class Decoder(nn.Module):
    """Writes the target, symbol by symbol or, where it is known, all steps at once.

    Parameters
    ----------
    target_size : int
        V_y.
    embedding_size, hidden_size : int
        E and H.
    cell : {"gru", "lstm"}
    use : {"initial", "input", "both"}
        Where the encoder's context U enters: as the state before the first step, beside each input, or both.
    attention : None or a score's name
    rng : np.random.Generator
    """

    def __init__(
        self,
        target_size: int,
        *,
        embedding_size: int,
        hidden_size: int,
        cell: str,
        use: str,
        attention: str | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.use = use
        self.embedding = embedding(target_size, embedding_size, rng)
        self.rnn = recurrent(cell, embedding_size + hidden_size * (use != "initial"), hidden_size, rng)
        self.attention = None if attention is None else Attention(attention, hidden_size, rng=rng)
        if attention is None:
            self.W_hq = drawn(rng, hidden_size, target_size)
        else:
            self.W_m, self.W_mq = drawn(rng, 2 * hidden_size, hidden_size), drawn(rng, hidden_size, target_size)
        self.b_q = zeros(target_size)

    def initial_state(self, memory: Memory) -> tuple[Tensor, ...]:
        """The state before the first step: what the context gives, or zeros if it enters as an input only."""
        return tuple(map(torch.zeros_like, memory.state)) if self.use == "input" else memory.state

    def forward(
        self,
        y: Tensor,
        memory: Memory,
        state: tuple[Tensor, ...] | None = None,
        *,
        weights: Tensor | None = None,
        factors: tuple[Tensor, Tensor] | None = None,
    ) -> Decoded:
        """All steps of a target that is known.

        Parameters
        ----------
        y : (T_y, B) tensor of int64
            What is read: ``<bos>`` first.
        memory : Memory
        state : tuple of (B, H) tensors, optional
            By default `initial_state`.
        weights : (T_y, B, T_x) tensor, optional
            Attention that is given instead of computed.
        factors : two tensors (1, B, E) and (1, B, H), optional
            Dropout of the embeddings and of what goes to the output, the same at each step.

        Returns
        -------
        Decoded
        """
        x = self.embedding(y)  # (T_y, B, E)
        if factors is not None:
            x = x * factors[0]
        context = memory.context.expand(len(y), *memory.context.shape)  # (T_y, B, H)
        if self.use != "initial":
            x = torch.cat([x, context], dim=-1)
        h, state = self._walk(x, self.initial_state(memory) if state is None else state)
        features = h
        if self.attention is not None:
            context, weights = self.attention(h, memory.encoded, memory.mask, weights)
            features = torch.tanh(torch.cat([context, h], dim=-1) @ self.W_m)  # M
        elif weights is not None:
            raise ValueError("weights: expected None for a decoder without attention, got some")
        if factors is not None:
            features = features * factors[1]
        logits = features @ (self.W_hq if self.attention is None else self.W_mq) + self.b_q
        return Decoded(logits, state, h, context, weights)

    def step(self, y: Tensor, state: tuple[Tensor, ...], memory: Memory, weights: Tensor | None = None) -> Decoded:
        """One step, which changes nothing: y (B,), state and, if they are given, weights (B, T_x) in; Decoded out."""
        decoded = self.forward(y[None], memory, state, weights=None if weights is None else weights[None])
        weights = None if decoded.weights is None else decoded.weights[0]
        return Decoded(decoded.logits[0], decoded.state, decoded.h[0], decoded.context[0], weights)

    def _walk(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The recurrent layer over all steps; a state is a tuple of (B, H) here, with an axis of layers in PyTorch."""
        before = tuple(part[None].contiguous() for part in state)
        h, after = self.rnn(x, before if isinstance(self.rnn, nn.LSTM) else before[0])
        return h, tuple(part[0] for part in (after if isinstance(after, tuple) else (after,)))
