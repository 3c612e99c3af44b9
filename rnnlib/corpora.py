"""Real data without downloads, and three seeded toy tasks.

Every corpus comes out of a Python package that is already installed, so a chapter still runs when a web
host is down. Optional packages are imported only when their corpus is asked for.

    python_docs, python_docs_split   English prose                                  chapters 2 and 3
    ui_strings                       Chinese-English interface strings              chapter 10
    dates                            Chinese-English dates, word order changes      chapter 9
    weather                          four years of daily weather                    chapter 1
    digits                           8×8 pictures of handwritten digits             chapter 3
    copy_memory, delayed_copy, adding   toy tasks with a dial for how long memory must last

Deliberately absent: anything that downloads, and anything that is not the same on every call.
"""

import datetime
import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Split(NamedTuple):
    """A text in three parts that share no paragraph."""

    train: str
    validation: str
    test: str

    @property
    def alphabet(self) -> list[str]:
        """Every character of the three parts, sorted: what a model of this text has to choose from."""
        return sorted(set().union(*self))


class Pair(NamedTuple):
    """One sentence in two languages."""

    chinese: str
    english: str


class Weather(NamedTuple):
    """Daily weather, one array entry per day, all of shape (N,)."""

    date: NDArray[np.datetime64]
    precipitation: NDArray[np.float64]
    temp_max: NDArray[np.float64]
    temp_min: NDArray[np.float64]
    wind: NDArray[np.float64]
    kind: NDArray[np.str_]


class Digits(NamedTuple):
    """Pictures of digits: `images` (N, 8, 8) in [0, 1], `labels` (N,), `words` the ten English names."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    words: tuple[str, ...]


class SymbolTask(NamedTuple):
    """A task on symbols: `x`, `y` (T, B) integers below `n_symbols`; `mask` (T, B) True where y counts."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    mask: NDArray[np.bool_]
    n_symbols: int


