"""Chapter 8's exercises: the solutions agree with others who compute the same, and more than one answer is right."""

import functools

import numpy as np
import pytest
import torch
from solved import Solved

from rnnlib import bptt, cells, text, training

T, B, D, H = 5, 3, 2, 4
LENGTHS = np.array([5, 3, 1])
MASK = np.arange(T)[:, np.newaxis] < LENGTHS
solved = Solved("08_training")


def random_cell(kind=cells.LSTM, **options):
    """A cell without a zero in it, and a generator."""
    rng = np.random.default_rng(5)
    cell = kind(D, H, rng=rng, **options)
    for p in cell.params.values():
        p[...] = rng.normal(size=p.shape)
    return cell, rng


def test_hard_sigmoid_and_its_slope_are_pytorchs():
    a = np.append(np.linspace(-4, 4, 41), [-3.0, 3.0])
    leaf = torch.tensor(a, requires_grad=True)
    value = torch.nn.functional.hardsigmoid(leaf)
    value.sum().backward()
    found = solved.names["hard_sigmoid"](a)
    np.testing.assert_allclose(found["value"], value.detach().numpy(), atol=1e-15)
    np.testing.assert_allclose(found["slope"], leaf.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("both", [False, True])
def test_fair_sizes_count_what_the_library_has(layers, both):
    budget, rng = 3_000, np.random.default_rng(0)
    for kind, found in solved.names["fair_sizes"](budget, D, 5, layers, both).items():

        def count(size, kind=kind):
            parts, inputs = [], D
            for _ in range(layers):
                ways = [getattr(cells, kind)(inputs, size, rng=rng) for _ in range(1 + both)]
                parts.append(bptt.Bidirectional(*ways) if both else ways[0])
                inputs = parts[-1].hidden_size
            parts.append(training.Dense(inputs, 5, rng=rng))
            return sum(p.size for part in parts for p in part.params.values())

        assert found["parameters"] == count(found["hidden_size"]) <= budget < count(found["hidden_size"] + 1)


def test_last_states_are_the_librarys_and_those_of_packed_sequences():
    forth, rng = random_cell()
    both = bptt.Bidirectional(forth, random_cell()[0])
    x = rng.normal(size=(T, B, D))
    h = bptt.unroll(both, x, mask=MASK).h
    np.testing.assert_array_equal(solved.names["last_states"](h, MASK), both.last(h))

    module = torch.nn.LSTM(D, H, bidirectional=True, dtype=torch.float64)
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), torch.tensor(LENGTHS))
    output, (h_n, _) = module(packed)
    padded = torch.nn.utils.rnn.pad_packed_sequence(output)[0].detach().numpy()
    wanted = torch.cat(tuple(h_n), dim=1).detach().numpy()
    np.testing.assert_allclose(solved.names["last_states"](padded, MASK), wanted, rtol=1e-12)


def test_backward_states_are_the_librarys_read_from_the_end():
    cell, rng = random_cell(cells.RNN)
    x = rng.normal(size=(T, B, D))
    wanted = bptt.unroll(cell, x, mask=MASK, reverse=True).h * MASK[:, :, np.newaxis]
    found = solved.names["backward_states"](x, MASK, *(cell.params[k] for k in ("W_x", "W_h", "b")))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_backward_states_of_a_palindrome_mirror_the_forward_ones():
    cell, rng = random_cell(cells.RNN)
    half = rng.normal(size=(3, B, D))
    x, weights = np.concatenate([half, half[::-1]]), [cell.params[k] for k in ("W_x", "W_h", "b")]
    found = solved.names["backward_states"](x, np.ones((6, B), dtype=bool), *weights)
    np.testing.assert_allclose(found, solved.names["run_rnn"](x, *weights)[::-1], rtol=1e-12)


def test_buckets_hold_every_sequence_once_and_are_padded_as_the_library_pads():
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 3, size=n) for n in rng.integers(1, 9, size=23)]
    found = solved.names["buckets"](sequences, 4)
    assert sorted(np.concatenate([batch["index"] for batch in found])) == list(range(23))
    for batch in found:
        ids, mask = text.pad([sequences[place] for place in batch["index"]])
        np.testing.assert_array_equal(batch["ids"], ids)
        np.testing.assert_array_equal(batch["mask"], mask)
    lengths = [len(sequences[place]) for batch in found for place in batch["index"]]
    assert lengths == sorted(lengths)


def test_the_mean_loss_and_its_gradient_are_pytorchs_however_the_data_are_cut():
    rng = np.random.default_rng(0)
    losses = rng.exponential(size=(T, B))
    leaf = torch.tensor(losses, requires_grad=True)
    mean = leaf[torch.tensor(MASK)].mean()
    mean.backward()
    for cut in (1, 2):
        pieces = [(losses[:, :cut], MASK[:, :cut]), (losses[:, cut:], MASK[:, cut:])]
        found = solved.names["mean_loss"](pieces)
        assert found["mean"] == pytest.approx(mean.item(), rel=1e-12)
        np.testing.assert_allclose(np.concatenate(found["gradients"], axis=1), leaf.grad.numpy(), rtol=1e-12)


