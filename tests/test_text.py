"""Vocabulary, batches, padding, one-hot vectors."""

import json
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnnlib.text import Batch, Pieces, SequentialBatches, ShuffledBatches, Vocabulary, one_hot, pad

texts = st.text(min_size=1, max_size=60)


@settings(deadline=None)  # the machine may be busy
@given(texts)
def test_decoding_undoes_encoding(text):
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64 and ids.shape == (len(text),)
    assert vocabulary.decode(ids) == text


@settings(deadline=None)  # the machine may be busy
@given(texts, st.randoms())
def test_the_order_depends_on_the_symbols_alone(text, random):
    shuffled = "".join(random.sample(text, len(text)))
    assert Vocabulary.of(text).to_list() == Vocabulary.of(shuffled).to_list() == sorted(set(text))


def test_a_vocabulary_survives_a_checkpoint():
    vocabulary = Vocabulary.of("想要有直升机", special=["<pad>"], unknown="<unk>")
    stored = json.loads(json.dumps({"symbols": vocabulary.to_list(), "unknown": vocabulary.unknown}))
    assert Vocabulary(stored["symbols"], unknown=stored["unknown"]) == vocabulary
    assert Vocabulary(stored["symbols"]) != vocabulary


def test_tokens_work_like_characters():
    words = ["to", "be", "or", "not", "to", "be"]
    vocabulary = Vocabulary.of(words)
    assert vocabulary.to_list() == ["be", "not", "or", "to"]
    assert vocabulary.decode(vocabulary.encode(words), separator=" ") == "to be or not to be"
    assert "be" in vocabulary and "bee" not in vocabulary and vocabulary[3] == "to" and len(vocabulary) == 4


def test_unknown_symbols_map_to_the_unknown_symbol_or_fail():
    vocabulary = Vocabulary.of("aab", special=["<pad>"], unknown="?", min_count=2)
    assert vocabulary.to_list() == ["<pad>", "?", "a"]
    assert vocabulary.encode("abc").tolist() == [2, 1, 1]
    with pytest.raises(KeyError, match="text: expected the 2 symbols of this vocabulary, got 'c'; leave it out"):
        Vocabulary.of("ab").encode("abc")


def test_an_unknown_symbol_that_is_also_special_appears_once():
    assert Vocabulary.of("a", special=["<unk>", "<pad>"], unknown="<unk>").to_list() == ["<unk>", "<pad>", "a"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Vocabulary([]), ValueError, "at least one symbol"),
        (lambda: Vocabulary.of(""), ValueError, "empty text"),
        (lambda: Vocabulary(["a", "b", "a"]), ValueError, "symbols: expected different symbols, got 'a' twice"),
        (lambda: Vocabulary(["a", 1]), TypeError, "got 1 of type int"),
        (lambda: Vocabulary(["a"], unknown="?"), ValueError, r"unknown: expected one of the 1 symbols, got '\?'"),
        (lambda: Vocabulary(["a"]).decode([1]), ValueError, "expected 0 to 0, got values from 1 to 1"),
        (lambda: Vocabulary(["a"]).decode([-1]), ValueError, "got values from -1"),
        (lambda: Vocabulary(["a"]).decode([0.0]), TypeError, "expected integers, got an array of float64"),
        (lambda: Vocabulary(["a"]).decode([[0]]), ValueError, r"ids: expected 1 axis, got 2, shape \(1, 1\)"),
    ],
)
def test_vocabulary_names_what_is_wrong(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --------------------------------------------------------------------------------------------------- batches

sizes = st.integers(1, 5)


@settings(deadline=None)  # the machine may be busy
@given(st.integers(2, 200), sizes, sizes)
def test_sequential_columns_continue_each_other(n, batch_size, length):
    assume(n > batch_size * length)
    batches = SequentialBatches(np.arange(n), batch_size, length)
    x = np.concatenate([b.x for b in batches])  # (steps, B)
    y = np.concatenate([b.y for b in batches])
    assert x.shape[1] == batch_size and len(list(batches)) == len(batches)
    assert (y == x + 1).all()  # the next symbol
    assert (np.diff(x, axis=0) == 1).all()  # each column runs through the text without a gap
    assert (x[0, 1:] == x[-1, :-1] + 1).all()  # and the next column starts where it ends
    assert n - 1 - x.size < batch_size  # nothing else is left out
    assert all(b.x.shape == (length, batch_size) for b in list(batches)[:-1])


@settings(deadline=None)  # the machine may be busy
@given(st.integers(2, 200), sizes, sizes, st.integers(0, 2**32 - 1))
def test_shuffled_windows_are_pieces_of_the_text(n, batch_size, length, seed):
    assume(n > batch_size * length)
    batches = ShuffledBatches(np.arange(n), batch_size, length, rng=np.random.default_rng(seed))
    one_pass = list(batches)
    assert len(one_pass) == len(batches) == (n - 1) // length // batch_size
    starts = [int(start) for b in one_pass for start in b.x[0]]
    assert len(set(starts)) == len(starts) and all(start % length == 0 for start in starts)
    for b in one_pass:
        assert b.x.shape == (length, batch_size)
        assert (b.y == b.x + 1).all() and (np.diff(b.x, axis=0) == 1).all()


def test_each_pass_has_a_new_order_and_a_seed_gives_it_again():
    def passes(seed):
        batches = ShuffledBatches(np.arange(101), 4, 5, rng=np.random.default_rng(seed))
        return [np.stack([b.x for b in batches]) for _ in range(2)]

    first, second = passes(0)
    assert (first != second).any()
    again = passes(0)
    assert (first == again[0]).all() and (second == again[1]).all()


def test_a_batch_of_text_is_taken_apart_with_its_mask():
    for batches in (
        SequentialBatches(np.arange(9), 2, 2),
        ShuffledBatches(np.arange(9), 2, 2, rng=np.random.default_rng(0)),
    ):
        for x, y, mask in batches:
            assert x.shape == y.shape and mask is None  # every step is real
    ids, mask = pad([[1, 2, 3], [4, 5]])
    assert Batch(ids[:-1], ids[1:], mask[1:]).mask.sum() == 3


def test_batches_say_whether_they_carry_state():
    assert SequentialBatches.carries_state and not ShuffledBatches.carries_state


@pytest.mark.parametrize("kind", [SequentialBatches, ShuffledBatches])
@pytest.mark.parametrize(
    ("ids", "batch_size", "length", "error", "message"),
    [
        (np.arange(6), 2, 3, ValueError, "ids: expected at least 7 symbols for batch_size=2 times length=3, got 6"),
        ([], 1, 1, ValueError, "ids: expected at least 2 symbols .* got 0"),
        (np.arange(9), 0, 3, ValueError, "batch_size: expected at least 1, got 0"),
        (np.arange(9), 2, -1, ValueError, "length: expected at least 1, got -1"),
        (np.arange(9.0), 2, 3, TypeError, "ids: expected integers, got an array of float64"),
        ("a text", 1, 1, TypeError, "ids: expected integers"),
        (np.zeros((3, 3), int), 1, 1, ValueError, r"ids: expected 1 axis, got 2, shape \(3, 3\)"),
    ],
)
def test_batches_name_what_is_wrong(kind, ids, batch_size, length, error, message):
    options = {"rng": np.random.default_rng(0)} if kind is ShuffledBatches else {}
    with pytest.raises(error, match=message):
        kind(ids, batch_size, length, **options)


def test_a_seed_is_not_a_generator():
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator, got int"):
        ShuffledBatches(np.arange(9), 1, 1, rng=0)


# ------------------------------------------------------------------------------------------ padding, one-hot


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=7), min_size=1, max_size=5))
def test_padding_keeps_every_sequence_and_marks_its_steps(sequences):
    ids, mask = pad(sequences, value=-1)
    assert ids.shape == mask.shape == (max(map(len, sequences)), len(sequences))
    for b, sequence in enumerate(sequences):
        assert ids[mask[:, b], b].tolist() == sequence
        assert (ids[~mask[:, b], b] == -1).all()
        assert (np.diff(mask[:, b].astype(int)) <= 0).all()  # real steps first, no holes


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ([], ValueError, "at least one sequence"),
        ([[1], []], ValueError, r"sequences\[1\]: expected at least one symbol"),
        ([[1], [0.5]], TypeError, r"sequences\[1\]: expected integers"),
    ],
)
def test_pad_names_what_is_wrong(sequences, error, message):
    with pytest.raises(error, match=message):
        pad(sequences)


