"""Chapter 10's exercises: solutions agree with PyTorch and sacrebleu, and more than one answer is right."""

import functools

import numpy as np
import pytest
import sacrebleu
import torch
from solved import Solved

solved = Solved("10_attention")
MASK = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=bool)  # lengths 4, 2, 1


def batch(seed: int, H: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng, (T_x, B) = np.random.default_rng(seed), MASK.shape
    return rng.normal(size=(B, H)), rng.normal(size=(T_x, B, H)), rng.normal(size=(B, H))


def test_dot_attention_is_pytorchs_and_so_are_its_gradients():
    h, encoded, du = batch(0)
    leaves = [torch.tensor(a, requires_grad=True) for a in (h, encoded)]
    keys = leaves[1].transpose(0, 1)  # (B, T_x, H)
    context = torch.nn.functional.scaled_dot_product_attention(
        leaves[0][:, None], keys, keys, attn_mask=torch.tensor(MASK.T)[:, None], scale=1.0
    )[:, 0]
    (context * torch.tensor(du)).sum().backward()
    scores = solved.names["scores"]("dot", h, encoded, {})
    weights = solved.names["attention_weights"](scores, MASK)
    np.testing.assert_allclose(np.einsum("bj,jbh->bh", weights, encoded), context.detach(), rtol=1e-10)
    found = solved.names["attention_backward"](h, encoded, MASK, du)
    np.testing.assert_allclose(found["h"], leaves[0].grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["encoded"], leaves[1].grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["scores"].sum(axis=1), 0, atol=1e-12)
    assert not found["encoded"][~MASK].any()


def test_the_scores_are_what_loops_say():
    h, encoded, _ = batch(1)
    rng = np.random.default_rng(2)
    W_a, W_d, W_e, v = (rng.normal(size=shape) for shape in [(3, 3), (3, 5), (3, 5), 5])
    by_loops = {
        "dot": lambda q, k: q @ k,
        "scaled_dot": lambda q, k: q @ k / 3**0.5,
        "general": lambda q, k: q @ W_a @ k,
        "additive": lambda q, k: np.tanh(q @ W_d + k @ W_e) @ v,
    }
    for kind, score in by_loops.items():
        wanted = [[score(h[b], encoded[j, b]) for j in range(len(encoded))] for b in range(len(h))]
        found = solved.names["scores"](kind, h, encoded, {"W_a": W_a, "W_d": W_d, "W_e": W_e, "v": v})
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_an_empty_source_has_no_weights_and_the_others_sum_to_one():
    mask = np.array([[True, False], [True, False]])
    found = solved.names["attention_weights"](np.array([[1e5, -1e5], [np.nan, np.inf]]), mask)
    np.testing.assert_array_equal(found, [[1, 0], [0, 0]])


def test_the_fault_shows_only_where_there_is_one():
    h, encoded, _ = batch(3)
    effect = solved.names["padding_effect"]
    assert effect(solved.names["broken_attention"], h, encoded, MASK) > 0.1
    assert effect(solved.names["repaired"], h, encoded, MASK) == 0


@pytest.mark.parametrize(("seed", "off"), [(0, 1), (1, 3), (2, -2), (3, 0), (4, 2)])
def test_bleu_is_sacrebleus(seed, off):
    outputs, pairs = solved.names["some_translations"](np.random.default_rng(seed), 12, 5, 12, off)
    streams = [[" ".join(pair[k]) for pair in pairs] for k in range(2)]
    score = sacrebleu.BLEU(tokenize="none", smooth_method="none")
    wanted = score.corpus_score([" ".join(output) for output in outputs], streams)
    found = solved.names["bleu"](outputs, pairs)
    assert found["bleu"] == pytest.approx(wanted.score, rel=1e-9)
    assert found["brevity penalty"] == pytest.approx(wanted.bp, rel=1e-9)
    np.testing.assert_allclose(np.array(found["precisions"]) * 100, wanted.precisions, rtol=1e-9)


def test_the_interval_is_the_one_that_the_explanation_tells():
    rng, right = np.random.default_rng(0), np.arange(300) < 63
    found = solved.names["bootstrap"](right.astype(int), rng.integers(300, size=(20_000, 300)))
    assert found["score"] == 0.21
    assert round(100 * found["low"]) in (16, 17) and round(100 * found["high"]) in (25, 26)


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_is_pytorchs(causal):
    rng, (T, B), D, K = np.random.default_rng(5), MASK.shape, 4, 3
    x, W = rng.normal(size=(T, B, D)), rng.normal(size=(3, D, K))
    may = torch.tensor(np.broadcast_to(MASK.T[:, None], (B, T, T)) & (np.tri(T, dtype=bool) if causal else True))
    q, k, v = (torch.tensor(x @ w).transpose(0, 1) for w in W)
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=may).transpose(0, 1).numpy()
    found = solved.names["self_attention"](x, *W, MASK, causal)
    np.testing.assert_allclose(found[MASK], wanted[MASK], rtol=1e-10)
    assert not found[~MASK].any()


