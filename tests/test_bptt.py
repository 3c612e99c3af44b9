"""unroll and backward against PyTorch, against a literal reference, and against finite differences."""

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from reference import reference_gradients

from rnnlib.bptt import (
    Bidirectional,
    Stacked,
    backward,
    dropout,
    geometric_mean,
    gradient_check,
    gradient_flow,
    jacobian_norms,
    jacobians,
    step_jacobians,
    truncated_backward,
    unroll,
)
from rnnlib.cells import ACTIVATIONS, GRU, LSTM, RNN

CELLS = [
    pytest.param(RNN, {}, id="RNN"),
    pytest.param(GRU, {"reset_after": False}, id="GRU-reset-before"),
    pytest.param(GRU, {"reset_after": True}, id="GRU-reset-after"),
    pytest.param(LSTM, {}, id="LSTM"),
]
IN_TORCH = [CELLS[0], CELLS[2], CELLS[3]]
CELLS += [
    pytest.param(LSTM, {"peephole": True}, id="LSTM-peephole"),
    pytest.param(LSTM, {"coupled": True}, id="LSTM-coupled"),
    pytest.param(LSTM, {"forget_gate": False}, id="LSTM-no-forget-gate"),
    pytest.param(LSTM, {"peephole": True, "coupled": True}, id="LSTM-peephole-coupled"),
    pytest.param(LSTM, {"peephole": True, "forget_gate": False}, id="LSTM-peephole-no-forget-gate"),
]
cell_kinds = st.sampled_from([(p.values[0], p.values[1]) for p in CELLS])
sizes = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))  # T, B, D, H


def make(kind, options, D, H, seed=0, **more):
    """A cell with every parameter drawn at random, biases too, so that none is zero by chance."""
    rng = np.random.default_rng(seed)
    cell = kind(D, H, rng=rng, **options, **more)
    for p in cell.params.values():
        p[...] = rng.normal(scale=0.7, size=p.shape)
    return cell


def normal_state(cell, B, rng):
    return tuple(rng.normal(size=(B, cell.hidden_size)) for _ in cell.states)


def contiguous_mask(T, B, rng):
    """Real steps anywhere in the sequence, in one run; some sequences are empty, some full."""
    mask = np.zeros((T, B), dtype=bool)
    for b in range(B):
        start, stop = sorted(rng.integers(0, T + 1, size=2))
        mask[start:stop, b] = True
    return mask


def assert_same_gradients(trace, grads, expected, atol=1e-9):
    close = dict(rtol=1e-9, atol=atol)
    np.testing.assert_allclose(trace.h, expected["h"], **close)
    for s, e in zip(trace.state, expected["state"], strict=True):
        np.testing.assert_allclose(s, e, **close)
    assert grads.params.keys() == expected["params"].keys()
    for name, g in grads.params.items():
        np.testing.assert_allclose(g, expected["params"][name], err_msg=name, **close)
    np.testing.assert_allclose(grads.x, expected["x"], **close)
    for g, e in zip(grads.state, expected["initial"], strict=True):
        np.testing.assert_allclose(g, e, **close)


# against torch.nn ------------------------------------------------------------------------------------------------


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


# against the literal reference -----------------------------------------------------------------------------------


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


# what a trace says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_unroll_equals_one_step_after_the_other(kind, options):
    rng = np.random.default_rng(3)
    cell = make(kind, options, 3, 4)
    x, state = rng.normal(size=(5, 2, 3)), normal_state(cell, 2, rng)
    trace = unroll(cell, x, state)
    for t in range(5):
        state = cell.step(x[t], state)
        np.testing.assert_allclose(trace.h[t], state[0], rtol=1e-13)
    for s, e in zip(trace.state, state, strict=True):
        np.testing.assert_allclose(s, e, rtol=1e-13)


def test_gates_and_cell_state_of_a_trace_obey_the_lstm_equations():
    cell = make(LSTM, {}, 3, 4)
    trace = unroll(cell, np.random.default_rng(0).normal(size=(5, 2, 3)))
    c_prev = np.concatenate([np.zeros((1, 2, 4)), trace.c[:-1]])
    np.testing.assert_allclose(trace.c, trace.gates["f"] * c_prev + trace.gates["i"] * trace.gates["g"], rtol=1e-12)
    np.testing.assert_allclose(trace.h, trace.gates["o"] * np.tanh(trace.c), rtol=1e-12)
    for name in "ifo":
        assert (trace.gates[name] > 0).all() and (trace.gates[name] < 1).all()


