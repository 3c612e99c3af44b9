"""Count-based language models against formulas worked out by hand and against a slow implementation."""

from collections import Counter
from fractions import Fraction
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.corpora import Split, python_docs_split
from rnnlib.ngrams import (
    AddK,
    KneserNey,
    NGramCounts,
    baseline,
    bits_per_character,
    perplexity,
    sample,
    tune,
    unseen,
)
from rnnlib.text import Vocabulary

# ---------------------------------------------------------------------------------- a slow, literal reference


def grams(text, n):
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


class Slow:
    """Chen and Goodman 1999, equations for interpolated Kneser-Ney, term by term with dictionaries."""

    def __init__(self, text, size, order, discount, continuation=True):
        self.size, self.order = size, order
        self.c = []  # one dictionary per order: n-gram to count, or to number of left neighbours
        for n in range(1, order + 1):
            if n < order and continuation:
                self.c.append(Counter(g[1:] for g in set(grams(text, n + 1))))
            else:
                self.c.append(Counter(grams(text, n)))
        self.d = [self.discounts(c, discount) for c in self.c]

    @staticmethod
    def discounts(c, discount):
        if isinstance(discount, Fraction):
            return [discount] * 3
        n1, n2, n3, n4 = (sum(value == i for value in c.values()) for i in (1, 2, 3, 4))
        y = Fraction(n1, n1 + 2 * n2) if n1 and n2 else Fraction(3, 4)
        if discount == "modified" and n1 and n2 and n3 and n4:
            three = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if min(three) > 0:
                return three
        return [y] * 3

    def p(self, w, h):
        h = tuple(h)[len(h) - min(len(h), self.order - 1) :]
        c, d = self.c[len(h)], self.d[len(h)]
        shorter = self.p(w, h[1:]) if h else Fraction(1, self.size)
        after_h = {v: c[(*h, v)] for v in range(self.size) if c[(*h, v)]}
        total = sum(after_h.values())
        if total == 0:
            return shorter
        taken = {v: d[min(count, 3) - 1] for v, count in after_h.items()}
        kept = (after_h[w] - taken[w]) / total if w in after_h else 0
        return kept + sum(taken.values()) / Fraction(total) * shorter


@st.composite
def corpora(draw):
    size = draw(st.integers(1, 5))
    symbols = st.integers(0, size - 1)
    text = draw(st.lists(symbols, min_size=1, max_size=50))
    order = draw(st.integers(1, min(5, len(text))))
    held_out = draw(st.lists(symbols, min_size=1, max_size=12))
    return text, size, order, held_out


discounts = st.one_of(st.sampled_from(["estimate", "modified"]), st.fractions(Fraction(1, 50), Fraction(49, 50)))


@settings(deadline=None)  # the machine may be busy
@given(corpora(), discounts, st.booleans())
def test_kneser_ney_equals_the_slow_reference(corpus, discount, continuation):
    text, size, order, held_out = corpus
    slow = Slow(text, size, order, discount, continuation)
    fast = KneserNey(
        NGramCounts(text, size, order),
        order,
        float(discount) if isinstance(discount, Fraction) else discount,
        continuation=continuation,
    )
    expected = [float(slow.p(w, held_out[:t])) for t, w in enumerate(held_out)]
    np.testing.assert_allclose(fast.probabilities(held_out), expected, rtol=1e-10)
    expected = [float(slow.p(w, held_out)) for w in range(size)]
    np.testing.assert_allclose(fast.distribution(held_out), expected, rtol=1e-10)


@settings(deadline=None)  # the machine may be busy
@given(corpora(), st.sampled_from([0.0, 0.3, 1.0, 17.0]))
def test_add_k_equals_its_formula(corpus, k):
    text, size, order, held_out = corpus
    model = AddK(NGramCounts(text, size, order), order, k)
    for t, p in enumerate(model.probabilities(held_out)):
        h = held_out[max(0, t - order + 1) : t]
        c_hw = grams(text, len(h) + 1).count((*h, held_out[t]))
        c_h = sum(g[:-1] == tuple(h) for g in grams(text, len(h) + 1))
        expected = (c_hw + k) / (c_h + k * size) if c_h + k * size else 0
        assert p == pytest.approx(expected)


