"""Bottleneck: what it shows is what was measured, and translators of one's own are measured rightly."""

import numpy as np
import pytest
from figure_page import page_of, summary, told

from rnnlib.corpora import date_lists
from rnnlib.figures import Bottleneck
from rnnlib.figures.base import bundle
from rnnlib.figures.shipped import shipped
from rnnlib.seq2seq import Seq2Seq, translate, vocabulary_of

DATA = shipped("bottleneck")


def test_the_numbers_fit_together():
    lengths = DATA["lengths"]
    assert set(DATA["trained"]) < set(lengths) and lengths == sorted(lengths)
    assert 2 <= len(DATA["models"]) <= 6
    for model in DATA["models"]:
        assert all(len(seed) == len(lengths) for seed in model["exact"])
        assert np.min(model["exact"]) >= 0 and np.max(model["exact"]) <= 1
    weights = [model["weights"] for model in DATA["models"]]
    assert max(weights) < 1.05 * min(weights)
    for n, lists in zip(lengths, DATA["examples"], strict=True):
        held_out = {pair.chinese: pair.english for pair in date_lists(100, seed=3, lengths=(n,), part="test")}
        for shown in lists:
            assert held_out[shown["source"]] == shown["target"]
            assert len(shown["outputs"]) == len(DATA["models"])


def test_attention_carries_more_dates_than_one_vector_and_no_length_beyond():
    median = {m["name"]: np.median(m["exact"], axis=0) for m in DATA["models"]}
    attention = next(median[m["name"]] for m in DATA["models"] if m["attention"])
    others = np.max([median[m["name"]] for m in DATA["models"] if not m["attention"]], axis=0)
    three = DATA["lengths"].index(3)
    assert attention[three] > 0.9 and others[three] < 0.1
    beyond = [k for k, n in enumerate(DATA["lengths"]) if n not in DATA["trained"]]
    assert np.max(attention[beyond]) < 0.1


PAGE = """async ([source, data]) => {
    const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const lines = m.curves(data);
    return data.lengths.map((length, n) => data.examples[n].map((example) => ({
        points: lines.map(({ points }) => Object.values(points[n])),
        found: m.finding(lines, { length, n }),
        said: m.summary(data, lines, { length, n, example }),
        wrong: example.outputs.map((output) => m.judged(example.target, output)),
    })));
}"""


def test_the_page_says_what_was_measured(blank):
    for n, (length, lists) in enumerate(
        zip(DATA["lengths"], blank.evaluate(PAGE, [bundle("Bottleneck"), DATA]), strict=True)
    ):
        exact = [[seed[n] for seed in model["exact"]] for model in DATA["models"]]
        for shown, page in zip(DATA["examples"][n], lists, strict=True):
            np.testing.assert_allclose(page["points"], [[min(e), np.median(e), max(e)] for e in exact])
            best = [
                max(np.median(e) for e, m in zip(exact, DATA["models"], strict=True) if bool(m["attention"]) == looks)
                for looks in (True, False)
            ]
            right, without = (f"{np.floor(100 * share + 0.5):.0f} %" for share in best)
            unit = "date" if length == 1 else "dates"
            most = "at most " if without != "0 %" else ""
            assert page["found"] == f"{length} {unit}: {right} right with attention, {most}{without} without"
            assert ("(not trained)" in page["said"]) == (length not in DATA["trained"])
            for output, judged, model in zip(shown["outputs"], page["wrong"], DATA["models"], strict=True):
                assert judged["exact"] == (output == shown["target"])
                k = judged["wrong"]
                assert output[:k] == shown["target"][:k]
                assert judged["exact"] or output[k : k + 1] != shown["target"][k : k + 1]
                assert model["name"] in page["said"]


def test_translators_of_ones_own_are_measured_by_greedy_search():
    pairs = {1: [("ab", "x"), ("b", "y")], 2: [("abab", "xx"), ("ba", "yx"), ("a", "")]}
    source, target = vocabulary_of(["ab"]), vocabulary_of(["xy"])
    models = [
        Seq2Seq(len(source), len(target), hidden_size=4, embedding_size=3, rng=np.random.default_rng(seed))
        for seed in range(3)
    ]
    for model in models[:2]:  # these write "x" whatever they read
        model.params["decoder.W_hq"][...] = 0
        model.params["decoder.b_q"][...] = [0, 0, 0, 0, 1, 0]
    figure = Bottleneck.of({"mine": models[0], "two": models[1:]}, pairs, source, target, trained=[1])
    data = figure.measured
    assert (data["lengths"], data["trained"], figure.length) == ([1, 2], [1], 1)
    for model, seeds in zip(data["models"], (models[:1], models[1:]), strict=True):
        for exact, translator in zip(model["exact"], seeds, strict=True):
            for share, held_out in zip(exact, pairs.values(), strict=True):
                found = translate(translator, [chinese for chinese, _ in held_out], source, target)
                assert share == np.mean([text == english for text, (_, english) in zip(found, held_out, strict=True)])
    assert data["examples"][1][2]["target"] == "" and len(data["examples"][0][0]["outputs"]) == 2
    with pytest.raises(ValueError, match="models: expected one to 6, got 0"):
        Bottleneck.of({}, pairs, source, target)
    with pytest.raises(ValueError, match="pairs: expected some for each length"):
        Bottleneck.of({"mine": models[0]}, {1: []}, source, target)


def test_dragging_shows_the_length_and_another_list(browser, tmp_path):
    with page_of(browser, tmp_path, Bottleneck(length=1)) as tab:
        assert told(tab).startswith("1 date:")
        tab.get_by_role("slider", name="Dates in the list").press("End")
        assert told(tab).startswith("6 dates:") and "(not trained)" in summary(tab)
        first = tab.locator("svg .bo-letter").first.text_content()
        tab.get_by_role("button", name="Another list").click()
        tab.wait_for_timeout(150)
        assert tab.locator("svg .bo-letter").first.text_content() != first
        expected = DATA["examples"][-1][1]["source"]
        assert expected.startswith(
            tab.locator("svg .bo-letter").first.text_content().rstrip("…").replace("\u00a0", " ")
        )
