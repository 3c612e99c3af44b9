"""Pairs as batches, and scores of translations: against plain Python and a BLEU written here."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.seq2seq import (
    BOS,
    EOS,
    PAD,
    SPECIAL,
    UNK,
    PairBatches,
    bleu,
    chrf,
    exact_match,
    pad_sources,
    pair_batch,
    vocabulary_of,
)
from rnnlib.text import Vocabulary

# Batches

some_pairs = st.lists(st.tuples(st.text("abc", max_size=7), st.text("xyz", max_size=7)), min_size=1, max_size=30)
X, Y = vocabulary_of(["abc"]), vocabulary_of(["xyz"])


def unpacked(batch, x=X, y=Y):
    """The pairs of a batch as strings, and that everything beside them is as it should be."""
    pairs = []
    for b in range(batch.source.shape[1]):
        source, target_in, target_out = (a[:, b] for a in (batch.source, batch.target_in, batch.target_out))
        n, m = int(batch.source_mask[:, b].sum()), int(batch.target_mask[:, b].sum())
        assert batch.source_mask[:n, b].all() and batch.target_mask[:m, b].all()
        assert (source[n:] == PAD).all() and (target_in[m:] == PAD).all() and (target_out[m:] == PAD).all()
        assert target_in[0] == BOS and target_out[m - 1] == EOS
        np.testing.assert_array_equal(target_in[1:m], target_out[: m - 1])
        pairs.append((x.decode(source[:n]), y.decode(target_out[: m - 1])))
    return pairs


@settings(deadline=None)  # the machine may be busy
@given(some_pairs, st.integers(1, 8), st.integers(0, 99))
def test_an_epoch_has_every_pair_once(pairs, batch_size, seed):
    batches = PairBatches(pairs, X, Y, batch_size)
    in_order = [pair for batch in batches for pair in unpacked(batch)]
    assert in_order == pairs and len(list(batches)) == len(batches)
    epoch = batches(np.random.default_rng(seed))
    assert Counter(pair for batch in epoch for pair in unpacked(batch)) == Counter(pairs)
    assert len(epoch) == len(batches) and all(batch.source.shape[1] <= batch_size for batch in epoch)
    again = batches(np.random.default_rng(seed))
    for one, other in zip(epoch, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert unpacked(pair_batch(pairs, X, Y)) == pairs


def test_sentences_of_like_length_share_a_batch():
    rng = np.random.default_rng(0)
    pairs = [("a" * n, "x" * n) for n in rng.integers(1, 40, 1000)]
    batches = PairBatches(pairs, X, Y, 20)
    filled = np.mean([batch.target_mask.mean() for batch in batches(np.random.default_rng(1))])
    plain = np.mean([batch.target_mask.mean() for batch in batches])
    assert plain < 0.6 and filled > 0.9
    orders = [[batch.source.shape for batch in batches(np.random.default_rng(seed))] for seed in (1, 2)]
    assert orders[0] != orders[1] and sorted(orders[0]) != orders[0]  # not from short to long


def test_special_symbols_have_their_places():
    assert [X.index(symbol) for symbol in SPECIAL] == [PAD, BOS, EOS, UNK] == [0, 1, 2, 3]
    assert X.to_list() == [*SPECIAL, "a", "b", "c"]
    assert X.encode("aq").tolist() == [4, UNK]
    words = vocabulary_of([["to", "be"], ["or", "to"]], min_count=2)
    assert words.to_list() == [*SPECIAL, "to"]
    batch = pair_batch([(["to", "go"], "x")], words, Y)
    assert batch.source.tolist() == [[4], [UNK]]


def test_an_empty_source_is_a_column_of_padding():
    source, mask = pad_sources(["", "ab"], X)
    assert source.T.tolist() == [[PAD, PAD], [4, 5]] and mask.T.tolist() == [[False, False], [True, True]]
    source, mask = pad_sources(["", ""], X)
    assert source.shape == (1, 2) and not mask.any()


def test_batches_are_checked():
    with pytest.raises(ValueError, match="pairs: expected at least one pair, got none"):
        PairBatches([], X, Y, 2)
    with pytest.raises(ValueError, match="target_vocabulary: expected one that begins with"):
        PairBatches([("a", "x")], X, Vocabulary("xyz"), 2)
    with pytest.raises(TypeError, match="texts: expected a list of texts, got one string 'abc'"):
        pad_sources("abc", X)
    with pytest.raises(TypeError, match="texts: expected a list of texts, got one string 'abc'"):
        vocabulary_of("abc")
    with pytest.raises(ValueError, match="batch_size: expected at least 1, got 0"):
        PairBatches([("a", "x")], X, Y, 0)


# Scores

REFERENCES = [
    "Create a new notebook in this folder",
    "Close all tabs to the right",
    "The kernel has died and will restart soon",
    "Open the settings of the text editor",
]
HYPOTHESES = [
    "Create a new file in this folder",
    "Close all the tabs to the right",
    "The kernel has died and will be started again",
    "Open settings",
]


def ngrams(words, n):
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def bleu_by_hand(hypotheses, references):
    """Papineni et al. (2002), equations of section 2.3, for texts whose words are separated by blanks."""
    precisions, c, r = [], 0, 0
    for hypothesis, some in zip(hypotheses, references, strict=True):
        length = len(hypothesis.split())
        c += length
        r += min((abs(len(s.split()) - length), len(s.split())) for s in some)[1]  # the closest, the shorter of two
    for n in range(1, 5):
        matched = total = 0
        for hypothesis, some in zip(hypotheses, references, strict=True):
            found = ngrams(hypothesis.split(), n)
            most = Counter()
            for reference in some:
                most |= ngrams(reference.split(), n)
            matched += sum((found & most).values())
            total += sum(found.values())
        precisions.append(matched / total)
    return 100 * min(1, math.exp(1 - r / c)) * math.exp(sum(map(math.log, precisions)) / 4)


def test_bleu_is_that_of_the_paper():
    expected = bleu_by_hand(HYPOTHESES, [[reference] for reference in REFERENCES])
    assert 20 < expected < 80
    assert bleu(HYPOTHESES, REFERENCES).value == pytest.approx(expected, abs=1e-9)
    two = [
        [reference, hypothesis]
        for reference, hypothesis in zip(REFERENCES, ["Make a new file here", *HYPOTHESES[1:]], strict=True)
    ]
    expected = bleu_by_hand(HYPOTHESES, two)
    assert bleu(HYPOTHESES, two).value == pytest.approx(expected, abs=1e-9)
    two[2] = [REFERENCES[2]]  # sentences may have references of different number
    assert bleu(HYPOTHESES, two).value == pytest.approx(bleu_by_hand(HYPOTHESES, two), abs=1e-9)


@pytest.mark.parametrize("score", [bleu, chrf])
def test_the_order_of_sentences_does_not_matter(score):
    values = set()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(HYPOTHESES))
        shuffled = score([HYPOTHESES[k] for k in order], [REFERENCES[k] for k in order], samples=1)
        values.add(round(shuffled.value, 9))
    assert len(values) == 1


@pytest.mark.parametrize("score", [bleu, chrf])
def test_perfect_is_a_hundred(score):
    found = score(REFERENCES, REFERENCES)
    assert found.value == pytest.approx(100) and found.low == pytest.approx(100) and found.high == pytest.approx(100)
    assert exact_match(REFERENCES, REFERENCES) == 1


@pytest.mark.parametrize("score", [bleu, chrf])
def test_nothing_right_is_zero_with_an_interval_of_zeros(score):
    assert score(["x", "x y"], ["a b", "c d"])[:3] == (0, 0, 0)


@pytest.mark.parametrize("score", [bleu, chrf])
def test_one_sentence_has_a_score_and_no_interval(score):
    whole = score(HYPOTHESES, REFERENCES)
    assert whole.low < whole.value < whole.high
    for one in (score(HYPOTHESES[:1], REFERENCES[:1]), score(HYPOTHESES, REFERENCES, samples=1)):
        assert 0 < one.value <= 100 and np.isnan(one.low) and np.isnan(one.high)


@pytest.mark.parametrize("score", [bleu, chrf])
def test_the_interval_is_that_of_samples_with_replacement(score):
    hypotheses, references = HYPOTHESES * 5, REFERENCES * 5
    found = score(hypotheses, references)
    assert found.low < found.value < found.high
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        drawn = rng.integers(len(hypotheses), size=len(hypotheses))
        values.append(score([hypotheses[k] for k in drawn], [references[k] for k in drawn], samples=1).value)
    low, high = np.quantile(values, [0.025, 0.975])
    assert high - low == pytest.approx(found.high - found.low, rel=0.25)
    assert (low + high) / 2 == pytest.approx((found.low + found.high) / 2, abs=2)
    assert score(hypotheses, references) == found  # the seed is fixed, and named in the signature
    assert "seed:12345" in found.signature and "bs:1000" in found.signature and "version:" in found.signature


def test_chrf_gives_credit_for_parts_of_words():
    assert (
        chrf(["notebooks"], ["notebook"], samples=1).value > 50 > 1 > bleu(["notebooks"], ["notebook"], samples=1).value
    )


@pytest.mark.parametrize("score", [bleu, chrf, exact_match])
def test_a_bare_string_is_no_list_of_sentences(score):
    with pytest.raises(TypeError, match="references: expected a list with one entry a sentence, got one string"):
        score(["one sentence"], "one sentence")
    with pytest.raises(TypeError, match="hypotheses: expected a list with one entry a sentence, got one string"):
        score("one sentence", ["one sentence"])
    with pytest.raises(ValueError, match="references: expected one entry a hypothesis, 1, got 2"):
        score(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="hypotheses: expected at least one, got none"):
        score([], [])
    with pytest.raises(TypeError, match=r"references\[0\]: expected a string or a list of strings"):
        score(["a"], [[]])
    with pytest.raises(TypeError, match=r"hypotheses\[0\]: expected a string, got int"):
        score([1], ["a"])


def test_exact_match_accepts_any_of_several():
    assert exact_match(["a", "b", "c"], [["x", "a"], ["x"], ["c"]]) == pytest.approx(2 / 3)
