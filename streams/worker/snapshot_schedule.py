"""The schedule of snapshots: a partition's state is saved as often as that spares more than it costs.

A state holds hours of a patient in about 1 KB, whatever was sent; a restart folds the log again from there.  So it is saved
when the log since then is as long as the state, but at most once every ``every`` seconds, and at least once every
:data:`RARELY` times that (docs/decisions/0099-when-a-state-is-saved.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RARELY: Final = 5


@dataclass(slots=True)
class SnapshotSchedule:
    """The schedule of one partition: saved ``at`` (s of a monotonic clock) in ``size`` bytes; ``since``: bytes of log folded
    after it.
    """

    every: float
    at: float
    size: int = 0
    since: int = 0

    def due(self, now: float) -> bool:
        """True if the state is to be saved at ``now``."""
        waited = now - self.at
        return waited >= self.every and (self.since >= self.size or waited >= RARELY * self.every)

    def begin(self, now: float) -> None:
        """Note that the state is saved now; its size follows later."""
        self.at, self.since = now, 0
