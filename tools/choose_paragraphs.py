"""Choose the paragraphs of `rnnlib.corpora.python_docs`: those that several releases of Python have in common.

    python tools/choose_paragraphs.py TOPICS.py TOPICS.py ...

Each argument is the file `pydoc_data/topics.py` of one release, in whatever folder it lies; this says where:

    python3.13 -c "import pydoc_data.topics as manual; print(manual.__file__)"

Written is rnnlib/corpora/python_docs.txt: a hash for each paragraph, in the order of the first release, and no text.
The committed list comes from 3.11.7, 3.11.2, 3.12.1, 3.13.0 and 3.14.0. A new list makes a new text: every number
of chapters 2 and 3, and every model trained on the text, has to be made again.
"""

import hashlib
import runpy
import sys
from pathlib import Path

from rnnlib.corpora.prose import LIST, fingerprint, paragraphs

HEADER = """\
# The paragraphs of rnnlib.corpora.python_docs, in its order: the 4-byte BLAKE2b hash of each.
# Written by tools/choose_paragraphs.py from the manuals of several releases of Python.
"""


def choose(releases: list[list[str]]) -> list[str]:
    """The paragraphs that all releases have, in the order of the first.

    Raises
    ------
    ValueError
        If two different paragraphs of any release have the same hash.
    """
    by_hash: dict[str, str] = {}
    for release in releases:
        for paragraph in release:
            other = by_hash.setdefault(fingerprint(paragraph), paragraph)
            if other != paragraph:
                raise ValueError(f"fingerprint: expected different hashes, got one for {other!r} and {paragraph!r}")
    common = set.intersection(*map(set, releases))
    return [paragraph for paragraph in releases[0] if paragraph in common]


def main(paths: list[Path]) -> None:
    """Write the list, and say how much of each release it holds."""
    releases = [paragraphs(runpy.run_path(str(path))["topics"]) for path in paths]
    chosen = choose(releases)
    text = "".join(paragraph + "\n" for paragraph in chosen)
    LIST.write_text(HEADER + "".join(fingerprint(paragraph) + "\n" for paragraph in chosen), encoding="ascii")
    for path, release in zip(paths, releases, strict=True):
        size = sum(len(paragraph) + 1 for paragraph in release)
        print(f"{path}: {len(release):,} paragraphs, {size:,} characters, {len(text) / size:.1%} of them chosen")
    print(f"{LIST.name}: {len(chosen):,} paragraphs, {len(text):,} characters, {LIST.stat().st_size:,} bytes")
    print(f"SHA-256 of the text: {hashlib.sha256(text.encode('ascii')).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(argument) for argument in sys.argv[1:]])
