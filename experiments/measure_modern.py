"""Measure layers without a state in their gates (chapter 11): rnnlib/figures/data/modern.json.

    python experiments/measure_modern.py

*Parity*: at each step, is the number of ones so far odd? Each of NETWORKS learns it from sequences of at most LONGEST
steps and is then tried on LENGTH steps. Its learning rate is that of PARITY_RATES with the lowest loss over LONGEST
steps, on a seed that is not used again. *Race*: minGRU and LRU, two layers of each, on the tasks of chapter 8, by the
rules of measure_race.py and with as many weights, at the lags LAGS. *Scan*: how much time a tree takes, as a multiple
of the loop's, for several lengths and widths; of ROUNDS the least of each.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import measure_race
import numpy as np
import torch
from measure_race import Kind
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm
from trials import all_of, processes, train

from rnnlib.bptt import Stacked
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.modern import LRU, MinGRU, scan
from rnnlib.training import Model, Run

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "modern.json"


def two(new: Callable[..., Any]) -> Callable[..., Stacked]:
    """Two layers of a kind, one above the other."""
    return lambda D, H, **options: Stacked([new(D, H, **options), new(H, H, **options)])


# ---- parity ---------------------------------------------------------------------------------------------------------

NETWORKS: dict[str, Callable[..., Any]] = {
    "RNN": RNN,
    "GRU": GRU,
    "LSTM": LSTM,
    "minGRU": two(MinGRU),
    "LRU": two(LRU),
    "LRU, λ > 0": two(lambda D, H, **options: LRU(D, H, eigenvalues="positive", **options)),
    "LRU, real λ": two(lambda D, H, **options: LRU(D, H, eigenvalues="real", **options)),
    "minGRU, −1 < z < 1": two(lambda D, H, **options: MinGRU(D, H, negative=True, **options)),
}
UNITS, LONGEST, LENGTH, BLOCK, UPDATES = 16, 32, 512, 16, 1000
PARITY_RATES, PARITY_SEEDS, SEED_OF_TRIALS = (0.003, 0.01, 0.03), (0, 1, 2, 3, 4), 100


class Parity(NamedTuple):
    """One training run."""

    network: str
    seed: int
    rate: float


def draw(batch: int, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Zeros and ones, and whether the number of ones so far is odd; (T, B) each."""
    x = rng.integers(2, size=(steps, batch))
    return x, np.cumsum(x, axis=0) % 2


def learn_parity(job: Parity) -> tuple[float, list[float]]:
    """The loss over LONGEST steps, and the share of right answers in each BLOCK of LENGTH steps."""
    rng = np.random.default_rng(job.seed)
    model = Model(NETWORKS[job.network](2, UNITS, rng=rng, dtype=np.float32), 2, rng=rng)
    train(
        model,
        lambda rng: (draw(32, int(rng.integers(2, LONGEST + 1)), rng) for _ in range(UPDATES)),
        UPDATES,
        job.rate,
        run=Run(rng),
    )
    x, y = draw(200, LENGTH, np.random.default_rng(99))
    right = model.forward(x)[0].argmax(axis=-1) == y
    loss, _ = model.evaluate((x[:LONGEST], y[:LONGEST]))
    return loss, [round(float(block.mean()), 3) for block in np.split(right, LENGTH // BLOCK)]


def measure_parity(pool: Any) -> dict[str, Any]:
    """All runs: the learning rates, and the share of right answers by network, seed and block of steps."""
    jobs = [Parity(network, SEED_OF_TRIALS, rate) for network in NETWORKS for rate in PARITY_RATES]
    tried = all_of(learn_parity, jobs, pool, "parity, rates")
    rate = {n: min(PARITY_RATES, key=lambda r: tried[Parity(n, SEED_OF_TRIALS, r)][0]) for n in NETWORKS}
    jobs = [Parity(network, seed, rate[network]) for network in NETWORKS for seed in PARITY_SEEDS]
    runs = all_of(learn_parity, jobs, pool, "parity")
    right = {n: [runs[Parity(n, seed, rate[n])][1] for seed in PARITY_SEEDS] for n in NETWORKS}
    rules = {"units": UNITS, "longest": LONGEST, "length": LENGTH, "block": BLOCK, "updates": UPDATES}
    return {**rules, "rates": rate, "right": right}


# ---- the race -------------------------------------------------------------------------------------------------------

LAGS, SEEDS = (5, 20, 60), (0, 1, 2)
measure_race.KINDS |= {
    "minGRU": Kind(two(MinGRU), lambda D, H: 2 * H * (D + 1) + 2 * H * (H + 1)),
    "LRU": Kind(two(LRU), lambda D, H: sum(2 * N * H + 2 * H * H + 3 * H for N in (D, H))),
}
if __name__ in ("__main__", "__mp_main__"):  # here, and in the processes that are spawned from here
    # an error that fades over a hundred steps becomes subnormal in float32, which makes a processor ten times slower
    torch.set_flush_denormal(True)


# ---- the scan -------------------------------------------------------------------------------------------------------

STEPS, WIDTHS, ROUNDS = (64, 256, 1024, 4096, 16384), (1, 16, 64, 256, 1024), 9


def ratio(T: int, width: int) -> float:
    """The tree's time as a multiple of the loop's."""
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 1, (T, width)), rng.normal(size=(T, width))
    least = {"loop": np.inf, "tree": np.inf}
    for _ in range(ROUNDS):
        for method, best in least.items():
            started = time.perf_counter()
            scan(a, b, method=method)
            least[method] = min(best, time.perf_counter() - started)
    return float(f"{least['tree'] / least['loop']:.2g}")


def measure_scan() -> dict[str, Any]:
    """The ratios by length and width."""
    with threadpool_limits(1):
        ratios = [[ratio(T, width) for width in WIDTHS] for T in tqdm(STEPS, desc="scan")]
    return {"steps": STEPS, "widths": WIDTHS, "ratios": ratios}


def main() -> None:
    """Measure all three, and write what was found."""
    result: dict[str, Any] = {"scan": measure_scan()}
    with processes() as pool:
        result["parity"] = measure_parity(pool)
        result["race"] = {"lags": LAGS, "tasks": measure_race.race_all(pool, ("minGRU", "LRU"), LAGS, SEEDS)}
    PATH.write_text(json.dumps(result, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf8")
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