@settings(deadline=None)  # the machine may be busy
@given(corpora(), discounts)
def test_probabilities_are_positive_and_sum_to_one_after_any_context(corpus, discount):
    text, size, order, context = corpus
    counts = NGramCounts(text, size, order)
    discount = float(discount) if isinstance(discount, Fraction) else discount
    for model in (KneserNey(counts, order, discount), AddK(counts, order, 0.01)):
        p = model.distribution(context)
        assert p.shape == (size,) and (p > 0).all()
        assert p.sum() == pytest.approx(1, abs=1e-12)


@settings(deadline=None)  # the machine may be busy
@given(corpora())
def test_scoring_a_text_equals_asking_symbol_by_symbol(corpus):
    text, size, order, held_out = corpus
    counts = NGramCounts(text, size, order)
    for model in (KneserNey(counts, order), AddK(counts, order, 0.5)):
        one_by_one = [model.distribution(held_out[:t])[w] for t, w in enumerate(held_out)]
        np.testing.assert_allclose(model.probabilities(held_out), one_by_one, rtol=1e-12)


@settings(deadline=None)  # the machine may be busy
@given(corpora())
def test_counts_equal_counting(corpus):
    text, size, order, held_out = corpus
    counts = NGramCounts(text, size, order)
    for n in range(1, order + 1):
        counted = Counter(grams(text, n))
        assert len(counts.levels[n - 1].keys) == len(counted)
        for g in [*grams(text, n), *grams(held_out, n)]:
            assert counts.count(g) == counted[g]


@settings(deadline=None)  # the machine may be busy
@given(corpora())
def test_unseen_equals_set_membership(corpus):
    text, size, order, held_out = corpus
    if len(held_out) < order:
        with pytest.raises(ValueError, match=f"expected at least max_order={order}"):
            unseen(NGramCounts(text, size, order), held_out)
        return
    new = unseen(NGramCounts(text, size, order), held_out)
    for n in range(1, order + 1):
        windows = grams(held_out, n)
        assert new.grams[n - 1] == pytest.approx(np.mean([w not in grams(text, n) for w in windows]))
        known = set(grams(text, n - 1)) if n > 1 else {()}
        assert new.contexts[n - 1] == pytest.approx(np.mean([w[:-1] not in known for w in windows]))


# --------------------------------------------------------------------------- worked by hand, and from a textbook


def words(sentences):
    tokens = sentences.split()
    vocabulary = Vocabulary.of(tokens)
    return vocabulary, vocabulary.encode(tokens)


def test_bigrams_of_the_textbook():
    # Jurafsky and Martin, Speech and Language Processing (3rd ed. draft), chapter 3
    vocabulary, ids = words("<s> I am Sam </s> <s> Sam I am </s> <s> I do not like green eggs and ham </s>")
    model = AddK(NGramCounts(ids, len(vocabulary), 2), order=2, k=0)

    def p(w, h):
        return model.distribution([vocabulary.index(h)])[vocabulary.index(w)]

    assert p("I", "<s>") == pytest.approx(2 / 3)
    assert p("Sam", "<s>") == pytest.approx(1 / 3)
    assert p("am", "I") == pytest.approx(2 / 3)
    assert p("</s>", "Sam") == pytest.approx(1 / 2)
    assert p("Sam", "am") == pytest.approx(1 / 2)
    assert p("do", "I") == pytest.approx(1 / 3)


def test_perplexity_of_the_textbook_digits():
    # the same chapter: ten equally likely digits have perplexity 10; with 91 % zeros it is lower
    uniform = AddK(NGramCounts(range(10), 10, 1), order=1, k=0)
    assert perplexity(uniform, [3, 1, 4, 1, 5, 9]) == pytest.approx(10)
    mostly_zero = AddK(NGramCounts([0] * 91 + list(range(1, 10)), 10, 1), order=1, k=0)
    expected = (0.91**9 * 0.01) ** (-1 / 10)
    assert perplexity(mostly_zero, [0, 0, 0, 0, 0, 3, 0, 0, 0, 0]) == pytest.approx(expected)


