"""Race and the runs of experiments/measure_race.py: equal sizes, the rules kept, and the page says what is shipped."""

import re
import sys
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


@pytest.mark.parametrize("task", TASKS)
def test_the_rate_taken_is_better_than_its_neighbours_on_the_ladder(task):
    rates = shipped("race")["rules"]["rates"]
    for found in TASKS[task].values():
        n, trials = rates.index(found["rate"]), found["trials"]
        assert 0 < n < len(rates) - 1  # no end of the ladder
        tried = [merit(trial) if trial else None for trial in trials]
        assert tried[n - 1] > tried[n] <= tried[n + 1]
        assert tried[n] == min(filter(None, tried))
        if task not in TOYS:
            assert len(found["reached"]) == len(measure_race.OTHER_SEEDS) and np.isfinite(found["reached"]).all()


def merit(trial):
    """The rule in the words of the script: far first, then the error at the lag that failed, else the updates."""
    lags = sum(updates is not None for updates, _ in trial)
    assert all(updates is not None for updates, _ in trial[:-1])
    return -lags, sum(updates for updates, _ in trial) if trial[-1][0] else trial[-1][1]


def test_the_ladder_is_climbed_until_the_best_rate_has_two_neighbours():
    def climb(best_at):
        trials = {}
        while rates := measure_race.next_rates(trials):
            trials |= {rate: [(None, abs(np.log(rate / best_at)))] for rate in rates}
        return sorted(trials), measure_race.best(trials)

    assert climb(0.01) == ([0.003, 0.01, 0.03], 0.01)
    assert climb(0.0003) == ([0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03], 0.0003)
    assert climb(2.0)[1] == 1.0 and max(climb(2.0)[0]) == 1.0


def test_of_rates_the_farthest_counts_and_then_the_updates_or_the_error():
    fast, slow = [(25, 0.01), (100, 0.01), (150, 0.01)], [(25, 0.01), (100, 0.01), (175, 0.001)]
    close, far, early = [(50, 0.01), (None, 0.1)], [(25, 0.01), (None, 0.2)], [(None, 0.06)]
    order = sorted([far, early, slow, close, fast], key=measure_race.merit)
    assert order == [fast, slow, close, far, early]


@pytest.mark.parametrize("task", TOYS)
def test_a_run_ends_at_the_first_error_below_the_limit_or_with_the_budget(task):
    rules = shipped("race")["rules"]
    checks = rules["updates"][task] // rules["check"]
    for found in TASKS[task].values():
        for seeds in found["runs"]:
            assert len(seeds) in (0, len(measure_race.SEEDS))
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


PAGE = """async ([source, data, states]) => {
    const m = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const all = Object.keys(data.rules.limit).map((task) => m.races(data, task));
    return states.map(([task, n, check]) => {
        const race = all.find((one) => one.task === task);
        const state = { race, check, n };
        return { said: m.summary(all, state), found: m.finding(all, state, true), short: m.finding(all, state, false),
            steps: race.cells.map(({ courses }) => Object.values(courses[n].steps[check] ?? {})) };
    });
}"""


def expected(data, task, n, check):
    """By cell: how many seeds were raced, when they had solved it, and the least, the median and the largest error."""
    rules = data["rules"]
    for name, found in data["tasks"][task].items():
        runs = found["runs"][n]
        values = [errors[min(check, len(errors) - 1)] for errors in runs]
        ends = [len(errors) - 1 for errors in runs if errors[-1] < rules["limit"][task]]
        ends = sorted(rules["check"] * end for end in ends if end <= check)
        yield name, len(runs), ends, (min(values), float(np.median(values)), max(values)) if runs else ()


