"""Records of patients, gateways, devices, people and teams for whoever runs Vigil.

Identities are opened one by one: one that cannot be opened is named as such in its record, and the others are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from psycopg.rows import dict_row

from alerts.care.channels import team_channels
from alerts.care.facts import facts_of
from alerts.care.gateway_health import gateway_health
from alerts.care.identity import open_identity
from alerts.care.records import row_of
from alerts.database import Tx
from alerts.errors import CareError
from devices.errors import DeviceError

Record = dict[str, Any]
UNREADABLE: Final = "(identity cannot be read)"

_PATIENTS: Final = """
SELECT p.patient, p.identity, p.team, p.admitted, p.discharged, (
    SELECT given FROM consent c WHERE c.patient = p.patient ORDER BY nth DESC LIMIT 1) IS TRUE AS consent, (
    SELECT count(*) FROM enrolment e WHERE e.patient = p.patient AND e.until IS NULL) AS devices
FROM patient p WHERE (%(discharged)s OR p.discharged IS NULL) AND (%(team)s::int4 IS NULL OR p.team = %(team)s)
    AND (%(patient)s::int4 IS NULL OR p.patient = %(patient)s) ORDER BY p.patient"""
_DEVICES: Final = """
SELECT device, d.name, source, address, device_user AS "user", interval_s, gateway, since, until
FROM enrolment JOIN device d USING (device) WHERE patient = %s ORDER BY since DESC, device"""
_PAUSES: Final = """
SELECT rule, until, reason FROM pause WHERE subject = %s AND until > clock_timestamp() ORDER BY rule"""
_CONSENT: Final = "SELECT at, given, version, pairing AS code FROM consent WHERE patient = %s ORDER BY nth DESC"
_GATEWAYS: Final = """
SELECT g.gateway, g.name, nullif(g.zone, '') AS zone, g.credential_hash IS NOT NULL AS claimed, g.revoked,
    count(e.device) AS devices, count(DISTINCT e.patient) AS patients
FROM gateway g LEFT JOIN enrolment e ON e.gateway = g.gateway AND e.until IS NULL
WHERE %s::int4 IS NULL OR g.gateway = %s GROUP BY g.gateway ORDER BY g.gateway"""
_SERVED: Final = """
SELECT device, d.name, source, address, device_user AS "user", interval_s, patient, since, (
    SELECT string_agg(DISTINCT (v.value ->> 'what') || ' ' || (v.value ->> 'reason'), '; ') FROM event v
    WHERE v.patient = e.patient AND v.device = e.device AND v.kind = 'fault'
      AND v.time > now() - interval '2 days') AS faults
FROM enrolment e JOIN device d USING (device) WHERE gateway = %s AND until IS NULL ORDER BY device"""
_WORN: Final = """
SELECT d.device, d.name, d.source, d.address, d.device_user AS "user", d.interval_s, e.patient, e.gateway, e.since
FROM device d LEFT JOIN enrolment e ON e.device = d.device AND e.until IS NULL
WHERE %s::int4 IS NULL OR d.device = %s ORDER BY d.device"""
_WEARERS: Final = "SELECT patient, gateway, since, until FROM enrolment WHERE device = %s ORDER BY since DESC"
_LAST_EVENTS: Final = """
SELECT DISTINCT ON (kind) kind, time AS at, left(value::text, 200) AS content FROM event
WHERE device = %s AND patient = ANY(ARRAY(SELECT patient FROM enrolment WHERE device = %s))
  AND time BETWEEN now() - interval '30 days' AND now() + interval '1 hour' ORDER BY kind, time DESC"""
_PEOPLE: Final = """
SELECT p.sign_in, p.name, p.role, p.disabled, coalesce(
    array_agg(m.team ORDER BY m.team) FILTER (WHERE m.team IS NOT NULL), '{}') AS teams