def test_kneser_ney_bigram_by_hand():
    # text a b a b a c; symbols a b c d = 0 1 2 3; D = 1/2
    # bigrams: ab 2, ba 2, ac 1. Left neighbours: a has {b}, b has {a}, c has {a}; three in all.
    counts = NGramCounts([0, 1, 0, 1, 0, 2], size=4, max_order=2)
    assert counts.continuations[0].tolist() == [1, 1, 1]
    model = KneserNey(counts, order=2, discount=0.5)
    # order 1: (1 - 1/2)/3 each, and 3·(1/2)/3 of the uniform 1/4
    once = Fraction(1, 6) + Fraction(1, 2) * Fraction(1, 4)
    never = Fraction(1, 2) * Fraction(1, 4)
    np.testing.assert_allclose(model.distribution([]), [float(once)] * 3 + [float(never)])
    # after a: (2 - 1/2)/3 for b, (1 - 1/2)/3 for c, and 2·(1/2)/3 of order 1
    after_a = [once / 3, Fraction(1, 2) + once / 3, Fraction(1, 6) + once / 3, never / 3]
    np.testing.assert_allclose(model.distribution([0]), [float(p) for p in after_a])
    # after c, and after d, nothing was seen: order 1 decides
    np.testing.assert_allclose(model.distribution([2]), model.distribution([]))
    np.testing.assert_allclose(model.distribution([3]), model.distribution([]))


def test_a_frequent_word_with_one_neighbour_is_not_expected_elsewhere():
    # the "San Francisco" of the literature: frequent, but only ever after one word
    vocabulary, ids = words(6 * "san francisco " + "the cat a cat my cat his cat our cat her cat")
    counts = NGramCounts(ids, len(vocabulary), 2)
    p_of = {}
    for continuation in (False, True):
        model = KneserNey(counts, 2, 0.5, continuation=continuation)
        p = model.distribution([vocabulary.index("cat")])  # after cat, neither has been seen
        p_of[continuation] = p[vocabulary.index("francisco")] / p[vocabulary.index("cat")]
    assert p_of[False] == pytest.approx(1)  # six times each: plain counts see no difference
    assert p_of[True] < 0.25  # one left neighbour against six


def test_a_discount_of_ones_own_holds_for_all_orders():
    counts = NGramCounts([0, 1, 0, 1, 0, 2], 3, 2)
    model = KneserNey(counts, 2, 0.4)
    assert [d.tolist() for d in model.discounts] == [[0, 0.4, 0.4, 0.4]] * 2
    # 0 is followed by 1, 1, 2; order 1: left neighbours of 0, 1, 2 are 1, 1, 1
    order_1 = (1 - 0.4) / 3 + 0.4 * 3 / 3 / 3
    assert model.distribution([0])[1] == pytest.approx((2 - 0.4) / 3 + 0.4 * 2 / 3 * order_1)


def test_discount_formulas_of_chen_and_goodman():
    # unigram counts 1, 1, 1, 1, 2, 2, 3, 4, 9: n1 = 4, n2 = 2, n3 = 1, n4 = 1
    ids = np.repeat(np.arange(9), [1, 1, 1, 1, 2, 2, 3, 4, 9])
    counts = NGramCounts(ids, 9, 1)
    assert KneserNey(counts, 1).discounts[0].tolist() == [0, 0.5, 0.5, 0.5]  # 4 / (4 + 2·2)
    modified = KneserNey(counts, 1, "modified").discounts[0]
    np.testing.assert_allclose(modified, [0, 1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3 - 4 * 0.5 * 1 / 1])


def test_a_discount_that_cannot_be_estimated_falls_back():
    every_count_is_three = NGramCounts([0, 1, 0, 1, 0, 1], 2, 1)
    for rule in ("estimate", "modified"):
        assert KneserNey(every_count_is_three, 1, rule).discounts[0].tolist() == [0, 0.75, 0.75, 0.75]


def test_maximum_likelihood_maximises_the_likelihood():
    rng = np.random.default_rng(0)
    ids = rng.integers(4, size=200)
    best = AddK(NGramCounts(ids, 4, 1), order=1, k=0)
    best_bits = bits_per_character(best, ids)
    for _ in range(50):  # every other distribution explains the training text less well
        q = rng.dirichlet(np.ones(4))
        assert -np.mean(np.log2(q[ids])) > best_bits


