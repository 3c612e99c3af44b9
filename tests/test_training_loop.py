"""The loop, checkpoints and generation."""

import itertools
import json
import math
import os
import signal
import stat
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rnnlib
from rnnlib.bptt import Bidirectional, Stacked
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.corpora import python_docs_split
from rnnlib.registry import describe
from rnnlib.text import SequentialBatches, ShuffledBatches, Vocabulary
from rnnlib.training import (
    SGD,
    Adam,
    CheckpointError,
    MaxNorm,
    Model,
    Run,
    bits_per_character,
    fit,
    generate,
    generate_text,
    l2,
    load_checkpoint,
    load_model,
    load_pretrained,
    next_probabilities,
    perplexity,
    read_checkpoint,
    save_checkpoint,
    write_checkpoint,
)
from rnnlib.training.archive import _checksum

TEXT = "the cat sat on the mat. the dog sat on the log. " * 8
VOCABULARY = Vocabulary.of(TEXT)
IDS = VOCABULARY.encode(TEXT)
V = len(VOCABULARY)


def make_model(kind="LSTM", seed=0, **options):
    rng = np.random.default_rng(seed)
    cell = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
    if kind == "Stacked":
        layer = Stacked([c(i, 8, rng=rng, dtype=np.float32, dropout=0.1) for c, i in ((GRU, V), (LSTM, 8))])
    else:
        layer = cell[kind](V, 12, rng=rng, dtype=np.float32)
    return Model(layer, V, rng=rng, **options)


def shuffled(rng):
    return ShuffledBatches(IDS, 4, 10, rng=rng)


# --- what fit does


def test_the_loss_falls_and_the_history_tells():
    model, batches = make_model(), SequentialBatches(IDS, 4, 10)
    value = iter(range(100))
    run = fit(model, batches, Adam(0.02), epochs=4, clip_norm=1.0, validate=lambda: next(value), progress=False)
    assert run.epoch == 4 and run.batch == 0 and run.step == 4 * len(batches)
    assert len(run.history.loss) == len(run.history.gradient_norm) == run.step
    losses, symbols = (np.reshape(a, (4, -1)) for a in (run.history.loss, run.history.symbols))
    per_epoch = (losses * symbols).sum(axis=1) / symbols.sum(axis=1)
    np.testing.assert_allclose(run.history.epoch_loss, per_epoch)
    assert run.history.epoch_loss[-1] < 0.8 * run.history.epoch_loss[0]
    assert run.history.validation == [0, 1, 2, 3]
    assert run.history.validation_step == [len(batches) * k for k in (1, 2, 3, 4)]


@pytest.mark.parametrize("length", [32, 7, 1])
def test_the_mean_of_an_epoch_is_per_symbol_however_the_text_is_cut(length):
    model = make_model("RNN")
    run = fit(model, SequentialBatches(IDS[:67], 2, length), SGD(1e-12), epochs=1, progress=False)
    x, y = next(iter(SequentialBatches(IDS[:67], 2, 33)))[:2]
    assert run.history.epoch_loss[0] == pytest.approx(model.evaluate((x, y))[0], rel=1e-5)
    assert sum(run.history.symbols) == 66


def test_the_mean_of_an_epoch_counts_no_padding():
    model, rng = make_model("RNN"), np.random.default_rng(0)
    ids = rng.integers(V, size=(6, 2))
    mask = np.arange(6)[:, None] < [6, 2]
    batches = [(ids, ids, mask), (ids[:3], ids[:3])]
    run = fit(model, batches, SGD(1e-12), epochs=1, progress=False)
    losses = [model.evaluate(batch)[0] for batch in batches]
    assert run.history.symbols == [8, 6]
    assert run.history.epoch_loss[0] == pytest.approx((8 * losses[0] + 6 * losses[1]) / 14, rel=1e-5)


def test_a_function_of_batches_that_carry_state_carries_it():
    run = fit(
        make_model("RNN"), lambda rng: SequentialBatches(IDS, 4, 10), SGD(), max_steps=2,
        run=Run(np.random.default_rng(0)), progress=False,
    )  # fmt: skip
    assert run.state is not None


