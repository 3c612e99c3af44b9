"""Corpora: the same on every call, clean, and split without leaks."""

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
from rnnlib.corpora.dates import part_of as dates_part

# of the text that Python 3.11.2, 3.11.7, 3.12.1, 3.13.0 and 3.14.0 all give
SHA_256 = "558b4919b3c767459ebabd26082a0b44bf0c4190453272918d49ba4bb90db05b"

UI_TEST = "3a16f4899a5aa1f1"  # of the held-out interface strings, the same on Python 3.11, 3.12 and 3.13


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


def test_ui_strings_are_one_to_one_and_translated():
    pairs = corpora.ui_strings()
    assert 2500 < len(pairs) < 4500
    assert len({p.chinese for p in pairs}) == len({p.english for p in pairs}) == len(pairs)
    assert all(re.search("[\u4e00-\u9fff]", p.chinese) for p in pairs)
    assert all(text == " ".join(text.split()) != "" for p in pairs for text in p)
    assert corpora.Pair("关闭所有其它标签页", "Close All Other Tabs") in pairs


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


def by_hand(a, b):
    """Dice's coefficient, from sets."""
    one, two = (corpora.character_ngrams(corpora.normalise(text)) for text in (a, b))
    return 2 * len(one & two) / max(len(one) + len(two), 1)


def test_similarity_is_dices_coefficient():
    strings = [p.chinese for p in corpora.ui_strings()[:300]]
    similarity = corpora.Similarity(strings)
    for text in [*strings[::40], "不在其中的字符串", "xyz", ""]:
        np.testing.assert_allclose(similarity.to(text), [by_hand(text, s) for s in strings], atol=1e-15)
        if text in strings:
            assert corpora.normalise(strings[similarity.nearest(text)]) == corpora.normalise(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Copy 1 file", "Copy 23 File…"),
        ("%s items", "{count} items"),
        ("Hello %(name)s!", "hello ${user}"),
        ("<b>Save</b>: %1", "<i>save</i>: {0}"),
        ("&File", "File"),
        ("打开(&O)...", "打开"),
        ("_Quit", "quit"),
    ],
)
def test_normalise_drops_what_near_duplicates_differ_in(one, other):
    assert corpora.normalise(one) == corpora.normalise(other) != ""


@pytest.mark.parametrize(("one", "other"), [("100% sure", "0 sure"), ("a_b", "ab"), ("R&D", "RD x"), ("存", "保存")])
def test_normalise_keeps_what_strings_differ_in(one, other):
    assert corpora.normalise(one) != corpora.normalise(other)


words = st.lists(st.tuples(st.text("abc", max_size=5), st.text("xyz", max_size=5)), max_size=12)


@settings(deadline=None)  # the machine may be busy
@given(words, st.sampled_from([0.3, 0.6, 0.9]))
def test_families_are_what_hangs_together(items, threshold):
    family = corpora.families(items, threshold).tolist()
    # the oracle: reach all that can be reached, from each item
    linked = [[any(by_hand(a, b) >= threshold for a, b in zip(p, q, strict=True)) for q in items] for p in items]
    for i in range(len(items)):
        reached, border = {i}, [i]
        while border:
            j = border.pop()
            new = {k for k in range(len(items)) if linked[j][k]} - reached
            reached |= new
            border += new
        assert family[i] == min(reached)
    held_out = items[:3]
    allowed = corpora.unlike(items, held_out, threshold) if held_out else []
    assert list(allowed) == [not any(linked[i][:3]) for i in range(len(allowed))]


