"""Which numbers of a chapter's prose do its cells print or assert?

``python tests/test_prose.py book/02_language_models.ipynb`` lists the numerals that no cell prints or asserts;
with ``--all`` every numeral and what covers it. What counts as covered:

- a printed number (plain text of stored outputs), equal in value: 28,544 is 28544, and 36 % is 0.36. A printed 36
  covers 36 % only if the same output speaks of percent, a printed 3 covers "three times" only as "3 times" or "3×";
- a number that an ``assert`` compares for equality, also inside strings and lists, or as ``isclose(x, 0.36, atol=…)``;
- an asserted interval that *rounds* to the number: ``0.355 < x < 0.365`` covers 0.36 and 36 %, ``0.3 < x < 0.4``
  does not; ``2.5 < a / b < 3.5`` covers "three times", ``0.23 < x < 0.27`` "a quarter";
- one side of an inequality, where the prose states a limit too ("less than 1 %");
- a setting (``steps=1500``, ``T = 24``, an argument of a call), for a numeral that is no percentage and has no unit.

Not looked at: code, displayed formulas, small numbers in inline formulas, years, ordinals, plain 0 and 1, numbers that
name something ("chapter 4", "position 9"), "two ways" and "three gates". In the exercises only decimals and percentages
are looked at; the other numbers set the task. Whole numbers below 25 and fractions in words must be covered by a cell
of the same section (from one ``##`` to the next) if it has any, since elsewhere an equal number would be an accident.

What is left and needs no cell stands in ``tests/prose/<chapter>.toml`` as ``"words around the number" = "reason"``.
An entry that is not needed fails the test.
"""

import bisect
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from shown_numbers import NUMBER, PERCENT, TIMES, Shown, number, shown_by

