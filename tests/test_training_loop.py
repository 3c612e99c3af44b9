"""What `fit` does: history, budgets, callbacks, carried states, interruptions, arguments."""

import math
import os
import signal
import threading

import numpy as np
import pytest
from small_model import IDS, V, make_model, shuffled

from rnnlib.bptt import Stacked
from rnnlib.cells import LSTM, RNN
from rnnlib.text import SequentialBatches, ShuffledBatches
from rnnlib.training import SGD, Adam, MaxNorm, Model, Run, fit, generate


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
