"""Chapter 6's exercises: the solutions agree with others who compute the same, and more than one answer is right."""

import functools

import numpy as np
import pytest
from solved import Solved, slopes

from rnnlib import bptt
from rnnlib.cells import GRU

B, D, H = 3, 2, 4
both_forms = pytest.mark.parametrize("reset_after", [False, True])
solved = Solved("06_gru")


def random_gru(reset_after: bool = False) -> tuple[GRU, np.random.Generator]:
    """A cell without a zero in it."""
    rng = np.random.default_rng(5)
    cell = GRU(D, H, rng=rng, reset_after=reset_after)
    for p in cell.params.values():
        p[...] = rng.normal(size=p.shape)
    return cell, rng


@both_forms
def test_one_step_is_the_librarys(reset_after):
    cell, rng = random_gru(reset_after)
    x, h = rng.normal(size=(B, D)), rng.normal(size=(B, H))
    step = solved.names["gru_step_after" if reset_after else "gru_step"]
    np.testing.assert_allclose(step(x, h, **cell.params)["h"], cell.step(x, (h,))[0], rtol=1e-12)


@both_forms
def test_one_step_back_is_what_finite_differences_say(reset_after):
    cell, rng = random_gru(reset_after)
    x, h, dh = rng.normal(size=(B, D)), rng.normal(size=(B, H)), rng.normal(size=(B, H))
    step = solved.names["gru_step_after" if reset_after else "gru_step"]
    out = step(x, h, **cell.params)
    wanted = {
        "h_prev": slopes(lambda: (step(x, h, **cell.params)["h"] * dh).sum(), h),
        **{name: slopes(lambda: (step(x, h, **cell.params)["h"] * dh).sum(), p) for name, p in cell.params.items()},
    }
    back = solved.names["back_before"](dh, h, *(out[name] for name in "rzn"), cell.params["W_h"])
    if reset_after:
        values = [out[name] for name in "rzs"]
        back |= solved.names["back_after"](dh, h, *values, back["a_n"], back["a_z"], cell.params["W_h"])
        np.testing.assert_allclose(back["b_n"], wanted["b_n"], atol=1e-8)
    given = np.concatenate([back[name] for name in ("a_r", "a_z", "a_n")], axis=1)
    np.testing.assert_allclose(given.sum(axis=0), wanted["b"], atol=1e-8)
    np.testing.assert_allclose(back["h_prev"], wanted["h_prev"], atol=1e-8)
    np.testing.assert_allclose(back["W_h"], wanted["W_h"], atol=1e-8)


def test_masks_with_holes_go_back_as_finite_differences_say():
    cell, rng = random_gru()
    x, h_0, dh = rng.normal(size=(5, B, D)), rng.normal(size=(B, H)), rng.normal(size=(5, B, H))
    mask = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    forward = solved.names["masked_states"]
    back = solved.names["masked_back"](cell, x, mask, *forward(cell, x, mask, h_0), dh)
    for name, array in {**cell.params, "x": x, "h_0": h_0}.items():
        wanted = slopes(lambda: (forward(cell, x, mask, h_0)[0][1:] * dh).sum(), array)
        np.testing.assert_allclose(back[name], wanted, atol=1e-8, err_msg=name)


def test_the_repaired_gru_is_the_librarys():
    cell, rng = random_gru()
    x, h_0 = rng.normal(size=(5, B, D)), rng.normal(size=(B, H))
    np.testing.assert_allclose(solved.names["gru_states"](x, h_0, **cell.params), bptt.unroll(cell, x, (h_0,)).h)


@pytest.mark.parametrize("order", ["rzn", "zrn", "nzr"])
@pytest.mark.parametrize("z_keeps", [True, False])
def test_converted_weights_do_what_pytorchs_did(order, z_keeps):
    import torch

    module = torch.nn.GRU(D, H, dtype=torch.float64)
    _, rng = random_gru()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(rng.normal(size=p.shape)))
    x, h = rng.normal(size=(1, B, D)), rng.normal(size=(1, B, H))
    wanted = module(torch.tensor(x), torch.tensor(h))[0].detach().numpy()[0]
    given = []
    for p in module.parameters():  # weight_ih, weight_hh, bias_ih, bias_hh
        block = dict(zip("rzn", np.split(p.detach().numpy(), 3), strict=True))
        block["z"] = block["z"] if z_keeps else -block["z"]
        given.append(np.concatenate([block[gate] for gate in order]))
    params = solved.names["converted"](*given, order, z_keeps)
    np.testing.assert_allclose(solved.names["gru_step_after"](x[0], h[0], **params)["h"], wanted, rtol=1e-10)


@both_forms
def test_parameters_are_counted_as_the_library_has_them(reset_after):
    cell, _ = random_gru(reset_after)
    size = sum(p.size for p in cell.params.values()) + H * 7 + 7
    assert solved.names["widest"](size, D, 7, reset_after) == {"hidden_size": H, "parameters": size}
    assert solved.names["widest"](size - 1, D, 7, reset_after)["hidden_size"] == H - 1


THREE_UNITS = """
def bit_keeper():
    W_x, W_h, b = np.zeros((2, 9)), np.zeros((3, 9)), np.zeros(9)
    b[3], W_x[1, 3] = 11, -18  # z of unit 0
    W_x[0, 6], W_h[0, 6], b[0] = 8, 3, -20  # its candidate would see the old state, but r is 0
    W_h[1, 7], W_x[0, 8] = 2, 1  # the others do what they like
    return {"b": b, "W_h": W_h, "W_x": W_x.tolist()}
"""
TWO_PARTS = """
def back_before(dh, h_prev, r, z, n, W_h):
    return {"a_n": dh * (1 - z) * (1 - n**2), "a_z": dh * (h_prev - n) * z * (1 - z)}
"""
NO_STRAIGHT_WAY = "dh * z + ds * r", "ds * r"


@functools.cache
def verdicts() -> list[dict[str, dict]]:
    """Two notebooks, each with an answer to both tasks."""
    straight, without = NO_STRAIGHT_WAY
    source = solved.exercise.solutions["t7-answer"]
    assert straight in source
    notebooks = [
        {"t10-answer": THREE_UNITS, "t7-answer": TWO_PARTS},
        {"t10-answer": THREE_UNITS.replace("11, -18", "4, -18"), "t7-answer": source.replace(straight, without)},
    ]
    return [solved.grade(answers) for answers in notebooks]


def test_every_gru_that_holds_the_bit_is_right():
    assert [tasks["gru.10"]["verdict"] for tasks in verdicts()] == ["passed", "failed"]


def test_each_part_of_a_backward_pass_has_its_points():
    two, most = (tasks["gru.7"] for tasks in verdicts())
    assert two["verdict"] == "error" and two["share"] == pytest.approx(2 / 6), two
    assert most["verdict"] == "failed" and most["share"] == pytest.approx(4 / 6), most
