"""`cells.js` and `elements.js` against the library."""

import numpy as np
import pytest
from figure_page import call

from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.figures.base import HERE, pack

RUN = """(() => {
    const { step, params, x, state, options } = argument;
    const flat = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, Float32Array.from(p.flat())]));
    let [now, out] = [state.map((s) => Float64Array.from(s)), []];
    for (const row of x) {
        now = m[step](flat, Float64Array.from(row), now, options).state;
        out.push(now.map((s) => [...s]));
    }
    return out;
})()"""


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("cell_type", "step", "options"),
    [
        (RNN, "rnnStep", {}),
        (RNN, "rnnStep", {"activation": "relu"}),
        (GRU, "gruStep", {}),
        (GRU, "gruStep", {"reset_after": True}),
        (GRU, "gruStep", {"recurrent_activation": "hard_sigmoid"}),
        (LSTM, "lstmStep", {}),
        (LSTM, "lstmStep", {"activation": "linear", "recurrent_activation": "hard_sigmoid"}),
        (LSTM, "lstmStep", {"use_bias": False}),
        (GRU, "gruStep", {"use_bias": False, "reset_after": True}),
    ],
)
def test_steps_equal_the_library(blank, cell_type, step, options, seed):
    rng = np.random.default_rng(seed)
    D, H, T = (int(n) for n in rng.integers(1, 7, size=3))
    cell = cell_type(D, H, rng=rng, dtype=np.float32, **options)
    for p in cell.params.values():
        p[...] = rng.normal(scale=0.5, size=p.shape)
    x = rng.normal(size=(T, D)).astype(np.float32)
    state = tuple(rng.uniform(-1, 1, size=(1, H)).astype(np.float32) for _ in cell.initial_state(1))
    argument = {
        "step": step,
        "params": {name: p.tolist() for name, p in cell.params.items()},
        "x": x.tolist(),
        "state": [s[0].tolist() for s in state],
        "options": {k: v for k, v in options.items() if k != "use_bias"},
    }
    shown = call(blank, (HERE / "cells.js").read_text(encoding="utf8"), RUN, argument)
    for x_t, seen in zip(x, shown, strict=True):
        state = cell.step(x_t[None], state)
        for expected, got in zip(state, seen, strict=True):
            np.testing.assert_allclose(got, expected[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "uint16", "uint32", "int32"])
def test_unpack_is_the_inverse_of_pack(blank, dtype):
    rng = np.random.default_rng(3)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        array = np.concatenate([rng.normal(size=40), [0, -0.0, 1e-7, -3e-6, 60000]]).astype(kind).reshape(5, 9)
    else:
        array = rng.integers(0, 200, size=(5, 9)).astype(kind)
    source = (HERE / "elements.js").read_text(encoding="utf8")
    got = call(
        blank, source, "(({ shape, data }) => ({ shape, data: [...data] }))(m.unpack(argument))", pack(array, dtype)
    )
    assert got["shape"] == [5, 9]
    assert got["data"] == array.ravel().tolist()


# A state after some steps, with one gate clamped to a value.
CLAMPED = """(() => {
    const { step, params, x, state, options, gate, value } = argument;
    const flat = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, Float64Array.from(p.flat())]));
    const hook = (name, values) => (name === gate ? values.map(() => value) : undefined);
    let now = state.map((s) => Float64Array.from(s));
    for (const row of x) now = m[step](flat, Float64Array.from(row), now, { ...options, hook }).state;
    return now.map((s) => [...s]);
})()"""


@pytest.mark.parametrize(
    ("step", "gate", "value", "clamped"),
    [
        ("lstmStep", "f", 1.0, lambda p, H: (p["W_x"][:, H : 2 * H], p["W_h"][:, H : 2 * H], p["b"][H : 2 * H])),
        ("gruStep", "r", 0.0, lambda p, H: (p["W_x"][:, :H], p["W_h"][:, :H], p["b"][:H])),
        ("gruStep", "z", 1.0, lambda p, H: (p["W_x"][:, H : 2 * H], p["W_h"][:, H : 2 * H], p["b"][H : 2 * H])),
    ],
)
def test_a_clamped_gate_is_what_the_library_computes_with_saturated_weights(blank, step, gate, value, clamped):
    """A gate stands at 0 or 1 when its weights are 0 and its bias is far from 0."""
    rng = np.random.default_rng(4)
    cell = {"lstmStep": LSTM, "gruStep": GRU}[step](3, 5, rng=rng)
    params = {name: p.tolist() for name, p in cell.params.items()}
    x = rng.normal(size=(6, 3))
    state = tuple(rng.normal(size=s.shape) for s in cell.initial_state(1))
    argument = {"step": step, "params": params, "x": x.tolist(), "gate": gate, "value": value}
    argument |= {"state": [s[0].tolist() for s in state], "options": {}}
    shown = call(blank, (HERE / "cells.js").read_text(encoding="utf8"), CLAMPED, argument)
    W_x, W_h, b = clamped(cell.params, 5)
    W_x[...], W_h[...], b[...] = 0, 0, 200 * value - 100
    for x_t in x:
        state = cell.step(x_t[None], state)
    for expected, got in zip(state, shown, strict=True):
        np.testing.assert_allclose(got, expected[0], rtol=0, atol=1e-6)
