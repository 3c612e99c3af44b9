"""A figure in a real JupyterLab: the reader's hand reaches the kernel, and the kernel's changes reach the figure."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import open_notebook, running_lab

import rnnlib.figures

pytestmark = pytest.mark.alone
BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTER = BOOK / "04_bptt.ipynb"
# The place of each chapter where widgets drive the reader's own Python: the cells that it needs, it being the last one.
PLACES = {
    "01_sequences": (
        *("setup", "shuffle", "ffn-code", "train", "forecast-split", "forecast-models-code", "forecast-choose"),
        *("forecast-again-curves", "forecast-again"),
    ),
    "02_language_models": ("setup", "corpus-load", "sampling-code", "ngram-dial", "dial-own"),
    "03_rnn": (
        *("imports", "quotes", "forward", "count", "streams", "carry-check", "adam-code", "by-hand-loop", "fit"),
        *("fit-curves", "fit-again-curves", "fit-again"),
    ),
    "07_lstm": ("imports", "input-code", "forget-code", "worth-code", "flow-code", "bias-live"),
    "08_training": ("imports", "stateful-train", "dropout-again"),
    "09_seq2seq": (
        *("imports", "data-code", "by-hand", "signs-code", "signs-sum-code", "padding-encoder", "masked-loss"),
        *("library", "batches-code", "train-code", "again-curves", "again"),
    ),
    "10_attention": ("imports", "model-code", "train-code", "alignment-code", "live"),
    "11_modern_recurrence": ("imports", "kernel-live"),
}
WATCH = """
from pathlib import Path
stepper.observe(lambda change: Path("seen.txt").write_text(str(change.new)), "step")
"""
CHANGE = "stepper.W_h = [[0.25, 0], [0, -0.75]]; stepper.step = 6"
NOTEBOOK = "const notebook = jupyterapp.shell.currentWidget;"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab on this machine: its address and its folder."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(CHAPTER, folder)
    with running_lab(folder, tmp_path_factory.mktemp("jupyter")) as url:
        yield url, folder


def wait_for(condition, what: str, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def run_in_kernel(tab, code: str) -> None:
    """Run code in the notebook's kernel, as a cell at its end would."""
    status = tab.evaluate(
        f"""async (code) => {{
            {NOTEBOOK}
            const future = notebook.sessionContext.session.kernel.requestExecute({{ code }});
            return (await future.done).content.status;
        }}""",
        code,
    )
    assert status == "ok", code


def scroll_to(tab, cell: str) -> None:
    """Bring a cell of chapter 4 into view: JupyterLab draws no others."""
    tab.evaluate(
        f"""async (place) => {{
            {NOTEBOOK}
            notebook.content.activeCellIndex = place;
            await notebook.content.scrollToItem(place, 'start');
        }}""",
        [cell.id for cell in nbformat.read(CHAPTER, as_version=4).cells].index(cell),
    )


