"""The scan against the loop, PyTorch's gradients and counted operations; the layers against loops written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib import registry
from rnnlib.bptt import Bidirectional, Stacked, backward, gradient_check, output, unroll
from rnnlib.cells import GRU
from rnnlib.modern import LRU, MinGRU, MinLSTM, compose, loop, scan, scan_backward, scan_cost, tree
from rnnlib.training import Adam, Model, fit, load_model, save_checkpoint

LAYERS = {
    "minGRU": lambda D, H, rng, **o: MinGRU(D, H, rng=rng, **o),
    "minGRU, negative": lambda D, H, rng, **o: MinGRU(D, H, rng=rng, negative=True, **o),
    "minLSTM": lambda D, H, rng, **o: MinLSTM(D, H, rng=rng, **o),
    "LRU": lambda D, H, rng, **o: LRU(D, H, rng=rng, **o),
    "LRU, real": lambda D, H, rng, **o: LRU(D, H, rng=rng, eigenvalues="real", **o),
    "LRU, positive": lambda D, H, rng, **o: LRU(D, H, rng=rng, eigenvalues="positive", **o),
}
layers = pytest.mark.parametrize("new", LAYERS.values(), ids=LAYERS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def plain_loop(a, b, h):
    """h_t = a_t h_{t−1} + b_t with Python's numbers, sequence by sequence."""
    states = []
    for a_t, b_t in zip(a.tolist(), b.tolist(), strict=True):
        h = a_t * h + b_t
        states.append(h)
    return np.array(states)


def coefficients(T, rng, kind):
    a = rng.uniform(-1.1, 1.1, T)
    if kind == "complex":
        return a * np.exp(2j * rng.normal(size=T)), rng.normal(size=T) + 1j * rng.normal(size=T)
    return a, rng.normal(size=T)


# ---- the scan -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["loop", "tree"])
@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("state", [None, 0.0, -3.0])
@settings(deadline=None, max_examples=40)
@given(T=st.integers(1, 70), seed=st.integers(0, 10**6))
def test_states_are_those_of_a_loop(method, kind, state, T, seed):
    a, b = coefficients(T, np.random.default_rng(seed), kind)
    h = scan(a, b, None if state is None else np.array(state), method=method)
    np.testing.assert_allclose(h, plain_loop(a, b, state or 0.0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["loop", "tree"])
@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("state", [None, 0.0, -3.0])
@pytest.mark.parametrize("T", [1, 2, 7, 64])
def test_gradients_are_those_of_pytorch(method, kind, state, T, rng):
    a, b = coefficients(T, rng, kind)
    weight = rng.normal(size=T) + (1j * rng.normal(size=T) if kind == "complex" else 0)
    start = None if state is None else np.array(state, dtype=b.dtype)
    inputs = [torch.tensor(v, requires_grad=True) for v in (a, b, np.zeros((), b.dtype) if start is None else start)]
    h, states = inputs[2], []
    for t in range(T):
        h = inputs[0][t] * h + inputs[1][t]
        states.append(h)
    product = torch.stack(states) * torch.tensor(weight.conj())
    product.real.sum().backward()  # of L = Re Σ conj(w) h, so that ∂L/∂Re h + i ∂L/∂Im h = w
    given = scan_backward(a, scan(a, b, start, method=method), weight, start, method=method)
    for ours, theirs in zip(given, inputs, strict=True):
        np.testing.assert_allclose(ours, theirs.grad, rtol=1e-9, atol=1e-9)


def test_factors_of_zero_forget_and_many_columns_do_not_mix(rng):
    a, b = rng.uniform(-1, 1, (33, 2, 3)), rng.normal(size=(33, 2, 3))
    a[10] = 0
    h = tree(a, b)
    np.testing.assert_allclose(h[10:], tree(a[10:], b[10:]))
    for column in np.ndindex(2, 3):
        np.testing.assert_allclose(
            h[(slice(None), *column)], plain_loop(a[(slice(None), *column)], b[(slice(None), *column)], 0)
        )


def test_compose_is_one_map_after_the_other(rng):
    (a1, b1, a2, b2, h), c = rng.normal(size=5), rng.normal(size=2)
    a, b = compose((a1, b1), (a2, b2))
    assert a * h + b == pytest.approx(a2 * (a1 * h + b1) + b2)
    left, right = compose(compose((a1, b1), (a2, b2)), c), compose((a1, b1), compose((a2, b2), c))
    np.testing.assert_allclose(left, right)  # brackets do not matter
    assert compose((a1, b1), (a2, b2))[1] != pytest.approx(compose((a2, b2), (a1, b1))[1])  # the order does


def test_inputs_are_left_as_they_were(rng):
    a, b, state = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), rng.normal(size=2)
    kept = [v.copy() for v in (a, b, state)]
    for method in ("loop", "tree"):
        scan_backward(a, scan(a, b, state, method=method), b, state, method=method)
    for before, after in zip(kept, (a, b, state), strict=True):
        np.testing.assert_array_equal(before, after)


