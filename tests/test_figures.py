"""The figures' Python side: traits and their errors, the bundle that both hosts receive, the static page's HTML."""

import hashlib
import html
import json
import re

import numpy as np
import pytest
import traitlets

import rnnlib.figures
import rnnlib.plots
from rnnlib.bptt import Stacked, unroll
from rnnlib.cells import RNN
from rnnlib.corpora import python_docs, python_docs_split, weather
from rnnlib.figures.base import HERE, Data, Matrix, bundle, pack
from rnnlib.figures.ngram_dial import KS
from rnnlib.figures.shipped import SHIPPED, shipped
from rnnlib.ngrams import AddK, KneserNey, NGramCounts, bits_per_character, unseen
from rnnlib.text import Vocabulary, one_hot
from rnnlib.training import Model, load_pretrained

FIGURES = {name: getattr(rnnlib.figures, name) for name in rnnlib.figures.__all__}
every_figure = pytest.mark.parametrize("name", FIGURES)
MAXIMAL_SIZE = 300_000  # bytes: a figure with its data, as a page carries it


@every_figure
def test_unknown_argument_is_named_with_the_known_ones(name):
    with pytest.raises(TypeError, match=rf"{name} has no trait 'colour'; it has \w+"):
        FIGURES[name](colour="red")


@every_figure
def test_repr_is_the_same_in_every_run_and_names_the_controls(name):
    first, second = FIGURES[name](), FIGURES[name]()
    assert repr(first) == repr(second)
    assert re.fullmatch(rf"{name}\((\w+=.+)(, \w+=.+)*\)", repr(first))
    assert "0x" not in repr(first)


@every_figure
def test_mime_bundle_has_text_html_and_widget(name):
    figure = FIGURES[name]()
    data, _ = figure._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert data["text/plain"] == repr(figure)
    assert figure.model_id not in data["text/html"]
    assert data["text/html"] == FIGURES[name]()._repr_mimebundle_()[0]["text/html"]


@every_figure
def test_html_carries_the_state_and_a_text_for_pages_without_scripts(name):
    figure = FIGURES[name]()
    page = figure.to_html()
    state = json.loads(html.unescape(re.search(r'data-state="([^"]*)"', page)[1]))
    usual = json.loads(json.dumps(figure.defaults()))
    assert {**usual, **state} == {**json.loads(json.dumps(figure.state())), "controls": usual["controls"]}
    assert set(figure.controls) <= set(state)
    text = re.sub(r"<[^>]*>", "", page.partition("<p>")[2])
    assert len(text.split()) >= 25, "the fallback tells a reader without scripts too little"


@every_figure
def test_a_figure_and_its_data_are_small(name):
    figure = FIGURES[name]()
    page = len((HERE / "host.js").read_bytes()) + len(figure.to_html().encode())
    data = sum(len(json.dumps(getattr(figure, trait))) for trait in named(figure))
    assert page + len(figure._esm.encode()) + len(figure._css.encode()) + data <= MAXIMAL_SIZE


def named(figure):
    """The traits that name shipped data."""
    return [name for name, trait in figure.traits().items() if isinstance(trait, Data)]


@every_figure
def test_an_output_names_its_data_and_a_kernel_sends_their_content(name):
    figure = FIGURES[name]()
    assert len(figure.to_html()) < 2000
    for trait in named(figure):
        value = figure.state()[trait]
        assert value in SHIPPED
        assert f'"{trait}":"{value}"' in html.unescape(figure.to_html())
        assert figure.get_state(trait) == {trait: shipped(value)}


def test_data_of_ones_own_travel_in_the_output():
    measured = {**shipped("truncation_window"), "B": 17}
    figure = rnnlib.figures.TruncationWindow(measured=measured)
    assert '"B":17' in html.unescape(figure.to_html())
    assert figure.get_state("measured") == {"measured": measured}


@every_figure
def test_limits_of_the_controls_are_those_of_the_traits(name):
    figure = FIGURES[name]()
    for control, limits in figure.controls.items():
        if limits.get("type") == "number":
            for end in ("min", "max"):
                if end in limits:
                    setattr(figure, control, limits[end])
                    with pytest.raises(traitlets.TraitError):
                        setattr(figure, control, limits[end] + (1 if end == "max" else -1))
        for value in limits.get("values", []):
            setattr(figure, control, value)


@every_figure
def test_bundle_imports_nothing_and_loads_nothing(name):
    source = bundle(name)
    assert not re.search(r"^import |\bimport\(", source, re.MULTILINE)
    assert len(re.findall(r"^export default ", source, re.MULTILINE)) == 1
    # the one address is the name of SVG's vocabulary, which nobody fetches
    assert set(re.findall(r"\w+://[^\s\"'`]+", source)) == {"http://www.w3.org/2000/svg"}


