"""Every figure in Chromium: each control and handle moves the picture by mouse, touch and keyboard."""

import pytest
from figure_site import (
    CONTROLS,
    DRAGS,
    HANDLES,
    SETTLED,
    describe,
    every_picture,
    finger,
    open_all_controls,
    picture,
    use_by_keyboard,
)


@every_picture
def test_every_control_changes_the_picture_by_keyboard(open_page, name):
    tab = open_page(name)
    order = tab.evaluate(
        """(selector) => [...document.querySelectorAll(selector)]
            .flatMap((e, n) => (e.checkVisibility() && !e.disabled ? [n] : []))""",
        CONTROLS.replace(":enabled:visible", ""),
    )
    count = len(order)
    assert count >= 1
    unmoved = []
    for n in range(count):
        control = tab.locator(CONTROLS.replace(":enabled:visible", "")).nth(order[n])
        if not control.is_visible() or not control.is_enabled():  # another control has switched it off: start afresh
            tab.reload(wait_until="load")
            tab.wait_for_selector(".rnnlib-figure[data-ready]")
            tab.wait_for_timeout(60)
        if control.evaluate("(e) => e.type === 'radio' && e.checked"):
            continue  # it is what the picture shows already; the others of its group are tried
        before, label = picture(tab), describe(control)
        use_by_keyboard(control)
        tab.wait_for_timeout(60)
        if picture(tab) == before:
            unmoved.append(label)
    assert not unmoved
    assert not tab.trouble


