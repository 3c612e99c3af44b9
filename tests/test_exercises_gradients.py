"""Chapter 5's exercises: the solutions agree with others who compute the same, and more than one answer is right."""

import functools

import numpy as np
import pytest
from solved import Solved

from rnnlib import bptt
from rnnlib.cells import RNN
from rnnlib.training import clipping

T, B, D, H = 6, 3, 2, 4
solved = Solved("05_gradients")


@functools.cache
def run(batch: int = B) -> tuple[bptt.Trace, RNN, np.random.Generator]:
    rng = np.random.default_rng(3)
    cell = RNN(D, H, rng=rng)
    for p in cell.params.values():
        p[...] = rng.normal(size=p.shape) / 2
    return bptt.unroll(cell, rng.normal(size=(T, batch, D)), (rng.normal(size=(batch, H)) / 2,)), cell, rng


def all_states(trace: bptt.Trace) -> np.ndarray:
    return np.concatenate([trace.initial_state[0][np.newaxis], trace.h])


def test_the_jacobian_is_what_finite_differences_say():
    rng = np.random.default_rng(1)
    x, h_0, b_h = rng.normal(size=(T, D)), rng.normal(size=H) / 2, rng.normal(size=H)
    W_xh, W_hh = rng.normal(size=(D, H)), rng.normal(size=(H, H)) / 2
    forward = functools.partial(solved.names["states"], W_xh=W_xh, W_hh=W_hh, b_h=b_h)
    h = forward(x, h_0)
    for t in range(T):
        columns = [(forward(x[t:], h[t] + e)[-1] - forward(x[t:], h[t] - e)[-1]) / 2e-6 for e in 1e-6 * np.eye(H)]
        J, norm = solved.names["jacobian"](h, W_hh, t)
        np.testing.assert_allclose(J, np.stack(columns, axis=1), atol=1e-8)
        assert norm == pytest.approx(np.sqrt(np.linalg.eigvalsh(J.T @ J)[-1]))
        v = rng.normal(size=H)
        found = solved.names["sensitivity"](x[t:], h[t], W_xh, W_hh, b_h, v)
        np.testing.assert_allclose(found["product"], J @ v / np.linalg.norm(v))
        np.testing.assert_allclose(found["measured"], found["product"], atol=1e-8)


def test_the_bound_holds_in_every_run():
    trace, cell, _ = run()
    W_hh = cell.params["W_h"]
    for t in range(T):
        norm = solved.names["jacobian"](all_states(trace)[:, 0], W_hh, t)[1]
        assert norm <= solved.names["promise"](W_hh, "tanh", T - t, 0.1)["bound"] * (1 + 1e-12)
    for size in (0.3, 0.9, 0.99):
        found = solved.names["promise"](size * np.eye(3), "relu", 4, 0.01)
        assert size ** found["steps"] <= 0.01 < size ** (found["steps"] - 1)
        assert found["bound"] == pytest.approx(size**4)


@pytest.mark.parametrize("limit", [0.1, 1.0, 1000.0])
def test_clipping_is_the_librarys(limit):
    rng = np.random.default_rng(2)
    gradients = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    found = solved.names["clip"](gradients, limit)
    by_norm, by_value = ({name: g.copy() for name, g in gradients.items()} for _ in range(2))
    assert found["norm"] == pytest.approx(clipping.clip_by_norm(by_norm, limit))
    clipping.clip_by_value(by_value, limit)
    for name in gradients:
        np.testing.assert_allclose(found["by norm"][name], by_norm[name])
        np.testing.assert_allclose(found["by value"][name], by_value[name])


