"""Chapter 7's exercises: the solutions agree with others who compute the same, and more than one answer is right."""

import functools

import numpy as np
import pytest
from solved import Solved, slopes

from rnnlib import bptt
from rnnlib.cells import LSTM

T, B, D, H = 5, 3, 2, 4
solved = Solved("07_lstm")


def random_lstm(**options) -> tuple[LSTM, np.random.Generator]:
    """A cell without a zero in it."""
    rng = np.random.default_rng(5)
    cell = LSTM(D, H, rng=rng, **options)
    for p in cell.params.values():
        p[...] = rng.normal(size=p.shape)
    return cell, rng


def visible(key: str, line: str | None = None):
    """What the solution answers in the visible case of a task, or in another."""
    source = solved.exercise.tasks[key].cases[0].source
    if line:
        source = "\n".join(line if old.endswith("# case") else old for old in source.splitlines())
    answers = []
    exec(source, solved.names | {"answer": lambda _, value: answers.append(value)})
    return answers[0]


def test_one_step_is_the_librarys():
    cell, rng = random_lstm()
    x, h, c = rng.normal(size=(B, D)), rng.normal(size=(B, H)), rng.normal(size=(B, H))
    found = solved.names["lstm_step"](x, h, c, **cell.params)
    np.testing.assert_allclose((found["h"], found["c"]), cell.step(x, (h, c)), rtol=1e-12)


def test_the_parts_of_a_cell_state_add_up_to_it():
    cell, rng = random_lstm()
    c_0 = rng.normal(size=(B, H))
    trace = bptt.unroll(cell, rng.normal(size=(T, B, D)), (rng.normal(size=(B, H)), c_0))
    found = solved.names["made_of"](*(trace.gates[gate] for gate in "ifg"), c_0)
    np.testing.assert_allclose(found.sum(axis=0), trace.c[-1], rtol=1e-12)
    np.testing.assert_allclose(found[0], trace.gates["f"].prod(axis=0) * c_0, rtol=1e-12)


def test_converted_weights_do_what_pytorchs_did():
    import torch

    module = torch.nn.LSTM(D, H, dtype=torch.float64)
    given = [p.detach().numpy() for p in module.parameters()]  # weight_ih, weight_hh, bias_ih, bias_hh
    x, h, c = (np.random.default_rng(1).normal(size=size) for size in [(B, D), (B, H), (B, H)])
    wanted = [s.detach().numpy()[0] for s in module(*(torch.tensor(x[None]), map_states(torch, h, c)))[1]]
    found = solved.names["lstm_step"](x, h, c, **solved.names["converted"](*given, "torch"))
    np.testing.assert_allclose((found["h"], found["c"]), wanted, rtol=1e-10)


def map_states(torch, *states):
    return tuple(torch.tensor(s[np.newaxis]) for s in states)


def test_converted_weights_are_what_the_library_reads_from_keras_order():
    rng = np.random.default_rng(2)
    blocks = {gate: (rng.normal(size=(D, H)), rng.normal(size=(H, H)), rng.normal(size=H)) for gate in "ifog"}
    ours, keras = (
        [np.concatenate([blocks[gate][part] for gate in order], axis=-1) for part in range(3)]
        for order in ("ifog", "ifgo")
    )
    found = solved.names["converted"](*keras, None, "keras")
    for name, array in zip(("W_x", "W_h", "b"), ours, strict=True):
        np.testing.assert_array_equal(found[name], array)


def test_one_step_back_is_what_finite_differences_say():
    cell, rng = random_lstm()
    x = rng.normal(size=(B, D))
    h, c, dh, dc = rng.normal(size=(4, B, H))
    step, params = solved.names["lstm_step"], cell.params

    def loss():
        out = step(x, h, c, **params)
        return (out["h"] * dh + out["c"] * dc).sum()

    out = step(x, h, c, **params)
    back = solved.names["step_back"](dh, dc, h, c, *(out[name] for name in ("c", "i", "f", "o", "g")), params["W_h"])
    a = np.concatenate([back[f"a_{gate}"] for gate in "ifog"], axis=1)
    np.testing.assert_allclose(a.sum(axis=0), slopes(loss, params["b"]), atol=1e-8)
    for name, array in {"h_prev": h, "c_prev": c, "W_h": params["W_h"]}.items():
        np.testing.assert_allclose(back[name], slopes(loss, array), atol=1e-8, err_msg=name)


