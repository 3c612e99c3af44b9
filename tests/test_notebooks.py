"""Every chapter runs, and what it shows is what is committed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import execute
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
LIMIT = 2 * 40  # seconds of processor time: a chapter may take 40 s on two cores, however busy the machine is now
TIMED: set[str] = set()  # chapters that compare times so closely that they need the machine to themselves
PICTURES = 100_000  # characters of all pictures of a chapter, as they are stored
CHAPTER = 200_000  # bytes of a chapter's file
COLUMNS = 80  # of the code that a page shows
NOT_WEIGHED = ("text/html",)  # until what figures show is no longer stored in outputs: then this is empty
by_name = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf8"))["cells"]


def processor_time() -> float:
    """What all finished processes that this one has started have used, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=pytest.mark.alone) if p.stem in TIMED else p for p in CHAPTERS],
    ids=[p.stem for p in CHAPTERS],
)
def test_chapter_reproduces_its_outputs(path, tmp_path, record_property):
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-sanitize-with", str(ROOT / "tools" / "nbval.cfg")]
    command += ["--noconftest", "-c", str(settings), "--rootdir", str(ROOT), "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-q", str(path)]
    start = processor_time()
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **execute.ENVIRONMENT}, capture_output=True, text=True, encoding="utf8"
    )
    seconds = processor_time() - start
    record_property("seconds", round(seconds, 1))
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    compared = re.search(r"(\d+) passed", run.stdout)
    assert compared and int(compared[1]) == sum(cell["cell_type"] == "code" for cell in cells(path))
    assert seconds < LIMIT, f"took {seconds:.0f} s of processor time, more than 40 s on two cores"


@by_name
def test_chapter_is_stored_clean(path):
    """A tidied copy is the same file: no times, no widget state, no machine's version, one layout."""
    notebook = nbformat.read(path, as_version=4)
    execute.tidy(notebook)
    assert nbformat.writes(notebook).rstrip("\n") == path.read_text(encoding="utf8").rstrip("\n")


def data_of(path: Path) -> list[tuple[str, str, str]]:
    """Cell id, mime type and stored text of all that a chapter's cells display."""
    outputs = [(cell["id"], output) for cell in cells(path) for output in cell.get("outputs", [])]
    return [(i, kind, "".join(text)) for i, output in outputs for kind, text in output.get("data", {}).items()]


@by_name
def test_chapter_pictures_are_light(path):
    weights = {f"{i} ({kind})": len(text) for i, kind, text in data_of(path) if kind.startswith("image/")}
    total = sum(weights.values())
    assert total <= PICTURES, f"{total:,} characters: {dict(sorted(weights.items(), key=lambda item: -item[1]))}"


@by_name
def test_chapter_is_light(path):
    left_out = sum(len(text.encode()) for _, kind, text in data_of(path) if kind in NOT_WEIGHED)
    assert path.stat().st_size - left_out <= CHAPTER


@by_name
def test_chapter_pictures_are_described(path):
    """In the cell's metadata, from where the page takes it: what it says to those who cannot see the picture."""
    shown = {i for i, kind, _ in data_of(path) if kind.startswith("image/")}
    told = {c["id"]: c["metadata"].get("mystnb", {}).get("image", {}).get("alt", "") for c in cells(path)}
    assert [i for i in shown if len(told[i]) < 20] == []


@by_name
def test_chapter_outputs_can_be_reproduced_in_principle(path):
    """Nothing on stderr, no memory addresses."""
    assert execute.problems(nbformat.read(path, as_version=4)) == []


@by_name
def test_chapter_holds_no_dates_in_metadata_and_no_widgets(path):
    notebook = json.loads(path.read_text(encoding="utf8"))
    metadata = [notebook["metadata"], *(cell["metadata"] for cell in notebook["cells"])]
    assert not re.search(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", json.dumps(metadata))
    assert "widgets" not in notebook["metadata"]
    assert execute.WIDGET_VIEW not in json.dumps(notebook)


@by_name
def test_chapter_was_run_from_top_to_bottom(path):
    """A cell without a count would never be compared, so every code cell has one, in order."""
    counts = [cell["execution_count"] for cell in cells(path) if cell["cell_type"] == "code" and cell["source"]]
    assert counts and counts == list(range(1, len(counts) + 1))


@by_name
def test_chapter_cells_have_ids(path):
    ids = [cell.get("id") for cell in cells(path)]
    assert all(ids) and len(set(ids)) == len(ids)


@by_name
def test_visible_code_fits_the_page(path):
    """Lines of more than 80 characters would be scrolled on a page; cells that are folded or left out may have them."""
    folded = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    wide = [
        f"{cell['id']}: {line}"
        for cell in cells(path)
        if cell["cell_type"] == "code" and not folded & set(cell["metadata"].get("tags", []))
        for line in "".join(cell["source"]).splitlines()
        if len(line) > COLUMNS
    ]
    assert not wide, "\n".join(wide)


@by_name
def test_chapter_runs_on_the_standard_kernel(path):
    assert json.loads(path.read_text(encoding="utf8"))["metadata"]["kernelspec"]["name"] == "python3"
