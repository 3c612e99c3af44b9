"""What the cells of a chapter print, assert and set: the numbers that its prose may state (see `numerals.py`)."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

NUMBER = r"(?:\d+(?:[,_]\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
PERCENT = r"\s*(?:%|per\s+cent\b|percent\b)"
TIMES = r"\s*(?:times\b|×(?!\s*\d)|x\b)"
LOOKS = (
    "xlim",
    "ylim",
    "xticks",
    "yticks",
    "linewidth",
    "markersize",
    "fontsize",
    "alpha",
)  # of a picture: no settings


@dataclass
class Shown:
    """What a chapter's cells print, assert and set."""

    printed: set[Fraction] = field(default_factory=set)
    percent: set[Fraction] = field(default_factory=set)  # as fractions: 36 % is 0.36
    times: set[Fraction] = field(default_factory=set)
    equal: set[Fraction] = field(default_factory=set)  # asserted
    limits: set[Fraction] = field(default_factory=set)
    intervals: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    settings: set[Fraction] = field(default_factory=set)


def number(text: str) -> Fraction:
    return Fraction(re.sub("[,_]", "", text))


def constant(node: ast.AST | None) -> Fraction | None:
    """The value of a literal, or of arithmetic on literals."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Fraction(repr(node.value)) if abs(node.value) < float("inf") else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = constant(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp):
        left, right = constant(node.left), constant(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Add | ast.Sub):
            return left + (right if isinstance(node.op, ast.Add) else -right)
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div) and right:
            return left / right
        if isinstance(node.op, ast.Pow) and right.denominator == 1 and abs(right) < 100 and left:
            return Fraction(left**right)
    return None


def literals(node: ast.AST) -> Iterator[Fraction]:
    """The numbers that stand for themselves in an expression: alone, in lists, tuples, dictionaries, sets, strings."""
    value = constant(node)
    if value is not None:
        yield value
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (
            number(n) / (100 if percent else 1) for n, percent in re.findall(rf"({NUMBER})({PERCENT})?", node.value)
        )
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for item in node.elts:
            yield from literals(item)
    elif isinstance(node, ast.Dict):
        for item in (*node.keys, *node.values):
            yield from literals(item) if item else ()


def factor(node: ast.AST) -> Fraction | None:
    """A limit: a number, or a number times something, as in ``x < 0.01 * len(strings)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        value = constant(node.left) if constant(node.left) is not None else constant(node.right)
        return value if constant(node) is None else constant(node)
    return constant(node)


def around(shown: Shown, center: ast.AST, tolerance: ast.AST | None) -> None:
    """``center`` ± ``tolerance``; equality where no tolerance is given."""
    width = constant(tolerance)
    for value in literals(center):
        if width is None:
            shown.equal.add(value)
        else:
            shown.intervals.append((value - width, value + width))


def compared(shown: Shown, node: ast.Compare, bounds: dict[str, list]) -> None:
    sides = [node.left, *node.comparators]
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(op, ast.Eq | ast.In):
            shown.equal.update(literals(left), literals(right))
        if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            continue
        small, large = (left, right) if isinstance(op, ast.Lt | ast.LtE) else (right, left)
        shown.limits.update(value for value in (factor(small), factor(large)) if value is not None)
        if isinstance(small, ast.Call) and getattr(small.func, "id", getattr(small.func, "attr", "")) == "abs":
            inner = small.args[0]
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
                around(shown, inner.right, large)
                around(shown, inner.left, large)
        for bound, expression, side in ((small, large, 0), (large, small, 1)):
            if constant(bound) is not None:
                bounds.setdefault(ast.unparse(expression), [[], []])[side].append(constant(bound))


def asserted(shown: Shown, tree: ast.AST) -> None:
    """Add what one statement asserts. Where it multiplies by 100, its numbers may be per cent."""
    outer, shown = shown, Shown()
    bounds: dict[str, list] = {}  # per expression: its lower and its upper bounds in this statement
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            compared(shown, node, bounds)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("isclose", "allclose", "assert_allclose", "assert_equal", "assert_array_equal", "approx"):
                options = {keyword.arg: keyword.value for keyword in node.keywords}
                for argument in node.args[:2]:
                    around(shown, argument, options.get("atol", options.get("abs_tol", options.get("abs"))))
    shown.intervals += [(max(low), min(high)) for low, high in bounds.values() if low and high]
    for scale in (1, 100) if "100 *" in ast.unparse(tree) else (1,):
        outer.equal.update(value / scale for value in shown.equal)
        outer.limits.update(value / scale for value in shown.limits)
        outer.intervals += [(low / scale, high / scale) for low, high in shown.intervals]


def read_source(shown: Shown, source: str) -> None:
    source = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            asserted(shown, node.test)
        elif isinstance(node, ast.Expr) and "assert_" in ast.unparse(node):
            asserted(shown, node)
        elif isinstance(node, ast.Assign):
            shown.settings.update(literals(node.value))
        elif isinstance(node, ast.For):
            shown.settings.update(literals(node.iter))
        elif isinstance(node, ast.keyword) and node.arg not in LOOKS:
            shown.settings.update(literals(node.value))
        elif isinstance(node, ast.FunctionDef):
            shown.settings.update(v for d in (*node.args.defaults, *node.args.kw_defaults) if d for v in literals(d))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") not in ("axes", "text", "annotate"):
            shown.settings.update(v for argument in node.args for v in literals(argument))


def read_output(shown: Shown, text: str) -> None:
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    in_percent = re.search(r"%|per cent|percent", text)
    for match in re.finditer(rf"(?<![\w.]){NUMBER}(?![\d])", text):
        value = number(match[0])
        shown.printed.add(value)
        if re.match(TIMES, text[match.end() :]):
            shown.times.add(value)
        if in_percent:
            shown.percent.add(value / 100)


def shown_by(cells: list[dict]) -> Shown:
    shown = Shown()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        read_source(shown, "".join(cell["source"]))
        for output in cell["outputs"]:
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            if output["output_type"] in ("stream", "execute_result", "display_data") and not str(text).startswith("<"):
                read_output(shown, "".join(text))
    return shown