def test_a_masked_step_carries_the_state_and_the_last_valid_state_is_returned():
    cell = make(LSTM, {}, 2, 3)
    x = np.random.default_rng(0).normal(size=(6, 2, 2))
    mask = np.ones((6, 2), dtype=int)
    mask[4:, 0] = 0
    trace, short = unroll(cell, x, mask=mask), unroll(cell, x[:4, :1])
    np.testing.assert_array_equal(trace.h[3, 0], trace.h[5, 0])
    for s, e in zip(trace.state, short.state, strict=True):
        np.testing.assert_allclose(s[0], e[0], rtol=1e-13)


def test_reverse_is_the_reversed_sequence_put_back_in_time_order():
    cell = make(GRU, {}, 2, 3)
    x = np.random.default_rng(0).normal(size=(5, 2, 2))
    back, forth = unroll(cell, x, reverse=True), unroll(cell, x[::-1])
    np.testing.assert_allclose(back.h, forth.h[::-1], rtol=1e-13)
    np.testing.assert_allclose(back.gates["z"], forth.gates["z"][::-1], rtol=1e-13)
    np.testing.assert_allclose(back.state[0], back.h[0], rtol=1e-13)


def test_h_norm_is_the_norm_of_the_gradient_of_each_state():
    """Nudge h_t by way of a restart: the loss of the rest, as a function of the state, has that gradient."""
    cell = make(RNN, {}, 2, 3)
    rng = np.random.default_rng(0)
    x, dh = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2, 3))
    grads = backward(unroll(cell, x), dh)
    trace = unroll(cell, x)
    rest = backward(unroll(cell, x[2:], (trace.h[1],)), dh[2:]).state[0] + dh[1]
    np.testing.assert_allclose(grads.h_norm[1], np.linalg.norm(rest), rtol=1e-12)
    np.testing.assert_allclose(grads.h_norm, np.linalg.norm(grads.h.reshape(4, -1), axis=1), rtol=1e-12)


def test_one_trace_serves_several_losses_and_gradients_add_up():
    cell = make(LSTM, {}, 2, 3)
    rng = np.random.default_rng(0)
    trace = unroll(cell, rng.normal(size=(4, 2, 2)))
    one, two = rng.normal(size=(2, 4, 2, 3))
    first, second, both = backward(trace, one), backward(trace, two), backward(trace, one + two)
    for name in both.params:
        np.testing.assert_allclose(first.params[name] + second.params[name], both.params[name], atol=1e-12)


@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_a_step_changes_none_of_its_arguments_and_equals_itself(kind, options):
    cell = make(kind, options, 3, 4)
    rng = np.random.default_rng(0)
    u, before, dstate = (
        rng.normal(size=(2, 4 * len(cell.gates))),
        normal_state(cell, 2, rng),
        normal_state(cell, 2, rng),
    )
    given_ = [u, *before, *dstate, *cell.params.values()]
    kept = [a.copy() for a in given_]
    for a in given_:
        a.flags.writeable = False
    after, gates = cell.forward(u, before)
    da, dprev = cell.backward(dstate, before, after, gates)
    assert da.shape == u.shape and [d.shape for d in dprev] == [s.shape for s in before]
    again, _ = cell.forward(u, before)
    for s, e in zip((*after, *given_), (*again, *kept), strict=True):
        np.testing.assert_array_equal(s, e)


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


def test_a_slice_of_a_trace_goes_back_through_its_own_steps_only():
    cell = make(LSTM, {}, 2, 3)
    rng = np.random.default_rng(0)
    x, dh = rng.normal(size=(6, 2, 2)), rng.normal(size=(2, 2, 3))
    for reverse in (False, True):
        trace = unroll(cell, x, reverse=reverse)
        part = trace[2:4]
        again = unroll(cell, x[2:4], part.initial_state, reverse=reverse)
        np.testing.assert_allclose(part.h, again.h, rtol=1e-13)
        a, b = backward(part, dh), backward(again, dh)
        np.testing.assert_allclose(a.params["W_h"], b.params["W_h"], rtol=1e-12)
        np.testing.assert_allclose(a.state[1], b.state[1], rtol=1e-12)
    with pytest.raises(TypeError, match="steps"):
        trace[2]
    with pytest.raises(ValueError, match="steps"):
        trace[::2]


# layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_two_bidirectional_layers_equal_torch_nn(kind):
    torch.manual_seed(0)
    T, B, D, H = 6, 3, 4, 5
    module = getattr(torch.nn, kind.__name__)(D, H, num_layers=2, bidirectional=True, dtype=torch.float64)

    def cell(layer, suffix, width):
        one = getattr(torch.nn, kind.__name__)(width, H, dtype=torch.float64)
        named = dict(module.named_parameters())
        with torch.no_grad():
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(one, f"{name}_l0").copy_(named[f"{name}_l{layer}{suffix}"])
        return kind.from_torch(one)

    net = Stacked([Bidirectional(cell(k, "", width), cell(k, "_reverse", width)) for k, width in enumerate((D, 2 * H))])
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(T, B, D)), np.array([6, 2, 4])
    real = (np.arange(T)[:, None] < lengths)[..., None]
    dh = rng.normal(size=(T, B, 2 * H)) * real
    trace = unroll(net, x, mask=real[..., 0])
    grads = backward(trace, dh)

    x_ = torch.tensor(x, requires_grad=True)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_, torch.tensor(lengths), enforce_sorted=False)
    out, last = module(packed)
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    (h * torch.tensor(dh)).sum().backward()
    np.testing.assert_allclose(trace.h * real, h.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(grads.x, x_.grad.numpy(), atol=1e-12)
    last_h = (last[0] if kind is LSTM else last).detach().numpy()
    ours = [direction[0] for layer in trace.state for direction in layer]
    np.testing.assert_allclose(np.stack(ours), last_h, atol=1e-12)
    W = module.weight_hh_l0_reverse.grad.numpy().T
    if kind is not LSTM:  # of the LSTM, the order of the gates differs; its first two agree
        np.testing.assert_allclose(grads.params["0.backward.W_h"], W, atol=1e-12)
    else:
        np.testing.assert_allclose(grads.params["0.backward.W_h"][:, : 2 * H], W[:, : 2 * H], atol=1e-12)


def test_layers_share_the_cells_arrays():
    rng = np.random.default_rng(0)
    net = Stacked([RNN(2, 4, rng=rng), Bidirectional(LSTM(4, 3, rng=rng), GRU(4, 2, rng=rng))])
    assert net.params["0.W_x"] is net.layers[0].params["W_x"]
    assert (net.input_size, net.hidden_size) == (2, 5)
    assert [type(cell) for cell in net.cells] == [RNN, LSTM, GRU]
    x = rng.normal(size=(4, 2, 2))
    np.testing.assert_array_equal(unroll(net, x, net.initial_state(2)).h, unroll(net, x).h)


@pytest.mark.parametrize("reverse", [False, True])
def test_nesting_changes_nothing(reverse):
    """The same weights stacked at once, and stacks in a stack: outputs, last features, gradients."""
    rng = np.random.default_rng(0)
    a, b, c, d = GRU(2, 3, rng=rng), LSTM(3, 4, rng=rng), RNN(3, 2, rng=rng), LSTM(6, 5, rng=rng, peephole=True)
    both = Bidirectional(b, c)
    flat, nested = Stacked([a, both, d]), Stacked([Stacked([a, Stacked([both])]), Stacked([Stacked([d])])])
    top_is_both = Stacked([Stacked([a]), Stacked([Stacked([both])])])
    x, mask = rng.normal(size=(5, 3, 2)), np.arange(5)[:, None] < [5, 2, 3]
    one, two = unroll(flat, x, mask=mask, reverse=reverse), unroll(nested, x, mask=mask, reverse=reverse)
    np.testing.assert_array_equal(one.h, two.h)
    dh = rng.normal(size=one.h.shape)
    g, g_nested = backward(one, dh), backward(two, dh)
    np.testing.assert_array_equal(g.x, g_nested.x)
    for ours, theirs in zip(g.params.values(), g_nested.params.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    plain, deep = Stacked([a, both]), top_is_both
    h = unroll(plain, x, mask=mask, reverse=reverse).h
    np.testing.assert_array_equal(plain.last(h, reverse), deep.last(h, reverse))
    forth, back = h[..., :4], h[..., 4:]
    ends = (forth[0], back[-1]) if reverse else (forth[-1], back[0])
    np.testing.assert_array_equal(deep.last(h, reverse), np.concatenate(ends, axis=-1))


def test_reverse_of_any_layer_is_the_reversed_sequence_put_back_in_time_order():
    rng = np.random.default_rng(0)
    net = Stacked(
        [Bidirectional(GRU(2, 3, rng=rng), Stacked([RNN(2, 4, rng=rng), LSTM(4, 2, rng=rng)])), RNN(5, 3, rng=rng)]
    )
    x = rng.normal(size=(5, 2, 2))
    np.testing.assert_allclose(unroll(net, x, reverse=True).h, unroll(net, x[::-1]).h[::-1], rtol=1e-13)


def test_one_step_of_a_stack_equals_its_unrolling_and_both_directions_have_none():
    rng = np.random.default_rng(0)
    net = Stacked([GRU(2, 3, rng=rng), Stacked([LSTM(3, 4, rng=rng, coupled=True)])])
    x, state = rng.normal(size=(4, 2, 2)), net.initial_state(2)
    trace = unroll(net, x)
    for t in range(4):
        state = net.step(x[t], state)
        np.testing.assert_allclose(trace.h[t], state[1][0][0], rtol=1e-13)
    with pytest.raises(TypeError, match="step by step"):
        Bidirectional(RNN(2, 3, rng=rng), RNN(2, 3, rng=rng)).step(x[0], None)


def test_layers_that_do_not_fit_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"layers\[1\]: expected input_size=4, .* got 3"):
        Stacked([RNN(2, 4, rng=rng), RNN(3, 4, rng=rng)])
    with pytest.raises(ValueError, match="at least one"):
        Stacked([])
    cell = RNN(2, 4, rng=rng)
    with pytest.raises(ValueError, match="layer of its own"):
        Bidirectional(cell, cell)
    with pytest.raises(ValueError, match="input_size=2"):
        Bidirectional(cell, RNN(3, 4, rng=rng))
    with pytest.raises(ValueError, match="one dtype"):
        Stacked([cell, RNN(4, 4, rng=rng, dtype=np.float32)])
    with pytest.raises(TypeError, match="a tuple of 2 states, got a tuple of 1"):
        unroll(Stacked([cell, RNN(4, 4, rng=rng)]), np.ones((3, 1, 2)), (cell.initial_state(1),))


# finite differences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_gradient_check_passes_with_masks_and_dropout(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 3, 4, dropout=0.3, recurrent_dropout=0.3)
    x, state = rng.normal(size=(5, 3, 3)), normal_state(cell, 3, rng)
    mask = np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 0]])
    errors = gradient_check(cell, x, state, mask, rng=rng, dropout_seed=1, reverse=reverse)
    assert set(errors) == {*cell.params, "x", *(f"state[{k}]" for k in range(len(cell.states)))}
    assert max(errors.values()) < 1e-7