def test_float32_stays_float32():
    a, b = np.full((4, 2), 0.5, np.float32), np.ones((4, 2), np.float32)
    h = scan(a, b, np.ones(2, np.float32), method="tree")
    assert h.dtype == np.float32 and all(g.dtype == np.float32 for g in scan_backward(a, h, b, method="tree"))


class Counted:
    """A number that knows which operation made it; `made` lists all of them."""

    def __init__(self, *parents):
        self.parents = parents
        self.depth = 1 + max(p.depth for p in parents) if parents else 0

    def __mul__(self, other):
        return Counted(self, other)

    __add__ = __mul__


@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, 8, 13, 64, 100])
@pytest.mark.parametrize(("method", "run"), [("loop", loop), ("tree", tree)])
def test_cost_is_that_of_counted_numbers(T, method, run):
    a, b = (np.array([Counted() for _ in range(T)], dtype=object) for _ in range(2))
    if method == "tree":
        results = list(tree(a, b))
    else:
        results = [b[0]]  # the first state is b_1, without 0 times a_1
        for t in range(1, T):
            results.append(a[t] * results[-1] + b[t])
    needed, open_ends = set(), list(results)
    while open_ends:  # what the results depend on, and nothing that was computed in vain
        node = open_ends.pop()
        if node.parents and id(node) not in needed:
            needed.add(id(node))
            open_ends.extend(node.parents)
    assert scan_cost(T, method) == (len(needed), max(node.depth for node in results))


def test_the_tree_costs_less_than_twice_and_a_half_and_is_logarithmically_deep():
    for T in (2, 10, 1000, 2**20):
        cost, chain = scan_cost(T, "tree"), scan_cost(T, "loop")
        assert (
            cost.operations <= 2.5 * chain.operations
            and cost.depth <= 4 * np.log2(T)
            and (T & (T - 1) or cost.depth >= 2 * np.log2(T))
        )
        assert chain.depth == chain.operations


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3, int), np.ones(3)), "a: expected a floating-point"),
        ((np.ones(3), np.ones(4)), r"b: expected the shape of a, \(3,\)"),
        ((np.ones(0), np.ones(0)), "with at least one step"),
        ((np.ones((3, 2)), np.ones((3, 2)), np.ones(3)), r"state: expected shape \(2,\)"),
    ],
)
def test_scan_says_what_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        scan(*arguments)


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match="method: expected one of"):
        scan(np.ones(3), np.ones(3), method="parallel")
    with pytest.raises(ValueError, match="scan: expected one of"):
        MinGRU(2, 3, rng=np.random.default_rng(0), scan="parallel")


# ---- the layers -----------------------------------------------------------------------------------------------------


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@pytest.mark.parametrize("negative", [False, True])
def test_min_gru_is_its_equations(negative, rng):
    layer, x, h = MinGRU(2, 3, rng=rng, negative=negative), rng.normal(size=(5, 4, 2)), rng.normal(size=(4, 3))
    layer.params["b"][...] = rng.normal(size=6)
    W, b, trace = layer.params["W_x"], layer.params["b"], unroll(layer, x, (h,))
    for t in range(5):
        z, n = sigmoid(x[t] @ W[:, :3] + b[:3]), x[t] @ W[:, 3:] + b[3:]
        z = 2 * z - 1 if negative else z
        h = z * h + (1 - z) * n
        np.testing.assert_allclose(trace.h[t], h)
        np.testing.assert_allclose(trace.gates["z"][t], z)


def test_min_gru_is_a_gru_that_does_not_look_at_its_state(rng):
    gru = GRU(2, 3, rng=rng, activation="linear")
    gru.params["W_h"][...] = 0
    layer = MinGRU(2, 3, rng=rng)
    for name in ("z", "n"):
        W_x, _, b = gru.gate(name)
        layer.gate(name)[0][...], layer.gate(name)[1][...] = W_x, b
    x = rng.normal(size=(6, 4, 2))
    np.testing.assert_allclose(unroll(layer, x).h, unroll(gru, x).h)


def test_min_lstm_is_its_equations(rng):
    layer, x, h = MinLSTM(2, 3, rng=rng), rng.normal(size=(5, 4, 2)), rng.normal(size=(4, 3))
    layer.params["b"][...] = rng.normal(size=9)
    W, b, trace = layer.params["W_x"], layer.params["b"], unroll(layer, x, (h,))
    for t in range(5):
        u = x[t] @ W + b
        f, i, n = sigmoid(u[:, :3]), sigmoid(u[:, 3:6]), u[:, 6:]
        h = f / (f + i) * h + i / (f + i) * n
        np.testing.assert_allclose(trace.h[t], h)


