"""Silence: partitions of which nothing has come for long, though each has a clock record a second.

Their broker is away or cut off, the topic is gone, or the consumer stands.  Nobody watches their patients meanwhile, and the
engine, which sees the log alone, cannot know: their owner reports it, and its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SILENT_S: Final = 30.0
_STOPPED_S: Final = 5.0
"""A worker that has not looked for so long was stopped itself, and knows nothing of the time in between."""


class Silence:
    """The last report of each partition.  Of one just taken nothing is known: its former owner may have reported it."""

    def __init__(self) -> None:
        self._reported: dict[int, bool] = {}
        self._looked = 0.0
        self._awake_since = 0.0

    def changes(self, last_records: Mapping[int, float], now: float) -> dict[int, bool]:
        """Partition -> whether it falls silent now, or is heard again; ``heard``: when it was last, by the same clock."""
        if now - self._looked > _STOPPED_S:
            self._awake_since = now
        self._looked = now
        self._reported = {partition: silent for partition, silent in self._reported.items() if partition in last_records}
        found = {p: now - max(at, self._awake_since) > SILENT_S for p, at in last_records.items()}
        changes = {p: silent for p, silent in found.items() if self._reported.get(p) != silent}
        self._reported |= changes
        return changes