def test_the_way_back_through_time_is_the_librarys_and_pytorchs():
    import torch

    cell, rng = random_lstm()
    x, h_0, c_0, dh = (rng.normal(size=size) for size in [(T, B, D), (B, H), (B, H), (T, B, H)])
    states = solved.names["lstm_states"](x, h_0, c_0, **cell.params)
    back = solved.names["lstm_back"](x, *states, dh, cell.params["W_x"], cell.params["W_h"])
    wanted = bptt.backward(bptt.unroll(cell, x, (h_0, c_0)), dh)
    for name, array in {**wanted.params, "x": wanted.x, "h_0": wanted.state[0], "c_0": wanted.state[1]}.items():
        np.testing.assert_allclose(back[name], array, rtol=1e-9, atol=1e-12, err_msg=name)
    leaves = {
        name: torch.tensor(a, requires_grad=True) for name, a in (cell.params | {"x": x, "h": h_0, "c": c_0}).items()
    }
    h, c, loss = leaves["h"], leaves["c"], 0
    for t in range(T):
        i, f, o, g = (leaves["x"][t] @ leaves["W_x"] + h @ leaves["W_h"] + leaves["b"]).split(H, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        loss = loss + (h * torch.tensor(dh[t])).sum()
    loss.backward()
    for ours, theirs in {"W_x": "W_x", "W_h": "W_h", "b": "b", "x": "x", "h_0": "h", "c_0": "c"}.items():
        np.testing.assert_allclose(back[ours], leaves[theirs].grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=ours)


def test_masks_with_holes_go_back_as_finite_differences_say():
    cell, rng = random_lstm()
    x, h_0, c_0, dh = (rng.normal(size=size) for size in [(T, B, D), (B, H), (B, H), (T, B, H)])
    mask = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=bool)
    forward = solved.names["masked_states"]
    back = solved.names["masked_back"](cell, x, mask, *forward(cell, x, mask, h_0, c_0), dh)
    for name, array in {**cell.params, "x": x, "h_0": h_0, "c_0": c_0}.items():
        wanted = slopes(lambda: (forward(cell, x, mask, h_0, c_0)[0][1:] * dh).sum(), array)
        np.testing.assert_allclose(back[name], wanted, atol=1e-8, err_msg=name)


def test_a_peepholes_gradient_is_what_finite_differences_say():
    cell, rng = random_lstm(peephole=True)
    u, h = rng.normal(size=(B, 4 * H)), rng.normal(size=(B, H))
    c_prev, dh, dc = rng.normal(size=(3, B, H))

    def run():
        return cell.forward(u, (h, c_prev))

    def loss():
        new_h, new_c = run()[0]
        return (new_h * dh + new_c * dc).sum()

    (_, c), gates = run()
    peepholes = [cell.params[name] for name in ("p_i", "p_f", "p_o")]
    back = solved.names["peephole_back"](dh, dc, c_prev, c, *gates, *peepholes)
    for name, array in {"p_i": peepholes[0], "p_f": peepholes[1], "p_o": peepholes[2], "c_prev": c_prev}.items():
        np.testing.assert_allclose(back[name], slopes(loss, array), atol=1e-8, err_msg=name)


def by_differences(backward, steps: int, zero: bool = False, last: bool = False) -> list[str]:
    """The gradients that finite differences contradict: another judge, other sizes, another seed."""
    rng = np.random.default_rng(11)
    sizes = {"x": (steps, 2, 3), "h_0": (2, 2), "c_0": (2, 2), "W_x": (3, 8), "W_h": (2, 8), "b": (8,)}
    inputs = {name: rng.normal(size=size) for name, size in sizes.items()}
    dh = rng.normal(size=(steps, 2, 2))
    for name in ("h_0", "c_0") if zero else ():
        inputs[name][...] = 0
    dh[:-1] *= not last
    given, wrong = backward(dh=dh, **inputs), []
    for name, array in inputs.items():
        wanted = slopes(lambda: (dh * solved.names["hidden_states"](**inputs)).sum(), array)
        gates = "ifog" if array.shape[-1] == 8 else [""]
        for gate, ours, theirs in zip(
            gates, *(np.split(a, len(gates), -1) for a in (given[name], wanted)), strict=True
        ):
            if not np.allclose(ours, theirs, atol=1e-7):
                wrong.append(("b_" if name == "b" else name) + gate)
    return sorted(wrong)


@pytest.mark.parametrize("number", range(4))
def test_what_a_check_reveals_does_not_depend_on_the_judge(number):
    task = solved.exercise.tasks["lstm.7"]
    line = [None, *(next(s for s in case.source.splitlines() if s.startswith("flaws =")) for case in task.cases[1:])][
        number
    ]
    scope = solved.names.copy()
    exec(line or "flaws = KNOWN", scope)
    for flaw in scope["flaws"].values():
        backward = scope["flawed"](*flaw)
        steps = next((n for n in range(1, 5) if by_differences(backward, n)), None)
        assert scope["revealed"](backward) == {
            "steps": steps,
            "wrong": " ".join(by_differences(backward, steps)) if steps else "",
            "from_zero": bool(steps and by_differences(backward, steps, zero=True)),
            "published": "W_hf" in by_differences(backward, 2, zero=True, last=True),
        }, flaw


