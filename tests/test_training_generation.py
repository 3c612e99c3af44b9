"""Writing on, bits per character, and the shipped character model."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from small_model import IDS, TEXT, VOCABULARY, V, make_model

import rnnlib
from rnnlib.bptt import Bidirectional
from rnnlib.cells import RNN
from rnnlib.corpora import python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import (
    Adam,
    Model,
    bits_per_character,
    fit,
    generate,
    generate_text,
    load_pretrained,
    next_probabilities,
    perplexity,
)


def test_a_model_that_sees_the_future_is_not_scored():
    rng = np.random.default_rng(0)
    model = Model(Bidirectional(RNN(V, 3, rng=rng), RNN(V, 3, rng=rng)), V, rng=rng)
    with pytest.raises(TypeError, match="step by step, got Bidirectional"):
        bits_per_character(model, IDS)
    for bad in ({"chunk": 0}, {"chunk": -1}):
        with pytest.raises(ValueError, match="chunk: expected at least 1"):
            bits_per_character(make_model("RNN"), IDS, **bad)
    with pytest.raises(ValueError, match=rf"ids: expected 0 to {V - 1}"):
        bits_per_character(make_model("RNN"), [0, 1, -1])


def trained():
    model = make_model("GRU")
    fit(model, SequentialBatches(IDS, 4, 24), Adam(0.02), max_steps=250, clip_norm=1.0, progress=False)
    return model


def test_a_trained_model_writes_its_text_on_and_is_hardly_surprised():
    model = trained()
    assert generate_text(model, VOCABULARY, "the cat", 12, temperature=0) == "the cat sat on the "
    assert bits_per_character(model, IDS) < 0.5 < 3 < bits_per_character(make_model("GRU"), IDS)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "Stacked"])
def test_bits_per_character_equal_the_definition_step_by_step(kind):
    model = make_model(kind)
    ids, state, bits = IDS[:60], None, 0.0
    for before, after in itertools.pairwise(ids):
        p, state = next_probabilities(model, np.array([before]), state)
        bits -= math.log2(p[after])
    assert bits_per_character(model, ids) == pytest.approx(bits / 59, rel=1e-5)
    for chunk in (1, 7, 59, 1000):
        assert bits_per_character(model, ids, chunk=chunk) == pytest.approx(bits / 59, rel=1e-5)
    scored_after_context = bits_per_character(model, ids[20:], context=ids[:20])
    assert perplexity(model, ids) == pytest.approx(2 ** (bits / 59), rel=1e-5)
    first = bits_per_character(model, ids[:20])
    assert scored_after_context * 40 + first * 19 == pytest.approx(bits, rel=1e-5)


def test_samples_follow_the_distribution_at_their_temperature():
    model = make_model("RNN")
    prime = IDS[:5]
    for temperature in (0.5, 1.0, 2.0):
        p, _ = next_probabilities(model, prime, temperature=temperature)
        rng = np.random.default_rng(1)
        drawn = np.concatenate([generate(model, prime, 1, temperature=temperature, rng=rng) for _ in range(1000)])
        counts = np.bincount(drawn, minlength=V)
        chi_square = ((counts - 1000 * p) ** 2 / (1000 * p)).sum()
        assert chi_square < V + 5 * math.sqrt(2 * V)  # mean V - 1, standard deviation √(2(V - 1))


def test_generation_is_reproducible_and_feeds_back_what_it_drew():
    model = make_model("LSTM")
    texts = [generate(model, IDS[:3], 30, rng=np.random.default_rng(s)).tolist() for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    greedy = generate(model, IDS[:3], 12, temperature=0)
    whole = np.concatenate([IDS[:3], greedy])
    logits, _ = model.forward(whole[:-1, None])
    np.testing.assert_array_equal(logits[2:, 0].argmax(axis=-1), greedy)
    assert generate(model, IDS[:3], 0, temperature=0).shape == (0,)


def test_a_text_in_the_place_of_the_vocabulary_is_recognised():
    with pytest.raises(TypeError, match=r"vocabulary: expected a Vocabulary, got str; Vocabulary.of\(text\)"):
        generate_text(make_model("RNN"), TEXT, "the", 3, temperature=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: generate(m, IDS[:3], 5, temperature=-1, rng=np.random.default_rng()), "temperature"),
        (lambda m: generate(m, IDS[:3], 5), "rng"),
        (lambda m: generate(m, IDS[:0], 5, temperature=0), "ids"),
        (lambda m: generate(m, IDS[:3], -1, temperature=0), "length"),
        (lambda m: generate(m, np.array([V]), 1, temperature=0), f"{V - 1}"),
        (lambda m: generate_text(m, VOCABULARY, "", 3, temperature=0), "context: expected"),
        (lambda m: bits_per_character(m, IDS[:1]), "an id to predict"),
        (lambda m: bits_per_character(m, IDS[:4].reshape(2, 2)), r"\(N,\)"),
    ],
)
def test_bad_arguments_of_generation_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(make_model("RNN"))


def test_the_shipped_character_model_reaches_what_its_notes_say():
    model, notes = load_pretrained("char_rnn")
    vocabulary = notes["vocabulary"]
    assert isinstance(vocabulary, Vocabulary)
    split, context = python_docs_split(), vocabulary.encode("\n")
    bits = bits_per_character(model, vocabulary.encode(split.validation), context=context)
    assert bits == pytest.approx(notes["validation_bits"], abs=0.001)
    test_bits = bits_per_character(model, vocabulary.encode(split.test), context=context)
    assert test_bits == pytest.approx(notes["test_bits"], abs=0.001)
    assert notes["test_bits"] < 2.2
    size = (Path(rnnlib.__file__).parent / "pretrained" / "char_rnn.npz").stat().st_size
    assert size < 180_000  # a figure carries it into the page, as text a third larger
    with pytest.raises(ValueError, match=r"name.*char_rnn.*'char'"):
        load_pretrained("char")


def test_a_vocabulary_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"vocabulary: expected the \d+ symbols that the model was made for, got 3"):
        generate_text(make_model("RNN"), Vocabulary(["a", "b", "c"]), "ab", 3, temperature=0)
