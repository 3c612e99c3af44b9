"""English prose from the manual that Python carries, and the split that chapters 2 and 3 share."""

import functools
import hashlib
import platform
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

RELEASES = "Python 3.11.2, 3.11.7, 3.12.1, 3.13.0, 3.14.0"  # whose manuals the list was made from
LIST = Path(__file__).with_name("python_docs.txt")  # which paragraphs; tools/choose_paragraphs.py writes it


class Split(NamedTuple):
    """A text in three parts that share no paragraph."""

    train: str
    validation: str
    test: str

    @property
    def alphabet(self) -> list[str]:
        """Every character of the three parts, sorted: what a model of this text has to choose from."""
        return sorted(set().union(*self))


_HEADING = re.compile(r"\s*([*=~^#-])\1{2,}\s*")
_MARKER = re.compile(r"(?:\*|\[\d+\]|\d+\.|\(\d+\))\s+")
_WRAPPED_HYPHEN = re.compile(r"(?<=\w)-\n *(?!(?:and|or) )(?=\w)")
_SENTENCE_END = re.compile(r"[.!?:;][\"')\]]*$")
_TYPEWRITER = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"})


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _blocks(topic: str) -> Iterator[tuple[int, list[str]]]:
    """Indentation and lines of each block between blank lines; of a definition list, the definitions."""
    for block in re.split(r"\n\s*?\n", topic):
        lines = [line for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        indent = _indent(lines[0])
        if len(lines) > 1 and min(map(_indent, lines[1:])) > indent and not _MARKER.match(lines[0].strip()):
            del lines[0]  # the term that is defined, on a line of its own above the indented definition
        yield indent, lines


def _is_prose(lines: list[str], paragraph: str) -> bool:
    """False for headings, tables, grammar rules, sessions and whatever does not end as sentences do."""
    heading = any(_HEADING.fullmatch(line) for line in lines)
    table = lines[0].lstrip().startswith(("+", "|"))
    code = "::=" in paragraph or paragraph.startswith((">>>", "..."))
    return not (heading or table or code) and bool(_SENTENCE_END.search(paragraph))


def _tidy(lines: list[str]) -> str:
    """One paragraph on one line of ASCII, without list markers, footnote numbers and emphasis stars."""
    paragraph = _WRAPPED_HYPHEN.sub("-", "\n".join(lines).translate(_TYPEWRITER))
    paragraph = re.sub(r"\b([Ff])loating point", r"\1loating-point", " ".join(paragraph.split()))  # as newer releases
    paragraph = _MARKER.sub("", paragraph, count=1) if _MARKER.match(paragraph) else paragraph
    paragraph = re.sub(r" \[\d+\]", "", paragraph)
    paragraph = re.sub(r"(?<![\w*\"'/])(\*{1,2})(\w[^*\"]*?)\1(?![\w*])", r"\2", paragraph)
    return "".join(c for c in paragraph if c.isascii() and c.isprintable())


def _prose_of(topic: str) -> Iterator[str]:
    """The prose of one topic. Text indented deeper than a paragraph that ends in a colon is program text."""
    program_deeper_than: int | None = None
    for indent, lines in _blocks(topic):
        if program_deeper_than is not None and indent > program_deeper_than:
            continue
        paragraph = _tidy(lines)
        program_deeper_than = _indent(lines[-1]) if paragraph.endswith(":") else None
        if _is_prose(lines, paragraph):
            yield paragraph


def paragraphs(topics: Mapping[str, str]) -> list[str]:
    """All prose of a manual, tidied, each paragraph once, in the order of the topics' names.

    Parameters
    ----------
    topics : mapping of str to str
        ``pydoc_data.topics.topics`` of some release of Python.

    Returns
    -------
    list of str
        Not the text of `python_docs`: that has only the paragraphs which several releases share.
    """
    return list(dict.fromkeys(paragraph for name in sorted(topics) for paragraph in _prose_of(topics[name])))


def fingerprint(paragraph: str) -> str:
    """Eight hexadecimal digits that stand for a paragraph: its 4-byte BLAKE2b hash."""
    return hashlib.blake2b(paragraph.encode("ascii"), digest_size=4).hexdigest()


def shared_text(topics: Mapping[str, str]) -> str:
    """The paragraphs of a manual that the list names, in the order of the list; a warning if some are missing.

    Raises
    ------
    RuntimeError
        If fewer than half of the paragraphs are there: then this is another manual.
    """
    names = [line for line in LIST.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
    here = {fingerprint(paragraph): paragraph for paragraph in paragraphs(topics)}
    found = [here[name] for name in names if name in here]
    release = f"Python {platform.python_version()}"
    if len(found) < len(names) / 2:
        raise RuntimeError(
            f"pydoc_data.topics: expected the manual of Python, with {len(names)} known paragraphs, "
            f"got {len(found)} of them from {release}; use one of {RELEASES}"
        )
    if len(found) < len(names):
        warnings.warn(
            f"python_docs: expected {len(names)} paragraphs, got {len(found)}; "
            f"the manual of {release} lacks the others. "
            "The text is what is left, so numbers measured on it differ a little from the book's. "
            f"None is missing in {RELEASES}.",
            stacklevel=3,
        )
    return "".join(paragraph + "\n" for paragraph in found)


@functools.cache
def python_docs() -> str:
    """English prose: the reference texts that Python's ``help("for")`` or ``help("STRINGS")`` shows.

    They come with the standard library, in `pydoc_data.topics`: 465 kB of plain text in Python 3.11. Four
    things are done to it.

    1. Only prose stays. Headings, tables, grammar rules and program text go.
    2. A paragraph that occurs twice is kept once. About a fifth of the raw text is such repetition
       (``topics["compound"]`` contains ``topics["if"]``); left in, a held-out text would stand in the
       training text too.
    3. Each paragraph becomes one line; typographic quotes and dashes become those of a typewriter; stars that
       mark emphasis, list markers and footnote numbers go; "floating point" is spelt "floating-point", as
       newer releases do.
    4. The manual changes a little with every release. Only paragraphs stay that releases from 3.11.2 to
       3.14.0 have in common, in the order of 3.11.7, so that the text is the same on all of them. The file
       ``python_docs.txt`` beside this module names these paragraphs by short hashes.

    Returns
    -------
    str
        About 194,000 characters, one paragraph per line, printable ASCII and ``"\\n"``; the same on every
        call.

    Warns
    -----
    UserWarning
        Once, if this release of Python lacks some of the paragraphs. The text is what is left.

    Raises
    ------
    ImportError
        If this Python comes without `pydoc_data`.
    RuntimeError
        If its manual has fewer than half of the paragraphs.

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
    >>> lines = text.splitlines()
    >>> len(lines) == len(set(lines))     # no paragraph occurs twice
    True
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ImportError(
            "this corpus is read from pydoc_data, a part of Python's standard library that this Python comes without; "
            "use a complete installation of Python"
        ) from error
    return shared_text(topics)


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
        raise ValueError(
            f"validation, test: expected shares above 0 that add to less than 1, got {validation} and {test}"
        )
    if rounds < 1:
        raise ValueError(f"rounds: expected at least 1, got {rounds}")
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
                f"text: expected enough lines for three parts, got {len(text.splitlines())} lines, "
                f"{len(text)} characters: the {name} part would be empty; give a longer text, larger shares or "
                "fewer rounds"
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