OTHERS = {
    2: """
def attention_weights(scores, mask):
    out = np.zeros(scores.shape)
    for b in range(len(scores)):
        real = mask[:, b]
        if real.any():
            out[b, real] = softmax(scores[b, real])
    return out
""",
    4: """
def attention_backward(h, encoded, mask, du):
    import torch

    q, k = torch.tensor(h, requires_grad=True), torch.tensor(encoded, requires_grad=True)
    e = torch.einsum("bh,jbh->bj", q, k)
    e.retain_grad()
    weights = e.masked_fill(~torch.tensor(mask.T), -torch.inf).softmax(dim=1)
    torch.einsum("bj,jbh->bh", weights, k).backward(torch.tensor(du))
    return {"encoded": k.grad.numpy(), "h": q.grad.numpy(), "scores": e.grad.numpy()}
""",
    5: """
def alignment(weights, threshold, said, source):
    links = [(t, j) for t in range(len(said)) for j in range(len(source)) if weights[t, j] >= threshold]
    crossings = 0
    for n, (t, j) in enumerate(links):
        for u, k in links[n + 1:]:
            crossings += (t - u) * (j - k) < 0
    unseen = [s for j, s in enumerate(source) if not any(j == k for _, k in links)]
    return dict(unseen=unseen, crossings=int(crossings), links=[[said[t], source[j]] for t, j in links])
""",
    7: """
def bleu(outputs, references):
    import sacrebleu

    streams = [[" ".join(pair[k]) for pair in references] for k in (0, 1)]
    metric = sacrebleu.BLEU(tokenize="none", smooth_method="none")
    found = metric.corpus_score([" ".join(output) for output in outputs], streams)
    return {"bleu": found.score, "brevity penalty": float(found.bp), "precisions": [p / 100 for p in found.precisions]}
""",
    9: """
def self_attention(x, W_q, W_k, W_v, mask, causal):
    T, B, _ = x.shape
    y = np.zeros((T, B, W_v.shape[1]))
    for b in range(B):
        for t in range(T):
            if not mask[t, b]:
                continue
            seen = [j for j in range(t + 1 if causal else T) if mask[j, b]]
            e = np.array([x[t, b] @ W_q @ (x[j, b] @ W_k) for j in seen]) / W_q.shape[1] ** 0.5
            y[t, b] = softmax(e) @ (x[seen, b] @ W_v)
    return y
""",
}


@functools.cache
def verdicts() -> dict[str, dict]:
    return solved.grade({f"t{number}-answer": answer.strip() + "\n" for number, answer in OTHERS.items()})


@pytest.mark.parametrize("number", sorted(OTHERS))
def test_other_ways_to_the_same_are_right(number):
    outcome = verdicts()[f"attention.{number}"]
    assert outcome["verdict"] == "passed", outcome
