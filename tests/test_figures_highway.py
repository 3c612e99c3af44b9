"""GradientHighway against rnnlib: gradients at each state and their parts, in Python and on the page."""

import numpy as np
import pytest

from rnnlib.bptt import jacobians, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.figures import GradientHighway
from rnnlib.figures.base import bundle
from rnnlib.figures.gradient_highway import ALPHABET, highway_of, plain, route
from rnnlib.figures.shipped import shipped
from rnnlib.text import Vocabulary, one_hot
from rnnlib.training import Model
from rnnlib.training.quantising import dequantise, quantise

CELLS = [
    (RNN, {}),
    (RNN, {"activation": "relu"}),
    (GRU, {}),
    (GRU, {"reset_after": True, "recurrent_activation": "hard_sigmoid"}),
    (LSTM, {}),
    (LSTM, {"recurrent_activation": "hard_sigmoid", "activation": "linear"}),
]
every_cell = pytest.mark.parametrize(("cell_type", "options"), CELLS)
ids = np.random.default_rng(1).integers(0, 4, size=13)


def own_model(cell_type, options, seed=0, H=5, V=4):
    rng = np.random.default_rng(seed)
    model = Model(cell_type(V, H, rng=rng, **options), V, rng=rng)
    for name, p in model.params.items():
        p[...] = rng.normal(scale=0.6, size=p.shape).astype(np.float32)
        if p.ndim == 2:
            model.params[name][...] = dequantise(*quantise(p))
    return model


def gradient_at(model, k):
    """∂L/∂(the part of the state after step k that is shown), by central differences of what follows from it."""
    cell = model.layer
    x = one_hot(ids[:-1, None], 4)
    trace = unroll(cell, x)
    state = [part[k + 1].copy() for part in trace.visited]
    kept, slopes = state[-1].copy(), []

    def loss(c):
        after = [state[0], c] if len(state) == 2 else [c]
        if len(state) == 2:  # h_k = o_k φ(c_k) moves with c_k
            after[0] = trace.gates["o"][k] * cell.activation.value(c)
        h = unroll(cell, x[k + 1 :], tuple(after)).h[-1] if k + 1 < len(x) else after[0]
        o = (h @ model.params["W_hq"] + model.params["b_q"])[0]
        return np.log(np.exp(o - o[ids[-1]]).sum())

    for j in range(cell.hidden_size):
        step = np.zeros_like(kept)
        step[0, j] = 1e-5
        slopes.append((loss(kept + step) - loss(kept - step)) / 2e-5)
    return np.array(slopes)


