"""Pictures with controls: what a reader's hand does is done here by setting values and clicking buttons in Python."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import ipywidgets
import pytest

from rnnlib.figures import NgramDial
from rnnlib.plots import Live

PIECES = 400  # of the long run
seen: list[int] = []


@pytest.fixture(autouse=True)
def nothing_seen():
    seen.clear()


def line(ax, height):
    seen.append(height)
    ax.plot([0, 1], [height, height])


def long_run(ax, height):
    for piece in range(PIECES):
        seen.append(piece)
        ax.clear()
        ax.plot([0, piece], [0, height])
        yield piece / PIECES


def as_in_a_kernel(monkeypatch, session):
    """Run a coroutine in an event loop of its own, in a thread, since a browser may have one in this one."""
    monkeypatch.setattr("rnnlib.plots.live.in_a_kernel", lambda: True)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, session()).result()


async def pieces(number):
    """Let the event loop go round."""
    for _ in range(number):
        await asyncio.sleep(0)


def test_a_picture_follows_its_control():
    height = ipywidgets.IntSlider(1, 0, 9)
    picture = Live(line, height=height)
    first = picture.svg
    assert "<svg" in first and height.description == "height"
    height.value = 5
    assert seen == [1, 5] and picture.svg != first
    assert repr(picture) == "Live(line, height=5)"


def test_a_picture_follows_the_trait_of_a_figure_that_it_does_not_show():
    dial = NgramDial(order=3)
    picture = Live(line, height=(dial, "order"))
    dial.order = 7
    assert seen == [3, 7]
    assert dial not in picture.box.children


def test_what_is_stored_is_the_drawing_and_what_is_shown_the_widgets():
    picture = Live(line, height=ipywidgets.IntSlider(2, 0, 9))
    data = picture._repr_mimebundle_()
    assert data["image/svg+xml"] == picture.svg and data["text/plain"] == "Live(line, height=2)"
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == picture.box.model_id


def buttons(picture):
    row = picture.box.children[-2]
    return row.children  # run again, stop, progress


def test_the_first_run_goes_to_its_end_and_a_later_one_stops_at_a_click(monkeypatch):
    async def session():
        picture = Live(long_run, height=ipywidgets.IntSlider(2, 0, 9))
        again, stop, bar = buttons(picture)
        assert seen == list(range(PIECES)) and stop.disabled
        seen.clear()
        again.click()
        await pieces(5)
        assert picture.running and not stop.disabled and 0 < len(seen) < PIECES
        stop.click()
        await pieces(2)
        done = len(seen)
        assert not picture.running and stop.disabled and bar.value < 1
        await pieces(50)
        assert len(seen) == done < PIECES

        again.click()
        await pieces(PIECES + 5)
        assert not picture.running and bar.value == 1 and seen[-1] == PIECES - 1

    as_in_a_kernel(monkeypatch, session)


def test_a_control_that_is_moved_ends_the_run_before(monkeypatch):
    async def session():
        height = ipywidgets.IntSlider(2, 0, 9)
        picture = Live(long_run, height=height)
        seen.clear()
        height.value = 3
        await pieces(5)
        begun = len(seen)
        height.value = 4
        await pieces(5)
        assert begun >= 1 and seen[begun:].count(0) == 1 and len(seen) - seen[::-1].index(0) > begun
        await pieces(PIECES + 5)
        assert seen.count(0) == 2 and seen.count(PIECES - 1) == 1 and not picture.running

    as_in_a_kernel(monkeypatch, session)


def test_without_a_kernel_a_run_goes_to_its_end_even_where_an_event_loop_runs():
    async def elsewhere():
        picture = Live(long_run, height=ipywidgets.IntSlider(2, 0, 9))
        seen.clear()
        buttons(picture)[0].click()
        assert seen == list(range(PIECES)) and not picture.running

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, elsewhere()).result()


def test_an_error_in_the_readers_function_is_shown_where_the_picture_stood():
    def broken(ax, height):
        if height == 3:
            raise ValueError("height <3>")

    height = ipywidgets.IntSlider(2, 0, 9)
    picture = Live(broken, height=height)
    height.value = 3
    assert picture.box.children[-1].value == "<pre>ValueError: height &lt;3&gt;</pre>" and not picture.running


@pytest.mark.parametrize("control", [3, (NgramDial(), "size"), (ipywidgets.IntSlider(), "height")])
def test_what_is_no_control_is_refused(control):
    with pytest.raises(TypeError, match="height: expected a widget, or a pair of a widget and"):
        Live(line, height=control)


def test_plots_do_without_ipywidgets_until_one_is_made():
    code = "import sys, rnnlib.plots; print('ipywidgets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