def test_gradient_check_passes_on_layers():
    rng = np.random.default_rng(0)
    net = Stacked([
        Bidirectional(GRU(2, 3, rng=rng), Stacked([LSTM(2, 2, rng=rng, peephole=True), RNN(2, 2, rng=rng)])),
        LSTM(5, 3, rng=rng, peephole=True, coupled=True),
    ])  # fmt: skip
    x, mask = rng.normal(size=(4, 2, 2)), np.array([[1, 0], [1, 1], [1, 1], [0, 1]])
    for reverse in (False, True):
        assert max(gradient_check(net, x, mask=mask, rng=rng, reverse=reverse).values()) < 1e-7


def test_gradient_check_finds_an_error_that_never_flows_through_the_cell_state():
    class Forgetful(LSTM):
        """The mistake of many a first LSTM: ∂L/∂C_{t−1} is left at zero."""

        def backward(self, dstate, before, after, gates):
            da, (dh, dc) = super().backward(dstate, before, after, gates)
            return da, (dh, np.zeros_like(dc))

    rng = np.random.default_rng(0)
    errors = gradient_check(Forgetful(2, 3, rng=rng), rng.normal(size=(4, 2, 2)), rng=rng)
    assert errors["W_h"] > 1e-2 and errors["state[1]"] > 0.5