FROM person p LEFT JOIN membership m ON m.person = p.person AND (m.until IS NULL OR m.until > clock_timestamp())
WHERE %s::int4 IS NULL OR p.person = %s GROUP BY p.person ORDER BY p.sign_in"""
_MEMBERS: Final = """
SELECT p.sign_in, p.name, p.role FROM membership m JOIN person p USING (person)
WHERE m.team = %s AND (m.until IS NULL OR m.until > clock_timestamp()) ORDER BY p.sign_in"""
_CARED_FOR: Final = "SELECT count(*) FROM patient WHERE team = %s AND discharged IS NULL"


def patients(tx: Tx, master: bytes, *, team: int | None = None, discharged: bool = False) -> list[Record]:
    """Patients in care, or with ``discharged`` all; of one team or of every one."""
    return _patients(tx, master, discharged=discharged, team=team)


def patient(tx: Tx, master: bytes, number: int) -> Record:
    """All that is known of a patient but readings and alarms; :class:`UnknownRecordError` if there is none."""
    row_of(tx, "patient", number, "SELECT FROM patient WHERE patient = %s")
    (row,) = _patients(tx, master, discharged=True, number=number)
    return {
        **row,
        **msgspec.structs.asdict(facts_of(tx, number)),
        "devices": _records(tx, _DEVICES, number),
        "pauses": _records(tx, _PAUSES, number),
        "consents": _records(tx, _CONSENT, number),
    }


def gateways(tx: Tx) -> list[Record]:
    """Every gateway, also revoked ones, with what it says of itself."""
    return _gateways(tx)


def _gateways(tx: Tx, number: int | None = None) -> list[Record]:
    rows = _records(tx, _GATEWAYS, number, number)
    health = gateway_health(tx, [row["gateway"] for row in rows])
    for row in rows:
        known = health[row["gateway"]]
        wrong = "; ".join(f"{one.part}: {one.what}: {one.cure}" for one in known.wrong) or None
        row |= {"seen": known.seen, "waiting": known.waiting, "full": known.full, "wrong": wrong}
    return rows


def gateway(tx: Tx, number: int) -> Record:
    """A gateway with its devices; :class:`UnknownRecordError` if there is none."""
    row_of(tx, "gateway", number, "SELECT FROM gateway WHERE gateway = %s")
    (row,) = _gateways(tx, number)
    return {**row, "devices": _records(tx, _SERVED, number)}


def devices(tx: Tx) -> list[Record]:
    """Every device, with who wears it now."""
    return _records(tx, _WORN, None, None)


def device(tx: Tx, number: int) -> Record:
    """A device, whom it has measured, and its newest event of each kind; :class:`UnknownRecordError` if there is none."""
    row_of(tx, "device", number, "SELECT FROM device WHERE device = %s")
    (row,) = _records(tx, _WORN, number, number)
    return {**row, "wearers": _records(tx, _WEARERS, number), "events": _records(tx, _LAST_EVENTS, number, number)}


def people(tx: Tx, person: int | None = None) -> list[Record]:
    """Everybody who signs in, or one person."""
    return _records(tx, _PEOPLE, person, person)


def teams(tx: Tx) -> list[Record]:
    """Every care team with its channels, and the telephone number that its patients call."""
    phones = dict(tx.execute("SELECT team, phone FROM care_team").fetchall())
    return [
        {
            "team": channels.team,
            "name": channels.name,
            "channels": channels.used,
            "chosen": bool(channels.chosen),
            "reaches_people": channels.reaches_people,
            "phone": phones.get(channels.team, ""),
            "patients": (tx.execute(_CARED_FOR, [channels.team]).fetchone() or (0,))[0],
            "members": [one["sign_in"] for one in _records(tx, _MEMBERS, channels.team)],
        }
        for channels in team_channels(tx)
    ]


def team(tx: Tx, number: int) -> Record:
    """A care team with its members; :class:`UnknownRecordError` if there is none."""
    row_of(tx, "care team", number, "SELECT FROM care_team WHERE team = %s")
    (row,) = [one for one in teams(tx) if one["team"] == number]
    return {**row, "members": _records(tx, _MEMBERS, number)}


EVERY: Final[dict[str, Callable[[Tx, bytes], list[Record]]]] = {
    "patient": patients,
    "gateway": lambda tx, _: gateways(tx),
    "device": lambda tx, _: devices(tx),
    "person": lambda tx, _: people(tx),
    "team": lambda tx, _: teams(tx),
}
"""All records of a kind, by (transaction, master key)."""
ONE: Final[dict[str, Callable[[Tx, bytes, int], Record]]] = {
    "patient": patient,
    "gateway": lambda tx, _, number: gateway(tx, number),
    "device": lambda tx, _, number: device(tx, number),
    "person": lambda tx, _, number: people(tx, number)[0],
    "team": lambda tx, _, number: team(tx, number),
}
"""One record of a kind, by (transaction, master key, number)."""


def _patients(
    tx: Tx, master: bytes, *, discharged: bool, team: int | None = None, number: int | None = None
) -> list[Record]:
    with tx.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_PATIENTS, {"discharged": discharged, "team": team, "patient": number}).fetchall()
    return [{"patient": row["patient"], **_who(master, row["patient"], row.pop("identity")), **row} for row in rows]


def _who(master: bytes, number: int, sealed: bytes) -> Record:
    try:
        known = open_identity(sealed, master, number)
    except (DeviceError, CareError):
        return {"name": UNREADABLE, "born": None, "sex": None, "record_number": None, "phone": None}
    return {
        "name": known.name,
        "born": known.born,
        "sex": known.sex or None,
        "record_number": known.record_number or None,
        "phone": known.phone or None,
    }


def _records(tx: Tx, query: str, *values: object) -> list[Record]:
    with tx.cursor(row_factory=dict_row) as cursor:
        rows: list[dict[str, Any]] = cursor.execute(query, values).fetchall()
    return list(rows)