class AddingTask(NamedTuple):
    """The adding problem: `x` (T, B, 2) values and markers, `y` (B, 1) sums of the two marked values."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


# ---------------------------------------------------------------------------------------------- English prose

_HEADING = re.compile(r"\s*([*=~^#-])\1{2,}\s*")
_MARKER = re.compile(r"(?:\*|\[\d+\]|\d+\.|\(\d+\))\s+")
_SENTENCE_END = re.compile(r"[.!?:;][\"')\]]*$")
_TYPEWRITER = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"})


def _blocks(topic: str) -> Iterator[tuple[int, list[str]]]:
    """Indentation and lines of each block between blank lines."""
    for block in re.split(r"\n\s*?\n", topic):
        if lines := [line for line in block.split("\n") if line.strip()]:
            yield len(lines[0]) - len(lines[0].lstrip()), lines


def _is_prose(lines: list[str], paragraph: str) -> bool:
    """False for headings, tables, grammar rules, sessions and whatever does not end as sentences do."""
    heading = any(_HEADING.fullmatch(line) for line in lines)
    table = lines[0].lstrip().startswith(("+", "|"))
    code = "::=" in paragraph or paragraph.startswith((">>>", "..."))
    return not (heading or table or code) and bool(_SENTENCE_END.search(paragraph))


def _tidy(lines: list[str]) -> str:
    """One paragraph on one line of ASCII, without list markers, footnote numbers and emphasis stars."""
    paragraph = " ".join(" ".join(lines).translate(_TYPEWRITER).split())
    paragraph = _MARKER.sub("", paragraph, count=1) if _MARKER.match(paragraph) else paragraph
    paragraph = re.sub(r" \[\d+\]", "", paragraph)
    paragraph = re.sub(r"(?<![\w*\"'/])(\*{1,2})(\w[^*\"]*?)\1(?![\w*])", r"\2", paragraph)
    return "".join(c for c in paragraph if c.isascii() and c.isprintable())


def _paragraphs(topic: str) -> Iterator[str]:
    """The prose of one topic. Text indented deeper than a paragraph that ends in a colon is program text."""
    program_deeper_than: int | None = None
    for indent, lines in _blocks(topic):
        if program_deeper_than is not None and indent > program_deeper_than:
            continue
        paragraph = _tidy(lines)
        last = lines[-1]
        program_deeper_than = len(last) - len(last.lstrip()) if paragraph.endswith(":") else None
        if _is_prose(lines, paragraph):
            yield paragraph


@functools.cache
def python_docs() -> str:
    """English prose: the reference texts that Python's `help("for")` or `help("strings")` shows.

    They come with the standard library, in `pydoc_data.topics`: 465 kB of plain text in Python 3.11. Three
    things are done to it.

    1. Only prose stays. Headings, tables, grammar rules and program text go.
    2. A paragraph that occurs twice is kept once. About a fifth of the raw text is such repetition
       (``help("compound")`` contains ``help("if")``); left in, a held-out text would stand in the training
       text too.
    3. Each paragraph becomes one line; typographic quotes and dashes become those of a typewriter; stars that
       mark emphasis, list markers and footnote numbers go.

    Returns
    -------
    str
        About 260,000 characters, one paragraph per line, printable ASCII and ``"\\n"``. The same on every
        call. The documentation changes with the *version of Python*, and so does this text: from 3.11.2 to
        3.11.7 in 6 % of its paragraphs, from there to 3.13.0 in 18 %.

    Notes
    -----
    Copyright © 2001 Python Software Foundation; under the PSF License Version 2, as Python itself.
    Used in chapters 2 and 3.

    Examples
    --------
    >>> from rnnlib.corpora import python_docs
    >>> text = python_docs()
    >>> print(text[:85])
    Assert statements are a convenient way to insert debugging assertions into a program:
    >>> paragraphs = text.splitlines()
    >>> len(paragraphs) == len(set(paragraphs))     # none occurs twice
    True
    """
    from pydoc_data.topics import topics

    seen: dict[str, None] = {}  # a dict keeps the order
    for name in sorted(topics):
        seen.update(dict.fromkeys(_paragraphs(topics[name])))
    return "".join(paragraph + "\n" for paragraph in seen)


def split_blocks(text: str, *, validation: float = 0.1, test: float = 0.1, rounds: int = 10) -> Split:
    """Cut a text into training, validation and test parts, in contiguous blocks of whole lines.

    The text is walked through in `rounds` rounds of equal length. Of each round, the first lines go to the
    training part, then come the validation lines, then the test lines. Blocks are contiguous, so
    neighbouring sentences, which resemble each other, end up in the same part; several rounds make the
    three parts alike in content.

    Parameters
    ----------
    text : str
        Lines end with ``"\\n"``. No line is cut.
    validation, test : float
        Shares of the text, each above 0, together below 1.
    rounds : int
        How often the three parts take turns. 1 gives three contiguous pieces.

    Returns
    -------
    Split
        `train`, `validation`, `test`. Together they hold each line once.

    Raises
    ------
    ValueError
        If a share or `rounds` is out of range, or a part would be empty.

    Examples
    --------
    >>> from rnnlib.corpora import split_blocks
    >>> split_blocks("a\\nb\\nc\\nd\\n", validation=0.25, test=0.25, rounds=1)
    Split(train='a\\nb\\n', validation='c\\n', test='d\\n')
    """
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise ValueError(f"validation={validation} and test={test}: expected shares above 0 that add to less than 1")
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: expected at least 1")
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    start = 0
    for line in text.splitlines(keepends=True):
        phase = (start * rounds / len(text)) % 1  # 0 at the beginning of a round, towards 1 at its end
        parts[(phase >= 1 - validation - test) + (phase >= 1 - test)].append(line)
        start += len(line)
    split = Split(*("".join(part) for part in parts))
    for name, part in zip(Split._fields, split, strict=True):
        if not part:
            raise ValueError(
                f"text has {len(text.splitlines())} lines, {len(text)} characters: "
                f"the {name} part would be empty; give a longer text, larger shares or fewer rounds"
            )
    return split


def python_docs_split() -> Split:
    """The standard split of `python_docs` for chapters 2 and 3: 80 % training, 10 % validation, 10 % test.

    Returns
    -------
    Split
        ``split_blocks(python_docs())``.

    Examples
    --------
    >>> from rnnlib.corpora import python_docs_split
    >>> [round(len(part) / sum(map(len, python_docs_split())), 1) for part in python_docs_split()]
    [0.8, 0.1, 0.1]
    """
    return split_blocks(python_docs())


# ---------------------------------------------------------------------------------------------- two languages


def _optional(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this corpus is read from the package {package}, which is not installed; "
            f"run: python -m pip install {package}"
        ) from error


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
    pack = _optional("jupyterlab_language_pack_zh_CN", "jupyterlab-language-pack-zh-CN")
    read_mo = _optional("babel.messages.mofile", "babel").read_mo
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
        raise ValueError(f"n={n}: expected between 1 and 100000 dates")
    babel = _optional("babel.dates", "babel")
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


# ------------------------------------------------------------------------------------- weather and pictures


def weather() -> Weather:
    """Four years of daily weather in Seattle, 2012 to 2015.

    Returns
    -------
    Weather
        1,461 days: `date` (day resolution), `precipitation` in mm, `temp_max` and `temp_min` in °C, `wind`
        in m/s, and `kind`, one of drizzle, fog, rain, snow, sun. No day is missing.

    Raises
    ------
    ImportError
        If vega_datasets is missing.

    Notes
    -----
    Collected by the U.S. National Oceanic and Atmospheric Administration (public domain); packaged as
    ``seattle-weather`` in vega_datasets (MIT licence). Used in chapter 1.

    Examples
    --------
    >>> from rnnlib.corpora import weather
    >>> data = weather()
    >>> print(data.date[0], data.temp_max[0], data.kind[0])
    2012-01-01 12.8 drizzle
    """
    frame = _optional("vega_datasets", "vega-datasets").local_data.seattle_weather()
    return Weather(
        date=frame["date"].to_numpy().astype("datetime64[D]"),
        precipitation=frame["precipitation"].to_numpy(np.float64),
        temp_max=frame["temp_max"].to_numpy(np.float64),
        temp_min=frame["temp_min"].to_numpy(np.float64),
        wind=frame["wind"].to_numpy(np.float64),
        kind=frame["weather"].to_numpy().astype(np.str_),
    )


def digits() -> Digits:
    """1,797 pictures of handwritten digits, 8×8 pixels: small enough to learn picture-to-text in seconds.

    Returns
    -------
    Digits
        `images` (1797, 8, 8), 0 for paper and 1 for ink; `labels` (1797,), 0 to 9; `words`, ``"zero"`` to
        ``"nine"``.

    Raises
    ------
    ImportError
        If scikit-learn is missing.

    Notes
    -----
    Test part of E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
    Repository, 1998 (CC BY 4.0), as packaged in scikit-learn (BSD licence). Used in chapter 3.

    Examples
    --------
    >>> from rnnlib.corpora import digits
    >>> data = digits()
    >>> data.images.shape, data.words[data.labels[3]]
    ((1797, 8, 8), 'three')
    """
    data = _optional("sklearn.datasets", "scikit-learn").load_digits()
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return Digits(data.images / 16.0, data.target.astype(np.int64), words)  # 16 is full ink


# ------------------------------------------------------------------------------------------------- toy tasks


def _check_task(rng: np.random.Generator, **least: tuple[int, int]) -> None:
    """Every size at or above its least value, and a generator where one is expected."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    for name, (value, lower) in least.items():
        if value < lower:
            raise ValueError(f"{name}={value}: expected at least {lower}")


