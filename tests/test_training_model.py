"""The model's outputs and gradients: finite differences, PyTorch, Keras."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib.bptt import Bidirectional, Stacked, backward, unroll
from rnnlib.cells import GRU, LSTM, RNN
from rnnlib.text import Batch
from rnnlib.training import Dense, MaxNorm, Model, dropout, l1, l1_l2, l2

D, H, Q = 3, 4, 5


def layer_of(kind, rng, **options):
    cells = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
    if kind in cells:
        return cells[kind](D, H, rng=rng, **options)
    if kind == "Stacked":
        return Stacked([GRU(D, 6, rng=rng, **options), LSTM(6, H, rng=rng, **options)])
    if kind == "Bidirectional":
        return Bidirectional(LSTM(D, H, rng=rng, **options), RNN(D, 2, rng=rng, **options))
    top = Bidirectional(GRU(H, 3, rng=rng), Stacked([RNN(H, 2, rng=rng), LSTM(2, 2, rng=rng, peephole=True)]))
    return Stacked([RNN(D, H, rng=rng), Stacked([top]) if kind == "Stacked Stacked Bidirectional" else top])


KINDS = ["RNN", "GRU", "LSTM", "Stacked", "Bidirectional", "Stacked Bidirectional", "Stacked Stacked Bidirectional"]


def check_gradients(model, loss, gradients, step=1e-6):
    """Central differences at up to 12 entries of every parameter."""
    rng = np.random.default_rng(0)
    assert gradients.keys() == model.params.keys()
    for name, p in model.params.items():
        for flat in rng.choice(p.size, min(p.size, 12), replace=False):
            i = np.unravel_index(flat, p.shape)
            kept = p[i]
            p[i] = kept + step
            above = loss()
            p[i] = kept - step
            below = loss()
            p[i] = kept
            numeric = (above - below) / (2 * step)
            assert gradients[name][i] == pytest.approx(numeric, rel=1e-5, abs=1e-8), (name, i)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_finite_differences(kind, return_sequences, loss):
    rng = np.random.default_rng(1)
    model = Model(layer_of(kind, rng), Q, rng=rng, loss=loss, return_sequences=return_sequences)
    T, B = 6, 3
    x = rng.normal(size=(T, B, D))
    mask = np.arange(T)[:, None] < [6, 2, 4]
    shape = (T, B) if return_sequences else (B,)
    y = rng.integers(Q, size=shape) if loss == "cross_entropy" else rng.normal(size=(*shape, Q))
    result = model.loss_and_gradients((x, y, mask))
    assert result.penalty == 0 and result.symbols == (mask.sum() if return_sequences else B)
    check_gradients(model, lambda: model.evaluate(Batch(x, y, mask))[0], result.gradients)


def test_gradients_with_penalties_and_a_fixed_dropout_equal_finite_differences():
    rng = np.random.default_rng(2)
    model = Model(
        LSTM(D, H, rng=rng, dropout=0.3, recurrent_dropout=0.2), Q, rng=rng, dropout=0.5,
        kernel_regularizer=l1_l2(0.01, 0.02), recurrent_regularizer=l2(0.03), bias_regularizer=l1(0.05),
        activity_regularizer=l2(0.07),
    )  # fmt: skip
    x, y = rng.normal(size=(4, 2, D)), rng.integers(Q, size=(4, 2))

    def step():
        return model.loss_and_gradients((x, y), rng=np.random.default_rng(7))

    gradients = {name: g.copy() for name, g in step().gradients.items()}
    assert step().penalty > 0
    check_gradients(model, lambda: step().loss, gradients)


def test_outputs_and_gradients_equal_torch():
    rng = np.random.default_rng(3)
    cell = LSTM(D, H, rng=rng)
    model = Model(cell, Q, rng=rng)
    x, y = rng.normal(size=(7, 2, D)), rng.integers(Q, size=(7, 2))
    layer, head = cell.to_torch(), torch.nn.Linear(H, Q, dtype=torch.float64)
    with torch.no_grad():
        head.weight.copy_(torch.tensor(model.params["W_hq"].T))
        head.bias.copy_(torch.tensor(model.params["b_q"]))
    o = head(layer(torch.tensor(x))[0])
    loss = torch.nn.functional.cross_entropy(o.flatten(0, 1), torch.tensor(y).flatten())
    loss.backward()
    result = model.loss_and_gradients((x, y))
    np.testing.assert_allclose(model.forward(x)[0], o.detach().numpy(), rtol=1e-9)
    assert result.loss == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(result.gradients["W_hq"], head.weight.grad.numpy().T, rtol=1e-9)
    np.testing.assert_allclose(result.gradients["b_q"], head.bias.grad.numpy(), rtol=1e-9)
    theirs = type(cell).from_torch(layer)  # the order of the gates is cell's business
    for parameter in layer.parameters():
        parameter.data = parameter.grad
    theirs = type(cell).from_torch(layer)
    np.testing.assert_allclose(result.gradients["W_h"], theirs.params["W_h"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(result.gradients["W_x"], theirs.params["W_x"], rtol=1e-8, atol=1e-12)


def test_class_indices_stand_for_one_hot_rows():
    rng = np.random.default_rng(4)
    model = Model(GRU(D, H, rng=rng), Q, rng=rng)
    ids, y = rng.integers(D, size=(5, 2)), rng.integers(Q, size=(5, 2))
    np.testing.assert_array_equal(model.forward(ids)[0], model.forward(np.eye(D)[ids])[0])
    np.testing.assert_array_equal(model.step(ids[0])[0], model.step(np.eye(D)[ids[0]])[0])
    with pytest.raises(ValueError, match=f"{D - 1}"):
        model.loss_and_gradients((ids + D, y))


@settings(deadline=None, max_examples=25)
@given(kind=st.sampled_from(KINDS), lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_many_to_one_reads_the_state_after_the_last_valid_step(kind, lengths):
    rng = np.random.default_rng(5)
    model = Model(layer_of(kind, rng), Q, rng=rng, return_sequences=False)
    T, B = max(lengths), len(lengths)
    x = rng.normal(size=(T, B, D))
    together, _ = model.forward(x, None, np.arange(T)[:, None] < lengths)
    for b, n in enumerate(lengths):
        alone, _ = model.forward(x[:n, b : b + 1])
        np.testing.assert_allclose(together[b], alone[0], rtol=1e-12, atol=1e-14)


@settings(deadline=None, max_examples=25)
@given(kind=st.sampled_from(["RNN", "GRU", "LSTM", "Stacked"]), T=st.integers(2, 8), data=st.data())
def test_a_sequence_in_parts_with_its_state_carried_equals_the_whole(kind, T, data):
    rng = np.random.default_rng(6)
    model = Model(layer_of(kind, rng), Q, rng=rng)
    x = rng.normal(size=(T, 2, D))
    cut = data.draw(st.integers(1, T - 1))
    whole, end = model.forward(x)
    first, state = model.forward(x[:cut])
    second, state = model.forward(x[cut:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-10, atol=1e-13)
    stepped, state_of_steps = [], None
    for x_t in x:
        o, state_of_steps = model.step(x_t, state_of_steps)
        stepped.append(o)
    np.testing.assert_allclose(np.stack(stepped), whole, rtol=1e-10, atol=1e-13)
    for a, b in zip(np.ravel(list(flat(end))), np.ravel(list(flat(state_of_steps))), strict=True):
        assert a == pytest.approx(b)


def flat(state):
    for part in state:
        yield from flat(part) if isinstance(part, tuple) else part.ravel().tolist()


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_shows_its_trace_and_what_the_output_layer_sent_back(kind, return_sequences):
    rng = np.random.default_rng(1)
    model = Model(layer_of(kind, rng), Q, rng=rng, return_sequences=return_sequences)
    x, mask = rng.normal(size=(5, 2, D)), np.arange(5)[:, None] < [5, 3]
    step = model.loss_and_gradients((x, rng.integers(Q, size=(5, 2) if return_sequences else 2), mask))
    np.testing.assert_array_equal(step.trace.h, unroll(model.layer, x, mask=mask).h)
    again = backward(step.trace, step.dh).params
    for name, g in again.items():
        np.testing.assert_array_equal(step.gradients[name], g)


def test_a_parameter_that_is_no_bias_is_not_treated_as_one():
    rng = np.random.default_rng(9)
    model = Model(LSTM(D, H, rng=rng, peephole=True), Q, rng=rng, bias_constraint="non_neg", bias_regularizer=l2(10.0))
    for p in model.params.values():
        p[...] = -1
    model.after_update()
    assert (model.params["p_f"] == -1).all() and (model.params["b"] == 0).all()
    plain = Model(model.layer, Q, rng=rng)
    plain.params["W_hq"][...], plain.params["b_q"][...] = model.params["W_hq"], model.params["b_q"]
    batch = rng.normal(size=(3, 2, D)), rng.integers(Q, size=(3, 2))
    ours, theirs = model.loss_and_gradients(batch).gradients, plain.loss_and_gradients(batch).gradients
    np.testing.assert_array_equal(ours["p_f"], theirs["p_f"])


def test_a_state_is_a_copy_that_the_next_step_leaves_alone():
    rng = np.random.default_rng(7)
    model = Model(LSTM(D, H, rng=rng), Q, rng=rng)
    x, y = rng.normal(size=(4, 2, D)), rng.integers(Q, size=(4, 2))
    state = model.loss_and_gradients((x, y)).state
    kept = [part.copy() for part in state]
    model.loss_and_gradients((x + 1, y), state)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)


def test_the_model_shares_the_arrays_of_its_cell():
    rng = np.random.default_rng(8)
    cell = RNN(D, H, rng=rng)
    model = Model(cell, Q, rng=rng)
    model.params["W_h"][...] = 0
    assert not cell.params["W_h"].any()


def test_constraints_are_applied_to_their_own_parameters():
    rng = np.random.default_rng(9)
    stack = Stacked([GRU(D, 6, rng=rng), LSTM(6, H, rng=rng)])
    model = Model(stack, Q, rng=rng, recurrent_constraint=MaxNorm(0.5), bias_constraint="non_neg")
    for p in model.params.values():
        p[...] = rng.normal(size=p.shape)
    before = {name: p.copy() for name, p in model.params.items()}
    model.after_update()
    for name, p in model.params.items():
        if name.endswith("W_h"):
            assert np.linalg.norm(p, axis=0).max() <= 0.5 + 1e-12
        elif name.split(".")[-1] in ("b", "b_n"):
            np.testing.assert_array_equal(p, np.maximum(before[name], 0))
        else:
            np.testing.assert_array_equal(p, before[name])


@pytest.mark.parametrize("return_sequences", [True, False])
def test_penalties_equal_those_of_keras_lstm(monkeypatch, return_sequences):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    layer = keras.layers.LSTM(
        H, return_sequences=return_sequences, kernel_regularizer=keras.regularizers.L2(0.02),
        recurrent_regularizer=keras.regularizers.L1(0.03), bias_regularizer=keras.regularizers.L2(0.5),
        activity_regularizer=keras.regularizers.L1L2(0.1, 0.2),
    )  # fmt: skip
    rng = np.random.default_rng(10)
    x = rng.normal(size=(6, 2, D)).astype(np.float32)
    layer(torch.tensor(x.transpose(1, 0, 2).copy()))
    expected = float(sum(loss.detach() for loss in layer.losses))
    weights = [w.value.detach().numpy() for w in layer.weights]
    model = Model(
        LSTM.from_keras(weights), Q, rng=rng, return_sequences=return_sequences,
        kernel_regularizer=l2(0.02), recurrent_regularizer=l1(0.03), bias_regularizer=l2(0.5),
        activity_regularizer=l1_l2(0.1, 0.2),
    )  # fmt: skip
    y = np.zeros((6, 2) if return_sequences else 2, int)
    assert model.loss_and_gradients((x, y)).penalty == pytest.approx(expected, rel=1e-5)


def test_dropout_keeps_the_mean_and_only_acts_in_training():
    factors = dropout((400, 500), 0.3, np.random.default_rng(0), np.float32)
    assert factors.dtype == np.float32
    assert (factors == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert factors.mean() == pytest.approx(1, abs=0.01)
    rng = np.random.default_rng(11)
    model = Model(RNN(D, H, rng=rng), Q, rng=rng, dropout=0.5)
    x, y = rng.normal(size=(4, 2, D)), rng.integers(Q, size=(4, 2))
    without = model.loss_and_gradients((x, y)).loss
    assert model.evaluate((x, y))[0] == without
    assert model.loss_and_gradients((x, y), rng=np.random.default_rng(0)).loss != without


def test_a_loss_that_is_not_finite_is_an_error():
    rng = np.random.default_rng(12)
    model = Model(RNN(D, H, rng=rng), Q, rng=rng)
    model.params["W_hq"][0, 0] = np.inf
    with np.errstate(invalid="ignore"), pytest.raises(FloatingPointError, match="loss is nan"):
        model.loss_and_gradients((np.ones((2, 1, D)), np.zeros((2, 1), int)))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda cell, rng: Model(object(), Q, rng=rng), TypeError, "layer.*object"),
        (lambda cell, rng: Model(cell, 0, rng=rng), ValueError, "output_size"),
        (lambda cell, rng: Model(cell, Q, rng=rng, loss="hinge"), ValueError, "loss.*'hinge'"),
        (lambda cell, rng: Model(cell, Q, rng=rng, dropout=1.0), ValueError, "dropout"),
        (lambda cell, rng: Model(cell, Q, rng=rng, kernel_regularizer="l9"), ValueError, "kernel_regularizer"),
        (lambda cell, rng: Model(cell, Q, rng=rng).forward(np.ones((2, 2, D + 1))), ValueError, "x"),
        (
            lambda cell, rng: Model(cell, Q, rng=rng).loss_and_gradients((np.ones((2, 2, D)), np.zeros(2, int))),
            ValueError,
            "targets",
        ),
        (lambda cell, rng: Dense(2.5, 1, rng=rng), TypeError, "input_size"),
        (lambda cell, rng: Dense(2, 1, rng=rng).forward(np.ones((4, 3))), ValueError, "h: expected"),
        (lambda cell, rng: Model(Bidirectional(cell, RNN(D, 2, rng=rng)), Q, rng=rng).step(np.ones((1, D))), TypeError,
         "step by step"),
        (lambda cell, rng: dropout((2,), 1.0, rng), ValueError, "rate"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, error, words):
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=words):
        call(RNN(D, H, rng=rng), rng)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_model_can_be_sent_to_another_process(kind):
    rng = np.random.default_rng(0)
    model = Model(kind(3, 4, activation="elu", rng=rng), 2, rng=rng)
    again = pickle.loads(pickle.dumps(model))
    x = rng.normal(size=(5, 2, 3))
    np.testing.assert_array_equal(again.forward(x)[0], model.forward(x)[0])
    assert again.layer.activation is model.layer.activation