def uniform(factors):
    """Numbers between 0 and 1 that drop what these factors drop, at a rate of one half."""
    return np.where(factors == 0, 0.2, 0.8)


def test_dropped_states_are_the_librarys():
    cell, rng = random_cell(dropout=0.5, recurrent_dropout=0.5)
    x = rng.normal(size=(T, B, D))
    weights = [cell.params[k] for k in ("W_x", "W_h", "b")]
    trace = bptt.unroll(cell, x, dropout_rng=np.random.default_rng(1))
    assert (trace.drop_x == 0).any() and (trace.drop_h == 0).any()
    drawn = uniform(trace.drop_x), uniform(trace.drop_h)[np.newaxis], 0.5, 0.5
    np.testing.assert_allclose(solved.names["dropped_states"](x, *drawn, True, *weights), trace.h, rtol=1e-10)
    np.testing.assert_allclose(
        solved.names["dropped_states"](x, *drawn, False, *weights), bptt.unroll(cell, x).h, rtol=1e-10
    )


def test_four_equal_masks_are_one_and_other_ones_are_not():
    cell, rng = random_cell()
    x, u_x, u_h = rng.normal(size=(T, B, D)), rng.random((B, D)), rng.random((4, B, H))
    weights = [cell.params[k] for k in ("W_x", "W_h", "b")]
    run = functools.partial(solved.names["dropped_states"], x, u_x)
    one = run(u_h[:1], 0.5, 0.5, True, *weights)
    np.testing.assert_allclose(run(np.repeat(u_h[:1], 4, axis=0), 0.5, 0.5, True, *weights), one, rtol=1e-12)
    assert np.abs(run(u_h, 0.5, 0.5, True, *weights) - one).max() > 0.01


def test_penalty_and_limit_are_the_librarys():
    rng = np.random.default_rng(0)
    W, gradient = rng.normal(size=(2, 3, 4))
    penalty = training.l1_l2(0.1, 0.05)
    found = solved.names["limited_step"](W, gradient, 0.1, 0.05, 0.2, 1.2)
    assert found["penalty"] == pytest.approx(penalty(W), rel=1e-12)
    total = gradient + penalty.gradient(W)
    np.testing.assert_allclose(found["gradient"], total, rtol=1e-12)
    np.testing.assert_allclose(found["W"], training.max_norm(1.2)(W - 0.2 * total), rtol=1e-12)


def test_documents_are_read_as_if_each_had_a_batch_of_its_own():
    cell, rng = random_cell()
    x = rng.normal(size=(T, 1, D))
    begins = np.array([[True], [False], [True], [False], [False]])
    first, state = solved.names["read_piece"](cell, x[:3], begins[:3], cell.initial_state(1))
    second, _ = solved.names["read_piece"](cell, x[3:], begins[3:], state)
    wanted = [bptt.unroll(cell, document).h for document in (x[:2], x[2:])]
    np.testing.assert_allclose(np.concatenate([first, second]), np.concatenate(wanted), rtol=1e-12)


def test_a_restored_run_ends_bit_for_bit_where_the_other_ends_even_through_a_file(tmp_path):
    run = solved.names["Run"](B, H, np.random.default_rng(7))
    solved.names["train"](run, 6)
    np.savez(tmp_path / "run.npz", data=np.array(solved.names["saved"](run), dtype=object))
    wanted = solved.names["train"](run, 20)
    data = np.load(tmp_path / "run.npz", allow_pickle=True)["data"].item()
    found = solved.names["train"](solved.names["restored"](data), 20)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_the_options_make_a_layer_of_pytorch_with_keras_sizes():
    options = {"units": H, "use_bias": False, "return_sequences": True}
    found = solved.names["torch_options"](options, D)
    output, _ = torch.nn.LSTM(**found["arguments"])(torch.zeros(B, T, D))
    assert output.shape == (B, T, H)
    assert (found["by_hand"], found["take"]) == ([], "output")


