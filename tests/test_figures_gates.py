"""GateMicroscope against rnnlib: what it expects, freely and with a unit held, which units it names, what it finds."""

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
import traitlets

from rnnlib.bptt import Stacked, backward, clamped, gradient_check, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.corpora import python_docs_split
from rnnlib.figures import GateMicroscope
from rnnlib.figures.base import HERE, bundle, pack
from rnnlib.figures.gate_microscope import LOOKED_AT, areas, microscope_of, named_units, packed, search, unit_values
from rnnlib.figures.shipped import balanced, shipped
from rnnlib.figures.sphinx_ext import assignment
from rnnlib.registry import describe, known
from rnnlib.text import Vocabulary
from rnnlib.training import Model, load_pretrained, next_probabilities

ALPHABET = "\nab "
CELLS = [(GRU, {}), (GRU, {"reset_after": True}), (LSTM, {}), (RNN, {})]
every_cell = pytest.mark.parametrize(("cell_type", "options"), CELLS)


def own_model(cell_type, options, seed=0, H=6, V=4):
    rng = np.random.default_rng(seed)
    model = Model(cell_type(V, H, rng=rng, **options), V, rng=rng)
    for p in model.params.values():
        p[...] = rng.normal(scale=0.7, size=p.shape).astype(np.float16)  # what half precision keeps
    return model


# ---------------------------------------------------------------------------------------------- clamped, in Python


def by_hand(cell, x, gate, unit, value):
    """All states of a GRU or LSTM with one unit held, written out step by step; (T, H)."""
    σ, H = lambda a: 1 / (1 + np.exp(-a)), cell.hidden_size
    W_x, W_h, b = (cell.params[name] for name in ("W_x", "W_h", "b"))
    h, c, states = np.zeros(H), np.zeros(H), []
    for x_t in x:
        part = lambda k, s, x_t=x_t: x_t @ W_x[:, k * H : (k + 1) * H] + s + b[k * H : (k + 1) * H]  # noqa: E731
        block = lambda k: W_h[:, k * H : (k + 1) * H]  # noqa: E731
        values = {}

        def held(name, a, values=values):
            a = a.copy()
            if name == gate:
                a[unit] = value
            values[name] = a
            return a

        if isinstance(cell, GRU):
            r, z = (held(name, σ(part(k, h @ block(k)))) for k, name in enumerate("rz"))
            if cell.reset_after:
                n = held("n", np.tanh(part(2, r * (h @ block(2) + cell.params["b_n"]))))
            else:
                n = held("n", np.tanh(part(2, (r * h) @ block(2))))
            h = held("state", z * h + (1 - z) * n)
            states.append(h)
        else:
            i, f, o = (held(name, σ(part(k, h @ block(k)))) for k, name in enumerate("ifo"))
            g = held("g", np.tanh(part(3, h @ block(3))))
            c = held("state", f * c + i * g)
            h = o * np.tanh(c)
            states.append(h)
    return np.array(states)


@pytest.mark.parametrize(("cell_type", "options"), CELLS[:3])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_clamped_cell_is_what_the_formulas_give(cell_type, options, value):
    cell = own_model(cell_type, options).layer
    x = np.random.default_rng(1).normal(size=(7, 1, 4))
    for gate in ("state", *cell.gates):
        expected = by_hand(cell, x[:, 0], gate, 2, value)
        trace = unroll(clamped(cell, gate, 2, value), x)
        np.testing.assert_allclose(trace.h[:, 0], expected, rtol=0, atol=1e-12)
        if gate != "state":
            np.testing.assert_allclose(trace.gates[gate][:, 0, 2], value, rtol=0, atol=1e-15)
    assert not np.allclose(unroll(cell, x).h[:, 0], expected)  # and the cell itself is as it was


@every_cell
def test_a_clamped_cell_has_right_gradients(cell_type, options):
    cell = own_model(cell_type, options).layer
    x = np.random.default_rng(2).normal(size=(5, 2, 4))
    for gate in ("state", cell.gates[0]):
        errors = gradient_check(clamped(cell, gate, 1, 0.25), x, rng=np.random.default_rng(3))
        assert max(errors.values()) < 1e-6
    trace = unroll(clamped(cell, "state", 1, 0.25), x)
    dh = np.zeros_like(trace.h)
    dh[-1, :, 1] = 1  # a state that stands still depends on nothing; an LSTM's h still on its output gate
    assert np.any(backward(trace, dh).params["W_h"]) == (cell_type is LSTM)


