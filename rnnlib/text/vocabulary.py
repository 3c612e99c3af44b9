"""The symbols that a model knows, and the integers that stand for them."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlib.registry import register


@register
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
    >>> Vocabulary(**vocabulary.config()) == vocabulary     # what a checkpoint stores
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
            raise ValueError(f"symbols: expected different symbols, got {twice!r} twice")
        if unknown is not None and unknown not in self._index:
            raise ValueError(f"unknown: expected one of the {len(self._symbols)} symbols, got {unknown!r}")
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

    def config(self) -> dict[str, list[str] | str | None]:
        """All that it is made of, for a checkpoint."""
        return {"symbols": self.to_list(), "unknown": self.unknown}

    def to_list(self) -> list[str]:
        """The symbols in the order of their integers."""
        return list(self._symbols)

    def index(self, symbol: str) -> int:
        """The integer of one symbol; KeyError names a symbol that is not known."""
        if symbol in self._index:
            return self._index[symbol]
        if self.unknown is None:
            raise KeyError(
                f"text: expected the {len(self)} symbols of this vocabulary, got {symbol!r}; leave it out, "
                "or make the vocabulary with unknown=..., a symbol that stands for all others"
            )
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
        is_text = array.dtype.kind in "US"
        got = "text; Vocabulary.encode makes integers of it" if is_text else f"an array of {array.dtype}"
        raise TypeError(f"{name}: expected integers, got {got}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} axis, got {array.ndim}, shape {array.shape}")
    if array.size and (array.min() < 0 or (size is not None and array.max() >= size)):
        raise ValueError(
            f"{name}: expected 0 to {'…' if size is None else size - 1}, got values from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64, copy=False)
