"""`GateMicroscope`: how units are named, and its arithmetic in Chromium against the library's."""

import json

import numpy as np
import pytest
import traitlets
from figure_page import call
from small_model import ALPHABET, every_cell, own_model

from rnnlib.bptt import Stacked, clamped
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.corpora import balanced, python_docs_split
from rnnlib.figures import GateMicroscope
from rnnlib.figures.base import bundle, pack
from rnnlib.figures.gate_microscope import LOOKED_AT, areas, microscope_of, named_units, packed, search, unit_values
from rnnlib.figures.shipped import shipped
from rnnlib.text import Vocabulary
from rnnlib.training import Model, load_pretrained


def test_units_are_named_by_what_they_do():
    """Units made for the purpose: 3 tells quotations, 0 counts the letters of a word, 4 keeps, 1 changes."""
    text = list('ab "cde fg" hijk (l m) no "p" q' * 3)
    rng = np.random.default_rng(0)
    T = len(text)
    state, z = rng.normal(size=(T, 6)), rng.uniform(0.4, 0.6, size=(T, 6))
    state[:, 3] = -(np.cumsum([c == '"' for c in text]) % 2) + 0.01 * rng.normal(size=T)
    count = 0
    for t, c in enumerate(text):
        count = count + 1 if c.isalpha() else 0
        state[t, 0] = count
    state[:, 2] = np.cumsum([(c == "(") - (c == ")") for c in text])
    z[:, 4], z[:, 1] = 0.9, 0.1
    named = named_units({"state": state, "z": z}, text)
    assert [(one["unit"], one["name"]) for one in named] == [
        (3, "quotation"), (0, "place in the word"), (4, "keeps long"), (1, "changes fast"), (2, "bracket")
    ]  # fmt: skip
    assert [one["score"] for one in named] == [1.0, 1.0, 0.9, 0.1, 1.0]
    assert len({one["unit"] for one in named_units({"state": state[:, :3]}, text)}) == 3
    assert "quotation" not in [one["name"] for one in named_units({"state": state[:8]}, list("ab cd ef"))]


def test_areas_are_shares_of_pairs():
    rng = np.random.default_rng(1)
    values, inside = rng.integers(0, 4, size=(30, 5)).astype(float), rng.integers(0, 2, size=30)
    for area, column in zip(areas(values, inside), values.T, strict=True):
        pairs = [(a > b) + (a == b) / 2 for a in column[inside == 1] for b in column[inside == 0]]
        assert area == pytest.approx(max(np.mean(pairs), 1 - np.mean(pairs)), abs=1e-12)
    assert areas(values, np.zeros(30)) is None


def test_the_first_named_unit_tells_quotations_on_text_it_was_not_chosen_on():
    model, notes = load_pretrained("char_gru")
    vocabulary = list(notes["vocabulary"])
    unit = shipped("char_gru")["units"][0]
    text = balanced(python_docs_split().test)[:5000]
    run = unit_values(model, vocabulary, text)
    inside, flags = False, []
    for character in text:
        inside ^= character == '"'
        flags.append(inside)
    area = areas(run["state"][:, [unit["unit"]]], np.array(flags))[0]
    assert unit["name"] == "quotation" and shipped("char_gru")["unit"] == unit["unit"]
    assert area > 0.9 and abs(area - unit["score"]) < 0.05


def test_by_default_the_quotation_unit_is_held_where_it_usually_is_outside_quotations():
    model, notes = load_pretrained("char_gru")
    text = balanced(python_docs_split().validation)[:LOOKED_AT]
    outside = np.cumsum([character == '"' for character in text]) % 2 == 0
    state = unit_values(model, list(notes["vocabulary"]), text)["state"][:, shipped("char_gru")["unit"]]
    figure = GateMicroscope()
    assert figure.value == pytest.approx(np.median(state[outside]), abs=0.005)
    assert figure.text[figure.since] == '"' and figure.text[figure.mark_start : figure.mark_end] == '"print'


def test_shipped_weights_lose_nothing_on_the_page():
    model, _ = load_pretrained("char_gru")
    for name, p in model.params.items():
        page = shipped("char_gru")["params"][name]
        assert page["dtype"] == ("int8" if p.ndim == 2 else "float32")
        assert packed(p) == page


def test_what_cannot_be_shown_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="model: expected one RNN, GRU or LSTM as its layer, got Stacked"):
        GateMicroscope(Model(Stacked([RNN(2, 3, rng=rng), RNN(3, 3, rng=rng)]), 2, rng=rng), "ab")
    with pytest.raises(TypeError, match="vocabulary: expected a model together with its vocabulary"):
        GateMicroscope(own_model(GRU, {}))
    with pytest.raises(traitlets.TraitError, match=r"network: expected data or one of \[.*'char_gru'"):
        GateMicroscope("char_gnu")
    with pytest.raises(traitlets.TraitError):
        GateMicroscope(gate="q")
    assert GateMicroscope("char_gru").network == GateMicroscope().network


# One reading after the other with the same two readers, so that each goes on from what the one before has kept.
READ = """(() => {
    const machine = new m.Machine(argument.network);
    const [free, other] = [new m.Reading(machine), new m.Reading(machine)];
    return argument.cases.map(([text, held]) => {
        const ids = machine.known(text).map((character) => machine.index.get(character));
        free.aim(ids);
        for (let n = 0; n < ids.length / 2 && !free.done; n++) free.advance();
        other.aim(ids, held, free);
        while (!free.done) free.advance();
        while (!other.done) other.advance();
        return [free, other].map((reading) => ({
            p: machine.expect(reading.moments.at(-1)),
            bits: [...reading.surprise()],
            values: held ? reading.values(held.gate, held.unit) : [],
        }));
    });
})()"""


