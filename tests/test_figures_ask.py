"""`Ask` in Chromium."""

import pytest
from figure_site import finger


def test_ask_answers_a_number_with_the_hint_that_was_foreseen(open_page):
    tab = open_page("asks")
    box = tab.locator(".rnnlib-figure").nth(0)
    field, said = box.get_by_role("textbox", name="Your guess"), box.locator("[aria-live=polite]")
    for given, answer in (
        ("half", "type a number"),
        ("50", "half"),
        ("5", "more"),
        ("80", "Think again"),
        ("12,5", "why"),
    ):
        field.fill(given)
        field.press("Enter")
        assert answer in said.inner_text()
    assert "Right" in said.inner_text()
    assert not tab.trouble


def test_ask_answers_a_choice_and_tells_when_asked(open_page):
    tab = open_page("asks")
    box = tab.locator(".rnnlib-figure").nth(1)
    box.locator("label").first.click()
    assert "not that" in box.inner_text()
    box.get_by_role("button", name="Tell me").click()
    assert "The answer: y. see below" in box.inner_text()
    box.get_by_role("radio", name="y").check(force=True)
    assert "Right. see below" in box.inner_text()
    assert box.locator("code").inner_text() == "a" and box.locator("sub").first.inner_text() == "1"


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_ask_takes_an_order_by_dragging_and_by_keys(open_page, touch):
    tab = open_page("asks", has_touch=touch)
    box = tab.locator(".rnnlib-figure").nth(2)
    names = lambda: [text.split()[-1] for text in box.locator("li").all_inner_texts()]  # noqa: E731
    box.scroll_into_view_if_needed()
    top = box.locator("li").nth(0).bounding_box()
    bottom = box.locator("li").nth(2).bounding_box()
    path = [(top["x"] + 60, top["y"] + 15), (top["x"] + 60, bottom["y"] - 20), (top["x"] + 60, bottom["y"] + 20)]
    if touch:
        finger(tab, path)
    else:
        tab.mouse.move(*path[0])
        tab.mouse.down()
        tab.mouse.move(*path[1])
        tab.mouse.move(*path[2])
        tab.mouse.up()
    assert names() == ["a", "b", "c"]
    box.locator("li button").nth(1).press("ArrowUp")
    assert names() == ["b", "a", "c"]
    box.get_by_role("button", name="Check").click()
    assert "begin with a" in box.inner_text()
    box.locator("li button").nth(0).press("ArrowDown")
    box.get_by_role("button", name="Check").click()
    assert "Right" in box.inner_text()
    assert not tab.trouble
