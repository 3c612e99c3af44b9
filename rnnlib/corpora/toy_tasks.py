"""Toy tasks with a dial for how long memory must last: copying, delayed copying, adding, numbers with marks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SymbolTask(NamedTuple):
    """A task on symbols: `x`, `y` (T, B) integers below `n_symbols`; `mask` (T, B) True where y counts.

    The mask says where the answer counts, not where the input is real. A `rnnlib.training.Model` takes a batch's mask
    for padding and skips what is masked, so that its state would miss these inputs: give it to the loss instead.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    mask: NDArray[np.bool_]
    n_symbols: int


class AddingTask(NamedTuple):
    """The adding problem: `x` (T, B, 2) values and markers, `y` (B, 1) sums of the two marked values."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


class MarkedNumbers(NamedTuple):
    """Numbers and marks: `values` and `marks` (T, B); a mark is 1 or 0. What is wanted, the caller says."""

    values: NDArray[np.float64]
    marks: NDArray[np.float64]


def _check_task(rng: np.random.Generator, **least: tuple[int, int]) -> None:
    """Every size at or above its least value, and a generator where one is expected."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    for name, (value, lower) in least.items():
        if value < lower:
            raise ValueError(f"{name}: expected at least {lower}, got {value}")


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
        raise ValueError(f"delay: expected less than steps={steps}, else nothing is left to write, got {delay}")
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


def marked_numbers(
    batch: int, steps: int, *, size: float = 1.0, share: float = 0.1, rng: np.random.Generator
) -> MarkedNumbers:
    """At every step a number, and beside it a mark at some: to hold the last marked number, say, or to add since then.

    Parameters
    ----------
    batch, steps : int
        B and T, each at least 1.
    size : float
        The numbers are uniform between -size and size.
    share : float
        How likely each step is to have a mark, from 0 to 1; the first step always has one.
    rng : numpy.random.Generator
        Draws numbers and marks.

    Returns
    -------
    MarkedNumbers
        ``values`` and ``marks``, (T, B) each.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If `rng` is not a generator.

    See Also
    --------
    Chapter 6 holds the last marked number, chapter 7 adds.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.corpora import marked_numbers
    >>> values, marks = marked_numbers(batch=1, steps=5, share=0.5, rng=np.random.default_rng(1))
    >>> values[:, 0].round(1), marks[:, 0]
    (array([ 0. ,  0.9, -0.7,  0.9, -0.4]), array([1., 0., 1., 0., 1.]))
    """
    _check_task(rng, batch=(batch, 1), steps=(steps, 1))
    if not size > 0:
        raise ValueError(f"size: expected a positive number, got {size}")
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected a number from 0 to 1, got {share}")
    values = size * rng.uniform(-1, 1, size=(steps, batch))
    marks = (rng.random((steps, batch)) < share).astype(float)
    marks[0] = 1
    return MarkedNumbers(values, marks)
