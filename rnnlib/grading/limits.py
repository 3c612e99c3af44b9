"""What a submission may use, in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

MIB = 1 << 20
CROWDED = 5.0  # on a crowded machine, a limit is at most this many times as long by the clock on the wall


@dataclass(frozen=True)
class Limits:
    """Limits on one submission; the defaults suit exercises in NumPy or PyTorch that take seconds.

    Attributes
    ----------
    cell_seconds : float
        For one cell. Time in which the kernel was ready to run but the machine was busy with others does not count;
        the processor time of all that the cell has started counts together.
    notebook_seconds : float
        For all cells together, counted the same way.
    start_seconds : float
        For the kernel to start; if it does not, that is the grader's fault.
    memory_mb : int
        For all processes of the submission together, and for its files in memory, in MiB.
    processes : int
        At most so many at a time.
    file_mb, disk_mb : int
        For one file, and for the private temporary folder, in MiB.
    output_mb : float
        For what one cell prints and displays, in MiB.
    output_messages : int
        For one cell.
    """

    cell_seconds: float = 20.0
    notebook_seconds: float = 180.0
    start_seconds: float = 60.0
    memory_mb: int = 2048
    processes: int = 48
    file_mb: int = 50
    disk_mb: int = 200
    output_mb: float = 8.0
    output_messages: int = 2000

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"{item.name}: expected a positive number, got {value!r}")

    def to_json(self) -> dict[str, Any]:
        """As JSON; `Limits(**data)` is its inverse."""
        return asdict(self)
