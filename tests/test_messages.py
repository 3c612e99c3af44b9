"""One wording for what was wrong with an argument: ``name: expected …, got …``."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rnnlib"
ELSEWHERE = {"grading", "figures"}  # a grader's and a figure's messages are read by others
FILES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] not in ELSEWHERE]


def messages(path: Path) -> list[tuple[int, str]]:
    """Line and text of every ValueError and TypeError that a module raises; ``{}`` where a value is put in."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        if getattr(node.exc.func, "id", "") not in ("ValueError", "TypeError"):
            continue
        (text,) = node.exc.args
        if isinstance(text, ast.Constant):
            found.append((node.lineno, text.value))
        elif isinstance(text, ast.JoinedStr):
            found.append((node.lineno, "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in text.values)))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_messages_say_what_was_expected_and_what_was_given(path):
    strange = [(line, text) for line, text in messages(path) if ": expected " not in text or " got " not in text]
    assert strange == []


def test_the_walk_finds_messages():
    assert sum(len(messages(path)) for path in FILES) > 60
