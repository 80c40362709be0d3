"""The queries of the worklist: one set for all patients; the quick part is read every half second.

What rarely changes (people, identities, limits, batteries) is read every five seconds, sparklines every half minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from alerts.care.identity import Identity
from alerts.care.limits import by_side
from alerts.database import epoch_ms
from alerts.desk.worklist.cells import COLUMN_OF
from alerts.desk.worklist.last_good import LastGood
from alerts.desk.worklist.paging import read_paging
from alerts.desk.worklist.preferences import read_preferences
from alerts.desk.worklist.snapshot import Device, Paged, Paging, Patient, Person, Snapshot, Value
from alerts.desk.worklist.spark import BUCKET_S, HOURS
from alerts.fold.alarm_rows import SELECT_ALARM, alarm_row
from alerts.life.alarm import Alarm
from alerts.rules.defaults import DEFAULT_LIMITS
from devices.wire.control import Facts, Limit, Limits, RuleSet

OpenIdentity = Callable[[int, bytes], Identity]
"""(patient, sealed) -> identity."""

_CLOCK: Final = f"""
SELECT {epoch_ms("now")}, {epoch_ms("data")}
FROM (SELECT now() AS now, max(last_append) AS data FROM ledger) clock"""
_LATEST: Final = f"SELECT patient, vital, device, {epoch_ms('time')}, value, status, {epoch_ms('arrived')} FROM latest"
_PEOPLE: Final = """
SELECT p.person, p.name, p.role,
       ARRAY(SELECT team FROM membership m WHERE m.person = p.person AND (m.until IS NULL OR m.until > now()))
FROM person p"""
_PATIENTS: Final = f"SELECT patient, team, identity, {epoch_ms('admitted')} FROM patient WHERE discharged IS NULL"
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
WHERE e.until IS NULL ORDER BY e.patient, e.enrolment"""
_CONTROL: Final = """
SELECT DISTINCT ON (patient, kind) patient, kind, payload FROM control
WHERE kind IN ('limits', 'facts', 'rule_set') ORDER BY patient, kind, took_effect DESC, at_offset DESC"""
_TEAMS: Final = "SELECT team, name FROM care_team"
_SPARKS: Final = f"""
SELECT patient, vital, floor(extract(epoch FROM time) / {BUCKET_S})::int8, sum(mean * n) / sum(n)
FROM rollup_minute
WHERE n > 0 AND vital = ANY(%s) AND time >= to_timestamp(floor((extract(epoch FROM now()) - %s) / {BUCKET_S}) * {BUCKET_S})
GROUP BY 1, 2, 3"""
_WHOLE_S: Final = HOURS * 3600 + BUCKET_S
_RECENT_S: Final = 3 * BUCKET_S


@dataclass(slots=True)
class SlowParts:
    """The parts of a snapshot that the reader keeps between its quick reads."""

    patients: dict[int, Patient] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, str] = field(default_factory=dict)
    paged: dict[int, Paged] = field(default_factory=dict)
    paging: Paging = field(default_factory=Paging)
    sparks: dict[tuple[int, int], dict[int, float]] = field(default_factory=dict)
    prefer: Mapping[int, int] = field(default_factory=dict)
    last_good: LastGood = field(default_factory=LastGood)
    identities: dict[int, tuple[bytes, Identity]] = field(default_factory=dict)


async def read_alarms(connection: AsyncConnection[Any], where: str, *values: object) -> list[Alarm]:
    """The alarms of a condition on the table ``alarm``."""
    cursor = connection.cursor(row_factory=alarm_row)
    await cursor.execute(f"{SELECT_ALARM} WHERE {where}", values)
    return await cursor.fetchall()