def test_no_held_out_string_has_a_near_duplicate_in_another_part():
    split = corpora.ui_strings_split()
    assert [len(part) for part in split] == [2093, 200, 400]
    everything = [p for p in corpora.ui_strings() if max(map(len, p)) <= 80]
    assert sorted(p for part in split for p in part) == sorted(everything)
    for held_out, others in ((split.test, split.train + split.validation), (split.validation, split.train)):
        for language in (0, 1):
            similarity = corpora.Similarity([p[language] for p in others])
            assert max(similarity.to(p[language]).max() for p in held_out) < 0.75
    assert split == corpora.ui_strings_split() and split.test != corpora.ui_strings_split(seed=1).test
    texts = [p.english for p in split.test]
    assert sum(len(text) for text in texts) > 20 * len(texts)  # not only the shortest are left over
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] == UI_TEST


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 0}, "validation, test: expected at least 1 pair each, got (200, 0)"),
        ({"test": 4000}, "validation, test: expected at most 2"),
        (
            {"pairs": [corpora.Pair("甲", "a"), corpora.Pair("乙", "b")], "validation": 1, "test": 1},
            "more than are held",
        ),
    ],
)
def test_ui_strings_split_names_what_is_wrong(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        corpora.ui_strings_split(**options)


def test_catalogues_are_read_compiled_or_not(tmp_path):
    pytest.importorskip("babel")
    from babel.messages import Catalog, mofile, pofile

    catalog = Catalog(locale="zh_CN")
    catalog.add("Quit", "退出")
    catalog.add(("one file", "%(num)d files"), ("%(num)d 个文件",))
    catalog.add("Guess", "猜", flags=["fuzzy"])
    catalog.add("Python", "Python")
    catalog.add("Later", "")
    catalog.add("Leave", "退出")
    paths = [tmp_path / "zh_CN" / "LC_MESSAGES" / name for name in ("a.mo", "a.po", "b.po")]
    paths += [tmp_path / "zh_TW" / "b.po", tmp_path / "de" / "a.mo"]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            (mofile.write_mo if path.suffix == ".mo" else pofile.write_po)(file, catalog)
    assert corpora.chinese_catalogues(tmp_path) == [paths[0], paths[2]]
    expected = [("%(num)d 个文件", "%(num)d files"), ("退出", "Leave")]
    assert corpora.read_catalogues(paths[:1]) == corpora.read_catalogues(paths[2:3]) == expected


def test_installed_catalogues_add_to_jupyterlabs():
    pytest.importorskip("sphinx")
    pairs = corpora.ui_strings(corpora.INSTALLED)
    assert pairs[: len(corpora.ui_strings())] == corpora.ui_strings()
    assert 3500 < len(pairs) < 4500 and len({p.english for p in pairs}) == len(pairs)


def test_weather_has_a_value_for_every_day():
    data = corpora.weather()
    assert data.date[0] == np.datetime64("2012-01-01") and data.date[-1] == np.datetime64("2015-12-31")
    assert (np.diff(data.date) == np.timedelta64(1, "D")).all() and len(data.date) == 1461
    assert all(column.shape == (1461,) for column in data)
    assert (data.temp_max >= data.temp_min).all() and data.precipitation.min() == 0
    assert set(data.kind) == {"drizzle", "fog", "rain", "snow", "sun"}


def test_digits_are_pictures_in_the_unit_interval():
    data = corpora.digits()
    assert data.images.shape == (1797, 8, 8) and data.labels.shape == (1797,)
    assert data.images.min() == 0 and data.images.max() == 1
    assert set(data.labels) == set(range(10)) and len(data.words) == 10
    # a one has more ink in its middle columns than a zero
    middle = data.images[:, 2:6, 3:5].mean(axis=(1, 2))
    assert middle[data.labels == 1].mean() > 2 * middle[data.labels == 0].mean()


@pytest.mark.parametrize(
    ("module", "call", "package"),
    [
        ("jupyterlab_language_pack_zh_CN", corpora.ui_strings, "jupyterlab-language-pack-zh-CN"),
        ("babel.dates", lambda: corpora.dates(1, 0), "babel"),
        ("vega_datasets", corpora.weather, "vega-datasets"),
        ("sklearn.datasets", corpora.digits, "scikit-learn"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, module, call, package):
    monkeypatch.setitem(sys.modules, module, None)  # makes the import fail
    with pytest.raises(ImportError, match=f"python -m pip install {package}"):
        call()


# ------------------------------------------------------------------------------------------------- toy tasks

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)  # the machine may be busy
@given(sizes, sizes, sizes, sizes, seeds)
def test_copy_memory_asks_for_the_letters_after_go(batch, length, delay, n_letters, seed):
    task = corpora.copy_memory(batch, length, delay, n_letters, rng=np.random.default_rng(seed))
    assert task.x.shape == task.y.shape == task.mask.shape == (2 * length + delay, batch)
    assert task.n_symbols == n_letters + 2
    for b in range(batch):
        go = int(np.flatnonzero(task.x[:, b] == n_letters + 1)[0])
        assert go - (length - 1) == delay
        letters = task.x[:length, b]
        assert letters.max() < n_letters
        assert (task.y[go + 1 :, b] == letters).all() and (task.y[: go + 1, b] == n_letters).all()
        assert (task.x[length:, b] >= n_letters).all()  # nothing but blanks and "go" to cheat from
        assert (task.mask[:, b] == (np.arange(len(task.x)) > go)).all()


@settings(deadline=None)  # the machine may be busy
@given(sizes, st.integers(1, 12), st.integers(0, 11), seeds)
def test_delayed_copy_repeats_the_input_later(batch, steps, delay, seed):
    rng = np.random.default_rng(seed)
    if delay >= steps:
        with pytest.raises(ValueError, match=f"delay: expected less than steps={steps}, .* got {delay}"):
            corpora.delayed_copy(batch, steps, delay, rng=rng)
        return
    task = corpora.delayed_copy(batch, steps, delay, n_letters=5, rng=rng)
    assert task.x.shape == (steps, batch)
    assert all((task.y[t] == task.x[t - delay]).all() for t in range(delay, steps))
    assert not task.mask[:delay].any() and task.mask[delay:].all()


@settings(deadline=None)  # the machine may be busy
@given(sizes, st.integers(2, 12), seeds)
def test_adding_marks_one_step_in_each_half(batch, steps, seed):
    task = corpora.adding(batch, steps, rng=np.random.default_rng(seed))
    values, marks = task.x[..., 0], task.x[..., 1]
    assert task.x.shape == (steps, batch, 2) and task.y.shape == (batch, 1)
    assert (marks[: steps // 2].sum(axis=0) == 1).all() and (marks[steps // 2 :].sum(axis=0) == 1).all()
    np.testing.assert_allclose(task.y[:, 0], (values * marks).sum(axis=0))


def test_without_memory_adding_costs_one_sixth():
    task = corpora.adding(200_000, 4, rng=np.random.default_rng(0))
    assert abs(np.mean((task.y - 1) ** 2) - 1 / 6) < 0.002


def test_every_step_can_carry_a_marker():
    task = corpora.adding(2000, 5, rng=np.random.default_rng(0))
    assert (task.x[..., 1].sum(axis=1) > 0).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: corpora.adding(1, 1, rng=np.random.default_rng(0)), ValueError, "steps: expected at least 2, got 1"),
        (lambda: corpora.copy_memory(0, 1, 1, rng=np.random.default_rng(0)), ValueError, "batch: .* at least 1, got 0"),
        (
            lambda: corpora.delayed_copy(1, 2, -1, rng=np.random.default_rng(0)),
            ValueError,
            "delay: .* at least 0, got -1",
        ),
        (lambda: corpora.adding(1, 2, rng=0), TypeError, "rng: expected a numpy.random.Generator, got int"),
    ],
)
def test_toy_tasks_name_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