@pytest.mark.parametrize("kind", ["positive", "real", "complex"])
def test_lru_is_a_state_space_model_with_full_matrices(kind, rng):
    """With matrices A, B, C in real numbers: a complex λ is a rotation of two of them."""
    layer, x = LRU(2, 4, rng=rng, eigenvalues=kind), rng.normal(size=(6, 3, 2))
    layer.params["b"][...] = rng.normal(size=4)
    p, radius = layer.params, np.exp(-np.exp(layer.params["nu"]))
    angle = p["theta"] if kind == "complex" else np.arange(4) % 2 * np.pi if kind == "real" else np.zeros(4)
    A = np.block(
        [
            [np.diag(radius * np.cos(angle)), np.diag(radius * np.sin(angle))],
            [np.diag(-radius * np.sin(angle)), np.diag(radius * np.cos(angle))],
        ]
    )
    N = 8 if kind == "complex" else 4
    A, γ = A[:N, :N], np.tile(np.sqrt(1 - radius**2), N // 4)
    trace, s = unroll(layer, x), np.zeros((3, N))
    for t in range(6):
        s = s @ A + x[t] @ p["W_x"] * γ
        np.testing.assert_allclose(trace.h[t], np.tanh(s @ p["W_s"] + p["b"]), atol=1e-9)
    np.testing.assert_allclose(np.concatenate(trace.state, axis=-1), s, atol=1e-9)


def test_lru_starts_on_the_ring_that_was_asked_for(rng):
    λ = LRU(2, 500, rng=rng, r_min=0.8, r_max=0.9, max_phase=0.1).eigenvalues()
    assert np.all((abs(λ) > 0.8) & (abs(λ) < 0.9)) and np.all((np.angle(λ) >= 0) & (np.angle(λ) < 0.1))
    # uniform on the ring, which has equal shares of its area: |λ|² is uniform
    λ = LRU(2, 6000, rng=rng, r_min=0.1, r_max=0.9, max_phase=np.pi).eigenvalues()
    assert abs(np.mean(abs(λ) ** 2 < (0.01 + 0.81) / 2) - 1 / 2) < 0.02
    assert (λ.imag >= 0).all() and abs(np.mean(λ.real > 0) - 1 / 2) < 0.02
    real = LRU(2, 4, rng=rng, eigenvalues="real").eigenvalues()
    assert np.array_equal(np.sign(real), [1, -1, 1, -1])


@layers
@pytest.mark.parametrize("method", ["loop", "tree"])
@pytest.mark.parametrize("options", [{}, {"reverse": True}], ids=["forth", "back"])
def test_gradients_are_finite_differences(new, method, options, rng):
    layer = new(3, 4, rng, scan=method)
    state = tuple(rng.normal(size=s.shape) - 1 for s in layer.initial_state(4))
    mask = np.arange(5)[:, np.newaxis] < [5, 3, 1, 0]
    errors = gradient_check(layer, rng.normal(size=(5, 4, 3)), state, mask, rng=rng, **options)
    assert max(errors.values()) < 1e-7


@layers
@pytest.mark.parametrize("state", ["absent", "zero", "negative"])
def test_tree_and_loop_agree_in_values_and_gradients(new, state, rng):
    one, two = new(3, 4, np.random.default_rng(1)), new(3, 4, np.random.default_rng(1), scan="tree")
    x, dh = rng.normal(size=(50, 2, 3)), rng.normal(size=(50, 2, 4))
    zeros = one.initial_state(2)
    given = {"absent": None, "zero": zeros, "negative": tuple(s - 2 for s in zeros)}[state]
    traces = [unroll(layer, x, given) for layer in (one, two)]
    grads = [backward(trace, dh, tuple(s + 1 for s in zeros)) for trace in traces]
    np.testing.assert_allclose(traces[0].h, traces[1].h, atol=1e-6)
    np.testing.assert_allclose(grads[0].x, grads[1].x, atol=1e-6)
    for name in one.params:
        np.testing.assert_allclose(grads[0].params[name], grads[1].params[name], atol=1e-6)
    for a, b in zip(grads[0].state, grads[1].state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@layers
@settings(deadline=None, max_examples=15)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_a_padded_sequence_is_the_short_sequence(new, lengths, seed):
    rng = np.random.default_rng(seed)
    layer, x = new(3, 4, rng), rng.normal(size=(6, len(lengths), 3))
    trace = unroll(layer, x, mask=np.arange(6)[:, np.newaxis] < lengths)
    for b, length in enumerate(lengths):
        state = layer.initial_state(1)
        for t in range(length):
            state = layer.step(x[t, b : b + 1], state)
            np.testing.assert_allclose(trace.h[t, b], output(layer, x[t, b : b + 1], state)[0], atol=1e-12)
        np.testing.assert_allclose(layer.last(trace.h)[b], layer.output(x[0, b : b + 1], state)[0], atol=1e-12)
        for mine, alone in zip(trace.state, state, strict=True):
            np.testing.assert_allclose(mine[b], alone[0], atol=1e-12)


@pytest.mark.parametrize("kind", [MinGRU, MinLSTM])
def test_the_gradient_of_a_state_is_its_own_and_that_of_all_that_comes_after(kind, rng):
    layer, x, dh = kind(3, 4, rng=rng), rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 2, 4))
    trace = unroll(layer, x)
    rest = backward(unroll(layer, x[3:], (trace.h[2],)), dh[3:])  # as if step 3 were the start
    np.testing.assert_allclose(backward(trace, dh).h[2], dh[2] + rest.state[0], atol=1e-12)


