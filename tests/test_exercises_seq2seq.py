"""Chapter 9's exercises: solutions agree with PyTorch and with trying everything; more than one answer is right."""

import functools
import itertools

import numpy as np
import pytest
import torch
from solved import Solved

solved = Solved("09_seq2seq")
BOS, EOS = 1, 2


def mask_of(lengths: list[int], T: int) -> np.ndarray:
    return np.arange(T)[:, np.newaxis] < np.array(lengths)


def test_a_batch_of_pairs_gives_every_pair_back():
    sources, targets = [[5, 6], [], [9, 4, 3]], [[], [7], [8, 8, 8, 3]]
    batch = solved.names["pair_batch"](sources, targets)
    for b, (source, target) in enumerate(zip(sources, targets, strict=True)):
        assert batch["source"][batch["source_mask"][:, b], b].tolist() == source
        assert batch["target_in"][batch["target_mask"][:, b], b].tolist() == [BOS, *target]
        assert batch["target_out"][batch["target_mask"][:, b], b].tolist() == [*target, EOS]


def test_the_encoder_is_pytorchs_on_packed_sequences():
    rng, lengths, D, H = np.random.default_rng(0), [4, 2, 1], 3, 5
    E = rng.normal(size=(9, D))
    module = torch.nn.RNN(D, H, dtype=torch.float64)
    W_x, W_h, b_x, b_h = (p.detach().numpy() for p in module.parameters())
    mask = mask_of(lengths, 4)
    source = np.where(mask, rng.integers(3, 9, size=mask.shape), 0)
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(E[source]), torch.tensor(lengths))
    _, last = module(packed)
    E[0] = 1e6
    found = solved.names["encode"](source, mask, E, W_x.T, W_h.T, b_x + b_h)
    np.testing.assert_allclose(found["last"], last[0].detach().numpy(), rtol=1e-12)


def test_the_gradient_at_the_context_is_autograds():
    rng, T, B, D, H, V = np.random.default_rng(1), 4, 2, 3, 5, 6
    shapes = {"W_y": (D, H), "W_s": (H, H), "W_u": (H, H), "d": (H,), "W_q": (H, V), "b_q": (V,)}
    weights = {name: torch.tensor(rng.normal(size=shape)) for name, shape in shapes.items()}
    y, dh = torch.tensor(rng.normal(size=(T, B, D))), rng.normal(size=(T, B, H))
    first, every = (torch.tensor(np.ones((B, H)) / 2, requires_grad=True) for _ in range(2))
    h, states = first, []
    for y_t in y:
        h = torch.tanh(y_t @ weights["W_y"] + h @ weights["W_s"] + every @ weights["W_u"] + weights["d"])
        states.append(h)
    (torch.stack(states) * torch.tensor(dh)).sum().backward()
    found = solved.names["context_gradient"](
        torch.stack(states).detach().numpy(), dh, weights["W_s"].numpy(), weights["W_u"].numpy()
    )
    np.testing.assert_allclose(found["as input"], every.grad, rtol=1e-10)
    np.testing.assert_allclose(found["as first state"], first.grad, rtol=1e-10)


def test_encoder_and_decoder_share_only_the_context():
    rng, D, H, V = np.random.default_rng(2), 2, 3, 4
    encoder = {"W_x": rng.normal(size=(D, H)), "W_h": rng.normal(size=(H, H)), "b": rng.normal(size=H)}
    decoder = {"W_y": (D, H), "W_s": (H, H), "W_u": (H, H), "d": (H,), "W_q": (H, V), "b_q": (V,)}
    decoder = {name: rng.normal(size=shape) for name, shape in decoder.items()}
    y = rng.normal(size=(3, 2, D))
    run = solved.names["encode_decode"]
    found = run(rng.normal(size=(5, 2, D)), y, encoder, decoder)
    # a cell of PyTorch that reads the context beside each input computes the same states
    cell = torch.nn.RNN(D + H, H, dtype=torch.float64)
    weights = [np.concatenate([decoder["W_y"], decoder["W_u"]]).T, decoder["W_s"].T, decoder["d"], np.zeros(H)]
    for p, value in zip(cell.parameters(), weights, strict=True):
        p.data = torch.tensor(value)
    context = torch.tensor(found["context"])
    both = torch.cat([torch.tensor(y), context.expand(3, -1, -1)], dim=-1)
    np.testing.assert_allclose(found["states"], cell(both, context[None])[0].detach(), rtol=1e-10)
    np.testing.assert_allclose(found["logits"], found["states"] @ decoder["W_q"] + decoder["b_q"], rtol=1e-12)


@pytest.mark.parametrize("more", [0, 5, 50])
def test_the_loss_is_pytorchs_and_padding_changes_nothing(more):
    rng, V, mask = np.random.default_rng(3), 5, mask_of([3, 1, 2], 3)
    logits, target = 5 * rng.normal(size=(3, 3, V)), rng.integers(V, size=(3, 3))
    at = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(at[torch.tensor(mask)], torch.tensor(target[mask]))
    wanted.backward()
    longer = [np.concatenate([a, np.zeros((more, *a.shape[1:]), a.dtype)]) for a in (logits, target, mask)]
    longer[0][~longer[2]] = np.nan
    found = solved.names["masked_loss"](*longer)
    np.testing.assert_allclose(found["loss"], wanted.item(), rtol=1e-12)
    np.testing.assert_allclose(found["gradient"][:3], at.grad, atol=1e-15)
    assert not found["gradient"][3:].any()


