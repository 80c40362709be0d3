"""The list as the database has it: one set of queries for all patients, the quick part every half second.

What rarely changes (people, identities, limits, batteries) is read every five seconds, sparklines every half minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from alerts.care.identity import Identity
from alerts.desk.worklist.snapshot import Device, Patient, Person, Snapshot, Value
from alerts.desk.worklist.spark import BUCKET_S, HOURS
from alerts.life.alarm import Alarm
from alerts.rules.defaults import DEFAULT_LIMITS
from devices.vitals import Vital
from devices.wire.control import Facts, Level, Limit, Limits, RuleSet
from streams.engine.condition import Priority

OpenIdentity = Callable[[int, bytes], Identity]
"""(patient, sealed) -> identity."""


def _ms(column: str) -> str:
    return f"(extract(epoch FROM {column}) * 1000)::int8 AS {column.rsplit('.', 1)[-1]}"


ALARM: Final = f"""
SELECT alarm, subject_kind, subject, rule, source, category, active, priority, worst, vital, value, limit_value,
  {_ms("onset")}, {_ms("measured")}, {_ms("ended")}, onsets, detail, life, owner, {_ms("acknowledged")},
  {_ms("shelved_until")}, shelf_reason, outcome, outcome_reason, {_ms("outcome_at")}, note, step, {_ms("due")},
  {_ms("closed")}, version
FROM alarm"""
_CLOCK: Final = f"""
SELECT {_ms("now")}, (extract(epoch FROM (SELECT max(last_append) FROM ledger)) * 1000)::int8
FROM (SELECT now()) AS now(now)"""
_LATEST: Final = f"SELECT patient, vital, device, {_ms('time')}, value, status, {_ms('arrived')} FROM latest"
_PEOPLE: Final = """
SELECT p.person, p.name, p.role,
       ARRAY(SELECT team FROM membership m WHERE m.person = p.person AND (m.until IS NULL OR m.until > now()))
FROM person p"""
_PATIENTS: Final = f"SELECT patient, team, identity, {_ms('admitted')} FROM patient WHERE discharged IS NULL"
DEVICES: Final = """
SELECT e.patient, d.device, d.name, e.gateway, g.name, d.interval_s, b.percent, l.rssi, l.up
FROM enrolment e JOIN device d USING (device) JOIN gateway g USING (gateway)
LEFT JOIN LATERAL (
    SELECT (value ->> 'percent')::int AS percent FROM event v
    WHERE v.patient = e.patient AND v.device = e.device AND v.kind = 'battery' AND v.time > now() - interval '2 days'
    ORDER BY time DESC LIMIT 1) b ON true
LEFT JOIN LATERAL (
    SELECT (value ->> 'rssi')::int AS rssi, (value ->> 'up')::bool AS up FROM event v
    WHERE v.patient = e.patient AND v.device = e.device AND v.kind = 'link' AND v.time > now() - interval '2 days'
    ORDER BY time DESC LIMIT 1) l ON true
WHERE e.until IS NULL ORDER BY e.patient, d.device"""
_CONTROL: Final = """
SELECT DISTINCT ON (patient, kind) patient, kind, payload FROM control
WHERE kind IN ('limits', 'facts', 'rule_set') ORDER BY patient, kind, took_effect DESC, at_offset DESC"""
_PAGED: Final = """
SELECT DISTINCT ON (n.alarm) n.alarm,
  CASE WHEN t.team IS NULL THEN n.recipient ELSE 'the team' END FROM notification n JOIN alarm a USING (alarm)
LEFT JOIN care_team t ON n.recipient = 'team:' || t.team
WHERE a.closed IS NULL AND n.sent IS NOT NULL ORDER BY n.alarm, n.sent DESC"""
_TEAMS: Final = "SELECT team, name FROM care_team"
_SPARKS: Final = f"""
SELECT patient, vital, floor(extract(epoch FROM time) / {BUCKET_S})::int8, sum(mean * n) / sum(n)
FROM rollup_minute
WHERE n > 0 AND vital = ANY(%s) AND time >= to_timestamp(floor((extract(epoch FROM now()) - %s) / {BUCKET_S}) * {BUCKET_S})
GROUP BY 1, 2, 3"""
_DRAWN: Final = [
    int(v)
    for v in (Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE, Vital.SYSTOLIC, Vital.DIASTOLIC,
              Vital.TEMPERATURE)
]  # fmt: skip
_WHOLE_S: Final = HOURS * 3600 + BUCKET_S
_RECENT_S: Final = 3 * BUCKET_S

BySide = dict[tuple[int, str], tuple[Level | None, Level | None]]
_DEFAULTS: Final[BySide] = {(limit.vital, limit.side): (limit.medium, limit.high) for limit in DEFAULT_LIMITS}
"""Until the log has said what the rule set is."""


@dataclass(slots=True)
class Wards:
    """What is read less often than the alarms."""

    patients: dict[int, Patient] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, str] = field(default_factory=dict)
    paged: dict[int, str] = field(default_factory=dict)
    sparks: dict[tuple[int, int], dict[int, float]] = field(default_factory=dict)
    identities: dict[int, tuple[bytes, Identity]] = field(default_factory=dict)


async def read_alarms(connection: AsyncConnection[Any], where: str, *values: object) -> list[Alarm]:
    """The alarms of a condition on the table ``alarm``."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(f"{ALARM} WHERE {where}", values)
    return [alarm_of(row) for row in await cursor.fetchall()]


