"""Every figure in Chromium: how long a reaction takes."""

import numpy as np
import pytest
from figure_site import SETTLED, every_picture

FRAME = 16  # milliseconds
# Move every control through its values; after each change force the page's layout, and take the time of both.
SWEEP = """() => {
    const figure = document.querySelector(".rnnlib-figure");
    const times = [];
    const measure = (act) => {
        const start = performance.now();
        act();
        figure.getBoundingClientRect();
        times.push(performance.now() - start);
    };
    const fire = (control, event) => control.dispatchEvent(new Event(event, { bubbles: true }));
    const set = (control, value, event) => measure(() => { control.value = value; fire(control, event); });
    for (const control of figure.querySelectorAll("input, select, button, textarea")) {
        if (control.type === "range") {
            const [low, high] = [Number(control.min), Number(control.max)];
            for (let n = 0; n <= 20; n++) set(control, low + ((high - low) * ((n * 7) % 21)) / 20, "input");
        } else if (control.tagName === "SELECT") {
            for (const { value } of control.options) set(control, value, "change");
        } else if (control.type === "text" || control.tagName === "TEXTAREA") {
            const before = control.value;
            for (const letter of "the quick brown fox") set(control, control.value + letter, "input");
            set(control, before, "input");
        } else for (let n = 0; n < 2; n++) measure(() => control.click());
    }
    return times;
}"""


@pytest.mark.alone
@every_picture
def test_every_control_reacts_within_a_frame(open_page, name):
    tab = open_page(name)
    rounds = [tab.evaluate(SWEEP) for _ in range(10)]  # the same moves in each; other work on the machine delays some
    p95 = np.percentile(np.min(rounds, axis=0), 95)
    assert p95 <= FRAME, f"{name}: 95 % of the reactions take up to {p95:.1f} ms"
    assert not tab.trouble


# A move of every control and handle in sight, and the time until it is painted; the figure is at rest before.
ROUNDS = 10  # at most; it ends as soon as each control has been fast enough
FIRST_PAINT = """async (round) => {
    const figure = document.querySelector(".rnnlib-figure");
    const fields = [...figure.querySelectorAll("input, select, svg [role=slider]")];
    const painted = () => new Promise((done) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel(); // its message comes after the frame
        port1.onmessage = done;
        port2.postMessage(0);
    }));
    const fire = (e, event) => e.dispatchEvent(new Event(event, { bubbles: true }));
    const times = [];
    for (const e of fields.filter((field) => field.checkVisibility() && !field.disabled)) {
        await new Promise((r) => setTimeout(r, 600));
        await painted();
        const begin = performance.now();
        if (e.tagName === "g") {
            const key = round % 2 ? "ArrowRight" : "ArrowLeft";
            e.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        } else if (e.type === "range") {
            e.value = round % 2 ? e.max : e.min;
            fire(e, "input");
        } else if (e.tagName === "SELECT") {
            e.selectedIndex = (e.selectedIndex + 1) % e.options.length;
            fire(e, "change");
        } else if (e.type === "text") {
            e.value = round % 2 ? `${e.value} x` : "the quick brown fox";
            fire(e, "input");
        } else e.click();
        await painted();
        times.push([e.ariaLabel || e.labels?.[0]?.innerText || e.value, performance.now() - begin]);
    }
    return times;
}"""


@pytest.mark.alone
@every_picture
def test_first_paint_comes_within_100_milliseconds_on_a_processor_six_times_slower(open_page, name):
    tab = open_page(name, reduced_motion="no-preference")
    tab.wait_for_timeout(2 * SETTLED)
    session = tab.context.new_cdp_session(tab)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    best: dict[int, tuple[float, str]] = {}
    for round_ in range(ROUNDS):  # other work on the machine delays some
        for n, (label, time) in enumerate(tab.evaluate(FIRST_PAINT, round_)):
            best[n] = min(best.get(n, (time, label)), (time, label))
        late = [f"{label}: {time:.0f} ms" for time, label in best.values() if time > 100]
        if round_ >= 1 and not late:
            break
    assert not late
