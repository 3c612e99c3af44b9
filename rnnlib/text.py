"""From text to arrays: a vocabulary, batches that keep or drop the state, padding, one-hot vectors.

    T steps · B sequences side by side · V symbols in the vocabulary · N symbols in the text

Arrays are time-first, (T, B), as everywhere in rnnlib. A network reads `x` and is asked for `y`, which is
the same text one symbol later. Chapter 3 explains the two ways to cut a text into batches; chapter 8
explains padding.

Deliberately absent: subword segmentation, and anything that guesses an encoding.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class Vocabulary:
    """The symbols that a model knows, and the integer that stands for each of them.

    Symbols are characters or whole tokens; `encode` takes whatever can be iterated over.

    Parameters
    ----------
    symbols : sequence of str
        All different; their positions are their integers.
    unknown : str, optional
        One of `symbols`: what an unknown symbol is encoded as. Without it, an unknown symbol is an error.

    Raises
    ------
    ValueError
        If there are no symbols, one occurs twice, or `unknown` is not among them.
    TypeError
        If a symbol is not a string.

    Examples
    --------
    >>> from rnnlib.text import Vocabulary
    >>> vocabulary = Vocabulary.of("想要有直升机")
    >>> vocabulary.encode("直升机")
    array([4, 0, 3])
    >>> vocabulary.decode([1, 5])
    '想要'
    >>> Vocabulary(vocabulary.to_list()) == vocabulary     # a checkpoint stores the list
    True
    """

    def __init__(self, symbols: Sequence[str], *, unknown: str | None = None) -> None:
        self._symbols = list(symbols)
        if not self._symbols:
            raise ValueError("symbols: expected at least one symbol, got none (is the text empty?)")
        for symbol in self._symbols:
            if not isinstance(symbol, str):
                raise TypeError(f"symbols: expected strings, got {symbol!r} of type {type(symbol).__name__}")
        self._index = {symbol: i for i, symbol in enumerate(self._symbols)}
        if len(self._index) < len(self._symbols):
            twice = next(s for i, s in enumerate(self._symbols) if self._index[s] != i)
            raise ValueError(f"symbols: {twice!r} occurs twice")
        if unknown is not None and unknown not in self._index:
            raise ValueError(f"unknown={unknown!r}: expected one of the {len(self._symbols)} symbols")
        self.unknown = unknown

    @classmethod
    def of(
        cls,
        text: Iterable[str],
        *,
        special: Sequence[str] = (),
        unknown: str | None = None,
        min_count: int = 1,
    ) -> "Vocabulary":
        """The vocabulary of a text: `special` symbols first, then `unknown`, then all others, sorted.

        Parameters
        ----------
        text : iterable of str
            A string (its characters) or a list of tokens.
        special : sequence of str
            Symbols that get the lowest integers, such as ``"<pad>"``.
        unknown : str, optional
            The symbol for whatever is not in the vocabulary.
        min_count : int
            Symbols that occur less often are left out, which only makes sense with `unknown`.

        Returns
        -------
        Vocabulary
            Sorted by code point, so the same text gives the same integers everywhere.

        Examples
        --------
        >>> from rnnlib.text import Vocabulary
        >>> Vocabulary.of("banana", special=["<pad>"], unknown="<unk>", min_count=2).to_list()
        ['<pad>', '<unk>', 'a', 'n']
        """
        counts: dict[str, int] = {}
        for symbol in text:
            counts[symbol] = counts.get(symbol, 0) + 1
        if not counts:
            raise ValueError("text: expected at least one symbol, got an empty text")
        first = list(dict.fromkeys([*special, *([] if unknown is None else [unknown])]))
        rest = sorted(s for s, count in counts.items() if count >= min_count and s not in first)
        return cls(first + rest, unknown=unknown)

    def __len__(self) -> int:
        return len(self._symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._index

    def __getitem__(self, i: int) -> str:
        return self._symbols[i]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self._symbols == other._symbols and self.unknown == other.unknown

    __hash__ = None  # type: ignore[assignment]  # equality by content: not a dictionary key

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} symbols, unknown={self.unknown!r})"

    def to_list(self) -> list[str]:
        """The symbols in the order of their integers: what a checkpoint stores."""
        return list(self._symbols)

    def index(self, symbol: str) -> int:
        """The integer of one symbol; KeyError names a symbol that is not known."""
        if symbol in self._index:
            return self._index[symbol]
        if self.unknown is None:
            raise KeyError(f"{symbol!r} is not among the {len(self)} symbols of this vocabulary")
        return self._index[self.unknown]

    def encode(self, text: Iterable[str]) -> NDArray[np.int64]:
        """Integers of a text.

        Parameters
        ----------
        text : iterable of str
            A string (its characters) or a list of tokens; may be empty.

        Returns
        -------
        (N,) array of int64

        Raises
        ------
        KeyError
            If a symbol is not in the vocabulary and there is no `unknown` symbol.
        """
        return np.array([self.index(symbol) for symbol in text], dtype=np.int64)

    def decode(self, ids: ArrayLike, separator: str = "") -> str:
        """The text that integers stand for; `separator` goes between symbols (``" "`` for words).

        Raises
        ------
        ValueError
            If an integer is outside 0 … V-1 or `ids` has more than one axis.
        TypeError
            If `ids` are not integers.
        """
        return separator.join(self._symbols[i] for i in as_ids(ids, "ids", len(self)))


def as_ids(ids: ArrayLike, name: str, size: int | None = None, *, ndim: int | None = 1) -> NDArray[np.int64]:
    """Integers with `ndim` axes (any number if None), 0 to size - 1, or an error that names the argument."""
    array = np.asarray(ids)
    if array.size == 0:
        array = array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name}: expected integers, got an array of {array.dtype}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} axis, got shape {array.shape}")
    if array.size and (array.min() < 0 or (size is not None and array.max() >= size)):
        raise ValueError(
            f"{name}: expected 0 to {'…' if size is None else size - 1}, got values from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64, copy=False)


class Batch(NamedTuple):
    """What the network reads and what it should predict: `x` and `y`, both (T, B), `y` one symbol later."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]


