"""The students' pages as Moodle takes feedback files: a zip with a folder for each participant.

Moodle finds whose a file is by its folder, whose name has four parts: the full name, the number of the participant, the
kind of the plugin, and the plugin's name. Versions before 4.1 ask for a fifth part, which may be empty.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .scores import Row

NAME = "moodle-feedback.zip"
NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f_/\\\\:*?\"<>|&'`]+")


def folder(name: str, number: str) -> str:
    """What Moodle calls a participant's folder; an underscore in a name would end it.

    Examples
    --------
    >>> folder("Ann_Mae O'Neill", "31")
    'Ann Mae O Neill_31_assignfeedback_file_'
    """
    readable = " ".join(NOT_IN_NAMES.sub(" ", name).split()).strip(".~ ") or "student"
    return f"{readable}_{number}_assignfeedback_file_"


def moodle(rows: list[Row], pages: Mapping[str, str]) -> bytes:
    """The zip: the page of everybody who has a number, under the exercise's name. The same pages make the same zip.

    Parameters
    ----------
    rows : list of Row
        Of a worksheet: `student` is the number of the participant.
    pages : dict of str to str
        HTML by student.
    """
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for row in rows:
            if row.grade is not None and row.status != "nobody's":
                entry = ZipInfo(f"{folder(row.name, row.student)}/{row.exercise}.html")
                entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, pages[row.student].encode("utf8", "backslashreplace"))
    return file.getvalue()
