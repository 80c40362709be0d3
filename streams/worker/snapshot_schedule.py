"""When a partition's state is saved: as often as it spares more than it costs.

A state holds hours of a patient in about 1 KB, whatever was sent; a restart folds the log again from there.  So it is saved
when the log since then is as long as the state, but not oftener than ``every`` seconds and not more seldom than
:data:`RARELY` times that (docs/decisions/0099-when-a-state-is-saved.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RARELY: Final = 5


@dataclass(slots=True)
class Saving:
    """Of one partition: saved ``at`` (s of a monotonic clock) in ``size`` bytes; ``since``: bytes of log folded after it."""

    every: float
    at: float
    size: int = 0
    since: int = 0

    def due(self, now: float) -> bool:
        """Whether it is to be saved at ``now``."""
        waited = now - self.at
        return waited >= self.every and (self.since >= self.size or waited >= RARELY * self.every)

    def begin(self, now: float) -> None:
        """It is saved now; how large it is shows later."""
        self.at, self.since = now, 0
