"""Which classes a checkpoint may name: those of one's own, and those that are refused."""

import os

import numpy as np
import pytest
from small_model import IDS, V, make_model

from rnnlib.bptt import Stacked
from rnnlib.cells import GRU, RNN
from rnnlib.registry import describe
from rnnlib.text import SequentialBatches
from rnnlib.training import (
    SGD,
    Adam,
    Model,
    Run,
    fit,
    l2,
    load_checkpoint,
    load_model,
    save_checkpoint,
    write_checkpoint,
)


class Halved(GRU):
    """A cell of one's own: a GRU of half the size that it is asked for."""

    def __init__(self, input_size, hidden_size, *, factor=2, **options):
        super().__init__(input_size, hidden_size // factor, **options)
        self.factor = factor

    def config(self):
        return super().config() | {"hidden_size": self.factor * self.hidden_size, "factor": self.factor}


class Named(Model):
    """A model of one's own."""


def test_a_cell_of_ones_own_is_saved_and_loaded(tmp_path):
    rng = np.random.default_rng(0)
    model = Named(Stacked([Halved(V, 8, rng=rng), RNN(4, 3, rng=rng)]), V, rng=rng)
    save_checkpoint(tmp_path / "c.npz", model)
    loaded, _ = load_model(tmp_path / "c.npz")
    assert type(loaded) is Named and type(loaded.layer.layers[0]) is Halved
    np.testing.assert_array_equal(loaded.forward(IDS[:9, None])[0], model.forward(IDS[:9, None])[0])


def test_a_class_that_could_not_be_loaded_again_is_refused_before_training(tmp_path):
    class Unregistered:
        has_dropout, params = False, {}

        def config(self):
            return {}

        def loss_and_gradients(self, batch, state=None, rng=None):
            raise AssertionError("nothing is trained")

        def after_update(self):
            pass

    rng = np.random.default_rng(0)
    model = Unregistered()
    with pytest.raises(ValueError, match=r"Unregistered.*register"):
        fit(model, SequentialBatches(IDS, 4, 10), SGD(), max_steps=1, checkpoint=tmp_path / "c.npz", progress=False)
    namesake = type("GRU", (RNN,), {})
    with pytest.raises(ValueError, match=r"name of rnnlib\.cells\.gru\.GRU"):
        save_checkpoint(tmp_path / "c.npz", Model(namesake(V, 3, rng=rng), V, rng=rng))
    assert os.listdir(tmp_path) == []
    assert type(Model.from_config(make_model("GRU").config(), rng=rng).layer) is GRU


def test_what_could_not_be_read_again_is_refused_when_it_is_written(tmp_path):
    model, path = make_model("RNN"), tmp_path / "c.npz"
    with pytest.raises(TypeError, match=r"config\(\) builds again"):
        save_checkpoint(path, model, notes={"teacher": GRU(2, 3, rng=np.random.default_rng(0))})
    with pytest.raises(TypeError, match=r"arrays\['a'\]: expected numbers"):
        write_checkpoint(path, {"a": np.array([None])}, {})
    with pytest.raises(ValueError, match=r"dtype: expected a floating-point type or int8, got int16"):
        save_checkpoint(path, model, dtype="int16")
    with pytest.raises(FileNotFoundError, match=r"checkpoint: expected an existing folder"):
        fit(model, SequentialBatches(IDS, 4, 10), SGD(), max_steps=1, checkpoint=tmp_path / "no" / "c.npz")
    odd = Model(RNN(V, 3, rng=np.random.default_rng(0), bias_initializer=lambda rng, s: np.zeros(s)), V,
                rng=np.random.default_rng(0))  # fmt: skip
    with pytest.raises(TypeError, match=r"expected JSON"):
        fit(odd, SequentialBatches(IDS, 4, 10), SGD(), max_steps=1, checkpoint=path, progress=False)
    assert os.listdir(tmp_path) == []


def test_options_from_numpy_survive_a_checkpoint(tmp_path):
    model = make_model("RNN", kernel_regularizer=l2(np.float32(0.1)))
    save_checkpoint(tmp_path / "c.npz", model, Adam(0.01), Run())
    load_checkpoint(tmp_path / "c.npz", model, Adam(0.01), Run())
    again, _ = load_model(tmp_path / "c.npz")
    assert describe(again) == describe(model) and again.regularizers["kernel"].l2 == pytest.approx(0.1)


def test_a_cell_that_forgets_its_option_is_told_so_when_saved(tmp_path):
    class Forgetful(RNN):
        def __init__(self, input_size, hidden_size, *, alpha=0.5, **options):
            super().__init__(input_size, hidden_size, **options)
            self.alpha = alpha

    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"Forgetful.config: expected all options .* \['alpha'\]"):
        save_checkpoint(tmp_path / "c.npz", Model(Forgetful(V, 3, rng=rng), V, rng=rng))


def test_a_class_that_was_defined_again_is_told_apart_from_a_stranger(tmp_path):
    def define():
        return type("Again", (RNN,), {"__module__": __name__})

    rng = np.random.default_rng(0)
    model = Model(define()(V, 3, rng=rng), V, rng=rng)
    define()
    with pytest.raises(ValueError, match=r"defined again since; make this Again again"):
        save_checkpoint(tmp_path / "c.npz", model)
