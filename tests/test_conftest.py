"""How tests are dealt out when they run side by side."""

from pathlib import Path

from conftest import FIRST, unit


def test_a_file_is_a_unit_and_so_is_a_chapter_or_page_in_the_files_about_these():
    assert unit("tests/test_cells.py::test_a[LSTM]") == unit("tests/test_cells.py::test_b") == "tests/test_cells.py"
    assert unit("rnnlib/cells/lstm.py::rnnlib.cells.lstm.LSTM") == "rnnlib/cells/lstm.py"
    first, second, third = (
        unit(f"tests/test_notebooks.py::test_{name}") for name in ("a[01_sequences]", "b[01_sequences]", "a[02_models]")
    )
    assert first == second != third
    assert unit("tests/test_exercises.py::test_a[01_sequences]") not in (first, third)
    assert unit("tests/test_book.py::test_a[book/intro.html]") == "tests/test_book.py[book/intro.html]"
    assert unit("tests/test_book.py::test_a[360-primary]") == unit("tests/test_book.py::test_b") == "tests/test_book.py"


def test_what_comes_first_is_there():
    assert [name for name in FIRST if not (Path(__file__).parent / f"{name}.py").exists()] == []
