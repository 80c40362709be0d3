"""How a person is reached: their channels in order, each with its delay, and quiet hours that never hold a high."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from streams.engine.condition import Priority

BETWEEN_S: Final = 30
"""Without another word each further channel of a person takes so long after the one before, if nobody has acted."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One ``channel`` of a person, used ``after_s`` seconds after the step was called; in ``quiet`` hours (local, from and
    until) only for a high.
    """

    channel: str
    after_s: int = 0
    quiet: tuple[time, time] | None = None

    def is_quiet(self, at: datetime, zone: ZoneInfo) -> bool:
        """True in its quiet hours, which may go over midnight."""
        if self.quiet is None:
            return False
        since, until = self.quiet
        now = at.astimezone(zone).time()
        return since <= now < until if since < until else now >= since or now < until


def usable(
    contacts: Sequence[Contact], there: Collection[str], priority: Priority, at: datetime, zone: ZoneInfo
) -> list[Contact]:
    """The contacts by which a person is reached now: the notifier has the channel (``there``), and it is not quiet.

    The first takes its message at once, and the others keep their distance from it: a quiet or missing channel delays none.
    """
    found = [one for one in contacts if one.channel in there and (priority is Priority.HIGH or not one.is_quiet(at, zone))]
    first = min((one.after_s for one in found), default=0)
    return [Contact(one.channel, one.after_s - first, one.quiet) for one in found]
