"""States as trees: a cell's state is a tuple of arrays, a layer's state a tuple of its parts' states.

Whatever walks such a tree does it here, so that nothing else needs to know how a layer nests its parts.
"""

from collections.abc import Callable, Iterator
from typing import Any

from rnnlib.cells.cell import Array


def leaves(state: Any) -> Iterator[Array]:
    """The arrays in a state, however deeply a layer nests them.

    Examples
    --------
    >>> list(leaves(((1, 2), ((3,), (4,)))))
    [1, 2, 3, 4]
    """
    if isinstance(state, tuple):
        for part in state:
            yield from leaves(part)
    else:
        yield state


def mapped(function: Callable[[Any], Any], state: Any) -> Any:
    """A state nested as `state` is, with ``function(array)`` in the place of each array; None stays None.

    Examples
    --------
    >>> mapped(lambda a: 10 * a, ((1, 2), (3,)))
    ((10, 20), (30,))
    """
    if state is None:
        return None
    return tuple(mapped(function, part) for part in state) if isinstance(state, tuple) else function(state)


def nested_like(state: Any, arrays: Iterator[Any]) -> Any:
    """A state nested as `state` is, with the next of `arrays` in the place of each array.

    Examples
    --------
    >>> nested_like(((1, 2), (3,)), iter("abc"))
    (('a', 'b'), ('c',))
    """
    return mapped(lambda _: next(arrays), state)


def top(state: Any) -> Array:
    """H_t out of a state: the first array of the last part, which is what a layer hands on after a step.

    Examples
    --------
    >>> top((("h of layer 0",), ("h of layer 1", "c of layer 1")))
    'h of layer 1'
    """
    while isinstance(state[-1], tuple):
        state = state[-1]
    return state[0]


def expect_parts(argument: str, state: Any, parts: int) -> tuple[Any, ...]:
    """`state` as a tuple with an entry for each part, all None if it is None itself.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if state is None:
        return (None,) * parts
    if not isinstance(state, tuple) or len(state) != parts:
        given = f"a tuple of {len(state)}" if isinstance(state, tuple) else type(state).__name__
        raise TypeError(f"{argument}: expected a tuple of {parts} states, got {given}")
    return state