def test_maximum_likelihood_gives_up_where_it_has_no_counts():
    model = AddK(NGramCounts([0, 1, 0, 1], 3, 2), order=2, k=0)
    assert bits_per_character(model, [0, 2]) == np.inf
    assert model.probabilities([2, 0]).tolist() == [0, 0]  # 0 of 4, then 0/0
    with pytest.raises(ValueError, match=r"context: expected one that something has followed, got \[2\]: .* 0/0"):
        model.distribution([0, 2])


def test_perplexity_is_1_or_v_or_infinite_in_the_limits():
    certain = AddK(NGramCounts([0, 1, 0, 1, 0], 3, 2), order=2, k=0)
    assert perplexity(certain, [0, 1, 0, 1]) == pytest.approx((3 / 5) ** (-1 / 4))  # only the first is open
    assert bits_per_character(certain, [1, 0, 1, 0], context=[0]) == 0
    assert perplexity(certain, [0, 2]) == np.inf
    assert perplexity(AddK(NGramCounts(range(3), 3, 1), order=1), [2, 2, 1]) == pytest.approx(3)


@pytest.mark.parametrize("cut", [0, 1, 5, 11])
def test_bits_of_two_pieces_add_up_when_the_second_knows_the_first(cut):
    rng = np.random.default_rng(0)
    model = KneserNey(NGramCounts(rng.integers(4, size=300), 4, 3), 3)
    ids = rng.integers(4, size=12)
    rest = bits_per_character(model, ids[cut:], context=ids[:cut]) * (12 - cut)
    first = bits_per_character(model, ids[:cut]) * cut if cut else 0
    assert first + rest == pytest.approx(bits_per_character(model, ids) * 12)


# ------------------------------------------------------------------------------------------------- sampling


def test_samples_follow_the_distribution():
    model = KneserNey(NGramCounts([0, 1, 0, 2, 0, 1], 3, 2), order=2)
    drawn = sample(model, 8_000, rng=np.random.default_rng(0))
    after_0 = np.bincount(drawn[1:][drawn[:-1] == 0], minlength=3)
    # 4 standard deviations of a relative frequency, with n about 3,700
    np.testing.assert_allclose(after_0 / after_0.sum(), model.distribution([0]), atol=4 * 0.5 / 3_700**0.5)


def test_temperature_sharpens_and_flattens():
    model = AddK(NGramCounts([0, 0, 0, 1], 2, 1), order=1, k=0)  # 3/4 and 1/4

    def share_of_0(temperature):
        return np.mean(sample(model, 5_000, rng=np.random.default_rng(0), temperature=temperature) == 0)

    assert share_of_0(1.0) == pytest.approx(3 / 4, abs=0.015)
    assert share_of_0(0.5) == pytest.approx(9 / 10, abs=0.015)  # squares: 9 to 1
    assert share_of_0(1e-3) == 1
    assert share_of_0(1e3) == pytest.approx(1 / 2, abs=0.015)


def test_a_seed_gives_the_same_text_again_and_a_context_is_continued():
    model = AddK(NGramCounts([0, 1, 2] * 5, 3, 3), order=3, k=0.1)
    first = sample(model, 40, rng=np.random.default_rng(5), context=[0, 1])
    assert (first == sample(model, 40, rng=np.random.default_rng(5), context=[0, 1])).all()
    certain = AddK(NGramCounts([0, 1, 2] * 5, 3, 3), order=3, k=0)
    assert sample(certain, 5, rng=np.random.default_rng(0), context=[0, 1]).tolist() == [2, 0, 1, 2, 0]


# ------------------------------------------------------------------------------------- tuning, baseline, errors


def test_tuning_returns_the_lowest_bits():
    counts = NGramCounts([0, 1] * 20 + [2], 3, 3)
    held_out = [0, 1, 0, 1, 2]
    tuning = tune((((n, k), AddK(counts, n, k)) for n in (1, 2) for k in (0.0, 0.1, 10.0)), held_out)
    assert set(tuning.bits) == {(n, k) for n in (1, 2) for k in (0.0, 0.1, 10.0)}
    assert tuning.bits[tuning.best] == min(tuning.bits.values())
    assert tuning.bits[2, 0.1] == bits_per_character(AddK(counts, 2, 0.1), held_out)


