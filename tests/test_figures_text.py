"""`TypeAhead`, `NgramDial` and `Shapes` against the library."""

import numpy as np
import pytest
from figure_page import call

import rnnlib.figures
from rnnlib.cells import GRU, LSTM
from rnnlib.figures.base import bundle
from rnnlib.ngrams import AddK, KneserNey, NGramCounts
from rnnlib.text import Vocabulary
from rnnlib.training import Model, load_pretrained, next_probabilities

# The distributions that the page computes, after each of several texts.
TYPED = """(() => {
    const reader = new m.Reader(argument.network);
    return argument.cases.map(([text, temperature]) => {
        const { candidates, bits, known } = m.predict(reader, text, temperature);
        return { p: Object.fromEntries(candidates.map(({ character, p }) => [character, p])), bits, known };
    });
})()"""


def test_type_ahead_predicts_what_the_library_predicts(blank):
    model, notes = load_pretrained("char_rnn")
    vocabulary = Vocabulary(list(notes["vocabulary"]))
    # the later texts share beginnings with the earlier ones: the reader goes on from the states it has kept
    texts = [
        "If the value is not a ",
        "If the value is",
        "If the value is not None, 想 the",
        "",
        "def f(x):\n    return",
    ]
    cases = [(text, temperature) for text in texts for temperature in (1.0, 0.5, 2.0)]
    argument = {"network": rnnlib.figures.TypeAhead().network, "cases": cases}
    shown = call(blank, bundle("TypeAhead"), TYPED, argument)
    for (text, temperature), got in zip(cases, shown, strict=True):
        known = text.replace("想", "")
        p, _ = next_probabilities(model, vocabulary.encode("\n" + known), temperature=temperature)
        np.testing.assert_allclose([got["p"][c] for c in list(notes["vocabulary"])], p, rtol=0, atol=1e-3)
        assert "".join(got["known"]) == known
        surprise = [
            -np.log2(next_probabilities(model, vocabulary.encode("\n" + known[:t]))[0][vocabulary.encode(known[t])[0]])
            for t in range(len(known))
        ]
        np.testing.assert_allclose(got["bits"], surprise, atol=1e-2)


@pytest.mark.parametrize(("cell_type", "options"), [(GRU, {"reset_after": True}), (GRU, {}), (LSTM, {})])
def test_type_ahead_shows_models_of_the_reader(blank, cell_type, options):
    rng = np.random.default_rng(5)
    model = Model(cell_type(4, 6, rng=rng, **options), 4, rng=rng)
    figure = rnnlib.figures.TypeAhead(model, ["\n", "a", "b", "c"], text="abca")
    got = call(blank, bundle("TypeAhead"), TYPED, {"network": figure.network, "cases": [["abca", 1.0]]})[0]
    p, _ = next_probabilities(model, np.array([0, 1, 2, 3, 1]))
    np.testing.assert_allclose([got["p"][c] for c in "\nabc"], p, rtol=0, atol=1e-3)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_ngram_dial_counts_what_the_library_counts(blank, order):
    measured = rnnlib.figures.NgramDial().measured
    vocabulary = Vocabulary(sorted(set(measured["text"])))
    counts = NGramCounts(vocabulary.encode(measured["text"]), len(vocabulary), max_order=8)
    contexts = ["", "\n", "the ", "If the valu", "zqxj{", measured["text"][:9]]
    expression = """(() => {
        const counts = new m.Counts(argument.text, argument.discounts);
        const of = (context) => argument.models.map((options) => counts.distribution(context, options));
        return argument.contexts.map(of);
    })()"""
    models = [{"order": order, "smoothing": "add-k", "k": 0.1}, {"order": order, "smoothing": "Kneser-Ney", "k": 1}]
    argument = {**measured, "contexts": contexts, "models": models}
    shown = call(blank, bundle("NgramDial"), expression, argument)
    oracles = [AddK(counts, order, k=0.1), KneserNey(counts, order)]
    for context, distributions in zip(contexts, shown, strict=True):
        for oracle, got in zip(oracles, distributions, strict=True):
            # the discounts are stored with six digits
            np.testing.assert_allclose(got, oracle.distribution(vocabulary.encode(context)), rtol=0, atol=1e-5)


def test_shapes_steps_through_all_examples(open_page):
    tab = open_page("Shapes")
    for shape, examples in rnnlib.figures.Shapes().examples.items():
        tab.locator(f"input[value='{shape}']").check(force=True)
        for example in examples:
            shown = tab.locator(".rnnlib-figure").inner_text().replace("\xa0", " ")
            assert example["about"] in shown
            tab.get_by_role("slider", name="Step of the network").press("End")
            written = [column["output"] for column in example["columns"] if column["output"] is not None]
            assert tab.locator(".rnnlib-figure svg text.on.output").all_text_contents() == written
            tab.get_by_role("button", name="Another example").click()
    assert not tab.trouble
