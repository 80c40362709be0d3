"""The stretch of time of a report: whole days of the desk's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from alerts.errors import CareError


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``first`` on, ``days`` of them, in ``zone``.

    Raises:
        CareError: not between 1 and 366 days.
    """

    first: date
    days: int
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 366:
            raise CareError(f"A report covers 1 to 366 days, not {self.days}: choose another start or length.")

    @classmethod
    def until(cls, today: date, days: int, zone: ZoneInfo) -> Self:
        """The ``days`` that end with ``today``."""
        return cls(today - timedelta(days=days - 1), days, zone)

    @classmethod
    def of_month(cls, month: str, zone: ZoneInfo) -> Self:
        """A calendar month, as 2026-11; ``ValueError`` for anything else."""
        first = date.fromisoformat(f"{month}-01")
        return cls(first, ((first + timedelta(days=31)).replace(day=1) - first).days, zone)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.first + timedelta(days=self.days), time(), self.zone)
