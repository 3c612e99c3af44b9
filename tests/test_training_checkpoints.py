"""Checkpoints: resumed runs, files that are whole, small, damaged or foreign."""

import json
import os
import stat
import zipfile

import numpy as np
import pytest
from small_model import IDS, TEXT, V, make_model, shuffled

from rnnlib.bptt import Bidirectional
from rnnlib.cells import GRU, LSTM
from rnnlib.registry import describe
from rnnlib.text import SequentialBatches, Vocabulary
from rnnlib.training import (
    SGD,
    Adam,
    CheckpointError,
    MaxNorm,
    Model,
    Run,
    fit,
    l2,
    load_checkpoint,
    load_model,
    read_checkpoint,
    save_checkpoint,
    write_checkpoint,
)
from rnnlib.training.archive import _checksum


@pytest.mark.parametrize("optimiser", [lambda: Adam(0.01), lambda: SGD(0.1, momentum=0.9, nesterov=True)])
@pytest.mark.parametrize("kind", ["stateful", "shuffled"])
def test_nine_steps_and_eleven_more_equal_twenty_to_the_last_bit(tmp_path, kind, optimiser):
    """Over the border of an epoch, with dropout, carried states, shuffling."""
    batches = SequentialBatches(IDS, 4, 8) if kind == "stateful" else shuffled
    kind = "Stacked" if kind == "stateful" else "LSTM"

    def start(seed):
        return (
            make_model(kind, seed, dropout=0.2, kernel_regularizer=l2(1e-4)),
            optimiser(),
            Run(np.random.default_rng(seed)),
        )

    model, opt, run = start(1)
    whole = fit(model, batches, opt, max_steps=20, clip_norm=0.5, run=run, progress=False)
    assert whole.epoch >= 1

    first, opt, run = start(1)
    path = tmp_path / "half.npz"
    fit(first, batches, opt, max_steps=9, clip_norm=0.5, run=run, progress=False, checkpoint=path)
    second, opt, run = start(2)  # other weights, other randomness: all of it comes from the file
    load_checkpoint(path, second, opt, run)
    assert run.step == 9
    fit(second, batches, opt, max_steps=20, clip_norm=0.5, run=run, progress=False)
    for name, p in second.params.items():
        np.testing.assert_array_equal(p, model.params[name])
    for name in ("loss", "gradient_norm", "epoch_loss"):
        assert getattr(run.history, name) == getattr(whole.history, name)
    assert (run.step, run.epoch, run.batch) == (whole.step, whole.epoch, whole.batch)
    assert run.rng.bit_generator.state == whole.rng.bit_generator.state


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_of_numpy_survives(tmp_path, bits):
    model, run = make_model(), Run(np.random.Generator(bits(5)))
    run.rng.normal(size=7)
    save_checkpoint(tmp_path / "c.npz", model, SGD(), run)
    loaded = Run()
    load_checkpoint(tmp_path / "c.npz", model, SGD(), loaded)
    np.testing.assert_array_equal(loaded.rng.normal(size=9), run.rng.normal(size=9))


def test_checkpoints_are_written_on_the_way_and_never_half(tmp_path, monkeypatch):
    path, steps = tmp_path / "c.npz", []

    def callback(run):
        if path.exists():
            loaded = Run()
            load_checkpoint(path, make_model(), Adam(), loaded)
            steps.append(loaded.step)

    batches = SequentialBatches(IDS, 4, 10)
    fit(
        make_model(),
        batches,
        Adam(),
        max_steps=7,
        checkpoint=path,
        checkpoint_every=2,
        callback=callback,
        progress=False,
    )
    assert steps == [2, 2, 4, 4, 6]
    before = path.read_bytes()

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, make_model())
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["c.npz"]


