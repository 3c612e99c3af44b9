"""What all tests share: who runs what when they run side by side, one thread per worker, one Chromium per worker."""

import os
import re
from contextlib import ExitStack
from shutil import which

import pytest

# before NumPy or PyTorch is loaded: two workers with two threads each would wait for one another
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("MPLBACKEND", "agg")

# What takes longest comes first and pages of the book, which are many and short, last, so that no worker is still busy
# when the other has finished.
FIRST = (
    "test_grading_corpus",
    "test_notebooks",
    "test_exercises",
    "test_book",
    "test_figures_controls",
    "test_figures_layout",
    "test_figures_accessible",
    "test_figures_hosts",
    "test_grading_batch",
    "test_desk_class",
    "test_grading_run",
    "test_grading_dask",
    "test_grading_release",
)
PART = re.compile(r"(tests/test_(?:notebooks|exercises|book)\.py)::.*\[(\d\d_\w+|[\w/]+\.html)\]$")


def unit(nodeid: str) -> str:
    """What goes to a worker as a whole: a file, because its tests share what is made once; of the files about chapters
    and pages, the tests of one chapter or page."""
    part = PART.match(nodeid)
    return f"{part[1]}[{part[2]}]" if part else nodeid.split("::")[0]


def pytest_collection_modifyitems(items):
    def place(item):
        if unit(item.nodeid).endswith(".html]"):
            return len(FIRST) + 1
        return FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Called where tests run side by side (`pytest -n 2`)."""
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid)

    config.option.loadscopereorder = False  # by number of tests, that is
    return ByUnit(config, log)


# the first takes a third less processor time for the same pages: it is a Chromium without windows, tabs and a toolbar
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := which(name))), None)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of a worker: playwright's synchronous interface runs once per process."""
    if CHROMIUM is None:
        pytest.skip("no Chromium found; on Debian or Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def blank(browser):
    """An empty page."""
    tab = browser.new_page()
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of a built site with one page per figure."""
    from figure_site import build

    return build(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site"))


@pytest.fixture
def open_page(browser, site):
    """A function that opens a page of this site offline; what goes wrong on it is collected in `tab.trouble`."""
    from figure_site import visited

    with ExitStack() as pages:
        yield lambda page, **options: pages.enter_context(visited(browser, site, page, **options))


@pytest.fixture(scope="module")
def solutions(tmp_path_factory):
    """The folder of the demonstration's solution, with its answers recorded."""
    from submissions import demo

    from rnnlib.grading.cli import main

    folder = tmp_path_factory.mktemp("solutions")
    path = demo.write(folder / f"{demo.NAME}.ipynb", demo.solution())
    assert main(["release", str(path), "--out", str(tmp_path_factory.mktemp("exercises"))]) == 0
    return folder
