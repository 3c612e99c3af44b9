"""Chinese-English strings, and which of them are nearly the same."""

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib import corpora

UI_TEST = "3a16f4899a5aa1f1"  # of the held-out interface strings, the same on Python 3.11, 3.12 and 3.13


def test_ui_strings_are_one_to_one_and_translated():
    pairs = corpora.ui_strings()
    assert 2500 < len(pairs) < 4500
    assert len({p.chinese for p in pairs}) == len({p.english for p in pairs}) == len(pairs)
    assert all(re.search("[\u4e00-\u9fff]", p.chinese) for p in pairs)
    assert all(text == " ".join(text.split()) != "" for p in pairs for text in p)
    assert corpora.Pair("关闭所有其它标签页", "Close All Other Tabs") in pairs


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
