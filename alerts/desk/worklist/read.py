"""The queries of the worklist: one set for all patients; the quick part is read every half second.

What rarely changes (people, identities, limits, batteries) is read every five seconds, sparklines every half minute.  No
query casts what a row holds, and no row can end the read: :mod:`alerts.desk.worklist.rows` makes a damaged one a fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.care.hand_overs import OPEN
from alerts.care.identity import Identity
from alerts.database import epoch_ms
from alerts.desk.worklist.cells import COLUMN_OF
from alerts.desk.worklist.last_good import LastGood
from alerts.desk.worklist.paging import read_paging
from alerts.desk.worklist.preferences import read_preferences
from alerts.desk.worklist.reported import reported_faults, with_faults
from alerts.desk.worklist.rows import EVERYBODY, Faults, OpenIdentity, decoded, device_of, patient_of, value_of
from alerts.desk.worklist.snapshot import Away, Device, Fault, Paged, Paging, Patient, Person, Snapshot, Value
from alerts.desk.worklist.spark import BUCKET_S, HOURS
from alerts.fold.alarm_rows import SELECT_ALARM, UNREADABLE, alarm_row
from alerts.life.alarm import Alarm
from alerts.rules.defaults import default_rule_set
from alerts.rules.suppression import EVERY_RULE
from devices.wire.control import RuleSet

_AHEAD: Final = "interval '1 hour'"
"""A stored time further ahead than this is damage: it must not pass for the newest."""
_CLOCK: Final = f"""
SELECT {epoch_ms("now")}, {epoch_ms("data")} FROM (
    SELECT now() AS now, max(last_append) FILTER (WHERE last_append < now() + {_AHEAD}) AS data FROM ledger) clock"""
_LATEST: Final = f"SELECT patient, vital, device, {epoch_ms('time')}, value, status, {epoch_ms('arrived')} FROM latest"
_CALLS_NEXT: Final = f"SELECT episode, {epoch_ms('due')} FROM episode WHERE closed IS NULL AND due IS NOT NULL"
_PEOPLE: Final = """
SELECT p.person, p.name, p.role,
       ARRAY(SELECT team FROM membership m WHERE m.person = p.person AND (m.until IS NULL OR m.until > now()))
FROM person p"""
_PATIENTS: Final = f"SELECT patient, team, identity, {epoch_ms('admitted')} FROM patient WHERE discharged IS NULL"
_RECENT: Final = f"v.time > now() - interval '2 days' AND v.time < now() + {_AHEAD}"
DEVICES: Final = f"""
SELECT e.patient, d.device, d.name, e.gateway, g.name, d.interval_s, b.percent, l.rssi, l.up
FROM enrolment e JOIN device d USING (device) JOIN gateway g USING (gateway)
LEFT JOIN LATERAL (
    SELECT value ->> 'percent' AS percent FROM event v
    WHERE v.patient = e.patient AND v.device = e.device AND v.kind = 'battery' AND {_RECENT}
    ORDER BY time DESC LIMIT 1) b ON true
LEFT JOIN LATERAL (
    SELECT value ->> 'rssi' AS rssi, value ->> 'up' AS up FROM event v
    WHERE v.patient = e.patient AND v.device = e.device AND v.kind = 'link' AND {_RECENT}
    ORDER BY time DESC LIMIT 1) l ON true
WHERE e.until IS NULL ORDER BY e.patient, e.enrolment"""
# a rule set stands once for each partition: where the newest is damaged, another is taken
_CONTROL: Final = f"""
SELECT DISTINCT ON (patient, kind, partition) patient, kind, payload::text, {epoch_ms("took_effect")} FROM control
WHERE kind IN ('limits', 'facts', 'rule_set', 'own_rules')
ORDER BY patient, kind, partition, took_effect DESC, at_offset DESC"""
_AT_ARRIVAL: Final = f"""
SELECT patient, device, {epoch_ms("time")} FROM reading
WHERE clock = 2 AND time > now() - interval '3 days' AND time < now() + {_AHEAD} ORDER BY time DESC LIMIT 20000"""
# said again each day while it lasts; of device 0: the gateway itself
_FAULTS: Final = f"""
SELECT DISTINCT patient, device, gateway, left(value ->> 'what', 60), left(value ->> 'reason', 200) FROM event
WHERE kind = 'fault' AND time > now() - interval '26 hours' AND time < now() + {_AHEAD} ORDER BY 1, 2, 3, 4, 5 LIMIT 5000"""
_AWAY: Final = f"""
SELECT subject, {epoch_ms("until")}, left(reason, 600), by_person FROM pause WHERE rule = '{EVERY_RULE}' AND until > now()"""
_OFFERS: Final = f"SELECT hand_over, giver, taker FROM hand_over WHERE {OPEN} ORDER BY hand_over"
_TEAMS: Final = "SELECT team, name FROM care_team"
_SPARKS: Final = f"""
SELECT patient, vital, floor(extract(epoch FROM time) / {BUCKET_S})::int8, sum(mean * n) / sum(n)
FROM rollup_minute
WHERE n > 0 AND abs(mean) < 1e9 AND vital = ANY(%s) AND time < now() + {_AHEAD}
  AND time >= to_timestamp(floor((extract(epoch FROM now()) - %s) / {BUCKET_S}) * {BUCKET_S})
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
    at_arrival: frozenset[tuple[int, int, int]] = frozenset()  # (patient, device, ms) of the readings that have that time
    identities: dict[int, tuple[bytes, Identity]] = field(default_factory=dict)
    offers: tuple[tuple[int, int, int], ...] = ()
    faults: tuple[Fault, ...] = ()


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
        calls_next = await connection.execute(_CALLS_NEXT)
        latest = await connection.execute(_LATEST, binary=True)
        people = await connection.execute(_PEOPLE)
        found = await clock.fetchone()
        assert found is not None
        faults = Faults(dict.fromkeys(parts.faults))
        values: dict[int, list[Value]] = defaultdict(list)
        for row in await latest.fetchall():
            value = value_of(row)
            if value is not None:
                values[row[0]].append(value)
            elif row[0] in parts.patients:
                faults.add(row[0], "a value")
        parts.people = {p: Person(p, name, role, frozenset(t)) for p, name, role, t in await people.fetchall()}
        open_alarms = await alarms.fetchall()
        due = {episode: at for episode, at in await calls_next.fetchall() if at is not None}
    shown = tuple(a for a in open_alarms if a.subject_kind != "patient" or a.subject in parts.patients)
    for alarm in shown:
        if UNREADABLE in alarm.detail:
            faults.add(alarm.subject if alarm.subject_kind == "patient" else EVERYBODY, "an alarm")
    newest = [value for of in values.values() for value in of]
    for value in await parts.last_good.of(connection, newest, found[0]):
        values[value.patient].append(value)
    return Snapshot(
        number=number,
        read_at=found[0],
        data_at=found[1],
        patients=_marked(parts.patients, faults.found),
        people=parts.people,
        values={patient: tuple(_marked_values(of, parts.at_arrival)) for patient, of in values.items()},
        alarms=shown,
        sparks=parts.sparks,
        paged=parts.paged,
        calls_next=due,
        paging=parts.paging,
        prefer=parts.prefer,
        teams=parts.teams,
        offers=parts.offers,
        faults=tuple(faults.found),
    )


