"""Pairs of sentences of unequal length as batches: special symbols, masks, buckets (chapter 9).

A batch holds sources side by side, (T_x, B), and targets side by side, (T_y, B). Shorter ones are filled up with
``<pad>``, and a mask says which symbols are real. The decoder reads ``<bos> y_1 … y_n`` and is asked for ``y_1 … y_n
<eos>``: it must know where a target begins, and it must say where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlib.cells.arguments import generator, positive
from rnnlib.text import Vocabulary, pad

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SPECIAL",
    "UNK",
    "PairBatch",
    "PairBatches",
    "pad_sources",
    "pair_batch",
    "vocabulary_of",
]

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD, BOS, EOS, UNK = range(4)
POOL = 50  # how many batches are sorted by length together

Text = str | Sequence[str]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


class PairBatch(NamedTuple):
    """B pairs, time first.

    Attributes
    ----------
    source : (T_x, B) integer array
    source_mask : (T_x, B) array
        1 for a real symbol; the real ones of a sentence come first.
    target_in : (T_y, B) integer array
        What the decoder reads: ``<bos>`` and the target.
    target_out : (T_y, B) integer array
        What it is asked for, one symbol later: the target and ``<eos>``.
    target_mask : (T_y, B) array
    """

    source: Ids
    source_mask: Mask
    target_in: Ids
    target_out: Ids
    target_mask: Mask


def vocabulary_of(texts: Sequence[Text], min_count: int = 1) -> Vocabulary:
    """The vocabulary of one side of the pairs: ``<pad> <bos> <eos> <unk>``, then all symbols, sorted.

    Parameters
    ----------
    texts : sequence of str, or of lists of str
        Characters of a string, or whole pieces of a list (words, the pieces of sentencepiece).
    min_count : int
        Rarer symbols become ``<unk>``.

    Examples
    --------
    >>> vocabulary_of(["ba", "a"]).to_list()
    ['<pad>', '<bos>', '<eos>', '<unk>', 'a', 'b']
    """
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a list of texts, got one string {texts[:20]!r}")
    symbols = [symbol for text in texts for symbol in text]
    return Vocabulary.of(symbols, special=SPECIAL[:UNK], unknown=SPECIAL[UNK], min_count=min_count)


def pad_sources(texts: Sequence[Text], vocabulary: Vocabulary) -> tuple[Ids, Mask]:
    """Encode sources and put them side by side; an empty text gives a column without a real symbol.

    Parameters
    ----------
    texts : sequence of B strings, or lists of str
    vocabulary : Vocabulary
        Of `vocabulary_of`.

    Returns
    -------
    source : (T_x, B) array of int64
    source_mask : (T_x, B) array of bool

    Examples
    --------
    >>> source, mask = pad_sources(["ab", "", "b"], vocabulary_of(["ab"]))
    >>> source
    array([[4, 0, 5],
           [5, 0, 0]])
    >>> mask.sum(axis=0)
    array([2, 0, 1])
    """
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a list of texts, got one string {texts[:20]!r}")
    check_special("vocabulary", vocabulary)
    return _side_by_side([vocabulary.encode(text) for text in texts])


def pair_batch(
    pairs: Sequence[tuple[Text, Text]], source_vocabulary: Vocabulary, target_vocabulary: Vocabulary
) -> PairBatch:
    """All pairs as one batch.

    Examples
    --------
    >>> batch = pair_batch([("ab", "x"), ("b", "yx")], vocabulary_of(["ab"]), vocabulary_of(["xy"]))
    >>> batch.target_in, batch.target_out
    (array([[1, 1],
           [4, 5],
           [0, 4]]), array([[4, 5],
           [2, 4],
           [0, 2]]))
    """
    return next(iter(PairBatches(pairs, source_vocabulary, target_vocabulary, max(1, len(pairs)))))


class PairBatches:
    """Batches of pairs, encoded once: call it with a generator for an epoch in random order, or iterate in order.

    Sentences of like length share a batch, so that little of it is padding: an epoch is shuffled, cut into pools of 50
    batches, each pool sorted by length and cut into batches, and the batches are shuffled. Every pair is in an epoch
    once; the last batch may be smaller.

    Parameters
    ----------
    pairs : sequence of (source, target)
        Each a string (its characters) or a list of str. A source may be empty.
    source_vocabulary, target_vocabulary : Vocabulary
        Of `vocabulary_of`.
    batch_size : int
        B.

    Raises
    ------
    ValueError
        If there are no pairs, or a vocabulary does not begin with the special symbols.

    Examples
    --------
    >>> pairs = [("ab", "x"), ("b", "yx"), ("a", "y")]
    >>> batches = PairBatches(pairs, vocabulary_of(["ab"]), vocabulary_of(["xy"]), batch_size=2)
    >>> [batch.source.shape for batch in batches(np.random.default_rng(0))]
    [(1, 1), (2, 2)]
    >>> len(batches)
    2
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Text, Text]],
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        batch_size: int,
    ) -> None:
        self.batch_size = positive("batch_size", batch_size)
        check_special("source_vocabulary", source_vocabulary)
        check_special("target_vocabulary", target_vocabulary)
        if not len(pairs):
            raise ValueError("pairs: expected at least one pair, got none")
        self.sources = [source_vocabulary.encode(source) for source, _ in pairs]
        self.targets = [target_vocabulary.encode(target) for _, target in pairs]
        self._lengths = np.array([(len(y), len(x)) for x, y in zip(self.sources, self.targets, strict=True)])

    def __len__(self) -> int:
        return -(-len(self.sources) // self.batch_size)

    def __iter__(self) -> Iterator[PairBatch]:
        return map(self._batch, self._cut(np.arange(len(self.sources))))

    def __call__(self, rng: np.random.Generator) -> list[PairBatch]:
        """One epoch: every pair once, in an order that `rng` draws."""
        generator("rng", rng)
        order = rng.permutation(len(self.sources))
        pool = POOL * self.batch_size
        batches = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            target_length, source_length = self._lengths[part].T
            batches += self._cut(part[np.lexsort((source_length, target_length))])
        return [self._batch(batches[k]) for k in rng.permutation(len(batches))]

    def _cut(self, order: Ids) -> list[Ids]:
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

    def _batch(self, members: Ids) -> PairBatch:
        source, source_mask = _side_by_side([self.sources[k] for k in members])
        target_in, target_mask = pad([np.append(BOS, self.targets[k]) for k in members], PAD)
        target_out, _ = pad([np.append(self.targets[k], EOS) for k in members], PAD)
        return PairBatch(source, source_mask, target_in, target_out, target_mask)


def check_special(argument: str, vocabulary: Vocabulary) -> None:
    """ValueError unless the vocabulary begins with the special symbols."""
    first = tuple(vocabulary.to_list()[: len(SPECIAL)])
    if first != SPECIAL:
        raise ValueError(f"{argument}: expected one that begins with {SPECIAL}, as of vocabulary_of, got {first}")


def _side_by_side(columns: Sequence[Ids]) -> tuple[Ids, Mask]:
    """As `rnnlib.text.pad`, but a column may be empty; T is at least 1."""
    lengths = np.array([len(column) for column in columns])
    mask = np.arange(max(1, lengths.max(initial=0)))[:, None] < lengths  # (T, B)
    ids = np.full(mask.shape, PAD, dtype=np.int64)
    for b, column in enumerate(columns):
        ids[: len(column), b] = column
    return ids, mask
