"""A layer of a rota: people who take turns, and the instants at which one hands over to the next.

Hand-overs are at a time of the team's own clock: a turn over a change to or from summer time is an hour shorter or longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EVERY_DAY: Final = frozenset(range(7))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a day from ``since`` until ``until``, local; until the next day if that is no later.  ``days``: those on
    which they begin, 0 is Monday.
    """

    since: time
    until: time
    days: frozenset[int] = EVERY_DAY

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """The instants (UTC) between which these hours of ``day`` lie; ``None`` on a day without."""
        if day.weekday() not in self.days:
            return None
        return instant(day, self.since, zone), instant(day if self.until > self.since else day + _DAY, self.until, zone)


@dataclass(frozen=True, slots=True)
class Layer:
    """``people`` (sign-ins) take turns of ``days`` days in their order.  The first turn of the first one begins on the day
    ``begins``, and every turn at ``hand_over``.  Outside of its ``hours`` the layer has nobody.  Layers of one ``name`` are
    one line of people: the first that has somebody counts.
    """

    name: str
    people: tuple[str, ...]
    begins: date
    hand_over: time = time(7)
    days: int = 7
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """``person`` has the turn ``[since, until)``, in UTC."""

    person: str
    since: datetime
    until: datetime


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time: of one that comes twice the first, of one that a clock skips the same time after."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def turn_at(layer: Layer, zone: ZoneInfo, at: datetime) -> Turn | None:
    """Whose turn it is at an instant, whatever the hours; ``None`` before the first turn."""
    number = (at.astimezone(zone).date() - layer.begins).days // layer.days
    if at < turn_begins(layer, zone, number):
        number -= 1
    if number < 0:
        return None
    person = layer.people[number % len(layer.people)]
    return Turn(person, turn_begins(layer, zone, number), turn_begins(layer, zone, number + 1))


def turn_begins(layer: Layer, zone: ZoneInfo, number: int) -> datetime:
    """The instant (UTC) at which a turn begins; 0 is the first one."""
    return instant(layer.begins + timedelta(days=number * layer.days), layer.hand_over, zone)


def is_open(layer: Layer, zone: ZoneInfo, at: datetime) -> bool:
    """True if an instant lies in the layer's hours."""
    if layer.hours is None:
        return True
    today = at.astimezone(zone).date()
    found = (layer.hours.on(day, zone) for day in (today - _DAY, today))
    return any(one is not None and one[0] <= at < one[1] for one in found)


def moments(layer: Layer, zone: ZoneInfo, since: datetime, until: datetime) -> set[datetime]:
    """The instants between two at which this layer may change: hand-overs, and the edges of its hours."""
    found = set()
    day = since.astimezone(zone).date() - 2 * _DAY
    last = until.astimezone(zone).date() + 2 * _DAY
    first = (day - layer.begins).days // layer.days
    for number in range(max(0, first), max(0, first) + (last - day).days // layer.days + 2):
        found.add(turn_begins(layer, zone, number))
    while layer.hours is not None and day <= last:
        found |= set(layer.hours.on(day, zone) or ())
        day += _DAY
    return {one for one in found if since < one < until}
