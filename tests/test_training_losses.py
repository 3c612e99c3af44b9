"""Losses, clipping, regularisers and constraints against PyTorch and Keras."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.training import (
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    bits_to_nats,
    clip_by_norm,
    clip_by_value,
    cross_entropy,
    global_norm,
    l1,
    l1_l2,
    l2,
    nats_to_bits,
    softmax,
    squared_error,
)
from rnnlib.training.constraints import constraint
from rnnlib.training.regularisers import regularizer

shapes = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6))
seeds = st.integers(0, 2**32 - 1)


def some_mask(rng, shape):
    mask = rng.random(shape) < 0.6
    mask.flat[rng.integers(mask.size)] = True
    return mask


@settings(deadline=None, max_examples=50)
@given(shape=shapes, seed=seeds, masked=st.booleans(), scale=st.sampled_from([0.1, 3.0, 1000.0]))
def test_cross_entropy_and_its_gradient_equal_torch(shape, seed, masked, scale):
    rng = np.random.default_rng(seed)
    logits, targets = scale * rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])
    mask = some_mask(rng, shape[:-1]) if masked else None
    loss, dlogits = cross_entropy(logits, targets, mask)

    theirs = torch.tensor(logits, requires_grad=True)
    kept = slice(None) if mask is None else torch.tensor(mask).flatten()
    expected = torch.nn.functional.cross_entropy(theirs.flatten(0, 1)[kept], torch.tensor(targets).flatten()[kept])
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(dlogits, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


@settings(deadline=None, max_examples=50)
@given(shape=shapes, seed=seeds, masked=st.booleans())
def test_squared_error_and_its_gradient_equal_torch(shape, seed, masked):
    rng = np.random.default_rng(seed)
    predictions, targets = rng.normal(size=(2, *shape))
    mask = some_mask(rng, shape[:-1]) if masked else None
    loss, gradient = squared_error(predictions, targets, mask)

    theirs = torch.tensor(predictions, requires_grad=True)
    kept = slice(None) if mask is None else torch.tensor(mask)
    expected = torch.nn.functional.mse_loss(theirs[kept], torch.tensor(targets)[kept])
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_give_a_finite_loss_in_the_same_dtype(dtype):
    logits = np.array([[1e4, 0.0, -1e4]], dtype)
    loss, dlogits = cross_entropy(logits, np.array([2]))
    assert loss == 2e4
    assert dlogits.dtype == dtype and logits[0, 0] == 1e4  # the argument is left alone
    np.testing.assert_array_equal(dlogits, [[1, 0, -1]])


def test_a_masked_target_may_be_anything_and_gets_no_gradient():
    logits = np.random.default_rng(0).normal(size=(3, 4))
    full, gradient = cross_entropy(logits[:2], np.array([1, 3]))
    masked, dlogits = cross_entropy(logits, np.array([1, 3, -100]), np.array([1, 1, 0]))
    assert masked == full
    np.testing.assert_array_equal(dlogits[:2], gradient)
    assert not dlogits[2].any()


def test_softmax_of_integers_and_at_tiny_temperatures():
    np.testing.assert_allclose(softmax(np.array([1, 2, 3]), 0.5), softmax(np.array([2.0, 4.0, 6.0])))
    np.testing.assert_array_equal(softmax(np.array([1, 2], np.float32), 1e-50), [0, 1])


def test_bits_and_nats():
    assert nats_to_bits(math.log(8)) == pytest.approx(3)
    assert bits_to_nats(nats_to_bits(0.37)) == pytest.approx(0.37)


@settings(deadline=None)
@given(seed=seeds, temperature=st.floats(0.05, 20))
def test_softmax_at_a_temperature_equals_torch(seed, temperature):
    logits = 5 * np.random.default_rng(seed).normal(size=(3, 7))
    expected = torch.softmax(torch.tensor(logits) / temperature, dim=-1).numpy()
    np.testing.assert_allclose(softmax(logits, temperature), expected, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: cross_entropy(np.zeros((2, 3), int), np.zeros(2, int)), TypeError, "logits.*int64"),
        (lambda: cross_entropy(np.zeros((2, 3)), np.zeros(2)), TypeError, "targets.*float64"),
        (lambda: cross_entropy(np.zeros((2, 3)), np.zeros(3, int)), ValueError, r"targets.*\(2,\).*\(3,\)"),
        (
            lambda: cross_entropy(np.zeros((2, 3)), np.array([0, 3])),
            ValueError,
            r"targets: .* 0 to 2 .*got 0 to 3",
        ),
        (lambda: cross_entropy(np.zeros((2, 3)), np.array([-1, 0])), ValueError, "targets"),
        (lambda: cross_entropy(np.zeros((0, 3)), np.zeros(0, int)), ValueError, "logits.*at least one entry"),
        (lambda: cross_entropy(np.zeros((2, 3)), np.zeros(2, int), np.zeros(2)), ValueError, "mask.*got none"),
        (lambda: cross_entropy(np.zeros((2, 3)), np.zeros(2, int), np.ones(3)), ValueError, r"mask.*\(2,\)"),
        (lambda: cross_entropy(np.zeros((2, 3)), np.zeros(2, int), np.full(2, 0.5)), ValueError, "0 and 1"),
        (lambda: squared_error(np.zeros((2, 3)), np.zeros((2, 1))), ValueError, r"targets.*\(2, 3\)"),
        (lambda: squared_error(np.zeros((2, 3), int), np.zeros((2, 3))), TypeError, "predictions"),
        (lambda: softmax(np.zeros(3), 0), ValueError, "temperature"),
        (lambda: clip_by_norm({}, 0), ValueError, "max_norm"),
        (lambda: clip_by_value({}, -1), ValueError, "max_value"),
        (lambda: l1(-1.0), ValueError, "l1"),
        (lambda: regularizer("l3", "kernel_regularizer"), ValueError, "kernel_regularizer.*'l3'"),
        (lambda: constraint("max", "bias_constraint"), ValueError, "bias_constraint.*'max'"),
        (lambda: MaxNorm(0), ValueError, "max_value"),
        (lambda: MinMaxNorm(2, 1), ValueError, "min_value"),
        (lambda: MinMaxNorm(rate=0), ValueError, "rate"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


# --- clipping


def torch_gradients(gradients):
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients.values()]
    for parameter, g in zip(parameters, gradients.values(), strict=True):
        parameter.grad = torch.tensor(g)
    return parameters


@settings(deadline=None)
@given(seed=seeds, limit=st.floats(0.01, 100), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_clipping_equals_torch(seed, limit, scale):
    rng = np.random.default_rng(seed)
    drawn = {"W_h": scale * rng.normal(size=(4, 3)), "b": scale * rng.normal(size=3)}
    for ours, theirs in (
        (clip_by_norm, torch.nn.utils.clip_grad_norm_),
        (clip_by_value, torch.nn.utils.clip_grad_value_),
    ):
        gradients = {name: g.copy() for name, g in drawn.items()}
        parameters = torch_gradients(drawn)
        before = ours(gradients, limit)
        theirs(parameters, limit)
        assert before == pytest.approx(math.sqrt(sum((g**2).sum() for g in drawn.values())))
        for g, parameter in zip(gradients.values(), parameters, strict=True):
            np.testing.assert_allclose(g, parameter.grad.numpy(), rtol=1e-3 / limit * 1e-3 + 1e-5)


def test_a_gradient_within_the_limit_is_not_touched():
    gradients = {"W": np.array([0.3, 0.4])}
    assert clip_by_norm(gradients, 0.5 + 1e-12) == 0.5
    assert gradients["W"].tolist() == [0.3, 0.4]


def test_the_norm_of_exploded_float32_gradients_does_not_overflow():
    gradients = {"W": np.full(4, 1e25, np.float32)}
    assert global_norm(gradients) == pytest.approx(2e25)
    clip_by_norm(gradients, 1.0)
    np.testing.assert_allclose(gradients["W"], 0.5, rtol=1e-6)


def test_nan_gradients_have_a_nan_norm():
    assert math.isnan(clip_by_norm({"W": np.array([1.0, np.nan])}, 1.0))


# --- regularisers and constraints against Keras


@pytest.mark.parametrize("name", ["l1", "l2", "l1_l2"])
def test_regularisers_and_their_gradients_equal_keras(name):
    keras = pytest.importorskip("keras")
    w = np.random.default_rng(1).normal(size=(5, 8))
    w[2, 3] = 0
    ours = {"l1": l1(0.3), "l2": l2(0.2), "l1_l2": l1_l2(0.3, 0.2)}[name]
    theirs = {
        "l1": keras.regularizers.l1(0.3),
        "l2": keras.regularizers.l2(0.2),
        "l1_l2": keras.regularizers.l1_l2(0.3, 0.2),
    }[name]
    tensor = torch.tensor(w, requires_grad=True)
    penalty = theirs(tensor)
    penalty.backward()
    assert ours(w) == pytest.approx(penalty.item(), rel=1e-6)
    np.testing.assert_allclose(ours.gradient(w), tensor.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_regulariser_by_name_has_the_strength_of_keras(name):
    keras = pytest.importorskip("keras")
    w = np.random.default_rng(1).normal(size=(5, 8))
    expected = keras.regularizers.get(name)(torch.tensor(w)).item()
    assert regularizer(name)(w) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_constraints_equal_keras(name, axis):
    keras = pytest.importorskip("keras")
    w = np.random.default_rng(2).normal(size=(6, 8))
    ours, theirs = {
        "max_norm": (MaxNorm(1.5, axis), keras.constraints.MaxNorm(1.5, axis)),
        "non_neg": (NonNeg(), keras.constraints.NonNeg()),
        "unit_norm": (UnitNorm(axis), keras.constraints.UnitNorm(axis)),
        "min_max_norm": (MinMaxNorm(2.0, 2.5, 0.7, axis), keras.constraints.MinMaxNorm(2.0, 2.5, 0.7, axis)),
    }[name]
    expected = theirs(keras.ops.convert_to_tensor(w, dtype="float64")).numpy()
    np.testing.assert_allclose(ours(w), expected, rtol=1e-6)
    assert constraint(name) == type(ours)()


@given(seed=seeds, dtype=st.sampled_from([np.float32, np.float64]))
def test_a_projection_projected_again_stays_and_keeps_its_dtype(seed, dtype):
    w = 3 * np.random.default_rng(seed).normal(size=(4, 5)).astype(dtype)
    for project in (MaxNorm(), NonNeg(), UnitNorm(), MinMaxNorm(0.5, 2.0)):
        once = project(w)
        assert once.dtype == dtype
        np.testing.assert_allclose(project(once), once, rtol=1e-5)


def test_max_norm_bounds_the_columns_of_a_kernel():
    w = np.array([[3.0, 0.1], [4.0, 0.1]])
    np.testing.assert_allclose(np.linalg.norm(MaxNorm(2.0)(w), axis=0), [2.0, math.hypot(0.1, 0.1)])
    np.testing.assert_array_equal(MaxNorm(2.0)(np.zeros((2, 2))), np.zeros((2, 2)))
