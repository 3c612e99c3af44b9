"""What the README shows, runs."""

import re
from pathlib import Path

import numpy as np

from rnnlib import figures
from rnnlib.grading.release import load

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def test_the_examples_run_one_after_the_other(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict = {}
    for block in blocks:
        shorter = block.replace("max_steps=1000", "max_steps=150")
        assert "max_steps" not in block or shorter != block
        exec(compile(shorter, str(README), "exec"), names)
    bits, text = capsys.readouterr().out.split("\n", 1)
    assert 2 < float(bits) < 4.5 and text.startswith("The ") and len(text) > 200
    assert np.isfinite(names["trace"].h).all()


def comparison(path: Path) -> list[list[str]]:
    """The rows of the table that sets the course beside others, as their cells."""
    section = path.read_text(encoding="utf8").split("## Beside other courses")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]


def test_the_comparison_is_the_same_in_both_places_and_each_line_says_where_to_look():
    rows = comparison(README)
    assert rows == comparison(ROOT / "book" / "intro.md")
    ours, *others = rows[2:]
    assert len(others) == 7 and all("](https://" in row[0] for row in others)
    assert all(len(row) == len(rows[0]) and all(row) for row in others) and all(ours[:-1])


def test_what_the_comparison_says_of_this_course_is_counted():
    ours = " ".join(comparison(README)[2])
    tasks = [task for path in (ROOT / "book" / "solutions").glob("*.ipynb") for task in load(path).tasks.values()]
    alive = {name for name in figures.__all__ if name != "Ask"}
    assert f"{len(tasks)} graded tasks, {sum(task.points for task in tasks):g} points" in ours
    assert f"{len(alive)} that react" in ours
    assert "eleven chapters" in ours and len(list((ROOT / "book").glob("[01]*.ipynb"))) == 11


def test_its_pictures_are_there_and_light_and_its_links_lead_somewhere():
    text = README.read_text(encoding="utf8")
    pictures = [ROOT / name for name in re.findall(r"!\[[^\]]{30,}\]\((\S+)\)", text)]
    assert len(pictures) == text.count("![") == 4
    assert all(path.stat().st_size < 150_000 for path in pictures)
    assert all((ROOT / link).exists() for link in re.findall(r"\]\((?!https://)([^)#]+)", text))
