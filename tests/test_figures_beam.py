"""BeamExplorer against rnnlib.seq2seq: its tree, what ends and how it scores, and what a reopened branch comes to."""

import numpy as np
import pytest
from figure_page import page_of, told

from rnnlib.figures import BeamExplorer
from rnnlib.figures.base import bundle
from rnnlib.figures.shipped import shipped
from rnnlib.figures.translator import translator_of
from rnnlib.seq2seq import EOS, SPECIAL, UNK, Seq2Seq, beam_search, beam_tree, brute_force, greedy
from rnnlib.text import Vocabulary
from rnnlib.training import load_pretrained

SOURCE, TARGET = [*SPECIAL, *"abcd"], [*SPECIAL, *"xyz"]


def own_model(seed=0, **options):
    rng = np.random.default_rng(seed)
    model = Seq2Seq(len(SOURCE), len(TARGET), hidden_size=6, embedding_size=4, rng=rng, **options)
    for p in model.params.values():
        p[...] = rng.normal(scale=0.7, size=p.shape).astype(np.float16)  # what half precision keeps
    return model


def on_page(tab, network, jobs):
    """For each (ids, options of the search, κ) the steps of the tree and what has ended, best first."""
    return tab.evaluate(
        """async ([source, network, jobs]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const translator = new m.Translator(network);
            return jobs.map(([ids, options, penalty]) => {
                const { steps, finished } = m.grow(translator, translator.encode(ids), options);
                return {
                    steps: steps.map((all) => all.map(({ parent, symbol, logP, kept, ended }) =>
                        [parent, symbol, logP, kept, ended])),
                    found: m.ranked(finished, penalty).map(({ ids, logP, score }) => [ids, logP, score]),
                };
            });
        }""",
        [bundle("BeamExplorer"), network, jobs],
    )


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "use": "both"}, {"attention": "dot"}], ids=str)
def test_the_tree_is_the_library_s(blank, options):
    model, rng = own_model(**options), np.random.default_rng(1)
    jobs = []
    for width, limit, penalty, prefix in [
        (1, 9, 0, []),
        (2, 9, 0.6, []),
        (3, 7, 1, [5]),
        (5, 12, 0, [4, 6]),
        (4, 1, 0, []),
    ]:
        ids = rng.integers(UNK + 1, len(SOURCE), size=4).tolist()
        jobs.append((ids, {"width": width, "limit": limit, "prefix": prefix, "pruned": 3}, penalty))
    for (ids, given, penalty), page in zip(
        jobs, on_page(blank, translator_of(model, SOURCE, TARGET), jobs), strict=True
    ):
        hypotheses, steps = beam_tree(
            model, np.array(ids), width=given["width"], length_penalty=penalty, max_length=given["limit"],
            prefix=given["prefix"], pruned=3,
        )  # fmt: skip
        assert len(page["steps"]) == len(steps)
        for branches, expected in zip(page["steps"], steps, strict=True):
            assert [(parent, symbol, kept, ended) for parent, symbol, _, kept, ended in branches] == [
                (b.parent, b.symbol, b.kept, b.ended) for b in expected
            ]
            np.testing.assert_allclose([b[2] for b in branches], [b.log_probability for b in expected], atol=1e-4)
        assert [tuple(ids) for ids, *_ in page["found"]] == [h.ids for h in hypotheses]
        for (_, log_p, score), h in zip(page["found"], hypotheses, strict=True):
            np.testing.assert_allclose([log_p, score], [h.log_probability, h.score], atol=1e-4)


@pytest.mark.parametrize("penalty", [0, 0.6, 1])
def test_a_beam_that_prunes_nothing_finds_what_trying_all_finds(blank, penalty):
    model = own_model(3)
    ids = [4, 6, 5]
    every = brute_force(model, np.array(ids), max_length=3, length_penalty=penalty)
    job = (ids, {"width": len(every), "limit": 3, "pruned": 0}, penalty)
    (page,) = on_page(blank, translator_of(model, SOURCE, TARGET), [job])
    assert len(page["found"]) == len(every)
    np.testing.assert_allclose([score for *_, score in page["found"]], [h.score for h in every], atol=1e-4)
    assert page["found"][0][0] == list(every[0].ids)


def shown():
    model, notes = load_pretrained("date_context_young")
    return model, Vocabulary(notes["source"], unknown=SPECIAL[UNK]), Vocabulary(notes["target"], unknown=SPECIAL[UNK])


