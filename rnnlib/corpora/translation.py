"""Sentences in two languages: strings of an interface, and dates whose word order changes (chapters 9 and 10)."""

import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnlib.corpora.optional import optional


class Pair(NamedTuple):
    """One sentence in two languages."""

    chinese: str
    english: str


def _has_han(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def ui_strings() -> list[Pair]:
    """Chinese-English pairs: the strings of JupyterLab's user interface and their translations.

    Read from the message catalogues of the package ``jupyterlab-language-pack-zh-CN``. White space is
    collapsed; of a message with a plural the plural is taken; a string without a Chinese character (a name
    left as it is) is left out. A Chinese or English string that has occurred before is left out too, so
    that no half of a pair of the test set can have been seen in training.

    Returns
    -------
    list of Pair
        About 2,900 pairs ``(chinese, english)``, in the order of the catalogues' names and of the English
        strings.

    Raises
    ------
    ImportError
        If the language pack or Babel, which reads catalogues, is missing.

    Notes
    -----
    Copyright Project Jupyter contributors; BSD 3-clause licence. Used in chapter 10.

    Examples
    --------
    >>> from rnnlib.corpora import ui_strings
    >>> dict((english, chinese) for chinese, english in ui_strings())["Create a new notebook"]
    '创建笔记本'
    """
    pack = optional("jupyterlab_language_pack_zh_CN", "jupyterlab-language-pack-zh-CN")
    read_mo = optional("babel.messages.mofile", "babel").read_mo
    pairs: list[Pair] = []
    seen: set[str] = set()
    for path in sorted(Path(str(pack.__file__)).parent.rglob("*.mo")):
        with path.open("rb") as file:
            messages = [(message.string, message.id) for message in read_mo(file) if message.id]
        for message in sorted((_one_form(chinese), _one_form(english)) for chinese, english in messages):
            pair = Pair(*(" ".join(text.split()) for text in message))
            if _has_han(pair.chinese) and pair.english and not seen.intersection(pair):
                pairs.append(pair)
                seen.update(pair)
    return pairs


def _one_form(message: str | tuple[str, ...] | list[str]) -> str:
    """Catalogues hold (singular, plural) in English and one form in Chinese: the last is the general one."""
    return message if isinstance(message, str) else message[-1]


# Named formats and skeletons of CLDR. No two of them look alike in Chinese, so that a Chinese date has one
# English translation.
_DATE_FORMATS = ("full", "long", "yMMMEd", "GyMMMEd", "yMEd", "yMd", "yMMM", "yQQQQ", "MMMEd", "MMMMd")
_FIRST_DAY = datetime.date(1900, 1, 1)
_LAST_DAY = datetime.date(2099, 12, 31)


def dates(n: int, seed: int) -> list[Pair]:
    """Chinese-English dates in ten formats: a small translation task in which the word order changes.

    The dates lie between 1900 and 2099. The formats are those of the Unicode CLDR, through Babel. A Chinese
    date has exactly one right translation, so a translation can be counted as right or wrong; and a Chinese
    date goes from the large unit to the small one, while an English date does not, so an attention matrix
    has something to show.

    Parameters
    ----------
    n : int
        How many pairs; no Chinese date occurs twice.
    seed : int
        The same seed gives the same pairs in the same order.

    Returns
    -------
    list of Pair
        `n` pairs ``(chinese, english)``.

    Raises
    ------
    ValueError
        If `n` is below 1 or above 100,000.
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
    if not 1 <= n <= 100_000:
        raise ValueError(f"n: expected 1 to 100000 dates, got {n}")
    babel = optional("babel.dates", "babel")
    rng = np.random.default_rng(seed)
    days = (_LAST_DAY - _FIRST_DAY).days + 1
    pairs: dict[str, str] = {}
    while len(pairs) < n:
        date = _FIRST_DAY + datetime.timedelta(days=int(rng.integers(days)))
        form = _DATE_FORMATS[rng.integers(len(_DATE_FORMATS))]
        pairs[_write_date(babel, date, form, "zh_Hans_CN")] = _write_date(babel, date, form, "en_US")
    return [Pair(chinese, english) for chinese, english in pairs.items()]


def _write_date(babel: Any, date: datetime.date, form: str, locale: str) -> str:
    if form in ("full", "long"):
        written = babel.format_date(date, form, locale=locale)
    else:
        written = babel.format_skeleton(form, date, locale=locale)
    return " ".join(written.split())  # CLDR may put narrow or no-break spaces; a reader types the plain one
