"""Measure what clipping changes when a character model is trained (chapter 5): rnnlib/figures/data/clipping.json.

    python experiments/measure_clipping.py

A small RNN reads Python's manual, with SGD and with Adam, at a modest and at a high learning rate, with and without
clipping by norm, three seeds each. A run that ends in numbers that are not finite has no bits. Besides, for each run,
how the gradient of the last loss arrives 5 and 20 steps earlier, before and after training.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.bptt import geometric_mean, gradient_flow
from rnnlib.cells import RNN
from rnnlib.corpora import python_docs_split
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import SGD, Adam, Model, Run, fit

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "clipping.json"
OPTIMISERS: dict[str, tuple[type[SGD] | type[Adam], list[float]]] = {
    "SGD": (SGD, [0.3, 1.0, 3.0]),
    "Adam": (Adam, [0.003, 0.03]),
}
HIDDEN, B, LENGTH, UPDATES, SEEDS, DISTANCES, CLIP_NORM = 64, 8, 64, 300, 3, [5, 20], 1.0


def flow(model: Model, batch: Any) -> list[float]:
    """‖∂L_T/∂h_{T−k}‖ relative to k = 0, the geometric mean over a batch, at DISTANCES."""
    step = model.loss_and_gradients(batch)
    return [float(f"{v:.3g}") for v in geometric_mean(gradient_flow(step.trace, step.dh[-1]))[DISTANCES]]


def train(optimiser: SGD | Adam, clip_norm: float | None, seed: int, texts: list[np.ndarray], V: int) -> dict[str, Any]:
    """One run; bits per character on the validation text, the largest gradient norm, the flow before and after."""
    rng = np.random.default_rng(seed)
    model = Model(RNN(V, HIDDEN, rng=rng, dtype=np.float32), V, rng=rng)
    batches = SequentialBatches(texts[0], B, LENGTH)
    held_out = next(iter(SequentialBatches(texts[1], 64, LENGTH)))
    before, run = flow(model, held_out), Run(rng)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fit(model, batches, optimiser, max_steps=UPDATES, clip_norm=clip_norm, run=run, progress=False)
        bits = round(float(model.evaluate(held_out)[0] / np.log(2)), 3)
        after = flow(model, held_out)
    except (FloatingPointError, ValueError):
        bits, after = None, None
    return {"bits": bits, "largest": float(f"{max(run.history.gradient_norm):.3g}"), "before": before, "after": after}


def main() -> None:
    """Measure, print, store."""
    vocabulary = Vocabulary(["\n", *map(chr, range(32, 127))])
    split = python_docs_split()
    texts = [vocabulary.encode(part) for part in (split.train, split.validation)]
    runs = []
    cases = [
        (n, r, c, s) for n, (_, rs) in OPTIMISERS.items() for r in rs for c in (None, CLIP_NORM) for s in range(SEEDS)
    ]
    for name, rate, clip, seed in tqdm(cases, unit="run"):
        result = train(OPTIMISERS[name][0](rate), clip, seed, texts, len(vocabulary))
        runs.append({"optimiser": name, "rate": rate, "clip_norm": clip, "seed": seed, **result})
        tqdm.write(str(runs[-1]))
    options = {"hidden_size": HIDDEN, "batch": B, "length": LENGTH, "updates": UPDATES, "distances": DISTANCES}
    PATH.write_text(json.dumps({"options": options, "runs": runs}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
