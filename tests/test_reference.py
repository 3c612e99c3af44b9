"""The library's reference: an entry for each public name, links to the chapters that use it and back, and the index."""

import ast
import html
import re
import sys
from importlib import import_module
from pathlib import Path
from pydoc import locate

import pytest
from conftest import CHROMIUM
from test_book import Page, built  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import docstrings  # noqa: E402

PACKAGES = sorted(path.stem for path in (ROOT / "book" / "api").glob("*.md"))
CHAPTERS = docstrings.chapters()


def test_the_names_that_a_program_uses():
    program = ast.parse(
        "import numpy as np\nfrom rnnlib import plots as p\nfrom rnnlib.text.pieces import Pieces\n"
        "from rnnlib.training import fit\nfrom rnnlib.seq2seq import by_hand\n"
        "p.axes(3); by_hand.attend(); np.zeros(3); fit.axes"
    )
    assert docstrings.used_names(program) == {
        "rnnlib.plots.axes",
        "rnnlib.text.Pieces",
        "rnnlib.training.fit",
        "rnnlib.seq2seq.by_hand.attend",
    }


def test_chapters_in_docstrings_become_links_and_bars_stay_bars():
    found = docstrings.linked("P(x|u) of chapters 1, 3 and 99, or `chapter 2`; chapter 10.")
    assert found == (
        "P(x\\|u) of chapters :doc:`1 </book/01_sequences>`, :doc:`3 </book/03_rnn>` and 99, or `chapter 2`; "
        "chapter :doc:`10 </book/10_attention>`."
    )


def test_columns_of_a_module_stay_columns():
    assert docstrings.columns(["A", "", "    b  c", "    d  e", "", "F"]) == [
        "A",
        "",
        "::",
        "",
        "    b  c",
        "    d  e",
        "",
        "F",
    ]


@pytest.fixture(scope="module")
def entries(built) -> dict[str, str]:  # noqa: F811
    """The entry of each name of the reference, as HTML up to the next one's."""
    found = {}
    for package in PACKAGES:
        page = (built.folder / "book" / "api" / f"{package}.html").read_text(encoding="utf8")
        parts = re.split(r'<dt class="sig[^>]*?id="([\w.]+)"', page)
        found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_an_entry(entries, package):
    module = import_module(f"rnnlib.{package}")
    public = [name for name in module.__all__ if docstrings.documented(f"rnnlib.{package}.{name}")]
    assert public and [name for name in public if f"rnnlib.{package}.{name}" not in entries] == []


def test_every_package_has_a_page():
    packages = {path.parent.name for path in (ROOT / "rnnlib").glob("*/__init__.py")}
    assert packages - set(PACKAGES) == {"grading"}


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_chapter_links_to_the_names_that_it_uses_and_each_of_them_to_it(built, entries, number):  # noqa: F811
    path = CHAPTERS[number]
    names = [name for name in docstrings.used_names(docstrings.code_of(path)) if docstrings.documented(name)]
    links = set(Page(built.folder / "book" / f"{path.stem}.html").links)
    assert len(names) > 3
    assert [name for name in names if f"api/{name.split('.')[1]}.html#{name}" not in links] == []
    assert [name for name in names if f'href="../{path.stem}.html"' not in entries[name]] == []


def test_the_index_has_every_term_of_the_glossary_in_both_languages(built):  # noqa: F811
    terms = re.findall(r"^(\S.*) · (.*)\n: ", (ROOT / "book" / "glossary.md").read_text(encoding="utf8"), re.M)
    index = html.unescape((built.folder / "genindex.html").read_text(encoding="utf8"))
    assert len(terms) > 100
    assert [name for pair in terms for name in pair if f">{name.partition(' (')[0]}" not in index] == []


def names_of(library: str, page: str = "names.md") -> set[str]:
    """What stands in code in the columns of a library in the tables of a page, without options such as a=1."""
    found = set()
    for table in re.findall(r"(?:^\|.*\|\n)+", (ROOT / "book" / page).read_text(encoding="utf8"), re.M):
        header, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        column = next((k for k, title in enumerate(header) if library in title.lower()), None)
        cells = [row[column] for row in rows] if column is not None else []
        found |= {name for cell in cells for name in re.findall(r"`([A-Za-z_][\w.]*)`", cell)}
    return found


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("rnnlib", ["rnnlib."]),
        ("torch", ["", "torch.", "torch.nn.", "torch.nn.Module."]),
        ("keras", ["", "keras.", "keras.layers.", "keras.Model."]),
    ],
)
def test_the_names_that_the_comparison_gives_exist(library, places):
    names = names_of(library)
    assert len(names) > 12
    assert [name for name in names if not any(locate(place + name) for place in places)] == []


def test_the_names_of_the_summary_exist():
    names = names_of("rnnlib", "summary.md")
    assert len(names) > 10 and [name for name in names if not locate(f"rnnlib.{name}")] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found")
def test_the_cheat_sheet_is_one_sheet(browser, built):  # noqa: F811
    tab = browser.new_page()
    tab.goto((built.folder / "book" / "cheatsheet.html").as_uri())
    tab.locator("mjx-container").last.wait_for()
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "10mm")
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format=paper, margin=margin))) == 1
    tab.close()
