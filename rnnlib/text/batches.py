"""From integers to arrays: batches that keep or drop the state, padding, one-hot vectors."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from rnnlib.text.vocabulary import as_ids


class Batch(NamedTuple):
    """What a network reads, what it should predict, and what of it is real; ``x, y, mask = batch`` takes it apart.

    Attributes
    ----------
    x, y : arrays
        In a batch of text (T, B) integers, `y` one symbol later.
    mask : (T, B) array or None
        1 for a real step, 0 for one that was only filled in (see `pad`); None if all steps are real.
    """

    x: NDArray
    y: NDArray
    mask: NDArray | None = None


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
            raise ValueError(f"{name}: expected at least 1, got {size}")
    if len(text) < needed:
        raise ValueError(
            f"ids: expected at least {needed} symbols for batch_size={batch_size} times length={length}, "
            f"got {len(text)}"
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