EXCEPTIONS = Path(__file__).resolve().parent / "prose"

ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = ["third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
WORDS = {word: value for value, word in enumerate(ONES)} | {word: 10 * k for k, word in enumerate(TENS, 2)}
WORDS |= {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6}
PARTS = {word: Fraction(1, k) for k, word in enumerate(ORDINALS, 3)}
PARTS |= {"hundredth": Fraction(1, 100), "thousandth": Fraction(1, 1000)}

UNIT = r"[\s-]*(?:bits?|nats?|times|°C|degrees?|seconds?|minutes?|hours?|s|ms|kB|MB|GB|standard\s+\w+|orders?\s+of)\b"
LABEL = (
    r"(?:chapters?|exercises?|formulas?|equations?|figures?|parts?|sections?|Python|steps?|positions?|rows?|lines?|columns?"
    r"|layers?|units?|places?|days?|tasks?|cells?|index|seeds?|class)(?:\s+number)?(?:\s+|\s*\|\s*)"
)
LABELS = re.compile(rf"\b{LABEL}{NUMBER}(?:(?:\s*,\s*|\s+(?:and|to|or|with)\s+|\s*[–|-]\s*){NUMBER})*(?!\s*%)", re.I)
ABOUT = r"(?:about|around|roughly|nearly|almost|some|circa)\s+"
LIMIT = (
    r"(?:(?:less|more|fewer|better|worse|larger|smaller|longer|shorter|later|lower|higher|further)\s+than|at\s+(?:least|most)"
    r"|(?:not|never|no)\s+\w+\s+than|under|over|below|above|beyond|within|between|up\s+to|≤|≥|<|>)\s+(?:\w+\s+){0,2}"
)


@dataclass(frozen=True)
class Numeral:
    """A number in the prose: its value, half a unit of its last digit, and how it is said."""

    text: str
    value: Fraction
    half: Fraction
    sentence: str
    percent: bool = False
    part: bool = False  # "half", "a quarter"
    times: bool = False
    unit: bool = False
    limit: bool = False

    def covered_by(self, shown: Shown) -> str:
        """In what way the cells cover it; empty if they do not."""
        value = self.value
        low, high = value - self.half, value + self.half
        if value in shown.equal:
            return "asserted"
        for small, large in shown.intervals:
            if low <= small <= value <= large <= high:
                return "interval"
            if self.part and small > 0 and 1 / high <= small <= 1 / value <= large <= 1 / low:
                return "interval of its reciprocal"
        if self.limit and value in shown.limits:
            return "limit"
        if self.times:
            return "printed" if value in shown.times or (value.denominator > 1 and value in shown.printed) else ""
        if value in shown.percent and (self.percent or self.part):
            return "printed"
        if value in shown.printed and not self.part and not (self.percent and value in (0, 1)):
            return "printed"
        return "" if self.percent or self.part or self.unit or value not in shown.settings else "setting"


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def inline_formula(match: re.Match) -> str:
    """A formula with all but its larger numbers blanked; the length stays."""
    text = re.sub(r"(?:\d+(?=\^)|[_^])(?:\^?\{(?:[^{}]|\{[^{}]*\})*\}|\^?\\\w+|\^?\S)", blank, match[0])
    text = text.replace(r"\%", " %").replace(r"\,", "  ").replace("{,}", " , ")
    small = re.sub(r"(?<![\d.,])\d(?![\d.,])(?!\s*%)", blank, text)
    return re.sub(r"\\[a-zA-Z]+|[^\d\s.,%]", blank, small)


def masked(text: str) -> str:
    """The prose with everything that is no prose blanked out, at its old length."""
    text = re.sub(r"^(`{3,})(?!\{)[\s\S]*?^\1\s*$", blank, text, flags=re.M)  # code, but no directives
    if re.search(r"\| chapter \|$", text, re.M):  # a table with a column of chapters
        text = re.sub(r"(?<=\|)\s*\d+\s*(?=\|$)", blank, text, flags=re.M)
    text = re.sub(r"^`{3,}.*$|^:\w+:.*$|^\s*(?:\d+\.|[-*])\s", blank, text, flags=re.M)
    text = re.sub(r"\$\$[\s\S]*?\$\$(?:\s*\([\w-]+\))?", blank, text)
    text = re.sub(r"\{\w+\}`[^`]*`|`[^`]*`|<[^>]+>|(?<=\])\([^)]*\)", blank, text)
    text = re.sub(r"\$[^$]+\$", inline_formula, text)
    text = re.sub(r"\*\*\d+\.|\(\d+ minutes\)|\b10 to the (?:minus )?\d+", blank, text)  # head of an exercise; powers
    text = re.sub(r"\(\d\)(?=[\s,.;:])", blank, text)  # a formula's number
    text = re.sub(rf"(?<!\*)\*(?:{'|'.join(WORDS)})\*(?!\*)", blank, text)  # a word as an example, not a number
    return LABELS.sub(blank, re.sub(r"[*$]", " ", text)).replace("−", "-")


def sentence_at(text: str, masked_text: str, start: int) -> tuple[int, str]:
    boundary = r"[.!?](?=\s)|\n\s*\n|\||\n(?=\s*[-*#]|\s*\d+\. )"
    ends = [m.end() for m in re.finditer(boundary, masked_text) if not text[m.end() : m.end() + 1].isalnum()]
    k = bisect.bisect_right(ends, start)
    begin = ends[k - 1] if k else 0
    end = ends[k] if k < len(ends) else len(text)
    return begin, re.sub(r"\s+", " ", text[begin:end]).strip(" |")


def numerals(text: str) -> Iterator[Numeral]:
    """All numbers in a piece of Markdown that state something that a cell could show."""
    clean = masked(text)
    joined = rf"(?:\s*(?:,|–|-|/|±)\s*|\s+(?:to|and|or|against|instead\s+of)\s+){NUMBER}"
    for match in re.finditer(rf"(?<![\w.]){NUMBER}(?![\w])", clean):
        before, after = clean[: match.start()], clean[match.end() :]
        begin, sentence = sentence_at(text, clean, match.start())
        before = before[begin:]
        value = number(match[0])
        percent = bool(re.match(rf"(?:{joined}){{0,3}}{PERCENT}", after))
        measured = percent or bool(re.match(rf"(?:{joined}){{0,3}}{UNIT}", after))
        plain = value == 0 or (value == 1 and "." not in match[0] and (not measured or re.match(TIMES, after)))
        if plain or re.fullmatch(r"(?:1[89]|20)\d\d", match[0]):
            continue
        digits = re.sub(r"[,_]", "", match[0])
        half = Fraction(1, 2 * 10 ** len(digits.partition(".")[2])) if "e" not in digits.lower() else value / 20
        if "." not in digits and re.search(rf"\b{ABOUT}$", before):  # "about 380" has two digits that mean something
            half = Fraction(10 ** max(0, min(len(digits) - len(digits.rstrip("0")), len(digits) - 2)), 2)
        many = re.match(r"\s+(million|billion)\b", after)
        scale = Fraction(10 ** {"million": 6, "billion": 9}[many[1]]) if many else Fraction(1, 100 if percent else 1)
        yield Numeral(
            match[0] + (" %" if percent else many[0] if many else ""),
            value * scale,
            half * scale,
            sentence,
            percent=percent,
            times=bool(re.match(TIMES, after)),
            unit=measured,
            limit=bool(re.search(rf"(?:{LIMIT}|between\s+\S+\s+(?:%\s+)?and\s+)$", before, re.I)),
        )
    yield from number_words(text, clean)


def number_words(text: str, clean: str) -> Iterator[Numeral]:
    ratio = rf"\b({'|'.join(WORDS)})(?:\s+\w+)?\s+(?:in|of|out\s+of)\s+({'|'.join(WORDS)})\b(?!\s+of)"
    for match in re.finditer(ratio, clean, re.I):  # "one in four", "nine out of ten"
        few, many = WORDS[match[1].lower()], WORDS[match[2].lower()]
        if 0 < few < many > 2:
            begin, sentence = sentence_at(text, clean, match.start())
            share, limit = Fraction(few, many), bool(re.search(rf"\b{LIMIT}$", clean[begin : match.start()], re.I))
            half = min(share / 10, Fraction(1, 2 * many))
            yield Numeral(re.sub(r"\s+", " ", match[0]), share, half, sentence, part=True, limit=limit)
            clean = clean[: match.start()] + blank(match) + clean[match.end() :]
    pattern = rf"\b(?:{'|'.join(WORDS)}|twice|half|(?:{'|'.join(PARTS)})s?)\b"
    for match in re.finditer(pattern, clean, re.I):
        begin, sentence = sentence_at(text, clean, match.start())
        before, after = clean[begin : match.start()], clean[match.end() :]
        word = match[0].lower()
        limit = bool(re.search(rf"\b{LIMIT}$", before, re.I))
        rough = bool(re.search(rf"\b(?:{ABOUT}|(?!between){LIMIT})$", before, re.I))
        times, percent = bool(re.match(TIMES, after)), bool(re.match(PERCENT, after))
        said = {"sentence": sentence, "limit": limit}
        if word == "half":
            if not re.search(r"\b(?:first|second|other|lower|upper|left|right|each)\s+$", before):
                small = bool(re.match(r"\s+an?" + PERCENT, after))
                scale = 100 if small else 1
                yield Numeral(word, Fraction(1, 2 * scale), Fraction(1, 20 * scale), part=True, percent=small, **said)
        elif word == "twice":
            if rough or re.match(r"\s+(?:as|the|its|that|their)\b", after):
                yield Numeral(word, Fraction(2), Fraction(1, 2), times=True, **said)
        elif word.rstrip("s") in PARTS and word.removesuffix("s") in PARTS:
            many = re.search(rf"\b({'|'.join(WORDS)}|an?)\s+$", before, re.I)
            if many and re.match(r"\s+(?:of|as|the|more|less|fewer|better|worse|with)\b|\s*[.,;:)]|\s*$", after):
                value = PARTS[word.removesuffix("s")] * WORDS.get(many[1].lower(), 1)
                yield Numeral(f"{many[1]} {word}", value, value / 10, part=True, **said)
        else:
            value = WORDS[word]
            unit = bool(re.match(UNIT, after))
            scaled = re.match(r"\s+(hundred|thousand|million)\b", after)
            part = re.match(rf"\s+(?:{'|'.join(PARTS)})s?\b", after)
            if (
                part
                or re.search(r"\d\s+$", before)
                or (value < 4 and not (times or percent or unit or scaled or (rough and value > 1)))
            ):
                continue
            if value >= 100 and (many := re.search(rf"\b({'|'.join(WORDS)})\s+$", before, re.I)):
                value *= WORDS[many[1].lower()]
            elif scaled:
                continue  # said by the next word
            scale = 100 if percent else 1
            whole = Fraction(value, scale)
            yield Numeral(word, whole, Fraction(1, 2 * scale), times=times, percent=percent, unit=unit, **said)


def sections(cells: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    """The chapter's sections, from one ``##`` to the next: title and cells."""
    title, part = "", []
    for cell in cells:
        text = "".join(cell["source"])
        pieces = re.split(r"^(?=## )", text, flags=re.M) if cell["cell_type"] == "markdown" else [text]
        for piece in pieces:
            if cell["cell_type"] == "markdown" and piece.startswith("## "):
                yield title, part
                title, part = piece.partition("\n")[0].removeprefix("## "), []
            part.append({**cell, "source": piece})
    yield title, part


def examine(cells: list[dict]) -> Iterator[tuple[Numeral, str]]:
    """Each numeral of a chapter, and how it is covered."""
    everywhere = shown_by(cells)
    for title, part in sections(cells):
        here = shown_by(part) if any(cell["cell_type"] == "code" for cell in part) else everywhere
        for cell in part:
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            for numeral in numerals(cell["source"] if cell["cell_type"] == "markdown" else alt):
                small = numeral.part or (numeral.value < 25 and numeral.value.denominator == 1)
                if title != "Exercises" or "." in numeral.text or numeral.percent:
                    yield numeral, numeral.covered_by(here if small else everywhere)


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf8"))["cells"]


def exceptions(path: Path) -> dict[str, str]:
    listed = EXCEPTIONS / f"{path.stem}.toml"
    return tomllib.loads(listed.read_text(encoding="utf8")) if listed.exists() else {}


def uncovered(path: Path) -> tuple[list[Numeral], set[str]]:
    """Numerals that neither a cell nor the list of exceptions accounts for, and exceptions that no numeral needs."""
    allowed = exceptions(path)
    missing, unused = [], set(allowed)
    for numeral, how in examine(cells_of(path)):
        if not how:
            number_said = numeral.text.removesuffix(" %").lower()
            fits = {words for words in allowed if words in numeral.sentence and number_said in words.lower()}
            unused -= fits
            missing += [] if fits else [numeral]
    return missing, unused


def main(arguments: list[str]) -> None:
    for name in [argument for argument in arguments if argument != "--all"]:
        if "--all" in arguments:
            for numeral, how in examine(cells_of(Path(name))):
                print(f"{how or 'NOT COVERED':12} {numeral.text:>10}: {numeral.sentence}")
        else:
            missing, unused = uncovered(Path(name))
            for numeral in missing:
                print(f"{numeral.text:>10}: {numeral.sentence}")
            for words in sorted(unused):
                print(f"exception not needed: {words}")
            print(f"{name}: {len(missing)} numbers that no cell prints or asserts")
