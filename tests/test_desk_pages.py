"""What students and teachers read: code beside what came of it, on a phone and aloud, and nothing that is a secret."""

import html
import json
import re
from collections import Counter

import numpy as np
import pytest
from conftest import CHROMIUM
from submissions import demo, desk

from rnnlib.grading.answers import Tensor, encode
from rnnlib.grading.cli import main
from rnnlib.grading.desk.difference import PICTURE, beside, off, picture
from rnnlib.grading.desk.marks import Mark
from rnnlib.grading.desk.page import MEANING, feedback, solution
from rnnlib.grading.desk.scores import Row, Score
from rnnlib.grading.desk.summary import KIND, bar, legend, summary
from rnnlib.grading.run import grade_answers
from rnnlib.grading.store import stem

TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}


def text(page: str) -> str:
    """What can be read on a page, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.split("</style>")[-1])).split())


def test_the_grader_keeps_what_came_in_the_visible_case_and_of_hidden_ones_only_their_number():
    by_heart = "def gradient(h, dh):\n    return dh * (1 - h**2) * (1 if h.shape == (2, 3) else 2)"
    answers = {**demo.exercise().solutions, "step": demo.mistakes()["step"][0], "gradient": by_heart}
    said = grade_answers(demo.exercise().to_json(), answers, demo.LIMITS.to_json(), trust=True)["tasks"]
    assert said["demo.1"]["got"] == demo.exercise().tasks["demo.1"].cases[0].mistakes[0]
    assert (said["demo.1"]["case"], said["demo.1"]["hint"]) == (0, "The activation is missing.")
    assert (said["demo.2"]["verdict"], said["demo.2"]["case"]) == ("failed", 1)
    assert "got" not in said["demo.2"] and said["demo.2"]["message"].startswith("Right in the visible case, but not")
    assert said["demo.3"] == {"verdict": "passed", "message": ""}


@pytest.mark.parametrize("shape", [(5,), (2, 3), (3, 40), (70, 130), (4, 5, 6), (100_000,)])
def test_the_picture_shows_where_numbers_are_off(shape):
    rng = np.random.default_rng(len(shape))
    wrong = rng.random(shape) < 0.02
    wrong.flat[-1] = True
    svg = picture(wrong)
    grid = wrong.reshape(1, -1) if wrong.ndim == 1 else wrong.reshape(-1, shape[-1])
    rows, columns = (int(np.ceil(length / most)) for length, most in zip(grid.shape, PICTURE, strict=True))
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    cell = width // int(np.ceil(grid.shape[1] / columns))
    assert width <= 400 and height <= 600
    shown = np.zeros((height // cell, width // cell), bool)
    for x, y, w, h in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/>', svg):
        shown[int(y) // cell : (int(y) + int(h)) // cell, int(x) // cell : (int(x) + int(w)) // cell] = True
    for i, j in np.ndindex(shown.shape):
        assert shown[i, j] == grid[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns].any()
    assert f"{wrong.sum()} of {wrong.size} numbers" in svg and 'role="img"' in svg


def test_few_numbers_are_shown_one_by_one_with_digits_enough_to_tell_them_apart():
    expected = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    got = expected.copy()
    got[1, 2] = 6.00001
    page = beside(expected, got, **TOLERANCE)
    assert re.findall(r"<mark>(.*?)</mark>", page) == ["6", "6.00001"]
    assert text(page) == "Expected [0] 1 2 3 [1] 4 5 6 Came [0] 1 2 3 [1] 4 5 6.00001"


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (0.5, 0.5001, "Expected 0.5, came 0.5001."),
        (1.0, 1.0 + 1e-5, "Expected 1, came 1.00001."),
        ("yes", "<b>no</b>", "Expected 'yes' , came '<b>no</b>' ."),
        (True, None, "Expected True , came None."),
        (np.zeros(2), [0.0, 0.0], "Expected an array of shape (2,), came a list of 2."),
        (np.zeros(2), Tensor(np.zeros(2)), "Expected an array of shape (2,), came a PyTorch tensor of shape (2,)."),
        (np.zeros((1, 2)), np.ones(2), "Expected an array of shape (1, 2): [0] 0 0 Came an array of shape (2,): [0] 1"),
        (np.zeros(2), np.zeros(2, np.float32), "of dtype float64, came an array of shape (2,) of dtype float32."),
        ((1, {"h": 1.0}), (1, {"h": np.inf}), "In item 1, 'h': Expected 1, came inf."),
        (np.array([np.nan, 1.0]), np.array([np.nan, np.nan]), "Expected [0] nan [1] 1 Came [0] nan [1] nan"),
        (np.array([1, 2]), np.array([1, 3]), "Expected [0] 1 [1] 2 Came [0] 1 [1] 3"),
        (np.array([1 + 2j]), np.array([1 - 2j]), "Expected [0] 1+2j Came [0] 1-2j"),
        (np.zeros((0, 3)), np.zeros((3, 0)), "Expected an array of shape (0, 3): Came an array of shape (3, 0):"),
    ],
)
def test_two_answers_side_by_side(expected, got, said):
    page = beside(expected, got, **TOLERANCE)
    assert said in text(page) and "<b>" not in page


def test_the_tolerance_is_a_share_of_what_was_expected():
    one, more = np.array([1.0]), np.array([1.2])
    assert off(one, more, 0.18, 0.0).tolist() == [True] and off(more, one, 0.18, 0.0).tolist() == [False]


def test_what_is_off_is_what_numpy_says():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    b = a + rng.choice([0, 1e-8, 1e-3], size=200)
    b[::17], a[::34] = np.nan, np.nan
    assert (off(a, b, 1e-6, 1e-9) == ~np.isclose(b, a, rtol=1e-6, atol=1e-9, equal_nan=True)).all()


@pytest.fixture
def room(tmp_path, monkeypatch, solutions):
    """Five students: right, three wrong, nothing."""
    desk.use(monkeypatch)
    right, wrong = demo.exercise().solutions, demo.mistakes()
    answers = [
        right,
        {**right, "gradient": wrong["gradient"][0], "step": "# <script>\n" + wrong["step"][1]},
        {**right, "gradient": wrong["gradient"][0]},
        {**right, "gradient": "def gradient(h, dh):\n    return 1 / 0"},
        {},
    ]
    for number, sources in enumerate(answers):
        demo.write(tmp_path / "class" / f"s{number}.ipynb", demo.filled(demo.student(), sources))

    def grade(*options, status: int = 0) -> None:
        command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--solutions", str(solutions)]
        assert main([*command, *map(str, options)]) == status

    grade.path = tmp_path
    grade.page = lambda n: (tmp_path / "out" / "feedback" / f"{stem(f's{n}.ipynb')}.html").read_text(encoding="utf8")
    return grade


def test_the_page_has_the_code_beside_the_case_and_what_came_of_it(room):
    room()
    page = room.page(1)
    said = text(page)
    assert "demo.1 One step" in said and "0 of 2 points , failed" in said
    assert "np.tanh(x @ W_x + h @ W_h.T)" in said and "W_h needs no transpose." in said
    assert "seed, B = 0, 2 # case" in said and "Expected [0]" in said and "Came [0]" in said
    assert "<script>" not in page and "# &lt;script&gt;" in page
    right = demo.exercise().tasks["demo.1"].cases[0].answer["value"]
    assert all(f"{number:.4g}" in said for number in right)
    assert "ZeroDivisionError: division by zero" in text(room.page(3)) and "return 1 / 0" in text(room.page(3))
    assert "no answer" in text(room.page(4))


def test_no_page_of_a_student_shows_a_hidden_case_or_a_solution(room):
    room()
    for number in range(1, 5):
        page = html.unescape(room.page(number))
        for task in demo.exercise().tasks.values():
            for case in task.cases[1:]:
                [own] = set(case.source.splitlines()) - set(task.cases[0].source.splitlines())
                assert own.replace("# case", "").strip() not in page
        assert "A solution" not in page
    assert "return dh * (1 - h**2)" not in html.unescape(room.page(4))


def test_solutions_are_shown_on_request_once_nobody_can_hand_in_any_more(room, capsys):
    room("--with-solutions", "--due=2020-01-01")
    assert "A solution" in room.page(4) and "return dh * (1 - h**2)" in html.unescape(room.page(4))
    for number, folded in ((0, True), (4, False)):
        assert ('<details class="solution">' in room.page(number)) == folded
    assert "SOLUTION" not in solution(demo.exercise(), "demo.2")
    (room.path / "r.csv").write_text("id,name,until\ns0,A,\ns1,B,2999-01-01\n")
    roster = ["--roster", room.path / "r.csv", "--due-column=until"]
    capsys.readouterr()
    room("--with-solutions", "--due=2020-01-01", *roster, status=2)
    assert "--with-solutions: expected that all due dates are over, got one at 2999-01-01" in capsys.readouterr().err


def test_the_class_page_counts_verdicts_and_hints(room):
    room()
    page = (room.path / "out" / "class.html").read_text(encoding="utf8")
    found = json.loads((room.path / "out" / "scores.json").read_text())
    counts = Counter(item["tasks"]["demo.2"]["verdict"] for item in found)
    assert counts == {"failed": 2, "passed": 1, "error": 1, "missing": 1}
    said = text(page)
    assert "demo.2 1 of 3"[:6] in said and "20% passed, 40% failed, 20% error, 20% missing" in said
    assert "2 × You forgot the derivative of tanh." in said and "1 × error: ZeroDivisionError" in said
    points = sorted(item["points"] for item in found)
    assert f"{np.mean(points):g} of 6 points on average, the median is {np.median(points):g}, from 0 to 6." in said


def test_the_class_page_leads_to_everybodys_page(room):
    room()
    page = (room.path / "out" / "class.html").read_text(encoding="utf8")
    links = re.findall(r'<a href="(feedback/[^"]+)">([^<]+)</a></th><td[^>]*>([^<]+)<', page)
    assert [name for _, name, _ in links] == [f"s{number}.ipynb" for number in range(5)]
    for number, (link, name, said) in enumerate(links):
        target = (room.path / "out" / link).read_text(encoding="utf8")
        assert target == room.page(number) and f"Demo: {name}" in target
        assert f"{said} points" in text(target)


def test_bars_have_their_parts_in_one_order_and_a_legend():
    """Orange beside orange and white beside white, whichever is more frequent."""
    names = ["missing"] * 3 + ["error"] * 2 + ["timeout", "failed", "to mark", "by hand", "passed", "never heard of"]
    order = re.findall(r'<i class="(\w+)"', bar([Score(name) for name in names]))
    assert order == ["passed", "by", "failed", "failed", "other", "none", "none", "other"]
    known = re.findall(r'<i class="(\w+)"></i> (.+?)</li>', legend())
    assert [kind for kind, _ in known] == list(dict.fromkeys(order[:-1]))
    assert set(MEANING) == set(KIND), "each verdict has a colour"


def test_the_class_page_names_the_hidden_case_that_most_fell_for():
    scores = [
        Score("failed", "Right in the visible case, but not in a hidden one. 1 of 1 numbers are off.", case=1)
    ] * 3
    rows = [Row(f"s{n}", f"{n}.ipynb", demo.NAME, "graded", tasks={"demo.2": s}) for n, s in enumerate(scores)]
    said = text(summary(rows, {demo.NAME: demo.exercise()}, ["<a note>"]))
    assert "3 × case 1 seed, shape = 1, (1, 1)" in said and "<a note>" in said


def test_an_answer_that_nobody_has_looked_at_yet_is_not_in_the_average():
    looked_at = Score("marked", max_points=1.0, mark=Mark("s0", "demo.2", 1.0, "", "marks.csv:2"))
    scores = [looked_at, Score("to mark", max_points=1.0), Score("to mark", max_points=1.0)]
    rows = [Row(f"s{n}", f"{n}.ipynb", demo.NAME, "graded", tasks={"demo.2": s}) for n, s in enumerate(scores)]
    worth = demo.exercise().worth["demo.2"]
    assert f" 1 of {worth:g} " in text(summary(rows, {demo.NAME: demo.exercise()}))
    assert f" - of {worth:g} " in text(summary(rows[1:], {demo.NAME: demo.exercise()}))


def test_a_page_is_made_of_whatever_is_there():
    row = Row(
        "s\ud800",
        "x\u202e.ipynb",
        "gone",
        "graded",
        tasks={"gone.1": Score("failed", "\ud800", got={"bad": 1}, case=0)},
    )
    assert (
        "gone.1" in feedback(row, demo.exercise()) and "\ud800" not in feedback(row) and "\u202e" not in feedback(row)
    )


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found")
@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (320, "dark")])
def test_pages_fit_a_phone_and_axe_finds_nothing(browser, room, tmp_path, width, scheme):
    from axe_playwright_python.base import AXE_SCRIPT

    (tmp_path / "m.csv").write_text("student,task,points,comment\ns1,demo.1,1,Nearly.\ns1,00_demo,4,\n")
    room("--marks", tmp_path / "m.csv", "--with-solutions", "--due=2020-01-01", "--late-penalty=1%")
    wide = Row("w", "w.ipynb", demo.NAME, "graded", max_points=6.0)
    got = encode(np.random.default_rng(0).normal(size=(2, 4)) * 1e-12)
    wide.tasks["demo.1"] = Score("failed", "12 numbers", case=0, got=got, code="x = 1  # " + "long " * 60)
    big = tmp_path / "out" / "big.html"
    page = feedback(wide, demo.exercise()).replace("</main>", picture(np.eye(200, dtype=bool)) + "</main>")
    big.write_text(page, encoding="utf8")
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        for path in [*(tmp_path / "out" / "feedback").glob("s[1-4]*.html"), tmp_path / "out" / "class.html", big]:
            tab.goto(path.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
            tab.evaluate(AXE_SCRIPT)
            found = tab.evaluate("o => axe.run(o)", {"preload": False, "resultTypes": ["violations"]})
            assert found["passes"], "axe looked at nothing"
            assert not [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]], path
        tab.emulate_media(media="print")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        tab.close()
