"""Encoder and decoder against this library's own cells, attention by hand and finite differences."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seq2seq_cases import CASES, V, every_case, make, padded, random_batch

from rnnlib.bptt import unroll
from rnnlib.cells import GRU, LSTM
from rnnlib.seq2seq import BOS, PAD, PairBatch, Seq2Seq, by_hand, log_probabilities
from rnnlib.training import cross_entropy


def one_direction(layer, reverse):
    """The part of a PyTorch layer that reads in one direction, as a cell of this library."""
    kind = type(layer)
    part = kind(layer.input_size, layer.hidden_size, dtype=layer.weight_ih_l0.dtype)
    suffix = "_l0_reverse" if reverse else "_l0"
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(part, f"{name}_l0").copy_(getattr(layer, f"{name}{suffix}"))
    return (LSTM if kind is torch.nn.LSTM else GRU).from_torch(part)


def encoded_by_cells(model, x, mask):
    """encoded (T_x, B, H) and the last state, with cells that carry their state over masked steps."""
    layer = model.encoder.rnn
    embedded = model.params["encoder.embedding"][x]
    walks = [unroll(one_direction(layer, False), embedded, mask=mask)]
    if layer.bidirectional:
        walks.append(unroll(one_direction(layer, True), embedded, mask=mask, reverse=True))
    encoded = np.concatenate([walk.h for walk in walks], axis=-1) * mask[..., None]
    return encoded, tuple(np.concatenate(parts, axis=-1) for parts in zip(*(w.state for w in walks), strict=True))


def logits_by_hand(model, batch):
    options, params = model.config(), model.params
    x, mask, y = batch.source, batch.source_mask, batch.target_in
    encoded, state = encoded_by_cells(model, x, mask)
    context = state[0]
    if options["context"] != "last":
        mean = encoded.sum(axis=0) / np.maximum(mask.sum(axis=0), 1)[:, None]
        v = mean if options["context"] == "transform_all" else state[0]
        before = (v @ params["encoder.W_u"] + params["encoder.b_u"]) * (mask.sum(axis=0) > 0)[:, None]
        context = np.tanh(before)
        state = (context, before)[: len(state)]
    inputs = params["decoder.embedding"][y]
    if options["use"] != "initial":
        inputs = np.concatenate([inputs, np.broadcast_to(context, (len(y), *context.shape))], axis=-1)
    if options["use"] == "input":
        state = tuple(np.zeros_like(part) for part in state)
    h = unroll(one_direction(model.decoder.rnn, False), inputs, state).h
    if options["attention"] is None:
        return h @ params["decoder.W_hq"] + params["decoder.b_q"]
    weights = {name.rpartition(".")[2]: p for name, p in params.items() if ".attention." in name}
    looked = by_hand.attend(options["attention"], h, encoded, mask, weights)
    m = np.tanh(np.concatenate([looked.context, h], axis=-1) @ params["decoder.W_m"])
    return m @ params["decoder.W_mq"] + params["decoder.b_q"]


@every_case
def test_logits_are_those_of_this_librarys_cells(options):
    model, batch = make(options), random_batch([4, 1, 7, 3], [2, 5, 0, 4])
    logits = model(batch).detach().numpy()
    np.testing.assert_allclose(logits, logits_by_hand(model, batch), atol=1e-12)
    loss, _ = cross_entropy(logits, batch.target_out, batch.target_mask)
    total, count = model.evaluate(batch)
    assert count == batch.target_mask.sum()
    assert total / count == pytest.approx(loss, abs=1e-12)
    assert model.loss_and_gradients(batch).loss == pytest.approx(loss, abs=1e-12)
    by_symbol = log_probabilities(model, batch)
    assert -by_symbol.sum() == pytest.approx(total, abs=1e-10) and not by_symbol[~batch.target_mask].any()


@every_case
def test_a_sentence_is_encoded_as_by_itself(options):
    """Against PyTorch's layer that reads one sentence without padding, and so needs no mask."""
    model, lengths = make(options), [4, 1, 7, 3]
    batch = random_batch(lengths, [1, 1, 1, 1])
    memory = model.read(batch.source, batch.source_mask)
    for b, n in enumerate(lengths):
        with torch.no_grad():
            h, _ = model.encoder.rnn(model.encoder.embedding(torch.tensor(batch.source[:n, b])))
            np.testing.assert_allclose(memory.encoded[:n, b].detach(), h, atol=1e-12)
    assert not memory.encoded.detach().numpy()[~batch.source_mask].any()


