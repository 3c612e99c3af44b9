"""The text of Python's manual: the same on every release, prose only, split by paragraphs; quotations."""

import functools
import hashlib
import re
import sys
import textwrap

import choose_paragraphs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib import corpora
from rnnlib.corpora import prose

# of the text that Python 3.11.2, 3.11.7, 3.12.1, 3.13.0 and 3.14.0 all give
SHA_256 = "558b4919b3c767459ebabd26082a0b44bf0c4190453272918d49ba4bb90db05b"


def test_python_docs_is_prose_without_repetition_or_furniture():
    text = corpora.python_docs()
    paragraphs = text.splitlines()
    assert len(text) == 194_178 and len(paragraphs) == 988
    assert len(set(paragraphs)) == len(paragraphs)
    assert text.isascii() and all(c.isprintable() or c == "\n" for c in text)
    assert not any("::=" in p or p.startswith((">>>", "+-", "|")) for p in paragraphs)
    assert not any(re.search(r"[*=~-]{4}", p) for p in paragraphs)
    assert all(re.search(r"[.!?:;][\"')\]]*$", p) for p in paragraphs)
    assert "  " not in text


def test_python_docs_is_the_same_text_on_every_release():
    assert hashlib.sha256(corpora.python_docs().encode("ascii")).hexdigest() == SHA_256


def test_the_list_of_paragraphs_holds_hashes_without_repetition():
    names = [line for line in prose.LIST.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
    assert len(set(names)) == len(names) == 988
    assert all(re.fullmatch(r"[0-9a-f]{8}", name) for name in names)
    # the oracle: the list, made again from the text
    assert names == [hashlib.blake2b(p.encode(), digest_size=4).hexdigest() for p in corpora.python_docs().splitlines()]


def manual(paragraphs):
    """A manual in which each paragraph is a topic of its own: other names, another order, other line breaks."""
    return {f"{-i % 7}-{i}": f"Heading\n*******\n\n{textwrap.fill(p, 60)}\n" for i, p in enumerate(paragraphs)}


@pytest.fixture(scope="module")
def plain():
    """Paragraphs that wrapping and tidying bring back as they are."""
    known = [p for p in corpora.python_docs().splitlines() if not re.search(r"-\w|^\W|[*]", p)]
    assert 500 < len(known) < 988
    return known


@pytest.fixture
def short_list(monkeypatch, tmp_path, plain):
    """The list, as if it named the first hundred of these paragraphs alone."""
    names = [prose.fingerprint(p) for p in plain[:100]]
    monkeypatch.setattr(prose, "LIST", tmp_path / "list.txt")
    prose.LIST.write_text("# a comment\n" + "\n".join(names) + "\n", encoding="ascii")
    return plain[:100]


def test_a_release_that_tells_more_in_another_order_gives_the_same_text(short_list, plain):
    topics = manual([*reversed(short_list), *plain[100:130], "A paragraph that no release had before."])
    assert prose.shared_text(topics) == "".join(p + "\n" for p in short_list)


def test_a_release_that_lacks_paragraphs_gives_the_rest_and_says_how_many(short_list):
    changed = [p if i % 20 else p + " That has changed." for i, p in enumerate(short_list)]
    message = (
        r"expected 100 paragraphs, got 94; the manual of Python \d.* lacks the others.* None is missing in Python 3"
    )
    with pytest.warns(UserWarning, match=message):
        text = prose.shared_text(manual(changed[:-1]))
    assert text.splitlines() == [p for i, p in enumerate(short_list) if i % 20 and i < 99]


def test_another_manual_is_refused(short_list):
    with pytest.raises(RuntimeError, match=r"expected the manual of Python, with 100 known paragraphs, got 49 of them"):
        prose.shared_text(manual(short_list[:49]))


def test_missing_paragraphs_are_reported_once(monkeypatch, short_list):
    import pydoc_data.topics

    monkeypatch.setattr(pydoc_data.topics, "topics", manual(short_list[1:]))
    fresh = functools.cache(corpora.python_docs.__wrapped__)
    with pytest.warns(UserWarning, match="expected 100 paragraphs, got 99") as reported:
        assert fresh() == fresh()
    assert len(reported) == 1 and reported[0].filename == __file__  # it points at who asked


def test_a_python_without_its_manual_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)  # makes the import fail
    with pytest.raises(ImportError, match="a part of Python's standard library that this Python comes without"):
        corpora.python_docs.__wrapped__()


def test_chosen_are_the_common_paragraphs_in_the_order_of_the_first_release():
    assert choose_paragraphs.choose([["d", "a", "b", "c"], ["a", "c", "d"], ["c", "d", "e"]]) == ["d", "c"]


