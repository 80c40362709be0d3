"""The rotas of care teams: versions of a file, and overrides beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from alerts.care.records import row_of
from alerts.database import Tx, now, scalar
from alerts.errors import InvalidRotaError
from alerts.rota.errors import RotaFileError
from alerts.rota.rota import Duty, Override, Rota, next_turn
from alerts.rota.rota_file import read_rota_file

LONGEST_OVERRIDE: Final = timedelta(days=92)
MOST_OVERRIDES: Final = 20_000
"""Overrides of a team that are not over."""
_SOURCE: Final = """
SELECT r.source FROM care_team t JOIN rota r ON (r.team, r.version) = (t.team, t.rota) WHERE t.team = %s"""
_OVERRIDES: Final = """
SELECT o.override, o.layer, p.sign_in, o.since, o.until FROM rota_override o JOIN person p USING (person)
WHERE o.team = %s AND o.withdrawn IS NULL AND o.until > %s AND o.since < '3000-01-01' ORDER BY o.override"""
_PEOPLE: Final = """
SELECT p.sign_in, p.disabled IS NOT NULL, p.role, EXISTS (
    SELECT FROM membership m WHERE m.person = p.person AND m.team = %s AND (m.until IS NULL OR m.until > clock_timestamp()))
FROM person p WHERE p.sign_in = ANY(%s)"""


def rota_source(tx: Tx, team: int) -> str | None:
    """The file of a team's rota as it was set; ``None`` if the team has no rota."""
    source: str | None = scalar(tx, _SOURCE, [team])
    return source


def rota_of(tx: Tx, team: int, *, since: datetime | None = None) -> Rota | None:
    """The rota of a team with the overrides that end after ``since`` (now); ``None`` if the team has none.

    Raises:
        RotaFileError: the stored file cannot be read.
    """
    source = rota_source(tx, team)
    if source is None:
        return None
    rows = tx.execute(_OVERRIDES, [team, since or now(tx)]).fetchall()
    return replace(read_rota_file(source), overrides=tuple(Override(*row) for row in rows))


def set_rota(tx: Tx, team: int, source: str, by: int) -> Rota:
    """Make a file the rota of a team from now on; return it.

    Raises:
        UnknownRecordError: there is no such team.
        RotaFileError: the file has errors.
        InvalidRotaError: it names somebody who cannot be called.
    """
    row_of(tx, "care team", team, "SELECT FROM care_team WHERE team = %s FOR UPDATE")
    rota = read_rota_file(source)
    if problems := problems_of(tx, team, rota.callees(), rota.manager):
        raise InvalidRotaError("\n".join(problems))
    version = scalar(tx, "SELECT coalesce(max(version), 0) + 1 FROM rota WHERE team = %s", [team])
    tx.execute("INSERT INTO rota (team, version, source, by_person) VALUES (%s, %s, %s, %s)", [team, version, source, by])
    tx.execute("UPDATE care_team SET rota = %s WHERE team = %s", [version, team])
    return rota


def remove_rota(tx: Tx, team: int) -> None:
    """Let the team's channels call the whole team again; the file's versions and the overrides stay."""
    row_of(tx, "care team", team, "UPDATE care_team SET rota = NULL WHERE team = %s RETURNING team")


def problems_of(tx: Tx, team: int, callees: Collection[str], manager: str | None = None) -> list[str]:
    """The reasons that keep people from being called, each with what to do: who is called has to see the patient."""
    named = sorted({*callees, *([manager] if manager is not None else [])})
    found = {row[0]: row[1:] for row in tx.execute(_PEOPLE, [team, named])}
    problems = []
    for sign_in in named:
        if sign_in not in found:
            problems.append(f"Nobody signs in as {sign_in}: add them with vigil pair person, or correct the file.")
            continue
        disabled, role, member = found[sign_in]
        if disabled:
            problems.append(f"{sign_in} is disabled and cannot be called: take them out of the file.")
        elif sign_in in callees and role == "administrator":
            problems.append(f"{sign_in} is an administrator, who acts on no alarm: name a nurse or clinician.")
        elif sign_in in callees and not member:
            problems.append(f"{sign_in} would not see the patients of team {team}: vigil team join {team} {sign_in}.")
    return problems


