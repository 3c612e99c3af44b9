"""Answers that are alike after names and comments are taken away: a list of pairs to look at, and no verdict.

An answer becomes the sequence of kinds in its syntax tree: no names, no comments, no docstrings, no numbers, no
imports. From this every run of `RUN` kinds is taken. Runs that many in the class have, or that stand in what everybody
was given, say nothing: a short task has one natural answer. What is left is compared pair by pair, and a run that few
have counts more than one that some have.
"""

from __future__ import annotations

import ast
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from ..exercise import Exercise
from ..names import parsed
from ..text import line
from .layout import code, document, escape, wide_table
from .page import solution
from .scores import Row

PAGE = "similar.html"
RUN = 12  # kinds in a row: about one statement
COMMON, MOST = 0.2, 12  # of the class, and students at most: what more have than this is nobody's own
FEWEST = 12  # runs that two answers share, at least
SHOWN = 50  # pairs, at most


@dataclass(frozen=True)
class Pair:
    """Two students whose answers to a task are alike.

    Attributes
    ----------
    task, one, other : str
    share : float
        Of the weight of the smaller answer's own runs, how much the other has too.
    runs : int
        How many they share.
    """

    task: str
    one: str
    other: str
    share: float
    runs: int


def kinds(source: str) -> list[str]:
    """The kinds in a source's syntax tree, in the order in which it is read.

    Examples
    --------
    >>> kinds("def f(x):\\n    'Doc.'\\n    return x + 1  # one") == kinds("def g(y): return y + 2")
    True
    >>> kinds("a + b") == kinds("a - b")
    False
    """
    tree = parsed(source)
    return list(_kinds(tree)) if tree is not None else []


def _kinds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.expr_context | ast.Import | ast.ImportFrom | ast.Pass):
        return
    if isinstance(node, ast.Constant):
        yield type(node.value).__name__
        return
    if isinstance(node, ast.Attribute):  # methods are not the student's own names
        yield f".{node.attr}"
    elif not isinstance(node, ast.Load | ast.Store):
        yield type(node).__name__
    body = getattr(node, "body", None)
    for child in ast.iter_child_nodes(node):
        first = isinstance(body, list) and body and child is body[0]
        if first and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        yield from _kinds(child)


def runs(source: str) -> set[tuple[str, ...]]:
    """All runs of `RUN` kinds."""
    found = kinds(source)
    return {tuple(found[start : start + RUN]) for start in range(len(found) - RUN + 1)}


def pairs(answers: Mapping[str, str], given: Iterable[str] = (), task: str = "", least: float = 0.4) -> list[Pair]:
    """The pairs of a task that are alike, the most alike first.

    Parameters
    ----------
    answers : dict of str to str
        A student's source.
    given : iterable of str
        Sources that everybody may know or come to: the stub, what setup gave, the solution, known mistakes.
    least : float
        The share from which on a pair is named.
    """
    known = set().union(*map(runs, given))
    own = {who: found - known for who, source in answers.items() if (found := runs(source))}
    counts = Counter(run for found in own.values() for run in found)
    many = max(2.0, min(COMMON * len(answers), MOST))
    own = {who: {run for run in found if counts[run] <= many} for who, found in own.items()}
    weight = {run: math.log(1 + len(answers) / count) for run, count in counts.items()}
    holders = defaultdict(list)
    for who, found in own.items():
        for run in found:
            holders[run].append(who)
    shared: defaultdict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    for run, students in holders.items():
        for one, other in combinations(sorted(students), 2):
            shared[one, other].append(run)
    found_pairs = []
    for (one, other), common in shared.items():
        smaller = min(sum(weight[run] for run in own[who]) for who in (one, other))
        share = sum(weight[run] for run in common) / smaller
        if len(common) >= FEWEST and share >= least:
            found_pairs.append(Pair(task, one, other, min(share, 1.0), len(common)))
    return sorted(found_pairs, key=lambda pair: (-pair.share, -pair.runs, pair.one, pair.other))


def alike(rows: Iterable[Row], exercises: Mapping[str, Exercise], least: float = 0.4) -> list[Pair]:
    """The pairs of all tasks that the grader runs."""
    rows = list(rows)
    found = []
    for exercise in exercises.values():
        for task, this in exercise.tasks.items():
            answers = {
                row.student: row.tasks[task].code for row in rows if task in row.tasks and row.status == "graded"
            }
            shared = [cell.source for cell in exercise.cells if cell.role == "setup" or cell.task == task]
            shared += [solution(exercise, task), *(mistake.source for mistake in this.mistakes)]
            found += pairs(answers, shared, task, least)
    return found


def page(rows: list[Row], exercises: Mapping[str, Exercise], least: float = 0.4) -> str:
    """The report: students with the most tasks in common first, then each pair side by side."""
    found = alike(rows, exercises, least)
    by_student = {row.student: row for row in rows}
    together: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in found:
        together[pair.one, pair.other].append(pair)
    order = sorted(together.items(), key=lambda item: (-len(item[1]), -max(pair.share for pair in item[1]), item[0]))
    body = (
        "<p>These answers are alike after names, numbers and comments are taken away, in parts that few others have. "
        "That is no proof of anything: students talk, read the same pages, and take up the same hint. Read both before "
        "you speak to anybody.</p>\n"
    )
    if not order:
        return document("Similar answers", body + "<p>No two answers are alike in that way.</p>\n")
    rows_of_table = []
    for (one, other), mine in order[:SHOWN]:
        tasks = ", ".join(f"{pair.task} ({100 * pair.share:.0f}%)" for pair in mine)
        rows_of_table.append([_who(by_student[one]), _who(by_student[other]), escape(tasks)])
    body += wide_table(("Student", "And", "Tasks"), rows_of_table, "tasks")
    if len(order) > SHOWN:
        body += f'<p class="note">and {len(order) - SHOWN} more pairs.</p>\n'
    for pair in sorted(found, key=lambda pair: -pair.share)[:SHOWN]:
        sides = "".join(
            f"<div><h3>{_who(by_student[who])}</h3>\n{code(by_student[who].tasks[pair.task].code)}</div>\n"
            for who in (pair.one, pair.other)
        )
        body += f'<section>\n<h2>{escape(pair.task)}</h2>\n<div class="beside">\n{sides}</div>\n</section>\n'
    return document("Similar answers", body)


def _who(row: Row) -> str:
    return escape(line(f"{row.student} {row.name}".strip()))