async def read_slow_parts(connection: AsyncConnection[Any], parts: SlowParts, identity: OpenIdentity) -> None:
    """Read patients with identity, devices, facts and limits in effect; teams; the last recipients."""
    faults = Faults()
    async with connection.pipeline():
        patients = await connection.execute(_PATIENTS)
        devices = await connection.execute(DEVICES)
        control = await connection.execute(_CONTROL)
        teams = await connection.execute(_TEAMS)
        at_arrival = await connection.execute(_AT_ARRIVAL)
        faulty = await connection.execute(_FAULTS)
        paused = await connection.execute(_AWAY)
        offered = await connection.execute(_OFFERS)
        rows = await patients.fetchall()
        by_patient: dict[int, list[Device]] = defaultdict(list)
        for row in await devices.fetchall():
            by_patient[row[0]].append(device_of(row, faults))
        controls = await control.fetchall()
        parts.teams = dict(await teams.fetchall())
        parts.at_arrival = frozenset(await at_arrival.fetchall())
        reported = reported_faults(await faulty.fetchall())
        away = {patient: Away(until, reason, by) for patient, until, reason, by in await paused.fetchall() if until}
        parts.offers = tuple(await offered.fetchall())
    payloads = {(patient, kind): payload for patient, kind, payload, _ in controls if patient != EVERYBODY}
    rule_set = _rule_set([(row[3] or 0, row[2]) for row in controls if row[:2] == (EVERYBODY, "rule_set")], faults)
    identities: dict[int, tuple[bytes, Identity]] = {}

    def opened(patient: int, sealed: bytes) -> Identity:
        known = parts.identities.get(patient)
        person = known[1] if known and known[0] == sealed else identity(patient, sealed)
        identities[patient] = (sealed, person)
        return person

    for patient, worn in by_patient.items():
        by_patient[patient] = [with_faults(patient, device, reported) for device in worn]
    found = (patient_of(row, by_patient[row[0]], payloads, rule_set, opened, faults) for row in rows)
    parts.patients = {one.patient: replace(one, away=away.get(one.patient)) for one in found}
    parts.identities = identities
    parts.paging, parts.paged = await read_paging(connection)
    parts.prefer = await read_preferences(connection)
    parts.faults = tuple(fault for fault in faults.found if fault.patient in parts.patients or not fault.patient)


def _rule_set(payloads: list[tuple[int, str]], faults: Faults) -> RuleSet:
    """The newest rule set that can be read; that of a new installation if there is none."""
    for _, payload in sorted(payloads, reverse=True):
        rule_set = decoded(payload, RuleSet)
        if rule_set is not None:
            return rule_set
        faults.add(EVERYBODY, "a rule set")
    return default_rule_set()


def _marked_values(values: Iterable[Value], at_arrival: frozenset[tuple[int, int, int]]) -> Iterable[Value]:
    for value in values:
        marked = (value.patient, value.device, value.at) in at_arrival
        yield replace(value, at_arrival=True) if marked else value


def _marked(patients: Mapping[int, Patient], faults: Iterable[Fault]) -> Mapping[int, Patient]:
    """The patients; the name of each that has a fault says which, wherever it is shown."""
    bad: dict[int, list[str]] = defaultdict(list)
    for fault in faults:
        if fault.patient in patients:
            bad[fault.patient].append(fault.what)
    if not bad:
        return patients
    return {**patients, **{n: replace(patients[n], name=_name(patients[n].name, what)) for n, what in bad.items()}}


def _name(name: str, what: list[str]) -> str:
    return f"{name} ({', '.join(what)} cannot be read)"


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