def test_a_clamped_model_shares_the_rest_and_predicts():
    model = own_model(GRU, {})
    held = clamped(model, "z", 0, 1.0)
    assert held.layer.params["W_h"] is not model.layer.params["W_h"] and held.output is model.output
    ids = np.array([0, 1, 2, 1])
    p, _ = next_probabilities(held, ids)
    h = by_hand(model.layer, np.eye(4)[ids], "z", 0, 1.0)[-1]
    logits = h @ model.params["W_hq"] + model.params["b_q"]
    np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(), atol=1e-12)


def test_clamping_says_what_it_cannot_do():
    cell = own_model(GRU, {}).layer
    with pytest.raises(ValueError, match=r"gate: expected one of \('state', 'r', 'z', 'n'\), got 'f'"):
        clamped(cell, "f", 0, 1)
    with pytest.raises(ValueError, match="unit: expected 0 to 5, got 6"):
        clamped(cell, "z", 6, 1)
    with pytest.raises(ValueError, match=r"value: expected one that sigmoid can give, got 1\.5"):
        clamped(cell, "z", 0, 1.5)
    with pytest.raises(ValueError, match="value: expected a finite number"):
        clamped(cell, "state", 0, np.nan)
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="layer: expected one cell, or a model with one, got Stacked"):
        clamped(Stacked([RNN(3, 4, rng=rng)]), "h", 0, 0)
    without = GRU(4, 3, rng=rng, use_bias=False, reset_after=True)
    trace = unroll(clamped(without, "r", 1, 0.5), rng.normal(size=(4, 1, 4)))
    np.testing.assert_allclose(trace.gates["r"][:, 0, 1], 0.5)


def test_a_cell_whose_state_is_held_is_not_stored_and_leaves_no_trace():
    before = known()
    for kind in (RNN, GRU, LSTM):
        model = own_model(kind, {})
        held = clamped(model, "state", 0, 0.0)
        assert isinstance(held.layer, kind) and type(model.layer) is kind
        with pytest.raises(TypeError, match="layer: expected a cell that can be stored, got one whose state is clamp"):
            describe(held)
    assert known() == before


# ---------------------------------------------------------------------------------------------- names and the search


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


# ---------------------------------------------------------------------------------------------- the page


@pytest.fixture
def blank(browser) -> Iterator:
    tab = browser.new_page()
    yield tab
    tab.close()


def call(tab, expression: str, argument: object) -> object:
    """Evaluate an expression with the names of the figure's module as `m`."""
    script = f"""async ([source, argument]) => {{
        const m = await import(URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }})));
        return {expression};
    }}"""
    return tab.evaluate(script, [bundle("GateMicroscope"), argument])


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
    for (text, held), shown in zip(cases, call(blank, READ, {"network": network, "cases": cases}), strict=True):
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
    for gate in call(blank, "new m.Machine(argument).gates", figure.network):
        cases.append(("ab ba abb", {"gate": gate, "unit": 2, "value": 0.4, "since": 3}))
    assert len(cases) == {RNN: 2, GRU: 5, LSTM: 6}[cell_type]
    check_reading(blank, model, list(ALPHABET), figure.network, cases)


def test_a_grid_of_bytes_is_unpacked_to_the_very_weights(blank):
    rng = np.random.default_rng(2)
    scale = rng.uniform(1e-3, 1e-2, size=7).astype(np.float32)
    steps = rng.integers(-127, 128, size=(5, 7))
    steps[0] = 127
    p = steps.astype(np.float32) * scale
    got = call(blank, "[...new m.Machine(argument).params.b]", own_network({"b": packed(p)}))
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
    got = call(blank, FIND, [[list(map(float, one)) for one in case] for case in cases])
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
    found = call(blank, SURVEY, {"network": network, "text": text, "wanted": wanted})
    run = unit_values(model, list(notes["vocabulary"]), text)
    for (gate, unit, start, end), got in zip(wanted, found, strict=True):
        values = run[gate][:, unit].astype(float)
        expected = search(values[start:end], values)
        assert start in got and got[0] == start
        assert set(got) == set(expected) and len(got) > 1


