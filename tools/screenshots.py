"""Take the README's pictures again: of the built book, and of an exercise in a real JupyterLab.

    make book && .venv/bin/python tools/screenshots.py

Written are the PNG files in tools/screenshots/, with few colours, so that they stay small. Needs Chromium.
"""

import io
import tempfile
from pathlib import Path
from shutil import which
from typing import Any

import nbformat
from lab import open_notebook, running_lab
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from rnnlib.grading.release import load

ROOT = Path(__file__).resolve().parent.parent
PICTURES = Path(__file__).resolve().parent / "screenshots"
# name: (page, the figure's place on it, colour scheme, width in pixels)
FIGURES = {
    "type-ahead": ("intro", 0, "light", 900),
    "gate-microscope": ("06_gru", 0, "dark", 900),
    "attention": ("10_attention", 0, "light", 900),
}
TASK, MISTAKE = "bptt.1", 0  # what a student hands in, in the picture of an exercise


def save(name: str, png: bytes) -> None:
    """Write a picture with 96 colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    path = PICTURES / f"{name}.png"
    picture.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB")


def take_figure(browser: Browser, page: str, place: int, scheme: Any, width: int) -> bytes:
    """One figure of a page of the built book, without a network."""
    tab = browser.new_page(viewport={"width": width, "height": 1200}, color_scheme=scheme, device_scale_factor=1.5)
    tab.context.set_offline(True)
    tab.goto((ROOT / "_build" / "html" / "book" / f"{page}.html").as_uri())
    figure = tab.locator(".rnnlib-figure").nth(place)
    figure.scroll_into_view_if_needed()
    figure.locator("svg").first.wait_for()
    tab.wait_for_timeout(1500)  # until what moves by itself has come to rest
    png = figure.screenshot()
    tab.close()
    return png


def wrong_exercise(folder: Path) -> tuple[str, list[str]]:
    """Write an exercise with a known mistake in it: the file's name, and the cells that have to run, in order."""
    exercise = load(ROOT / "book" / "solutions" / "04_bptt.ipynb")
    task = exercise.tasks[TASK]
    notebook = nbformat.read(ROOT / "book" / "exercises" / "04_bptt.ipynb", as_version=4)
    answer = next(cell for cell in exercise.cells if cell.role == "answer" and cell.task == TASK)
    for cell in notebook.cells:
        if cell.id == answer.id:
            cell.source = task.mistakes[MISTAKE].source
    nbformat.write(notebook, folder / "04_bptt.ipynb")
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    return "04_bptt.ipynb", code[: code.index(task.cell) + 1]


def take_exercise(browser: Browser) -> bytes:
    """A task in JupyterLab: what the student wrote, and what the check says."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as private:
        name, cells = wrong_exercise(Path(folder))
        ids = [cell.id for cell in nbformat.read(Path(folder) / name, as_version=4).cells]
        with running_lab(Path(folder), Path(private)) as url:
            tab = browser.new_page(viewport={"width": 1250, "height": 640}, device_scale_factor=1.5)
            open_notebook(tab, url, name)
            for cell in cells:
                tab.evaluate(
                    """async (place) => {
                        const notebook = jupyterapp.shell.currentWidget.content;
                        notebook.activeCellIndex = place;
                        await notebook.scrollToItem(place, 'start');
                        await jupyterapp.commands.execute('notebook:run-cell');
                    }""",
                    ids.index(cell),
                )
            tab.evaluate(
                "(place) => jupyterapp.shell.currentWidget.content.scrollToItem(place, 'start')",
                ids.index(cells[-2]),
            )
            tab.get_by_role("button", name="No", exact=True).click()  # no news, thank you
            tab.wait_for_timeout(1500)
            return tab.locator(".jp-NotebookPanel").screenshot()


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for name, shot in FIGURES.items():
            save(name, take_figure(browser, *shot))
        save("exercise", take_exercise(browser))


if __name__ == "__main__":
    main()
