"""Numbers in a chapter's prose come from its cells; the glossary's terms stand where the glossary says.

``python tests/test_prose.py book/02_language_models.ipynb`` lists the numerals of a chapter that no cell prints or
asserts; with ``--all`` every numeral and what covers it. `numerals.py` says what counts.
"""

import sys
from pathlib import Path

import pytest
from numerals import examine, exceptions, main, uncovered

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
by_name = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@by_name
def test_every_number_of_the_prose_is_printed_or_asserted(path):
    missing, unused = uncovered(path)
    assert not missing, "\n" + "\n".join(f"{numeral.text}: {numeral.sentence}" for numeral in missing)
    assert not unused, "exceptions that nothing needs any more"
    assert all(len(reason.split()) > 1 for reason in exceptions(path).values()), "an exception without a reason"


# --- the test itself --------------------------------------------------------------------------------------------------


def chapter(text: str, source: str = "", output: str = "", title: str = "A section") -> list[dict]:
    code = {"cell_type": "code", "source": source, "metadata": {}}
    code["outputs"] = [{"output_type": "stream", "text": output}] if output else []
    return [{"cell_type": "markdown", "source": f"## {title}\n\n{text}", "metadata": {}}, code]


@pytest.mark.parametrize(
    ("text", "source", "output"),
    [
        ("It has 28,544 weights.", "", "28544"),
        ("It has 28,544 weights.", "assert n == 28_544", ""),
        ("It has 36 % of them.", "assert 0.355 < x < 0.365", ""),
        ("It has 36 % of them.", "assert x > 0.355 and x < 0.365", ""),
        ("It has 36 % of them.", "assert abs(x - 0.36) < 0.005", ""),
        ("It has 36 % of them.", "assert round(100 * x) == 36", ""),
        ("It has 36 % of them.", "", "share in %: 36"),
        ("It loses $0.3 \\pm 0.2$ bits.", "", "0.3, 0.2"),
        ("It has 58 and 90 % of them.", "", "58 % and 90 %"),
        ("That is three times as much.", "assert 2.5 < a / b < 3.5", ""),
        ("That is three times as much.", "", "3 times"),
        ("That is a fifth of it.", "assert 4.6 < b / a < 5.4", ""),
        ("One word in four is invented.", "assert 0.23 < share < 0.27", ""),
        ("Fewer than 1 % agree.", "assert n < 0.01 * len(pairs)", ""),
        ("It has 24 characters.", "T = 24", ""),
        ("It reads about 380 places.", "assert 376 < n < 384", ""),
        ("It has 3.2 million of them.", "assert n == 3_200_000", ""),
        ("In 2014, chapter 9 and exercises 3 to 7 had two ways with 0 and 1: $a_{12} = 10^{-6}$.", "", ""),
    ],
)
def test_covered(text, source, output):
    assert [numeral.text for numeral, how in examine(chapter(text, source, output)) if not how] == []


@pytest.mark.parametrize(
    ("text", "source", "output", "missing"),
    [
        ("It has 28,544 weights.", "n = 3", "28545", ["28,544"]),
        ("It has 36 % of them.", "assert 0.3 < x < 0.4", "", ["36 %"]),
        ("It has 36 % of them.", "share = 0.36", "n = 36", ["36 %"]),
        ("It has 36 % of them.", "assert x < 0.36", "", ["36 %"]),
        ("The gain is one per cent.", "assert n == 1", "1", ["one"]),
        ("It is 1.7 bits.", "rate = 1.7", "1.74", ["1.7"]),
        ("That is three times as much.", "steps = 3", "3", ["three"]),
        ("That is a quarter of it.", "assert 0.1 < x < 0.4", "0.25", ["a quarter"]),
        ("About one word in four is invented.", "assert 0.1 < x < 0.4", "4", ["one word in four"]),
        ("It stood fourteen characters back.", "", "", ["fourteen"]),
        ("Its slope is $0.57$ there.", "", "", ["0.57"]),
        ("Half of them are new.", "", "", ["Half"]),
    ],
)
def test_not_covered(text, source, output, missing):
    assert [numeral.text.lower() for numeral, how in examine(chapter(text, source, output)) if not how] == [
        each.lower() for each in missing
    ]


def test_small_number_of_another_section_covers_nothing():
    cells = chapter("Six of them.", "pass") + chapter("None.", "assert n == 6 and m == 1000")
    assert [numeral.text for numeral, how in examine(cells) if not how] == ["six"]
    cells = chapter("It takes 1,000 of them.", "pass") + cells[2:]
    assert [numeral.text for numeral, how in examine(cells) if not how] == []


def test_exercise_may_set_numbers_and_may_not_claim_results():
    cells = chapter("Use 40 units. You will get 1.75 bits.", title="Exercises")
    assert [numeral.text for numeral, how in examine(cells) if not how] == ["1.75"]


if __name__ == "__main__":
    main(sys.argv[1:])
