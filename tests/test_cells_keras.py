"""Cells against Keras' layers: values, gradients, dropout, options and their defaults."""

import keras
import numpy as np
import pytest
import torch

from rnnlib.bptt import backward, unroll
from rnnlib.cells import ACTIVATIONS, GRU, LSTM, RNN

# Keras' variables do not know NumPy's `copy` keyword yet, and say so at every conversion
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
KERAS = {RNN: keras.layers.SimpleRNN, GRU: keras.layers.GRU, LSTM: keras.layers.LSTM}


def rng():
    return np.random.default_rng(0)


def keras_cases():
    for kind in (RNN, GRU, LSTM):
        for use_bias in (True, False):
            for go_backwards in (False, True):
                base = {"use_bias": use_bias, "go_backwards": go_backwards}
                if kind is RNN:
                    yield kind, base
                    continue
                for recurrent_activation in ("sigmoid", "hard_sigmoid"):
                    for implementation in (1, 2):
                        gated = base | {"recurrent_activation": recurrent_activation, "implementation": implementation}
                        for reset_after in (True, False) if kind is GRU else (None,):
                            yield kind, gated if reset_after is None else gated | {"reset_after": reset_after}


@pytest.mark.parametrize(
    ("kind", "options"),
    [pytest.param(k, o, id=f"{k.__name__}-{'-'.join(map(str, o.values()))}") for k, o in keras_cases()],
)
def test_values_and_gradients_equal_keras(kind, options):
    T, B, D, H = 6, 4, 3, 5
    keras.utils.set_random_seed(0)
    layer = KERAS[kind](H, return_sequences=True, bias_initializer="random_normal", **options)
    x = rng().normal(size=(T, B, D)).astype(np.float32)
    mask = np.arange(T)[:, None] < np.array([6, 3, 5, 1])
    x_ = torch.tensor(x.swapaxes(0, 1), requires_grad=True)  # Keras is batch-first
    h = layer(x_, mask=torch.tensor(mask.T))
    dh = rng().normal(size=(T, B, H)).astype(np.float32)
    reverse = options["go_backwards"]
    in_keras_order = dh[::-1] if reverse else dh  # with go_backwards, Keras returns the steps in the order met
    (h * torch.tensor(in_keras_order.swapaxes(0, 1).copy())).sum().backward()

    ours = {k: v for k, v in options.items() if k not in ("implementation", "use_bias", "go_backwards")}
    cell = kind.from_keras(layer.get_weights(), **ours)
    assert cell.dtype == np.float32 and cell.use_bias == options["use_bias"]
    trace = unroll(cell, x, mask=mask, reverse=reverse)
    grads = backward(trace, dh)
    close = dict(rtol=1e-5, atol=1e-6)
    expected = h.detach().numpy().swapaxes(0, 1)
    real = mask[..., None]  # at masked steps before the first real one, Keras' output is zero, ours the initial state
    np.testing.assert_allclose(trace.h * real, (expected[::-1] if reverse else expected) * real, **close)
    np.testing.assert_allclose(grads.x, x_.grad.numpy().swapaxes(0, 1), **close)
    theirs = kind.from_keras([w.value.grad.numpy() for w in layer.trainable_weights], **ours)
    assert grads.params.keys() == theirs.params.keys()
    for name in grads.params.keys() - {"b", "b_n"}:
        np.testing.assert_allclose(grads.params[name], theirs.params[name], **close, err_msg=name)
    if cell.use_bias:  # of Keras' two rows (GRU, reset after), each has the gradient of the sum, but for n's block
        rows = np.atleast_2d(layer.trainable_weights[-1].value.grad.numpy())
        order = {RNN: ["h"], GRU: ["z", "r", "n"], LSTM: ["i", "f", "g", "o"]}[kind]
        first, last = (dict(zip(order, np.split(row, len(order)), strict=True)) for row in (rows[0], rows[-1]))
        expected = np.concatenate([first[gate] for gate in cell.gates])
        np.testing.assert_allclose(grads.params["b"], expected, **close)
        if "b_n" in cell.params:
            np.testing.assert_allclose(grads.params["b_n"], last["n"], **close)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_and_gradients_equal_keras_for_every_activation(kind, activation):
    T, B, D, H = 5, 3, 2, 4
    keras.utils.set_random_seed(0)
    options = (
        {"activation": activation} if kind is RNN else {"activation": activation, "recurrent_activation": "sigmoid"}
    )
    if kind is GRU:
        options["reset_after"] = True
    layer = KERAS[kind](H, return_sequences=True, **options)
    x, dh = (rng().normal(size=(T, B, n)).astype(np.float32) for n in (D, H))
    x_ = torch.tensor(x.swapaxes(0, 1), requires_grad=True)
    h = layer(x_)
    (h * torch.tensor(dh.swapaxes(0, 1).copy())).sum().backward()
    cell = kind.from_keras(layer.get_weights(), **options)
    trace = unroll(cell, x)
    np.testing.assert_allclose(trace.h, h.detach().numpy().swapaxes(0, 1), rtol=1e-6, atol=1e-6)
    grads = backward(trace, dh)
    np.testing.assert_allclose(grads.x, x_.grad.numpy().swapaxes(0, 1), rtol=1e-5, atol=1e-6)
    theirs = kind.from_keras([w.value.grad.numpy() for w in layer.trainable_weights], **options)
    for name in ("W_x", "W_h"):
        np.testing.assert_allclose(grads.params[name], theirs.params[name], rtol=1e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_dropout_with_the_same_factors_equals_keras(kind):
    T, B, D, H = 5, 3, 2, 4
    keras.utils.set_random_seed(0)
    options = {"dropout": 0.4, "recurrent_dropout": 0.3}
    layer = KERAS[kind](H, return_sequences=True, **options)
    x, dh = (rng().normal(size=(T, B, n)).astype(np.float32) for n in (D, H))
    layer(torch.tensor(x.swapaxes(0, 1)))
    more = {"reset_after": True} if kind is GRU else {}
    cell = kind.from_keras(layer.get_weights(), **options, **more)
    trace = unroll(cell, x, dropout_rng=rng())
    grads = backward(trace, dh)
    drop_x, drop_h = torch.tensor(trace.drop_x), torch.tensor(trace.drop_h)
    gates = getattr(layer.cell, "dropout_mask_count", None)  # Keras draws one set a gate; here all are the same
    layer.cell.get_dropout_mask = lambda _: drop_x if gates is None else [drop_x] * gates
    layer.cell.get_recurrent_dropout_mask = lambda _: drop_h if gates is None else [drop_h] * gates
    x_ = torch.tensor(x.swapaxes(0, 1), requires_grad=True)
    h = layer(x_, training=True)
    (h * torch.tensor(dh.swapaxes(0, 1).copy())).sum().backward()
    np.testing.assert_allclose(trace.h, h.detach().numpy().swapaxes(0, 1), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(grads.x, x_.grad.numpy().swapaxes(0, 1), rtol=1e-5, atol=1e-6)
    theirs = kind.from_keras([w.value.grad.numpy() for w in layer.trainable_weights], **options, **more)
    for name in ("W_x", "W_h"):
        np.testing.assert_allclose(grads.params[name], theirs.params[name], rtol=1e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize(
    ("options", "sets"),
    [({}, 1), ({"implementation": 1}, 4), ({"implementation": 2, "recurrent_dropout": 0.5}, 4)],
)
def test_keras_draws_one_set_of_factors_or_one_for_each_gate(options, sets):
    cell = keras.layers.LSTM(3, dropout=0.5, **options).cell
    factors = cell.get_dropout_mask(torch.ones((1, 2)))
    assert (len(factors) if isinstance(factors, list) else 1) == sets


def test_the_bias_of_a_new_keras_lstm_is_ours():
    layer = keras.layers.LSTM(3, unit_forget_bias=True)
    layer.build((None, None, 2))
    np.testing.assert_array_equal(LSTM.from_keras(layer.get_weights()).params["b"], LSTM(2, 3, rng=rng()).params["b"])


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_last_state_of_either_direction_is_keras_only_output(kind, go_backwards):
    T, B, D, H = 5, 3, 2, 4
    keras.utils.set_random_seed(0)
    layer = KERAS[kind](H, go_backwards=go_backwards)
    x, mask = rng().normal(size=(T, B, D)).astype(np.float32), np.arange(T)[:, None] < np.array([5, 3, 1])
    out = layer(torch.tensor(x.swapaxes(0, 1)), mask=torch.tensor(mask.T)).detach().numpy()
    cell = kind.from_keras(layer.get_weights())  # the shape of a GRU's bias says that it resets after
    h = unroll(cell, x, mask=mask, reverse=go_backwards).h
    np.testing.assert_allclose(cell.last(h, reverse=go_backwards), out, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_keras_defaults_are_the_options_of_the_same_name(kind):
    layer = KERAS[kind](4)
    layer.build((None, None, 3))
    config, cell = layer.get_config(), kind(3, 4, rng=rng())
    for name in ("activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout"):
        assert cell.config()[name] == config[name], name
    for name in ("kernel_initializer", "recurrent_initializer", "bias_initializer"):
        ours = cell.config()[name].replace("_", "")
        assert {"orthogonal": "orthogonalinitializer"}.get(ours, ours) in (
            config[name]["class_name"].lower(),
            config[name]["class_name"].lower() + "initializer",
        )
    if kind is LSTM:
        assert config["unit_forget_bias"] is True and cell.forget_bias == 1


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_keras_layers_own_config_is_understood(kind):
    for options in ({}, {"use_bias": False}, {"go_backwards": True, "return_state": True, "dropout": 0.2}):
        layer = KERAS[kind](4, **options)
        layer.build((None, None, 3))
        cell = kind.from_keras(layer.get_weights(), **layer.get_config())
        assert cell.use_bias == layer.get_config()["use_bias"] and cell.dropout == layer.get_config()["dropout"]


def test_an_lstms_unit_forget_bias_is_its_forget_bias():
    weights = [np.ones((2, 12)), np.ones((3, 12)), np.ones(12)]
    assert LSTM.from_keras(weights, unit_forget_bias=True).forget_bias == 1
    assert LSTM.from_keras(weights, unit_forget_bias=False).forget_bias == 0


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_keras_carries_the_state_over_a_hole_in_the_mask_where_ours_refuses(kind):
    T, D, H = 5, 3, 4
    keras.utils.set_random_seed(0)
    layer = KERAS[kind](H, return_sequences=True)
    x = rng().normal(size=(T, 1, D)).astype(np.float32)
    mask = np.array([1, 1, 0, 1, 1], bool)[:, None]
    h = layer(torch.tensor(x.swapaxes(0, 1)), mask=torch.tensor(mask.T)).detach().numpy().swapaxes(0, 1)
    cell = kind.from_keras(layer.get_weights(), **({"reset_after": True} if kind is GRU else {}))
    with pytest.raises(ValueError, match="mask"):
        unroll(cell, x, mask=mask)
    without = unroll(cell, x[mask[:, 0]]).h  # the four real steps, one after the other
    np.testing.assert_allclose(h[mask[:, 0]], without, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(h[2], h[1])


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_return_state_stateful_and_unroll_are_those_of_keras(kind):
    T, B, D, H = 6, 2, 3, 4
    keras.utils.set_random_seed(0)
    layer = KERAS[kind](H, return_sequences=True, return_state=True, stateful=True, unroll=True)
    x = rng().normal(size=(T, B, D)).astype(np.float32)
    cell, state = None, None
    for part in (x[:3], x[3:]):  # the second call goes on where the first ended
        h, *last = layer(torch.tensor(part.swapaxes(0, 1)))
        cell = cell or kind.from_keras(layer.get_weights(), **({"reset_after": True} if kind is GRU else {}))
        trace = unroll(cell, part, state)
        state = trace.state
        np.testing.assert_allclose(trace.h, h.detach().numpy().swapaxes(0, 1), rtol=0, atol=1e-6)
        for ours, theirs in zip(state, last, strict=True):
            np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-6)