@pytest.mark.parametrize("layer", ["RNN", "GRU", "LSTM", "Stacked", "Bidirectional"])
def test_a_model_is_built_from_its_checkpoint(tmp_path, layer):
    rng = np.random.default_rng(3)
    if layer == "Bidirectional":
        both = Bidirectional(GRU(V, 4, rng=rng, reset_after=True), LSTM(V, 3, rng=rng, use_bias=False))
        model = Model(both, 2, rng=rng, return_sequences=False, bias_constraint="non_neg", activity_regularizer="l1")
    else:
        model = make_model(layer, recurrent_constraint=MaxNorm(2.0, (0, 1)), kernel_regularizer=l2(0.3), dropout=0.1)
    notes = {"vocabulary": Vocabulary.of(TEXT, unknown="<unk>"), "说": "想要有直升机", "bits": 2.5}
    save_checkpoint(tmp_path / "m.npz", model, notes=notes)
    loaded, said = load_model(tmp_path / "m.npz")
    assert said == notes
    x = IDS[:20].reshape(10, 2)
    np.testing.assert_array_equal(loaded.forward(x)[0], model.forward(x)[0])
    assert loaded.regularizers == model.regularizers and loaded.constraints == model.constraints
    assert loaded.dtype == model.dtype and loaded.dropout == model.dropout


def test_half_precision_makes_a_small_file_and_nearly_the_same_model(tmp_path):
    model = make_model("RNN")
    save_checkpoint(tmp_path / "full.npz", model)
    save_checkpoint(tmp_path / "half.npz", model, dtype=np.float16)
    loaded, _ = load_model(tmp_path / "half.npz", dtype=np.float64)
    assert loaded.params["W_h"].dtype == np.float64
    np.testing.assert_allclose(loaded.forward(IDS[:9, None])[0], model.forward(IDS[:9, None])[0], atol=5e-3)
    assert (tmp_path / "half.npz").stat().st_size < 0.8 * (tmp_path / "full.npz").stat().st_size
    with pytest.raises(ValueError, match="dtype"):
        save_checkpoint(tmp_path / "no.npz", model, SGD(), dtype=np.float16)
    model.params["W_h"][0, 0] = 1e6
    with pytest.raises(ValueError, match=r"dtype.*W_h.*float16"):
        save_checkpoint(tmp_path / "no.npz", model, dtype=np.float16)


def test_one_byte_a_weight_is_off_by_half_a_scale_at_most_and_a_second_rounding_changes_nothing(tmp_path):
    model = make_model("GRU")
    model.params["W_h"][:, 1] *= 100  # one column of large weights must not blur the others
    model.params["W_x"][:, 0] = 0
    save_checkpoint(tmp_path / "bytes.npz", model, dtype=np.int8)
    loaded, _ = load_model(tmp_path / "bytes.npz", dtype=np.float64)
    for name, p in model.params.items():
        if p.ndim == 2:
            assert (np.abs(loaded.params[name] - p) <= np.abs(p).max(axis=0) / 254 + 1e-6).all(), name
        else:
            np.testing.assert_allclose(loaded.params[name], p, rtol=1e-6)
    save_checkpoint(tmp_path / "again.npz", loaded, dtype=np.int8)
    again, _ = load_model(tmp_path / "again.npz", dtype=np.float64)
    for name, p in loaded.params.items():
        np.testing.assert_allclose(again.params[name], p, rtol=3e-7)


def test_scales_that_belong_to_no_parameter_make_no_checkpoint(tmp_path):
    model = make_model("RNN")
    arrays = {f"model/{name}": p for name, p in model.params.items()}
    for scales in ({"scale/W_z": np.ones(3, np.float32)}, {"scale/W_h": np.ones(999, np.float32)}):
        write_checkpoint(tmp_path / "c.npz", arrays | scales, {"model": describe(model), "notes": {}})
        with pytest.raises(CheckpointError, match="scales"):
            load_model(tmp_path / "c.npz")