def test_gradient_check_refuses_what_it_could_not_see():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="float64"):
        gradient_check(RNN(2, 3, rng=rng, dtype=np.float32), np.ones((4, 1, 2)), rng=rng)
    with pytest.raises(ValueError, match="T > 2"):
        gradient_check(RNN(2, 3, rng=rng), np.ones((2, 1, 2)), rng=rng)


# truncation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_chunks_equal_separate_sequences_with_a_carried_state(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 2, 3)
    x, dh, k = rng.normal(size=(7, 2, 2)), rng.normal(size=(7, 2, 3)), 3
    if reverse:
        x, dh = x[::-1], dh[::-1]
    total, state = {name: np.zeros_like(p) for name, p in cell.params.items()}, cell.initial_state(2)
    for start in range(0, 7, k):
        part = unroll(cell, x[start : start + k], state)
        for name, g in backward(part, dh[start : start + k]).params.items():
            total[name] += g
        state = part.state
    if reverse:
        x, dh = x[::-1], dh[::-1]
    cut = truncated_backward(unroll(cell, x, reverse=reverse), dh, k)
    for name, g in cut.params.items():
        np.testing.assert_allclose(g, total[name], atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_sliding_window_sends_each_loss_back_through_k_steps(reverse):
    """By hand for a linear RNN: ∂L/∂b of the loss at t is Σ_{j<k} dh_t W_hᵀ^j."""
    cell = make(RNN, {}, 2, 3, activation="linear")
    rng = np.random.default_rng(0)
    dh, k = rng.normal(size=(6, 1, 3)), 2
    grads = truncated_backward(unroll(cell, np.ones((6, 1, 2)), reverse=reverse), dh, k, window="sliding")
    W = cell.params["W_h"]
    in_order = dh[::-1, 0] if reverse else dh[:, 0]
    by_hand = sum(d @ np.linalg.matrix_power(W.T, j) for t, d in enumerate(in_order) for j in range(min(k, t + 1)))
    np.testing.assert_allclose(grads.params["b"], by_hand, rtol=1e-12)


@pytest.mark.parametrize("window", ["chunks", "sliding"])
def test_a_window_as_long_as_the_sequence_is_the_whole_gradient(window):
    rng = np.random.default_rng(0)
    cell = make(LSTM, {}, 2, 3)
    trace, dh = unroll(cell, rng.normal(size=(5, 2, 2))), rng.normal(size=(5, 2, 3))
    cut, whole = truncated_backward(trace, dh, 5, window=window), backward(trace, dh)
    for name in whole.params:
        np.testing.assert_allclose(cut.params[name], whole.params[name], atol=1e-12)
    np.testing.assert_allclose(cut.x, whole.x, atol=1e-12)
    np.testing.assert_allclose(cut.h, whole.h, atol=1e-12)
    np.testing.assert_allclose(cut.c, whole.c, atol=1e-12)
    np.testing.assert_allclose(cut.state, whole.state, atol=1e-12)


def test_truncation_refuses_a_window_that_is_none():
    trace = unroll(make(RNN, {}, 2, 3), np.ones((4, 1, 2)))
    dh = np.ones((4, 1, 3))
    with pytest.raises(ValueError, match="k: expected at least 1, got 0"):
        truncated_backward(trace, dh, 0)
    with pytest.raises(TypeError, match="k: expected an int"):
        truncated_backward(trace, dh, 2.5)
    with pytest.raises(ValueError, match="window: expected 'chunks' or 'sliding'"):
        truncated_backward(trace, dh, 2, window="steps")


# Jacobians -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_jacobians_equal_autograd_and_the_product_of_steps(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 2, 3)
    x, T = rng.normal(size=(5, 2, 2)), 5
    trace = unroll(cell, x, reverse=reverse)
    J, steps = jacobians(trace, sequence=1), step_jacobians(trace, sequence=1)
    order = list(reversed(range(T))) if reverse else list(range(T))
    parts = [trace.h] if kind is not LSTM else [trace.h, trace.c]
    for m in range(T - 1):
        start = tuple(p[order[m]] for p in parts)

        def rest(*flat, first=m):
            from reference import reference_step

            state = tuple(s.reshape(1, -1) for s in flat)
            params = {name: torch.tensor(p) for name, p in cell.params.items()}
            for t in order[first + 1 :]:
                state = reference_step(cell, params, torch.tensor(x[t, 1:2]), state, None)
            return torch.cat([s[0] for s in state])

        blocks = torch.autograd.functional.jacobian(rest, tuple(torch.tensor(s[1]) for s in start))
        np.testing.assert_allclose(J[order[m]], torch.cat(blocks, dim=1).numpy(), atol=1e-12)
        np.testing.assert_allclose(J[order[m]], J[order[m + 1]] @ steps[order[m + 1]], atol=1e-12)
    np.testing.assert_array_equal(J[order[-1]], np.eye(J.shape[1]))
    np.testing.assert_allclose(jacobian_norms(trace, 1), [np.linalg.norm(j, 2) for j in J], rtol=1e-12)


def test_a_masked_step_has_the_identity_as_jacobian():
    trace = unroll(make(GRU, {}, 2, 3), np.ones((4, 1, 2)), mask=np.array([[1], [1], [0], [0]]))
    np.testing.assert_array_equal(step_jacobians(trace)[2], np.eye(3))
    with pytest.raises(IndexError, match="sequence: the batch has 1"):
        jacobians(trace, 1)


# bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.ones((4, 2))}, ValueError, r"x: expected shape \(any, any, 3\), got \(4, 2\)"),
        ({"x": np.ones((4, 2, 5))}, ValueError, r"x: expected shape \(any, any, 3\), got \(4, 2, 5\)"),
        ({"x": np.ones((0, 2, 3))}, ValueError, r"x: expected at least one step"),
        (
            {"x": np.ones((4, 2, 3), dtype=int)},
            TypeError,
            r"x: expected a floating.* int64.*one_hot\(x, 3\)",
        ),
        ({"x": np.ones((4, 2), dtype=int)}, TypeError, r"got int64.*one_hot\(x, 3\)"),
        ({"x": np.full((4, 2, 3), np.nan)}, ValueError, r"x: expected finite numbers, got nan at \(0, 0, 0\)"),
        ({"state": np.zeros((2, 5))}, TypeError, r"state: expected a tuple \(h, c\).* got ndarray"),
        ({"state": (np.zeros((2, 5)),)}, TypeError, "got a tuple of 1"),
        ({"state": (np.zeros((2, 5)), np.zeros((2, 4)))}, ValueError, r"state\[1\] \(c\): expected shape \(2, 5\)"),
        ({"mask": np.ones((2, 4))}, ValueError, r"mask: expected shape \(T, B\) = \(4, 2\), got \(2, 4\)"),
        ({"mask": np.full((4, 2), 0.5)}, ValueError, "mask: expected 0 and 1 only, got 0.5"),
        ({"mask": np.full((4, 2), "1")}, TypeError, "mask: expected bool, or 0 and 1"),
        ({"mask": np.array([[1, 1], [1, 0], [1, 1], [1, 1]])}, ValueError, "contiguous, got 1011 in sequence 1"),
        ({"dropout_rng": 3}, TypeError, "dropout_rng: expected a np.random.Generator, got int"),
    ],
)
def test_unroll_refuses_bad_input_and_says_why(change, error, message):
    cell = make(LSTM, {}, 3, 5)
    with pytest.raises(error, match=message):
        unroll(cell, **({"x": np.ones((4, 2, 3))} | change))