def test_the_shipped_model_in_the_default_state_makes_a_search_error(blank):
    model, source, target = shown()
    figure = BeamExplorer()
    ids = source.encode(figure.text)
    path = target.encode(figure.reopened).tolist()
    hypotheses, steps = beam_tree(model, ids, width=figure.width, pruned=3)
    t, last = len(path) - 1, path[-1]
    assert any(not b.kept and b.symbol == last for b in steps[t])  # it is one of those that were pruned
    (reopened,) = beam_search(model, ids[:, None], width=figure.width, prefix=path)
    assert reopened[0].score > hypotheses[0].score > greedy(model, ids[:, None])[0].score
    jobs = [
        (ids.tolist(), {"width": figure.width, "pruned": 3}, 0),
        (ids.tolist(), {"width": figure.width, "pruned": 3, "prefix": path}, 0),
    ]
    first, again = on_page(blank, shipped("date_context_young"), jobs)
    assert first["found"][0][0] == list(hypotheses[0].ids) and again["found"][0][0] == list(reopened[0].ids)
    np.testing.assert_allclose(first["found"][0][1], hypotheses[0].log_probability, atol=1e-3)
    np.testing.assert_allclose(again["found"][0][1], reopened[0].log_probability, atol=1e-3)


def test_a_finding_says_who_has_the_higher_score(blank):
    ids = {"one": [4, 4, EOS], "two": [5, EOS]}
    branch = lambda name, log_p: {"ids": ids[name], "logP": log_p}  # noqa: E731
    winner = {**branch("one", -3.0), "score": -3.0}
    cases = [
        ({"winner": winner, "greedy": branch("two", -4), "opened": None, "path": []}, "The beam finds"),
        ({"winner": winner, "greedy": branch("one", -3), "opened": None, "path": []}, "what greedy search finds"),
        ({"winner": winner, "greedy": None, "opened": branch("two", -2.5), "path": [5]}, "a search error"),
        ({"winner": winner, "greedy": None, "opened": branch("two", -3.5), "path": [5]}, "rightly pruned"),
        ({"winner": winner, "greedy": None, "opened": branch("one", -3.0), "path": [4]}, "like the winner"),
        ({"winner": None, "greedy": None, "opened": None, "path": [], "leading": [4]}, "So far the likeliest: “4”"),
    ]
    found = blank.evaluate(
        """async ([source, states]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const said = (state, room) => m.finding({ ...state, penalty: 0, text: (ids) => ids.join(" ") }, room);
            return states.map((state) => [said(state), said(state, 10)]);
        }""",
        [bundle("BeamExplorer"), [state for state, _ in cases]],
    )
    for (words, short), (_, expected) in zip(found, cases, strict=True):
        assert expected in words and len(short) <= min(len(words), 40)  # 40: what a telephone has room for


def test_a_model_of_ones_own_and_what_cannot_be_shown():
    figure = BeamExplorer(own_model(), SOURCE, TARGET, text="abc")
    assert (figure.reopened, figure.network["attention"], figure.network["kind"]) == ("", None, "GRU")
    assert BeamExplorer(own_model(attention="dot"), SOURCE, TARGET).network["attention"] == "dot"
    with pytest.raises(ValueError, match="source_vocabulary: expected the model's 8 symbols, got 7"):
        BeamExplorer(own_model(), TARGET, TARGET)
    with pytest.raises(TypeError, match="model: expected a model together with both vocabularies"):
        BeamExplorer(own_model(), SOURCE)


# ---------------------------------------------------------------------------------------------- by hand, on the page


def test_a_pruned_sign_that_is_clicked_is_reopened_and_closed_again(browser, tmp_path):
    with page_of(browser, tmp_path, BeamExplorer(reopened="", text="12月23日周日")) as tab:
        assert "click a pruned symbol" in tab.locator("svg.rf-picture").text_content()
        first = told(tab)
        box = tab.locator("svg rect.be-node.pruned").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        tab.mouse.click(x, y)
        assert "Reopened" in told(tab) or "rightly pruned" in told(tab) or "search error" in told(tab)
        assert tab.locator("svg rect.be-node.opened").count() > 1
        tab.mouse.click(x, y)
        assert told(tab) == first and tab.locator("svg rect.be-node.opened").count() == 0


def test_the_tree_grows_sign_by_sign_and_the_penalty_orders_what_has_ended(browser, tmp_path):
    with page_of(browser, tmp_path, BeamExplorer(step=3, reopened="", text="12月23日周日")) as tab:
        nodes = tab.locator("svg rect.be-node:not(.pruned)")
        assert nodes.count() == 9 and told(tab) == "So far the likeliest: “Sun”"
        tab.get_by_role("slider", name="Signs written").press("End")
        _, source, target = shown()
        model = shown()[0]
        ids = source.encode("12月23日周日")
        for penalty in (0.0, 1.5):
            tab.get_by_role("slider", name="Length penalty").first.press("End" if penalty else "Home")
            tab.wait_for_timeout(200)
            best = beam_tree(model, ids, width=3, length_penalty=penalty)[0][0]
            text = tab.locator("svg text.be-cell.won").all_text_contents()
            assert best.text(target) in text and f"{best.score:.2f}".replace("-", "−") in text