@layers
def test_read_backward_the_last_features_are_those_at_the_first_step(new, rng):
    layer, x = new(3, 4, rng), rng.normal(size=(5, 2, 3))
    trace, state = unroll(layer, x, reverse=True), layer.initial_state(2)
    for x_t in x[::-1]:
        state = layer.step(x_t, state)
    np.testing.assert_allclose(layer.last(trace.h, reverse=True), layer.output(x[0], state), atol=1e-12)
    assert np.abs(trace.h[0] - trace.h[-1]).max() > 1e-3


@layers
def test_stacked_and_in_both_directions(new, rng):
    x, mask = rng.normal(size=(4, 2, 3)), np.arange(4)[:, np.newaxis] < [4, 2]
    net = Stacked([Bidirectional(new(3, 4, rng), new(3, 4, rng)), GRU(8, 3, rng=rng), new(3, 2, rng)])
    assert max(gradient_check(net, x, mask=mask, rng=rng).values()) < 1e-6


@layers
def test_trained_saved_and_loaded(new, rng, tmp_path):
    x = np.array([[0], [1], [2], [0], [1], [2]])
    model = Model(new(3, 8, rng, dtype=np.float32), output_size=3, rng=rng)
    run = fit(model, [(x, (x + 1) % 3)], Adam(0.05), max_steps=60, progress=False)
    assert run.history.loss[-1] < 0.2 * run.history.loss[0]
    assert all(p.dtype == np.float32 for p in model.params.values())
    save_checkpoint(tmp_path / "model.npz", model)
    again, _ = load_model(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.forward(x)[0], model.forward(x)[0])
    assert registry.describe(again.layer) == registry.describe(model.layer)


@layers
def test_a_wrong_state_is_named(new, rng):
    layer = new(3, 4, rng)
    with pytest.raises(TypeError, match=r"state: expected a tuple of \d arrays \(2, 4\)"):
        unroll(layer, rng.normal(size=(5, 2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"state\[0\]: expected shape \(2, 4\)"):
        unroll(layer, rng.normal(size=(5, 2, 3)), tuple(np.zeros((2, 5)) for _ in layer.initial_state(2)))


def test_options_out_of_range_are_named(rng):
    with pytest.raises(ValueError, match="eigenvalues: expected one of"):
        LRU(2, 3, rng=rng, eigenvalues="imaginary")
    with pytest.raises(ValueError, match="r_min, r_max: expected"):
        LRU(2, 3, rng=rng, r_min=0.9, r_max=0.5)
    with pytest.raises(TypeError, match="dtype: expected float32 or float64"):
        MinGRU(2, 3, rng=rng, dtype=np.float16)
    with pytest.raises(ValueError, match="name: expected a gate of MinGRU"):
        MinGRU(2, 3, rng=rng).gate("r")
    with pytest.raises(TypeError, match=r"eigenvalue: expected an option of LRU .*; did you mean 'eigenvalues'\?"):
        LRU(2, 3, rng=rng, eigenvalue="real")
    with pytest.raises(TypeError, match=r"eigenvalues: expected an option of MinGRU \(dtype, negative, rng, scan\)"):
        MinGRU(2, 3, rng=rng, eigenvalues="real")


@pytest.mark.parametrize("dtype", ["no such thing", np.int64, np.float16])
def test_a_layer_computes_in_two_types_and_names_any_other(dtype):
    with pytest.raises(TypeError, match="dtype: expected float32 or float64, got"):
        MinGRU(2, 3, rng=np.random.default_rng(0), dtype=dtype)
