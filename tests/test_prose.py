"""Numbers in a chapter's prose come from its cells; the glossary's terms stand where the glossary says.

``python tests/test_prose.py book/02_language_models.ipynb`` lists the numerals of a chapter that no cell prints or
asserts; with ``--all`` every numeral and what covers it. `numerals.py` says what counts.
"""

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from numerals import cells_of, examine, exceptions, main, uncovered

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
by_name = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@by_name
def test_every_number_of_the_prose_is_printed_or_asserted(path):
    missing, unused = uncovered(path)
    assert not missing, "\n" + "\n".join(f"{numeral.text}: {numeral.sentence}" for numeral in missing)
    assert not unused, "exceptions that nothing needs any more"
    assert all(len(reason.split()) > 1 for reason in exceptions(path).values()), "an exception without a reason"


# --- glossary and notation --------------------------------------------------------------------------------------------


def prose_of(path: Path) -> str:
    """A chapter's prose without emphasis, in one line."""
    markdown = ["".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "markdown"]
    return re.sub(r"\s+", " ", re.sub("[*$]", "", "\n".join(markdown))).lower()


def entries() -> list[tuple[str, str, list[int], list[int]]]:
    """The glossary: English name, Chinese name, chapters that exist (linked), chapters still to be written."""
    found = re.findall(r"^(\S.*) · (.*)\n: .*\*Chapters? (.*)\.\*$", GLOSSARY, re.M)
    return [
        (
            english,
            chinese,
            [int(n) for n in re.findall(r"\[(\d+)\]", where)],
            [int(n) for n in re.findall(r"\d+", re.sub(r"\[\d+\]\([^)]*\)", "", where))],
        )
        for english, chinese, where in found
    ]


GLOSSARY = (BOOK / "glossary.md").read_text(encoding="utf8")
NUMBERED = {int(path.stem[:2]): path for path in CHAPTERS}


def stands_in(english: str, text: str) -> bool:
    """Whether a term stands in a text: as written, or as the abbreviation in its brackets; a plural will do."""
    forms = [re.sub(r"\s*\(.*?\)", "", english), *re.findall(r"\(([^)]*[A-Z][^)]*)\)", english)]
    forms = [re.escape(part).replace(r"\-", "[- ]") for form in forms for part in form.lower().split(", ")]
    return any(re.search(rf"\b{form}(?:s|es)?\b", text) for form in forms)


def test_every_line_of_the_glossary_is_an_entry():
    assert len(entries()) == len(re.findall(r"^: ", GLOSSARY, re.M)) == GLOSSARY.count(" · ") > 100


@by_name
def test_terms_stand_in_the_chapters_that_the_glossary_names(path):
    """In English; in the first chapter of those that are named, with the Chinese name too."""
    text, here = prose_of(path), int(path.stem[:2])
    missing = [english for english, _, linked, _ in entries() if here in linked and not stands_in(english, text)]
    first = [(english, chinese) for english, chinese, linked, _ in entries() if linked[:1] == [here]]
    missing += [f"{english}: {chinese}" for english, chinese in first if chinese.partition("（")[0].lower() not in text]
    assert not missing, "\n".join(missing)


@by_name
def test_terms_with_a_chinese_name_are_in_the_glossary(path):
    names = {chinese.partition("（")[0] for _, chinese, *_ in entries()}
    markdown = "\n".join("".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "markdown")
    introduced = re.findall(r"\*\*[^*\n]+\*\* \(([^)\n]*[\u4e00-\u9fff][^)\n]*)\)", markdown)
    assert [name for name in introduced if not names & set(re.split("[,，] ?", name))] == []


def test_chapters_that_exist_are_linked_in_the_glossary():
    assert [english for english, _, _, unwritten in entries() if set(unwritten) & set(NUMBERED)] == []


def test_glossary_is_sorted_and_names_nothing_twice():
    names = [english.lower() for english, *_ in entries()]
    assert [pair for pair in pairwise(names) if pair[0] >= pair[1]] == []


def symbols() -> list[str]:
    """The symbols of the notation's first two tables."""
    text = (BOOK / "notation.md").read_text(encoding="utf8")
    rows = re.findall(r"^\| (\$.*?) \|", text[: text.index("## The cells")], re.M)
    return [symbol for row in rows for symbol in re.findall(r"\$([^$]+)\$", row)]


def test_no_symbol_of_the_notation_has_two_meanings():
    assert len(symbols()) > 30
    assert sorted(symbols()) == sorted(set(symbols()))


def bare(mathematics: str) -> str:
    """TeX without what only sets it: spaces, line breaks, alignment, sizes; tanh for a general activation."""
    text = re.sub(r"\\\\|\\(?:q?quad|big|[,; ])|[&$\s]", "", mathematics)
    return text.replace(r"\phi", r"\tanh")


@pytest.mark.parametrize("page", ["notation", "cheatsheet", "summary"])
def test_the_page_writes_the_cells_as_the_chapters_do(page):
    chapters = bare("".join("".join(cell["source"]) for path in CHAPTERS for cell in cells_of(path)))
    text = (BOOK / f"{page}.md").read_text(encoding="utf8")
    equations = re.findall(r"\| (\$\\mathbf [HNGC]_t = [^|]+) \|", text)
    assert len(equations) > 2
    assert [equation for equation in equations if bare(equation) not in chapters] == []


@pytest.mark.parametrize("page", ["intro", "summary", "cheatsheet", "notation", "glossary", "names"])
def test_links_of_the_page_lead_somewhere(page):
    text = (BOOK / f"{page}.md").read_text(encoding="utf8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert (BOOK / target).exists() or (BOOK / f"{target}.md").exists(), target
    for file, heading in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text):
        path = BOOK / (file or f"{page}.md")
        source = (
            "\n".join("".join(c["source"]) for c in cells_of(path)) if path.suffix == ".ipynb" else path.read_text()
        )
        slugs = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)", source, re.M)}
        assert heading in slugs, (page, file, heading)


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