async def read_quick(connection: AsyncConnection[Any], number: int, parts: SlowParts) -> Snapshot:
    """Alarms, newest values and the clock in one round trip, joined with the slow parts."""
    async with connection.pipeline():
        clock = await connection.execute(_CLOCK)
        alarms = connection.cursor(row_factory=alarm_row)
        await alarms.execute(f"{SELECT_ALARM} WHERE closed IS NULL")
        latest = await connection.execute(_LATEST, binary=True)
        people = await connection.execute(_PEOPLE)
        found = await clock.fetchone()
        assert found is not None
        values: dict[int, list[Value]] = defaultdict(list)
        for row in await latest.fetchall():
            values[row[0]].append(Value(*row))
        parts.people = {p: Person(p, name, role, frozenset(t)) for p, name, role, t in await people.fetchall()}
        open_alarms = await alarms.fetchall()
    newest = [value for of in values.values() for value in of]
    for value in await parts.last_good.of(connection, newest, found[0]):
        values[value.patient].append(value)
    return Snapshot(
        number=number,
        read_at=found[0],
        data_at=found[1],
        patients=parts.patients,
        people=parts.people,
        values={patient: tuple(of) for patient, of in values.items()},
        alarms=tuple(a for a in open_alarms if a.subject_kind != "patient" or a.subject in parts.patients),
        sparks=parts.sparks,
        paged=parts.paged,
        paging=parts.paging,
        prefer=parts.prefer,
        teams=parts.teams,
    )


async def read_slow_parts(connection: AsyncConnection[Any], parts: SlowParts, identity: OpenIdentity) -> None:
    """Read patients with identity, devices, facts and limits in effect; teams; the last recipients."""
    async with connection.pipeline():
        patients = await connection.execute(_PATIENTS)
        devices = await connection.execute(DEVICES)
        control = await connection.execute(_CONTROL)
        teams = await connection.execute(_TEAMS)
        by_patient: dict[int, list[Device]] = defaultdict(list)
        for patient, *rest in await devices.fetchall():
            by_patient[patient].append(Device(*rest))
        payloads = {(patient, kind): payload for patient, kind, payload in await control.fetchall()}
        rule_set = by_side(_limits_of(payloads.get((0, "rule_set")), RuleSet) or DEFAULT_LIMITS)
        identities = {}
        found = {}
        for patient, team, sealed, admitted in await patients.fetchall():
            known = parts.identities.get(patient)
            person = known[1] if known and known[0] == sealed else identity(patient, sealed)
            identities[patient] = (sealed, person)
            own = by_side(_limits_of(payloads.get((patient, "limits")), Limits))
            found[patient] = Patient(
                patient=patient,
                team=team,
                name=person.name,
                born=person.born,
                sex=person.sex,
                record=person.record_number,
                phone=person.phone,
                admitted=admitted,
                facts=msgspec.convert(payloads.get((patient, "facts"), {"kind": "facts"}), Facts),
                devices=tuple(by_patient[patient]),
                limits={**rule_set, **own},
            )
        parts.patients, parts.identities = found, identities
        parts.teams = dict(await teams.fetchall())
    parts.paging, parts.paged = await read_paging(connection)
    parts.prefer = await read_preferences(connection)


async def read_sparks(connection: AsyncConnection[Any], parts: SlowParts, *, whole: bool) -> None:
    """Read the sparklines: six hours, or only the newest points, added to the earlier ones."""
    cursor = await connection.execute(_SPARKS, ([int(v) for v in COLUMN_OF], _WHOLE_S if whole else _RECENT_S))
    found: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for patient, vital, bucket, mean in await cursor.fetchall():
        found[patient, vital][bucket] = mean
    if whole:
        parts.sparks = dict(found)
        return
    sparks = dict(parts.sparks)
    for key, buckets in found.items():
        sparks[key] = {**sparks.get(key, {}), **buckets}
    parts.sparks = sparks


def _limits_of(payload: object, kind: type[Limits | RuleSet]) -> tuple[Limit, ...]:
    return msgspec.convert(payload, kind).limits if payload else ()