def test_large_finite_inputs_are_not_taken_for_infinite_ones():
    cell = make(RNN, {}, 3, 5, dtype=np.float32)
    cell.params["W_x"] *= 0.1
    x = np.full((4, 2, 3), 1e38, np.float32)  # whose sum overflows
    assert np.isfinite(unroll(cell, x).h).all()
    x[1, 1, 1], x[2, 0, 0] = np.inf, -np.inf
    with pytest.raises(ValueError, match=r"got inf at \(1, 1, 1\)"):
        unroll(cell, x)


def test_backward_refuses_bad_input_and_says_why():
    trace = unroll(make(LSTM, {}, 3, 5), np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match=r"dh: expected shape \(4, 2, 5\), got \(4, 2, 3\)"):
        backward(trace, np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match="dh: expected finite numbers"):
        backward(trace, np.full((4, 2, 5), np.inf))
    with pytest.raises(TypeError, match="dstate: expected a tuple"):
        backward(trace, np.ones((4, 2, 5)), np.ones((2, 5)))


def test_only_an_lstm_has_a_cell_state():
    with pytest.raises(AttributeError, match="RNN has no cell state"):
        _ = unroll(make(RNN, {}, 2, 3), np.ones((3, 1, 2))).c


def test_a_cell_of_ones_own_that_returns_a_strange_state_is_told_so():
    class Strange(RNN):
        def forward(self, u, state):
            return (state[0][:, :1],), state

    with pytest.raises(ValueError, match=r"Strange.forward: .* \(1, 3\) float64, got \(1, 1\) float64"):
        unroll(make(Strange, {}, 2, 3), np.ones((3, 1, 2)))


