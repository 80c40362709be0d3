"""Whom the steps of a team's rota reach now, and its holes: times in which nobody is on duty, or nobody who can be
reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.care.channels import LOG, TeamChannels, registered_channels, team_channels
from alerts.care.contacts import address_of, contacts_of
from alerts.care.rotas import rota_of
from alerts.database import Tx
from alerts.rota.contact import Contact, usable
from alerts.rota.escalation import Reached
from alerts.rota.policy import TEAM, Step
from alerts.rota.rota import Duty, Rota, duties, on_duty
from streams.engine.condition import Priority

_PEOPLE: Final = """
SELECT p.sign_in, p.person, p.name, p.disabled IS NULL AND p.role <> 'administrator' AND EXISTS (
    SELECT FROM membership m WHERE m.person = p.person AND m.team = %(team)s
    AND (m.until IS NULL OR m.until > clock_timestamp())), p.disabled IS NULL
FROM person p WHERE p.sign_in = ANY(%(named)s) OR p.person IN (
    SELECT person FROM membership WHERE team = %(team)s AND (until IS NULL OR until > clock_timestamp()))"""


@dataclass(frozen=True, slots=True)
class Callee:
    """A person who may be called: ``acts`` if they see the team's patients and may act on their alarms."""

    person: int
    sign_in: str
    name: str
    acts: bool
    enabled: bool
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """A time ``[since, until)`` in which a layer (or a person whom a step names) reaches nobody, and the reason in words."""

    layer: str
    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TeamReach:
    """A team's rota with its people (by sign-in) and the channels ``there`` are."""

    rota: Rota
    team: TeamChannels
    people: Mapping[str, Callee]
    there: frozenset[str]

    def contacts(self, sign_in: str, priority: Priority, at: datetime) -> list[Contact]:
        """The ways to reach a person now: their own channels, or without any those of the team."""
        callee = self.people.get(sign_in)
        if callee is None or not callee.enabled:
            return []
        own = callee.contacts or tuple(Contact(name) for name in self.team.used if name not in self.team.missing)
        return [one for one in usable(own, self.there, priority, at, self.rota.zone) if one.channel != LOG]

    def reach(self, step: Step, priority: Priority, at: datetime) -> Reached:
        """Whom a step reaches."""
        people: list[str] = []
        holes: list[str] = []
        team = False
        for target in step.call:
            if target == TEAM:
                team = self.team.reaches_people
                people += [one.sign_in for one in self.people.values() if one.acts and one.contacts and
                           self.contacts(one.sign_in, priority, at)]  # fmt: skip
                continue
            person = on_duty(self.rota, target, at) if target in self.rota.names else target
            if person is not None and self.people.get(person, _NOBODY).acts and self.contacts(person, priority, at):
                people.append(person)
            elif self._reason(person, at) is not None:
                holes.append(target)
        return Reached(tuple(dict.fromkeys(people)), team, tuple(holes))

    def hole(self, target: str, at: datetime) -> str | None:
        """Why a target of a step reaches nobody for a high, in words; ``None``: it does."""
        return self._reason(on_duty(self.rota, target, at) if target in self.rota.names else target, at)

    def _reason(self, person: str | None, at: datetime) -> str | None:
        if person is None:
            return "nobody is on duty"
        callee = self.people.get(person)
        if callee is None or not callee.enabled:
            return f"{person} cannot sign in"
        if not callee.acts:
            return f"{person} is not of the team"
        if not self.contacts(person, Priority.HIGH, at):
            return f"no channel reaches {person}"
        return None

    def holes(self, since: datetime, until: datetime) -> list[Hole]:
        """The holes of the policy's layers and named people between two instants, by their beginning."""
        named = dict.fromkeys(
            target for steps in self.rota.policy.steps.values() for step in steps for target in step.call if target != TEAM
        )
        found = [
            Hole(target, duty.since, duty.until, reason)
            for target in named
            for duty in self._duties(target, since, until)
            if (reason := self._reason(duty.person, duty.since)) is not None
        ]
        return sorted(found, key=lambda one: (one.since, one.layer))

    def _duties(self, target: str, since: datetime, until: datetime) -> Sequence[Duty]:
        if target in self.rota.names:
            return duties(self.rota, target, since, until)
        return [Duty(target, target, since, until)]


_NOBODY: Final = Callee(0, "", "", acts=False, enabled=False, contacts=())


def reach_of(tx: Tx, team: int, *, since: datetime | None = None) -> TeamReach | None:
    """The rota of a team with all that is needed to call its people; ``None`` if it has none.

    Raises:
        RotaFileError: the stored rota cannot be read.
    """
    rota = rota_of(tx, team, since=since)
    if rota is None:
        return None
    rows = tx.execute(_PEOPLE, {"team": team, "named": sorted(rota.people())}).fetchall()
    contacts = contacts_of(tx, [row[1] for row in rows])
    people = {
        sign_in: Callee(person, sign_in, name, acts, enabled, tuple(contacts.get(person, ())))
        for sign_in, person, name, acts, enabled in rows
    }
    (channels,) = [one for one in team_channels(tx) if one.team == team]
    return TeamReach(rota, channels, people, frozenset(registered_channels(tx, personal=True)))


def on_call(tx: Tx, master: bytes, team: int, at: datetime) -> dict[tuple[str, str], str]:
    """Everybody whom a high would call now by a team's rota, and its manager: addresses by recipient and channel.

    Raises:
        RotaFileError: the stored rota cannot be read.
    """
    book = reach_of(tx, team)
    if book is None:
        return {}
    steps = book.rota.policy.of(Priority.HIGH)
    called = [one for step in steps for one in book.reach(step, Priority.HIGH, at).people]
    return {
        (f"person:{callee.person}", contact.channel): address
        for sign_in in dict.fromkeys((*called, book.rota.manager))
        if (callee := book.people.get(sign_in)) is not None
        for contact in callee.contacts
        if contact.channel in book.there and (address := address_of(tx, master, callee.person, contact.channel)) is not None
    }