def first(data, task, n, check):
    """The cells that had solved the task first by the median seed, when, and which cells were raced."""
    all_cells = list(expected(data, task, n, check))
    done = {name: ends[seeds // 2] for name, seeds, ends, _ in all_cells if 2 * len(ends) > seeds}
    least = min(done.values(), default=None)
    raced = {name for name, seeds, _, _ in all_cells if seeds}
    return [name for name, updates in done.items() if updates == least], least, raced


STATES = [(task, n, check) for task in TOYS for n in range(len(shipped("race")["lags"])) for check in (0, 1, 7, 20, 80)]


def test_the_page_says_what_was_measured(blank):
    data = shipped("race")
    shown = blank.evaluate(PAGE, [bundle("Race"), data, STATES])
    for (task, n, check), page in zip(STATES, shown, strict=True):
        updates = check * data["rules"]["check"]
        assert f"lag {data['lags'][n]}, {updates:,} updates" in page["said"]
        own, other = page["said"].rsplit(". ", 1)
        for k, (name, seeds, ends, values) in enumerate(expected(data, task, n, check)):
            np.testing.assert_allclose(page["steps"][k], values, rtol=1e-12)
            part = re.search(rf"\b{name} (.*?)(;|$)", own).group(1)
            if not seeds:
                assert part.startswith("not raced (none at lag ")
                continue
            assert part.startswith(f"{len(ends)} of {seeds}")
            if ends:
                assert f"(at {ends[0]:,}" in part and f"{ends[-1]:,})" in part
            assert ("median error" in part) == (2 * len(ends) <= seeds)
        names, least, _ = first(data, next(t for t in TOYS if t != task), n, check)
        assert (f"{' and '.join(names)} first ({least:,})" if len(names) in (1, 2) else "none") in other


def test_the_page_names_the_first_of_each_task_and_whether_they_differ(blank):
    data, dependent = shipped("race"), 0
    shown = blank.evaluate(PAGE, [bundle("Race"), data, STATES])
    for (_, n, check), page in zip(STATES, shown, strict=True):
        if not check:
            assert page["found"] == page["short"] == "Nothing is learned yet"
            continue
        winners = [first(data, task, n, check) for task in TOYS]
        for (names, least, raced), wide, narrow in zip(
            winners, ("adding", "delayed copy"), ("adding", "copy"), strict=True
        ):
            who = re.search(rf"n {wide} (.*?)(, on|$)", page["found"]).group(1)
            brief = re.search(rf"{narrow} (.*?)(, |$)", page["short"].lower()).group(1)
            if not names:
                assert who == brief == ("none" if check == 80 else "none yet")
                continue
            only, at = "only " * (len(raced) == 1), who.removeprefix("only ")
            assert who.startswith("only ") == bool(only) and ("raced" in who) == bool(only)
            assert re.split(r", | and | \(| raced", at)[: len(names)] == names
            assert re.search(rf" \({least:,}( updates)?\)$", who)
            assert brief == f"{'/'.join(names).lower()} ({least:,})"
        (one, _, here), (other, _, there) = winners
        differ = bool(one and other and not set(one) & set(other) and {*one, *other} <= here & there)
        assert page["found"].startswith("It depends: ") == differ
        dependent += differ
    assert dependent


def test_the_figure_opens_where_the_order_of_the_cells_is_turned_round():
    data, figure = shipped("race"), Race()
    n = data["lags"].index(figure.lag)
    assert figure.check == data["rules"]["updates"]["adding"] // data["rules"]["check"]
    ends = {
        task: {name: ends for name, _, ends, _ in expected(data, task, n, figure.check)} for task in ("adding", "copy")
    }
    assert all(len(solved) == len(measure_race.SEEDS) for cells in ends.values() for solved in cells.values())
    for gated in ("GRU", "LSTM"):  # seed by seed, not only the medians
        assert max(ends["adding"][gated]) < min(ends["adding"]["RNN"])
        assert max(ends["copy"]["RNN"]) < min(ends["copy"][gated])


def test_who_is_not_raced_at_a_lag_had_solved_the_one_before_with_no_seed():
    data = shipped("race")
    for task in TOYS:
        for found in TASKS[task].values():
            solved = [any(errors[-1] < data["rules"]["limit"][task] for errors in seeds) for seeds in found["runs"]]
            for before, seeds in zip([True, *solved], found["runs"], strict=False):
                assert bool(seeds) == before and len(seeds) in (0, len(measure_race.SEEDS))


def test_of_two_seeds_both_must_have_finished(blank):
    data = race_of({"a": {4: [[0.5, 0.2, 0.01], [0.6, 0.3, 0.2]], 8: [[0.5, 0.04], [0.6, 0.3, 0.02]]}}, 0.05, 10)
    first, second = blank.evaluate(PAGE, [bundle("Race"), data, [("own", 0, 2), ("own", 1, 2)]])
    assert "a 1 of 2 (at 20), median error 0.1" in first["said"]
    assert first["found"].startswith("None solves it within 20 updates")
    assert "a 2 of 2 (at 10 to 20)." in second["said"]
    assert second["found"] == "a first: solved after 20 updates"
