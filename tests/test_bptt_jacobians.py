"""Jacobians and the flow of gradients."""

import numpy as np
import pytest
import torch
from cell_kinds import CELLS, make

from rnnlib.bptt import geometric_mean, gradient_flow, jacobian_norms, jacobians, step_jacobians, unroll
from rnnlib.cells import GRU, LSTM, RNN


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_jacobians_equal_autograd_and_the_product_of_steps(kind, options, reverse):
    rng = np.random.default_rng(0)
    cell = make(kind, options, 2, 3)
    x, T = rng.normal(size=(5, 2, 2)), 5
    trace = unroll(cell, x, reverse=reverse)
    J, steps = jacobians(trace, sequence=1), step_jacobians(trace, sequence=1)
    order = list(reversed(range(T))) if reverse else list(range(T))
    parts = [trace.h] if kind is not LSTM else [trace.h, trace.c]
    for m in range(T - 1):
        start = tuple(p[order[m]] for p in parts)

        def rest(*flat, first=m):
            from reference import reference_step

            state = tuple(s.reshape(1, -1) for s in flat)
            params = {name: torch.tensor(p) for name, p in cell.params.items()}
            for t in order[first + 1 :]:
                state = reference_step(cell, params, torch.tensor(x[t, 1:2]), state, None)
            return torch.cat([s[0] for s in state])

        blocks = torch.autograd.functional.jacobian(rest, tuple(torch.tensor(s[1]) for s in start))
        np.testing.assert_allclose(J[order[m]], torch.cat(blocks, dim=1).numpy(), atol=1e-12)
        np.testing.assert_allclose(J[order[m]], J[order[m + 1]] @ steps[order[m + 1]], atol=1e-12)
    np.testing.assert_array_equal(J[order[-1]], np.eye(J.shape[1]))
    np.testing.assert_allclose(jacobian_norms(trace, 1), [np.linalg.norm(j, 2) for j in J], rtol=1e-12)


def test_a_masked_step_has_the_identity_as_jacobian():
    trace = unroll(make(GRU, {}, 2, 3), np.ones((4, 1, 2)), mask=np.array([[1], [1], [0], [0]]))
    np.testing.assert_array_equal(step_jacobians(trace)[2], np.eye(3))
    with pytest.raises(IndexError, match="sequence: the batch has 1"):
        jacobians(trace, 1)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_gradient_flow_is_the_last_loss_sent_through_the_jacobians(kind, options, reverse):
    """∂L_T/∂s_{T−k} = (∂L_T/∂h_T, 0) J for each sequence alone, with J from autograd's product above."""
    rng = np.random.default_rng(0)
    T, B, H = 6, 3, 4
    trace = unroll(make(kind, options, 2, H), rng.normal(size=(T, B, 2)), reverse=reverse)
    dh_last = rng.normal(size=(B, H))
    for part, entries in {"h": slice(0, H), "c": slice(H, None)}.items():
        if part in trace.cell.states:
            flow = gradient_flow(trace, dh_last, part)
            for b in range(B):
                rows = jacobians(trace, b)[:, :H, entries] if reverse else jacobians(trace, b)[::-1, :H, entries]
                expected = np.linalg.norm(np.einsum("i,kij->kj", dh_last[b], rows), axis=-1)
                np.testing.assert_allclose(flow[:, b], expected / np.linalg.norm(dh_last[b]), atol=1e-12)


def test_gradient_flow_does_not_depend_on_the_scale_of_the_loss():
    rng = np.random.default_rng(0)
    trace, dh = unroll(make(RNN, {}, 2, 3), rng.normal(size=(5, 2, 2))), rng.normal(size=(2, 3))
    np.testing.assert_allclose(gradient_flow(trace, 1e-6 * dh), gradient_flow(trace, dh), rtol=1e-12)


def test_gradient_flow_refuses_what_has_no_flow():
    x, dh = np.ones((4, 2, 2)), np.ones((2, 3))
    trace = unroll(make(RNN, {}, 2, 3), x)
    with pytest.raises(ValueError, match="trace: expected one without a mask"):
        gradient_flow(unroll(make(RNN, {}, 2, 3), x, mask=np.ones((4, 2))), dh)
    with pytest.raises(ValueError, match="part: expected one of h, got 'c'"):
        gradient_flow(trace, dh, "c")
    with pytest.raises(ValueError, match="dh_last: expected a gradient for each sequence, got zeros in sequence 1"):
        gradient_flow(trace, np.array([[1.0, 0, 0], [0, 0, 0]]))
    with pytest.raises(ValueError, match="dh_last: expected shape"):
        gradient_flow(trace, dh[0])


def test_geometric_mean_is_the_root_of_the_product():
    values = np.random.default_rng(0).uniform(0.1, 3, size=(5, 4))
    np.testing.assert_allclose(geometric_mean(values, axis=0), values.prod(axis=0) ** (1 / 5))
    assert geometric_mean([0.0, 1e300]) == 0
    with pytest.raises(ValueError, match="values: expected none below 0, got -1"):
        geometric_mean([1.0, -1.0])