def test_the_whole_gradient_is_that_of_a_cell_state_which_is_nudged():
    cell, rng = random_lstm()
    dc = rng.normal(size=(B, H))
    trace = bptt.unroll(cell, rng.normal(size=(T, B, D)), (rng.normal(size=(B, H)), rng.normal(size=(B, H))))
    found = solved.names["direct_and_rest"](trace, dc)
    for t in range(1, T):
        c = trace.c[t - 1].copy()

        def loss(t=t, c=c):
            h = trace.gates["o"][t - 1] * np.tanh(c)
            return (bptt.unroll(cell, trace.x[t:], (h, c)).c[-1] * dc).sum()

        np.testing.assert_allclose(found["whole"][t], slopes(loss, c), atol=1e-8)
    np.testing.assert_allclose(found["direct"][0], dc * trace.gates["f"].prod(axis=0), rtol=1e-12)


def test_the_shares_are_those_that_the_explanation_tells():
    share = visible("lstm.9")["share"]
    assert [f"{share[-1 - back]:.2f}" for back in (1, 6)] == ["0.18", "0.29"]
    share = visible("lstm.9", "seed, T, B, D, H, scale = 1, 6, 1, 3, 2, 1.0")["share"]
    assert [f"{share[-1 - back]:.2f}" for back in (1, 4)] == ["0.11", "0.91"]


def test_the_products_are_counted_as_the_explanation_says():
    line = 'seed, steps, row, column, product = 0, 3, 1, 1, {"W_hf": 1}'
    found = visible("lstm.10", line)
    assert found["counts"] == [1, 3, 9]
    values = solved.names["numbers"](np.random.default_rng(0), 2)
    entry = solved.names["entry_of"](2, 1, 1)
    whole = solved.names["reading"](entry, {"W_hf": 1}, values)
    v = values
    by_hand = v["f_1"] * v["o_1"] * (1 - v["k_1"] ** 2) * v["f_2"] * (1 - v["f_2"]) * v["c_1"]
    assert whole["coefficient"] == pytest.approx(by_hand)
    assert whole["parts"][0] == pytest.approx(v["f_1"] * v["f_2"])
    assert sum(whole["parts"]) == pytest.approx(float(entry.subs(values)))


COUNTER = """
def quotation_keeper():
    W_x, W_h, b = np.zeros((2, 12)), np.zeros((3, 12)), np.zeros(12)
    b[0], W_x[0, 0] = -13, 19  # i of unit 0
    b[3], b[6] = 13, 11  # f and o: always open, so what is written is added
    b[9], W_h[0, 9] = 4, -11  # its candidate: +1 if nothing is open, -1 if something is
    W_h[1, 10], W_x[1, 11] = 2, 1  # the others do what they like
    return {"b": b, "W_h": W_h, "W_x": W_x.tolist()}
"""
TWO_PARTS = """
def step_back(dh, dc, h_prev, c_prev, c, i, f, o, g, W_h):
    total = dc + dh * o * (1 - np.tanh(c) ** 2)
    return {"a_o": dh * np.tanh(c) * o * (1 - o), "c_prev": f * total}
"""
WAY_OF_C = "c_later = dC * f", "c_later = 0 * f"


@functools.cache
def verdicts() -> list[dict[str, dict]]:
    """Two notebooks, each with an answer to three tasks."""
    source = solved.exercise.solutions["t5-answer"]
    assert WAY_OF_C[0] in source
    notebooks = [
        {"t11-answer": COUNTER, "t4-answer": TWO_PARTS, "t5-answer": source.replace(*WAY_OF_C)},
        {"t11-answer": COUNTER.replace("b[3], b[6] = 13", "b[3], b[6] = 4"), "t5-answer": source},
    ]
    return [solved.grade(answers) for answers in notebooks]


def test_every_lstm_that_knows_what_is_open_is_right():
    assert [tasks["lstm.11"]["verdict"] for tasks in verdicts()] == ["passed", "failed"]


def test_each_part_of_a_backward_pass_has_its_points():
    two, without = verdicts()[0]["lstm.4"], verdicts()[0]["lstm.5"]
    assert two["verdict"] == "error" and two["share"] == pytest.approx(2 / 8), two
    assert without["verdict"] == "failed" and without.get("share", 0) == 0, without
    assert "own way back is missing" in without["message"]
    assert verdicts()[1]["lstm.5"]["verdict"] == "passed"