def test_the_state_is_carried_only_if_stateful_and_starts_each_epoch_at_zero():
    seen = []

    class Spy(Model):
        def loss_and_gradients(self, batch, state=None, rng=None):
            result = super().loss_and_gradients(batch, state, rng)
            seen.append((state, result.state))
            return result

    rng = np.random.default_rng(0)
    batches = SequentialBatches(IDS, 4, 40)
    model = Spy(RNN(V, 5, rng=rng), V, rng=rng)
    fit(model, batches, SGD(0.1), epochs=2, progress=False)  # these batches say that they carry state
    n = len(batches)
    for k, (given, _) in enumerate(seen):
        if k % n == 0:
            assert given is None
        else:
            np.testing.assert_array_equal(given[0], seen[k - 1][1][0])
    seen.clear()
    fit(model, batches, SGD(0.1), epochs=1, stateful=False, progress=False)
    assert all(given is None for given, _ in seen)


@pytest.mark.parametrize(
    "budget", [{"max_steps": 7}, {"epochs": 1}, {"max_seconds": 0.2}, {"epochs": 3, "max_steps": 5}]
)
def test_a_budget_ends_the_training(budget):
    batches = SequentialBatches(IDS, 4, 10)
    run = fit(make_model(), batches, Adam(), progress=False, **budget)
    if "max_steps" in budget:
        assert run.step == budget["max_steps"]
    elif "epochs" in budget:
        assert run.step == len(batches)
    else:
        assert 0.2 <= run.seconds < 5 and run.step > 1
    again = fit(make_model(), batches, Adam(), progress=False, run=run, **budget)
    assert again is run and len(run.history.loss) == run.step  # a used-up budget trains no further


def test_a_callback_sees_every_step_may_change_the_rate_and_may_stop():
    seen, optimiser = [], SGD(0.1)

    def callback(run):
        seen.append((run.step, run.history.loss[-1], optimiser.learning_rate))
        optimiser.learning_rate *= 0.5
        return run.step == 5

    run = fit(make_model(), SequentialBatches(IDS, 4, 10), optimiser, epochs=9, callback=callback, progress=False)
    assert run.step == 5
    assert [s[0] for s in seen] == [1, 2, 3, 4, 5]
    assert [s[2] for s in seen] == pytest.approx([0.1, 0.05, 0.025, 0.0125, 0.00625])


def test_clipping_bounds_the_step_and_reports_the_norm_before():
    batches = SequentialBatches(IDS, 4, 10)
    model = make_model()
    start = {name: p.copy() for name, p in model.params.items()}
    run = fit(model, batches, SGD(1.0), max_steps=1, clip_norm=0.01, progress=False)
    moved = math.sqrt(sum(float(((p - start[name]) ** 2).sum()) for name, p in model.params.items()))
    assert run.history.gradient_norm[0] > 0.1
    assert moved == pytest.approx(0.01, rel=1e-3)
    model = make_model()
    fit(model, batches, SGD(1.0), max_steps=1, clip_value=1e-4, progress=False)
    assert max(np.abs(p - start[name]).max() for name, p in model.params.items()) <= 1e-4 * 1.01


def test_constraints_hold_after_every_step():
    model = make_model(recurrent_constraint=MaxNorm(0.3))
    norms = []

    def callback(run):
        norms.append(np.linalg.norm(model.params["W_h"], axis=0).max())

    fit(model, SequentialBatches(IDS, 4, 10), Adam(0.05), max_steps=6, callback=callback, progress=False)
    assert len(norms) == 6 and max(norms) <= 0.3 * (1 + 1e-6)


def test_a_loss_that_explodes_names_the_step_and_leaves_the_parameters():
    model, optimiser = make_model("RNN"), SGD(0.1)
    snapshots = []

    def callback(run):
        snapshots.append({name: p.copy() for name, p in model.params.items()})
        if run.step == 3:
            optimiser.learning_rate = 1e38

    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match=r"at step \d+ \(epoch 1, batch \d+\).*learning rate.*clip_norm"),
    ):
        fit(model, SequentialBatches(IDS, 4, 10), optimiser, epochs=1, callback=callback, progress=False)
    for name, p in model.params.items():
        np.testing.assert_array_equal(p, snapshots[-1][name])


