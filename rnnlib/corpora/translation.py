"""Strings of interfaces in Chinese and English, split so that near-duplicates do not leak (chapter 10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnlib.corpora.optional import optional
from rnnlib.corpora.similar import families


class Pair(NamedTuple):
    """One sentence in two languages."""

    chinese: str
    english: str


class PairSplit(NamedTuple):
    """Pairs to learn from, to choose by and to measure with; no family has members in two of them."""

    train: list[Pair]
    validation: list[Pair]
    test: list[Pair]


JUPYTERLAB = ("jupyterlab_language_pack_zh_CN",)
# what the book's environment brings along in any case: the notebook's server, the builder of the pages, its themes
INSTALLED = (*JUPYTERLAB, "jupyter_server", "sphinx", "pydata_sphinx_theme", "sphinx_book_theme", "sphinx_togglebutton")
_CHINESE = {"zh_CN", "zh-cn", "zh_Hans", "zh_Hans_CN", "zh-hans", "zh"}  # names of folders
_LARGEST = 10  # larger families stay in the training part, so that no phrase dominates the test


def ui_strings(packages: Sequence[str] = JUPYTERLAB) -> list[Pair]:
    """Chinese-English pairs: the strings of user interfaces and their translations, JupyterLab's by default.

    Read from the message catalogues of installed packages. White space is collapsed; of a message with a plural the
    plural is taken; a string without a Chinese character (a name left as it is) is left out. A Chinese or English
    string that has occurred before is left out too, so that no half of a pair of the test set can have been seen in
    training.

    Parameters
    ----------
    packages : sequence of str
        Names of modules, in this order. ``corpora.INSTALLED`` adds what comes with the book's environment:
        jupyter_server, Sphinx and the pages' themes.

    Returns
    -------
    list of Pair
        About 2,900 pairs ``(chinese, english)`` of JupyterLab, in the order of the catalogues' names and of the
        English strings.

    Raises
    ------
    ImportError
        If a package or Babel, which reads catalogues, is missing.

    Notes
    -----
    JupyterLab's language pack and jupyter_server: copyright Project Jupyter contributors, BSD 3-clause licence. Sphinx:
    copyright the Sphinx team, BSD 2-clause licence. pydata-sphinx-theme and sphinx-book-theme: BSD 3-clause licence,
    sphinx-togglebutton: MIT licence. Used in chapters 1 and 10.

    Examples
    --------
    >>> from rnnlib.corpora import ui_strings
    >>> dict((english, chinese) for chinese, english in ui_strings())["Create a new notebook"]
    '创建笔记本'
    """
    paths: list[Path] = []
    for package in packages:
        module = optional(package, package.replace("_", "-"))
        paths += chinese_catalogues(Path(str(module.__file__)).parent)
    return read_catalogues(paths)


def chinese_catalogues(folder: Path) -> list[Path]:
    """The message catalogues (.mo; .po where there is no .mo beside it) for simplified Chinese in a folder, sorted."""
    files = [path for path in folder.rglob("*.[mp]o") if not _CHINESE.isdisjoint(path.relative_to(folder).parts)]
    return sorted(path for path in files if path.suffix == ".mo" or path.with_suffix(".mo") not in files)


def read_catalogues(paths: Iterable[Path]) -> list[Pair]:
    """The pairs of message catalogues, as `ui_strings` reads them.

    Parameters
    ----------
    paths : iterable of Path
        Files in gettext's format, ``.mo`` or ``.po``.

    Returns
    -------
    list of Pair
        In the order of the files and, within a file, of the strings.
    """
    pairs: list[Pair] = []
    seen: set[str] = set()
    for path in paths:
        for message in sorted(_messages(path)):
            pair = Pair(*(" ".join(text.split()) for text in message))
            if _has_han(pair.chinese) and pair.english and not seen.intersection(pair):
                pairs.append(pair)
                seen.update(pair)
    return pairs


def _messages(path: Path) -> list[tuple[str, str]]:
    """(Chinese, English) of all messages of a catalogue that have been translated, and not by a guess."""
    if path.suffix == ".mo":
        read = optional("babel.messages.mofile", "babel").read_mo
    else:
        read = optional("babel.messages.pofile", "babel").read_po
    with path.open("rb") as file:
        return [(_one_form(m.string), _one_form(m.id)) for m in read(file) if m.id and not m.fuzzy]


def _one_form(message: str | tuple[str, ...] | list[str]) -> str:
    """Catalogues hold (singular, plural) in English and one form in Chinese: the last is the general one."""
    return message if isinstance(message, str) else message[-1]


def _has_han(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def ui_strings_split(
    pairs: Sequence[Pair] | None = None,
    *,
    validation: int = 200,
    test: int = 400,
    max_length: int = 80,
    seed: int = 0,
) -> PairSplit:
    """Interface strings to train and to test with, split by family: no near-duplicate of a test string is trained on.

    Catalogues are full of strings such as "Copy 1 File" and "Copy %1 files"; split at random, the test would ask for
    what the training text holds. Two pairs are of one family if their Chinese or their English sides are similar (0.75
    or more by `Similarity`: case, digits, placeholders and menu keys do not count), directly or through others.
    A family of more than ten pairs is trained on; of the rest, families drawn at random are held out.

    Parameters
    ----------
    pairs : sequence of Pair, optional
        Without it: ``ui_strings()``.
    validation, test : int
        How many pairs to hold out, at least one of each; the last family drawn may bring a few more.
    max_length : int
        Pairs with a longer side, in characters, are left out.
    seed : int
        Draws the families.

    Returns
    -------
    PairSplit
        ``(train, validation, test)``, lists of Pair in the order of `pairs`.

    Raises
    ------
    ValueError
        If there are too few pairs to hold out that many.

    Examples
    --------
    >>> from rnnlib.corpora import ui_strings_split
    >>> [len(part) for part in ui_strings_split()]
    [2093, 200, 400]
    """
    if pairs is None:
        pairs = ui_strings()
    pairs = [pair for pair in pairs if max(map(len, pair)) <= max_length]
    family = families(pairs)
    part = _draw_families(family, {1: validation, 2: test}, np.random.default_rng(seed))
    return PairSplit(*([pair for pair, where in zip(pairs, part, strict=True) if where == i] for i in range(3)))


def _draw_families(family: np.ndarray, wanted: dict[int, int], rng: np.random.Generator) -> np.ndarray:
    """(N,) array: the part of each pair, 0 unless its family has been drawn for one of the parts in `wanted`."""
    names, sizes = np.unique(family, return_counts=True)
    small = rng.permutation(names[sizes <= _LARGEST])
    part = np.zeros(len(family), dtype=np.int64)
    drawn = iter(small)
    for name, count in wanted.items():
        if count < 1:
            raise ValueError(f"validation, test: expected at least 1 pair each, got {tuple(wanted.values())}")
        while (part == name).sum() < count:
            one = next(drawn, None)
            if one is None:
                most = int(np.isin(family, small).sum())
                raise ValueError(
                    f"validation, test: expected at most {most} pairs together, got {tuple(wanted.values())}"
                )
            part[family == one] = name
    if not (part == 0).any():
        raise ValueError(f"pairs: expected more than are held out, got {len(family)}")
    return part