def test_one_step_from_parts_is_pytorchs_step_from_the_whole():
    rng = np.random.default_rng(0)
    W, x, y = rng.normal(size=(D, H)), rng.normal(size=(9, D)), rng.normal(size=(9, H))
    parts = []
    for piece in (slice(0, 2), slice(2, 9)):
        error = x[piece] @ W - y[piece]
        parts.append(({"W": 2 * x[piece].T @ error / len(error)}, len(error)))
    found = solved.names["one_step"]({"W": W}, parts, 30, 20, 100, 0.5, 1.0)

    leaf = torch.nn.Parameter(torch.tensor(W))
    ((torch.tensor(x) @ leaf - torch.tensor(y)) ** 2).sum(dim=1).mean().backward()
    norm = torch.nn.utils.clip_grad_norm_([leaf], 1.0).item()
    optimiser = torch.optim.SGD([leaf], lr=0.5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=80)
    for _ in range(10):  # ten steps after the warm-up, none of which changes a thing
        kept = leaf.detach().clone()
        optimiser.step()
        leaf.data = kept
        schedule.step()
    optimiser.step()
    assert found["norm"] == pytest.approx(norm, rel=1e-9)
    assert found["rate"] == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
    np.testing.assert_allclose(found["params"]["W"], leaf.detach().numpy(), rtol=1e-6)  # PyTorch adds 1e-6 to the norm


TRAINED_BY_PYTORCH = """
import torch


def train_rightly(params, w, batches, order, drops, rate, validation):
    leaves = {name: torch.tensor(p, requires_grad=True) for name, p in (params | {"w": w}).items()}

    def loss(batch, drop):
        x, y, mask = (torch.tensor(part) for part in batch)
        h, total = torch.zeros(x.shape[1], len(w), dtype=torch.float64), 0
        for x_t, y_t, real in zip(x, y, mask):
            h = torch.tanh(x_t @ leaves["W_x"] + h @ leaves["W_h"] + leaves["b"])
            total = total + (((h * drop) @ leaves["w"] - y_t) ** 2 * real).sum()
        return total / mask.sum()

    losses = []
    for k, drop in zip(order, drops):
        found = loss(batches[k], torch.tensor(drop))
        gradients = torch.autograd.grad(found, list(leaves.values()))
        losses.append(found.item())
        with torch.no_grad():
            for leaf, gradient in zip(leaves.values(), gradients):
                leaf -= rate * gradient
    weights = {name: leaf.detach().numpy() for name, leaf in leaves.items()}
    return {"losses": losses, "validation": loss(validation, 1).item(), **weights}
"""
A_LOOP_FROM_THE_END = """
def backward_states(x, mask, W_x, W_h, b):
    out = np.zeros((*mask.shape, len(b)))
    h = out[0]
    for t in reversed(range(len(x))):
        h = np.where(mask[t][:, None], np.tanh(x[t] @ W_x + h @ W_h + b), 0)
        out[t] = h
    return out
"""
DEEP_COPIES = """
import copy


def saved(run):
    data = copy.deepcopy(vars(run))
    return data | {"rng": data["rng"].bit_generator.state}


def restored(data):
    data = copy.deepcopy(data)
    run = Run(1, 1, np.random.default_rng())
    run.rng.bit_generator.state = data.pop("rng")
    vars(run).update(data)
    return run
"""
ALL_IN_ONE_STATE = """
from rnnlib.bptt import unroll


def read_piece(cell, x, begins, state):
    trace = unroll(cell, x, state)
    return trace.h, trace.state
"""


@functools.cache
def verdicts() -> list[dict[str, dict]]:
    """Answers in other styles, and wrong ones."""
    on = "    if not training:\n        rate_x = rate_h = 0.0\n"
    assert on in solved.exercise.solutions["t7-answer"]
    notebooks = [
        {"t4-answer": A_LOOP_FROM_THE_END, "t10-answer": DEEP_COPIES, "t13-answer": TRAINED_BY_PYTORCH},
        {
            "t4-answer": A_LOOP_FROM_THE_END.replace("return out", "return out[::-1]"),
            "t7-answer": solved.exercise.solutions["t7-answer"].replace(on, ""),
            "t9-answer": ALL_IN_ONE_STATE,
            "t10-answer": DEEP_COPIES.replace(
                '    return data | {"rng": data["rng"].bit_generator.state}', "    return data"
            ),
            "t13-answer": TRAINED_BY_PYTORCH.replace("loss(validation, 1)", "loss(validation, torch.tensor(drop))"),
        },
    ]
    return [solved.grade(answers) for answers in notebooks]


@pytest.mark.parametrize("number", [4, 10, 13])
def test_other_ways_to_the_same_are_right(number):
    assert verdicts()[0][f"training.{number}"]["verdict"] == "passed"


@pytest.mark.parametrize("number", [4, 7, 9, 10, 13])
def test_their_mistakes_are_not(number):
    outcome = verdicts()[1][f"training.{number}"]
    assert outcome["verdict"] in ("failed", "error"), outcome


@pytest.mark.parametrize(
    ("number", "said"), [(7, "Dropout is still on"), (9, "never set to zero"), (13, "dropout is still on")]
)
def test_a_known_mistake_is_named_in_another_style_as_well(number, said):
    assert said in verdicts()[1][f"training.{number}"]["message"]
