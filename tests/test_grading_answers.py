"""Answers travel unchanged, strangers' JSON is not believed, and only the right value is right."""

import json
import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnlib.grading.answers import (
    DTYPES,
    MAX_NUMBERS,
    BadAnswer,
    Tensor,
    Unsupported,
    compare,
    decode,
    describe,
    encode,
)
from rnnlib.grading.hints import explain, usual_mistake

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def travelled(value):
    """Through JSON as a kernel's message would carry it."""
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@given(VALUES)
def test_a_value_arrives_as_what_it_was(value):
    assert compare(value, travelled(value), rtol=0, atol=0) is None


@given(ARRAYS)
def test_an_array_keeps_type_shape_dtype_and_every_bit(array):
    got = travelled(array)
    assert (got.dtype, got.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.zeros((2, 3)).T, np.zeros((3, 2))),
        (np.arange(6.0).reshape(2, 3)[:, ::2], np.array([[0.0, 2.0], [3.0, 5.0]])),
    ],
)
def test_numpy_scalars_count_as_python_numbers_and_views_as_arrays(value, expected):
    assert compare(expected, travelled(value), rtol=0, atol=0) is None


def test_a_tensor_is_a_tensor_and_no_array():
    tensor = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    got = travelled(tensor)
    assert isinstance(got, Tensor)
    np.testing.assert_array_equal(got.array, tensor.detach().numpy())
    assert compare(got, travelled(tensor)) is None
    assert compare(got, got.array).kind == "type"


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None


def test_an_object_that_equals_everything_equals_nothing():
    got = travelled(AlwaysEqual())
    assert got == Unsupported("AlwaysEqual")
    for expected in (1.0, "x", None, np.ones(2), [1.0], got):
        assert compare(expected, got) is not None


class ArrayThatLies(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)


def test_a_subclass_of_array_is_read_as_its_numbers():
    lie = np.zeros(3).view(ArrayThatLies)
    assert compare(np.ones(3), travelled(lie)).kind == "value"


def test_too_large_an_answer_is_refused_where_it_is_made():
    with pytest.raises(ValueError, match=f"more than {MAX_NUMBERS} numbers"):
        encode(np.zeros(MAX_NUMBERS + 1))
    with pytest.raises(ValueError, match="characters"):
        encode("x" * 200_000)
    nested: list = []
    for _ in range(50):
        nested = [nested]
    with pytest.raises(ValueError, match="levels deep"):
        encode(nested)


ARRAY = {"kind": "array", "dtype": "float64", "shape": [2], "value": [1.0, 2.0]}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"kind": []},
        {"kind": "none", "more": 1},
        {"kind": "int", "value": True},
        {"kind": "int", "value": 1.5},
        {"kind": "bool", "value": 1},
        {"kind": "float", "value": "infinity"},
        {"kind": "float", "value": 10**400},
        {"kind": "float", "value": None},
        {"kind": "complex", "value": [1.0]},
        {"kind": "str", "value": 3},
        {"kind": "list", "items": {}},
        {"kind": "dict", "items": []},
        {"kind": "unsupported", "type": {}},
        {**ARRAY, "dtype": "object"},
        {**ARRAY, "dtype": ["float64"]},
        {**ARRAY, "shape": [3]},
        {**ARRAY, "shape": [-2]},
        {**ARRAY, "shape": [2.0]},
        {**ARRAY, "shape": [0, 10**30]},
        {**ARRAY, "shape": []},
        {**ARRAY, "value": ["one", 2.0]},
        {**ARRAY, "value": [[1.0], 2.0]},
        {**ARRAY, "value": [True, 2.0]},
        {**ARRAY, "dtype": "int8", "value": [1, 1000]},
        {**ARRAY, "dtype": "uint8", "value": [1, -1]},
        {**ARRAY, "dtype": "int64", "value": [1, 2.0]},
        {**ARRAY, "dtype": "bool", "value": [1, 0]},
        {**ARRAY, "shape": [200_000], "value": [0.0] * 200_000},
    ],
)
def test_json_that_encode_would_not_write_is_rejected(data):
    with pytest.raises(BadAnswer):
        decode(data)


