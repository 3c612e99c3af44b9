"""Train a small RNN, GRU and LSTM with equally many weights on text, and keep what each was like on the way.

    python experiments/measure_gradient_highway.py

GradientHighway of chapter 7 sends a loss back through these networks in the page. They read Python's manual in lower
case, with 0 for every digit and _ for every sign that is not in the alphabet, and so can be small enough for a page to
hold six states of each. Seed, data and number of updates are the same for all three.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm
from trials import cosine

from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.corpora import python_docs_split
from rnnlib.figures.gradient_highway import ALPHABET, highway_of, plain, route
from rnnlib.registry import build, describe
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import Adam, Model, Run, bits_per_character, fit
from rnnlib.training.quantising import dequantise, quantise

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "gradient_highway.json"
CELLS = {"RNN": (RNN, 53), "GRU": (GRU, 29), "LSTM": (LSTM, 24)}  # about 6,900 weights each, with the readout
SNAPSHOTS = (0, 10, 100, 300, 1000, 6000)  # updates
RATE = 0.01
PLACES, REACH = 100, 40  # losses on the test text, and how far each is followed back


def snapshots(name: str, progress: Any) -> list[Model]:
    """One training run: the network after each number of updates in SNAPSHOTS, its weights on a grid of bytes."""
    cell, H = CELLS[name]
    rng, V = np.random.default_rng(0), len(ALPHABET)
    model = Model(cell(V, H, rng=rng, dtype=np.float32), V, rng=rng)
    optimiser, kept = Adam(RATE), [on_grid(model)]
    schedule = cosine(optimiser, RATE, SNAPSHOTS[-1])

    def callback(run: Run) -> None:
        schedule(run)
        if run.step in SNAPSHOTS[1:]:
            kept.append(on_grid(model))
        progress.update()

    batches = SequentialBatches(Vocabulary(ALPHABET).encode(plain(python_docs_split().train)), 16, 64)
    fit(model, batches, optimiser, max_steps=SNAPSHOTS[-1], clip_norm=1.0, progress=False, callback=callback)
    return kept


def on_grid(model: Model) -> Model:
    """A copy in float64 whose matrices hold whole multiples of a scale per column, as the page will have them."""
    copy = build(describe(model), rng=np.random.default_rng(0), dtype=np.float64)
    for name, p in model.params.items():
        copy.params[name][...] = dequantise(*quantise(p)) if p.ndim == 2 else p
    return copy


def typical(model: Model, text: str) -> dict[str, Any]:
    """What holds on average on the test text: bits per letter, and the median norm at each distance."""
    ids = Vocabulary(ALPHABET).encode(text)
    bits = bits_per_character(model, ids[: 64 * PLACES], context=np.array([0]))
    sizes = [route(model, ids[n : n + REACH + 1])["norm"][::-1] for n in range(0, 64 * PLACES, 64)]
    return {"bits": round(bits, 2), "norm": [float(f"{value:.2g}") for value in np.median(sizes, axis=0)]}


def main() -> None:
    """Train all three, and write what the figure needs."""
    test = plain(python_docs_split().test)
    with tqdm(total=SNAPSHOTS[-1] * len(CELLS), desc="RNN, GRU and LSTM") as progress:
        runs = {name: snapshots(name, progress) for name in CELLS}
    data = highway_of(runs, ALPHABET, SNAPSHOTS)
    for cell, models in zip(data["cells"], runs.values(), strict=True):
        cell["typical"] = [typical(model, test) for model in models]
        tqdm.write(f"{cell['name']}: {[(one['bits'], one['norm'][10], one['norm'][30]) for one in cell['typical']]}")
    PATH.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf8")
    tqdm.write(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
