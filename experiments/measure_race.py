"""Race an RNN, a GRU and an LSTM with equally many weights on five tasks (chapter 8): rnnlib/figures/data/race.json.

    python experiments/measure_race.py

What was fixed beforehand. *Sizes*: each cell gets the state size that brings its weights, with those of the output
layer, closest to what a plain RNN of the size HIDDEN has. *Solved*: as in measure_lags.py, at the first check, one
every CHECK updates, at which the error on sequences that the network has not seen is below the task's limit; there the
run ends. *Learning rate*: one rung of the ladder RATES for each cell and task, tried on a seed that does not race.
FIRST are tried first; while the best rate is the lowest or the highest of those tried, the next one is tried too, so
that the rate taken has been seen to be better than both its neighbours (or is an end of the ladder). On the toy tasks
a trial goes through TRIAL_LAGS until it fails; the rate that gets farthest is best; of those that fail at the same lag,
the one with the lowest error there; of those that solve all, the one with the fewest updates. On the other tasks it is
the rate with the lowest error on validation data. Of equals, the lower rate. *Lags*: a cell that has solved a lag with
none of its seeds is not raced at longer ones. Batch, clipping and budget are the same for all cells.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measure_lags import CHECK, CLIP_NORM, LIMIT, TEST, B, Sequences, learn
from trials import all_of, bits, processes, text

from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.cells.cell import Cell
from rnnlib.corpora import digits
from rnnlib.text import SequentialBatches, Vocabulary, one_hot, pad
from rnnlib.training import Adam, Model, Run, fit

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "race.json"
HIDDEN = {"adding": 63, "copy": 63, "digits": 64, "words": 97, "text": 160}  # of the plain RNN
TOYS, LAGS, UPDATES, SEEDS = ("adding", "copy"), (5, 10, 20, 40, 60, 80, 100), 2000, (0, 1, 2, 3, 4)
GUESS = {"adding": 0.167, "copy": 0.5}  # error of the best answer that is always the same: 2/12, 1/2
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
FIRST, SEED_OF_TRIALS, TRIAL_LAGS = (0.003, 0.01, 0.03), 100, (5, 20, 60)
OTHERS, OTHER_SEEDS = {"digits": 400, "words": 600, "text": 400}, (0, 1, 2)  # updates
TRAINING, HELD_BACK = 1000, 1200  # pictures: those between are for the choice of the rate, the rest for the test
BITS_OF = 20_000  # characters of the text


class Kind(NamedTuple):
    """A kind of layer."""

    new: Callable[..., Any]
    """From input_size, hidden_size, rng and dtype to a layer."""
    weights: Callable[[int, int], int]
    """How many it has, from D and H."""


def cell(new: type[Cell], gates: int) -> Kind:
    """One cell with as many blocks W_x, W_h, b as gates."""
    return Kind(new, lambda D, H: gates * H * (D + H + 1))


KINDS = {"RNN": cell(RNN, 1), "GRU": cell(GRU, 3), "LSTM": cell(LSTM, 4)}  # another script may add to them
CELLS = tuple(KINDS)


class Job(NamedTuple):
    """One training run."""

    task: str
    cell: str
    seed: int
    rate: float
    lag: int = 0  # of the toy tasks
    trial: bool = False  # validation data instead of test data


def weights(cell: str, H: int, D: int, Q: int) -> int:
    """The number of weights of a cell with H units, D inputs and Q outputs, output layer included."""
    return KINDS[cell].weights(D, H) + (H + 1) * Q


def sizes(task: str) -> tuple[int, int]:
    """D and Q: how many inputs and outputs."""
    if task == "text":
        return (len(text()[0]),) * 2
    A = len(spelling()[0])
    return {"adding": (2, 1), "copy": (2, 2), "digits": (8, 10), "words": (64 + A, A)}[task]


def hidden_size(task: str, cell: str) -> int:
    """The state size with which a cell has about as many weights as the plain RNN."""
    D, Q = sizes(task)
    wanted = weights("RNN", HIDDEN[task], D, Q)
    return min(range(1, HIDDEN[task] + 1), key=lambda H: abs(weights(cell, H, D, Q) - wanted))


def new_model(task: str, cell: str, rng: np.random.Generator) -> Model:
    """A model that has learnt nothing."""
    D, Q = sizes(task)
    layer = KINDS[cell].new(D, hidden_size(task, cell), rng=rng, dtype=np.float32)
    return Model(layer, Q, rng=rng, return_sequences=task != "digits")


# ---- the toy tasks --------------------------------------------------------------------------------------------------


def race(job: Job, updates: int = UPDATES) -> list[float]:
    """The error before training and at every check, up to the first one below the limit."""
    rng = np.random.default_rng([job.seed, job.lag])
    model = Sequences(new_model(job.task, job.cell, rng))
    errors = learn(model, job.task, job.lag, job.seed, rng, rate=job.rate, updates=updates)
    return [float(f"{value:.3g}") for value in errors]


# ---- pictures and text ----------------------------------------------------------------------------------------------


@cache
def spelling() -> tuple[Vocabulary, np.ndarray, np.ndarray]:
    """The alphabet of the digits' names; the name of each picture, letter by letter, with a dot at the end; a mask."""
    data = digits()
    alphabet = Vocabulary.of("".join(data.words) + ".")
    return alphabet, *pad([alphabet.encode(data.words[label] + ".") for label in data.labels])


