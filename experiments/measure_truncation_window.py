"""Measure what the figure `TruncationWindow` (chapter 4) shows: rnnlib/figures/data/truncation_window.json.

    python experiments/measure_truncation_window.py

Three measurements over the window k: how far the truncated gradient of the trained character model is from the full
one; how much memory one window's forward and backward pass needs; and which delays of the delayed copy an RNN learns
when no error flows further back than the window. The last one trains 54 small networks, a few minutes in all.
"""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np

from rnnlib.bptt import truncated_backward
from rnnlib.cells import RNN
from rnnlib.corpora import delayed_copy, python_docs_split
from rnnlib.training import Adam, Model, fit, load_pretrained

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "figures" / "data" / "truncation_window.json"
KS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96]
COPY_KS = KS[:9]  # longer windows have room for every delay here
DELAYS = [1, 2, 3, 4, 6, 8]
T, B = 96, 16  # of the gradient that is truncated
LETTERS, HIDDEN, TEST = 4, 24, 500  # of the delayed copy


def bias() -> dict[str, Any]:
    """Angle and length of the truncated gradient ∂L/∂W_h against the full one, on held-out text.

    Returns
    -------
    dict
        ``cosine``, ``length`` (‖truncated‖ / ‖full‖) and ``error`` (‖truncated − full‖ / ‖full‖) by kind of
        window, each (12,).
    """
    model, notes = load_pretrained("char_rnn", np.float64)
    ids = notes["vocabulary"].encode(python_docs_split().validation)
    starts = np.linspace(0, len(ids) - T - 1, B).astype(int)
    x = np.stack([ids[s : s + T] for s in starts], axis=1)  # (T, B)
    y = np.stack([ids[s + 1 : s + T + 1] for s in starts], axis=1)
    step = model.loss_and_gradients((x, y))
    trace, dh, full = step.trace, step.dh, step.gradients["W_h"].ravel()

    result: dict[str, Any] = {"cosine": {}, "length": {}, "error": {}}
    for window in ("chunks", "sliding"):
        cut = [truncated_backward(trace, dh, k, window=window).params["W_h"].ravel() for k in KS]
        norm = np.linalg.norm(full)
        result["length"][window] = [round(float(np.linalg.norm(g) / norm), 4) for g in cut]
        result["cosine"][window] = [round(float(g @ full / norm / np.linalg.norm(g)), 4) for g in cut]
        result["error"][window] = [round(float(np.linalg.norm(g - full) / norm), 4) for g in cut]
    return result


def memory() -> list[int]:
    """Peak memory, in bytes, of one forward and backward pass over a window of k steps, by k."""
    model, notes = load_pretrained("char_rnn")
    rng = np.random.default_rng(0)
    peaks = []
    for k in KS:
        x = rng.integers(len(notes["vocabulary"]), size=(k, B))
        tracemalloc.start()
        model.loss_and_gradients((x, x))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return peaks


def copied(k: int, delay: int) -> float:
    """Share of letters that an RNN copies rightly after training with windows of k steps; chance is 1/4."""
    rng = np.random.default_rng(0)
    steps = max(6000, 400 * k)
    task = delayed_copy(B, steps + TEST, delay, LETTERS, rng=rng)
    cell = RNN(LETTERS, HIDDEN, rng=rng, dtype=np.float32, recurrent_initializer="glorot_uniform")
    model = Model(cell, LETTERS, rng=rng)
    batches = [(task.x[t : t + k], task.y[t : t + k]) for t in range(0, steps, k)]
    fit(model, batches, Adam(0.005), epochs=1, stateful=True, clip_norm=1.0, progress=False)
    output, _ = model.forward(task.x[steps - delay :])
    return float(np.mean(output.argmax(axis=-1)[delay:] == task.y[steps:]))


def main() -> None:
    """Measure, print, store."""
    result: dict[str, Any] = {"ks": KS, "delays": DELAYS, "T": T, "B": B, **bias(), "memory": memory(), "copied": []}
    for delay in DELAYS:
        result["copied"].append([round(copied(k, delay), 3) for k in COPY_KS])
        print(f"delay {delay}:", result["copied"][-1], flush=True)
    PATH.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
