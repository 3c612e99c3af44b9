"""Spreadsheets as people save them: CSV with commas, semicolons or tabs, with a byte order mark or without."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DELIMITERS = ",;\t"


class DeskError(ValueError):
    """Something that a teacher wrote cannot be used; the message says where, what was expected and what was found."""


@dataclass(frozen=True)
class Sheet:
    """A table with names for its columns.

    Attributes
    ----------
    path : Path
    header : tuple of str
    rows : tuple of (int, dict of str to str)
        Where each row ends in the file, counted in lines, and its cells by column.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]

    def where(self, line: int) -> str:
        """How a message names a row."""
        return f"{self.path}, line {line}"


def read_sheet(path: Path) -> Sheet:
    """Read a CSV file whose first row names the columns.

    Empty rows and rows that begin with `#` are passed over. Blank space around a cell is not part of it.

    Raises
    ------
    DeskError
        If it cannot be read, is no UTF-8, or a row has more cells than there are columns.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DeskError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DeskError(f"{path}: expected UTF-8, got byte {error.object[error.start]:#x} at place {error.start}; "
                        "save it as 'CSV UTF-8'") from None  # fmt: skip
    rows = _rows(path, text)
    header = tuple(next(rows, (0, []))[1])
    if not any(header):
        raise DeskError(f"{path}: expected a first row with the names of the columns, got an empty file")
    if doubles := sorted({name for name in header if header.count(name) > 1 and name}):
        raise DeskError(f"{path}: expected each column once, got {', '.join(doubles)} more than once")
    found = []
    for line, cells in rows:
        if any(cells[len(header) :]):
            raise DeskError(f"{path}, line {line}: expected {len(header)} cells, got {len(cells)}; "
                            "text with a comma in it stands between double quotes")  # fmt: skip
        padded = [*cells, *[""] * (len(header) - len(cells))]
        found.append((line, dict(zip(header, padded, strict=False))))
    return Sheet(path, header, tuple(found))


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells) and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DeskError(f"{path}, line {reader.line_num}: {error}") from None


def sheet_text(
    header: Iterable[str], rows: Iterable[Iterable[object]], quoting: Literal[0, 2] = csv.QUOTE_MINIMAL
) -> str:
    """A table as the text of a CSV file.

    Examples
    --------
    >>> print(sheet_text(["name", "points"], [["Lee, Ann", 2.5]]), end="")
    name,points
    "Lee, Ann",2.5
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=quoting)
    writer.writerow(list(header))
    writer.writerows(list(row) for row in rows)
    return file.getvalue()


def number(text: str) -> float | None:
    """A cell's number, with a point or a decimal comma; None if it is none.

    Examples
    --------
    >>> number("2,5"), number("2.5"), number("two"), number("nan")
    (2.5, 2.5, None, None)
    """
    try:
        value = float(text.replace(",", ".", 1))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
