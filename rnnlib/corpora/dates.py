"""Dates, and lists of dates, in Chinese and English: a translation in which the word order changes (chapters 9, 10)."""

import datetime
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from rnnlib.corpora.optional import optional
from rnnlib.corpora.translation import Pair

# Named formats and skeletons of CLDR. No two of them look alike in Chinese, so that a Chinese date has one
# English translation.
_DATE_FORMATS = ("full", "long", "yMMMEd", "GyMMMEd", "yMEd", "yMd", "yMMM", "yQQQQ", "MMMEd", "MMMMd")
_FIRST_DAY = datetime.date(1900, 1, 1)
_LAST_DAY = datetime.date(2099, 12, 31)


Part = Literal["train", "validation", "test"]
_PARTS = ("train", "validation", "test")
_HELD_OUT = {0: "validation", 1: "test"}  # of twenty: the rest is for training
_MOST = 100_000


def dates(n: int, seed: int, part: Part | None = None) -> list[Pair]:
    """Chinese-English dates in ten formats: a small translation task in which the word order changes.

    The dates lie between 1900 and 2099. The formats are those of the Unicode CLDR, through Babel, most of them with
    the day of the week. A Chinese date has exactly one right translation, so a translation can be counted as right or
    wrong; and a Chinese date goes from the large unit to the small one, while an English date does not, so an
    attention matrix has something to show.

    Parameters
    ----------
    n : int
        How many pairs; no Chinese date occurs twice.
    seed : int
        The same seed gives the same pairs in the same order.
    part : {"train", "validation", "test"}, optional
        Only dates of this part. Whatever the seed, a Chinese date belongs to one part, to which is told by a hash of
        its characters: 90 % of all dates are for training, 5 % each for validation and test. Without it: all dates.

    Returns
    -------
    list of Pair
        `n` pairs ``(chinese, english)``.

    Raises
    ------
    ValueError
        If `n` is below 1 or above 100,000 (5,000 for validation or test), or `part` is none of the three.
    ImportError
        If Babel is missing.

    Notes
    -----
    CLDR data: copyright © Unicode, Inc., Unicode License v3. Used in chapter 9.

    Examples
    --------
    >>> from rnnlib.corpora import dates
    >>> for pair in dates(3, seed=2):
    ...     print(pair.chinese, "|", pair.english)
    2067年7月8日周五 | Fri, Jul 8, 2067
    1921年11月11日周五 | Fri, Nov 11, 1921
    10月6日周三 | Wed, Oct 6
    """
    _check(n, part, "dates")
    draw = _dates_of(part, np.random.default_rng(seed))
    pairs: dict[str, str] = {}
    while len(pairs) < n:
        pair = draw()
        pairs[pair.chinese] = pair.english
    return [Pair(chinese, english) for chinese, english in pairs.items()]


def date_lists(n: int, seed: int, lengths: Sequence[int] = (1, 2, 3, 4), part: Part | None = None) -> list[Pair]:
    """Chinese-English lists of dates: the longer the list, the more an encoder must put into its last state.

    The dates are those of `dates`, each in a format of its own, joined as the Unicode CLDR joins lists. A list has
    exactly one right translation.

    Parameters
    ----------
    n : int
        How many pairs; no Chinese list occurs twice.
    seed : int
        The same seed gives the same pairs in the same order.
    lengths : sequence of int
        How many dates a list may have, 1 to 12; each is as likely.
    part : {"train", "validation", "test"}, optional
        Only dates of this part, as in `dates`: no date of a held-out list occurs in any training list, whatever the
        seeds.

    Returns
    -------
    list of Pair
        `n` pairs ``(chinese, english)``.

    Raises
    ------
    ValueError
        If `n` or `part` is none that `dates` takes, or a length is not within 1 to 12.
    ImportError
        If Babel is missing.

    Notes
    -----
    CLDR data: copyright © Unicode, Inc., Unicode License v3. Used in chapters 9 and 10.

    Examples
    --------
    >>> from rnnlib.corpora import date_lists
    >>> for pair in date_lists(2, seed=3, lengths=(2, 3)):
    ...     print(pair.chinese, "|", pair.english)
    1917年2月17日、1947年5月13日和4月3日周六 | February 17, 1917, May 13, 1947, and Sat, Apr 3
    1907年11月19日星期二、1966/6/10周五和2024/3/31周日 | Tuesday, November 19, 1907, Fri, 6/10/1966, and Sun, 3/31/2024
    """
    _check(n, part, "lists")
    if not len(lengths) or not all(1 <= length <= 12 for length in lengths):
        raise ValueError(f"lengths: expected numbers of dates, each from 1 to 12, got {tuple(lengths)}")
    join = optional("babel.lists", "babel").format_list
    rng = np.random.default_rng(seed)
    draw = _dates_of(part, rng)
    pairs: dict[str, str] = {}
    while len(pairs) < n:
        members = [draw() for _ in range(lengths[int(rng.integers(len(lengths)))])]
        chinese, english = zip(*members, strict=True)
        pairs[_plain(join(chinese, locale="zh_Hans_CN"))] = _plain(join(english, locale="en_US"))
    return [Pair(chinese, english) for chinese, english in pairs.items()]


def _check(n: int, part: str | None, what: str) -> None:
    if part is not None and part not in _PARTS:
        raise ValueError(f"part: expected None, 'train', 'validation' or 'test', got {part!r}")
    most = _MOST if part in (None, "train") else _MOST // 20
    if not 1 <= n <= most:
        raise ValueError(f"n: expected 1 to {most} {what}, got {n}")


def _dates_of(part: str | None, rng: np.random.Generator) -> Callable[[], Pair]:
    """A function that draws one date of `part` each time."""
    babel = optional("babel.dates", "babel")
    days = (_LAST_DAY - _FIRST_DAY).days + 1

    def draw() -> Pair:
        while True:
            date = _FIRST_DAY + datetime.timedelta(days=int(rng.integers(days)))
            form = _DATE_FORMATS[rng.integers(len(_DATE_FORMATS))]
            chinese = _write_date(babel, date, form, "zh_Hans_CN")
            if part is None or part_of(chinese) == part:
                return Pair(chinese, _write_date(babel, date, form, "en_US"))

    return draw


def part_of(chinese: str) -> str:
    """The part that a Chinese date belongs to: "train", "validation" or "test"."""
    number = int.from_bytes(hashlib.blake2b(chinese.encode(), digest_size=4).digest(), "big")
    return _HELD_OUT.get(number % 20, "train")


def _write_date(babel: Any, date: datetime.date, form: str, locale: str) -> str:
    if form in ("full", "long"):
        written = babel.format_date(date, form, locale=locale)
    else:
        written = babel.format_skeleton(form, date, locale=locale)
    return _plain(written)


def _plain(written: str) -> str:
    """CLDR may put narrow or no-break spaces; a reader types the plain one."""
    return " ".join(written.split())
