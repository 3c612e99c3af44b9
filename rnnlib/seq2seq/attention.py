"""Attention in PyTorch: scores, masked softmax, weighted sum (chapter 10); `by_hand` has the same in NumPy.

    e_tj = score(H_t, H̄_j),    α_t = softmax of e_t over the real symbols j,    U_t = Σ_j α_tj H̄_j

    T_x source symbols · T_y target symbols · B pairs side by side · H units
    h (T_y, B, H) · encoded (T_x, B, H) · mask (T_x, B) · scores, weights (T_y, B, T_x) · context (T_y, B, H)

Deliberately absent: local attention, coverage, several heads.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from rnnlib.seq2seq.layers import drawn

__all__ = ["SCORES", "Attention", "masked_softmax"]

SCORES = ("dot", "scaled_dot", "general", "additive")


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis, of the entries whose mask is true; all others are exactly 0.

    Where nothing is real, all weights are 0, and so are the gradients.

    Parameters
    ----------
    scores : (..., T_x) tensor
    mask : tensor of bool that broadcasts to it

    Examples
    --------
    >>> masked_softmax(torch.zeros(2, 3), torch.tensor([[True, True, False], [False, False, False]]))
    tensor([[0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    scores = torch.where(mask, scores, 0)
    largest = torch.where(mask, scores, -torch.inf).amax(dim=-1, keepdim=True)  # of the real ones: exp cannot overflow
    shifted = scores - torch.where(torch.isfinite(largest), largest, 0).detach()
    p = torch.where(mask, torch.where(mask, shifted, 0).exp(), 0)
    total = p.sum(dim=-1, keepdim=True)
    return p / torch.where(total > 0, total, 1)


class Attention(nn.Module):
    """Where to look: one of four scores between a decoder's state and each state of the encoder.

    ==============  =======================================  ======================
    "dot"           e = H_t · H̄_j                            Luong et al. (2015)
    "scaled_dot"    e = H_t · H̄_j / √H                       Vaswani et al. (2017)
    "general"       e = H_t W_a H̄_jᵀ                         Luong et al. (2015)
    "additive"      e = v_aᵀ tanh(H_t W_d + H̄_j W_e)         Bahdanau et al. (2015)
    ==============  =======================================  ======================

    Parameters
    ----------
    score : {"dot", "scaled_dot", "general", "additive"}
    size : int
        H.
    rng : np.random.Generator

    References
    ----------
    Bahdanau, Cho and Bengio (2015), "Neural machine translation by jointly learning to align and translate"; Luong,
    Pham and Manning (2015), "Effective approaches to attention-based neural machine translation"; Vaswani et al.
    (2017), "Attention is all you need". Chapter 10.

    Examples
    --------
    >>> attention = Attention("dot", 2, rng=np.random.default_rng(0))
    >>> h, encoded = torch.tensor([[[9.0, 0.0]]]), torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[5.0, 5.0]]])
    >>> context, weights = attention(h, encoded, torch.tensor([[True], [True], [False]]))
    >>> weights.round(decimals=4)
    tensor([[[9.9990e-01, 1.0000e-04, 0.0000e+00]]])
    """

    def __init__(self, score: str, size: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        if score not in SCORES:
            raise ValueError(f"attention: expected None or one of {SCORES}, got {score!r}")
        self.score = score
        if score == "general":
            self.W_a = drawn(rng, size, size)
        elif score == "additive":
            self.W_d, self.W_e, self.v_a = drawn(rng, size, size), drawn(rng, size, size), drawn(rng, size)

    def scores(self, h: Tensor, encoded: Tensor) -> Tensor:
        """e (T_y, B, T_x) of decoder states h (T_y, B, H) and encoder states (T_x, B, H)."""
        if self.score == "additive":
            sums = (h @ self.W_d)[:, :, None] + (encoded @ self.W_e).transpose(0, 1)  # (T_y, B, T_x, H)
            return torch.tanh(sums) @ self.v_a
        if self.score == "general":
            h = h @ self.W_a
        elif self.score == "scaled_dot":
            h = h / h.shape[-1] ** 0.5
        return torch.einsum("tbh,jbh->tbj", h, encoded)

    def forward(self, h: Tensor, encoded: Tensor, mask: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The contexts (T_y, B, H) and the weights (T_y, B, T_x); given weights are taken as they are."""
        if weights is None:
            weights = masked_softmax(self.scores(h, encoded), mask.T)
        return torch.einsum("tbj,jbh->tbh", weights, encoded), weights