def test_every_module_is_used_by_a_figure():
    shared = {path.stem for path in HERE.glob("*.js")} - set(FIGURES) - {"host"}
    imported, open_ = set(), list(FIGURES)
    while open_:
        for name in re.findall(r'from "\./(\w+)\.js"', (HERE / f"{open_.pop()}.js").read_text(encoding="utf8")):
            open_ += [name] if name not in imported else []
            imported.add(name)
    assert shared == imported


def test_matrix_takes_arrays_and_lists_and_keeps_lists():
    class Holder(traitlets.HasTraits):
        m = Matrix((2, 2), np.eye(2))

    holder = Holder(m=np.array([[1, 2], [3, 4]]))
    assert holder.m == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(traitlets.TraitError, match=r"m must hold numbers of shape \(2, 2\), got \[1, 2\]"):
        holder.m = [1, 2]
    with pytest.raises(traitlets.TraitError, match="m must hold finite numbers"):
        holder.m = [[1, 2], [3, np.nan]]
    with pytest.raises(traitlets.TraitError, match="m must hold numbers"):
        holder.m = "ab"
    assert holder.m == [[1.0, 2.0], [3.0, 4.0]]


def test_pack_is_little_endian_and_knows_its_shape():
    packed = pack(np.array([[1, 256, 3]]), dtype="uint16")
    assert packed == {"dtype": "uint16", "shape": [1, 3], "data": "AQAAAQMA"}


def test_unroll_stepper_rejects_values_out_of_range():
    with pytest.raises(traitlets.TraitError, match="step"):
        rnnlib.figures.UnrollStepper(step=8)
    with pytest.raises(traitlets.TraitError, match="weight"):
        rnnlib.figures.UnrollStepper(weight="W_h[2,0]")
    figure = rnnlib.figures.UnrollStepper()
    with pytest.raises(traitlets.TraitError, match=r"W_h must hold numbers of shape \(2, 2\)"):
        figure.W_h = np.eye(3)


def test_extension_leaves_pages_without_figures_alone_and_prefers_html():
    from types import SimpleNamespace

    from rnnlib.figures import sphinx_ext

    added = []
    app = SimpleNamespace(
        add_css_file=lambda path: added.append(path), add_js_file=lambda path, loading_method: added.append(path)
    )
    sphinx_ext.add_scripts(app, "page", "page.html", {"body": "<p>no figure</p>"}, None)
    assert added == []
    two = rnnlib.figures.UnrollStepper().to_html() * 2 + rnnlib.figures.NgramDial().to_html()
    sphinx_ext.add_scripts(app, "page", "page.html", {"body": two}, None)
    assert added == [
        *("figures/NgramDial.css", "figures/UnrollStepper.css", "figures/data/ngram_dial.js"),
        *("figures/NgramDial.js", "figures/UnrollStepper.js", "figures/host.js"),
    ]


def test_ngram_dial_shows_measurements_of_this_library():
    split = python_docs_split()
    vocabulary = Vocabulary(split.alphabet)
    counts = NGramCounts(vocabulary.encode(split.train), len(vocabulary), max_order=4)
    validation = vocabulary.encode(split.validation)
    measured = shipped("ngram_dial")
    assert measured["ks"] == list(KS)
    assert measured["sha256"] == hashlib.sha256(python_docs().encode("ascii")).hexdigest()
    assert split.train.startswith(measured["text"])
    stored = measured["bits"]
    assert stored["maximum likelihood"][3] is None and measured["unseen"][3] > 0
    assert stored["add-k"][2][3] == pytest.approx(bits_per_character(AddK(counts, 4, k=0.1), validation), abs=1e-4)
    assert stored["Kneser-Ney"][3] == pytest.approx(bits_per_character(KneserNey(counts, 4), validation), abs=1e-4)
    assert measured["unseen"][3] == pytest.approx(unseen(counts, validation).grams[3], abs=1e-5)


def test_truncation_window_shows_what_the_chapter_says():
    measured = shipped("truncation_window")
    assert len(measured["ks"]) == len(measured["memory"])
    assert measured["memory"] == sorted(measured["memory"])
    for window in ("chunks", "sliding"):
        cosine, length, error = (np.array(measured[name][window]) for name in ("cosine", "length", "error"))
        np.testing.assert_allclose(error**2, 1 + length**2 - 2 * cosine * length, atol=2e-3)  # they are one triangle
        assert (cosine[-1], error[-1]) == (1, 0)
        assert error[0] > 0.5
    for delay, row in zip(measured["delays"], measured["copied"], strict=True):
        for k, share in zip(measured["ks"], row, strict=False):
            if k <= delay:
                assert share < 0.6, f"delay {delay} cannot be learned through a window of {k}"


