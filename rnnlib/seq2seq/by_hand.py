"""Attention by hand, in NumPy, with its backward pass (chapter 10); `attention` has the same in PyTorch.

    e_tj = score(H_t, H̄_j),    α_t = softmax of e_t over the real symbols j,    U_t = Σ_j α_tj H̄_j

    T_x source symbols · T_y target symbols · B pairs side by side · H units
    h (T_y, B, H) · encoded (T_x, B, H) · mask (T_x, B) · scores, weights (T_y, B, T_x) · context (T_y, B, H)

In the subscripts of `einsum` t runs over target symbols, j over source symbols, b over pairs, h and k over units. Each
forward line has its backward line: of C = A B, dA = dC Bᵀ and dB = Aᵀ dC, whatever the axes are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Attended",
    "attend",
    "attend_backward",
    "masked_softmax",
    "masked_softmax_backward",
    "score",
    "score_backward",
]

Array = NDArray[Any]
NEEDS = {"dot": (), "scaled_dot": (), "general": ("W_a",), "additive": ("W_d", "W_e", "v_a")}


class Attended(NamedTuple):
    """What `attend` computed, which is what its backward pass needs."""

    context: Array
    """U (T_y, B, H)."""
    weights: Array
    """α (T_y, B, T_x)."""
    scores: Array
    """e (T_y, B, T_x)."""


def attend(kind: str, h: Array, encoded: Array, mask: Array, params: Mapping[str, Array] | None = None) -> Attended:
    """Look: scores, weights, and the weighted sum of the encoder's states.

    Parameters
    ----------
    kind : {"dot", "scaled_dot", "general", "additive"}
    h : (T_y, B, H) array
        The decoder's states, which ask.
    encoded : (T_x, B, H) array
        The encoder's states, which are looked at.
    mask : (T_x, B) array
        1 for a real symbol.
    params : dict of arrays
        ``W_a`` (H, H) of "general"; ``W_d`` and ``W_e`` (H, H) and ``v_a`` (H,) of "additive".

    Returns
    -------
    Attended

    Examples
    --------
    >>> h, encoded = np.array([[[9.0, 0.0]]]), np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[5.0, 5.0]]])
    >>> attend("dot", h, encoded, np.array([[1], [1], [0]])).weights.round(4)
    array([[[9.999e-01, 1.000e-04, 0.000e+00]]])
    """
    e = score(kind, h, encoded, params)
    weights = masked_softmax(e, mask.T)
    context = np.einsum("tbj,jbh->tbh", weights, encoded)
    return Attended(context, weights, e)


def attend_backward(
    dcontext: Array,
    attended: Attended,
    kind: str,
    h: Array,
    encoded: Array,
    params: Mapping[str, Array] | None = None,
) -> tuple[Array, Array, dict[str, Array]]:
    """The gradients of h, encoded and the parameters, from ∂L/∂U (T_y, B, H)."""
    dweights = np.einsum("tbh,jbh->tbj", dcontext, encoded)
    dencoded = np.einsum("tbj,tbh->jbh", attended.weights, dcontext)  # as what is summed …
    dscores = masked_softmax_backward(dweights, attended.weights)
    dh, dasked, dparams = score_backward(dscores, kind, h, encoded, params)
    return dh, dencoded + dasked, dparams  # … and as what is asked


def masked_softmax(scores: Array, mask: Array) -> Array:
    """Softmax over the last axis, of the entries whose mask is 1; all others are exactly 0, also where nothing is 1.

    Parameters
    ----------
    scores : (..., T_x) array
    mask : array that broadcasts to it

    Examples
    --------
    >>> masked_softmax(np.zeros((2, 3)), np.array([[1, 1, 0], [0, 0, 0]]))
    array([[0.5, 0.5, 0. ],
           [0. , 0. , 0. ]])
    """
    real = np.broadcast_to(mask, scores.shape).astype(bool)
    largest = scores.max(axis=-1, keepdims=True, where=real, initial=-np.inf)  # of the real ones: exp cannot overflow
    p = np.exp(scores - largest, where=real, out=np.zeros_like(scores))
    return p / np.maximum(p.sum(axis=-1, keepdims=True), 1)  # the largest entry is exp(0) = 1, so a sum is 0 or ≥ 1


def masked_softmax_backward(dweights: Array, weights: Array) -> Array:
    """∂L/∂e from ∂L/∂α: α ⊙ (dα − Σ_j α_j dα_j), which is 0 wherever the weight is."""
    return weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))


def score(kind: str, h: Array, encoded: Array, params: Mapping[str, Array] | None = None) -> Array:
    """e (T_y, B, T_x): how well each decoder state fits each encoder state."""
    p = _needed(kind, params)
    if kind == "dot":
        return np.einsum("tbh,jbh->tbj", h, encoded)
    if kind == "scaled_dot":
        return np.einsum("tbh,jbh->tbj", h, encoded) / np.sqrt(h.shape[-1])
    if kind == "general":
        return np.einsum("tbh,jbh->tbj", h @ p["W_a"], encoded)
    sums = (h @ p["W_d"])[:, :, None] + (encoded @ p["W_e"]).swapaxes(0, 1)  # (T_y, B, T_x, H)
    return np.tanh(sums) @ p["v_a"]


def score_backward(
    dscores: Array, kind: str, h: Array, encoded: Array, params: Mapping[str, Array] | None = None
) -> tuple[Array, Array, dict[str, Array]]:
    """The gradients of h, encoded and the parameters, from ∂L/∂e (T_y, B, T_x)."""
    p = _needed(kind, params)
    if kind == "additive":
        features = np.tanh((h @ p["W_d"])[:, :, None] + (encoded @ p["W_e"]).swapaxes(0, 1))  # (T_y, B, T_x, H)
        dsums = dscores[..., None] * p["v_a"] * (1 - features**2)
        dleft, dright = dsums.sum(axis=2), dsums.sum(axis=0).swapaxes(0, 1)  # (T_y, B, H), (T_x, B, H)
        dparams = {
            "W_d": np.einsum("tbh,tbk->hk", h, dleft),
            "W_e": np.einsum("jbh,jbk->hk", encoded, dright),
            "v_a": np.einsum("tbj,tbjh->h", dscores, features),
        }
        return dleft @ p["W_d"].T, dright @ p["W_e"].T, dparams
    if kind == "scaled_dot":
        dscores = dscores / np.sqrt(h.shape[-1])
    asked = h @ p["W_a"] if kind == "general" else h
    dasked = np.einsum("tbj,jbh->tbh", dscores, encoded)
    dencoded = np.einsum("tbj,tbh->jbh", dscores, asked)
    if kind == "general":
        return dasked @ p["W_a"].T, dencoded, {"W_a": np.einsum("tbh,tbk->hk", h, dasked)}
    return dasked, dencoded, {}


def _needed(kind: str, params: Mapping[str, Array] | None) -> Mapping[str, Array]:
    if kind not in NEEDS:
        raise ValueError(f"kind: expected one of {sorted(NEEDS)}, got {kind!r}")
    given = {} if params is None else params
    if missing := [name for name in NEEDS[kind] if name not in given]:
        raise ValueError(f"params: expected {', '.join(NEEDS[kind])} for {kind!r}, got none of the name {missing[0]}")
    return given
