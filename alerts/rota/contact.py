"""The ways to reach a person: their channels in order, each with its delay, and quiet hours that never hold a high."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.rota.layer import instant
from streams.engine.condition import Priority

BETWEEN_S: Final = 30
"""Without another word each further channel of a person takes so long after the one before, if nobody has acted."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One ``channel`` of a person, used ``after_s`` seconds after the step was called; in ``quiet`` hours (local, from and
    until) only for a high.  ``not_before``: it is quiet now, and holds its message until then.
    """

    channel: str
    after_s: int = 0
    quiet: tuple[time, time] | None = None
    not_before: datetime | None = None

    def is_quiet(self, at: datetime, zone: ZoneInfo) -> bool:
        """True in its quiet hours, which may go over midnight."""
        if self.quiet is None:
            return False
        since, until = self.quiet
        now = at.astimezone(zone).time()
        return since <= now < until if since < until else now >= since or now < until

    def quiet_until(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The end (UTC) of the quiet hours in which an instant lies."""
        assert self.quiet is not None
        today = at.astimezone(zone).date()
        ends = (instant(day, self.quiet[1], zone) for day in (today, today + timedelta(days=1)))
        return next(end for end in ends if end > at)


def usable(
    contacts: Sequence[Contact], there: Collection[str], priority: Priority, at: datetime, zone: ZoneInfo
) -> list[Contact]:
    """The contacts by which a person is reached: the notifier has the channel (``there``), and it is not quiet.

    The first takes its message at once, and the others keep their distance from it: a quiet or missing channel delays none.
    Where all are quiet the one that is so for the shortest time holds the message until then.
    """
    found = [one for one in contacts if one.channel in there]
    awake = [one for one in found if priority is Priority.HIGH or not one.is_quiet(at, zone)]
    if found and not awake:
        until, first = min(((one.quiet_until(at, zone), one) for one in found), key=lambda pair: pair[0])
        return [Contact(first.channel, 0, first.quiet, until)]
    earliest = min((one.after_s for one in awake), default=0)
    return [Contact(one.channel, one.after_s - earliest, one.quiet) for one in awake]
