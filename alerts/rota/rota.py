"""A team's rota with its overrides, and who is on duty: now, next, and at every moment of a time to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.rota.layer import Layer, Turn, is_open, moments, turn_at
from alerts.rota.policy import Policy

LOOK_AHEAD: Final = timedelta(days=7)
"""The manager hears of a hole so long before it comes."""


@dataclass(frozen=True, slots=True)
class Override:
    """``person`` takes a layer ``[since, until)``, whoever has the turn; of several the one with the highest number."""

    number: int
    layer: str
    person: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    """``manager`` (a sign-in) hears of holes.  ``policy``: whom to call, and how long to wait, by priority."""

    zone: ZoneInfo
    manager: str
    layers: tuple[Layer, ...]
    policy: Policy
    overrides: tuple[Override, ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """The names of its layers, in their order."""
        return list(dict.fromkeys(one.name for one in self.layers))

    def callees(self) -> set[str]:
        """Everybody whom an alarm may call by this rota."""
        named = {one for layer in self.layers for one in layer.people}
        called = {one for steps in self.policy.steps.values() for step in steps for one in step.people(self.names)}
        return named | called | {one.person for one in self.overrides}

    def people(self) -> set[str]:
        """Everybody whom the rota names."""
        return self.callees() | {self.manager}


@dataclass(frozen=True, slots=True)
class Duty:
    """``person`` (``None``: a hole) has a layer ``[since, until)``; ``override``: the number of what made it so, or 0."""

    layer: str
    person: str | None
    since: datetime
    until: datetime
    override: int = 0


def on_duty(rota: Rota, layer: str, at: datetime) -> str | None:
    """The person who has a layer at an instant."""
    return _at(rota, layer, at)[0]


def _at(rota: Rota, layer: str, at: datetime) -> tuple[str | None, int]:
    taken = [one for one in rota.overrides if one.layer == layer and one.since <= at < one.until]
    if taken:
        newest = max(taken, key=lambda one: one.number)
        return newest.person, newest.number
    for one in rota.layers:
        if one.name == layer and is_open(one, rota.zone, at) and (turn := turn_at(one, rota.zone, at)):
            return turn.person, 0
    return None, 0


def duties(rota: Rota, layer: str, since: datetime, until: datetime) -> list[Duty]:
    """The people who have a layer at each moment from ``since`` until ``until``, holes too, without a gap."""
    edges = {since}
    for one in rota.layers:
        if one.name == layer:
            edges |= moments(one, rota.zone, since, until)
    for other in rota.overrides:
        if other.layer == layer:
            edges |= {edge for edge in (other.since, other.until) if since < edge < until}
    found: list[Duty] = []
    for edge in sorted(edges):
        person, override = _at(rota, layer, edge)
        if found:
            last = found.pop()
            same = (last.person, last.override) == (person, override)
            found.append(Duty(layer, last.person, last.since, until if same else edge, last.override))
            if same:
                continue
        found.append(Duty(layer, person, edge, until, override))
    return found


def now_and_next(rota: Rota, layer: str, at: datetime) -> tuple[Duty, Duty | None]:
    """The person who has a layer now, and the one after that; ``None``: nothing changes within two turns."""
    longest = max(one.days for one in rota.layers if one.name == layer)
    found = duties(rota, layer, at, at + timedelta(days=2 * longest + 1))
    after = next((one for one in found[1:] if one.person != found[0].person), None)
    until = after.since if after else found[0].until
    return Duty(layer, found[0].person, at, until, found[0].override), after


def next_turn(rota: Rota, layer: str, person: str, at: datetime) -> Turn | None:
    """The first turn of a person that is not over at an instant."""
    found: list[Turn] = []
    for one in rota.layers:
        if one.name == layer and person in one.people:
            turn = turn_at(one, rota.zone, max(at, datetime.combine(one.begins, one.hand_over, rota.zone)))
            while turn is not None and turn.person != person:
                turn = turn_at(one, rota.zone, turn.until)
            found += [turn] if turn else []
    return min(found, key=lambda turn: turn.since, default=None)