def test_short_representations():
    rng = np.random.default_rng(0)
    net = Stacked([GRU(2, 3, rng=rng), Bidirectional(RNN(3, 2, rng=rng), LSTM(3, 2, rng=rng))])
    x = np.ones((4, 1, 2))
    trace = unroll(net, x)
    for thing in (net, trace, trace.parts[0], backward(trace, np.ones((4, 1, 4)))):
        assert len(repr(thing)) < 300 and "array" not in repr(thing)
    assert repr(unroll(net.layers[0], x, mask=np.ones((4, 1)))) == (
        "Trace(GRU(input_size=2, hidden_size=3, dtype=float64), T=4, B=1, masked)"
    )


class Slow(RNN):
    """A cell with three parts of a state: h, and two that follow it slowly."""

    states = ("h", "slow", "slower")

    def forward(self, u, state):
        h, slow, slower = state
        h = np.tanh(u + (h + slower) @ self.params["W_h"])
        return (h, 0.9 * slow + 0.1 * h, 0.8 * slower + 0.2 * slow), (h,)

    def backward(self, dstate, before, after, gates):
        dh, dslow, dslower = dstate
        da = (dh + 0.1 * dslow) * (1 - after[0] ** 2)
        back = da @ self.params["W_h"].T
        return da, (back, 0.9 * dslow + 0.2 * dslower, back + 0.8 * dslower)

    def parameter_gradients(self, before, after, gates, da, dstate):
        seen = before[0] + before[2]
        return {"W_h": np.einsum("tbh,tbg->hg", seen, da)}


def test_a_cell_with_three_parts_of_a_state_has_gradients_and_jacobians():
    rng = np.random.default_rng(0)
    cell = make(Slow, {}, 2, 3)
    x = rng.normal(size=(5, 2, 2))
    assert max(gradient_check(cell, x, mask=np.array([[1, 0]] + 4 * [[1, 1]]), rng=rng).values()) < 1e-7
    trace = unroll(cell, x)
    J, steps = jacobians(trace), step_jacobians(trace)
    assert J.shape == steps.shape == (5, 9, 9)
    np.testing.assert_allclose(J[2], steps[4] @ steps[3], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"forward": lambda self, u, state: (state, u)}, r"forward: expected two tuples"),
        ({"forward": lambda self, u, state: (state, ())}, r"forward: expected gates \('h',\)"),
        ({"forward": lambda self, u, state: (tuple(s.astype("f4") for s in state), state)}, r"forward: .* float32"),
        ({"backward": lambda self, d, b, a, g: (d[0][:, :1], d)}, r"backward: expected da of shape \(2, 3\)"),
        ({"backward": lambda self, d, b, a, g: (d[0], d[0])}, r"backward: expected a tuple dstate"),
        ({"parameter_gradients": lambda self, *rest: {}}, r"parameter_gradients: .* \['W_h'\]"),
    ],
)
def test_slips_in_a_cell_of_ones_own_are_named(change, words):
    cell = make(type("Mine", (RNN,), change), {}, 2, 3)
    with pytest.raises((TypeError, ValueError), match=f"Mine.{words}"):
        backward(unroll(cell, np.ones((3, 2, 2))), np.ones((3, 2, 3)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda cell, x: Stacked(cell), "layers: expected a list of layers, got RNN"),
        (lambda cell, x: Stacked([1]), r"layers\[0\]: expected a cell.* got int"),
        (lambda cell, x: Bidirectional(cell, 1), "backward_layer: expected a cell.* got int"),
        (lambda cell, x: unroll(RNN, x), "layer: expected a cell.* got the class RNN"),
        (lambda cell, x: backward(unroll(cell, x).h, x), "trace: expected what unroll returns, got ndarray"),
        (lambda cell, x: jacobians(unroll(Stacked([cell]), x)), "trace: expected the Trace of a cell, got LayerTrace"),
        (lambda cell, x: truncated_backward(unroll(Stacked([cell]), x), x, 2), "trace: expected the Trace of a cell"),
        (lambda cell, x: gradient_check(cell, x, rng=0), "rng: expected a np.random.Generator, got int"),
    ],
)
def test_what_stands_in_the_wrong_place_is_named(call, words):
    with pytest.raises(TypeError, match=words):
        call(make(RNN, {}, 2, 2), np.ones((3, 1, 2)))


