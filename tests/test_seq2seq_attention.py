"""Attention in NumPy and in PyTorch, against each other, PyTorch's own, autograd and finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.bptt import numeric_gradient
from rnnlib.seq2seq import Attention, by_hand
from rnnlib.seq2seq.attention import SCORES, masked_softmax

H = 4


def example(score, T_y=3, lengths=(5, 1, 0, 2), seed=0):
    """An attention, h, encoded and mask; one source is empty."""
    rng = np.random.default_rng(seed)
    attention = Attention(score, H, rng=rng).double()
    mask = np.arange(max(1, *lengths))[:, None] < np.array(lengths)  # (T_x, B)
    h = rng.normal(size=(T_y, len(lengths), H))
    encoded = rng.normal(size=(*mask.shape, H)) * mask[..., None]
    params = {name: p.detach().numpy() for name, p in attention.named_parameters()}
    return attention, h, encoded, mask, params


def plainly(score, h, encoded, mask, params):
    """Weights and contexts with loops and the formulas as they stand in the papers; one entry at a time."""
    T_y, B, _ = h.shape
    weights, context = np.zeros((T_y, B, len(encoded))), np.zeros_like(h)
    for t in range(T_y):
        for b in range(B):
            real = [j for j in range(len(encoded)) if mask[j, b]]
            e = []
            for j in real:
                q, k = h[t, b], encoded[j, b]
                e.append(
                    {
                        "dot": lambda q, k: q @ k,
                        "scaled_dot": lambda q, k: q @ k / H**0.5,
                        "general": lambda q, k: q @ params["W_a"] @ k,
                        "additive": lambda q, k: np.tanh(q @ params["W_d"] + k @ params["W_e"]) @ params["v_a"],
                    }[score](q, k)
                )
            for j, e_j in zip(real, e, strict=True):
                weights[t, b, j] = np.exp(e_j) / np.exp(e).sum()
                context[t, b] += weights[t, b, j] * encoded[j, b]
    return context, weights


@pytest.mark.parametrize("score", SCORES)
def test_both_are_the_papers_formulas(score):
    attention, h, encoded, mask, params = example(score)
    context, weights = plainly(score, h, encoded, mask, params)
    looked = by_hand.attend(score, h, encoded, mask, params)
    np.testing.assert_allclose(looked.context, context, atol=1e-12)
    np.testing.assert_allclose(looked.weights, weights, atol=1e-12)
    in_torch = attention(torch.tensor(h), torch.tensor(encoded), torch.tensor(mask))
    np.testing.assert_allclose(in_torch[0].detach(), context, atol=1e-12)
    np.testing.assert_allclose(in_torch[1].detach(), weights, atol=1e-12)
    assert not looked.weights.swapaxes(1, 2)[:, ~mask].any()  # exactly 0 at padding, and for the empty source


def test_scaled_dot_is_that_of_pytorch():
    _, h, encoded, mask, _ = example("scaled_dot", lengths=(5, 1, 3, 2))
    query, key = torch.tensor(h).transpose(0, 1), torch.tensor(encoded).transpose(0, 1)  # batch first
    theirs = torch.nn.functional.scaled_dot_product_attention(query, key, key, attn_mask=torch.tensor(mask).T[:, None])
    np.testing.assert_allclose(
        by_hand.attend("scaled_dot", h, encoded, mask).context, theirs.transpose(0, 1), atol=1e-12
    )


@pytest.mark.parametrize("score", SCORES)
def test_the_backward_pass_by_hand_is_that_of_autograd(score):
    attention, h, encoded, mask, params = example(score)
    dcontext = np.random.default_rng(1).normal(size=h.shape)
    looked = by_hand.attend(score, h, encoded, mask, params)
    dh, dencoded, dparams = by_hand.attend_backward(dcontext, looked, score, h, encoded, params)
    h_, encoded_ = torch.tensor(h, requires_grad=True), torch.tensor(encoded, requires_grad=True)
    context, _ = attention(h_, encoded_, torch.tensor(mask))
    (context * torch.tensor(dcontext)).sum().backward()
    np.testing.assert_allclose(dh, h_.grad, atol=1e-12)
    np.testing.assert_allclose(dencoded, encoded_.grad, atol=1e-12)
    assert dparams.keys() == params.keys()
    for name, p in attention.named_parameters():
        np.testing.assert_allclose(dparams[name], p.grad, atol=1e-12, err_msg=name)
    assert not dencoded[~mask].any()  # nothing flows into padding
    assert not dh[:, mask.sum(axis=0) == 0].any()  # nor from a source that is empty


@pytest.mark.parametrize("score", SCORES)
def test_the_backward_pass_by_hand_agrees_with_finite_differences(score):
    _, h, encoded, mask, params = example(score)
    dcontext = np.random.default_rng(1).normal(size=h.shape)

    def loss():
        return np.sum(dcontext * by_hand.attend(score, h, encoded, mask, params).context)

    looked = by_hand.attend(score, h, encoded, mask, params)
    dh, dencoded, dparams = by_hand.attend_backward(dcontext, looked, score, h, encoded, params)
    for value, gradient in [(h, dh), (encoded, dencoded), *((params[name], dparams[name]) for name in params)]:
        where = mask if value is encoded else ...
        np.testing.assert_allclose(gradient[where], numeric_gradient(loss, value)[where], rtol=0, atol=1e-8)


@settings(deadline=None, max_examples=60)  # the machine may be busy
@given(
    st.lists(st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.floats(-1e3, 1e3),
)
def test_masked_softmax(rows, mask, shift):
    scores, mask = np.array(rows), np.array(mask)
    weights = by_hand.masked_softmax(scores, mask)
    np.testing.assert_allclose(masked_softmax(torch.tensor(scores), torch.tensor(mask)), weights, atol=1e-12)
    assert (weights >= 0).all() and not weights[:, ~mask].any()
    np.testing.assert_allclose(weights.sum(axis=-1), float(mask.any()), atol=1e-12)
    np.testing.assert_allclose(by_hand.masked_softmax(scores + shift, mask), weights, atol=1e-9)
    garbage = np.where(mask, scores, np.nan)
    np.testing.assert_array_equal(by_hand.masked_softmax(garbage, mask), weights)
    np.testing.assert_array_equal(
        masked_softmax(torch.tensor(garbage), torch.tensor(mask)),
        masked_softmax(torch.tensor(scores), torch.tensor(mask)),
    )
    if mask.any():
        theirs = torch.softmax(torch.tensor(scores[:, mask]), dim=-1)
        np.testing.assert_allclose(weights[:, mask], theirs, atol=1e-12)


def test_a_mask_of_nothing_gives_no_gradient():
    scores = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[True, True], [False, False]]))
    (weights * torch.tensor([1.0, 3.0])).sum().backward()
    assert scores.grad[0].abs().min() > 0 and not scores.grad[1].any()


def test_given_weights_are_taken_as_they_are():
    attention, h, encoded, mask, _ = example("general")
    weights = torch.zeros(3, 4, 5, dtype=torch.float64)
    weights[:, :, 0] = 1
    context, used = attention(torch.tensor(h), torch.tensor(encoded), torch.tensor(mask), weights)
    assert used is weights
    np.testing.assert_array_equal(context.detach(), np.broadcast_to(encoded[0], h.shape))


def test_kinds_and_parameters_are_checked():
    _, h, encoded, mask, _ = example("dot")
    with pytest.raises(ValueError, match=r"kind: expected one of .*, got 'cosine'"):
        by_hand.attend("cosine", h, encoded, mask)
    with pytest.raises(ValueError, match=r"params: expected W_d, W_e, v_a for 'additive', got none of the name W_d"):
        by_hand.attend("additive", h, encoded, mask)
    with pytest.raises(ValueError, match=r"attention: expected None or one of"):
        Attention("cosine", 3, rng=np.random.default_rng(0))