def test_others_can_read_a_checkpoint_if_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        save_checkpoint(tmp_path / "c.npz", make_model())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "c.npz").stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_a_damaged_checkpoint_is_refused_wherever_the_damage_is(tmp_path):
    path, model = tmp_path / "c.npz", make_model()
    save_checkpoint(path, model, Adam(), Run())
    good = path.read_bytes()
    before = {name: p.copy() for name, p in model.params.items()}
    rng = np.random.default_rng(0)
    damaged = [good[:n] for n in (0, 1, 50, len(good) // 2, len(good) - 1)]
    with zipfile.ZipFile(path) as file:  # every member's data, not the zip's idle bytes
        starts = [info.header_offset + 30 + len(info.filename) + 25 for info in file.infolist()]
    for k in starts:
        flipped = bytearray(good)
        flipped[k] ^= int(rng.integers(1, 256))
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"c\.npz"):
            load_checkpoint(path, model, Adam(), Run())
    for name, p in model.params.items():
        np.testing.assert_array_equal(p, before[name])


def test_content_that_was_edited_does_not_match_its_checksum(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, make_model())
    with np.load(path) as file:
        content = dict(file)
    content["model/W_h"][0, 0] += 1
    np.savez(path, **content)
    with pytest.raises(CheckpointError, match=r"checksum"):
        load_model(path)


def test_foreign_files_are_refused_without_running_anything(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    pickled, foreign, newer = tmp_path / "pickled.npz", tmp_path / "foreign.npz", tmp_path / "newer.npz"
    np.savez(pickled, header=np.array([Bomb()], dtype=object), meta=np.array([Bomb()], dtype=object))
    np.savez(foreign, weights=np.zeros(3))
    (tmp_path / "text.npz").write_text("not a zip file")
    for path in (pickled, foreign, tmp_path / "text.npz"):
        with pytest.raises(CheckpointError, match=r"no checkpoint"):
            load_model(path)
    assert not (tmp_path / "exploded").exists()
    save_checkpoint(newer, make_model())
    with np.load(newer) as file:
        content = dict(file)
    header = json.loads(content["header"].tobytes()) | {"version": 99}
    content["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(newer, **content)
    with pytest.raises(CheckpointError, match="version 99"):
        load_model(newer)
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        load_model(tmp_path / "missing.npz")


def test_a_checkpoint_of_another_model_is_refused_and_says_what_differs(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, make_model("LSTM"), Adam(), None)
    with pytest.raises(CheckpointError, match=r"layer.*LSTM.*GRU"):
        load_checkpoint(path, make_model("GRU"))
    with pytest.raises(CheckpointError, match=r"optimiser.*class.*Adam.*SGD"):
        load_checkpoint(path, make_model("LSTM"), SGD())
    with pytest.raises(CheckpointError, match=r"beta_1.*0\.9.*0\.5"):
        load_checkpoint(path, make_model("LSTM"), Adam(beta_1=0.5))
    with pytest.raises(CheckpointError, match="holds no run"):
        load_checkpoint(path, make_model("LSTM"), Adam(), Run())
    load_checkpoint(path, make_model("LSTM", seed=5), Adam(learning_rate=0.5))  # a schedule may have moved it


def test_a_model_that_cannot_be_built_is_refused(tmp_path):
    write_checkpoint(
        tmp_path / "c.npz", {}, {"model": {"class": "Model", "layer": {"class": "Transformer"}}, "notes": {}}
    )
    with pytest.raises(CheckpointError, match="Transformer"):
        load_model(tmp_path / "c.npz")
    assert len(_checksum({}, b"")) == 64


def test_arrays_and_notes_of_ones_own_come_back_as_they_were(tmp_path):
    arrays = {"w": np.arange(6).reshape(2, 3), "deep/name": np.ones(2, np.float16)}
    meta = {"vocabulary": Vocabulary(["a", "?"], unknown="?"), "list": [1, {"two": 2.5}], "说": "想要"}
    write_checkpoint(tmp_path / "c.npz", arrays, meta)
    found, said = read_checkpoint(tmp_path / "c.npz")
    assert said == meta and said["vocabulary"].unknown == "?"
    assert found.keys() == arrays.keys()
    for name, a in arrays.items():
        np.testing.assert_array_equal(found[name], a)
        assert found[name].dtype == a.dtype
    with pytest.raises(CheckpointError, match="holds no model"):
        load_model(tmp_path / "c.npz")


def test_notes_that_are_not_json_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"JSON.*object"):
        save_checkpoint(tmp_path / "c.npz", make_model(), notes={"thing": object()})
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path: expected an existing folder, got .*runs$"):
        save_checkpoint(tmp_path / "runs" / "model.npz", make_model("RNN"))