def test_two_unit_network_is_the_one_of_its_script():
    model, notes = load_pretrained("two_unit_rnn")
    figure = rnnlib.figures.UnrollStepper()
    assert figure.W_h == model.params["W_h"].tolist()
    data = weather()
    first = int(np.flatnonzero(data.date == np.datetime64(notes["days"][0]))[0])
    np.testing.assert_allclose(np.ravel(figure.x), (data.temp_max[first : first + 3] - notes["mean"]) / 10, atol=1e-4)
    np.testing.assert_allclose(figure.y, (data.temp_max[first + 3] - notes["mean"]) / 10, atol=1e-4)
    assert notes["rms_celsius"]["network"] < notes["rms_celsius"]["as today"] < notes["rms_celsius"]["mean"]


def test_type_ahead_rejects_models_it_cannot_show():
    rng = np.random.default_rng(0)
    model = Model(RNN(3, 4, rng=rng), 3, rng=rng)
    with pytest.raises(ValueError, match="vocabulary: expected one character for each of the model's 3 inputs and 3"):
        rnnlib.figures.TypeAhead(model, ["a", "b"])
    with pytest.raises(ValueError, match="single characters"):
        rnnlib.figures.TypeAhead(model, ["a", "b", "cd"])
    with pytest.raises(TypeError, match="vocabulary: expected a model together with its vocabulary"):
        rnnlib.figures.TypeAhead(model)
    stacked = Model(Stacked([RNN(3, 4, rng=rng), RNN(4, 4, rng=rng)]), 3, rng=rng)
    with pytest.raises(TypeError, match="model: expected one RNN, GRU or LSTM as its layer, got Stacked"):
        rnnlib.figures.TypeAhead(stacked, ["a", "b", "c"])


def test_type_ahead_shows_the_unit_of_chapter_3_first():
    """The unit whose state goes with the bit "a quotation is open", by a loop over the test text."""
    model, notes = load_pretrained("char_rnn")
    vocabulary = Vocabulary(list(notes["vocabulary"]))
    lines = [line for line in python_docs_split().test.splitlines() if line.count('"') in (2, 4)][:60]
    text = "\n" + "\n".join(lines)
    trace = unroll(model.layer, one_hot(vocabulary.encode(text)[:, None], len(vocabulary)))
    inside, bits = False, []
    for character in text:
        inside ^= character == '"'
        bits.append(inside)
    correlation = [abs(np.corrcoef(h, bits)[0, 1]) for h in trace.h[:, 0].T]
    assert shipped("char_rnn")["unit"] == int(np.argmax(correlation))


def test_ask_takes_three_kinds_of_answers_and_refuses_what_cannot_be_right():
    ask = rnnlib.figures.Ask.number("How many?", 0.5, tolerance=0.1, hints={2: "less", "above": "less"})
    assert (ask.kind, ask.answer, ask.hints) == ("number", "0.5", {"2": "less", "above": "less"})
    with pytest.raises(ValueError, match="answer and hints: expected one of"):
        rnnlib.figures.Ask.choice("Which?", ["a", "b"], "c")
    with pytest.raises(ValueError, match="answer and hints: expected one of"):
        rnnlib.figures.Ask.choice("Which?", ["a", "b"], "b", hints={"d": "no"})
    with pytest.raises(ValueError, match="in another order"):
        rnnlib.figures.Ask.order("Sort", ["a", "b"], ["a", "b"])


def test_examples_of_shapes_fit_their_shape():
    for shape, examples in shipped("shapes").items():
        assert len(examples) == 3
        for example in examples:
            columns = example["columns"]
            read = sum(c["input"] is not None and "fed back" not in c["input"] for c in columns)
            written = sum(c["output"] is not None for c in columns)
            assert {
                "one-to-one": read == written == 1,
                "one-to-many": read == 1 < written,
                "many-to-one": read > 1 == written,
                "many-to-many, equal": read == written == len(columns) > 1,
                "many-to-many, unequal": 1 < read != written > 1,
            }[shape]


def test_palette_is_the_one_that_plots_use():
    """Each colour of a plot stands in the palette, so that the pages know its partner on a dark ground."""
    palette = (HERE / "palette.css").read_text(encoding="utf8").lower()
    assert not [colour for colour in rnnlib.plots.COLOURS if colour.lower() not in palette]
