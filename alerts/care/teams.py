"""Care teams: membership decides who sees whom, and how its members are told."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.database import Tx
from alerts.errors import UnknownRecordError

_MEMBER = "m.person = %s AND (m.until IS NULL OR m.until > clock_timestamp())"


def add_team(tx: Tx, name: str, channels: Sequence[str] = ("log",)) -> int:
    """A new care team, told by these channels (:mod:`alerts.notify`); its number."""
    row = tx.execute(
        "INSERT INTO care_team (name, channels) VALUES (%s, %s) RETURNING team", [name, list(channels)]
    ).fetchone()
    assert row is not None
    return int(row[0])


def set_channels(tx: Tx, team: int, channels: Sequence[str]) -> None:
    """By which channels a team is told from now on."""
    if not tx.execute("UPDATE care_team SET channels = %s WHERE team = %s", [list(channels), team]).rowcount:
        raise UnknownRecordError("care team", team)


def join(tx: Tx, person: int, team: int) -> None:
    """The person sees this team's patients from now on; nothing where they do already.

    Raises:
        UnknownRecordError: there is no such team.
    """
    if tx.execute("SELECT FROM care_team WHERE team = %s", [team]).fetchone() is None:
        raise UnknownRecordError("care team", team)
    tx.execute(
        "INSERT INTO membership (person, team, since) SELECT %s, %s, clock_timestamp() WHERE NOT EXISTS "
        f"(SELECT FROM membership m WHERE {_MEMBER} AND m.team = %s)",
        [person, team, person, team],
    )


def leave(tx: Tx, person: int, team: int) -> None:
    """The person no longer sees this team's patients."""
    tx.execute(f"UPDATE membership m SET until = clock_timestamp() WHERE {_MEMBER} AND m.team = %s", [person, team])


def may_see(tx: Tx, person: int, patient: int) -> bool:
    """Whether the person is in the patient's care team; a role alone, even an administrator's, shows nobody."""
    found = tx.execute(
        f"SELECT FROM membership m JOIN patient p USING (team) WHERE {_MEMBER} AND p.patient = %s", [person, patient]
    )
    return found.fetchone() is not None


def patients_of(tx: Tx, person: int) -> list[int]:
    """The patients in care of the person's teams, ascending."""
    rows = tx.execute(
        f"SELECT DISTINCT p.patient FROM membership m JOIN patient p USING (team) WHERE {_MEMBER} AND p.discharged IS NULL "
        "ORDER BY p.patient",
        [person],
    )
    return [int(patient) for (patient,) in rows]
