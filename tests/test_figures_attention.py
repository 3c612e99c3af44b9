"""AttentionEditor against PyTorch: what it writes, with rows of attention changed and with prefixes, and the page."""

import json
from base64 import b64decode
from functools import cache

import numpy as np
import pytest
import torch
from figure_page import page_of, summary, told

from rnnlib.corpora import date_lists, dates
from rnnlib.figures import AttentionEditor
from rnnlib.figures.attention_editor import pinned, written
from rnnlib.figures.base import bundle
from rnnlib.figures.shipped import shipped
from rnnlib.figures.translator import LOOK_BACK, around, translator_of
from rnnlib.seq2seq import BOS, EOS, SPECIAL, UNK, Seq2Seq, pair_batch
from rnnlib.text import Vocabulary
from rnnlib.training import load_pretrained

SOURCE, TARGET = [*SPECIAL, *"abcde"], [*SPECIAL, *"xyz uvw"]
OPTIONS = [
    {"cell": cell, "attention": attention, "context": context, "use": use, "bidirectional": both}
    for cell, attention, context, use, both in [
        ("gru", "dot", "last", "initial", False),
        ("gru", "scaled_dot", "transform_last", "both", True),
        ("gru", "general", "transform_all", "input", False),
        ("gru", None, "last", "both", False),
        ("gru", None, "transform_all", "initial", True),
        ("lstm", "dot", "last", "initial", False),
        ("lstm", "additive", "transform_all", "both", True),
        ("lstm", "general", "last", "initial", True),
        ("lstm", None, "transform_last", "both", False),
        ("lstm", None, "last", "input", False),
    ]
]


def own_model(seed=0, H=6, E=4, **options):
    rng = np.random.default_rng(seed)
    model = Seq2Seq(len(SOURCE), len(TARGET), hidden_size=H, embedding_size=E, rng=rng, **options)
    for name, p in model.params.items():
        scale = 0.8 if "attention" not in name else 2.0
        p[...] = rng.normal(scale=scale, size=p.shape).astype(np.float16)  # what half precision keeps
    return model


# ---------------------------------------------------------------------------------------------- decoding


def by_torch(model, ids, *, prefix=(), rows=None, limit=12):
    """Greedy search step by step with PyTorch: per step the symbol, all probabilities and the row of attention."""
    found = []
    with torch.no_grad():
        memory = model.read(np.array(ids)[:, None])
        state, y = model.decoder.initial_state(memory), BOS
        for t in range(limit):
            given = None if rows is None or t not in rows else torch.tensor(rows[t], dtype=torch.float32)[None]
            decoded = model.decoder.step(torch.tensor([y]), state, memory, given)
            state = decoded.state
            p = torch.softmax(decoded.logits[0], dim=-1).numpy()
            y = prefix[t] if t < len(prefix) else EOS if t == limit - 1 else EOS + int(p[EOS:].argmax())
            weights = None if decoded.weights is None else decoded.weights[0].tolist()
            found.append((y, p.tolist(), weights))
            if y == EOS:
                break
    return found


def on_page(tab, network, jobs, limit=12):
    """The same in the page: for each (ids, prefix, {step: row}) the moments."""
    return tab.evaluate(
        """async ([source, network, jobs, limit]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const translator = new m.Translator(network);
            return jobs.map(([ids, prefix, rows]) => m.decode(translator, translator.encode(ids), {
                prefix, limit, looks: (t) => rows[t] ? () => rows[t] : null,
            }).map(({ symbol, p, weights }) => [symbol, [...p], weights ? [...weights] : null]));
        }""",
        [bundle("AttentionEditor"), network, jobs, limit],
    )


def same(page, torch_, atol):
    assert [symbol for symbol, *_ in page] == [symbol for symbol, *_ in torch_]
    for (_, p, weights), (_, expected, row) in zip(page, torch_, strict=True):
        np.testing.assert_allclose(p, expected, rtol=0, atol=atol)
        assert (weights is None) == (row is None)
        if row is not None:
            np.testing.assert_allclose(weights, row, rtol=0, atol=atol)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(str(v) for v in o.values()))
