"""Cells: construction, options, activations, one step, conversion from and to PyTorch and Keras."""

import keras
import numpy as np
import pytest
import torch

from rnnlib.bptt import backward, unroll
from rnnlib.cells import ACTIVATIONS, GRU, INITIALIZERS, LSTM, RNN, Cell

# Keras' variables do not know NumPy's `copy` keyword yet, and say so at every conversion
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
KERAS = {RNN: keras.layers.SimpleRNN, GRU: keras.layers.GRU, LSTM: keras.layers.LSTM}


def rng():
    return np.random.default_rng(0)


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
            lambda: GRU.from_keras([np.ones((2, 12)), np.ones((4, 12)), np.ones((2, 12))], reset_after=False),
            ValueError,
            r"\(12,\)\], got .*\(2, 12\)",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused(convert, error, message):
    with pytest.raises(error, match=message):
        convert()


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


def test_a_cell_that_is_not_complete_says_what_is_missing():
    rng = np.random.default_rng(0)

    class Bare(Cell):
        pass

    class OnlyNamed(Cell):
        gates = ("n",)

    with pytest.raises(TypeError, match="Bare: expected a class attribute gates"):
        Bare(2, 3, rng=rng)
    with pytest.raises(NotImplementedError, match="OnlyNamed: expected a method forward"):
        OnlyNamed(2, 3, rng=rng).step(np.zeros((1, 2)), (np.zeros((1, 3)),))
    with pytest.raises(NotImplementedError, match="OnlyNamed: expected a method backward"):
        OnlyNamed(2, 3, rng=rng).backward((), (), (), ())