def override(tx: Tx, team: int, duty: Duty, by: int) -> int:
    """Let a person have a layer for a time; return the override's number, the old one's if it is there already.

    Raises:
        InvalidRotaError: the team has no rota or no such layer, the time is too long or over, or the person cannot be
        called.
    """
    rota = rota_there(tx, team)
    at = now(tx)
    if duty.layer not in rota.names:
        raise InvalidRotaError(f"The rota of team {team} has no layer {duty.layer}: it has {', '.join(rota.names)}.")
    if duty.until <= at or duty.until <= duty.since:
        raise InvalidRotaError("An override ends later than it begins, and later than now: correct its times.")
    if duty.until - duty.since > LONGEST_OVERRIDE:
        raise InvalidRotaError(f"An override lasts at most {LONGEST_OVERRIDE.days} days: change the rota's file instead.")
    if len(rota.overrides) >= MOST_OVERRIDES:
        raise InvalidRotaError(f"Team {team} has {MOST_OVERRIDES} overrides already: withdraw some (vigil rota withdraw).")
    assert duty.person is not None
    if problems := problems_of(tx, team, {duty.person}):
        raise InvalidRotaError(problems[0])
    there = [one.number for one in rota.overrides if (one.layer, one.person, one.since, one.until) ==
             (duty.layer, duty.person, duty.since, duty.until)]  # fmt: skip
    if there:
        return there[-1]
    number: int = scalar(
        tx,
        "INSERT INTO rota_override (team, layer, person, since, until, by_person)"
        " SELECT %s, %s, person, %s, %s, %s FROM person WHERE sign_in = %s RETURNING override",
        [team, duty.layer, duty.since, duty.until, by, duty.person],
    )
    return number


def overrides(tx: Tx, team: int, those: Iterable[Duty], by: int) -> list[int]:
    """:func:`override` of each of these duties that is not over; all of them, or an error."""
    at = now(tx)
    return [override(tx, team, duty, by) for duty in those if duty.until > at]


def swap(tx: Tx, team: int, layer: str, first: str, second: str, by: int) -> list[Duty]:
    """Let two people take each other's next turn in a layer; what is left of one that has begun.

    Raises:
        InvalidRotaError: one of them has no turn there; errors as :func:`override`.
    """
    rota, at = rota_there(tx, team), now(tx)
    if layer not in rota.names:
        raise InvalidRotaError(f"The rota of team {team} has no layer {layer}: it has {', '.join(rota.names)}.")
    found = []
    for person, other in ((first, second), (second, first)):
        turn = next_turn(rota, layer, person, at)
        if turn is None:
            raise InvalidRotaError(f"{person} has no turn in {layer}: see vigil rota show {team}.")
        found.append(Duty(layer, other, max(turn.since, at), turn.until))
    for duty in found:
        override(tx, team, duty, by)
    return found


def withdraw(tx: Tx, team: int, number: int) -> None:
    """Take an override back: the rota counts again.

    Raises:
        UnknownRecordError: the team has no such override.
    """
    row_of(
        tx, "override", number,
        "UPDATE rota_override SET withdrawn = clock_timestamp() WHERE team = %s AND withdrawn IS NULL AND override = %s"
        " RETURNING override",
        team,
    )  # fmt: skip


def rota_there(tx: Tx, team: int) -> Rota:
    """:func:`rota_of` a team that has one.

    Raises:
        UnknownRecordError: there is no such team.
        InvalidRotaError: the team has no rota, or one that cannot be read.
    """
    row_of(tx, "care team", team, "SELECT FROM care_team WHERE team = %s")
    try:
        rota = rota_of(tx, team)
    except RotaFileError as error:
        raise InvalidRotaError(f"The stored rota of team {team} cannot be read ({error}): set it again.") from None
    if rota is None:
        raise InvalidRotaError(f"Team {team} has no rota: set one with vigil rota set {team} FILE.")
    return rota
