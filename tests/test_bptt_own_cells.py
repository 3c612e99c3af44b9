"""What a cell of one's own must keep to, and what it is told."""

import numpy as np
import pytest
from cell_kinds import CELLS, make, normal_state

from rnnlib.bptt import backward, gradient_check, jacobians, step_jacobians, unroll
from rnnlib.cells import RNN


@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_a_step_changes_none_of_its_arguments_and_equals_itself(kind, options):
    cell = make(kind, options, 3, 4)
    rng = np.random.default_rng(0)
    u, before, dstate = (
        rng.normal(size=(2, 4 * len(cell.gates))),
        normal_state(cell, 2, rng),
        normal_state(cell, 2, rng),
    )
    given_ = [u, *before, *dstate, *cell.params.values()]
    kept = [a.copy() for a in given_]
    for a in given_:
        a.flags.writeable = False
    after, gates = cell.forward(u, before)
    da, dprev = cell.backward(dstate, before, after, gates)
    assert da.shape == u.shape and [d.shape for d in dprev] == [s.shape for s in before]
    again, _ = cell.forward(u, before)
    for s, e in zip((*after, *given_), (*again, *kept), strict=True):
        np.testing.assert_array_equal(s, e)


def test_a_cell_of_ones_own_that_returns_a_strange_state_is_told_so():
    class Strange(RNN):
        def forward(self, u, state):
            return (state[0][:, :1],), state

    with pytest.raises(ValueError, match=r"Strange.forward: .* \(1, 3\) float64, got \(1, 1\) float64"):
        unroll(make(Strange, {}, 2, 3), np.ones((3, 1, 2)))


class Slow(RNN):
    """A cell with three parts of a state: h, and two that follow it slowly."""

    states = ("h", "slow", "slower")

    def forward(self, u, state):
        h, slow, slower = state
        h = np.tanh(u + (h + slower) @ self.params["W_h"])
        return (h, 0.9 * slow + 0.1 * h, 0.8 * slower + 0.2 * slow), (h,)

    def backward(self, dstate, before, after, gates):
        dh, dslow, dslower = dstate
        da = (dh + 0.1 * dslow) * (1 - after[0] ** 2)
        back = da @ self.params["W_h"].T
        return da, (back, 0.9 * dslow + 0.2 * dslower, back + 0.8 * dslower)

    def parameter_gradients(self, before, after, gates, da, dstate):
        seen = before[0] + before[2]
        return {"W_h": np.einsum("tbh,tbg->hg", seen, da)}


def test_a_cell_with_three_parts_of_a_state_has_gradients_and_jacobians():
    rng = np.random.default_rng(0)
    cell = make(Slow, {}, 2, 3)
    x = rng.normal(size=(5, 2, 2))
    assert max(gradient_check(cell, x, mask=np.array([[1, 0]] + 4 * [[1, 1]]), rng=rng).values()) < 1e-7
    trace = unroll(cell, x)
    J, steps = jacobians(trace), step_jacobians(trace)
    assert J.shape == steps.shape == (5, 9, 9)
    np.testing.assert_allclose(J[2], steps[4] @ steps[3], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"forward": lambda self, u, state: (state, u)}, r"forward: expected two tuples"),
        ({"forward": lambda self, u, state: (state, ())}, r"forward: expected gates \('h',\)"),
        ({"forward": lambda self, u, state: (tuple(s.astype("f4") for s in state), state)}, r"forward: .* float32"),
        ({"backward": lambda self, d, b, a, g: (d[0][:, :1], d)}, r"backward: expected da of shape \(2, 3\)"),
        ({"backward": lambda self, d, b, a, g: (d[0], d[0])}, r"backward: expected a tuple dstate"),
        ({"parameter_gradients": lambda self, *rest: {}}, r"parameter_gradients: .* \['W_h'\]"),
    ],
)
def test_slips_in_a_cell_of_ones_own_are_named(change, words):
    cell = make(type("Mine", (RNN,), change), {}, 2, 3)
    with pytest.raises((TypeError, ValueError), match=f"Mine.{words}"):
        backward(unroll(cell, np.ones((3, 2, 2))), np.ones((3, 2, 3)))
