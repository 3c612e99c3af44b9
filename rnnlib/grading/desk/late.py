"""When something was handed in, and what it costs if that was late."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from .sheets import DeskError

PENALTY = re.compile(r"(\d+(?:[.,]\d+)?)\s*(%?)\s*(?:(?:/|per )\s*(day|hour))?")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")  # fmt: skip
WORDED = re.compile(  # as Moodle writes it in English: Friday, 20 November 2026, 8:15 PM, or Friday, November 20, 2026
    r"(?:[a-z]+day,?\s+)?(?:(?P<d>\d{1,2})\s+(?P<m>[a-z]{3,9})|(?P<month>[a-z]{3,9})\s+(?P<day>\d{1,2})),?\s+"
    r"(?P<year>\d{4})(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?:\s*(?P<half>[ap])m)?)?",
    re.IGNORECASE,
)
NONE = ("", "-", "–", "—")  # what platforms write where there is no time
UNIT = {"day": timedelta(days=1), "hour": timedelta(hours=1)}


def told(cell: str) -> str:
    """A cell's text; empty if the cell says that there is no time, as Moodle's `-` does.

    Examples
    --------
    >>> told("-"), told("2026-11-20")
    ('', '2026-11-20')
    """
    return "" if cell.strip() in NONE else cell


def read_time(text: str, where: str) -> datetime:
    """A time as a person or a platform writes it, in this machine's time zone unless it names another.

    A date alone is the end of that day. Names of months are English, before the day or after it.

    Raises
    ------
    DeskError
        If it is none; `where` says where it stands.

    Examples
    --------
    >>> read_time("2026-11-20 23:59+01:00", "--due").isoformat()
    '2026-11-20T23:59:00+01:00'
    >>> read_time("2026-11-20", "--due").strftime("%H:%M:%S")
    '23:59:59'
    >>> read_time("Friday, November 20, 2026, 8:15 PM", "--due").strftime("%Y-%m-%d %H:%M")
    '2026-11-20 20:15'
    """
    text = text.strip()
    plain = _worded(text) or re.sub(
        r"^(\d{4}-?\d\d-?\d\d)[T _-]?(\d\d)[-:._h]?(\d\d)(?:[-:._]?(\d\d))?$", _iso, text, flags=re.I
    )
    try:
        time = datetime.fromisoformat(plain)
    except ValueError:
        raise DeskError(f"{where}: expected a time such as 2026-11-20 23:59, got {text!r}") from None
    if re.fullmatch(r"\d{4}-?\d\d-?\d\d", plain):
        time = time.replace(hour=23, minute=59, second=59)
    return time if time.tzinfo else time.astimezone()


def _worded(text: str) -> str:
    """A time whose month is a word, in numbers; "" if it is none."""
    match = WORDED.fullmatch(text)
    name = (match["m"] or match["month"]).lower() if match else ""
    month = next((number for number, full in enumerate(MONTHS, 1) if name and full.startswith(name)), 0)
    if match is None or not month:
        return ""
    date = f"{match['year']}-{month:02d}-{int(match['d'] or match['day']):02d}"
    if match["hour"] is None:
        return date
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + 12 * (match["half"].lower() == "p")
    return f"{date} {hour:02d}:{match['minute']}:00"


def _iso(match: re.Match[str]) -> str:
    return f"{match[1]} {match[2]}:{match[3]}:{match[4] or '00'}" if "-" in match[1] else (
        f"{match[1][:4]}-{match[1][4:6]}-{match[1][6:]} {match[2]}:{match[3]}:{match[4] or '00'}")  # fmt: skip


def shown(time: datetime) -> str:
    """A time as pages show it.

    Examples
    --------
    >>> shown(datetime.fromisoformat("2026-11-20T23:59:00+00:00"))[:16]
    '2026-11-20 23:59'
    """
    return f"{time:%Y-%m-%d %H:%M} ({time:%Z})"


@dataclass(frozen=True)
class Penalty:
    """What lateness costs: `10%/day`, `0.5/hour`, `20%` once, and at most `most` of the exercise's points.

    Attributes
    ----------
    amount : float
    percent : bool
        Of the exercise's points; else `amount` is points.
    per : {"day", "hour", ""}
        Each one that has begun counts.
    most : float
        A share of the exercise's points.
    """

    amount: float = 0.0
    percent: bool = True
    per: str = ""
    most: float = 1.0

    @classmethod
    def read(cls, text: str, most: str = "100%") -> Penalty:
        """From the command line.

        Raises
        ------
        DeskError
            If it cannot be read.

        Examples
        --------
        >>> penalty = Penalty.read("10%/day", "50%")
        >>> [penalty.points(timedelta(hours=hours), 6.0) for hours in (0, 1, 25, 999)]
        [0.0, 0.6, 1.2, 3.0]
        """
        match = PENALTY.fullmatch(text.strip())
        if match is None:
            raise DeskError(f"--late-penalty: expected such as 10%/day, 5%/hour, 0.5/day or 20%, got {text!r}")
        cap = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*%", most.strip())
        if cap is None or float(cap[1].replace(",", ".")) > 100:
            raise DeskError(f"--late-most: expected a share from 0% to 100%, got {most!r}")
        return cls(float(match[1].replace(",", ".")), match[2] == "%", match[3] or "",
                   float(cap[1].replace(",", ".")) / 100)  # fmt: skip

    def points(self, late: timedelta, max_points: float) -> float:
        """What so much lateness costs."""
        if late <= timedelta(0):
            return 0.0
        times = math.ceil(late / UNIT[self.per]) if self.per else 1
        cost = times * self.amount * (max_points / 100 if self.percent else 1)
        return round(min(cost, self.most * max_points), 2)

    def __str__(self) -> str:
        unit = "%" if self.percent else " points"
        cap = f", at most {100 * self.most:g}%" if self.most < 1 else ""
        return f"{self.amount:g}{unit}{f' for each {self.per} begun' if self.per else ''}{cap}"


def lateness(late: timedelta) -> str:
    """How late, in words.

    Examples
    --------
    >>> lateness(timedelta(days=1, hours=2)), lateness(timedelta(minutes=1)), lateness(timedelta(seconds=5))
    ('1 day 2 hours', '1 minute', 'less than a minute')
    """
    minutes = int(late.total_seconds() // 60)
    units = [(minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute")]
    said = [f"{count} {name}{'s' if count > 1 else ''}" for count, name in units if count]
    return " ".join(said[:2]) or "less than a minute"
