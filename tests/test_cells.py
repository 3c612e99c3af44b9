"""The cells: parameters, options, conversions; values and gradients against Keras' layers."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
import torch

from rnnlib.bptt import backward, unroll
from rnnlib.cells import ACTIVATIONS, GRU, INITIALIZERS, LSTM, RNN

# Keras' variables do not know NumPy's `copy` keyword yet, and say so at every conversion
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

KERAS = {RNN: keras.layers.SimpleRNN, GRU: keras.layers.GRU, LSTM: keras.layers.LSTM}


def rng():
    return np.random.default_rng(0)


# against Keras ---------------------------------------------------------------------------------------------------


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
    cell = kind.from_keras(layer.get_weights(), **({"reset_after": True} if kind is GRU else {}))
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


# conversions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    ("kind", "options"), [(RNN, {}), (RNN, {"activation": "relu"}), (GRU, {"reset_after": True}), (LSTM, {})]
)
def test_to_torch_and_back_keeps_every_weight(kind, options, use_bias, dtype):
    cell = kind(3, 4, rng=rng(), use_bias=use_bias, dtype=dtype, bias_initializer="ones", **options)
    module = cell.to_torch()
    assert module.weight_hh_l0.numpy(force=True).dtype == dtype
    back = kind.from_torch(module)
    assert back.config()["activation"] == cell.activation.name and back.dtype == cell.dtype
    assert back.params.keys() == cell.params.keys()
    for name, p in cell.params.items():
        np.testing.assert_array_equal(back.params[name], p)
    x = rng().normal(size=(5, 2, 3)).astype(dtype)
    h, _ = module(torch.tensor(x))
    np.testing.assert_allclose(unroll(cell, x).h, h.detach().numpy(), atol=1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_gradients_by_torchs_names_are_torchs(kind, use_bias):
    cell = kind(3, 4, rng=rng(), use_bias=use_bias, **({"reset_after": True} if kind is GRU else {}))
    for p in cell.params.values():
        p[...] = rng().normal(size=p.shape)
    module, x, dh = cell.to_torch(), rng().normal(size=(5, 2, 3)), rng().normal(size=(5, 2, 4))
    (module(torch.tensor(x))[0] * torch.tensor(dh)).sum().backward()
    ours = cell.to_torch_names(backward(unroll(cell, x), dh).params)
    theirs = dict(module.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, p in theirs.items():
        np.testing.assert_allclose(ours[name], p.grad.numpy(), atol=1e-12, err_msg=name)


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


def test_from_torch_does_not_share_memory_with_the_module():
    module = torch.nn.RNN(2, 3)
    cell = RNN.from_torch(module)
    cell.params["W_h"][:] = 0
    assert module.weight_hh_l0.abs().sum() > 0


@pytest.mark.parametrize(
    ("convert", "error", "message"),
    [
        (lambda: LSTM.from_torch(torch.nn.GRU(2, 3)), TypeError, "expected a torch.nn.LSTM, got GRU"),
        (lambda: RNN.from_torch(torch.nn.RNN(2, 3, num_layers=2)), ValueError, "num_layers=1, got 2"),
        (lambda: GRU.from_torch(torch.nn.GRU(2, 3, bidirectional=True)), ValueError, "bidirectional=False, got True"),
        (lambda: LSTM.from_torch(torch.nn.LSTM(2, 3, proj_size=2)), ValueError, "proj_size=0, got 2"),
        (lambda: GRU(2, 3, rng=rng()).to_torch(), ValueError, "reset_after: expected True"),
        (lambda: LSTM(2, 3, rng=rng(), peephole=True).to_torch(), ValueError, "peephole: expected False"),
        (lambda: LSTM(2, 3, rng=rng(), coupled=True).to_torch_names({}), ValueError, "coupled: expected False"),
        (lambda: LSTM(2, 3, rng=rng(), forget_gate=False).to_torch(), ValueError, "forget_gate: expected True"),
        (
            lambda: LSTM.from_keras([np.ones((2, 16)), np.ones((4, 16))], use_bias=True),
            ValueError,
            "use_bias: expected False with 2 arrays",
        ),
        (lambda: RNN(2, 3, rng=rng(), activation="elu").to_torch(), ValueError, "activation: .* 'elu'"),
        (
            lambda: LSTM(2, 3, rng=rng(), recurrent_activation="hard_sigmoid").to_torch(),
            ValueError,
            "recurrent_activation",
        ),
        (lambda: GRU(2, 3, rng=rng(), reset_after=True, activation="relu").to_torch(), ValueError, "activation"),
        (lambda: LSTM.from_keras([np.ones((2, 12))]), ValueError, r"expected \[kernel, recurrent_kernel\]"),
        (lambda: LSTM.from_keras([np.ones((2, 12)), np.ones((4, 16))]), ValueError, r"expected the shapes"),
        (
            lambda: GRU.from_keras([np.ones((2, 12)), np.ones((4, 12)), np.ones((2, 12))]),
            ValueError,
            r"\(12,\)\], got .*\(2, 12\)",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused(convert, error, message):
    with pytest.raises(error, match=message):
        convert()


# construction ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [(RNN, 1), (GRU, 3), (LSTM, 4)])
def test_parameters_are_fused_and_gates_are_views(kind, gates):
    cell = kind(3, 4, rng=rng())
    assert {n: p.shape for n, p in cell.params.items()} == {
        "W_x": (3, 4 * gates),
        "W_h": (4, 4 * gates),
        "b": (4 * gates,),
    }
    for k, name in enumerate(cell.gates):
        W_x, W_h, b = cell.gate(name)
        b[:] = k + 10
        np.testing.assert_array_equal(W_x, cell.params["W_x"][:, 4 * k : 4 * k + 4])
        np.testing.assert_allclose(W_h @ W_h.T, np.eye(4), atol=1e-12)  # orthogonal, gate by gate
    np.testing.assert_array_equal(cell.params["b"], np.repeat(np.arange(gates) + 10.0, 4))
    with pytest.raises(ValueError, match=r"name: expected a gate of .*, got 'q'"):
        cell.gate("q")


def test_the_same_seed_gives_the_same_cell_and_config_rebuilds_it():
    variants = {"peephole": True, "coupled": True}, {"forget_gate": False}, {"forget_bias": 2.0}
    cells = [RNN(2, 3, rng=rng()), GRU(2, 3, rng=rng(), reset_after=True)]
    for cell in cells + [LSTM(2, 3, rng=rng(), **options) for options in variants]:
        again = type(cell)(**cell.config(), rng=rng())
        assert again.config() == cell.config() and repr(again) == repr(cell)
        for name, p in cell.params.items():
            np.testing.assert_array_equal(again.params[name], p)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initialisers_have_the_spread_that_keras_gives_them(name):
    D, H = 200, 300
    ours = RNN(D, H, rng=rng(), kernel_initializer=name, recurrent_initializer="zeros").params["W_x"]
    theirs = np.asarray(keras.initializers.get(name)((D, H))) if name != "identity" else np.eye(D, H)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=3e-3)
    np.testing.assert_allclose(ours.std(), theirs.std(), rtol=0.03, atol=1e-12)


def test_forget_bias_and_a_function_as_initialiser():
    cell = LSTM(2, 3, rng=rng(), forget_bias=2.5, bias_initializer=lambda rng, shape: np.full(shape, 0.25))
    np.testing.assert_array_equal(cell.gate("f")[2], np.full(3, 2.75))
    np.testing.assert_array_equal(cell.gate("i")[2], np.full(3, 0.25))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_the_derivatives_of_the_values(name):
    activation, a, eps = ACTIVATIONS[name], np.linspace(-4, 4, 80), 1e-6  # no grid point on a kink

    value = activation.value
    slope = activation.slope(value(a))
    np.testing.assert_allclose(slope, (value(a + eps) - value(a - eps)) / (2 * eps), atol=1e-8)
    np.testing.assert_allclose(value(a), keras.ops.convert_to_numpy(keras.activations.get(name)(a)), atol=1e-6)


def test_activations_survive_large_inputs_without_warning():
    a = np.array([-1e4, 1e4], dtype=np.float32)
    for name in ("tanh", "sigmoid", "hard_sigmoid"):
        out = ACTIVATIONS[name].value(a)
        assert np.isfinite(out).all() and out.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"input_size": 0}, ValueError, "input_size: expected at least 1, got 0"),
        ({"hidden_size": 2.0}, TypeError, "hidden_size: expected an int, got float"),
        ({"rng": 0}, TypeError, "rng: expected a np.random.Generator, got int"),
        ({"dtype": np.int32}, TypeError, "dtype: expected float32 or float64, got int32"),
        ({"activation": "tahn"}, ValueError, "activation: expected one of tanh, .*, got 'tahn'"),
        ({"recurrent_activation": None}, ValueError, "recurrent_activation: expected one of .*, got None"),
        ({"recurrent_initializer": "qr"}, ValueError, "recurrent_initializer: expected one of .*, got 'qr'"),
        ({"bias_initializer": "orthogonal"}, ValueError, "matrices only"),
        (
            {"kernel_initializer": lambda rng, s: np.ones(2)},
            ValueError,
            "kernel_initializer: expected an array",
        ),
        ({"dropout": 1.0}, ValueError, r"dropout: expected a rate in \[0, 1\), got 1.0"),
        ({"recurrent_dropout": -0.1}, ValueError, "recurrent_dropout: expected a rate"),
        ({"dropout": "a"}, TypeError, "dropout: expected a number, got str 'a'"),
        (
            {"unit_forget_bias": True},
            TypeError,
            "unit_forget_bias: .* did you mean 'forget_bias'",
        ),
        ({"coupled": True, "forget_gate": False}, ValueError, "coupled: expected False with forget_gate=False"),
        ({"forget_gate": False, "forget_bias": 1.0}, ValueError, "forget_bias: expected none with forget_gate=False"),
    ],
)
def test_bad_options_are_refused_by_name(change, error, message):
    with pytest.raises(error, match=message):
        LSTM(**({"input_size": 2, "hidden_size": 3, "rng": rng()} | change))


def test_step_refuses_bad_input():
    cell = LSTM(2, 3, rng=rng())
    state = cell.initial_state(1)
    with pytest.raises(ValueError, match=r"x_t: expected shape \(any, 2\), got \(1, 3\)"):
        cell.step(np.ones((1, 3)), state)
    with pytest.raises(TypeError, match="state: expected a tuple"):
        cell.step(np.ones((1, 2)), state[0])
    with pytest.raises(ValueError, match="x_t: expected finite numbers"):
        cell.step(np.full((1, 2), np.nan), state)


def test_step_leaves_the_state_it_was_given():
    cell = GRU(2, 3, rng=rng())
    state = (np.ones((1, 3)),)
    cell.step(np.ones((1, 2)), state)
    np.testing.assert_array_equal(state[0], np.ones((1, 3)))


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
