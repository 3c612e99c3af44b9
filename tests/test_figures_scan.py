"""ScanTree draws the tree of rnnlib.modern: its joints, its rounds, its counts."""

from collections.abc import Iterator

import numpy as np
import pytest
from figure_page import page_of, summary, told

from rnnlib.figures import ScanTree
from rnnlib.figures.base import bundle
from rnnlib.modern import scan_cost, tree

PAGE = """async ([source, most]) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const page = await import(url);
    const all = [];
    for (let T = 2; T <= most; T++) {
        const states = Array.from({ length: T }, (_, n) => n + 1);
        all.push({
            T, loop: page.cost(T, "loop"), tree: page.cost(T, "tree"), last: page.last(T), way: page.way(page.last(T)),
            rounds: states.map(page.roundOf), parts: states.map(page.partsOf), joints: page.joints(T),
            done: Array.from({ length: T }, (_, round) => [page.done(T, round, "loop"), page.done(T, round, "tree")]),
        });
    }
    return all;
}"""


@pytest.fixture(scope="module")
def blank(browser) -> Iterator:
    tab = browser.new_page()
    tab.goto("about:blank")
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def drawn(blank) -> list[dict]:
    return blank.evaluate(PAGE, [bundle("ScanTree"), 40])


class Step:
    """The joined steps `first` to `last`, or (from the first step on) a state, made after a number of rounds."""

    def __init__(self, first, last, made, parts=()):
        self.first, self.last, self.made, self.parts = first, last, made, parts

    def __mul__(self, other):  # a_t h_{t−1}, or a_t b_{t−1}, or a_t a_{t−1}: self comes after other
        assert other.last + 1 == self.first  # only neighbours are joined
        return Product(self, other)


class Product:
    def __init__(self, right, left):
        self.right, self.left = right, left

    def __add__(self, other):
        made = 1 + max(self.right.made, self.left.made)
        return Step(self.left.first, self.right.last, made, (self.left, self.right))


class Factor(Step):
    """The factor of joined steps; a product of two factors is one."""

    def __mul__(self, other):
        assert other.last + 1 == self.first
        if isinstance(other, Factor):
            return Factor(other.first, self.last, 1 + max(self.made, other.made), (other, self))
        return Product(self, other)


def states_of_the_library(T: int) -> list[Step]:
    """Run rnnlib.modern.tree on steps that note who is made of whom."""
    a, b = (np.array([kind(t, t, 0) for t in range(1, T + 1)], dtype=object) for kind in (Factor, Step))
    return list(tree(a, b))


def test_states_are_made_of_the_same_parts_in_the_same_round_as_in_the_library(drawn):
    for page in drawn:
        states = states_of_the_library(page["T"])
        assert [state.made for state in states] == page["rounds"]
        for t, (state, part) in enumerate(zip(states, page["parts"], strict=True), start=1):
            assert (state.first, state.last) == (1, t)
            if part["before"]:
                left, right = state.parts
                assert (left.last, right.first, right.last) == (part["before"], part["before"] + 1, t)
                assert right.made == part["level"]
            elif t > 1:  # two halves
                assert [step.last for step in state.parts] == [t // 2, t]


def test_the_drawn_joints_are_those_of_the_library(drawn):
    for page in drawn:
        found, ends = set(), states_of_the_library(page["T"])
        while ends:
            step = ends.pop()
            ends.extend(step.parts)
            if step.first > 1 and step.parts:
                found.add((step.last, step.made, step.last - step.first + 1))
        needed = {(j["t"], j["level"], 2 ** j["level"]) for j in page["joints"]}
        assert found <= needed
        assert len(needed) == len(page["joints"])
        unused = needed - found  # joints that no state asks for
        assert not unused


def test_counts_are_those_of_the_library(drawn):
    for page in drawn:
        for method in ("loop", "tree"):
            assert page[method] == scan_cost(page["T"], method)._asdict()


def test_states_that_are_there_after_a_round(drawn):
    for page in drawn:
        made = [state.made for state in states_of_the_library(page["T"])]
        for round_, (chain, joined) in enumerate(page["done"]):
            assert chain == min(page["T"], round_ + 1)
            assert joined == sum(m <= round_ for m in made)
        assert page["rounds"][page["last"] - 1] == max(made) == page["tree"]["depth"] // 2
        way = [int(key[1:]) for key in page["way"]]
        assert way[0] == page["last"] and way[-1] == 1
        assert [page["rounds"][t - 1] for t in way] == list(range(max(made), -1, -1))  # a round a step, to the first


def test_the_page_says_what_is_counted(browser, tmp_path):
    for steps, round_ in ((16, 6), (2, 0), (32, 31)):
        with page_of(browser, tmp_path, ScanTree(steps=steps, round=round_)) as tab:
            chain, joined = scan_cost(steps, "loop"), scan_cost(steps, "tree")
            said = summary(tab)
            assert f"{chain.operations} operations in {chain.depth // 2} rounds" in said
            assert f"the tree {joined.operations} in {joined.depth // 2}" in said
            assert f"After {round_} round" in told(tab)
    with page_of(browser, tmp_path, ScanTree()) as tab:
        assert told(tab) == "After 6 rounds the loop has 7 of 16 states, the tree all 16"


def test_the_text_without_scripts_has_the_right_counts():
    chain, joined = scan_cost(16, "loop"), scan_cost(16, "tree")
    assert f"{chain.depth // 2} rounds of a product and a sum and {chain.operations} operations" in ScanTree.fallback
    assert f"the tree {joined.depth // 2} rounds and {joined.operations} operations" in ScanTree.fallback


def test_limits_are_named():
    import traitlets

    with pytest.raises(traitlets.TraitError, match="steps"):
        ScanTree(steps=33)