def clamped_from(model, ids, held):
    """The distribution after ids, and the surprise at each but the first, with a hold that begins at a character."""
    p, state, bits = None, None, []
    for t, k in enumerate(ids):
        now = clamped(model, held["gate"], held["unit"], held["value"]) if held and t > held["since"] else model
        if p is not None:
            bits.append(-np.log2(p[k]))
        o, state = now.step(np.array([k]), state)
        p = np.exp(o[0].astype(float) - o.max())
        p /= p.sum()
    return p, bits


def check_reading(blank, model, vocabulary, network, cases):
    known = Vocabulary(vocabulary)
    for (text, held), shown in zip(
        cases, call(blank, bundle("GateMicroscope"), READ, {"network": network, "cases": cases}), strict=True
    ):
        ids = known.encode("\n" + text)
        for hold, got in zip((None, held), shown, strict=True):
            p, bits = clamped_from(model, ids, hold)
            np.testing.assert_allclose(got["p"], p, rtol=0, atol=1e-3)
            np.testing.assert_allclose(got["bits"], bits, rtol=0, atol=1e-2)
        if held:
            np.testing.assert_allclose(shown[1]["values"][held["since"] :], held["value"], atol=1e-12)


def test_the_page_reads_as_the_library_does_also_with_a_unit_held(blank):
    model, notes = load_pretrained("char_gru")
    unit = shipped("char_gru")["unit"]
    text = 'The built-in name "print'
    hold = lambda gate, value, since, unit=unit: {"gate": gate, "unit": unit, "value": value, "since": since}  # noqa: E731
    cases = [
        (text, None),
        (text, hold("state", 0, 0)),
        (text, hold("state", -0.6, 19)),
        (text, hold("state", 0.8, 12)),
        (text + '" is', hold("z", 1, 12)),
        (text[:21], hold("z", 0.35, 3)),
        (text, hold("r", 0, 5, 3)),
        ("If the", hold("n", 0.5, 2, 7)),
        (text, None),
    ]
    check_reading(blank, model, list(notes["vocabulary"]), shipped("char_gru"), cases)


@every_cell
def test_the_page_reads_as_models_of_ones_own_do(blank, cell_type, options):
    model = own_model(cell_type, options, seed=5)
    figure = GateMicroscope(model, ALPHABET, "ab ba ab")
    cases = [("ab ba ab", None)]
    for gate in call(blank, bundle("GateMicroscope"), "new m.Machine(argument).gates", figure.network):
        cases.append(("ab ba abb", {"gate": gate, "unit": 2, "value": 0.4, "since": 3}))
    assert len(cases) == {RNN: 2, GRU: 5, LSTM: 6}[cell_type]
    check_reading(blank, model, list(ALPHABET), figure.network, cases)


def test_a_grid_of_bytes_is_unpacked_to_the_very_weights(blank):
    rng = np.random.default_rng(2)
    scale = rng.uniform(1e-3, 1e-2, size=7).astype(np.float32)
    steps = rng.integers(-127, 128, size=(5, 7))
    steps[0] = 127
    p = steps.astype(np.float32) * scale
    got = call(blank, bundle("GateMicroscope"), "[...new m.Machine(argument).params.b]", own_network({"b": packed(p)}))
    np.testing.assert_allclose(np.reshape(got, p.shape), p, rtol=2e-7)


def own_network(params):
    model = own_model(GRU, {})
    network = microscope_of(model, list(ALPHABET), "ab ba", "ab ba")
    return network | {"params": network["params"] | params}


FIND = """argument.map(([stretch, values]) => m.search(stretch, values))"""


def test_the_search_finds_what_numpy_finds(blank):
    rng = np.random.default_rng(3)
    cases = []
    for length in (1, 2, 5, 9):
        values = np.repeat(rng.uniform(-1, 1, size=60), rng.integers(1, 9, size=60)).round(3)
        start = int(rng.integers(0, len(values) - length))
        cases.append(((values[start : start + length] + rng.normal(scale=0.05, size=length)).round(3), values))
    cases.append((np.array([0.2]), np.array([])))
    got = call(blank, bundle("GateMicroscope"), FIND, [[list(map(float, one)) for one in case] for case in cases])
    expected = [search(*case) if len(case[1]) else [] for case in cases]
    assert got == expected
    assert all(len(found) > 3 for found in expected[:2])


SURVEY = """(() => {
    const machine = new m.Machine(argument.network);
    const job = m.survey(machine, argument.text);
    let step = job.next();
    while (!step.done) step = job.next();
    return argument.wanted.map(([gate, unit, from, to]) => {
        const values = step.value.values(gate, unit);
        return m.search(values.slice(from, to), values);
    });
})()"""


def test_the_search_in_the_shipped_text_finds_what_numpy_finds_in_the_librarys_trace(blank):
    model, notes = load_pretrained("char_gru")
    network = shipped("char_gru")
    text = network["searched"][:1200]
    unit = network["unit"]
    wanted = [("state", unit, 300, 306), ("z", unit, 100, 104), ("z", 3, 500, 503), ("r", 5, 20, 26)]
    found = call(blank, bundle("GateMicroscope"), SURVEY, {"network": network, "text": text, "wanted": wanted})
    run = unit_values(model, list(notes["vocabulary"]), text)
    for (gate, unit, start, end), got in zip(wanted, found, strict=True):
        values = run[gate][:, unit].astype(float)
        expected = search(values[start:end], values)
        assert start in got and got[0] == start
        assert set(got) == set(expected) and len(got) > 1


def test_pack_knows_signed_bytes():
    assert pack(np.array([[-1, 127]]), "int8") == {"dtype": "int8", "shape": [1, 2], "data": "/38="}
    assert json.dumps(GateMicroscope().state())
