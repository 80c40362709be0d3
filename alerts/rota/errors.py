"""Errors of a rota that people write."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.errors import CareError
from alerts.rules.errors import Fault


class RotaFileError(ValueError):
    """A rota file with errors: ``faults``, by line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"line {one.line}: {one.message}" for one in faults))
        self.faults = tuple(faults)


class CalendarError(CareError):
    """A file that is no iCalendar, or an event of it that names no layer or no person."""