def test_deep_json_is_rejected_not_followed():
    data = {"kind": "none"}
    for _ in range(5000):
        data = {"kind": "list", "items": [data]}
    with pytest.raises(BadAnswer):
        decode(data)


EXPECTED = np.arange(6.0).reshape(2, 3) / 7


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (EXPECTED + 1e-4, "value"),
        (EXPECTED.tolist(), "type"),
        (EXPECTED.astype(np.float32), "dtype"),
        (EXPECTED.T, "shape"),
        (EXPECTED[None], "shape"),
        (EXPECTED[:1], "shape"),
        (np.array([1.0]), "shape"),
        (np.where(EXPECTED > 0.5, np.nan, EXPECTED), "finite"),
        (np.where(EXPECTED > 0.5, np.inf, EXPECTED), "finite"),
        (np.full((2, 3), np.nan), "finite"),
        (None, "type"),
        (0.0, "type"),
    ],
)
def test_what_differs_is_named(got, kind):
    assert compare(EXPECTED, travelled(got)).kind == kind


def test_the_tolerance_is_numpys():
    assert compare(EXPECTED, EXPECTED * (1 + 1e-7)) is None
    assert compare(1e-12, 5e-10) is None
    assert compare(1.0, 1.0 + 3e-6) is not None
    assert compare(1.0, 1.0 + 3e-6, rtol=1e-5) is None


def test_nan_is_right_where_nan_is_expected_and_infinities_have_signs():
    expected = np.array([1.0, np.nan, np.inf])
    assert compare(expected, expected.copy()) is None
    assert compare(expected, np.array([1.0, np.nan, -np.inf])) is not None
    assert compare(expected, np.array([1.0, np.inf, np.nan])) is not None
    assert compare(math.inf, math.inf) is None


def test_true_is_not_one_and_one_is_not_one_point_zero():
    assert compare(1, True).kind == compare(1.0, 1).kind == compare((1,), [1]).kind == "type"


def test_keys_and_lengths_count():
    assert compare({"a": 1.0}, {"a": 1.0, "b": 2.0}).kind == "shape"
    assert compare([1.0], [1.0, 1.0]).kind == "shape"
    assert "'a', item 1" in compare({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}).text


@pytest.mark.parametrize(
    ("got", "hint"),
    [
        (EXPECTED.T, "transpose"),
        (-EXPECTED, "sign"),
        (EXPECTED[:, ::-1].copy(), "reverse order along axis 1"),
        (EXPECTED * 2, "2 times the right one"),
        (EXPECTED / 3, "0.3333 times the right one"),
        (EXPECTED * 0, "zero"),
        (EXPECTED[None], "axis of length 1"),
        (np.zeros((4, 2, 3)), "is a sum missing"),
        (EXPECTED.sum(0), "an axis too few"),
        (EXPECTED.tolist(), "not a list"),
    ],
)
def test_usual_mistakes_are_told_apart(got, hint):
    assert hint in usual_mistake(EXPECTED, got, rtol=1e-6, atol=1e-9)


def test_a_hint_looks_into_tuples_and_dicts():
    assert "sign" in usual_mistake((1.0, EXPECTED), (1.0, -EXPECTED), rtol=1e-6, atol=1e-9)
    assert "sign" in usual_mistake({"a": 1.0, "b": 2.0}, {"b": -2.0, "a": 1.0}, rtol=1e-6, atol=1e-9)


def test_any_wrong_number_is_no_known_mistake():
    assert usual_mistake(EXPECTED, EXPECTED**2 + 1, rtol=1e-6, atol=1e-9) is None


def test_a_tasks_own_mistakes_come_first():
    known = [("You forgot the minus.", -EXPECTED)]
    difference = compare(EXPECTED, -EXPECTED)
    assert explain(difference, EXPECTED, -EXPECTED, known, rtol=1e-6, atol=1e-9).endswith("You forgot the minus.")


@given(VALUES, VALUES)
def test_comparing_explaining_and_describing_never_fail(expected, got):
    got = travelled(got)
    difference = compare(expected, got)
    assert describe(got)
    if difference is not None:
        assert explain(difference, expected, got, [("hint", got)], rtol=1e-6, atol=1e-9)
