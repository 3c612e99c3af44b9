"""Race and the runs of experiments/measure_race.py: equal sizes, the rules kept, and the page says what is shipped."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnlib.figures import Race
from rnnlib.figures.base import bundle
from rnnlib.figures.race import race_of
from rnnlib.figures.shipped import shipped

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import measure_race

TASKS = shipped("race")["tasks"]
TOYS = [task for task in TASKS if task in shipped("race")["rules"]["limit"]]


# ---------------------------------------------------------------------------------------------- the measuring


@pytest.mark.parametrize("task", TASKS)
def test_the_cells_have_equally_many_weights(task):
    rng = np.random.default_rng(0)
    counts = []
    for cell, found in TASKS[task].items():
        model = measure_race.new_model(task, cell, rng)
        counts.append(sum(p.size for p in model.params.values()))
        assert (found["hidden_size"], found["weights"]) == (model.layer.hidden_size, counts[-1])
    assert len(counts) == 3 and max(counts) <= 1.02 * min(counts)


def test_the_rules_are_those_of_the_script_and_what_chooses_the_rate_does_not_race():
    data = shipped("race")
    assert data["lags"] == list(measure_race.LAGS) and data["rules"]["rates"] == list(measure_race.RATES)
    assert data["rules"]["limit"] == {task: measure_race.LIMIT[task] for task in measure_race.TOYS}
    assert measure_race.SEED_OF_TRIALS not in (*measure_race.SEEDS, *measure_race.OTHER_SEEDS)
    training, validation = map(set, measure_race.pictures(True))
    assert not validation & set(measure_race.pictures(False)[1]) and not training & validation


@pytest.mark.parametrize("task", [task for task in TASKS if task not in TOYS])
def test_the_learning_rate_is_the_best_of_the_trials(task):
    rates = shipped("race")["rules"]["rates"]
    for found in TASKS[task].values():
        assert found["rate"] == rates[int(np.argmin(found["trials"]))]
        assert len(found["reached"]) == len(measure_race.OTHER_SEEDS) and np.isfinite(found["reached"]).all()


def test_of_rates_the_fewest_updates_count_and_then_the_lowest_error():
    solved, later, close, far = [1.0, 0.009], [1.0, 0.5, 0.001], [1.0, 0.5, 0.011], [1.0, 0.5, 0.3]
    order = sorted([far, close, later, solved], key=lambda errors: measure_race.merit("adding", errors))
    assert order == [solved, later, close, far]
    assert measure_race.merit("text", [1.9]) < measure_race.merit("text", [2.1])


@pytest.mark.parametrize("task", TOYS)
def test_a_run_ends_at_the_first_error_below_the_limit_or_with_the_budget(task):
    rules = shipped("race")["rules"]
    checks = rules["updates"][task] // rules["check"]
    for found in TASKS[task].values():
        for seeds in found["runs"]:
            assert len(seeds) == len(measure_race.SEEDS)
            for errors in seeds:
                assert min(errors[:-1]) >= rules["limit"][task]
                assert errors[-1] < rules["limit"][task] or len(errors) == checks + 1


@pytest.mark.parametrize(("task", "cell", "updates"), [("copy", "RNN", 2000), ("adding", "GRU", 50)])
def test_the_beginning_of_a_run_comes_out_as_shipped(task, cell, updates):
    found = TASKS[task][cell]
    job = measure_race.Job(task, cell, 0, found["rate"], measure_race.LAGS[0])
    errors = measure_race.race(job, updates)
    np.testing.assert_allclose(errors, found["runs"][0][0][: len(errors)], rtol=0.03, atol=0.002)
    assert len(errors) >= 2


# ---------------------------------------------------------------------------------------------- the figure


def test_runs_of_ones_own_end_below_the_limit():
    figure = Race.of({"a": {4: [[0.5, 0.2, 0.01, 0.3]]}, "b": {4: [[0.5, 0.4, 0.3, 0.2]]}}, limit=0.05, every=10)
    assert figure.measured["tasks"]["own"]["a"]["runs"] == [[[0.5, 0.2, 0.01]]]
    assert (figure.task, figure.lag, figure.check) == ("own", 4, 3)
    assert figure.measured["rules"] == {"limit": {"own": 0.05}, "updates": {"own": 30}, "check": 10}


@pytest.mark.parametrize(
    ("runs", "limit", "message"),
    [
        ({}, 0.1, "runs: expected one to 4 cells, got 0"),
        ({"a": {4: [[1, 0.5]]}, "b": {5: [[1, 0.5]]}}, 0.1, r"the same lags of every cell, got \[\[4\], \[5\]\]"),
        ({"a": {4: []}}, 0.1, r"runs\['a'\]: expected at least one run for each lag, got none"),
        ({"a": {4: [[1, np.nan]]}}, 0.1, r"runs\['a'\]\[4\]: expected 2 to 201 finite errors"),
        ({"a": {4: [[1, 0.5]]}}, 0, "limit, every: expected positive numbers, got 0 and 25"),
    ],
)
def test_what_cannot_be_shown_is_refused(runs, limit, message):
    with pytest.raises(ValueError, match=message):
        Race.of(runs, limit=limit)


@pytest.fixture
def blank(browser) -> Iterator:
    tab = browser.new_page()
    yield tab
    tab.close()


PAGE = """async ([source, data, states]) => {
    const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    return states.map(([task, n, check]) => {
        const race = m.races(data, task);
        const courses = race.cells.map(({ courses }) => courses[n]);
        return { said: m.summary(race, { check, n }), found: m.finding(race, { check, n }, true),
            steps: courses.map(({ steps }) => Object.values(steps[check])) };
    });
}"""


def expected(data, task, n, check):
    """By cell: how many seeds there are, when they had solved it, and the least, the median and the largest error."""
    rules = data["rules"]
    for name, found in data["tasks"][task].items():
        runs = found["runs"][n]
        values = [errors[min(check, len(errors) - 1)] for errors in runs]
        ends = [len(errors) - 1 for errors in runs if errors[-1] < rules["limit"][task]]
        ends = sorted(rules["check"] * end for end in ends if end <= check)
        yield name, len(runs), ends, (min(values), float(np.median(values)), max(values))


def test_the_page_says_what_was_measured(blank):
    data = shipped("race")
    states = [(task, n, check) for task in TOYS for n in range(len(data["lags"])) for check in (0, 1, 7, 20, 80)]
    shown = blank.evaluate(PAGE, [bundle("Race"), data, states])
    for (task, n, check), page in zip(states, shown, strict=True):
        updates = check * data["rules"]["check"]
        assert f"lag {data['lags'][n]}, after {updates:,} updates" in page["said"]
        solved = {}
        for k, (name, seeds, ends, values) in enumerate(expected(data, task, n, check)):
            np.testing.assert_allclose(page["steps"][k], values, rtol=1e-12)
            part = re.search(rf"\b{name} (.*?)(;|\.$)", page["said"]).group(1)
            assert part.startswith(f"{len(ends)} of {seeds} seeds solved")
            if ends:
                assert f"({ends[0]:,}" in part and f"{ends[-1]:,} updates)" in part
            if 2 * len(ends) > seeds:
                solved[name] = ends[seeds // 2]
            assert ("median error" in part) == (name not in solved)
        if solved:
            first = min(solved.values())
            assert f"solved after {first:,} updates" in page["found"]
            names = page["found"].split(" first")[0]
            assert all((value == first) == (name in re.split(r", | and ", names)) for name, value in solved.items())
        elif check:
            assert page["found"].startswith("None")


def test_of_two_seeds_both_must_have_finished(blank):
    data = race_of({"a": {4: [[0.5, 0.2, 0.01], [0.6, 0.3, 0.2]], 8: [[0.5, 0.04], [0.6, 0.3, 0.02]]}}, 0.05, 10)
    first, second = blank.evaluate(PAGE, [bundle("Race"), data, [("own", 0, 2), ("own", 1, 2)]])
    assert "1 of 2 seeds solved (20 updates), median error 0.1" in first["said"]
    assert first["found"].startswith("None solves it within 20 updates")
    assert "2 of 2 seeds solved (10 to 20 updates)." in second["said"]
    assert second["found"] == "a first: solved after 20 updates"