def test_pack_knows_signed_bytes():
    assert pack(np.array([[-1, 127]]), "int8") == {"dtype": "int8", "shape": [1, 2], "data": "/38="}
    assert json.dumps(GateMicroscope().state())


# ---------------------------------------------------------------------------------------------- the reader's hand


@pytest.fixture
def open_figure(browser, tmp_path) -> Iterator:
    """A function that opens a page with the figure alone, without a network."""
    contexts = []

    def visit(figure: GateMicroscope, network: str = "char_gru", **options):
        scripts = [
            assignment("rnnlibData", network, shipped(network)),
            assignment("rnnlibFigures", "GateMicroscope", {"module": figure._esm, "state": figure.defaults()}),
            (HERE / "host.js").read_text(encoding="utf8"),
        ]
        for n, script in enumerate(scripts):
            (tmp_path / f"{n}.js").write_text(script, encoding="utf8")
        tags = "".join(f'<script src="{n}.js"></script>' for n in range(3))
        page = f'<!doctype html><html><meta charset="utf8"><style>{figure._css}</style>{figure.to_html()}{tags}</html>'
        (tmp_path / "page.html").write_text(page, encoding="utf8")
        context = browser.new_context(
            viewport={"width": 1000, "height": 800}, offline=True, reduced_motion="reduce", **options
        )
        contexts.append(context)
        tab = context.new_page()
        tab.trouble = []
        tab.on("console", lambda message: tab.trouble.append(message.text))
        tab.on("pageerror", lambda error: tab.trouble.append(str(error)))
        tab.goto((tmp_path / "page.html").as_uri())
        tab.wait_for_selector("text=/does the same in|such place|Mark letters/", timeout=60_000)
        return tab

    yield visit
    for context in contexts:
        context.close()


def told(tab) -> str:
    return tab.locator("svg.rf-picture").text_content()


def shown_change(tab, character: str) -> tuple[float, float]:
    """The two shares in per cent beside a character that is expected: free and held."""
    texts = tab.locator(".rnnlib-figure svg text").all_text_contents()
    share = texts[texts.index(character) + 1]
    before, after = re.fullmatch(r"([\d.]+) % → ([\d.]+) %", share).groups()
    return float(before), float(after)


def test_the_default_state_shows_what_the_library_computes(open_figure):
    model, notes = load_pretrained("char_gru")
    figure, unit = GateMicroscope(), shipped("char_gru")["unit"]
    vocabulary = notes["vocabulary"]
    ids = vocabulary.encode("\n" + figure.text[: figure.position])
    k = vocabulary.encode('"')[0]
    tab = open_figure(figure)
    hold = {"gate": figure.gate, "unit": unit, "value": figure.value, "since": figure.since}
    expected = [100 * clamped_from(model, ids, held)[0][k] for held in (None, hold)]
    assert expected[0] > 2 * expected[1], "what the picture says by default: without its unit, the mark is not expected"
    assert shown_change(tab, '"') == pytest.approx(expected, abs=0.51)
    network = shipped("char_gru")
    values = unit_values(model, list(vocabulary), network["searched"])["state"][:, unit].astype(float)
    own = unit_values(model, list(vocabulary), figure.text)["state"][:, unit].astype(float)
    places = search(own[figure.mark_start : figure.mark_end], values)
    assert f"It does the same in {len(places)} place" in told(tab)
    assert tab.locator(".gm-heat").evaluate(
        "(e) => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some((v) => v > 0)"
    )
    assert not tab.trouble


def test_letters_are_marked_by_dragging_and_by_shift_and_arrows(open_figure):
    tab = open_figure(GateMicroscope(text='if "ab" is', position=0))
    assert "Mark letters" in told(tab)
    box = tab.locator(".rf-field").first.bounding_box()
    y = box["y"] + box["height"] - 16
    tab.mouse.move(box["x"] + 3.5 * 9, y)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 5.5 * 9, y, steps=3)
    tab.mouse.up()
    marked = tab.locator("rect.gm-marked")
    assert float(marked.get_attribute("width")) == pytest.approx(3 * 9, abs=1.1)
    tab.wait_for_selector("text=/does the same in/", timeout=60_000)
    caret = tab.get_by_role("slider", name="Reading position")
    caret.focus()
    caret.press("Escape")
    assert marked.count() == 0
    caret.press("Home")
    caret.press("ArrowRight")
    caret.press("Shift+ArrowRight")
    caret.press("Shift+ArrowRight")
    assert caret.get_attribute("aria-valuenow") == "3"
    assert float(marked.get_attribute("width")) == pytest.approx(2 * 9, abs=1.1)
    caret.press("Shift+ArrowLeft")
    assert float(marked.get_attribute("width")) == pytest.approx(9, abs=1.1)
    assert not tab.trouble


