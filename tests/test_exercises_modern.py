"""Chapter 11: the exercises' solutions agree with the library and finite differences; more than one answer is right."""

import numpy as np
import pytest
from solved import Solved, slopes

from rnnlib.bptt import unroll
from rnnlib.modern import LRU, MinGRU, scan, tree

solved = Solved("11_modern_recurrence")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_one_step_for_all_steps_does_what_they_do(rng):
    a, b, h_0 = rng.uniform(-1, 1, size=(9, 3)), rng.normal(size=(9, 3)), rng.normal(size=3)
    one = solved.names["joined"](a, b)
    np.testing.assert_allclose(one["a"] * h_0 + one["b"], scan(a, b, h_0)[-1])
    best, h = solved.names["joined_best"](a, b), h_0
    for t in range(9):
        h = np.maximum(a[t] + h, b[t])
    np.testing.assert_allclose(np.maximum(best["a"] + h_0, best["b"]), h)


@pytest.mark.parametrize("T", [1, 2, 7, 16, 33])
def test_the_last_row_of_joints_has_the_states(T, rng):
    a, b = rng.uniform(-1, 1, T), rng.normal(size=T)
    found = solved.names["rows"](a, b)
    np.testing.assert_allclose(found[-1], tree(a, b), atol=1e-12)
    assert 2 ** (len(found) - 1) >= T > 2 ** (len(found) - 2)
    for k, row in enumerate(found):  # after k rows, the last 2^k steps from a state of 0
        for t in range(T):
            first = max(0, t + 1 - 2**k)
            np.testing.assert_allclose(row[t], scan(a[first : t + 1], b[first : t + 1])[-1], atol=1e-12)


def test_the_way_back_is_what_finite_differences_say(rng):
    a, b, dh, h_0 = (*rng.uniform(-1, 1, size=(3, 6, 2)), rng.normal(size=2))
    back = solved.names["way_back"](a, scan(a, b, h_0), dh, h_0)
    for name, array in {"a": a, "b": b, "h_0": h_0}.items():
        np.testing.assert_allclose(back[name], slopes(lambda: (scan(a, b, h_0) * dh).sum(), array), atol=1e-8)


def test_the_coefficients_are_those_of_the_librarys_min_gru(rng):
    layer, x, start = MinGRU(3, 4, rng=rng), rng.normal(size=(6, 2, 3)), rng.normal(size=(2, 4))
    layer.params["b"][...] = rng.normal(size=8)
    mask = np.arange(6)[:, None] < [6, 3]
    found = solved.names["coefficients"](x, **layer.params, mask=mask)
    np.testing.assert_allclose(scan(found["a"], found["b"], start), unroll(layer, x, (start,), mask).h, atol=1e-12)


def test_the_weights_by_hand_work_in_the_librarys_layer(rng):
    offices = "k1t0"
    w, layer = solved.names["by_hand"](offices), MinGRU(4, 1, rng=rng, negative=True)
    layer.params["W_x"][...] = np.stack([w["w_z"], w["w_n"]], axis=1)
    layer.params["b"][...] = w["b_z"], w["b_n"]
    letters, bit = rng.integers(4, size=500), 0
    h = unroll(layer, np.eye(4)[letters][:, None]).h[:, 0, 0]
    for state, letter in zip(h, letters, strict=True):
        bit = {"k": bit, "t": 1 - bit, "0": 0, "1": 1}[offices[letter]]
        assert abs(state - bit) < 1e-6


def test_half_lives_are_those_of_the_librarys_layer(rng):
    k, layer = np.array([2.0, 20.0, 500.0]), LRU(1, 3, rng=rng, eigenvalues="positive")
    found = solved.names["remember"](k)
    layer.params["nu"][...] = found["nu"]
    np.testing.assert_allclose(layer.eigenvalues(), found["radius"])
    np.testing.assert_allclose(layer.eigenvalues() ** k, 0.5)
    x = np.zeros((3, 1, 1))
    x[0] = 1
    np.testing.assert_allclose(unroll(layer, x).s[0, 0], found["gamma"] * layer.params["W_x"][0])


def test_the_state_says_what_the_sum_says(rng):
    q, k, v, f = *rng.normal(size=(3, 8, 4)), rng.uniform(0.5, 1, 8)
    wanted = np.zeros((8, 4))
    for t in range(8):
        for j in range(t + 1):
            wanted[t] += np.prod(f[j + 1 : t + 1]) * (q[t] @ k[j]) * v[j]
    np.testing.assert_allclose(solved.names["by_state"](q, k, v, f)["y"], wanted)


BIASES = """
def by_hand(offices):
    u = {"k": 60.0, "t": -100.0, "0": -20.0, "1": -20.0}  # a bias of 20 on top
    n = {"k": 7.0, "t": 1.5, "0": 1.0, "1": 2.0}  # and of -1
    return {"b_n": -1, "w_n": np.array([n[c] for c in offices]), "b_z": 20, "w_z": np.array([u[c] for c in offices])}
"""
PRODUCTS = """
def joined(a, b):
    h = np.zeros_like(b[0])
    for t in range(len(a)):
        h = a[t] * h + b[t]
    return {"b": h, "a": np.prod(a, axis=0)}
"""


def test_other_right_answers_are_right_and_a_part_has_its_points():
    tasks = solved.grade({"t6-answer": BIASES, "t1-answer": PRODUCTS})
    assert [tasks[f"modern.{n}"]["verdict"] for n in (6, 1)] == ["passed", "passed"], tasks
    source = solved.exercise.solutions["t4-answer"]
    partly = solved.grade({"t4-answer": source.replace("h_0[None]", "0 * h_0[None]")})["modern.4"]
    assert partly["verdict"] == "failed" and partly["share"] == pytest.approx(1 / 4), partly
