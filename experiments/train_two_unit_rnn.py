"""Train the two-unit RNN of the figure `UnrollStepper` (chapter 4): rnnlib/pretrained/two_unit_rnn.npz.

    python experiments/train_two_unit_rnn.py

It reads Seattle's daily maximum temperatures and forecasts the next day's, in units of 10 °C around the mean of the
training years. The figure needs three steps to look at: the file's notes hold three days of April 2015, the
hidden state that the days before have left, and the fourth day's temperature, which the network does not see coming.
"""

from pathlib import Path

import numpy as np

from rnnlib.bptt import unroll
from rnnlib.cells import RNN
from rnnlib.corpora import weather
from rnnlib.training import Adam, Model, Run, fit, save_checkpoint

PATH = Path(__file__).resolve().parent.parent / "rnnlib" / "pretrained" / "two_unit_rnn.npz"
T = 10  # days in a window
DAY = np.datetime64("2015-04-24")  # the first of the three days that the figure shows
TRAINING_ENDS = np.datetime64("2015-01-01")


def main() -> None:
    """Train, measure against the mean and against "as today", and store."""
    data = weather()
    train = data.date < TRAINING_ENDS
    mean = data.temp_max[train].mean()
    z = (data.temp_max - mean) / 10  # (N,)
    windows = np.lib.stride_tricks.sliding_window_view(z, T + 1)  # (N - T, T + 1)
    ours = train[T:]
    x, y = windows[:, :T].T[..., None], windows[:, T:]  # (T, N - T, 1), (N - T, 1)

    def batches(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        order = rng.permutation(np.flatnonzero(ours))
        return [(x[:, part], y[part]) for part in np.array_split(order, len(order) // 32)]

    rng = np.random.default_rng(1)
    model = Model(RNN(1, 2, rng=rng), 1, rng=rng, loss="squared_error", return_sequences=False)
    fit(model, batches, Adam(0.01), epochs=60, run=Run(rng))

    output, _ = model.forward(x[:, ~ours])
    errors = {"network": output - y[~ours], "as today": x[-1, ~ours] - y[~ours], "mean": -y[~ours]}
    rms = {name: round(10 * float(np.sqrt(np.mean(error**2))), 2) for name, error in errors.items()}
    print("root mean squared error on 2015 in °C:", rms)

    first = int(np.flatnonzero(data.date == DAY)[0])
    before = unroll(model.layer, z[first - T : first, None, None])
    notes = {
        "mean": round(float(mean), 4),
        "days": [str(day) for day in data.date[first : first + 4]],
        "celsius": data.temp_max[first : first + 4].tolist(),
        "x": z[first : first + 3].tolist(),
        "y": float(z[first + 3]),
        "h_0": before.state[0][0].tolist(),
        "rms_celsius": rms,
    }
    save_checkpoint(PATH, model, notes=notes)


if __name__ == "__main__":
    main()