def test_a_unit_is_held_let_go_and_another_one_chosen(open_figure):
    tab = open_figure(GateMicroscope(gate="z", clamped=False, since=0, mark_start=-1, mark_end=-1))
    first, second = (shipped("char_gru")["units"][n]["unit"] for n in (0, 2))
    assert "→" not in told(tab).split("Where else")[0]
    knob = tab.get_by_role("slider", name=f"Hold the update gate z of unit {second},")
    knob.focus()
    knob.press("End")
    assert knob.get_attribute("aria-valuetext") == "held at 1.00"
    assert float(knob.get_attribute("aria-valuenow")) == 1
    assert "Held:" in told(tab) and tab.locator("path.gm-ghost").count() > 1
    since = tab.get_by_role("slider", name="Held from letter")
    since.focus()
    since.press("ArrowRight")
    assert since.get_attribute("aria-valuetext").startswith("from letter 1, h")
    tab.get_by_role("button", name="Let the unit go free").press("Enter")
    assert "Held:" not in told(tab) and since.is_hidden()
    overview = tab.get_by_role("slider", name="Unit, from what keeps longest")
    overview.focus()
    overview.press("Home")
    assert overview.get_attribute("aria-valuetext").startswith(f"unit {shipped('char_gru')['order'][0]}, number 1")
    tab.get_by_role("button", name=f"Choose unit {first}, quotation").press("Enter")
    assert f"unit {first}" in overview.get_attribute("aria-valuetext")
    assert not tab.trouble


def test_each_lane_of_cell_states_has_the_scale_of_its_unit(open_figure):
    network, text = shipped("char_lstm"), GateMicroscope.text.default_value
    model, notes = load_pretrained("char_lstm")
    values = np.abs(unit_values(model, list(notes["vocabulary"]), text)["state"]).max(axis=0)
    units = [one["unit"] for one in network["units"]]
    assert max(network["most"]) == 8 and np.median(network["most"]) < 4  # one for all would flatten most of them
    free = {"clamped": False, "since": 0, "mark_start": -1, "mark_end": -1}
    tab = open_figure(GateMicroscope("char_lstm", position=len(text), **free), "char_lstm")
    for n, unit in enumerate(units):
        knob = tab.get_by_role("slider", name=f"Hold the state of unit {unit},")
        assert float(knob.get_attribute("aria-valuemax")) == pytest.approx(network["most"][unit], abs=0.005)
        upper, lower = lane_of(tab, n)
        drawn = tab.locator(".gm-up.state, .gm-down").evaluate_all(
            "(all, [upper, lower]) => all.map((e) => e.getBBox())"
            ".filter((b) => b.width > 200 && b.y >= upper && b.y + b.height <= lower).map((b) => b.height)",
            [upper - 0.6, lower + 0.6],
        )
        share = min(values[unit] / network["most"][unit], 1)
        assert max(drawn) == pytest.approx(share * (lower - upper) / 2, abs=1.5)
    assert not tab.trouble


def lane_of(tab, n: int) -> list[float]:
    """The upper and the lower edge of a lane."""
    return tab.locator(".gm-lane").nth(n).evaluate("(e) => { const b = e.getBBox(); return [b.y, b.y + b.height]; }")


def test_a_place_that_was_found_becomes_the_text(open_figure):
    tab = open_figure(GateMicroscope())
    jump = tab.get_by_role("button", name="Read the excerpt").first
    jump.press("Enter")
    text = tab.get_by_role("textbox").input_value()
    assert text in shipped("char_gru")["searched"].replace("\n", "") or len(text) > 20
    assert tab.locator("rect.gm-marked").count() == 1
    assert not tab.trouble