@every_case
@pytest.mark.parametrize("more", [0, 5, 50])
def test_padding_never_matters(options, more):
    model = make(options)
    alone = random_batch([4], [3])
    bare, before = model.read(alone.source), model(alone).detach()
    loss = model.evaluate(alone)[0]
    for name in ("encoder.embedding", "decoder.embedding"):
        model.params[name][PAD] = 1e6
    batch = padded(alone, more, more)
    memory = model.read(batch.source, batch.source_mask)
    for one, other in zip((*memory.state, memory.context), (*bare.state, bare.context), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), atol=1e-12)
    np.testing.assert_allclose(model(batch).detach()[: len(before)], before, atol=1e-12)
    assert model.evaluate(batch)[0] == pytest.approx(loss, abs=1e-12)
    weights = model.decoder(torch.tensor(batch.target_in), memory).weights
    if weights is not None:
        assert not weights.detach().numpy()[..., 4:].any()  # exactly
        np.testing.assert_allclose(weights.detach().sum(dim=-1), 1, atol=1e-12)
    step = model.loss_and_gradients(batch)
    assert not step.gradients["encoder.embedding"][PAD].any()


@every_case
def test_an_empty_source_changes_nothing_for_the_others(options):
    model = make(options)
    two = random_batch([4, 2], [3, 5])
    x, x_mask, y_in, y_out, y_mask = two
    three = PairBatch(
        *(np.insert(a, 1, 0, axis=1) for a in (x, x_mask)),
        *(np.insert(a, 1, BOS, axis=1) for a in (y_in, y_out, y_mask)),
    )
    three.target_mask[:, 1] = 0  # its own loss apart, so that the gradients can be compared
    memory = model.read(three.source, three.source_mask)
    assert not any(part[1].detach().any() for part in (memory.context, *memory.state))
    decoded = model.decoder(torch.tensor(three.target_in), memory)
    if decoded.weights is not None:
        assert not decoded.weights[:, 1].detach().any() and not decoded.context[:, 1].detach().any()
    np.testing.assert_allclose(decoded.logits[:, [0, 2]].detach(), model(two).detach(), atol=1e-12)
    one, other = model.loss_and_gradients(three), model.loss_and_gradients(two)
    assert one.loss == pytest.approx(other.loss, abs=1e-12)
    for name, gradient in other.gradients.items():
        np.testing.assert_allclose(one.gradients[name], gradient, atol=1e-12, err_msg=name)
    model.params["encoder.embedding"][PAD] = np.nan  # even that is never looked at
    three.target_mask[:, 1] = 1
    assert all(np.isfinite(g).all() for g in model.loss_and_gradients(three).gradients.values())


@settings(deadline=None, max_examples=25)  # the machine may be busy
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5),
    st.sampled_from(CASES),
    st.integers(0, 7),
    st.integers(0, 9),
)
def test_in_any_batch_a_pair_is_as_by_itself_and_the_future_is_unknown(lengths, options, t, seed):
    model, batch = make(options), random_batch(*zip(*lengths, strict=True), seed=seed)
    logits = model(batch).detach().numpy()
    for b, (n, m) in enumerate(lengths):
        x, x_mask, y_in, y_out, y_mask = (a[:, b : b + 1] for a in batch)
        alone = PairBatch(x[: max(1, n)], x_mask[: max(1, n)], y_in[: m + 1], y_out[: m + 1], y_mask[: m + 1])
        np.testing.assert_allclose(logits[: m + 1, b], model(alone).detach().numpy()[:, 0], atol=1e-12)
    later = batch.target_in.copy()
    later[t + 1 :] = np.random.default_rng(seed).integers(0, V, later[t + 1 :].shape)
    changed = model(batch._replace(target_in=later)).detach().numpy()
    np.testing.assert_allclose(changed[: t + 1], logits[: t + 1], atol=1e-12)


