"""How long is one training step? rnnlib against torch.nn and against a loop over torch.nn.*Cell, in one run.

    python tests/benchmarks/steps.py            # or: make bench

A step is forward, backward and every gradient (parameters, x, initial state), in float32. Each contestant runs on one
thread and on all of them, and what counts is its fastest run on *its* best number of threads. They take turns, round
after round, so that a noisy machine disturbs all of them alike. Printed are the fastest runs, their ratios, and how
much of the machine's peak matrix product each reaches (a step's products are counted, its elementwise work is not).
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))  # read when NumPy is first imported

import numpy as np  # noqa: E402
import torch  # noqa: E402
from threadpoolctl import ThreadpoolController  # noqa: E402
from tqdm.auto import tqdm  # noqa: E402

from rnnlib.bptt import backward, unroll  # noqa: E402
from rnnlib.cells import GRU, LSTM, RNN, Cell  # noqa: E402

SIZES = [(32, 32, 64, 64), (64, 32, 64, 128), (64, 32, 128, 256), (64, 64, 256, 512)]  # T, B, D, H
GOALS = {"rnnlib/torch.nn, geometric mean": 1.05, "rnnlib/torch.nn, worst of LSTM": 1.75}
COUNTS = sorted({1, THREADS})


def rnnlib_step(cell: Cell, x: np.ndarray, dh: np.ndarray) -> Callable[[], object]:
    return lambda: backward(unroll(cell, x), dh)


def torch_step(cell: Cell, x: np.ndarray, dh: np.ndarray) -> Callable[[], object]:
    """torch.nn.RNN, GRU or LSTM: one call for the whole sequence."""
    module = cell.to_torch()
    x_, dh_ = torch.tensor(x, requires_grad=True), torch.tensor(dh)
    state = tuple(torch.zeros(1, x.shape[1], cell.hidden_size, requires_grad=True) for _ in cell.states)

    def step() -> object:
        h, _ = module(x_, state if len(state) > 1 else state[0])
        return torch.autograd.grad(h, [*module.parameters(), x_, *state], dh_, allow_unused=True)

    return step


def torch_loop_step(cell: Cell, x: np.ndarray, dh: np.ndarray) -> Callable[[], object]:
    """torch.nn.RNNCell, GRUCell or LSTMCell in a Python loop, as one writes a cell of one's own."""
    module = getattr(torch.nn, type(cell).__name__ + "Cell")(cell.input_size, cell.hidden_size)
    x_, dh_ = torch.tensor(x, requires_grad=True), torch.tensor(dh)
    initial = tuple(torch.zeros(x.shape[1], cell.hidden_size, requires_grad=True) for _ in cell.states)

    def step() -> object:
        state, hs = initial if len(initial) > 1 else initial[0], []
        for x_t in x_:
            state = module(x_t, state)
            hs.append(state[0] if isinstance(state, tuple) else state)
        return torch.autograd.grad(torch.stack(hs), [*module.parameters(), x_, *initial], dh_)

    return step


def fastest(steps: dict[str, Callable[[], object]], seconds: float, turn: float = 0.1) -> dict[str, tuple[float, int]]:
    """The fastest run of each step in seconds, and the number of threads that it ran on.

    They take turns of a tenth of a second, on each number of threads, for `seconds` altogether.

    Of a turn's runs, at least three, the first is not counted. How long a turn is makes no difference (0 to 1.5 s, or
    one contestant alone, were tried); too few seconds do, since the fastest run must meet a calm moment.
    """
    best = {name: (float("inf"), 0) for name in steps}
    blas, end = ThreadpoolController().select(user_api="blas"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        for threads, (name, step) in itertools.product(COUNTS, steps.items()):
            torch.set_num_threads(threads)
            for library in blas.lib_controllers:
                library.set_num_threads(threads)
            step()
            runs, turn_ends = 0, time.perf_counter() + turn
            while runs < 2 or time.perf_counter() < turn_ends:
                start = time.perf_counter()
                step()
                best[name] = min(best[name], (time.perf_counter() - start, threads))
                runs += 1
    return best


def peak_flops() -> float:
    """FLOP/s of this machine's fastest large float32 product, by NumPy or by PyTorch."""
    a = np.random.default_rng(0).normal(size=(2000, 2000)).astype(np.float32)
    b = torch.tensor(a)
    best = fastest({"numpy": lambda: a @ a, "torch": lambda: b @ b}, seconds=2)
    return 2 * 2000**3 / min(best.values())[0]


def geometric_mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8, help="time per cell and size (default 8)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    peak = peak_flops()
    print(f"up to {THREADS} threads, float32, peak matrix product {peak / 1e9:.0f} GFLOP/s")
    print(f"NumPy {np.__version__}, PyTorch {torch.__version__}\n")
    print("one training step            milliseconds (threads)            share of peak          ratios")
    print("cell   T   B    D    H       rnnlib    torch.nn   cell loop  rnnlib torch.nn   rnnlib/torch.nn  loop/rnnlib")
    rows = []
    cases = [(kind, size) for kind in (RNN, GRU, LSTM) for size in SIZES]
    for kind, (T, B, D, H) in tqdm(cases, desc="bench", leave=False, disable=not sys.stderr.isatty()):
        rng = np.random.default_rng(0)
        extra = {"reset_after": True} if kind is GRU else {}
        cell = kind(D, H, rng=rng, dtype=np.float32, **extra)
        x, dh = (rng.normal(size=(T, B, n)).astype(np.float32) for n in (D, H))
        makers = {"rnnlib": rnnlib_step, "torch.nn": torch_step, "cell loop": torch_loop_step}
        runs = fastest({name: make(cell, x, dh) for name, make in makers.items()}, options.seconds)
        best = {name: seconds for name, (seconds, _) in runs.items()}
        flops = 3 * 2 * T * B * (D + H) * len(cell.gates) * H  # forward, and backward to inputs and to weights
        share = {name: flops / t / peak for name, t in best.items()}
        ratio, gain = best["rnnlib"] / best["torch.nn"], best["cell loop"] / best["rnnlib"]
        rows.append({"cell": kind.__name__, "T": T, "B": B, "D": D, "H": H, "seconds": best, "share": share})
        milliseconds = " ".join(f"{t * 1e3:7.2f} ({threads})" for t, threads in runs.values())
        shares = f"{share['rnnlib']:7.0%}{share['torch.nn']:8.0%}"
        print(
            f"{kind.__name__:4} {T:3} {B:3} {D:4} {H:4}  {milliseconds}   {shares}{ratio:15.2f}{gain:15.2f}", flush=True
        )
    ratios = [row["seconds"]["rnnlib"] / row["seconds"]["torch.nn"] for row in rows]
    lstm = [ratio for ratio, row in zip(ratios, rows, strict=True) if row["cell"] == "LSTM"]
    reached = dict(zip(GOALS, (geometric_mean(ratios), max(lstm)), strict=True))
    print()
    for name, value in reached.items():
        print(
            f"{name}: {value:.2f} (goal: at most {GOALS[name]}) {'reached' if value <= GOALS[name] else 'NOT reached'}"
        )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"peak_flops": peak, "threads": THREADS, "rows": rows, "reached": reached}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
