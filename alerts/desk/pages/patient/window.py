"""The window of time that charts, table and export show: from its length the step of what is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from alerts.database import to_datetime

RANGES: Final = {1: "1 h", 6: "6 h", 24: "24 h", 168: "7 d", 720: "30 d"}
"""The ranges that the page offers: hours until now, and their words."""
USUAL_H: Final = 6
SHORTEST_S: Final = 300
LONGEST_S: Final = 31 * 86_400
_STEPS: Final = ((2 * 3600, 0), (36 * 3600, 60), (8 * 86_400, 600), (LONGEST_S, 3600))
"""(longest window, step) in s: at most about a thousand points a line, a pixel each."""
_ROWS: Final = (60, 600, 1800, 3600, 4 * 3600)
_MOST_ROWS: Final = 190


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` to ``end``, s since the epoch; ``live``: its end is now, and moves."""

    start: float
    end: float
    live: bool

    @classmethod
    def of_hours(cls, hours: int, now: float) -> Self:
        """The last ``hours``."""
        return cls(now - hours * 3600, now, live=True)

    @classmethod
    def asked(cls, query: Mapping[str, str], now: float) -> Self:
        """The window of a query: ``from`` and ``to`` in s, or ``hours``; the usual one where that cannot be used.

        A window is between 5 minutes and 31 days long and ends by now.
        """
        try:
            start, end = float(query["from"]), float(query["to"])
        except (KeyError, ValueError):
            hours = query.get("hours", "")
            return cls.of_hours(int(hours) if hours in {str(known) for known in RANGES} else USUAL_H, now)
        if not math.isfinite(start) or not math.isfinite(end) or not 0 <= start < end:
            return cls.of_hours(USUAL_H, now)
        end = max(min(end, now), SHORTEST_S)
        return cls(min(max(start, end - LONGEST_S, 0), end - SHORTEST_S), end, live=False)

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def step_s(self) -> int:
        """Seconds that one point stands for; 0: each reading is shown."""
        return next((step for longest, step in _STEPS if self.seconds <= longest), _STEPS[-1][1])

    @property
    def row_s(self) -> int:
        """Seconds that one row of the table stands for."""
        return next((step for step in _ROWS if self.seconds / step <= _MOST_ROWS), _ROWS[-1])

    @property
    def between(self) -> tuple[datetime, datetime]:
        """Start and end for a query."""
        return to_datetime(int(self.start * 1000)), to_datetime(int(self.end * 1000))