@settings(deadline=None)  # the machine may be busy
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_one_hot_picks_rows_of_the_identity(size, steps, batch, seed):
    ids = np.random.default_rng(seed).integers(size, size=(steps, batch))
    for dtype in (np.float32, np.float64):
        vectors = one_hot(ids, size, dtype=dtype)
        assert vectors.dtype == dtype
        np.testing.assert_array_equal(vectors, np.eye(size)[ids])


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([3], ValueError, "ids: expected 0 to 2, got values from 3 to 3"),
        ([-1], ValueError, "got values from -1"),
        ([True], TypeError, "expected integers, got an array of bool"),
    ],
)
def test_one_hot_names_what_is_wrong(ids, error, message):
    with pytest.raises(error, match=message):
        one_hot(ids, 3)


# ------------------------------------------------------------------------------------------------- pieces

CORPUS = [f"{verb} the {noun}" for verb in ("Open", "Close", "Save…") for noun in ("file", "folder", "文件 %1")] * 3


@pytest.fixture(scope="module")
def pieces():
    return Pieces.train(CORPUS, 40)


def test_pieces_spell_the_text_and_know_their_number(pieces):
    assert len(pieces) == len(pieces.to_list()) == len(set(pieces.to_list())) == 40
    for text in CORPUS[:9]:
        cut = pieces.encode(text)
        assert set(cut) <= set(pieces.to_list()) and len(cut) < len(text)
        assert pieces.decode(cut) == text
    assert pieces.encode("") == [] and pieces.decode([]) == ""


words = st.lists(st.text("OpenClosefilder文…%1Ω猫", min_size=1, max_size=6), max_size=6)


@settings(deadline=None)  # the machine may be busy
@given(words)
def test_any_words_are_spelled_also_with_characters_never_seen(pieces, words):
    assert pieces.decode(pieces.encode(" ".join(words))) == " ".join(words)


def test_the_first_piece_joined_is_the_commonest_pair():
    # a and b stand side by side three times, every other pair once
    assert Pieces.train(["xab yab zab"], 8).to_list()[:2] == ["<unk>", "ab"]


def test_pieces_are_the_same_again_and_in_a_checkpoint(pieces):
    again = Pieces.train(CORPUS, 40)
    assert again == pieces != Pieces.train(CORPUS, 38)
    stored = Pieces(**json.loads(json.dumps(pieces.config())))
    assert stored == pieces and stored.encode("Open the house") == pieces.encode("Open the house")


def test_pieces_name_what_is_wrong(monkeypatch):
    with pytest.raises(ValueError, match="texts: expected at least one text, got none"):
        Pieces.train([], 9)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)  # makes the import fail
    with pytest.raises(ImportError, match="python -m pip install sentencepiece"):
        Pieces.train(CORPUS, 40)
