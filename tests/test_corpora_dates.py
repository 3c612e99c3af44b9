"""Dates and lists of dates."""

import re

import pytest

from rnnlib import corpora
from rnnlib.corpora.dates import part_of as dates_part


def test_dates_are_seeded_distinct_and_unambiguous():
    pairs = corpora.dates(3000, seed=7)
    assert pairs == corpora.dates(3000, seed=7) != corpora.dates(3000, seed=8)
    assert pairs[:100] == corpora.dates(100, seed=7)
    assert len({p.chinese for p in pairs}) == 3000


def test_each_chinese_date_has_one_english_translation():
    translation = {}
    for seed in range(5):
        for chinese, english in corpora.dates(3000, seed=seed):
            assert translation.setdefault(chinese, english) == english


def test_dates_change_the_word_order():
    pairs = dict(corpora.dates(5000, seed=0))
    weekday = next(c for c in pairs if re.fullmatch(r"\d+年\d+月\d+日星期一", c))
    year, month, day = re.findall(r"\d+", weekday)
    assert re.fullmatch(rf"Monday, [A-Z][a-z]+ {day}, {year}", pairs[weekday])
    numeric = next(c for c in pairs if re.fullmatch(r"\d+/\d+/\d+", c))
    year, month, day = numeric.split("/")
    assert pairs[numeric] == f"{month}/{day}/{year}"


@pytest.mark.parametrize("n", [0, -1, 100_001])
def test_dates_refuses_impossible_numbers(n):
    with pytest.raises(ValueError, match=f"n: expected 1 to 100000 dates, got {n}"):
        corpora.dates(n, seed=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corpora.dates(5001, 0, "test"), "n: expected 1 to 5000 dates, got 5001"),
        (lambda: corpora.dates(1, 0, "dev"), "part: expected None, 'train', 'validation' or 'test', got 'dev'"),
        (lambda: corpora.date_lists(0, 0), "n: expected 1 to 100000 lists, got 0"),
        (lambda: corpora.date_lists(1, 0, ()), "lengths: expected numbers of dates, each from 1 to 12, got ()"),
        (lambda: corpora.date_lists(1, 0, (1, 13)), "lengths: expected .* got (1, 13)"),
    ],
)
def test_dates_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        call()


def members(chinese):
    """The dates of a Chinese list, by the two signs that join them."""
    return re.split("[、和]", chinese)


def test_no_date_is_in_two_parts_whatever_the_seeds():
    parts = ("train", "validation", "test")
    sizes = (18_000, 2_000, 2_000)
    alone = [{p.chinese for s in (0, 1) for p in corpora.dates(n, s, q)} for q, n in zip(parts, sizes, strict=True)]
    listed = [
        {date for s in (2, 3) for p in corpora.date_lists(n // 4, s, part=q) for date in members(p.chinese)}
        for q, n in zip(parts, sizes, strict=True)
    ]
    train, validation, test = (a | b for a, b in zip(alone, listed, strict=True))
    assert not (train & validation or train & test or validation & test)
    assert alone[2] & listed[2]  # dates alone and dates in lists are parted alike
    everything = corpora.dates(10_000, seed=4)
    assert abs(sum(dates_part(p.chinese) == "test" for p in everything) / 10_000 - 0.05) < 0.01


def test_a_list_is_its_dates_joined():
    english_of = dict(corpora.dates(30_000, seed=0))
    pairs = corpora.date_lists(2000, seed=5)
    assert pairs == corpora.date_lists(2000, seed=5) and pairs[:50] == corpora.date_lists(50, seed=5)
    assert len({p.chinese for p in pairs}) == 2000
    lengths = [len(members(p.chinese)) for p in pairs]
    assert all(abs(lengths.count(k) - 500) < 90 for k in (1, 2, 3, 4))
    known = 0
    for pair in pairs:
        *first, last = [english_of.get(date) for date in members(pair.chinese)]
        if None in (*first, last):
            continue
        joined = {0: "", 1: f"{first[0] if first else ''} and "}.get(len(first), ", ".join(map(str, first)) + ", and ")
        assert pair.english == joined + last
        known += 1
    assert known > 300
    assert {len(members(p.chinese)) for p in corpora.date_lists(30, 0, (5, 6))} == {5, 6}