def test_the_page_writes_what_pytorch_writes(blank, options):
    model = own_model(**options)
    rng = np.random.default_rng(3)
    jobs = [(rng.integers(UNK + 1, len(SOURCE), size=n).tolist(), [], {}) for n in (1, 2, 5, 9)]
    jobs += [(jobs[2][0], [5, 7], {})]
    if options["attention"]:
        rows = {1: [0, 0, 0, 1, 0], 3: [0.5, 0.5, 0, 0, 0]}
        jobs += [(jobs[2][0], [], rows), (jobs[2][0], [4], rows)]
    pages = on_page(blank, translator_of(model, SOURCE, TARGET), jobs)
    for (ids, prefix, rows), page in zip(jobs, pages, strict=True):
        same(page, by_torch(model, ids, prefix=prefix, rows=rows), 1e-5)
    assert len({json.dumps(page) for page in pages}) >= 5  # they are not all the same


@cache
def shown():
    """The model of the page, and held-out dates and lists of them."""
    model, notes = load_pretrained("date_attention")
    texts = [pair.chinese for pair in dates(12, 5, part="test") + date_lists(8, 6, lengths=(2, 3, 4), part="test")]
    return model, Vocabulary(notes["source"], unknown=SPECIAL[UNK]), notes, texts


def test_the_shipped_model_gives_the_same_signs_and_probabilities(blank):
    model, source, notes, texts = shown()
    jobs = [(source.encode(text).tolist(), [], {}) for text in texts]
    for (ids, *_), page in zip(jobs, on_page(blank, shipped("date_attention"), jobs, 200), strict=True):
        same(page, by_torch(model, ids, limit=200), 1e-3)
    right = {pair.chinese: pair.english for pair in dates(12, 5, part="test")}
    assert (
        sum(
            translation(page, notes) in right.values()
            for page in on_page(blank, shipped("date_attention"), jobs[:12], 200)
        )
        >= 11
    )


def translation(page, notes):
    return "".join(notes["target"][symbol] for symbol, *_ in page if symbol != EOS)


def test_a_changed_row_gives_what_pytorch_gives(blank):
    model, source, _, texts = shown()
    rng = np.random.default_rng(1)
    jobs = []
    for text in texts[:8]:
        ids = source.encode(text).tolist()
        rows = {int(t): rng.dirichlet(np.full(len(ids), 0.3)).tolist() for t in rng.integers(0, 9, size=2)}
        jobs.append((ids, [], rows))
    for (ids, _, rows), page in zip(jobs, on_page(blank, shipped("date_attention"), jobs, 120), strict=True):
        same(page, by_torch(model, ids, rows=rows, limit=120), 1e-3)


# ---------------------------------------------------------------------------------------------- rows and states


CALL = """async ([source, name, ...values]) => {
    const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    return values.map((all) => m[name](...all));
}"""


def test_the_rest_of_a_row_shares_what_is_left(blank):
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(60):
        n = int(rng.integers(1, 7))
        own = rng.dirichlet(np.full(n, 0.4)).tolist()
        at = rng.choice(n + 2, size=int(rng.integers(0, 4)) % (n + 1), replace=False)
        cases.append((own, {int(j): round(float(rng.random()), 2) for j in at}))
    cases += [([1, 0, 0], {0: 0.5}), ([0.5, 0.5], {0: 0.0, 1: 0.0}), ([0.2, 0.8], {0: 0.9, 1: 0.6}), ([1.0], {0: 0.3})]
    page = blank.evaluate(CALL, [bundle("AttentionEditor"), "pinned", *cases])
    for (own, pins), found in zip(cases, page, strict=True):
        row = pinned(own, pins)
        np.testing.assert_allclose(found, row, atol=1e-12)
        np.testing.assert_allclose(row.sum(), 1, atol=1e-12)
        inside = {j: w for j, w in pins.items() if j < len(own)}
        free = [j for j in range(len(own)) if j not in inside]
        if free and sum(inside.values()) <= 1:
            np.testing.assert_allclose(row[list(inside)], list(inside.values()))
            ratios = [row[j] / own[j] for j in free if own[j] > 1e-3]
            np.testing.assert_allclose(ratios, ratios[:1] * len(ratios))