def test_the_truth_is_fed_as_often_as_the_schedule_says():
    rng, T, B = np.random.default_rng(4), 400, 50
    truth, said = np.zeros((T, B), dtype=np.int64), np.ones((T, B), dtype=np.int64)
    found = solved.names["scheduled_inputs"](truth, said, rng.random((T, B)), 30, 10.0)
    assert found["p"] == pytest.approx(10 / (10 + np.e**3))
    assert 1 - found["inputs"][1:].mean() == pytest.approx(found["p"], abs=0.01)
    assert not found["inputs"][0].any()


def every_sequence(next_log_probs, V: int, max_length: int, length_penalty: float) -> float:
    """The best score of all sequences that end, or are cut off at the limit."""
    best = -np.inf
    for n in range(max_length):
        for prefix in itertools.product([v for v in range(V) if v != EOS], repeat=n):
            for last in range(V) if n + 1 == max_length else (EOS,):
                said = (*prefix, last)
                total = sum(next_log_probs(said[:k])[said[k]] for k in range(n + 1))
                best = max(best, total / (n + 1) ** length_penalty)
    return float(best)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_that_forgets_nothing_finds_the_best_of_all(seed, penalty):
    decoder = solved.names["small_decoder"](seed, 3, 4)
    found = solved.names["beam_search"](decoder, 3**5, 5, penalty)
    assert found["score"] == pytest.approx(every_sequence(decoder, 3, 5, penalty), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed):
    decoder = solved.names["small_decoder"](seed, 5, 4)
    greedy, beam = solved.names["greedy"](decoder, 7), solved.names["beam_search"](decoder, 1, 7, 0.0)
    assert beam["symbols"] == greedy["symbols"]
    assert beam["log_prob"] == pytest.approx(greedy["log_prob"], rel=1e-12)


OTHERS = {
    1: """
def pair_batch(sources, targets):
    import torch
    from torch.nn.utils.rnn import pad_sequence

    def pad(rows):
        return pad_sequence([torch.tensor(row, dtype=torch.int64) for row in rows]).numpy()

    length = [len(row) + 1 for row in targets]
    out = pad([row + [EOS] for row in targets])
    source = pad(sources)
    return dict(
        target_out=out, target_in=pad([[BOS] + row for row in targets]), source=source, source_mask=source != PAD,
        target_mask=np.arange(len(out))[:, None] < length,
    )
""",
    2: """
def encode(source, mask, E, W_x, W_h, b):
    T, B = source.shape
    states = np.zeros((T, B, b.size))
    for n in range(B):
        h = np.zeros(b.size)
        for j in range(T):
            if mask[j, n]:
                h = np.tanh(E[source[j, n]] @ W_x + h @ W_h + b)
            states[j, n] = h
    return {"last": states[-1].copy(), "states": states}
""",
    4: """
def context_gradient(h, dh, W_s, W_u):
    slopes = 1 - h**2
    total, arriving = 0, 0
    for t in range(len(h) - 1, -1, -1):
        a = slopes[t] * (dh[t] + arriving)
        arriving = np.einsum("bk,jk->bj", a, W_s)
        total = total + np.einsum("bk,jk->bj", a, W_u)
    return {"as input": total, "as first state": arriving}
""",
    5: """
def masked_loss(logits, target, mask):
    import torch

    o = torch.tensor(np.where(mask[..., None], logits, 0), requires_grad=True)
    right = torch.tensor(np.where(mask, target, -100)).flatten()
    loss = torch.nn.functional.cross_entropy(o.flatten(0, 1), right)
    loss.backward()
    return {"loss": loss.item(), "gradient": o.grad.numpy()}
""",
    8: """
import heapq

def beam_search(next_log_probs, width, max_length, length_penalty):
    done, beam = {}, {(): 0.0}
    for n in range(1, max_length + 1):
        every = {p + (s,): v + lp for p, v in beam.items() for s, lp in enumerate(next_log_probs(p).tolist())}
        kept = heapq.nlargest(width, every, key=every.get)
        done |= {p: every[p] for p in kept if p[-1] == EOS or n == max_length}
        beam = {p: every[p] for p in kept if p[-1] != EOS}
    winner = max(done, key=lambda p: done[p] * len(p) ** -length_penalty)
    return {
        "symbols": list(winner[:-1] if winner[-1] == EOS else winner), "log_prob": done[winner],
        "score": done[winner] * len(winner) ** -length_penalty,
    }
""",
    10: """
def compare(outputs, references):
    where = []
    for a, b in zip(outputs, references):
        differ = [x != y for x, y in zip(a + "\\0", b + "\\0")]
        where.append(differ.index(True) if True in differ else -1)
    return {"exact": sum(a == b for a, b in zip(outputs, references)) / len(outputs), "first wrong": where}
""",
}


@functools.cache
def verdicts() -> dict[str, dict]:
    return solved.grade({f"t{number}-answer": answer.strip() + "\n" for number, answer in OTHERS.items()})


@pytest.mark.parametrize("number", sorted(OTHERS))
def test_other_ways_to_the_same_are_right(number):
    outcome = verdicts()[f"seq2seq.{number}"]
    assert outcome["verdict"] == "passed", outcome