@pytest.fixture
def ctrl_c():
    """Python's own handler for it: a shell that starts a program in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_a_state_that_goes_on_as_if_nothing_had_been(ctrl_c):
    batches, straight = SequentialBatches(IDS, 4, 10), make_model()
    expected = fit(straight, batches, Adam(0.01), max_steps=9, progress=False)

    model, run = make_model(), Run()

    class Interrupting(Adam):
        def update(self, params, gradients):
            if self.steps == 4:
                os.kill(os.getpid(), signal.SIGINT)  # arrives here, in the middle of an update
            super().update(params, gradients)

    optimiser = Interrupting(0.01)
    with pytest.raises(KeyboardInterrupt):
        fit(model, batches, optimiser, max_steps=9, run=run, progress=False)
    assert run.step == optimiser.steps == 5
    fit(model, batches, optimiser, max_steps=9, run=run, progress=False)
    assert run.history.loss == expected.history.loss
    for name, p in model.params.items():
        np.testing.assert_array_equal(p, straight.params[name])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fit_works_outside_the_main_thread():
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(fit(make_model(), SequentialBatches(IDS, 4, 10), SGD(), max_steps=2, progress=False))
    )
    thread.start()
    thread.join()
    assert runs[0].step == 2


def test_masked_batches_train():
    rng = np.random.default_rng(0)
    x = rng.integers(V, size=(5, 3))
    mask = np.arange(5)[:, None] < [5, 2, 3]
    y = np.where(mask, rng.integers(V, size=(5, 3)), -1)
    run = fit(make_model(), [(x, y, mask)], Adam(0.05), max_steps=150, progress=False)
    assert run.history.loss[-1] < 0.1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "epochs.*budget"),
        ({"max_steps": 1, "clip_norm": 1.0, "clip_value": 1.0}, ValueError, "clip_norm.*clip_value"),
        ({"max_steps": 1, "batches": iter([])}, TypeError, "batches.*only once"),
        ({"max_steps": 1, "batches": 3}, TypeError, "batches.*int"),
        ({"max_steps": 1, "batches": []}, ValueError, "batches.*at least one"),
        ({"max_steps": 1, "batches": shuffled}, ValueError, r"run.*Run\("),
        ({"max_steps": 1, "model": make_model(dropout=0.2)}, ValueError, "run.*dropout"),
        ({"max_steps": 1, "batches": ShuffledBatches(IDS, 4, 10, rng=np.random.default_rng(0)), "stateful": True},
         ValueError, "stateful.*ShuffledBatches.*do not continue"),
        ({"max_steps": 1, "batches": shuffled, "stateful": True, "run": Run(np.random.default_rng(0))},
         ValueError, "stateful.*ShuffledBatches"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(options, error, words):
    arguments = {"model": make_model(), "batches": SequentialBatches(IDS, 4, 10)} | options
    model, batches = arguments.pop("model"), arguments.pop("batches")
    with pytest.raises(error, match=words):
        fit(model, batches, SGD(), progress=False, **arguments)


def test_the_bar_writes_to_stderr_only_when_asked(capfd):
    fit(make_model(), SequentialBatches(IDS, 4, 10), SGD(), max_steps=2, progress=False)
    assert capfd.readouterr() == ("", "")
    fit(make_model(), SequentialBatches(IDS, 4, 10), SGD(), max_steps=2)
    assert "2/2" in capfd.readouterr().err


# --- checkpoints


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


def test_a_rate_set_from_numpy_is_a_plain_float_and_checked():
    optimiser = Adam()
    optimiser.learning_rate = np.float64(0.01) * np.cos(0)
    assert type(optimiser.learning_rate) is float
    for bad in (0, -1, np.nan):
        with pytest.raises(ValueError, match="learning_rate: expected a positive number"):
            optimiser.learning_rate = bad
    assert repr(optimiser) == "Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-08)"


def test_an_optimiser_of_another_model_is_refused():
    optimiser, batches = Adam(), SequentialBatches(IDS, 4, 10)
    fit(make_model("RNN"), batches, optimiser, max_steps=1, progress=False)
    with pytest.raises(ValueError, match="params: expected those that this optimiser began with"):
        fit(make_model("GRU"), batches, optimiser, max_steps=1, progress=False)


def test_a_budget_that_ends_with_an_epoch_ends_the_epoch():
    batches = SequentialBatches(IDS, 4, 10)
    run = fit(make_model(), batches, SGD(), max_steps=len(batches), validate=lambda: 7.0, progress=False)
    assert (run.epoch, run.batch, len(run.history.epoch_loss), run.history.validation) == (1, 0, 1, [7.0])
    stopped = fit(make_model(), batches, SGD(), epochs=9, callback=lambda r: r.step == len(batches), progress=False)
    assert (stopped.epoch, len(stopped.history.epoch_loss)) == (1, 1)


def test_an_explosion_between_two_layers_is_reported_as_one():
    rng = np.random.default_rng(0)
    grow = [RNN(i, 4, rng=rng, dtype=np.float32, activation="linear") for i in (V, 4)]
    grow[0].params["W_h"] *= 1e3
    model = Model(Stacked(grow), V, rng=rng)
    with pytest.raises(FloatingPointError, match=r"layer 0.*not finite at step 1 .*Lower the learning rate"):
        fit(model, SequentialBatches(IDS, 4, 90), SGD(), max_steps=1, progress=False)


def test_a_model_that_sees_the_future_is_not_scored():
    rng = np.random.default_rng(0)
    model = Model(Bidirectional(RNN(V, 3, rng=rng), RNN(V, 3, rng=rng)), V, rng=rng)
    with pytest.raises(TypeError, match="step by step, got Bidirectional"):
        bits_per_character(model, IDS)
    for bad in ({"chunk": 0}, {"chunk": -1}):
        with pytest.raises(ValueError, match="chunk: expected at least 1"):
            bits_per_character(make_model("RNN"), IDS, **bad)
    with pytest.raises(ValueError, match=rf"ids: expected 0 to {V - 1}"):
        bits_per_character(make_model("RNN"), [0, 1, -1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, b: fit(LSTM(2, 3, rng=np.random.default_rng(0)), b, SGD(), max_steps=1), "model: .* got LSTM"),
        (lambda m, b: fit(m, b, Adam, max_steps=1), "optimiser: .* got the class Adam"),
        (lambda m, b: fit(m, b, 0.01, max_steps=1), "optimiser: .* got float"),
        (lambda m, b: fit(m, next(iter(b)), SGD(), max_steps=1), r"batches: .* \[\(x, y\)\]"),
        (lambda m, b: fit(m, b, SGD(), max_steps="1"), "max_steps: expected an int, got str"),
        (lambda m, b: m.evaluate((IDS[:4],)), "batch: expected .* got 1 of them"),
        (lambda m, b: Run(0), "rng: expected a np.random.Generator, got int"),
        (lambda m, b: generate(m, IDS[:3], 5, rng=0), "rng: expected a np.random.Generator"),
        (lambda m, b: Model(m.layer, V, rng=0), "rng: expected a np.random.Generator"),
        (lambda m, b: Model(LSTM, V, rng=np.random.default_rng(0)), "layer: .* got the class LSTM"),
    ],
)
def test_what_stands_in_the_wrong_place_is_named(call, words):
    with pytest.raises(TypeError, match=words):
        call(make_model("RNN"), SequentialBatches(IDS, 4, 10))


def test_the_mapping_of_parameters_cannot_be_changed_but_follows_the_layer():
    model = make_model("RNN")
    with pytest.raises(TypeError):
        model.params["W_x"] = np.zeros(3)
    model.layer.params["W_x"] = np.zeros_like(model.layer.params["W_x"])
    assert model.params["W_x"] is model.layer.params["W_x"]


def test_notes_that_are_not_json_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"JSON.*object"):
        save_checkpoint(tmp_path / "c.npz", make_model(), notes={"thing": object()})
    assert os.listdir(tmp_path) == []


# --- generation


def trained():
    model = make_model("GRU")
    fit(model, SequentialBatches(IDS, 4, 24), Adam(0.02), max_steps=250, clip_norm=1.0, progress=False)
    return model


def test_a_trained_model_writes_its_text_on_and_is_hardly_surprised():
    model = trained()
    assert generate_text(model, VOCABULARY, "the cat", 12, temperature=0) == "the cat sat on the "
    assert bits_per_character(model, IDS) < 0.5 < 3 < bits_per_character(make_model("GRU"), IDS)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "Stacked"])
def test_bits_per_character_equal_the_definition_step_by_step(kind):
    model = make_model(kind)
    ids, state, bits = IDS[:60], None, 0.0
    for before, after in itertools.pairwise(ids):
        p, state = next_probabilities(model, np.array([before]), state)
        bits -= math.log2(p[after])
    assert bits_per_character(model, ids) == pytest.approx(bits / 59, rel=1e-5)
    for chunk in (1, 7, 59, 1000):
        assert bits_per_character(model, ids, chunk=chunk) == pytest.approx(bits / 59, rel=1e-5)
    scored_after_context = bits_per_character(model, ids[20:], context=ids[:20])
    assert perplexity(model, ids) == pytest.approx(2 ** (bits / 59), rel=1e-5)
    first = bits_per_character(model, ids[:20])
    assert scored_after_context * 40 + first * 19 == pytest.approx(bits, rel=1e-5)


def test_samples_follow_the_distribution_at_their_temperature():
    model = make_model("RNN")
    prime = IDS[:5]
    for temperature in (0.5, 1.0, 2.0):
        p, _ = next_probabilities(model, prime, temperature=temperature)
        rng = np.random.default_rng(1)
        drawn = np.concatenate([generate(model, prime, 1, temperature=temperature, rng=rng) for _ in range(1000)])
        counts = np.bincount(drawn, minlength=V)
        chi_square = ((counts - 1000 * p) ** 2 / (1000 * p)).sum()
        assert chi_square < V + 5 * math.sqrt(2 * V)  # mean V - 1, standard deviation √(2(V - 1))


def test_generation_is_reproducible_and_feeds_back_what_it_drew():
    model = make_model("LSTM")
    texts = [generate(model, IDS[:3], 30, rng=np.random.default_rng(s)).tolist() for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    greedy = generate(model, IDS[:3], 12, temperature=0)
    whole = np.concatenate([IDS[:3], greedy])
    logits, _ = model.forward(whole[:-1, None])
    np.testing.assert_array_equal(logits[2:, 0].argmax(axis=-1), greedy)
    assert generate(model, IDS[:3], 0, temperature=0).shape == (0,)


def test_a_text_in_the_place_of_the_vocabulary_is_recognised():
    with pytest.raises(TypeError, match=r"vocabulary: expected a Vocabulary, got str; Vocabulary.of\(text\)"):
        generate_text(make_model("RNN"), TEXT, "the", 3, temperature=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: generate(m, IDS[:3], 5, temperature=-1, rng=np.random.default_rng()), "temperature"),
        (lambda m: generate(m, IDS[:3], 5), "rng"),
        (lambda m: generate(m, IDS[:0], 5, temperature=0), "ids"),
        (lambda m: generate(m, IDS[:3], -1, temperature=0), "length"),
        (lambda m: generate(m, np.array([V]), 1, temperature=0), f"{V - 1}"),
        (lambda m: generate_text(m, VOCABULARY, "", 3, temperature=0), "context: expected"),
        (lambda m: bits_per_character(m, IDS[:1]), "an id to predict"),
        (lambda m: bits_per_character(m, IDS[:4].reshape(2, 2)), r"\(N,\)"),
    ],
)
def test_bad_arguments_of_generation_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(make_model("RNN"))


# --- models that come with the library


def test_the_shipped_character_model_reaches_what_its_notes_say():
    model, notes = load_pretrained("char_rnn")
    vocabulary = notes["vocabulary"]
    assert isinstance(vocabulary, Vocabulary)
    split, context = python_docs_split(), vocabulary.encode("\n")
    bits = bits_per_character(model, vocabulary.encode(split.validation), context=context)
    assert bits == pytest.approx(notes["validation_bits"], abs=0.001)
    test_bits = bits_per_character(model, vocabulary.encode(split.test), context=context)
    assert test_bits == pytest.approx(notes["test_bits"], abs=0.001)
    assert notes["test_bits"] < 2.2
    size = (Path(rnnlib.__file__).parent / "pretrained" / "char_rnn.npz").stat().st_size
    assert size < 180_000  # a figure carries it into the page, as text a third larger
    with pytest.raises(ValueError, match=r"name.*char_rnn.*'char'"):
        load_pretrained("char")