def test_edits_are_written_as_they_are_read(blank):
    edits = {3: {0: 0.25, 7: 0.5}, 12: {5: 1.0}}
    text = written(edits)
    found = blank.evaluate(
        """async ([source, text]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const edits = m.parseEdits(text);
            return [Object.fromEntries(edits), m.writeEdits(edits), m.writeEdits(m.parseEdits("nonsense:;3=,4:"))];
        }""",
        [bundle("AttentionEditor"), text],
    )
    assert found == [{str(t): {str(j): w for j, w in pins.items()} for t, pins in edits.items()}, text, ""]


def test_states_of_the_training_set_are_the_model_s_and_the_nearest_are_found(blank):
    model, _, notes, _ = shown()
    states = shipped("date_attention")["states"]
    pairs = date_lists(**{**notes["train"], "n": 500}, part="train")[:LOOK_BACK]
    m = np.frombuffer(b64decode(states["m"]["data"]), np.int8).reshape(states["m"]["shape"]) / 127
    assert len(m) == len(states["entries"]) == LOOK_BACK
    vocabularies = [Vocabulary(notes[side], unknown=SPECIAL[UNK]) for side in ("source", "target")]
    for n in (0, 7, 99):
        before, sign, after, looked = states["entries"][n]
        target = [*pairs[n].english, "∎"]
        places = [t for t, s in enumerate(target) if s == sign and "".join(target[:t]).endswith(before)]
        batch = pair_batch([pairs[n]], *vocabularies)
        with torch.no_grad():
            decoded = model.decoder(torch.from_numpy(batch.target_in), model.read(batch.source, batch.source_mask))
            every = torch.tanh(torch.cat([decoded.context, decoded.h], -1) @ model.decoder.W_m)[:, 0].numpy()
        t = min(places, key=lambda t: np.abs(every[t] - m[n]).max())
        np.testing.assert_allclose(m[n], every[t], atol=0.5 / 127 + 1e-3)
        assert "".join(target[t + 1 : t + 4]) == after
        assert looked == around(pairs[n].chinese, int(decoded.weights[t, 0].argmax()))
    whole = {"shape": list(m.shape), "data": np.rint(127 * m).ravel().tolist()}
    query = np.random.default_rng(2).uniform(-1, 1, size=m.shape[1])
    expected = np.argsort(((m - query) ** 2).sum(axis=1), kind="stable")[:4]
    found = blank.evaluate(
        """async ([source, states, query]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            return m.nearestStates(states, query, 4).map(({ entry }) => entry);
        }""",
        [bundle("AttentionEditor"), {**states, "m": whole}, query.tolist()],
    )
    assert found == [states["entries"][n] for n in expected]


def longest_common(one, other):
    """The length of the longest common subsequence, by trying all of the shorter one's."""
    best = 0
    for bits in range(1 << len(one)):
        part = [c for n, c in enumerate(one) if bits >> n & 1]
        rest = iter(other)
        if len(part) > best and all(c in rest for c in part):
            best = len(part)
    return best


def test_what_two_translations_share_is_as_much_as_can_be(blank):
    rng = np.random.default_rng(4)
    cases = [["".join(rng.choice(list("abc"), size=rng.integers(0, 8))) for _ in range(2)] for _ in range(40)]
    page = blank.evaluate(CALL, [bundle("AttentionEditor"), "shared", *([[*a], [*b]] for a, b in cases)])
    for (one, other), kept in zip(cases, page, strict=True):
        parts = [
            "".join(c for c, keep in zip(text, kept_, strict=True) if keep)
            for text, kept_ in zip((one, other), kept, strict=True)
        ]
        assert parts[0] == parts[1] and len(parts[0]) == longest_common(one, other)
    words = [("August 3, 2026", "August 8, 2026"), ("May 1", "March 1"), ("Sunday, May 1", "Monday, May 1"), ("a", "a")]
    page = blank.evaluate(CALL, [bundle("AttentionEditor"), "difference", *([[*a], [*b]] for a, b in words)])
    assert page == [["3", "8"], ["May", "March"], ["Sunday", "Monday"], ["", ""]]


# ---------------------------------------------------------------------------------------------- the class


