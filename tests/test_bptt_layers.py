"""Stacked and bidirectional layers."""

import numpy as np
import pytest
import torch

from rnnlib.bptt import Bidirectional, Stacked, backward, unroll
from rnnlib.cells import GRU, LSTM, RNN


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


def test_one_cell_in_two_places_is_refused():
    rng = np.random.default_rng(0)
    cell = RNN(3, 3, rng=rng)
    with pytest.raises(ValueError, match="each cell once"):
        Stacked([cell, Stacked([cell])])
    with pytest.raises(ValueError, match="each cell once"):
        Bidirectional(Stacked([cell]), Stacked([cell]))


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_palindrome_read_both_ways_with_equal_weights_gives_mirrored_states(kind):
    forth, back = (kind(3, 4, rng=np.random.default_rng(0)) for _ in range(2))  # equal weights, two objects
    half = np.random.default_rng(1).normal(size=(4, 2, 3))
    h = unroll(Bidirectional(forth, back), np.concatenate([half, half[::-1]])).h
    np.testing.assert_allclose(h[:, :, 4:], h[::-1, :, :4], rtol=0, atol=1e-15)
    x = np.concatenate([half, half])  # no palindrome
    h = unroll(Bidirectional(forth, back), x).h
    assert np.abs(h[:, :, 4:] - h[::-1, :, :4]).max() > 0.1
