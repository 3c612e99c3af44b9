"""The five shapes of input and output that a recurrent network can have (chapter 1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from rnnlib.corpora import dates, digits, python_docs, weather
from rnnlib.figures.base import Data, Figure

SHAPES = ("one-to-one", "one-to-many", "many-to-one", "many-to-many, equal", "many-to-many, unequal")

# two couplets of regulated verse: each character of the second line answers the one above it
COUPLETS = (
    ("举头望明月", "低头思故乡", "Li Bai, Quiet Night Thought"),
    ("春蚕到死丝方尽", "蜡炬成灰泪始干", "Li Shangyin, Untitled"),
)


class Shapes(Figure):
    """Step through the five input/output shapes on real examples.

    The examples are taken from `rnnlib.corpora`: pictures of digits and their names, daily weather, a piece of
    English prose, Chinese and English dates; and from two classical couplets. Outputs are the right answers
    from the data, not predictions.

    Parameters
    ----------
    shape : str
        One of `SHAPES`.
    example : int, 0 to 2
        Which of the shape's three examples.
    step : int
        How many steps the network has made, from 0; a number beyond the last step means the last one.
    examples : str or dict
        The name of shipped examples, or a dict: for each shape a list of examples: ``about``, ``x`` and ``y``
        (their array shapes, as text), and ``columns``, one per step, each with ``input``, ``output`` (text, a picture
        or None) and ``part``.

    Examples
    --------
    >>> Shapes(shape="many-to-one", step=7)
    Shapes(example=0, shape='many-to-one', step=7)
    """

    title = traitlets.Unicode("When does a network read, and when does it write?").tag(sync=True)
    fallback = (
        "It unrolls a recurrent network on real examples: a picture to a digit (one-to-one), a picture to the letters "
        "of its name (one-to-many), a week of temperatures to the next day's (many-to-one), a line of verse to the "
        "line that answers it (many-to-many of equal length), and a Chinese date to an English one (many-to-many of "
        "unequal length). Stepping through time shows when the network reads, when it writes, and what its hidden "
        "state must carry from one step to the next."
    )

    shape = traitlets.Enum(SHAPES, "many-to-one").tag(sync=True, control=True)
    example = traitlets.Int(0, min=0, max=2).tag(sync=True, control=True)
    step = traitlets.Int(4, min=0).tag(sync=True, control=True)
    examples = Data("shapes")


def columns(inputs: list[Any], outputs: list[Any], part: str = "") -> list[dict[str, Any]]:
    """Pair inputs and outputs step by step."""
    return [{"input": i, "output": o, "part": part} for i, o in zip(inputs, outputs, strict=True)]


def real_examples() -> dict[str, list[dict[str, Any]]]:
    """Three examples of each shape, from the corpora.

    Returns
    -------
    dict
        See the parameter ``examples`` of `Shapes`.
    """
    makers = (one_to_one, one_to_many, many_to_one, many_to_many_equal, many_to_many_unequal)
    return {shape: make() for shape, make in zip(SHAPES, makers, strict=True)}


def pictures() -> list[tuple[dict[str, Any], int, str]]:
    """Three pictures of digits, as 64 grey levels from 0 to 16, with label and name."""
    data = digits()
    picked = [int(np.flatnonzero(data.labels == label)[5]) for label in (3, 7, 8)]
    levels = np.rint(16 * data.images[picked]).astype(int).reshape(3, 64)
    labels = [int(data.labels[i]) for i in picked]
    return [({"picture": grey.tolist()}, label, data.words[label]) for grey, label in zip(levels, labels, strict=True)]


def one_to_one() -> list[dict[str, Any]]:
    """A picture in, its digit out."""
    return [
        {"about": "A picture of a digit, and which digit it is.", "x": "(1, 64)", "y": "(1, 10)",
         "columns": columns([picture], [str(label)])}
        for picture, label, _ in pictures()
    ]  # fmt: skip


def one_to_many() -> list[dict[str, Any]]:
    """A picture in, the letters of its name out; from the second step on, the last letter comes back in."""
    return [
        {"about": "A picture of a digit, and its name, letter by letter.", "x": "(1, 64)", "y": f"({len(word)}, 1, 26)",
         "columns": columns([picture, *({"fed back": letter} for letter in word[:-1])], list(word))}
        for picture, _, word in pictures()
    ]  # fmt: skip


def many_to_one() -> list[dict[str, Any]]:
    """Seven days' highest temperatures in, the eighth day's out."""
    data = weather()
    examples = []
    for day in ("2012-03-05", "2014-07-25", "2015-10-30"):
        first = int(np.flatnonzero(data.date == np.datetime64(day))[0])
        degrees = [f"{t:.1f}" for t in data.temp_max[first : first + 8]]
        about = f"Highest temperatures in Seattle (°C), seven days from {day}; the answer is the eighth day’s."
        cells = columns(degrees[:7], [None] * 6 + [degrees[7]])
        examples.append({"about": about, "x": "(7, 1, 1)", "y": "(1, 1)", "columns": cells})
    return examples


def many_to_many_equal() -> list[dict[str, Any]]:
    """Lines of verse and their answers; a piece of prose and the character after each character."""
    examples = [
        {"about": f"{source}: each character of the second line answers the one above it.",
         "x": f"({len(first)}, 1, V)", "y": f"({len(first)}, 1, V)", "columns": columns(list(first), list(second))}
        for first, second, source in COUPLETS
    ]  # fmt: skip
    text = python_docs()
    start = text.index("Assert statements")
    piece = text[start : start + 11].replace(" ", "␣")
    about = "English prose: the answer to each character is the one after it (␣ is a space)."
    cells = columns(list(piece[:-1]), list(piece[1:]))
    return [*examples, {"about": about, "x": "(10, 1, V)", "y": "(10, 1, V)", "columns": cells}]


def many_to_many_unequal() -> list[dict[str, Any]]:
    """Chinese dates in, English dates out: an encoder reads, a decoder writes."""
    pairs = [
        p for p in dates(200, seed=2) if len(p.chinese) + len(p.english) <= 17 and len(p.chinese) != len(p.english)
    ]
    picked = [next(p for p in pairs if last in p.chinese[-2:]) for last in ("周", "月", "日")]
    examples = []
    for chinese, english in picked:
        english = english.replace(" ", "␣")
        read = columns(list(chinese), [None] * len(chinese), "encoder")
        fed_back = [None, *({"fed back": letter} for letter in english[:-1])]
        write = columns(fed_back, list(english), "decoder")
        about = "A date in Chinese, and the same date in English (␣ is a space)."
        sizes = {"x": f"({len(chinese)}, 1, V)", "y": f"({len(english)}, 1, V)"}
        examples.append({"about": about, **sizes, "columns": read + write})
    return examples
