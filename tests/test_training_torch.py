"""A model that is not ours, a PyTorch encoder and decoder with two masks in a batch, in our loop."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from translator import Translator, batches, fresh

from rnnlib.training import CheckpointError, fit, load_checkpoint, load_model

SCRIPT = Path(__file__).with_name("translator.py")


@pytest.fixture(autouse=True)
def _same_number_of_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_torch_model_trains_with_a_progress_bar_and_a_history(capfd):
    model, optimiser, run = fresh(seed=0)
    fit(model, batches, optimiser, epochs=25, run=run, clip_norm=1.0)
    assert "200step" in capfd.readouterr().err
    assert run.history.epoch_loss[-1] < 0.6 * run.history.epoch_loss[0]
    assert all(norm > 0 for norm in run.history.gradient_norm)
    per_epoch = np.reshape(run.history.symbols, (25, 8)).sum(axis=1)
    losses = np.reshape(run.history.loss, (25, 8)) * np.reshape(run.history.symbols, (25, 8))
    np.testing.assert_allclose(run.history.epoch_loss, losses.sum(axis=1) / per_epoch)


def test_killed_in_the_middle_it_goes_on_as_if_nothing_had_been(tmp_path):
    whole, optimiser, run = fresh(seed=1)
    uninterrupted = fit(whole, batches, optimiser, max_steps=20, run=run, progress=False)

    path = tmp_path / "translator.npz"
    killed = subprocess.run([sys.executable, str(SCRIPT), str(path)], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    model, optimiser, run = fresh(seed=2)  # other weights, other randomness: all of it comes from the file
    load_checkpoint(path, model, optimiser, run)
    assert run.step == 10
    fit(model, batches, optimiser, max_steps=20, run=run, progress=False)
    for name, p in whole.params.items():
        np.testing.assert_array_equal(model.params[name], p)
    assert run.history.loss == uninterrupted.history.loss
    assert run.history.symbols == uninterrupted.history.symbols

    loaded, _ = load_model(path)  # its class is registered
    assert isinstance(loaded, Translator) and loaded.config() == model.config()
    with pytest.raises(CheckpointError, match=r"hidden_size: file 24, here 12"):
        load_checkpoint(path, Translator(12, dropout=0.1))