def alarm_of(row: dict[str, Any]) -> Alarm:
    """A row of :data:`ALARM`."""
    row["priority"], row["worst"] = Priority(row["priority"]), Priority(row["worst"])
    return Alarm(**row)


async def read_quick(connection: AsyncConnection[Any], number: int, standing: Wards) -> Snapshot:
    """Alarms, newest values and the clock, in one round trip, on top of what is standing."""
    async with connection.pipeline():
        clock = await connection.execute(_CLOCK)
        alarms = connection.cursor(row_factory=dict_row)
        await alarms.execute(f"{ALARM} WHERE closed IS NULL")
        latest = await connection.execute(_LATEST, binary=True)
        people = await connection.execute(_PEOPLE)
        found = await clock.fetchone()
        assert found is not None
        values: dict[int, list[Value]] = defaultdict(list)
        for row in await latest.fetchall():
            values[row[0]].append(Value(*row))
        standing.people = {p: Person(p, name, role, frozenset(t)) for p, name, role, t in await people.fetchall()}
        open_alarms = tuple(alarm_of(row) for row in await alarms.fetchall())
    return Snapshot(
        number=number,
        read_at=found[0],
        data_at=found[1],
        patients=standing.patients,
        people=standing.people,
        values={patient: tuple(of) for patient, of in values.items()},
        alarms=tuple(a for a in open_alarms if a.subject_kind != "patient" or a.subject in standing.patients),
        sparks=standing.sparks,
        paged=standing.paged,
        teams=standing.teams,
    )


async def read_standing(connection: AsyncConnection[Any], standing: Wards, identity: OpenIdentity) -> None:
    """Patients with identity, devices, facts and limits in effect; teams; who was told."""
    async with connection.pipeline():
        patients = await connection.execute(_PATIENTS)
        devices = await connection.execute(DEVICES)
        control = await connection.execute(_CONTROL)
        paged = await connection.execute(_PAGED)
        teams = await connection.execute(_TEAMS)
        by_patient: dict[int, list[Device]] = defaultdict(list)
        for patient, *rest in await devices.fetchall():
            by_patient[patient].append(Device(*rest))
        payloads = {(patient, kind): payload for patient, kind, payload in await control.fetchall()}
        rule_set = limits_of(payloads.get((0, "rule_set"), {}), RuleSet) or _DEFAULTS
        identities = {}
        found = {}
        for patient, team, sealed, admitted in await patients.fetchall():
            known = standing.identities.get(patient)
            who = known[1] if known and known[0] == sealed else identity(patient, sealed)
            identities[patient] = (sealed, who)
            own = limits_of(payloads.get((patient, "limits"), {}), Limits)
            found[patient] = Patient(
                patient=patient,
                team=team,
                name=who.name,
                born=who.born,
                sex=who.sex,
                record=who.record_number,
                phone=who.phone,
                admitted=admitted,
                facts=msgspec.convert(payloads.get((patient, "facts"), {"kind": "facts"}), Facts),
                devices=tuple(by_patient[patient]),
                limits={**rule_set, **own},
            )
        standing.patients, standing.identities = found, identities
        standing.paged = dict(await paged.fetchall())
        standing.teams = dict(await teams.fetchall())


async def read_sparks(connection: AsyncConnection[Any], standing: Wards, *, whole: bool) -> None:
    """Sparklines: six hours, or only the newest points on top of what is there."""
    cursor = await connection.execute(_SPARKS, (_DRAWN, _WHOLE_S if whole else _RECENT_S))
    found: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for patient, vital, bucket, mean in await cursor.fetchall():
        found[patient, vital][bucket] = mean
    if whole:
        standing.sparks = dict(found)
        return
    sparks = dict(standing.sparks)
    for key, buckets in found.items():
        sparks[key] = {**sparks.get(key, {}), **buckets}
    standing.sparks = sparks


def limits_of(payload: dict[str, Any], kind: type[Limits | RuleSet]) -> BySide:
    """The limits in a control record by (vital, side), as (medium, high); none for an empty payload."""
    if not payload:
        return {}
    limits: tuple[Limit, ...] = msgspec.convert(payload, kind).limits
    return {(limit.vital, limit.side): (limit.medium, limit.high) for limit in limits}