def copy_memory(batch: int, length: int, delay: int, n_letters: int = 8, *, rng: np.random.Generator) -> SymbolTask:
    """The copy task: read `length` letters, wait, and write them down when told to.

    The input is the letters, then blanks, then one "go" symbol, then blanks; the target is blank until "go"
    has been read and then repeats the letters. Letters are 0 to ``n_letters - 1``, the blank is
    ``n_letters``, "go" is ``n_letters + 1``. From the last letter to "go" there are `delay` steps.

    Parameters
    ----------
    batch, length, delay, n_letters : int
        Sizes, each at least 1.
    rng : numpy.random.Generator
        Draws the letters.

    Returns
    -------
    SymbolTask
        `x` and `y` of shape (T, B) with T = 2·length + delay; `mask` is True on the last `length` steps,
        where letters are wanted; `n_symbols` = n_letters + 2.

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If `rng` is not a generator.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long short-term memory", *Neural Computation* 9, 1997; this form after
    M. Arjovsky, A. Shah and Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.corpora import copy_memory
    >>> task = copy_memory(batch=1, length=2, delay=3, n_letters=4, rng=np.random.default_rng(0))
    >>> task.x[:, 0], task.y[:, 0]
    (array([3, 2, 4, 4, 5, 4, 4]), array([4, 4, 4, 4, 4, 3, 2]))
    """
    _check_task(rng, batch=(batch, 1), length=(length, 1), delay=(delay, 1), n_letters=(n_letters, 1))
    blank, go = n_letters, n_letters + 1
    letters = rng.integers(n_letters, size=(length, batch))  # (length, B)
    x = np.full((2 * length + delay, batch), blank)  # (T, B)
    y = x.copy()
    x[:length] = letters
    x[length + delay - 1] = go
    y[-length:] = letters
    mask = np.zeros(x.shape, dtype=bool)
    mask[-length:] = True
    return SymbolTask(x, y, mask, n_letters + 2)