def test_chapter_4_runs_and_its_figure_and_the_kernel_follow_each_other(browser, lab):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 1400})
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    open_notebook(tab, url, CHAPTER.name)

    # run all cells: every one of them ends, and none with an error
    cells = tab.evaluate(
        f"""async () => {{
            {NOTEBOOK}
            await jupyterapp.commands.execute('notebook:run-all-cells');
            return notebook.model.sharedModel.toJSON().cells.filter((cell) => cell.cell_type === 'code');
        }}"""
    )
    expected = [cell for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"]
    assert [cell["execution_count"] for cell in cells] == [cell.execution_count for cell in expected]
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]

    # the chapter's figure is alive, wherever the notebook has scrolled to
    scroll_to(tab, "stepper")
    figure = tab.locator(".rnnlib-figure").filter(has=tab.get_by_role("slider", name="Step"))
    figure.get_by_text("of 7").first.wait_for(timeout=30_000)

    # the kernel's change reaches it
    run_in_kernel(tab, WATCH)
    run_in_kernel(tab, CHANGE)
    figure.get_by_text("6 of 7").wait_for()
    weight = figure.get_by_role("slider", name="Value of the chosen weight")
    wait_for(lambda: weight.get_attribute("aria-valuetext").endswith("0.00"), "the weight of the kernel")
    assert (folder / "seen.txt").read_text() == "6"

    # the reader's hand, by mouse and by key
    figure.get_by_role("button", name="Play").click()
    wait_for(lambda: (folder / "seen.txt").read_text() == "7", "the kernel to see the click")
    slider = figure.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    wait_for(lambda: (folder / "seen.txt").read_text() == "5", "the kernel to see the keys")
    figure.get_by_text("5 of 7").wait_for()

    # and the kernel's again
    run_in_kernel(tab, CHANGE)
    figure.get_by_text("6 of 7").wait_for()

    # a figure, a slider and a plot of the reader's own Python are linked, in each direction
    scroll_to(tab, "own-window")
    shown = tab.locator(".widget-vbox").filter(has_text="cosine")
    shown.locator("svg").wait_for()
    assert "k = 4" in shown.inner_text()
    moved(shown, "k", "ArrowRight")
    run_in_kernel(tab, "assert truncation.k == 6")
    assert "k = 6" in shown.inner_text()
    scroll_to(tab, "truncation")
    edge = tab.locator(".rnnlib-figure").get_by_role("slider", name="Window k: the edge")
    value = edge.get_attribute("aria-valuenow")
    edge.focus()
    edge.press("ArrowRight")
    wait_for(lambda: edge.get_attribute("aria-valuenow") != value, "the edge of the figure")
    scroll_to(tab, "own-window")
    wait_for(lambda: "k = 6" not in shown.inner_text(), "the plot to follow the figure")

    # the figure follows JupyterLab's theme
    light = figure.locator(".rf").evaluate("(e) => getComputedStyle(e).backgroundColor")
    tab.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert figure.locator(".rf").evaluate("(e) => getComputedStyle(e).backgroundColor") != light
    assert not errors
    tab.close()


def test_every_figure_works_in_a_notebook_and_the_same_one_twice_stays_in_step(browser, lab):
    url, folder = lab
    names = [name for name in rnnlib.figures.__all__ if name != "Ask"]
    code = [f"from rnnlib.figures import *\nfigure = {name}()\nfigure" for name in names]
    code += ["twice = NgramDial(order=2)\ntwice", "twice", 'Ask.number("How many?", 4, hints={3: "one more"})']
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "figures.ipynb")
    tab = browser.new_page(viewport={"width": 1200, "height": 6000})
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    open_notebook(tab, url, "figures.ipynb")
    tab.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    figures = tab.locator(".rnnlib-figure")
    wait_for(lambda: figures.count() == len(code), "all figures", 60)
    for n in range(len(names)):
        assert figures.nth(n).locator("svg [role=slider]").count() >= 1
    in_the_picture = "svg [role=slider][aria-label^=Order]"
    first, second = (figures.nth(len(names) + n).locator(in_the_picture) for n in (0, 1))
    first.focus()
    first.press("ArrowRight")
    wait_for(lambda: second.get_attribute("aria-valuenow") == "3", "the second view")
    second.focus()
    second.press("End")
    wait_for(lambda: first.get_attribute("aria-valuenow") == "8", "the first view")
    run_in_kernel(tab, "assert twice.order == 8; twice.order = 5")
    wait_for(lambda: {h.get_attribute("aria-valuenow") for h in (first, second)} == {"5"}, "the kernel's change")
    ask = figures.last
    ask.get_by_role("textbox", name="Your guess").fill("3")
    ask.get_by_role("textbox", name="Your guess").press("Enter")
    assert "one more" in ask.inner_text()
    assert not errors
    tab.close()


