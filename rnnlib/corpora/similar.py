"""Which strings are nearly the same: for splits that do not leak, and for a translator that only looks up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

# %s, %(name)d, %1, {0}, {{ count }}, ${name}, <b>: what a program fills in or takes out
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[-+#0-9.]*[a-zA-Z]\b|%\d+|\$?\{+[^{}]*\}+|</?\w[^<>]*>")
# the key that opens a menu: &File, 文件(&F), (F)
_ACCELERATOR = re.compile(r"\s*\(&?[A-Z]\)|&(?=\w)|(?<!\w)_(?=[A-Z])")
_OUTER = " \t.,:;!?…。，：；！？、*'\"“”‘’()（）[]「」"


def normalise(text: str) -> str:
    """A string without what near-duplicates differ in: case, digits, placeholders, menu keys, outer signs.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Every run of digits is ``0`` and every placeholder ``□``.

    Examples
    --------
    >>> from rnnlib.corpora import normalise
    >>> normalise("Closing %s files in 12 s…"), normalise("文件(&F)")
    ('closing □ files in 0 s', '文件')
    """
    text = _PLACEHOLDER.sub("□", _ACCELERATOR.sub("", text))
    return re.sub(r"\s+", " ", re.sub(r"\d+", "0", text.lower())).strip(_OUTER)


def character_ngrams(text: str, longest: int = 3) -> set[str]:
    """All runs of one to `longest` characters of a string, with a mark where it begins and where it ends.

    Examples
    --------
    >>> from rnnlib.corpora import character_ngrams
    >>> sorted(character_ngrams("保存", longest=2))
    ['⟨保', '保', '保存', '存', '存⟩']
    """
    marked = f"⟨{text}⟩"
    runs = {marked[i : i + n] for n in range(1, longest + 1) for i in range(len(marked) - n + 1)}
    return runs - {"⟨", "⟩"}


class Similarity:
    """How similar a string is to each string of a list: Dice's coefficient of their sets of character n-grams.

    Of two strings with the sets A and B it is 2 |A ∩ B| / (|A| + |B|): 1 for equal strings, 0 for strings without a
    common character. Strings are normalised first (`normalise`).

    Parameters
    ----------
    strings : sequence of str
        N of them.
    longest : int
        The longest n-grams.

    Notes
    -----
    Used in chapter 10.

    Examples
    --------
    >>> from rnnlib.corpora import Similarity
    >>> Similarity(["打开文件", "关闭文件", "退出"]).to("打开文件夹").round(2)
    array([0.76, 0.21, 0.  ])
    """

    def __init__(self, strings: Sequence[str], longest: int = 3) -> None:
        self.longest = longest
        sets = [character_ngrams(normalise(string), longest) for string in strings]
        self._sizes = np.array([len(grams) for grams in sets], dtype=np.int64)
        holders: dict[str, list[int]] = {}
        for i, grams in enumerate(sets):
            for gram in grams:
                holders.setdefault(gram, []).append(i)
        self._holders = {gram: np.array(held) for gram, held in holders.items()}

    def to(self, string: str) -> NDArray[np.float64]:
        """(N,) array: the similarity of `string` to each string of the list."""
        grams = character_ngrams(normalise(string), self.longest)
        held = [self._holders[gram] for gram in grams if gram in self._holders]
        common = np.bincount(np.concatenate(held), minlength=len(self._sizes)) if held else 0 * self._sizes
        return 2 * common / np.maximum(self._sizes + len(grams), 1)

    def nearest(self, string: str) -> int:
        """Where in the list the most similar string stands; the first of equals."""
        return int(np.argmax(self.to(string)))


NEAR = 0.75  # as similar as that: near-duplicates


def families(strings: Iterable[Sequence[str]], threshold: float = NEAR) -> NDArray[np.int64]:
    """Groups such that no two strings of different groups are as similar as `threshold`.

    Items are linked if they are that similar in one of their columns (of pairs: in the one language or in the other),
    and a family is all that hangs together by links.

    Parameters
    ----------
    strings : iterable of sequences of str
        N items with one string or more.
    threshold : float
        Between 0 and 1.

    Returns
    -------
    (N,) array of int64
        The family of each item, by the position of its first member.

    Examples
    --------
    >>> from rnnlib.corpora import families
    >>> families([("打开文件", "Open file"), ("退出", "Quit"), ("打开文件 %s", "Opening a file")], threshold=0.6)
    array([0, 1, 0])
    """
    columns = list(zip(*strings, strict=True))
    n = len(columns[0]) if columns else 0
    leader = list(range(n))

    def first(i: int) -> int:
        while leader[i] != i:
            leader[i] = i = leader[leader[i]]
        return i

    for column in columns:
        similarity = Similarity(column)
        for i, string in enumerate(column):
            for j in np.flatnonzero(similarity.to(string)[:i] >= threshold):
                a, b = sorted((first(i), first(int(j))))
                leader[b] = a
    return np.array([first(i) for i in range(n)], dtype=np.int64)


def unlike(
    items: Sequence[tuple[str, ...]], held_out: Sequence[tuple[str, ...]], threshold: float = NEAR
) -> NDArray[np.bool_]:
    """Which items are no near-duplicate of a held-out one: those that may be added to a training part.

    Parameters
    ----------
    items, held_out : sequence of tuples of str
        With the same number of columns.
    threshold : float
        An item as similar as that to a held-out one, in one column, is a near-duplicate.

    Returns
    -------
    (N,) array of bool
        For each of the items.

    Examples
    --------
    >>> from rnnlib.corpora import unlike
    >>> unlike([("打开文件", "Open file"), ("退出", "Quit")], [("打开文件…", "Opening %s")])
    array([False,  True])
    """
    allowed = np.ones(len(items), dtype=bool)
    for column, others in zip(zip(*items, strict=True), zip(*held_out, strict=True), strict=True):
        similarity = Similarity(column)
        for string in others:
            allowed &= similarity.to(string) < threshold
    return allowed
