"""Translators in training: what is fed, dropout, means per symbol, resumed runs, stored models."""

import numpy as np
import pytest
import torch
from seq2seq_cases import CASES, make, random_batch

from rnnlib.seq2seq import PairBatch, Seq2Seq, mean_loss
from rnnlib.seq2seq.forcing import exponential_decay, inverse_sigmoid_decay, linear_decay
from rnnlib.training import Adam, Run, cross_entropy, fit, load_checkpoint, load_model, save_checkpoint, softmax


def fed_by_hand(model, batch, true):
    """The sum of −log p, where `true` says which symbols of the target are fed; else the likeliest one is."""
    memory = model.read(batch.source, batch.source_mask)
    y, state, total = batch.target_in[0], model.decoder.initial_state(memory), 0.0
    for t in range(len(batch.target_in)):
        if t > 0:
            y = np.where(true[t], batch.target_in[t], p.argmax(axis=-1))  # noqa: F821
        decoded = model.decoder.step(torch.tensor(y), state, memory)
        p, state = softmax(decoded.logits.detach().numpy()), decoded.state
        right = np.take_along_axis(p, batch.target_out[t][:, None], axis=-1)[:, 0]
        total -= np.log(right)[batch.target_mask[t]].sum()
    return total


@pytest.mark.parametrize("options", [CASES[0], CASES[7]], ids=["gru", "lstm-dot"])
def test_what_is_fed_is_the_truth_or_the_models_own_symbol(options):
    model, batch = make(options), random_batch([4, 1, 7], [5, 6, 2])
    shape = batch.target_in.shape
    assert model.evaluate(batch, 0.0)[0] == pytest.approx(fed_by_hand(model, batch, np.zeros(shape, bool)), abs=1e-10)
    assert model.evaluate(batch, 0.0)[0] != pytest.approx(model.evaluate(batch)[0], abs=1e-3)
    true = np.random.default_rng(5).random(shape) < 0.5
    assert 0.2 < true.mean() < 0.8
    half = model.evaluate(batch, 0.5, np.random.default_rng(5))[0]
    assert half == pytest.approx(fed_by_hand(model, batch, true), abs=1e-10)
    model.teacher_forcing = 0.5
    assert model.has_dropout
    step = model.loss_and_gradients(batch, rng=np.random.default_rng(5))
    assert step.loss * step.symbols == pytest.approx(half, abs=1e-10)
    model.teacher_forcing = lambda: 1.0
    assert model.loss_and_gradients(batch, rng=np.random.default_rng(5)).loss == model.loss_and_gradients(batch).loss


def test_schedules():
    assert [linear_decay(s, steps=10, start=0.9, end=0.5) for s in (0, 5, 10, 11)] == [0.9, 0.7, 0.5, 0.5]
    assert exponential_decay(3, k=0.9) == pytest.approx(0.729)
    assert inverse_sigmoid_decay(0, k=9) == pytest.approx(0.9)  # k / (k + 1)
    assert inverse_sigmoid_decay(200, k=50) == pytest.approx(50 / (50 + np.exp(4)))
    assert inverse_sigmoid_decay(10**6, k=5) < 1e-300


def test_dropout_drops_the_same_at_every_step_and_nothing_in_evaluation():
    model, batch = make(CASES[6], dropout=0.5), random_batch([4, 1, 7], [5, 6, 2])
    losses = {model.loss_and_gradients(batch, rng=np.random.default_rng(seed)).loss for seed in (0, 0, 1)}
    assert len(losses) == 2
    plain = make(CASES[6])
    assert model.evaluate(batch) == plain.evaluate(batch)
    assert model.loss_and_gradients(batch).loss == plain.loss_and_gradients(batch).loss
    # the same numbers by hand: draw the factors in the same order
    from rnnlib.bptt import dropout

    rng = np.random.default_rng(3)
    source, target, output = (torch.tensor(dropout((1, 3, n), 0.5, rng)) for n in (5, 5, 6))
    memory = model.encoder(torch.tensor(batch.source), torch.tensor(batch.source_mask), source)
    logits = model.decoder(torch.tensor(batch.target_in), memory, factors=(target, output)).logits.detach().numpy()
    loss, _ = cross_entropy(logits, batch.target_out, batch.target_mask)
    assert model.loss_and_gradients(batch, rng=np.random.default_rng(3)).loss == pytest.approx(loss, abs=1e-12)


