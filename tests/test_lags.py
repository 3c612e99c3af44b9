"""The runs of experiments/measure_lags.py: their tasks, their gradients, and that one of them comes out as shipped."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rnnlib.cells import GRU, RNN
from rnnlib.figures.shipped import shipped
from rnnlib.training import Model

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import measure_lags


@pytest.mark.parametrize("kind", [RNN, GRU])
@pytest.mark.parametrize("task", measure_lags.LAGS)
def test_gradients_of_a_loss_at_some_steps_equal_finite_differences(kind, task):
    rng = np.random.default_rng(0)
    model = measure_lags.Sequences(Model(kind(2, 4, rng=rng), 1 if task == "adding" else 2, rng=rng))
    batch = measure_lags.draw(task, 3, 2, rng)
    gradients = model.loss_and_gradients(batch).gradients
    for name, p in model.params.items():
        place, losses = (0,) * p.ndim, []
        for step in (1e-5, -1e-5):
            p[place] += step
            losses.append(model.loss_and_gradients(batch).loss)
            p[place] -= step
        np.testing.assert_allclose(gradients[name][place], (losses[0] - losses[1]) / 2e-5, rtol=1e-4, atol=1e-8)


def test_what_is_wanted_lies_a_lag_back():
    rng = np.random.default_rng(0)
    for task in ("copy", "last"):
        x, y, counts = measure_lags.draw(task, 4, 5, rng)
        assert x.shape == (8, 5, 2) and counts.sum() == (20 if task == "copy" else 5)
        np.testing.assert_array_equal(y[4:], x[:4].argmax(axis=-1))
    x, y, counts = measure_lags.draw("adding", 6, 5, rng)
    np.testing.assert_allclose(y[-1, :, 0], (x[..., 0] * x[..., 1]).sum(axis=0), rtol=1e-6)
    assert counts[-1].all() and counts.sum() == 5


def test_a_short_run_comes_out_as_shipped():
    lags = shipped("lags")
    assert lags["lags"] == measure_lags.LAGS and lags["rules"]["limit"] == measure_lags.LIMIT
    assert measure_lags.measure("RNN", "copy", 5, 0) == lags["cells"]["RNN"]["copy"][0][0]
