"""SGD and Adam against torch.optim, step by step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.cells import RNN
from rnnlib.training import SGD, Adam, Model, Optimiser, fit, l2

PAIRS = {
    "sgd": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (lambda: SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        lambda: SGD(0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (lambda: Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    "adam-options": (
        lambda: Adam(0.02, beta_1=0.7, beta_2=0.95, epsilon=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.7, 0.95), eps=1e-3),
    ),
}


def shapes():
    return {"W_h": (4, 3), "b": (3,)}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_hundred_steps_equal_torch(pair):
    rng = np.random.default_rng(0)
    make_ours, make_theirs = PAIRS[pair]
    params = {name: rng.normal(size=shape) for name, shape in shapes().items()}
    parameters = {name: torch.nn.Parameter(torch.tensor(p)) for name, p in params.items()}
    ours, theirs = make_ours(), make_theirs(list(parameters.values()))
    for step in range(200):
        gradients = {name: rng.normal(size=p.shape) * 10 ** rng.uniform(-3, 2) for name, p in params.items()}
        if step == 100:  # a schedule
            ours.learning_rate /= 3
            theirs.param_groups[0]["lr"] /= 3
        ours.update(params, gradients)
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(gradients[name])
        theirs.step()
        for name, p in params.items():
            np.testing.assert_allclose(p, parameters[name].detach().numpy(), rtol=1e-12, atol=1e-12)


def test_adam_equals_keras_where_gradients_are_not_tiny(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    start = rng.normal(size=(3, 2)).astype(np.float32)
    variable, theirs = keras.Variable(start), keras.optimizers.Adam(0.01)
    params, ours = {"w": start.copy()}, Adam(0.01, epsilon=1e-7)
    for _ in range(50):
        g = rng.normal(size=(3, 2)).astype(np.float32)
        theirs.apply([keras.ops.convert_to_tensor(g)], [variable])
        ours.update(params, {"w": g})
    np.testing.assert_allclose(params["w"], variable.value.detach().numpy(), rtol=1e-4, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(pair=st.sampled_from(sorted(PAIRS)), seed=st.integers(0, 1000), split=st.integers(0, 12))
def test_a_restored_optimiser_goes_on_to_the_last_bit(pair, seed, split):
    rng = np.random.default_rng(seed)
    start = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes().items()}
    steps = [{name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes().items()} for _ in range(12)]
    straight = {name: p.copy() for name, p in start.items()}
    optimiser = PAIRS[pair][0]()
    for gradients in steps:
        optimiser.update(straight, gradients)

    broken = {name: p.copy() for name, p in start.items()}
    first, second = PAIRS[pair][0](), PAIRS[pair][0]()
    for gradients in steps[:split]:
        first.update(broken, gradients)
    second.load_state(first.state())
    for gradients in steps[split:]:
        second.update(broken, gradients)
    for name in start:
        np.testing.assert_array_equal(broken[name], straight[name])


def test_the_parameters_change_in_place_and_the_gradients_do_not():
    for make, _ in PAIRS.values():
        p, g = np.ones(3, np.float32), np.arange(3, dtype=np.float32)
        optimiser, params = make(), {"p": p}
        optimiser.update(params, {"p": g})
        assert params["p"] is p and p.dtype == np.float32
        assert (p[1:] < 1).all() and g.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SGD(0.0), "learning_rate.*positive"),
        (lambda: SGD(0.1, momentum=1.0), "momentum.*less than 1"),
        (lambda: SGD(0.1, momentum=-0.1), "momentum.*at least 0"),
        (lambda: SGD(0.1, nesterov=True), "nesterov.*momentum"),
        (lambda: Adam(float("nan")), "learning_rate.*nan"),
        (lambda: Adam(beta_2=1.5), "beta_2"),
        (lambda: Adam(epsilon=0), "epsilon"),
        (lambda: SGD().update({"a": np.zeros(2)}, {"b": np.zeros(2)}), r"gradients.*\['a'\].*\['b'\]"),
        (lambda: SGD().update({"a": np.zeros(2)}, {"a": np.zeros(3)}), r"gradients\['a'\].*\(2,\).*\(3,\)"),
        (lambda: SGD().load_state(Adam().state() | {"mean.w": np.zeros(2)}), "mean.w"),
        (lambda: Adam().load_state({}), "steps"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


class Slow(Optimiser):
    """Of a reader's own: half of what it is asked for."""

    def __init__(self):
        self.learning_rate = 0.1

    def update(self, params, gradients):
        for name, p in params.items():
            p -= 0.5 * self.learning_rate * gradients[name]


def test_an_optimiser_of_ones_own_trains_and_a_checkpoint_says_at_once_what_it_lacks(tmp_path):
    rng = np.random.default_rng(0)
    model = Model(RNN(2, 3, rng=rng), 2, rng=rng)
    before = model.params["W_x"].copy()
    batches = [(rng.normal(size=(4, 2, 2)), rng.integers(2, size=(4, 2)))]
    fit(model, batches, Slow(), max_steps=3, progress=False)
    assert not np.array_equal(before, model.params["W_x"])

    class Bare:
        learning_rate = 0.1
        update = Slow.update

    fit(model, batches, Bare(), max_steps=1, progress=False)
    with pytest.raises(TypeError, match=r"optimiser: expected an Optimiser.*lacks config, state, load_state"):
        fit(model, batches, Bare(), max_steps=1, progress=False, checkpoint=tmp_path / "x.npz")


def test_an_l2_penalty_is_weight_decay_for_sgd_and_not_for_adam():
    """From w = 1 without any other gradient, against torch.optim: SGD's decay, and AdamW's."""
    first = {}
    for strength in (0.01, 0.5):
        for name, ours in {"sgd": SGD(0.1), "adam": Adam(0.1)}.items():
            params = {"w": np.array([1.0])}
            ours.update(params, {"w": l2(strength / 2).gradient(params["w"])})
            first[name, strength] = params["w"][0]
        for name, kind in {"sgd": torch.optim.SGD, "adam": torch.optim.AdamW}.items():
            w = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
            w.grad = torch.zeros_like(w)
            kind([w], lr=0.1, weight_decay=strength).step()
            assert np.isclose(first[name, strength], w.item()) == (name == "sgd")
    assert np.isclose(first["adam", 0.01], first["adam", 0.5])  # whatever the strength
