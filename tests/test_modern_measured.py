"""experiments/measure_modern.py: equal sizes, the rules of the race, tasks that are what they say, runs again."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rnnlib.figures.shipped import measured

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import measure_modern
import measure_race

FOUND = measured("modern")
RACE, PARITY = FOUND["race"]["tasks"], FOUND["parity"]
both = pytest.mark.parametrize(("task", "cell"), [(task, cell) for task in RACE for cell in ("minGRU", "LRU")])


@both
def test_the_layers_have_as_many_weights_as_the_plain_rnn(task, cell):
    model = measure_race.new_model(task, cell, np.random.default_rng(0))
    count = sum(p.size for p in model.params.values())
    assert (RACE[task][cell]["hidden_size"], RACE[task][cell]["weights"]) == (model.layer.hidden_size, count)
    plain = measured("race")["tasks"][task]["RNN"]["weights"]
    assert abs(count - plain) < 0.04 * plain


@both
def test_the_rate_taken_is_the_best_that_was_tried_and_its_neighbours_were_tried(task, cell):
    rates, found = measured("race")["rules"]["rates"], RACE[task][cell]
    n, trials = rates.index(found["rate"]), found["trials"]
    tried = [None if trial is None else measure_race.merit(trial) for trial in trials]
    assert tried[n] == min(value for value in tried if value is not None)
    assert tried[n - 1] is not None and tried[n + 1] is not None


@pytest.mark.parametrize(("task", "cell"), [("copy", "LRU"), ("adding", "minGRU")])
def test_a_run_of_the_race_comes_out_again(task, cell):
    found = RACE[task][cell]
    errors = measure_race.race(measure_race.Job(task, cell, 0, found["rate"], FOUND["race"]["lags"][0]))
    shipped = found["runs"][0][0]
    assert errors[0] == pytest.approx(shipped[0], rel=1e-2)
    assert abs(len(errors) - len(shipped)) <= 1  # rounding differs from processor to processor
    assert errors[-1] < measured("race")["rules"]["limit"][task]


def test_parity_is_the_parity_of_the_ones():
    x, y = measure_modern.draw(5, 20, np.random.default_rng(0))
    for b in range(5):
        assert y[:, b].tolist() == [x[: t + 1, b].tolist().count(1) % 2 for t in range(20)]


def test_all_parity_runs_are_there_and_none_raced_on_the_seed_of_the_trials():
    assert set(PARITY["right"]) == set(measure_modern.NETWORKS) == set(PARITY["rates"])
    assert measure_modern.SEED_OF_TRIALS not in (*measure_modern.PARITY_SEEDS, *measure_modern.SEEDS)
    blocks = PARITY["length"] // PARITY["block"]
    shapes = {np.shape(runs) for runs in PARITY["right"].values()}
    assert shapes == {(len(measure_modern.PARITY_SEEDS), blocks)}


@pytest.mark.parametrize("network", ["RNN", "LRU, λ > 0"])
def test_a_parity_run_comes_out_again(network):
    _, right = measure_modern.learn_parity(measure_modern.Parity(network, 0, PARITY["rates"][network]))
    np.testing.assert_allclose(right, PARITY["right"][network][0], atol=0.05)


def test_a_ratio_of_times_is_measured_for_each_length_and_width():
    about = FOUND["scan"]
    assert np.shape(about["ratios"]) == (len(about["steps"]), len(about["widths"]))
    assert 0 < measure_modern.ratio(256, 4) < 1