def train(model: Model, job: Job, rng: np.random.Generator, batches: Any) -> None:
    """The task's number of updates at one learning rate."""
    run = Run(rng)
    fit(model, batches, Adam(job.rate), max_steps=OTHERS[job.task], clip_norm=CLIP_NORM, run=run, progress=False)


def pictures(trial: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures are learnt, and on which the network is tried."""
    order = np.random.default_rng(0).permutation(len(digits().labels))
    return order[:TRAINING], order[TRAINING:HELD_BACK] if trial else order[HELD_BACK:]


def shuffled(chosen: np.ndarray) -> Callable[[np.random.Generator], Iterator[np.ndarray]]:
    """The chosen pictures in a new order, 50 at a time."""
    return lambda rng: iter(np.split(rng.permutation(chosen), len(chosen) // 50))


def read_digits(job: Job) -> float:
    """Many to one: a picture is read row by row. The share of wrong digits."""
    rng, data = np.random.default_rng(job.seed), digits()
    model = new_model("digits", job.cell, rng)
    training, tried = pictures(job.trial)
    rows, order = data.images.transpose(1, 0, 2).astype(np.float32), shuffled(training)
    train(model, job, rng, lambda rng: ((rows[:, k], data.labels[k]) for k in order(rng)))
    return float(np.mean(model.forward(rows[:, tried])[0].argmax(axis=-1) != data.labels[tried]))


def write_words(job: Job) -> float:
    """One to many: a picture at the first step, then the digit's name, letter by letter. The share of wrong words."""
    rng, (alphabet, y, mask) = np.random.default_rng(job.seed), spelling()
    model = new_model("words", job.cell, rng)
    training, tried = pictures(job.trial)
    x = np.zeros((*y.shape, 64 + len(alphabet)), dtype=np.float32)  # (T, N, D)
    x[0, :, :64] = digits().images.reshape(-1, 64)
    x[1:, :, 64:] = one_hot(y[:-1], len(alphabet))
    order = shuffled(training)
    train(model, job, rng, lambda rng: ((x[:, k], y[:, k], mask[:, k]) for k in order(rng)))
    x_t, state, right = x[0, tried], None, np.ones(len(tried), dtype=bool)
    for t in range(len(y)):  # each step reads the letter that was written
        o, state = model.step(x_t, state)
        written = o.argmax(axis=-1)
        right &= (written == y[t, tried]) | ~mask[t, tried]
        x_t = np.zeros_like(x_t)
        x_t[:, 64:] = one_hot(written, len(alphabet))
    return float(1 - right.mean())


def predict_text(job: Job) -> float:
    """Many to many: the next character of Python's manual. Bits per character."""
    rng, (vocabulary, split) = np.random.default_rng(job.seed), text()
    model = new_model("text", job.cell, rng)
    train(model, job, rng, SequentialBatches(vocabulary.encode(split.train), 16, 64))
    return float(bits(model, "validation" if job.trial else "test", BITS_OF))


# ---- trials of the learning rate ------------------------------------------------------------------------------------

Trial = list[tuple[int | None, float]]  # by lag: after how many updates it was solved, if it was; the last error


def measure(job: Job) -> list[float]:
    """The run's errors: of the toy tasks at every check, of the others at the end."""
    found = MEASURES[job.task](job)
    return found if isinstance(found, list) else [float(f"{found:.4g}")]


def try_rate(job: Job) -> Trial:
    """One trial: of the toy tasks at one lag after the other, until one is not solved."""
    if job.task not in TOYS:
        return [(None, measure(job)[-1])]
    found: Trial = []
    for lag in TRIAL_LAGS:
        errors = measure(job._replace(lag=lag))
        solved = errors[-1] < LIMIT[job.task]
        found.append((CHECK * (len(errors) - 1) if solved else None, errors[-1]))
        if not solved:
            break
    return found


def merit(trial: Trial) -> tuple[int, float]:
    """What the choice of a learning rate goes by: the lower, the better."""
    updates = [updates for updates, _ in trial if updates is not None]
    return -len(updates), float(sum(updates)) if len(updates) == len(trial) else trial[-1][1]


def next_rates(trials: dict[float, Trial]) -> list[float]:
    """Which rates are still to be tried: FIRST, then the neighbour of the best one that lies beyond those tried."""
    if not trials:
        return list(FIRST)
    n = RATES.index(best(trials))
    return [rate for rate in RATES[max(n - 1, 0) : n + 2] if rate not in trials]


def best(trials: dict[float, Trial]) -> float:
    """The rate that is taken."""
    return min(sorted(trials), key=lambda rate: merit(trials[rate]))


def choose_rates(pool: ProcessPoolExecutor, cells: tuple[str, ...]) -> dict[tuple[str, str], dict[float, Trial]]:
    """The trials of each cell on each task."""
    trials: dict[tuple[str, str], dict[float, Trial]] = {which: {} for which in product((*TOYS, *OTHERS), cells)}
    while jobs := [
        Job(task, cell, SEED_OF_TRIALS, rate, trial=True)
        for (task, cell), tried in trials.items() for rate in next_rates(tried)
    ]:  # fmt: skip
        for job, trial in all_of(try_rate, longest_first(jobs), pool, "trials of the learning rate").items():
            trials[job.task, job.cell][job.rate] = trial
    return trials


# ---- all runs -------------------------------------------------------------------------------------------------------

MEASURES: dict[str, Callable[[Job], Any]] = {
    "adding": race, "copy": race, "digits": read_digits, "words": write_words, "text": predict_text,
}  # fmt: skip


def longest_first(jobs: list[Job]) -> list[Job]:
    """The jobs in an order in which no processor waits for the last one."""
    order = ("text", "copy", "adding", "words", "digits")
    return sorted(jobs, key=lambda job: order.index(job.task))


def run_races(
    pool: ProcessPoolExecutor, rate: dict[tuple[str, str], float], lags: Sequence[int], seeds: Sequence[int]
) -> dict[Job, list[float]]:
    """All runs; lag by lag, since who has solved a lag with no seed is not raced at longer ones."""
    runs: dict[Job, list[float]] = {}
    raced = {(task, cell) for task, cell in rate if task in TOYS}
    for lag in lags:
        jobs = [Job(task, cell, seed, rate[task, cell], lag) for task, cell in sorted(raced) for seed in seeds]
        found = all_of(measure, longest_first(jobs), pool, f"lag {lag}")
        raced = {(job.task, job.cell) for job, errors in found.items() if errors[-1] < LIMIT[job.task]}
        runs |= found
    jobs = [Job(task, cell, seed, rate[task, cell]) for task, cell in rate if task in OTHERS for seed in OTHER_SEEDS]
    return runs | all_of(measure, longest_first(jobs), pool, "digits, words, text")


def race_all(
    pool: ProcessPoolExecutor, cells: tuple[str, ...], lags: Sequence[int] = LAGS, seeds: Sequence[int] = SEEDS
) -> dict[str, dict[str, Any]]:
    """Choose the learning rates, run the races: what was found, by task and cell."""
    trials = choose_rates(pool, cells)
    rate = {which: best(tried) for which, tried in trials.items()}
    runs = run_races(pool, rate, lags, seeds)
    tasks: dict[str, dict[str, Any]] = {task: {} for task in (*TOYS, *OTHERS)}
    for (task, cell), tried in trials.items():
        H, chosen = hidden_size(task, cell), rate[task, cell]
        found: dict[str, Any] = {"hidden_size": H, "weights": weights(cell, H, *sizes(task)), "rate": chosen}
        found["trials"] = [tried.get(rate) for rate in RATES]
        if task in TOYS:
            jobs = [[Job(task, cell, seed, chosen, lag) for seed in seeds] for lag in lags]
            found["runs"] = [[runs[job] for job in row if job in runs] for row in jobs]
        else:
            found["reached"] = [runs[Job(task, cell, seed, chosen)][0] for seed in OTHER_SEEDS]
        tasks[task][cell] = found
    return tasks


def main() -> None:
    """Race the three cells, and write what was found."""
    with processes() as pool:
        tasks = race_all(pool, CELLS)
    rules = {
        "limit": {task: LIMIT[task] for task in TOYS}, "updates": {**dict.fromkeys(TOYS, UPDATES), **OTHERS},
        "check": CHECK, "batch": B, "test": TEST, "clip_norm": CLIP_NORM, "rates": RATES, "trial_lags": TRIAL_LAGS,
        "guess": GUESS,
    }  # fmt: skip
    result = {"rules": rules, "lags": LAGS, "tasks": tasks}
    PATH.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf8")
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