class SequentialBatches:
    """Batches that continue each other, so that the state of the network may be carried from one to the next.

    The text is cut into B streams of equal length, one per column. The first batch holds the first T
    symbols of every stream, the second batch the next T, and so on: column b of a batch continues column b
    of the batch before. At most B symbols at the end of the text go unused; the last batch may be shorter
    than T.

    Parameters
    ----------
    ids : (N,) array of int
        The encoded text.
    batch_size : int
        B.
    length : int
        T.

    Attributes
    ----------
    carries_state : bool
        True: start the network's state at zero once, and hand it on from batch to batch.

    Raises
    ------
    ValueError
        If a size is below 1, or the text is too short for one batch.
    TypeError
        If `ids` are not integers.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.text import SequentialBatches
    >>> first, second = SequentialBatches(np.arange(9), batch_size=2, length=2)
    >>> first.x
    array([[0, 4],
           [1, 5]])
    >>> second.x     # goes on where the first stopped
    array([[2, 6],
           [3, 7]])
    >>> second.y     # one symbol later
    array([[3, 7],
           [4, 8]])
    """

    carries_state = True

    def __init__(self, ids: ArrayLike, batch_size: int, length: int) -> None:
        text = as_ids(ids, "ids")
        _check_sizes(text, batch_size, length, needed=batch_size * length + 1)
        steps = (len(text) - 1) // batch_size  # the last symbol is only ever predicted
        used = steps * batch_size
        self._x = text[:used].reshape(batch_size, steps).T  # (steps, B)
        self._y = text[1 : used + 1].reshape(batch_size, steps).T
        self.batch_size, self.length = batch_size, length

    def __len__(self) -> int:
        return -(-len(self._x) // self.length)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self._x), self.length):
            window = slice(start, start + self.length)
            yield Batch(self._x[window], self._y[window])


class ShuffledBatches:
    """Batches of windows in random order: each window starts with a state of zero.

    The text is cut into windows of T symbols (and the symbol after each). Every pass draws a new order.
    Windows that do not fill a batch are left out of a pass; another pass has them.

    Parameters
    ----------
    ids : (N,) array of int
        The encoded text.
    batch_size : int
        B.
    length : int
        T.
    rng : numpy.random.Generator
        Draws the order of each pass.

    Attributes
    ----------
    carries_state : bool
        False: start the network's state at zero for every batch.

    Raises
    ------
    ValueError
        If a size is below 1, or the text is too short for one batch.
    TypeError
        If `ids` are not integers or `rng` is not a generator.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.text import ShuffledBatches
    >>> batches = ShuffledBatches(np.arange(9), batch_size=2, length=2, rng=np.random.default_rng(0))
    >>> [batch.x.tolist() for batch in batches]
    [[[4, 0], [5, 1]], [[2, 6], [3, 7]]]
    """

    carries_state = False

    def __init__(self, ids: ArrayLike, batch_size: int, length: int, *, rng: np.random.Generator) -> None:
        text = as_ids(ids, "ids")
        _check_sizes(text, batch_size, length, needed=batch_size * length + 1)
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
        windows = (len(text) - 1) // length
        used = windows * length
        self._x = text[:used].reshape(windows, length).T  # (T, windows)
        self._y = text[1 : used + 1].reshape(windows, length).T
        self.batch_size, self.length, self.rng = batch_size, length, rng

    def __len__(self) -> int:
        return self._x.shape[1] // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        order = self.rng.permutation(self._x.shape[1])
        for i in range(len(self)):
            columns = order[i * self.batch_size : (i + 1) * self.batch_size]
            yield Batch(self._x[:, columns], self._y[:, columns])


def _check_sizes(text: NDArray[np.int64], batch_size: int, length: int, needed: int) -> None:
    for name, size in (("batch_size", batch_size), ("length", length)):
        if size < 1:
            raise ValueError(f"{name}={size}: expected at least 1")
    if len(text) < needed:
        raise ValueError(
            f"ids: {len(text)} symbols are too few for batch_size={batch_size} times length={length}; "
            f"expected at least {needed}"
        )


def pad(sequences: Sequence[ArrayLike], value: int = 0) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Put sequences of unequal length side by side, and say which steps are real.

    Parameters
    ----------
    sequences : sequence of B integer arrays
        Each of shape (T_b,), T_b ≥ 1.
    value : int
        What fills the steps after a sequence's end.

    Returns
    -------
    ids : (T, B) array of int64
        T is the longest T_b.
    mask : (T, B) array of bool
        True for a real step, False for a filled one.

    Raises
    ------
    ValueError
        If there are no sequences or one of them is empty.
    TypeError
        If a sequence does not hold integers.

    Examples
    --------
    >>> from rnnlib.text import pad
    >>> ids, mask = pad([[5, 6, 7], [8]])
    >>> ids
    array([[5, 8],
           [6, 0],
           [7, 0]])
    >>> mask.sum(axis=0)     # the lengths
    array([3, 1])
    """
    columns = [as_ids(sequence, f"sequences[{b}]") for b, sequence in enumerate(sequences)]
    if not columns:
        raise ValueError("sequences: expected at least one sequence, got none")
    lengths = np.array([len(column) for column in columns])
    if lengths.min() == 0:
        raise ValueError(f"sequences[{lengths.argmin()}]: expected at least one symbol, got an empty sequence")
    mask = np.arange(lengths.max())[:, None] < lengths  # (T, B)
    ids = np.full(mask.shape, value, dtype=np.int64)
    for b, column in enumerate(columns):
        ids[: len(column), b] = column
    return ids, mask


def one_hot(ids: ArrayLike, size: int, dtype: DTypeLike = np.float64) -> NDArray:
    """One-hot vectors: 1 in the place of the symbol, 0 elsewhere.

    Parameters
    ----------
    ids : integer array of any shape
        Usually (T, B).
    size : int
        V, the length of each vector.
    dtype : dtype
        float64 for checking gradients, float32 for training.

    Returns
    -------
    array of shape ids.shape + (V,)
        Usually (T, B, V).

    Raises
    ------
    ValueError
        If an integer is outside 0 … V-1.
    TypeError
        If `ids` are not integers.

    Examples
    --------
    >>> from rnnlib.text import one_hot
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    array = as_ids(ids, "ids", size, ndim=None)
    vectors = np.zeros((*array.shape, size), dtype=dtype)
    np.put_along_axis(vectors, array[..., None], 1, axis=-1)
    return vectors
