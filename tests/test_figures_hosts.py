"""What a page does with its figures: two on a page, addresses, links, removal, failure."""

from figure_page import call
from figure_site import FIGURES, PICTURE, SETTLED, every_figure, picture

from rnnlib.figures.base import bundle


def test_page_without_figures_loads_nothing_of_them(open_page):
    tab = open_page("index")
    assert tab.locator("script[src*='figures/'], link[href*='figures/']").count() == 0


def both(tab):
    """The two figures of a page, once both are there."""
    tab.wait_for_function("document.querySelectorAll('.rnnlib-figure[data-ready]').length === 2")
    tab.wait_for_timeout(SETTLED)
    return [tab.locator(".rnnlib-figure").nth(n) for n in (0, 1)]


def test_two_figures_on_a_page_move_apart(open_page):
    tab = open_page("twice")
    first, second = both(tab)
    before = second.evaluate(PICTURE)
    first.get_by_role("combobox", name="Weight").select_option("W_h[1,1]")
    first.get_by_role("slider", name="Step").press("ArrowRight")
    assert "2 of 7" in first.inner_text() and "7 of 7" in second.inner_text()
    assert second.get_by_role("combobox", name="Weight").input_value() == "W_h[1,0]"
    assert second.evaluate(PICTURE) == before
    assert [figure.get_attribute("id") for figure in (first, second)] == ["unroll-stepper", "unroll-stepper-2"]


def test_two_figures_with_the_same_id_stay_in_step(open_page):
    first, second = both(open_page("shared"))
    first.get_by_role("slider", name="Step").press("End")
    assert "7 of 7" in second.inner_text()
    second.get_by_role("slider", name="Step").press("Home")
    assert "1 of 7" in first.inner_text()


# A figure outside any page: its listeners on its model and on the document, before and after it is removed.
LISTENERS = """(() => {
    let count = 0;
    for (const target of [document, window]) {
        const [on, off] = [target.addEventListener.bind(target), target.removeEventListener.bind(target)];
        target.addEventListener = (...all) => { count++; on(...all); };
        target.removeEventListener = (...all) => { count--; off(...all); };
    }
    const state = argument;
    const model = { get: (name) => state[name], set: (name, v) => { state[name] = v; }, save_changes() {},
        on: () => { count++; }, off: () => { count--; } };
    const el = document.createElement("div");
    document.body.append(el);
    const end = m.default.render({ model, el });
    const during = count;
    end();
    return [during, count];
})()"""


@every_figure
def test_a_removed_figure_leaves_no_listener_behind(blank, name):
    figure = FIGURES[name]()
    state = {n: getattr(figure, n) for n in [*figure.state(), "controls"]}
    during, after = call(blank, bundle(name), LISTENERS, state)
    assert during > 3 and after == 0


def test_an_address_with_nonsense_changes_nothing(open_page):
    tab = open_page("NgramDial")
    tab.wait_for_timeout(SETTLED)
    before = picture(tab)
    tab.evaluate("location.hash = '#ngram-dial?order=99&smoothing=none&k=x&colour=red&seed=1.5'")
    tab.wait_for_timeout(SETTLED)
    assert picture(tab) == before
    assert not tab.trouble


def test_a_link_in_the_prose_sets_a_state(open_page):
    tab = open_page("linked")
    tab.get_by_role("link", name="try k = 8").click()
    figure = tab.locator(".rnnlib-figure")
    assert figure.get_by_role("slider", name="Window k:").get_attribute("aria-valuetext") == "k = 8"
    assert figure.get_by_role("radio", name="sliding window").is_checked()
    assert not tab.trouble


def test_a_figure_that_fails_keeps_its_text_and_says_so(browser, site, tmp_path):
    page = (site / "twice.html").read_text(encoding="utf8").replace('src="_static', f'src="{site.as_uri()}/_static')
    broken = page.replace("&quot;weight&quot;:&quot;W_h[1,0]&quot;", "&quot;weight&quot;:&quot;nonsense&quot;", 1)
    assert broken != page
    (tmp_path / "broken.html").write_text(broken, encoding="utf8")
    tab = browser.new_page()
    errors = []
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.goto((tmp_path / "broken.html").as_uri())
    tab.wait_for_selector(".rnnlib-figure[data-ready]")
    assert "an interactive figure" in tab.locator(".rnnlib-figure").first.inner_text()
    assert any("The figure UnrollStepper could not start" in error for error in errors)
    tab.close()