def test_one_cell_in_two_places_is_refused():
    rng = np.random.default_rng(0)
    cell = RNN(3, 3, rng=rng)
    with pytest.raises(ValueError, match="each cell once"):
        Stacked([cell, Stacked([cell])])
    with pytest.raises(ValueError, match="each cell once"):
        Bidirectional(Stacked([cell]), Stacked([cell]))


# gradient flow ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_gradient_flow_is_the_last_loss_sent_through_the_jacobians(kind, options, reverse):
    """∂L_T/∂s_{T−k} = (∂L_T/∂h_T, 0) J for each sequence alone, with J from autograd's product above."""
    rng = np.random.default_rng(0)
    T, B, H = 6, 3, 4
    trace = unroll(make(kind, options, 2, H), rng.normal(size=(T, B, 2)), reverse=reverse)
    dh_last = rng.normal(size=(B, H))
    for part, entries in {"h": slice(0, H), "c": slice(H, None)}.items():
        if part in trace.cell.states:
            flow = gradient_flow(trace, dh_last, part)
            for b in range(B):
                rows = jacobians(trace, b)[:, :H, entries] if reverse else jacobians(trace, b)[::-1, :H, entries]
                expected = np.linalg.norm(np.einsum("i,kij->kj", dh_last[b], rows), axis=-1)
                np.testing.assert_allclose(flow[:, b], expected / np.linalg.norm(dh_last[b]), atol=1e-12)


def test_gradient_flow_does_not_depend_on_the_scale_of_the_loss():
    rng = np.random.default_rng(0)
    trace, dh = unroll(make(RNN, {}, 2, 3), rng.normal(size=(5, 2, 2))), rng.normal(size=(2, 3))
    np.testing.assert_allclose(gradient_flow(trace, 1e-6 * dh), gradient_flow(trace, dh), rtol=1e-12)


def test_gradient_flow_refuses_what_has_no_flow():
    x, dh = np.ones((4, 2, 2)), np.ones((2, 3))
    trace = unroll(make(RNN, {}, 2, 3), x)
    with pytest.raises(ValueError, match="trace: expected one without a mask"):
        gradient_flow(unroll(make(RNN, {}, 2, 3), x, mask=np.ones((4, 2))), dh)
    with pytest.raises(ValueError, match="part: expected one of h, got 'c'"):
        gradient_flow(trace, dh, "c")
    with pytest.raises(ValueError, match="dh_last: expected a gradient for each sequence, got zeros in sequence 1"):
        gradient_flow(trace, np.array([[1.0, 0, 0], [0, 0, 0]]))
    with pytest.raises(ValueError, match="dh_last: expected shape"):
        gradient_flow(trace, dh[0])


def test_geometric_mean_is_the_root_of_the_product():
    values = np.random.default_rng(0).uniform(0.1, 3, size=(5, 4))
    np.testing.assert_allclose(geometric_mean(values, axis=0), values.prod(axis=0) ** (1 / 5))
    assert geometric_mean([0.0, 1e300]) == 0
    with pytest.raises(ValueError, match="values: expected none below 0, got -1"):
        geometric_mean([1.0, -1.0])


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_palindrome_read_both_ways_with_equal_weights_gives_mirrored_states(kind):
    forth, back = (kind(3, 4, rng=np.random.default_rng(0)) for _ in range(2))  # equal weights, two objects
    half = np.random.default_rng(1).normal(size=(4, 2, 3))
    h = unroll(Bidirectional(forth, back), np.concatenate([half, half[::-1]])).h
    np.testing.assert_allclose(h[:, :, 4:], h[::-1, :, :4], rtol=0, atol=1e-15)
    x = np.concatenate([half, half])  # no palindrome
    h = unroll(Bidirectional(forth, back), x).h
    assert np.abs(h[:, :, 4:] - h[::-1, :, :4]).max() > 0.1