def test_the_flow_is_that_of_the_librarys_backward_pass():
    trace, cell, rng = run()
    dh = np.zeros((T, B, H))
    dh[-1] = rng.normal(size=(B, H))
    found = solved.names["flow"](trace.h, cell.params["W_h"], dh[-1])
    for k in range(T):  # the gradient for the state before a piece that begins after step T - k
        last = dh[-1] if k == 0 else bptt.backward(trace[T - k :], dh[T - k :]).state[0]
        norms = np.linalg.norm(last, axis=1) / np.linalg.norm(dh[-1], axis=1)
        np.testing.assert_allclose(found["flow"][k], norms)
        assert found["mean"][k] == pytest.approx(np.prod(norms) ** (1 / B))


def test_the_watchdog_without_bugs_is_the_librarys_backward_pass():
    trace, cell, rng = run(1)
    dh = np.zeros((T, 1, H))
    dh[-1] = rng.normal(size=(1, H))
    grads = bptt.backward(trace, dh)
    found = solved.names["watch"](all_states(trace)[:, 0], cell.params["W_h"], dh[-1, 0], 1e9)
    np.testing.assert_allclose(found["W_hh"], grads.params["W_h"])
    np.testing.assert_allclose(found["b_h"], grads.params["b"])
    assert found["norms"][0] == pytest.approx(np.linalg.norm(grads.state[0]))
    short = solved.names["watch"](all_states(trace)[:, 0], cell.params["W_h"], dh[-1, 0], 0.01)
    assert np.hypot(np.linalg.norm(short["W_hh"]), np.linalg.norm(short["b_h"])) == pytest.approx(0.01)


OTHERS = {  # right answers of another kind
    "gradients.3": """
def grows(n, k, factor):  # eigenvalues of both signs, far from each other
    W = np.diag(np.where(np.arange(n) % 2, -0.5, 0.9))
    W[0, -1 if n % 2 == 0 else -2] = 5 * factor / 0.9**k
    return W
""",
    "gradients.4": """
def fades(n, sigma, k):  # eigenvalues that are small but not zero
    W = 0.1 * np.eye(n)
    W[-1, 0] = sigma
    return 0.01 * np.eye(n) + np.triu(W.T, 1)
""",
    "gradients.8": """
def start(kind, A, radius):
    U, s, Vt = np.linalg.svd(A)
    if kind == "orthogonal":
        return radius * (U @ Vt)
    return radius * (np.eye(len(A)) if kind == "identity" else A / max(abs(np.linalg.eigvals(A))))
""",
    "gradients.10": """
def wave(peak, height):  # the block instead of the chain
    a = ((peak - 1) / peak + peak / (peak + 1)) / 2
    return np.array([[a, 10 * height / (peak * a ** (peak - 1))], [0, a]])
""",
    "gradients.2": """
def promise(W_hh, activation, k, share):
    gamma = 0.25 if activation == "sigmoid" else 1.0
    rate = gamma * np.sqrt(np.linalg.eigvalsh(W_hh.T @ W_hh).max())
    steps = None
    if rate < 1:
        steps = 0
        while rate**steps > share:
            steps += 1
    return {"gamma": gamma, "bound": np.float64(rate**k), "steps": steps}
""",
    "gradients.6": """
def sensitivity(x, h, W_xh, W_hh, b_h, v):  # a difference on one side, and matrices
    u, J = v / np.sqrt(v @ v), np.eye(len(h))
    run = lambda start: states(x, start, W_xh, W_hh, b_h)
    for s in run(h)[1:]:
        J = np.diag(1 - s * s) @ W_hh.T @ J
    measured = (run(h + 1e-6 * u)[-1] - run(h)[-1]) / 1e-6
    return {"measured": measured, "product": J @ u, "stretch": np.linalg.norm(J @ u)}
""",
}


def test_answers_of_another_kind_are_right_too():
    last = {cell.task: cell.id for cell in solved.exercise.answer_cells.values()}
    answers = solved.exercise.solutions | {last[key]: source for key, source in OTHERS.items()}
    tasks = solved.grade(answers)
    assert {key: outcome["verdict"] for key, outcome in tasks.items()} == dict.fromkeys(
        solved.exercise.tasks, "passed"
    ), tasks
