"""Answers that were copied and disguised are told from answers that are alike because the task is."""

import ast
import random

import pytest
from submissions import demo, desk

from rnnlib.grading.cli import main
from rnnlib.grading.desk.similar import pairs

OPERATORS = ["+", "-", "*", "/", "//", "%"]


def program(seed: int) -> str:
    """A function that nobody else would write so: 12 statements of random kinds."""
    rng = random.Random(seed)
    lines = ["def f(x, h):"]
    for number in range(12):
        a, b = rng.choice(["x", "h", "x[0]", "len(h)", "abs(x)"]), rng.choice(["h", "2", "h[1:]", "sum(x)"])
        shape = rng.choice([
            f"v{number} = {a} {rng.choice(OPERATORS)} {b}",
            f"v{number} = [{a} {rng.choice(OPERATORS)} i for i in range(3) if i > {b}]",
            f"if {a} > {b}:\n        x = {b} {rng.choice(OPERATORS)} {a}",
            f"while {a} < {b}:\n        h = ({a}, {b})",
            f"v{number} = lambda u: u {rng.choice(OPERATORS)} {a}",
            f"assert {a} == {b}, 'not so'",
        ])  # fmt: skip
        lines.append("    " + shape)
    return "\n".join([*lines, "    return x"])


class Renamed(ast.NodeTransformer):
    """Other names, other numbers."""

    def visit_Name(self, node):
        return ast.copy_location(ast.Name(f"my_{node.id}", node.ctx), node)

    def visit_arg(self, node):
        return ast.arg(f"my_{node.arg}")

    def visit_Constant(self, node):
        return ast.Constant(node.value + 7) if isinstance(node.value, int) else node


def disguised(source: str) -> str:
    text = ast.unparse(Renamed().visit(ast.parse(source)))
    first, *rest = text.splitlines()
    lines = ["import numpy as np", "# all my own work", first.replace("def f", "def solve"), '    """Mine."""']
    return "\n".join([*lines, *(f"{line}  # of course" for line in rest)])


@pytest.mark.parametrize("seed", range(5))
def test_a_disguised_copy_is_found_and_nobody_else(seed):
    answers = {f"s{n}": program(100 * seed + n) for n in range(60)}
    answers["copy"] = disguised(answers["s17"])
    [found] = pairs(answers)
    assert {found.one, found.other} == {"copy", "s17"} and found.share > 0.95


def test_half_a_copy_is_found_too():
    answers = {f"s{n}": program(n) for n in range(30)}
    mine, other = (ast.parse(source) for source in (answers["s3"], program(999)))
    mine.body[0].body[7:] = other.body[0].body[-6:]
    answers["half"] = ast.unparse(mine)
    assert [(pair.one, pair.other) for pair in pairs(answers)] == [("half", "s3")]


def test_two_of_a_small_class_may_have_copied_and_three_have_what_is_natural():
    others = {f"s{n}": program(n) for n in range(3)}
    two = {**others, "a": program(9), "b": disguised(program(9))}
    assert [(pair.one, pair.other) for pair in pairs(two)] == [("a", "b")]
    assert pairs({**two, "c": program(9)}) == []


def test_what_everybody_was_given_or_most_have_says_nothing():
    same = program(1)
    assert pairs({f"s{n}": same for n in range(10)}) == [], "ten of ten"
    assert pairs({"a": same, "b": same}, given=[disguised(same)]) == []
    short = {f"s{n}": "def f(h, dh):\n    return dh * (1 - h**2)" for n in range(2)}
    assert pairs(short) == [], "too short to be anybody's own"
    assert pairs({"a": "def (", "b": "def (", "c": ""}) == []


def test_the_report_shows_both_and_gives_no_verdict(tmp_path, monkeypatch):
    desk.use(monkeypatch)
    solution = demo.write(tmp_path / "solutions" / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(solution), "--out", str(tmp_path / "exercises")]) == 0
    right = demo.exercise().solutions
    for number in range(12):
        source = right["step"] if number < 8 else program(number).replace("def f", "def step")
        demo.write(tmp_path / "class" / f"s{number}.ipynb", demo.filled(demo.student(), {**right, "step": source}))
    copy = disguised(program(9)).replace("solve", "step") + "  # <b>"
    demo.write(tmp_path / "class" / "t.ipynb", demo.filled(demo.student(), {**right, "step": copy}))
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solution.parent)]
    assert main([*command, "--similar"]) == 0
    page = (tmp_path / "out" / "similar.html").read_text(encoding="utf8")
    assert page.count("<section>") == 1 and "demo.1" in page and "s9.ipynb" in page and "t.ipynb" in page
    assert "all my own work" in page and "&lt;b&gt;" in page and "no proof of anything" in page
    assert "s8.ipynb" not in page and "demo.2" not in page
    scores = (tmp_path / "out" / "scores.json").read_text()
    assert main(command) == 0
    assert not (tmp_path / "out" / "similar.html").exists()
    assert (tmp_path / "out" / "scores.json").read_text() == scores, "it is no part of the table"