def test_a_model_of_ones_own_and_what_cannot_be_shown():
    model = own_model(attention="dot")
    figure = AttentionEditor(model, SOURCE, TARGET, [("abc", "xyz"), ("e", "u v")], text="abc", edits={1: {0: 0.5}})
    assert (figure.edits, figure.step, figure.network["kind"]) == ("1:0=0.5", 0, "GRU")
    assert figure.network["states"]["entries"][0][1] in "xyz∎"
    assert AttentionEditor(model, Vocabulary(SOURCE), Vocabulary(TARGET)).network["target"] == TARGET
    with pytest.raises(ValueError, match="model: expected one with attention, got one without"):
        AttentionEditor(own_model(), SOURCE, TARGET)
    with pytest.raises(ValueError, match="target_vocabulary: expected the model's 11 symbols, got 9"):
        AttentionEditor(model, SOURCE, SOURCE)
    with pytest.raises(TypeError, match="model: expected a model together with both vocabularies"):
        AttentionEditor(model, SOURCE)
    with pytest.raises(TypeError, match="model: expected a Seq2Seq, got str"):
        AttentionEditor("dates", SOURCE, TARGET)


def test_symbols_of_several_characters_are_cut_the_longest_first(blank):
    model = own_model(attention="dot")
    network = translator_of(model, [*SPECIAL, "a", "ab", "abc", "b", "c"], TARGET)
    found = blank.evaluate(
        """async ([source, network, texts]) => {
            const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const translator = new m.Translator(network);
            return texts.map((text) => translator.source.cut(text));
        }""",
        [bundle("AttentionEditor"), network, ["abcab", "cabd", "<eos>a", ""]],
    )
    assert [one["ids"] for one in found] == [[6, 5], [8, 5], [4], []]
    assert found[1]["unknown"] == ["d"] and found[2]["unknown"] == [*"<eos>"]


# ---------------------------------------------------------------------------------------------- by hand, on the page


def signs(tab, key) -> str:
    """A row of the translations in the picture, "now" or "old"."""
    return "".join(tab.locator(f"svg .ae-letter.{key}").all_text_contents())


def test_a_bar_that_is_dragged_changes_what_is_written_and_undo_brings_it_back(browser, tmp_path):
    with page_of(browser, tmp_path, AttentionEditor(text="8月3日")) as tab:
        alone = signs(tab, "old")
        assert alone == signs(tab, "now") == "August3∎"
        tab.get_by_role("slider", name="Symbol of the translation").focus()
        for _ in range(7):
            tab.keyboard.press("ArrowRight")
        assert told(tab).startswith("For “3” it looks at “3”")
        field = tab.locator("svg .rf-field").first.bounding_box()
        x, base = field["x"] + field["width"] / 20, field["y"] + field["height"]
        bars = tab.locator("svg .ae-sign").first.bounding_box()
        x = bars["x"] + bars["width"] / 2
        tab.mouse.move(x, base - 4)
        tab.mouse.down()
        tab.mouse.move(x, base - 75, steps=4)
        tab.mouse.up()
        assert signs(tab, "now") == "August8∎" and signs(tab, "old") == alone
        assert "it writes “8”, not “3”" in told(tab)
        assert "The translation: “August 8”" in summary(tab)
        tab.get_by_role("button", name="Undo").press("Enter")
        assert signs(tab, "now") == alone


def test_a_sign_that_is_clicked_is_forced_and_so_is_what_is_typed(browser, tmp_path):
    with page_of(browser, tmp_path, AttentionEditor(text="8月3日")) as tab:
        second = tab.get_by_role("button", name="Force").nth(1)
        sign = second.get_attribute("aria-label").split()[1].rstrip(",")
        second.click()
        assert told(tab).startswith("Made to begin like this")
        assert signs(tab, "now")[0] == sign != "A"
        tab.get_by_role("button", name="All controls").click()
        tab.get_by_label("Begin with").fill("May")
        tab.wait_for_timeout(200)
        assert signs(tab, "now").startswith("May") and signs(tab, "old").startswith("August")
        tab.get_by_label("Chinese").fill("8月3日x")
        assert "not known: x" in tab.locator("svg.rf-picture").text_content()