def delayed_copy(batch: int, steps: int, delay: int, n_letters: int = 2, *, rng: np.random.Generator) -> SymbolTask:
    """The delayed copy: at every step, write the letter that was read `delay` steps ago.

    Parameters
    ----------
    batch, steps, n_letters : int
        Sizes, each at least 1; `steps` is T.
    delay : int
        From 0 (write what is read) to ``steps - 1``.
    rng : numpy.random.Generator
        Draws the letters.

    Returns
    -------
    SymbolTask
        `x` and `y` of shape (T, B), ``y[t] = x[t - delay]``; `mask` is False on the first `delay` steps,
        where there is nothing to write yet and `y` is 0; `n_symbols` = n_letters.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If `rng` is not a generator.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.corpora import delayed_copy
    >>> task = delayed_copy(batch=1, steps=6, delay=2, rng=np.random.default_rng(0))
    >>> task.x[:, 0], task.y[:, 0]
    (array([1, 1, 1, 0, 0, 0]), array([0, 0, 1, 1, 1, 0]))
    """
    _check_task(rng, batch=(batch, 1), steps=(steps, 1), delay=(delay, 0), n_letters=(n_letters, 1))
    if delay >= steps:
        raise ValueError(f"delay={delay}: expected less than steps={steps}, else nothing is left to write")
    x = rng.integers(n_letters, size=(steps, batch))  # (T, B)
    y = np.zeros_like(x)
    y[delay:] = x[: steps - delay]
    mask = np.zeros(x.shape, dtype=bool)
    mask[delay:] = True
    return SymbolTask(x, y, mask, n_letters)


def adding(batch: int, steps: int, *, rng: np.random.Generator) -> AddingTask:
    """The adding problem: of `steps` random numbers two are marked; return their sum after the last step.

    Parameters
    ----------
    batch : int
        B, at least 1.
    steps : int
        T, at least 2. One marker stands in the first half of the sequence, one in the second.
    rng : numpy.random.Generator
        Draws values and positions.

    Returns
    -------
    AddingTask
        `x` (T, B, 2): ``x[..., 0]`` uniform in [0, 1), ``x[..., 1]`` 1 at the two marked steps, else 0. `y`
        (B, 1). Answering 1 always, which needs no memory, costs a mean squared error of 1/6.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If `rng` is not a generator.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long short-term memory", *Neural Computation* 9, 1997, experiment 4;
    values and markers here as in Q. V. Le, N. Jaitly and G. Hinton, "A simple way to initialize recurrent
    networks of rectified linear units", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.corpora import adding
    >>> task = adding(batch=2, steps=10, rng=np.random.default_rng(0))
    >>> task.x.shape, task.y.shape
    ((10, 2, 2), (2, 1))
    >>> np.allclose((task.x[..., 0] * task.x[..., 1]).sum(axis=0), task.y[:, 0])
    True
    """
    _check_task(rng, batch=(batch, 1), steps=(steps, 2))
    columns = np.arange(batch)
    marked = np.stack(
        [rng.integers(0, steps // 2, size=batch), rng.integers(steps // 2, steps, size=batch)]  # (2, B)
    )
    x = np.zeros((steps, batch, 2))
    x[..., 0] = rng.random((steps, batch))
    x[marked, columns, 1] = 1.0
    return AddingTask(x, x[marked, columns, 0].sum(axis=0)[:, None])