def test_two_paragraphs_with_one_hash_are_refused(monkeypatch):
    monkeypatch.setattr(choose_paragraphs, "fingerprint", len)
    with pytest.raises(ValueError, match="expected different hashes, got one for 'one' and 'two'"):
        choose_paragraphs.choose([["one", "three"], ["two"]])


@pytest.mark.parametrize(
    ("topic", "paragraphs"),
    [
        ("Title\n*****\n\nOne\nline.\n", ["One line."]),  # a heading goes, hard line breaks go
        ("For example:\n\n   if x:\n       y.\n\nMore.\n", ["For example:", "More."]),  # program text goes
        ("*f(x)*\n\n   Return the *value*.\n", ["Return the value."]),  # a definition's body is prose
        ("None\n   This type has\n   one value.\n", ["This type has one value."]),  # also without an empty line
        ("* first.\n\n* second “one” [3].\n", ["first.", 'second "one".']),
        ("* a long\n  item.\n\n[1] a long\n    note.\n", ["a long item.", "a long note."]),
        ("a built-\nin, pre-\nand post-war word.\n", ["a built-in, pre- and post-war word."]),
        ('Use "**kwargs" and "a*b".\n', ['Use "**kwargs" and "a*b".']),  # stars in code stay
        ("+---+\n| a |\n+---+\n\nstmt ::= x.\n\n>>> 1.\n", []),
        ("A floating\npoint number.\n", ["A floating-point number."]),
        ("Twice.\n\nTwice.\n", ["Twice."]),
    ],
)
def test_paragraphs_keep_prose_and_drop_furniture(topic, paragraphs):
    assert prose.paragraphs({"topic": topic}) == paragraphs


lines = st.lists(st.text("abc", min_size=1, max_size=5), min_size=40, max_size=80, unique=True)


@settings(deadline=None)  # the machine may be busy
@given(lines, st.integers(1, 3))
def test_a_split_holds_every_line_once_and_shares_none(lines, rounds):
    split = corpora.split_blocks("".join(line + "\n" for line in lines), validation=0.3, test=0.3, rounds=rounds)
    parts = [part.splitlines() for part in split]
    assert sorted(line for part in parts for line in part) == sorted(lines)
    for part in parts:  # order is kept
        assert part == sorted(part, key=lines.index)


def test_a_round_gives_contiguous_blocks_in_the_asked_shares():
    text = "".join(f"{i:03}\n" for i in range(100))
    split = corpora.split_blocks(text, validation=0.1, test=0.2, rounds=2)
    assert split.validation.split() == [f"{i:03}" for i in [*range(35, 40), *range(85, 90)]]
    assert split.test.split() == [f"{i:03}" for i in [*range(40, 50), *range(90, 100)]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "a\nb\n",
            {"validation": 0.0},
            "validation, test: expected shares above 0 that add to less than 1, got 0.0 and 0.1",
        ),
        ("a\nb\n", {"validation": 0.6, "test": 0.4}, "got 0.6 and 0.4"),
        ("a\nb\n", {"rounds": 0}, "rounds: expected at least 1, got 0"),
        ("", {}, "got 0 lines, 0 characters: the train part"),
        ("one line only\n", {}, "1 lines, 14 characters: the validation part"),
    ],
)
def test_split_names_what_is_wrong(text, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        corpora.split_blocks(text, **options)


def test_the_standard_split_shares_no_paragraph():
    split = corpora.python_docs_split()
    train, validation, test = (set(part.splitlines()) for part in split)
    assert not (train & validation or train & test or validation & test)
    assert sum(map(len, split)) == len(corpora.python_docs())
    assert set(split.alphabet) == set(corpora.python_docs())
    assert set(split.alphabet) == set(split.train)  # nothing that a model of the training part has never seen
    for part, share in zip(split, (0.8, 0.1, 0.1), strict=True):
        assert abs(len(part) / len(corpora.python_docs()) - share) < 0.02


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", ""),
        ('say "yes" or', "000011110000"),
        ('"a""b"', "110110"),
        ('no " end\nnew "line"', "000111111" + "0000111110"),
    ],
)
def test_a_quotation_is_open_from_its_mark_to_the_next_one_or_to_the_end_of_the_line(text, bits):
    assert "".join(map(str, corpora.inside_quotations(text))) == bits


def test_balanced_paragraphs_close_what_they_open():
    text = corpora.balanced(corpora.python_docs_split().validation)
    kept, lines = text.split("\n"), corpora.python_docs_split().validation.splitlines()
    assert 0.9 < len(kept) / len(lines) < 1 and set(kept) <= set(lines)
    for line in set(lines):
        depth = np.cumsum([(c == "(") - (c == ")") for c in line])
        open_at_the_end = depth[-1] != 0 or corpora.inside_quotations(line)[-1] == 1
        assert (line in kept) != open_at_the_end
