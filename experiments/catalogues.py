"""Message catalogues of further packages, for the model of interface strings that chapter 10 shows.

Fetches the packages below into a folder that is not part of the repository, and reads their Chinese catalogues; no code
of theirs is run. Nothing of them is stored but a trained model. Only `make models` needs them, not the book.

The licences, as the packages' own metadata state them, are permissive: BSD, MIT, Apache 2.0 and that of PostgreSQL.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from rnnlib.corpora import (
    INSTALLED,
    PairSplit,
    chinese_catalogues,
    read_catalogues,
    ui_strings,
    ui_strings_split,
    unlike,
)

# name, version, licence as the wheel's metadata state it (in the field License-Expression, License or a classifier)
PACKAGES = [
    ("apache-superset", "6.1.0", "Apache License"),
    ("django", "5.2.19", "BSD-3-Clause"),
    ("django-oscar", "4.2.1", "BSD"),
    ("djangorestframework", "3.18.3", "BSD-3-Clause"),
    ("horizon", "27.0.0", "Apache-2.0"),
    ("indico", "3.2.9", "MIT"),
    ("nbclassic", "1.3.3", "BSD 3-Clause License"),
    ("pgadmin4", "9.18", "PostgreSQL Licence"),
    ("spyder", "6.1.8", "MIT"),
    ("wagtail", "8.0.1", "BSD-3-Clause"),
]
CACHE = Path(__file__).resolve().parent / "cache"  # about 300 MB; git ignores it


def fetch() -> list[Path]:
    """The packages' wheels, fetched unless they are there, with the licences that we know.

    Raises
    ------
    subprocess.CalledProcessError
        If a package cannot be fetched.
    ValueError
        If a package states another licence than the list above.
    """
    wheels = []
    for name, version, licence in PACKAGES:
        pattern = f"{name.replace('-', '_')}-{version}-*.whl"
        if not list(CACHE.glob(pattern)):
            print(f"  fetching {name} {version}", flush=True)
            options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--quiet", f"--dest={CACHE}"]
            command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options]
            subprocess.run([*command, f"{name}=={version}"], check=True)
        (wheel,) = CACHE.glob(pattern)
        if licence not in stated_licence(wheel):
            raise ValueError(f"{name}: expected the licence {licence}, got {stated_licence(wheel)[:80]}")
        wheels.append(wheel)
    return wheels


def stated_licence(wheel: Path) -> str:
    """What the metadata of a wheel say about its licence."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode())
    return metadata.get("License-Expression") or metadata.get("License") or ""


def catalogues(wheel: Path) -> list[Path]:
    """The Chinese catalogues of a wheel, taken out of it into a folder beside it."""
    folder = wheel.with_suffix("")
    if not folder.is_dir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.endswith((".mo", ".po"))])
    return chinese_catalogues(folder)


def all_strings_split() -> PairSplit:
    """`corpora.ui_strings_split`, with the strings of all packages in the training part: about 18,000 pairs.

    Of the further strings, those are left out that are longer than 80 characters or near-duplicates of a held-out one.
    """
    split = ui_strings_split()
    paths = [path for wheel in fetch() for path in catalogues(wheel)]
    known = {text for part in split for pair in part for text in pair}
    more = []
    for pair in [*ui_strings(INSTALLED), *read_catalogues(paths)]:
        if max(map(len, pair)) <= 80 and not known.intersection(pair):
            more.append(pair)
            known.update(pair)
    allowed = unlike(more, split.validation + split.test)
    return split._replace(train=split.train + [pair for pair, good in zip(more, allowed, strict=True) if good])


if __name__ == "__main__":
    print(*(f"{len(part):6,} pairs" for part in all_strings_split()), sep="\n")
