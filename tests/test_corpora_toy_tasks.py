"""The toy tasks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlib import corpora

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)  # the machine may be busy
@given(sizes, sizes, sizes, sizes, seeds)
def test_copy_memory_asks_for_the_letters_after_go(batch, length, delay, n_letters, seed):
    task = corpora.copy_memory(batch, length, delay, n_letters, rng=np.random.default_rng(seed))
    assert task.x.shape == task.y.shape == task.mask.shape == (2 * length + delay, batch)
    assert task.n_symbols == n_letters + 2
    for b in range(batch):
        go = int(np.flatnonzero(task.x[:, b] == n_letters + 1)[0])
        assert go - (length - 1) == delay
        letters = task.x[:length, b]
        assert letters.max() < n_letters
        assert (task.y[go + 1 :, b] == letters).all() and (task.y[: go + 1, b] == n_letters).all()
        assert (task.x[length:, b] >= n_letters).all()  # nothing but blanks and "go" to cheat from
        assert (task.mask[:, b] == (np.arange(len(task.x)) > go)).all()


@settings(deadline=None)  # the machine may be busy
@given(sizes, st.integers(1, 12), st.integers(0, 11), seeds)
def test_delayed_copy_repeats_the_input_later(batch, steps, delay, seed):
    rng = np.random.default_rng(seed)
    if delay >= steps:
        with pytest.raises(ValueError, match=f"delay: expected less than steps={steps}, .* got {delay}"):
            corpora.delayed_copy(batch, steps, delay, rng=rng)
        return
    task = corpora.delayed_copy(batch, steps, delay, n_letters=5, rng=rng)
    assert task.x.shape == (steps, batch)
    assert all((task.y[t] == task.x[t - delay]).all() for t in range(delay, steps))
    assert not task.mask[:delay].any() and task.mask[delay:].all()


@settings(deadline=None)  # the machine may be busy
@given(sizes, st.integers(2, 12), seeds)
def test_adding_marks_one_step_in_each_half(batch, steps, seed):
    task = corpora.adding(batch, steps, rng=np.random.default_rng(seed))
    values, marks = task.x[..., 0], task.x[..., 1]
    assert task.x.shape == (steps, batch, 2) and task.y.shape == (batch, 1)
    assert (marks[: steps // 2].sum(axis=0) == 1).all() and (marks[steps // 2 :].sum(axis=0) == 1).all()
    np.testing.assert_allclose(task.y[:, 0], (values * marks).sum(axis=0))


def test_without_memory_adding_costs_one_sixth():
    task = corpora.adding(200_000, 4, rng=np.random.default_rng(0))
    assert abs(np.mean((task.y - 1) ** 2) - 1 / 6) < 0.002


@settings(deadline=None)  # the machine may be busy
@given(sizes, st.integers(1, 12), st.floats(0.1, 10), st.floats(0, 1), seeds)
def test_marked_numbers_keep_to_their_size_and_begin_with_a_mark(batch, steps, size, share, seed):
    values, marks = corpora.marked_numbers(batch, steps, size=size, share=share, rng=np.random.default_rng(seed))
    assert values.shape == marks.shape == (steps, batch)
    assert np.abs(values).max() <= size and set(np.unique(marks)) <= {0, 1}
    assert (marks[0] == 1).all() and (share > 0 or not marks[1:].any()) and (share < 1 or marks.all())
    same = corpora.marked_numbers(batch, steps, rng=np.random.default_rng(seed))
    np.testing.assert_allclose(values, size * same.values)


def test_marked_numbers_are_uniform_and_a_tenth_of_them_is_marked():
    values, marks = corpora.marked_numbers(500, 401, size=0.5, rng=np.random.default_rng(0))
    assert abs(marks[1:].mean() - 0.1) < 0.002
    np.testing.assert_allclose(np.quantile(values, [0, 0.25, 0.5, 1]), [-0.5, -0.25, 0, 0.5], atol=0.005)
    assert abs(np.corrcoef(values.ravel(), marks.ravel())[0, 1]) < 0.01


def test_every_step_can_carry_a_marker():
    task = corpora.adding(2000, 5, rng=np.random.default_rng(0))
    assert (task.x[..., 1].sum(axis=1) > 0).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: corpora.adding(1, 1, rng=np.random.default_rng(0)), ValueError, "steps: expected at least 2, got 1"),
        (lambda: corpora.copy_memory(0, 1, 1, rng=np.random.default_rng(0)), ValueError, "batch: .* at least 1, got 0"),
        (
            lambda: corpora.delayed_copy(1, 2, -1, rng=np.random.default_rng(0)),
            ValueError,
            "delay: .* at least 0, got -1",
        ),
        (lambda: corpora.marked_numbers(1, 0, rng=np.random.default_rng(0)), ValueError, "steps: .* at least 1, got 0"),
        (
            lambda: corpora.marked_numbers(1, 2, size=-1, rng=np.random.default_rng(0)),
            ValueError,
            "size: expected a positive number, got -1",
        ),
        (
            lambda: corpora.marked_numbers(1, 2, share=1.5, rng=np.random.default_rng(0)),
            ValueError,
            "share: expected a number from 0 to 1, got 1.5",
        ),
        (lambda: corpora.adding(1, 2, rng=0), TypeError, "rng: expected a numpy.random.Generator, got int"),
    ],
)
def test_toy_tasks_name_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