def test_a_mean_is_per_symbol_however_the_pairs_are_cut():
    model = make(CASES[10])
    parts = [random_batch([4, 1], [5, 2], seed=1), random_batch([2], [9], seed=2)]
    whole = PairBatch(
        *(
            np.concatenate([np.pad(p[k], ((0, n - len(p[k])), (0, 0))) for p in parts], axis=1)
            for k, n in enumerate((4, 4, 10, 10, 10))
        )
    )
    assert mean_loss(model, parts) == pytest.approx(mean_loss(model, [whole]), abs=1e-12)
    assert mean_loss(model, [whole]) == pytest.approx(model.loss_and_gradients(whole).loss, abs=1e-12)


def trained(seed, steps, path=None, resume=False):
    """A small model with everything that draws: dropout, a schedule, shuffled batches."""
    more = {"hidden_size": 8, "embedding_size": 4, "dropout": 0.2, "dtype": np.float32}
    model, optimiser, run = make(CASES[7], seed, **more), Adam(0.01), Run(np.random.default_rng(seed))
    if resume:
        load_checkpoint(path, model, optimiser, run)
    model.teacher_forcing = lambda: linear_decay(run.step, steps=10, end=0.2)
    batches = [random_batch([3, 5, 2], [2, 3, 4], seed=k) for k in range(3)]
    order = lambda rng: [batches[k] for k in rng.permutation(3)]  # noqa: E731
    fit(model, order, optimiser, max_steps=steps, run=run, progress=False, checkpoint=path)
    return model, run


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path):
    path = tmp_path / "translator.npz"
    model, run = trained(0, 12)
    again, _ = trained(0, 12)
    trained(0, 5, path)
    resumed, resumed_run = trained(1, 12, path, resume=True)
    assert resumed_run.history.loss == run.history.loss
    for name, p in model.params.items():
        np.testing.assert_array_equal(again.params[name], p)
        np.testing.assert_array_equal(resumed.params[name], p)


@pytest.mark.parametrize("dtype", [None, np.float16, np.int8])
def test_a_stored_model_comes_back(tmp_path, dtype):
    model, batch = make(CASES[12], dtype=np.float32), random_batch([4, 1, 7], [5, 6, 2])
    save_checkpoint(tmp_path / "model.npz", model, dtype=dtype)
    loaded, _ = load_model(tmp_path / "model.npz")
    assert type(loaded) is Seq2Seq and loaded.config() == model.config() and loaded.dtype == np.float32
    tolerance = {None: 0, np.float16: 0.01, np.int8: 0.1}[dtype]
    np.testing.assert_allclose(loaded(batch).detach(), model(batch).detach(), rtol=0, atol=tolerance)
    assert load_model(tmp_path / "model.npz", np.float64)[0].dtype == np.float64


def test_bytes_are_scaled_by_unit():
    """A unit with large weights must not blur the others: in the book's layout a column belongs to one unit."""
    from rnnlib.training.quantising import dequantise, quantise

    model = make(CASES[0], dtype=np.float32)
    W = model.params["decoder.W_h"]
    assert W.shape == (6, 18)
    W[:, 0] = 100
    np.testing.assert_allclose(dequantise(*quantise(W))[:, 1:], W[:, 1:], atol=0.01)


def test_dates_are_learnt_with_attention():
    """99 % of dates that were not trained, written by the model alone, after 350 steps."""
    from rnnlib.corpora import dates
    from rnnlib.seq2seq import PairBatches, exact_match, translate, vocabulary_of

    pairs = dates(12_300, seed=0)
    x, y = (vocabulary_of([pair[side] for pair in pairs]) for side in (0, 1))
    model = Seq2Seq(len(x), len(y), hidden_size=96, embedding_size=32, attention="dot", rng=np.random.default_rng(0))
    optimiser = Adam(0.005)

    def decay(run):
        optimiser.learning_rate = 0.005 * max(0.1, 1 - run.step / 400)

    batches = PairBatches(pairs[300:], x, y, batch_size=64)
    run = Run(np.random.default_rng(1))
    fit(model, batches, optimiser, max_steps=350, clip_norm=1.0, run=run, callback=decay, progress=False)
    held_out = pairs[:300]
    found = translate(model, [pair.chinese for pair in held_out], x, y, max_length=60)
    assert exact_match(found, [pair.english for pair in held_out]) >= 0.99


def test_teacher_forcing_is_a_probability():
    model, batch = make(CASES[0]), random_batch([4, 1], [2, 3])
    with pytest.raises(ValueError, match=r"teacher_forcing: expected a probability, got 1.5"):
        model.evaluate(batch, 1.5)
    with pytest.raises(TypeError, match=r"rng: expected a np.random.Generator"):
        model.evaluate(batch, 0.5)
