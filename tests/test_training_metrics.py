"""What the units of a network know: the area under the ROC curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from rnnlib.training import auc


@settings(deadline=None)  # the machine may be busy
@given(st.integers(2, 40), st.integers(1, 3), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_auc_equals_that_of_scikit_learn_also_where_values_are_equal(N, H, kinds, seed):
    rng = np.random.default_rng(seed)
    values, truth = rng.integers(kinds, size=(N, H)).astype(float), rng.permutation(np.arange(N) % 2)
    expected = [roc_auc_score(truth, column) for column in values.T]
    np.testing.assert_allclose(auc(values, truth), expected, atol=1e-12)
    assert auc(values[:, 0], truth.astype(bool)) == pytest.approx(expected[0], abs=1e-12)


def test_auc_is_the_share_of_pairs_that_are_in_order():
    rng = np.random.default_rng(0)
    values, truth = rng.normal(size=30), rng.random(30) < 0.3
    pairs = values[truth][:, None] > values[~truth]
    assert auc(values, truth) == pytest.approx(pairs.mean())


@pytest.mark.parametrize(
    ("values", "truth", "message"),
    [
        ([1.0, 2.0], [0, 1, 1], r"truth: expected shape \(N,\) .* got \(3,\) for \(2,\)"),
        (np.ones((2, 3)), [0, 1, 1], r"truth: .* got \(3,\) for \(2, 3\)"),
        (1.0, 1, r"truth: .* got \(\) for \(\)"),
        ([1.0, 2.0], [0, 2], "truth: expected 0 and 1 only, got 2"),
        ([1.0, 2.0], [1, 1], "truth: expected at least one 1 and one 0, got 2 and 0"),
    ],
)
def test_bad_arguments_are_named(values, truth, message):
    with pytest.raises(ValueError, match=message):
        auc(values, truth)