def place(folder: Path, name: str, **changes: str) -> str:
    """Write a notebook of those cells of a chapter that its place with widgets needs; its file's name."""
    notebook = nbformat.read(BOOK / f"{name}.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [cells[i] for i in PLACES[name]]
    for cell in notebook.cells:
        cell.outputs = []
        for old, new in changes.items():
            cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return f"{name}.ipynb"


def run_place(tab, url: str, name: str):
    """Run the cells of a notebook; what the last one shows."""
    open_notebook(tab, url, name)
    assert tab.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")  # false where a cell fails
    shown = tab.locator(".jp-Cell").last.locator(".widget-vbox").first
    shown.locator("svg").wait_for(timeout=90_000)
    return shown


def picture(shown) -> str:
    return shown.locator("svg").inner_html()


def moved(shown, name: str, key: str) -> str:
    """Press a key at a slider, and wait until the picture is another; which one."""
    before = picture(shown)
    slider = shown.locator(".widget-hslider", has_text=name).get_by_role("slider")
    slider.focus()
    slider.press(key)
    wait_for(lambda: picture(shown) != before, f"the picture to follow {name}")
    return picture(shown)


# runs as long as a test needs: some seconds, so that there is something to stop on a fast machine too
LENGTHS = {
    "max_steps=900": "max_steps=300",
    "3001": "60001",
    "step / 3000": "step / 60000",
    "model, 700,": "model, 150,",
    "steps = 150": "steps = 600",
    "updates = 300": "updates = 900",
}
LENGTHS |= {"max_steps=250": "max_steps=1", "range(20, 301, 20)": "range(20, 3001, 20)", "step / 300 ": "step / 3000 "}


@pytest.mark.parametrize(
    ("name", "slider", "key"),
    [
        ("01_sequences", "days", "ArrowLeft"),
        ("03_rnn", "hidden units", "ArrowRight"),
        ("08_training", "recurrent dropout", "ArrowRight"),
        ("09_seq2seq", "hidden units", "ArrowRight"),
        ("10_attention", "seed", "ArrowRight"),
    ],
)
def test_a_slider_trains_again_and_a_button_stops_it(browser, lab, name, slider, key):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 1400})
    shown = run_place(tab, url, place(folder, name, **LENGTHS))
    stop, again = (shown.get_by_role("button", name=what) for what in ("Stop", "Run again"))
    assert stop.is_disabled()

    first = moved(shown, slider, key)  # the picture while the curve grows
    wait_for(lambda: picture(shown) != first, "the curve to grow")
    stop.click()
    clicked = time.monotonic()
    wait_for(stop.is_disabled, "the training to stop")
    assert time.monotonic() - clicked < 5
    stopped, done = picture(shown), progress(shown)
    assert 0 < done < 1
    tab.wait_for_timeout(1000)
    assert (picture(shown), progress(shown)) == (stopped, done)

    again.click()  # and to the end
    wait_for(stop.is_enabled, "a new run")
    wait_for(stop.is_disabled, "the end", 180)
    assert progress(shown) == 1 and picture(shown) != stopped
    assert not shown.locator("pre").count()  # where an error would stand
    tab.close()


def progress(shown) -> float:
    width = shown.locator(".progress-bar").evaluate("(bar) => bar.style.width")
    return float(width.removesuffix("%")) / 100


def test_a_plot_of_chapter_2_follows_the_figure_and_the_readers_text(browser, lab):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 2400})
    shown = run_place(tab, url, place(folder, "02_language_models"))
    assert "order 4" in shown.inner_text()
    handle = tab.locator(".rnnlib-figure svg [role=slider][aria-label^=Order]")
    handle.focus()
    handle.press("ArrowRight")
    wait_for(lambda: "order 5" in shown.inner_text(), "the plot to follow the figure")
    before = picture(shown)
    field = shown.get_by_role("textbox")
    field.fill("Short.")
    field.press("Enter")
    wait_for(lambda: picture(shown) != before, "the plot of another text")
    assert not shown.locator("pre").count()
    tab.close()


def test_a_plot_of_chapter_7_follows_its_slider(browser, lab):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 2400})
    shown = run_place(tab, url, place(folder, "07_lstm", **{"updates=250": "updates=2"}))
    assert "b_f = 1" in shown.inner_text()
    moved(shown, "forget bias", "ArrowRight")
    wait_for(lambda: "b_f = 1.5" in shown.inner_text(), "the curve of another bias")
    assert not shown.locator("pre").count()  # where an error would stand
    tab.close()


def test_a_plot_of_chapter_11_follows_its_sliders(browser, lab):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 1600})
    shown = run_place(tab, url, place(folder, "11_modern_recurrence"))
    first = moved(shown, "radius", "ArrowLeft")
    assert moved(shown, "angle", "ArrowRight") != first
    assert not shown.locator("pre").count()  # where an error would stand
    tab.close()
