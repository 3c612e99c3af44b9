"""Greedy, beam and exact search, against brute force, each other, and what the decoder gives when a target is fed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.seq2seq import (
    BOS,
    EOS,
    PAD,
    PairBatch,
    Seq2Seq,
    attention_weights,
    beam_search,
    beam_tree,
    brute_force,
    decode,
    exact_search,
    greedy,
    log_probabilities,
    pair_batch,
    search_errors,
    translate,
    vocabulary_of,
)
from rnnlib.training import Adam, fit

V = 7


def make(seed=0, sharp=2.5, **options):
    """A model whose parameters are large, so that its choices are clear; it was never trained."""
    more = {"hidden_size": 8, "embedding_size": 4, "dtype": np.float64} | options
    model = Seq2Seq(V, V, rng=np.random.default_rng(seed), **more)
    for p in model.params.values():
        p *= sharp
    return model


def sources(lengths, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.arange(max(1, *lengths))[:, None] < np.array(lengths)
    return np.where(mask, rng.integers(3, V, mask.shape), PAD), mask


def fed(model, source, ids):
    """log p of each symbol of a complete target, when it is fed as a whole."""
    y = np.array(ids)[:, None]
    x = np.asarray(source)[:, None]
    batch = PairBatch(x, np.ones(x.shape, bool), np.concatenate([[[BOS]], y[:-1]]), y, np.ones(y.shape, bool))
    return log_probabilities(model, batch)[:, 0]


seeds_and_attention = pytest.mark.parametrize(
    ("seed", "options"), [(0, {}), (1, {"attention": "dot"}), (2, {"attention": "additive", "cell": "lstm"})]
)


@seeds_and_attention
@pytest.mark.parametrize("length_penalty", [0, 0.6, 1])
def test_a_beam_of_all_is_brute_force(seed, options, length_penalty):
    model = make(seed, **options)
    x, _ = sources([5, 5, 5], seed)
    for b in range(3):
        everything = brute_force(model, x[:, b], max_length=4, length_penalty=length_penalty)
        assert len(everything) == len({h.ids for h in everything}) == 1 + 4 + 16 + 64
        (found,) = beam_search(model, x[:, [b]], width=100, length_penalty=length_penalty, max_length=4)
        assert [h.ids for h in found] == [h.ids for h in everything]
        np.testing.assert_allclose([h.score for h in found], [h.score for h in everything], atol=1e-12)
        exact = exact_search(model, x[:, b], max_length=4, length_penalty=length_penalty)
        assert exact.ids == everything[0].ids and exact.score == pytest.approx(everything[0].score, abs=1e-6)
        (narrow,) = beam_search(model, x[:, [b]], width=2, length_penalty=length_penalty, max_length=4)
        again = exact_search(model, x[:, b], max_length=4, length_penalty=length_penalty, found=narrow[0])
        assert again.score == pytest.approx(everything[0].score, abs=1e-6)


def test_every_target_is_there_once_and_all_probabilities_are_one():
    """With <pad> and <bos> impossible and <eos> certain in the end, the targets share the probability of 1."""
    model = make(3)
    model.params["decoder.b_q"][[PAD, BOS]] = -1e6
    total = sum(math.exp(h.log_probability) for h in brute_force(model, [4, 5], max_length=5))
    unfinished = 0.0  # what would go on beyond four symbols
    for h in brute_force(model, [4, 5], max_length=5):
        if len(h.ids) == 5:
            begun = math.exp(sum(h.log_probabilities[:-1]))
            unfinished += begun * (1 - math.exp(h.log_probabilities[-1]))
    assert total + unfinished == pytest.approx(1, abs=1e-9)


@settings(deadline=None, max_examples=25)  # the machine may be busy
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6),
    st.integers(0, 99),
    st.sampled_from([None, "dot", "general"]),
    st.sampled_from([0, 0.6, 1]),
)
def test_hypotheses_are_what_they_say(lengths, seed, attention, length_penalty):
    model = make(seed, attention=attention)
    x, mask = sources(lengths, seed)
    beams = beam_search(model, x, mask, width=4, length_penalty=length_penalty, max_length=7)
    first = beam_search(model, x, mask, width=1, length_penalty=length_penalty, max_length=7)
    walked = greedy(model, x, mask, max_length=7)
    for b, found in enumerate(beams):
        assert 1 <= len(found) <= 4 and len({h.ids for h in found}) == len(found)
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
        assert [h.ids for h in first[b]] == [walked[b].ids]  # width 1 is greedy search
        np.testing.assert_allclose(first[b][0].log_probabilities, walked[b].log_probabilities, atol=1e-12)
        for h in (*found, walked[b]):
            assert h.ids.count(EOS) == 1 and h.ids[-1] == EOS and len(h.ids) <= 7
            assert not {PAD, BOS} & set(h.ids)
            assert h.log_probability == pytest.approx(sum(h.log_probabilities))
            if lengths[b]:
                np.testing.assert_allclose(h.log_probabilities, fed(model, x[: lengths[b], b], h.ids), atol=1e-10)
            if attention:
                assert h.weights.shape == (len(h.ids), len(x)) and not h.weights[:, lengths[b] :].any()
            else:
                assert h.weights is None
        for h in found:
            assert h.score == pytest.approx(h.log_probability / len(h.ids) ** length_penalty)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length_penalty", [0, 1])
def test_a_batch_of_thirty_is_thirty_batches_of_one(dtype, length_penalty):
    model = make(4, attention="dot", dtype=dtype)
    lengths = list(np.random.default_rng(0).integers(0, 9, 30))
    x, mask = sources(lengths)
    together = beam_search(model, x, mask, width=3, length_penalty=length_penalty, max_length=9)
    for b in range(30):
        (alone,) = beam_search(model, x[:, [b]], mask[:, [b]], width=3, length_penalty=length_penalty, max_length=9)
        assert [h.ids for h in alone] == [h.ids for h in together[b]]
        np.testing.assert_allclose([h.score for h in alone], [h.score for h in together[b]], atol=1e-5)
        assert (
            greedy(model, x, mask, max_length=9)[b].ids == greedy(model, x[:, [b]], mask[:, [b]], max_length=9)[0].ids
        )


def slow_beam(model, source, width, max_length):
    """Beam search without states: each beginning is fed anew, as a whole."""
    live, done = [()], []
    for t in range(max_length):
        candidates = []
        for ids in live:
            symbols = [EOS] if t == max_length - 1 else [k for k in range(V) if k not in (PAD, BOS)]
            candidates += [(sum(fed(model, source, (*ids, k))), (*ids, k)) for k in symbols]
        candidates.sort(key=lambda c: -c[0])
        kept = candidates[: width - len(done)]
        done += [(p, ids) for p, ids in kept if ids[-1] == EOS]
        live = [ids for _, ids in kept if ids[-1] != EOS]
    return [ids for _, ids in sorted(done, key=lambda c: -c[0])]


@seeds_and_attention
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_states_follow_their_hypotheses(seed, options, width):
    model = make(seed + 10, **options)
    x, _ = sources([4])
    (found,) = beam_search(model, x, width=width, max_length=5)
    assert [h.ids for h in found] == slow_beam(model, x[:, 0], width, 5)


@seeds_and_attention
def test_a_prefix_is_forced_and_counted(seed, options):
    model = make(seed, **options)
    x, mask = sources([5, 2])
    for found in beam_search(model, x, mask, width=100, max_length=4, prefix=[6, 3]):
        assert len(found) == 1 + 4 and all(h.ids[:2] == (6, 3) for h in found)
    of_all = [h for h in brute_force(model, x[:, 0], max_length=4) if h.ids[:2] == (6, 3)]
    (found, _) = beam_search(model, x, mask, width=100, max_length=4, prefix=[6, 3])
    assert [h.ids for h in found] == [h.ids for h in of_all]
    np.testing.assert_allclose([h.score for h in found], [h.score for h in of_all], atol=1e-12)
    assert greedy(model, x, mask, prefix=[6, 3], max_length=9)[0].ids[:2] == (6, 3)
    one, other = decode(model, x[:, 0], prefix=[6, 3]), greedy(model, x[:, [0]], prefix=[6, 3])[0]
    assert one == other and hash(one) == hash(other)


@seeds_and_attention
def test_the_tree_holds_what_beam_search_looked_at(seed, options):
    model = make(seed, **options)
    x, _ = sources([5])
    found, steps = beam_tree(model, x[:, 0], width=3, max_length=6, length_penalty=0.6, pruned=4)
    assert [h.ids for h in found] == [
        h.ids for h in beam_search(model, x, width=3, max_length=6, length_penalty=0.6)[0]
    ]
    ends = []
    for t, branches in enumerate(steps):
        probabilities = [branch.log_probability for branch in branches]
        assert probabilities == sorted(probabilities, reverse=True)
        kept = [branch.kept for branch in branches]
        assert kept == sorted(kept, reverse=True) and sum(kept) <= 3
        for branch in branches:
            assert branch.score == pytest.approx(branch.log_probability / (t + 1) ** 0.6)
            assert branch.ended == (branch.symbol == EOS)
            way, place = [branch.symbol], branch.parent
            for earlier in reversed(steps[:t]):
                assert earlier[place].kept and not earlier[place].ended
                way.insert(0, earlier[place].symbol)
                place = earlier[place].parent
            assert place == -1
            total = fed(model, x[:, 0], way).sum()
            assert branch.log_probability == pytest.approx(total, abs=1e-10)
            if branch.kept and branch.ended:
                ends.append(tuple(way))
    assert sorted(ends) == sorted(h.ids for h in found)
    # a pruned branch can be reopened
    branch = next(b for b in steps[0] if not b.kept and not b.ended)
    reopened, _ = beam_tree(model, x[:, 0], width=3, max_length=6, prefix=[branch.symbol])
    assert all(h.ids[0] == branch.symbol for h in reopened)


def test_a_given_row_of_attention_is_used():
    model = make(1, attention="dot")
    x, _ = sources([5])
    plain = decode(model, x[:, 0], max_length=8)
    own = {t: plain.weights[t] for t in range(len(plain.ids))}
    assert decode(model, x[:, 0], max_length=8, attention_override=own).ids == plain.ids
    # looking at one symbol alone: what the decoder gives when that state is the context
    memory = model.read(x)
    for j in range(5):
        row = np.eye(5)[j]
        edited = decode(model, x[:, 0], max_length=8, attention_override={1: row})
        np.testing.assert_array_equal(edited.weights[1], row)
        assert edited.ids[0] == plain.ids[0]
        decoded = model.decoder(torch.tensor([[BOS], [plain.ids[0]]]), memory)
        m = np.tanh(
            np.concatenate([memory.encoded[j, 0].detach(), decoded.h[1, 0].detach()]) @ model.params["decoder.W_m"]
        )
        o = m @ model.params["decoder.W_mq"] + model.params["decoder.b_q"]
        o[[PAD, BOS]] = -np.inf
        assert edited.ids[1] == o.argmax()
    with pytest.raises(ValueError, match=r"attention_override\[1\]: expected shape \(5,\), got \(4,\)"):
        decode(model, x[:, 0], attention_override={1: np.ones(4)})
    with pytest.raises(ValueError, match="attention_override: expected None for a model without attention"):
        decode(make(1), x[:, 0], attention_override={1: np.ones(5)})


def test_attention_weights_are_those_of_the_search():
    model = make(1, attention="general")
    x, _ = sources([5])
    h = decode(model, x[:, 0], max_length=8)
    np.testing.assert_allclose(attention_weights(model, x[:, 0], h.ids[:-1]), h.weights, atol=1e-12)
    with pytest.raises(ValueError, match="model: expected one with attention"):
        attention_weights(make(0), x[:, 0], [4])


def test_search_errors_are_counted():
    model = make(3)
    x, _ = sources([5] * 12)
    found = [found[0] for found in beam_search(model, x, width=1, max_length=5)]
    exact = [exact_search(model, x[:, b], max_length=5, found=found[b]) for b in range(12)]
    best = [brute_force(model, x[:, b], max_length=5)[0] for b in range(12)]
    wrong = sum(h.ids != b.ids for h, b in zip(found, best, strict=True))
    assert search_errors(found, exact) == wrong > 0
    assert search_errors(best, exact) == 0


def test_exact_search_waits_for_targets_that_begin_badly():
    """Seven times of ten the target is empty. With κ = 1 the long one wins, though its first symbol scores worse."""
    vocabulary = vocabulary_of(["abc"])
    model = Seq2Seq(V, V, hidden_size=8, embedding_size=4, dtype=np.float64, rng=np.random.default_rng(0))
    batch = pair_batch([("a", "")] * 7 + [("a", "abca")] * 3, vocabulary, vocabulary)
    fit(model, [batch], Adam(0.05), max_steps=150, progress=False)
    source = vocabulary.encode("a")
    empty, long = decode(model, source, max_length=1), decode(model, source, prefix=[4])
    assert long.text(vocabulary) == "abca"
    assert long.log_probabilities[0] / 2 < empty.score < long.log_probability / 5
    for found in (None, empty):
        assert exact_search(model, source, max_length=5, length_penalty=1, found=found).ids == long.ids
        assert exact_search(model, source, max_length=5, found=found).ids == empty.ids  # with κ = 0 the empty one
    assert brute_force(model, source, max_length=5, length_penalty=1)[0].ids == long.ids


def test_exact_search_gives_up_when_told():
    model = make(3, sharp=0.1)  # nearly uniform: nothing can be left out early
    assert exact_search(model, [4, 5], max_length=30, length_penalty=1, max_steps=50) is None


def test_texts_in_texts_out():
    vocabulary = vocabulary_of(["abc"])
    model = make(1, attention="dot")
    texts = ["abc", "", "c", "ab"]
    one_by_one = [translate(model, [text], vocabulary, vocabulary, max_length=9)[0] for text in texts]
    assert translate(model, texts, vocabulary, vocabulary, max_length=9, batch_size=3) == one_by_one
    (found,) = beam_search(model, vocabulary.encode("abc")[:, None], width=3, max_length=9, length_penalty=1)
    best = translate(model, ["abc"], vocabulary, vocabulary, max_length=9, width=3, length_penalty=1)
    assert best == [found[0].text(vocabulary)]
    spaced = translate(model, texts, vocabulary, vocabulary, max_length=9, separator=" ")
    assert [text.replace(" ", "") for text in spaced] == one_by_one
    assert not any("<eos>" in text or "<bos>" in text for text in one_by_one)


def test_a_search_leaves_no_graph_and_no_gradients():
    model = make(1, attention="dot")
    x, _ = sources([5])
    greedy(model, x, max_length=4)
    beam_search(model, x, width=2, max_length=4)
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width: expected at least 1, got 0"),
        ({"length_penalty": -1}, "length_penalty: expected at least 0, got -1"),
        ({"max_length": 0}, "max_length: expected at least 1, got 0"),
        ({"prefix": [4, 5], "max_length": 2}, "prefix: expected fewer symbols than max_length=2, got 2"),
        ({"prefix": [EOS]}, r"prefix: expected no <pad>, <bos> or <eos>, got \[2\]"),
        ({"prefix": [V]}, "prefix"),
    ],
)
def test_options_are_checked(options, message):
    x, _ = sources([3])
    with pytest.raises(ValueError, match=message):
        beam_search(make(), x, **{"width": 2, **options})


def test_sources_are_checked():
    with pytest.raises(ValueError, match=r"source: expected the symbols of one source, shape \(T_x,\), got \(2, 1\)"):
        decode(make(), [[4], [5]])
    with pytest.raises(ValueError, match=r"source: expected shape \(T, B\)"):
        greedy(make(), [4, 5])
    with pytest.raises(
        ValueError, match=r"max_length: expected one with at most 200,000 targets, got 12 with 5,592,405"
    ):
        brute_force(make(), [4], max_length=12)
