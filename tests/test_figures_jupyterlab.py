"""A figure in a real JupyterLab: the reader's hand reaches the kernel, and the kernel's changes reach the figure."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.xdist_group("figures"), pytest.mark.alone]
TOKEN = secrets.token_hex(16)
SHOW = """
from pathlib import Path
from rnnlib.figures import UnrollStepper

figure = UnrollStepper(step=2)
figure.observe(lambda change: Path("seen.txt").write_text(str(change.new)), "step")
figure
"""
CHANGE = "figure.W_h = [[0.25, 0], [0, -0.75]]\nfigure.step = 6"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab on this machine, behind a token, with settings of its own: its address and its folder."""
    folder, private = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (SHOW, CHANGE)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "figure.ipynb")
    places = {f"JUPYTER_{what}_DIR": str(private / what.lower()) for what in ("CONFIG", "DATA", "RUNTIME")}
    places["JUPYTERLAB_WORKSPACES_DIR"] = places["JUPYTERLAB_SETTINGS_DIR"] = str(private)
    options = [
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--expose-app-in-browser",
        f"--IdentityProvider.token={TOKEN}",
    ]
    options += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None", "--LabApp.check_for_updates_class="]
    options[-1] += "jupyterlab.handlers.announcements.NeverCheckForUpdate"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=os.environ | places | {"IPYTHONDIR": str(private / "ipython")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield address(Path(places["JUPYTER_RUNTIME_DIR"]), server), folder
    finally:
        server.terminate()
        server.wait(timeout=20)


def address(runtime: Path, server: subprocess.Popen, patience: float = 40) -> str:
    """Where the server listens, once it says so."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.poll() is None:
        for info in runtime.glob("jpserver-*.json"):
            if text := info.read_text():
                return json.loads(text)["url"]
        time.sleep(0.1)
    pytest.fail("JupyterLab did not start")


def wait_for(condition, what: str, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def test_figure_and_kernel_follow_each_other(browser, lab):
    url, folder = lab
    tab = browser.new_page(viewport={"width": 1200, "height": 1400})
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(f"{url}lab/tree/figure.ipynb?token={TOKEN}&reset")
    tab.wait_for_function("window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=40_000)
    tab.wait_for_function(
        "jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'", timeout=40_000
    )

    # run all cells: the second one sets W_h and step in the kernel, and the figure above shows them
    tab.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    figure = tab.locator(".rnnlib-figure")
    figure.get_by_text("6 of 7").wait_for(timeout=30_000)
    assert figure.locator("input[value='W_h[1,1]']").get_attribute("aria-label").endswith("now −0.75")
    assert (folder / "seen.txt").read_text() == "6"

    # the reader's hand, by mouse and by key
    figure.get_by_role("button", name="Next").click()
    wait_for(lambda: (folder / "seen.txt").read_text() == "7", "the kernel to see the click")
    slider = figure.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    wait_for(lambda: (folder / "seen.txt").read_text() == "5", "the kernel to see the keys")
    figure.get_by_text("5 of 7").wait_for()

    # and the kernel's again
    tab.evaluate(
        "jupyterapp.shell.currentWidget.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell')"
    )
    figure.get_by_text("6 of 7").wait_for()

    # the figure follows JupyterLab's theme
    light = figure.locator(".rf").evaluate("(e) => getComputedStyle(e).backgroundColor")
    tab.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert figure.locator(".rf").evaluate("(e) => getComputedStyle(e).backgroundColor") != light
    assert not errors
    tab.close()
