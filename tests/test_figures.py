"""The figures' Python side: traits and their errors, the bundle that both hosts receive, the static page's HTML."""

import html
import json
import re

import numpy as np
import pytest
import traitlets

import rnnlib.figures
from rnnlib.figures.base import HERE, Matrix, bundle, pack

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
    assert state == json.loads(json.dumps(figure.state()))
    text = re.sub(r"<[^>]*>", "", page.partition("<p>")[2])
    assert len(text.split()) >= 25, "the fallback tells a reader without scripts too little"


@every_figure
def test_a_figure_and_its_data_are_small(name):
    figure = FIGURES[name]
    host = (HERE / "host.js").stat().st_size
    size = len(figure._esm.encode()) + len(figure._css.encode()) + len(figure().to_html().encode()) + host
    assert size <= MAXIMAL_SIZE


@every_figure
def test_bundle_imports_nothing_and_loads_nothing(name):
    source = bundle(name)
    assert not re.search(r"^import |\bimport\(", source, re.MULTILINE)
    assert len(re.findall(r"^export default ", source, re.MULTILINE)) == 1
    # the one address is the name of SVG's vocabulary, which nobody fetches
    assert set(re.findall(r"\w+://[^\s\"'`]+", source)) == {"http://www.w3.org/2000/svg"}


def test_every_module_is_used_by_a_figure():
    shared = {path.stem for path in HERE.glob("*.js")} - set(FIGURES) - {"host"}
    imported = {n for name in FIGURES for n in re.findall(r'from "\./(\w+)\.js"', (HERE / f"{name}.js").read_text())}
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
    two = rnnlib.figures.UnrollStepper().to_html() * 2
    sphinx_ext.add_scripts(app, "page", "page.html", {"body": two}, None)
    assert added == ["figures/UnrollStepper.css", "figures/UnrollStepper.js", "figures/host.js"]