@every_picture
def test_every_control_has_a_name_and_can_be_reached_by_tab(open_page, name):
    tab = open_page(name)
    nameless = tab.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).filter((e) =>
            !(e.ariaLabel || [...(e.labels ?? [])].some((label) => label.innerText.trim()) || e.innerText.trim()))
            .map((e) => e.outerHTML)""",
        CONTROLS.replace(":visible", ""),
    )
    assert not nameless
    # a mark on each control, because what is drawn late may shift every count
    groups = tab.locator(CONTROLS).evaluate_all("(all) => all.map((e, i) => (e.dataset.group = e.name || `${i}`))")
    tab.locator(CONTROLS).first.focus()
    reached = set()
    for _ in range(60):
        inside = tab.evaluate(
            "document.activeElement.closest('.rnnlib-figure') && (document.activeElement.dataset.group ?? 'other')"
        )
        if not inside:
            break
        reached.add(inside)
        tab.keyboard.press("Tab")
    assert set(groups) <= reached


@every_picture
def test_at_most_three_native_controls_are_in_sight(open_page, name):
    tab = open_page(name)
    groups = tab.locator(CONTROLS).evaluate_all(
        "(all) => all.map((e) => e.name || e.closest('.rf-player, label, button'))"
    )
    fields = tab.locator(
        ".rnnlib-figure :is(fieldset, .rf-player, .rf-control:not(.rf-player *), .rf-check, .rf-row > button)"
    )
    assert groups and fields.evaluate_all("(all) => all.filter((e) => e.checkVisibility()).length") <= 3


@every_picture
def test_handles_in_the_picture_move_by_keyboard_and_say_where_they_are(open_page, name):
    tab = open_page(name)
    tab.wait_for_timeout(SETTLED)
    handles = tab.locator(HANDLES)
    assert handles.count() >= 1
    for n in range(handles.count()):
        handle = handles.nth(n)
        if handle.get_attribute("visibility") == "hidden" or handle.get_attribute("aria-valuemax") == "0":
            continue
        handle.focus()
        before, value = picture(tab), int(float(handle.get_attribute("aria-valuenow")))
        label = handle.get_attribute("aria-label")
        moved, pictures = [], set()
        for key in ("ArrowLeft", "ArrowRight", "ArrowRight"):
            handle.press(key)
            moved.append(float(handle.get_attribute("aria-valuenow")))
            tab.wait_for_timeout(30)
            pictures.add(picture(tab))  # a handle that stands at its end comes back to it
        assert len({value, *moved}) >= 2, label
        assert pictures - {before}, label
        for end in ("valuemin", "valuemax", "valuetext"):
            assert handle.get_attribute(f"aria-{end}"), label
        low, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
        assert all(low <= value <= high for value in moved), label
    assert not tab.trouble


# The values of the native controls that can be seen, and whether each has a label.
NATIVE = """() => [...document.querySelectorAll(".rnnlib-figure :is(input, select)")].filter((e) => e.checkVisibility())
    .map((e) => [e.labels[0]?.innerText.trim() || e.ariaLabel || "", `${e.value} ${e.checked}`])"""


@every_picture
@pytest.mark.parametrize("width", [1200, 360])
def test_what_is_dragged_can_be_set_by_a_labelled_native_control_on_every_axis(open_page, name, width):
    tab = open_page(name, width=width)
    open_all_controls(tab)
    unset = []
    handles = tab.locator(HANDLES)
    for n in range(handles.count()):
        handle = handles.nth(n)
        if handle.get_attribute("visibility") == "hidden":
            continue
        for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
            before, shown = handle.get_attribute("aria-valuetext"), tab.evaluate(NATIVE)
            handle.press(key)
            if handle.get_attribute("aria-valuetext") != before and tab.evaluate(NATIVE) == shown:
                unset.append(f"{handle.get_attribute('aria-label')}: {key}")
    assert not unset
    assert all(label for label, _ in tab.evaluate(NATIVE))


@every_picture
@pytest.mark.parametrize("width", [1200, 320])
def test_all_controls_open_by_keyboard_move_the_picture_and_keep_within_the_figure(open_page, name, width):
    tab = open_page(name, width=width, reduced_motion="reduce")
    opener = tab.get_by_role("button", name="All controls")
    if not opener.count():
        pytest.skip("all that is dragged has its control in sight")
    figure, panel = tab.locator(".rnnlib-figure"), tab.get_by_role("group", name="All controls")
    height = figure.bounding_box()["height"]
    opener.press("Enter")
    outer, inner = figure.bounding_box(), panel.bounding_box()
    assert outer["height"] == height and inner["y"] >= outer["y"] and inner["x"] >= outer["x"]
    assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    for n in range(panel.locator("input").count()):
        control, before = panel.locator("input").nth(n), picture(tab)
        if control.evaluate("(e) => e.min === e.max"):
            continue  # a single path
        use_by_keyboard(control)
        tab.wait_for_timeout(60)
        assert picture(tab) != before, describe(control)
    tab.keyboard.press("Escape")
    assert not panel.is_visible() and opener.evaluate("(e) => e === document.activeElement")


@every_picture
@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_the_picture_is_dragged(open_page, name, touch):
    tab = open_page(name, width=400 if touch else 1200, has_touch=touch)
    label, dx, dy, _ = DRAGS[name]
    dx /= 3 if touch else 1
    handle = tab.locator(HANDLES).filter(has=tab.locator("*")).and_(tab.get_by_label(label)).first
    handle.scroll_into_view_if_needed()
    tab.wait_for_timeout(SETTLED)
    value = handle.get_attribute("aria-valuenow")
    before = tab.evaluate("scrollY")
    box = handle.locator(".rf-grip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    path = [(x + dx * share, y + dy * share) for share in (0, 0.25, 0.5, 0.75, 1)]
    if touch:
        finger(tab, path)
    else:
        tab.mouse.move(*path[0])
        tab.mouse.down()
        for point in path[1:]:
            tab.mouse.move(*point)
        tab.mouse.up()
    assert handle.get_attribute("aria-valuenow") != value
    assert handle.evaluate("(e) => e === document.activeElement")
    assert tab.evaluate("scrollY") == before
    assert not tab.trouble


@every_picture
def test_a_copied_address_restores_every_control(open_page, name):
    tab = open_page(name)
    for n in range(tab.locator(CONTROLS).count()):
        control = tab.locator(CONTROLS).nth(n)
        if control.evaluate("(e) => e.type !== 'button'"):
            use_by_keyboard(control)
    tab.get_by_role("button", name="Copy a link to this state").click()
    state = "(all) => all.map((e) => [e.value, e.checked])"
    fields = ".rnnlib-figure :is(input, select)"
    expected = tab.locator(fields).evaluate_all(state)
    url = tab.url
    assert "#" in url and "?" in url
    tab.goto("about:blank")
    tab.goto(url)
    tab.wait_for_selector(".rnnlib-figure[data-ready]")
    tab.wait_for_timeout(SETTLED)
    assert tab.locator(fields).evaluate_all(state) == expected
    assert not tab.trouble


def test_a_caret_that_is_taken_by_its_knob_follows_level_with_it(open_page):
    """The knob hangs below the line of text, where the next line would be."""
    tab = open_page("TypeAhead")
    caret = tab.get_by_role("slider", name="Reading position in the text").first
    knob = caret.locator(".rf-knob").bounding_box()
    before = int(caret.get_attribute("aria-valuenow"))
    x, y = knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x - 60, y, steps=6)
    tab.mouse.up()
    assert 2 <= before - int(caret.get_attribute("aria-valuenow")) <= 12
