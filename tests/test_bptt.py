"""unroll and backward against PyTorch, ONNX and a literal reference: values and gradients."""

import numpy as np
import onnx
import pytest
import torch
from cell_kinds import CELLS, IN_TORCH, assert_same_gradients, cell_kinds, contiguous_mask, make, normal_state, sizes
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from reference import reference_gradients

from rnnlib.bptt import backward, dropout, unroll
from rnnlib.cells import ACTIVATIONS, GRU, LSTM, RNN


@given(st.sampled_from([RNN, GRU, LSTM]), sizes, st.booleans(), st.booleans(), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_equal_torch_nn(kind, size, bias, padded, seed):
    T, B, D, H = size
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    module = getattr(torch.nn, kind.__name__)(D, H, bias=bias, dtype=torch.float64)
    cell = kind.from_torch(module)
    x, state = rng.normal(size=(T, B, D)), normal_state(cell, B, rng)
    lengths = rng.integers(1, T + 1, size=B) if padded else np.full(B, T)
    mask = np.arange(T)[:, None] < lengths if padded else None
    real = np.arange(T)[:, None, None] < lengths[:, None]
    dh, dstate = rng.normal(size=(T, B, H)) * real, normal_state(cell, B, rng)

    trace = unroll(cell, x, state, mask)
    grads = backward(trace, dh, dstate)

    x_ = torch.tensor(x, requires_grad=True)
    initial = tuple(torch.tensor(s[None], requires_grad=True) for s in state)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_, torch.tensor(lengths), enforce_sorted=False)
    out, last = module(packed, initial if kind is LSTM else initial[0])
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    last = last if kind is LSTM else (last,)
    loss = (h * torch.tensor(dh)).sum() + sum((s[0] * torch.tensor(d)).sum() for s, d in zip(last, dstate, strict=True))
    loss.backward()

    np.testing.assert_allclose(trace.h * real, h.detach().numpy(), rtol=1e-9, atol=1e-9)
    for s, e in zip(trace.state, last, strict=True):
        np.testing.assert_allclose(s, e[0].detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(grads.x, x_.grad.numpy(), rtol=1e-9, atol=1e-9)
    for g, e in zip(grads.state, initial, strict=True):
        np.testing.assert_allclose(g, e.grad[0].numpy(), rtol=1e-9, atol=1e-9)
    expected = gradients_in_our_layout(module, cell)
    assert grads.params.keys() == expected.keys()
    for name, g in grads.params.items():
        np.testing.assert_allclose(g, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


def gradients_in_our_layout(module, cell):
    """torch.nn's gradients by gate, as `cell.params` has them; written out, not by way of rnnlib's own converter."""
    H = cell.hidden_size
    theirs = {"h": ("h",), "r": "rzn", "i": "ifgo"}[cell.gates[0]]
    blocks = {gate: slice(k * H, (k + 1) * H) for k, gate in enumerate(theirs)}
    grad = {name: p.grad.numpy() for name, p in module.named_parameters()}

    def ours(name):
        return np.concatenate([grad[name][blocks[gate]] for gate in cell.gates])

    expected = {"W_x": ours("weight_ih_l0").T, "W_h": ours("weight_hh_l0").T}
    if module.bias:
        expected["b"] = ours("bias_ih_l0")
        if cell.gates[0] == "r":
            expected["b_n"] = grad["bias_hh_l0"][blocks["n"]]
    return expected


@pytest.mark.parametrize(("kind", "options"), IN_TORCH)
def test_float32_stays_float32_and_near_torch(kind, options):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 5, 8, dtype=np.float32)
    x = rng.normal(size=(20, 3, 5)).astype(np.float32)
    trace = unroll(cell, x)
    grads = backward(trace, np.ones_like(trace.h))
    h, _ = cell.to_torch()(torch.tensor(x))
    np.testing.assert_allclose(trace.h, h.detach().numpy(), atol=2e-6)
    arrays = [trace.h, grads.x, grads.h, grads.h_norm, *grads.params.values(), *grads.state, *trace.state]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@given(cell_kinds, sizes, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_any_mask_and_direction_equals_the_reference(kind_options, size, bias, reverse, masked, seed):
    kind, options = kind_options
    T, B, D, H = size
    rng = np.random.default_rng(seed)
    cell = make(kind, options, D, H, seed, use_bias=bias)
    x, state = rng.normal(size=(T, B, D)), normal_state(cell, B, rng)
    mask = contiguous_mask(T, B, rng) if masked else None
    dh, dstate = rng.normal(size=(T, B, H)), normal_state(cell, B, rng)
    trace = unroll(cell, x, state, mask, reverse)
    expected = reference_gradients(cell, x, state, mask, reverse, dh, dstate)
    assert_same_gradients(trace, backward(trace, dh, dstate), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_every_activation_equals_the_reference(kind, options, activation):
    rng = np.random.default_rng(1)
    gates = {} if kind is RNN else {"recurrent_activation": "hard_sigmoid"}
    cell = make(kind, options, 3, 4, activation=activation, **gates)
    for p in cell.params.values():
        p *= 0.5  # relu and linear grow
    x, state = 3 * rng.normal(size=(6, 5, 3)), normal_state(cell, 5, rng)
    dh, dstate = rng.normal(size=(6, 5, 4)), normal_state(cell, 5, rng)
    trace = unroll(cell, x, state)
    expected = reference_gradients(cell, x, state, None, False, dh, dstate)
    assert_same_gradients(trace, backward(trace, dh, dstate), expected)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_dropout_equals_the_reference_with_the_same_factors(kind, options, reverse):
    rng = np.random.default_rng(2)
    cell = make(kind, options, 3, 4, dropout=0.4, recurrent_dropout=0.3)
    x, state = rng.normal(size=(5, 6, 3)), normal_state(cell, 6, rng)
    mask = contiguous_mask(5, 6, rng)
    dh, dstate = rng.normal(size=(5, 6, 4)), normal_state(cell, 6, rng)
    trace = unroll(cell, x, state, mask, reverse, dropout_rng=np.random.default_rng(7))
    assert set(np.round(np.unique(trace.drop_x), 9)) == {0, round(1 / 0.6, 9)}
    assert set(np.round(np.unique(trace.drop_h), 9)) == {0, round(1 / 0.7, 9)}
    expected = reference_gradients(cell, x, state, mask, reverse, dh, dstate, trace.drop_x, trace.drop_h)
    assert_same_gradients(trace, backward(trace, dh, dstate), expected)


def test_dropout_keeps_the_mean_and_is_off_without_a_generator():
    factors = dropout((1000, 100), 0.3, np.random.default_rng(0))
    assert abs(factors.mean() - 1) < 0.01
    assert abs((factors == 0).mean() - 0.3) < 0.01
    cell = make(RNN, {}, 2, 3, dropout=0.5, recurrent_dropout=0.5)
    trace = unroll(cell, np.ones((3, 1, 2)))
    assert trace.drop_x is None and trace.drop_h is None


@pytest.mark.parametrize("options", [p.values[1] for p in CELLS if p.values[0] is LSTM][1:])
def test_gates_of_a_variant_are_those_that_have_weights(options):
    cell = make(LSTM, options, 3, 4)
    trace = unroll(cell, np.random.default_rng(0).normal(size=(5, 2, 3)))
    assert list(trace.gates) == list(cell.gates)
    f = trace.gates.get("f", np.ones_like(trace.c))
    i = trace.gates.get("i", 1 - f)
    c_prev = np.concatenate([np.zeros((1, 2, 4)), trace.c[:-1]])
    np.testing.assert_allclose(trace.c, f * c_prev + i * trace.gates["g"], rtol=1e-12)


def test_a_variant_with_nothing_varied_is_the_plain_lstm():
    plain = make(LSTM, {}, 3, 4)
    peephole = LSTM(3, 4, rng=np.random.default_rng(0), peephole=True)
    for name, p in plain.params.items():
        peephole.params[name][...] = p  # the peepholes stay at zero
    x, dh = np.random.default_rng(0).normal(size=(5, 2, 3)), np.random.default_rng(1).normal(size=(5, 2, 4))
    one, two = backward(unroll(plain, x), dh), backward(unroll(peephole, x), dh)
    for name, g in one.params.items():
        np.testing.assert_allclose(two.params[name], g, atol=1e-13)
    assert all(np.abs(two.params[f"p_{gate}"]).min() > 0 for gate in "ifo")


def test_peepholes_equal_the_reference_cell_of_onnx():
    """ONNX: gates in the order i, o, f, c; peepholes P in the order i, o, f; written in NumPy by others."""
    H, D, T, B = 4, 3, 6, 2
    cell = make(LSTM, {"peephole": True}, D, H)
    x = np.random.default_rng(0).normal(size=(T, B, D))
    p = cell.params

    def rows(a):  # (…, 4H) in our order i, f, o, g → (1, 4H, …) in theirs
        i, f, o, g = np.split(a, 4, axis=-1)
        return np.concatenate([i, o, f, g], axis=-1).T[None]

    node = onnx.helper.make_node("LSTM", ["X", "W", "R", "B", "", "h0", "c0", "P"], ["Y", "Yh", "Yc"], hidden_size=H)
    given_ = {
        "X": x, "W": rows(p["W_x"]), "R": rows(p["W_h"]),
        "B": np.concatenate([rows(p["b"]), np.zeros((1, 4 * H))], axis=1),
        "h0": np.zeros((1, B, H)), "c0": np.zeros((1, B, H)), "P": np.concatenate([p["p_i"], p["p_o"], p["p_f"]])[None],
    }  # fmt: skip
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in given_]
    outputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in ("Y", "Yh", "Yc")]
    graph = onnx.helper.make_graph([node], "lstm", inputs, outputs)
    h, _, _ = ReferenceEvaluator(onnx.helper.make_model(graph)).run(None, given_)
    np.testing.assert_allclose(unroll(cell, x).h, h[:, 0], atol=1e-9)
