"""A second accessibility checker beside axe: HTML_CodeSniffer, by the rules of WCAG 2, level AA.

It comes from npm and lies in tests/node_modules, where git does not look: `npm install --prefix tests`. It sorts what
it finds into errors, warnings and notices. Errors are faults. A warning is either one, too, or something that no
program can decide: each kind of the latter was looked at and stands in `DECIDED`, with the elements that it was
decided for.
"""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "node_modules" / "html_codesniffer"
SCRIPT = PACKAGE / "build" / "HTMLCS.js"
WANTED = json.loads((HERE / "package.json").read_text(encoding="utf8"))["devDependencies"]["html_codesniffer"]


def is_installed() -> bool:
    try:
        return json.loads((PACKAGE / "package.json").read_text(encoding="utf8"))["version"] == WANTED
    except FileNotFoundError:
        return False


needs_codesniffer = pytest.mark.skipif(
    not is_installed(), reason=f"no HTML_CodeSniffer {WANTED} found; with Node.js: npm install --prefix tests"
)

UNSEEN = ".rf-hidden, .visually-hidden, mjx-assistive-mml *"
# (end of the code, the elements, why this is no fault)
DECIDED = [
    ("1_1_1.H67.2", "img[alt='']", "the book's sign stands beside the book's name: it is decoration"),
    ("1_3_1.H39.3.NoCaption", "table", "a heading or a sentence before the table says what it holds"),
    ("1_3_1.H48", "p", "a sentence with several links is no list"),
    ("1_3_1.H42", "p:has(> em:only-child)", "how long a task takes, under its heading: no heading itself"),
    # measured by what the page does: at 320 pixels nothing but the code's own box scrolls sideways, by another test
    ("1_4_10.C32,C31,C33,C38,SCR34,G206", "pre", "lines of code have a meaning that breaking them destroys"),
    ("1_4_10.C32,C31,C33,C38,SCR34,G206", "#pst-skip-link, #pst-back-to-top", "a single small button"),
    ("1_3_1.H85.2", ".rnnlib-figure select:not(:has(option:nth-child(9)))", "at most eight options of one kind"),
    ("1_4_3.G18.Abs", UNSEEN, "is heard, not seen: it has no colours"),
    ("1_4_3.G18.Abs", ".rf-panel *", "the panel has an opaque ground, on which axe measures the contrast"),
    ("1_4_3.G145.Abs", UNSEEN, "is heard, not seen: it has no colours"),
    # the place is the figure, the rest its state; a test of links looks for both
    ("2_4_1.G1,G123,G124.NoSuchID", "a[href*='?']", "leads to a figure and sets its state"),
]

RUN = """([selector, decided]) => new Promise((done, fail) => {
    const root = selector ? document.querySelector(selector) : document;
    const preformatted = /^Preformatted/;
    const undecided = ({ code, element, msg }) => !decided.some(([end, what]) => code.endsWith(end) &&
        (element.matches ? element.matches(what) : what === "pre" && preformatted.test(msg)));
    const report = () => done(HTMLCS.getMessages()
        .filter((message) => message.type !== HTMLCS.NOTICE && undecided(message))
        .map(({ code, element, msg }) => `${code}: ${msg}: ${(element.outerHTML ?? "the page").slice(0, 200)}`));
    HTMLCS.process("WCAG2AA", root, report, fail);
})"""


def faults(tab, selector: str | None = None) -> list[str]:
    """What HTML_CodeSniffer finds on a page, or in one element of it, that is worse than a notice."""
    if not tab.evaluate("'HTMLCS' in window"):
        tab.evaluate(SCRIPT.read_text(encoding="utf8"))
    return tab.evaluate(RUN, [selector, [[end, what] for end, what, _ in DECIDED]])