def test_the_baseline_is_the_best_on_validation_and_measured_on_test():
    split = python_docs_split()
    best = baseline(split)
    train, validation, test = (best.vocabulary.encode(part) for part in split)
    assert best.test_bits == bits_per_character(best.model, test)
    counts = NGramCounts(train, len(best.vocabulary), 8)
    for n in (3, 6, 8):
        for rule in ("estimate", "modified"):
            assert bits_per_character(KneserNey(counts, n, rule), validation) >= best.validation_bits
    # on the texts of Python 3.11.2 to 3.13.0: 1.597 to 1.683
    assert 1.5 < best.test_bits < 1.8


def test_the_baseline_does_not_learn_from_the_test_text():
    train, validation, test = "ab" * 50 + "\n", "ab" * 20 + "\n", "ba" * 20 + "\n"
    one = baseline(Split(train, validation, test), max_order=3)
    two = baseline(Split(train, validation, "ab\n" * 13), max_order=3)
    assert one.validation_bits == two.validation_bits
    np.testing.assert_array_equal(one.model.distribution([0, 1]), two.model.distribution([0, 1]))


def test_counting_and_scoring_real_text_is_quick():
    split = python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    train, test = vocabulary.encode(split.train), vocabulary.encode(split.test)
    start = perf_counter()
    bits = bits_per_character(KneserNey(NGramCounts(train, len(vocabulary), 6), 6), test)
    assert 1.5 < bits < 2.0
    assert perf_counter() - start < 4  # about 0.3 s on two cores


good = NGramCounts([0, 1, 0, 1], 2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NGramCounts([], 2, 1), ValueError, "empty text"),
        (lambda: NGramCounts([0, 2], 2, 1), ValueError, "ids: expected 0 to 1, got values from 0 to 2"),
        (lambda: NGramCounts([0.5], 2, 1), TypeError, "ids: expected integers, got an array of float64"),
        (lambda: NGramCounts("text", 2, 1), TypeError, "ids: expected integers, got text; Vocabulary.encode"),
        (lambda: NGramCounts([0, 1], 2, 3), ValueError, "max_order: expected 1 to 2, the length of the text, got 3"),
        (lambda: NGramCounts([0, 1], 2, 0), ValueError, "max_order: expected 1 to 2, .* got 0"),
        (lambda: good.count([]), ValueError, "gram: expected at least one symbol"),
        (lambda: good.count([0, 1, 0]), ValueError, "gram: expected at most max_order=2 symbols, got 3"),
        (lambda: AddK(good, 3), ValueError, "order: expected 1 to 2, the max_order of the counts, got 3"),
        (lambda: AddK(good, 1, -1), ValueError, "k: expected a finite number, at least 0, got -1"),
        (lambda: AddK(good, 1, float("nan")), ValueError, "k: .* got nan"),
        (lambda: KneserNey(good, 0), ValueError, "order: expected 1 to 2, .* got 0"),
        (lambda: KneserNey(good, 2, 1.0), ValueError, r"discount: expected strictly between 0 and 1, .* got 1\.0"),
        (lambda: KneserNey(good, 2, "kn"), ValueError, "discount: expected a number, .* got 'kn'"),
        (lambda: KneserNey(good, 2).distribution([2]), ValueError, "context: expected 0 to 1"),
        (lambda: KneserNey(good, 2).probabilities([2]), ValueError, "ids: expected 0 to 1"),
        (lambda: bits_per_character(AddK(good, 1), []), ValueError, "empty text"),
        (lambda: tune([], [0]), ValueError, "at least one"),
        (lambda: sample(AddK(good, 1), 1, rng=0), TypeError, "got int"),
        (lambda: sample(AddK(good, 1), -1, rng=np.random.default_rng(0)), ValueError, "length: .* at least 0, got -1"),
        (
            lambda: sample(AddK(good, 1), 1, rng=np.random.default_rng(0), temperature=0),
            ValueError,
            "temperature: expected a finite number above 0, got 0",
        ),
    ],
)
def test_errors_name_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