@every_cell
def test_the_route_is_what_finite_differences_and_the_gates_give(cell_type, options):
    model = own_model(cell_type, options)
    T = len(ids) - 1
    delta = np.array([gradient_at(model, k) for k in range(T)])
    keep = {RNN: None, GRU: "z", LSTM: "f"}[cell_type]
    gates = unroll(model.layer, one_hot(ids[:-1, None], 4)).gates
    path = np.array(
        [delta[-1] * (np.prod(gates[keep][k + 1 :, 0], axis=0) if keep else float(k == T - 1)) for k in range(T)]
    )
    norm, unit = np.linalg.norm(delta, axis=1), np.linalg.norm(delta[-1])
    found = route(model, ids)
    np.testing.assert_allclose(found["norm"], norm / unit, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found["alone"], np.linalg.norm(path, axis=1) / unit, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(
        found["direct"], (path * delta).sum(axis=1) / np.maximum(norm, 1e-300) / unit, rtol=1e-4, atol=1e-8
    )


def test_the_route_is_the_last_gradient_through_the_jacobians():
    model = own_model(GRU, {})
    J = jacobians(unroll(model.layer, one_hot(ids[:-1, None], 4)))  # (T, H, H)
    last = gradient_at(model, len(ids) - 2)
    expected = np.linalg.norm(last @ J, axis=1) / np.linalg.norm(last)
    np.testing.assert_allclose(route(model, ids)["norm"], expected, rtol=1e-6)


def test_what_cannot_be_shown_is_refused():
    rng = np.random.default_rng(0)
    model = Model(LSTM(4, 3, rng=rng, coupled=True), 4, rng=rng)
    with pytest.raises(ValueError, match=r"models\['a'\]: expected states of one plain cell"):
        highway_of({"a": [model]}, "abcd", [0])
    with pytest.raises(TypeError, match="model: expected one plain RNN, GRU or LSTM as its layer, got LSTM"):
        route(model, ids)
    good = own_model(RNN, {})
    with pytest.raises(ValueError, match=r"models: expected one to three, .*, got \[2, 1\] states"):
        highway_of({"a": [good, good], "b": [good]}, "abcd", [0, 1])
    with pytest.raises(ValueError, match="text: expected characters of the vocabulary, got none"):
        GradientHighway.of({"a": good}, "abcd", "xyz")


def test_models_of_ones_own_come_with_their_text_and_their_updates():
    run = [own_model(LSTM, {}, seed) for seed in (0, 1)]
    figure = GradientHighway.of({"mine": run}, "\nabc", "a-b c", updates=[0, 500], scale="far")
    assert (figure.text, figure.position, figure.snapshot, figure.scale) == ("abc", 2, 1, "far")
    assert (
        figure.networks["updates"] == [0, 500] and figure.networks["cells"][0]["weights"] == 224
    )  # 20 · (4 + 5 + 1) + 24
    assert GradientHighway.of({"mine": run[0]}, "\nabc", "abc").networks["updates"] == [0]


def test_the_shipped_networks_have_equally_many_weights_and_the_default_state_exists():
    data = shipped("gradient_highway")
    sizes = [cell["weights"] for cell in data["cells"]]
    assert [cell["kind"] for cell in data["cells"]] == ["RNN", "GRU", "LSTM"]
    assert max(sizes) < 1.02 * min(sizes)
    figure = GradientHighway()
    assert figure.snapshot == len(data["updates"]) - 1 and data["updates"][0] == 0
    assert plain(figure.text) == figure.text and figure.text[figure.position] == '"'


PAGE = """async ([source, { data, cases }]) => {
    const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    return data.cells.map((cell) => {
        const route = new m.Route(data.vocabulary, cell, data.updates.length - 1);
        return cases.map((ids) => {
            route.read(ids);
            const found = route.of(ids.length - 1);
            return Object.fromEntries(["norm", "direct", "alone"].map((name) => [name, [...found[name]]]));
        });
    });
}"""


def check(blank, data, models, cases):
    shown = blank.evaluate(
        PAGE, [bundle("GradientHighway"), {"data": data, "cases": [list(map(int, c)) for c in cases]}]
    )
    for model, results in zip(models, shown, strict=True):
        for case, result in zip(cases, results, strict=True):
            expected = route(model, case)
            for name in ("norm", "direct", "alone"):
                np.testing.assert_allclose(result[name], expected[name], rtol=1e-6, atol=1e-9)


@every_cell
def test_the_page_finds_the_same_route(blank, cell_type, options):
    model = own_model(cell_type, options)
    data = highway_of({"own": [model]}, "abcd", [0])
    check(blank, data, [model], [ids, ids[:7], np.r_[ids[:5], 3, 0, 1], ids])


def test_the_page_finds_the_same_route_in_the_shipped_networks(blank):
    data = shipped("gradient_highway")
    models = []
    for cell in data["cells"]:
        layer = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}[cell["kind"]]
        rng = np.random.default_rng(0)
        model = Model(layer(len(ALPHABET), cell["hidden_size"], rng=rng), len(ALPHABET), rng=rng)
        for name, p in model.params.items():
            p[...] = unpacked(cell["states"][-1][name])
        models.append(model)
    read = Vocabulary(ALPHABET).encode("\n" + GradientHighway().text)
    check(blank, data, models, [read[:26], read[:50], read[:3]])


def unpacked(packed):
    import base64

    values = np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).reshape(packed["shape"])
    return values * unpacked(packed["scale"]) if "scale" in packed else values