@every_case
def test_gradients_agree_with_finite_differences(options):
    model, batch = make(options), random_batch([4, 1, 0, 3], [2, 4, 1, 3])
    gradients = model.loss_and_gradients(batch).gradients
    rng, eps = np.random.default_rng(0), 1e-6
    assert gradients.keys() == model.params.keys()
    for name, p in model.params.items():
        assert gradients[name].shape == p.shape
        for k in rng.choice(p.size, min(p.size, 6), replace=False):
            index = np.unravel_index(k, p.shape)
            kept, losses = p[index], []
            for nudge in (eps, -eps):
                p[index] = kept + nudge
                total, count = model.evaluate(batch)
                losses.append(total / count)
            p[index] = kept
            assert gradients[name][index] == pytest.approx((losses[0] - losses[1]) / (2 * eps), abs=1e-8), name


@every_case
def test_one_step_after_the_other_is_the_whole(options):
    model, batch = make(options), random_batch([4, 1, 7], [5, 5, 2])
    memory = model.read(batch.source, batch.source_mask)
    whole = model.decoder(torch.tensor(batch.target_in), memory)
    state = model.decoder.initial_state(memory)
    for t, y in enumerate(torch.tensor(batch.target_in)):
        kept = [part.clone() for part in state]
        decoded = model.decoder.step(y, state, memory)
        assert all(torch.equal(part, was) for part, was in zip(state, kept, strict=True))  # a step is pure
        state = decoded.state
        np.testing.assert_allclose(decoded.logits.detach(), whole.logits[t].detach(), atol=1e-12)
        np.testing.assert_allclose(state[0].detach(), whole.h[t].detach(), atol=1e-12)
        if whole.weights is not None:
            np.testing.assert_allclose(decoded.weights.detach(), whole.weights[t].detach(), atol=1e-12)


def test_a_model_is_drawn_from_its_generator_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    one = make(CASES[12])
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(1)
    for name, p in make(CASES[12]).params.items():
        np.testing.assert_array_equal(p, one.params[name])
    assert any((p != one.params[name]).any() for name, p in make(CASES[12], seed=1).params.items())


def test_parameters_are_views():
    model, batch = make(CASES[0]), random_batch([2], [2])
    before = model.evaluate(batch)
    for p in model.params.values():
        p += 0.1
    assert model.evaluate(batch) != before
    assert sum(p.size for p in model.params.values()) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "rnn"}, r"cell: expected one of \('gru', 'lstm'\), got 'rnn'"),
        ({"context": "mean"}, r"context: expected one of .*, got 'mean'"),
        ({"use": "all"}, r"use: expected one of .*, got 'all'"),
        ({"attention": "cosine"}, r"attention: expected one of .*, got 'cosine'"),
        ({"hidden_size": 5, "bidirectional": True}, r"hidden_size: expected an even number .*, got 5"),
        ({"dtype": np.int64}, r"dtype: expected float32 or float64, got int64"),
        ({"dropout": 1.0}, r"dropout: expected a rate in \[0, 1\), got 1.0"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(V, V, **{"hidden_size": 6, "embedding_size": 4, **options}, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda b: b._replace(source=b.source + V), ValueError, "source: expected 0 to 8, got"),
        (lambda b: b._replace(source=b.source[0]), ValueError, r"source: expected shape \(T, B\)"),
        (lambda b: b._replace(target_in=b.target_in * 1.0), TypeError, "target_in: expected integers, got float64"),
        (lambda b: b._replace(target_out=b.target_out[:-1]), ValueError, "target_out: expected the shape of target_in"),
        (
            lambda b: b._replace(source_mask=b.source_mask[::-1]),
            ValueError,
            "source_mask: expected the real symbols before",
        ),
        (lambda b: b._replace(source_mask=b.source_mask * 2), ValueError, "source_mask: expected 0 and 1 only, got 2"),
        (lambda b: b._replace(target_mask=b.target_mask * 0), ValueError, "target_mask: expected at least one valid"),
        (
            lambda b: b._replace(source=b.source[:, :1], source_mask=b.source_mask[:, :1]),
            ValueError,
            "target_in: expected as many",
        ),
        (lambda b: b[:3], TypeError, "batch: expected a PairBatch, got tuple"),
    ],
)
def test_batches_are_checked(change, kind, message):
    with pytest.raises(kind, match=message):
        make(CASES[0]).loss_and_gradients(change(random_batch([4, 1], [2, 3])))


def test_every_pair_of_options_occurs():
    known = {name: {case[name] for case in CASES} for name in CASES[0]}
    for one, other in itertools.combinations(("cell", "bidirectional", "context", "use"), 2):
        seen = {(case[one], case[other]) for case in CASES}
        assert seen == set(itertools.product(known[one], known[other])), (one, other)
