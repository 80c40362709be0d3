"""A ward of invented people: patients with a day of readings, alarms in every state, and the people who act on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from alerts.care.admit import admit_patient
from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateways import add_gateway
from alerts.care.identity import Identity
from alerts.care.limits import set_limits, set_rule_set
from alerts.care.people import add_person
from alerts.care.teams import add_team, join
from alerts.database import now_ms
from alerts.fold.alarm_rows import lock_one
from alerts.fold.fold import apply, fold_conditions, tick
from alerts.life.alarm import Alarm
from alerts.life.events import Acknowledge, RecordOutcome, Shelve
from alerts.rules.defaults import default_rule_set
from devices.wire.control import Level, Limit, Limits
from streams.engine.condition import Condition, Phase, Priority
from tests.alerts.desk.invented import ELSEWHERE, WARD, Invented
from tests.alerts.desk.measured import DIA, HR, RR, SPO2, SYS, TEMP, measure
from tests.latest import set_latest

PASSWORD = "synthetic-only"


@dataclass
class Ward:
    """The people and patients that the seed made; ``patients`` by family name in capitals."""

    team: int
    elsewhere: int
    nurse: int
    colleague: int
    outsider: int
    clinician: int
    administrator: int
    patients: dict[str, int]
    devices: dict[int, tuple[int, int, int]]  # patch, oximeter, cuff by patient
    gateways: tuple[int, int]


def seed(tx: psycopg.Connection, master: bytes, *, hours: int = 24) -> Ward:
    """Fill an empty, migrated database inside the caller's transaction."""
    rng = np.random.default_rng(7)
    now = datetime.now(UTC).replace(microsecond=0)
    team, elsewhere = add_team(tx, "Home ward North"), add_team(tx, "Home ward South")
    nurse = add_person(tx, "m.testova", "M. Testova RN", "nurse", PASSWORD)
    colleague = add_person(tx, "j.sample", "J. Sample RN", "nurse", PASSWORD)
    clinician = add_person(tx, "a.fictus", "Dr A. Fictus", "clinician", PASSWORD)
    outsider = add_person(tx, "o.outside", "O. Outside RN", "nurse", PASSWORD)
    administrator = add_person(tx, "r.root", "R. Root", "administrator", PASSWORD)
    for person in (nurse, colleague, clinician):
        join(tx, person, team)
    join(tx, outsider, elsewhere)
    set_rule_set(tx, default_rule_set(), administrator)
    gateways = (add_gateway(tx, "Gateway North 1"), add_gateway(tx, "Gateway North 2"))
    ward = Ward(team, elsewhere, nurse, colleague, outsider, clinician, administrator, {}, {}, gateways)
    for index, who in enumerate((*WARD, ELSEWHERE)):
        patient = _admit(tx, master, ward, who, index, elsewhere if who is ELSEWHERE else team)
        measure(tx, rng, ward.devices[patient], gateways[0], patient, who, now, hours)
    p = ward.patients
    set_limits(
        tx,
        p["EXAMPLETON"],
        Limits((Limit(HR, "high", Level(110, 60), Level(120, 60), 5), Limit(HR, "low", Level(50, 60), Level(41, 15), 5))),
        clinician,
    )
    take_effect(tx)
    _alarms(tx, ward, now)
    tx.execute(
        "INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner, last_append) "
        "SELECT 'vitals.v1', 'seed', n, 1, 1, 0, now() FROM generate_series(0, 63) n"
    )
    return ward


def beat(tx: psycopg.Connection) -> None:
    """As if another second of data had come: the log moves on, and so do the newest values of those who are not silent."""
    tx.execute("UPDATE ledger SET last_append = clock_timestamp()")
    set_latest(
        tx,
        "vital IN (1, 2, 3, 4) AND status = 0 AND time > clock_timestamp() - interval '10 minutes'",
        time="clock_timestamp() - interval '3 seconds'",
        arrived="clock_timestamp()",
    )


def take_effect(tx: psycopg.Connection) -> None:
    """As relay and worker do: what waits in the outbox is sent, and came back out of the log."""
    tx.execute(
        "INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect) "
        "SELECT patient, patient %% 64, kind, sequence, 1, sequence, payload, clock_timestamp() FROM control_outbox o "
        "WHERE NOT EXISTS (SELECT FROM control c WHERE c.sequence = o.sequence)",
        [],
    )
    tx.execute("UPDATE control_outbox SET sent = clock_timestamp() WHERE sent IS NULL")


def condition(
    ward: Ward,
    family: str,
    rule: str,
    at: datetime,
    priority: Priority,
    value: float | None = None,
    limit: float | None = None,
    vital: int | None = None,
    phase: Phase = "onset",
    **detail: object,
) -> Condition:
    """A condition of one of the ward's patients, from the device that would see it."""
    patient = ward.patients[family]
    patch, oximeter, cuff = ward.devices[patient]
    technical = rule in {"no_data", "sensor_off", "gateway_offline"}
    source = {SPO2: oximeter, SYS: cuff, DIA: cuff}.get(vital or 0, patch)  # type: ignore[call-overload]
    if rule == "gateway_offline":
        source = int(detail.pop("gateway"))  # type: ignore[call-overload]
    return Condition(
        partition=patient % 64,
        second=int(at.timestamp()),
        subject=patient,
        rule=rule,
        source=0 if rule == "news2" else source,
        phase=phase,
        priority=priority,
        category="technical" if technical else "physiological",
        vital=None if vital is None else int(vital),
        value=value,
        limit=limit,
        measured=int(at.timestamp() * 1000),
        detail=dict(detail),
    )


def _alarms(tx: psycopg.Connection, ward: Ward, now: datetime) -> None:
    high, medium = Priority.HIGH, Priority.MEDIUM

    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    def begins(family: str, rule: str, minutes: float, *values: Any, **named: Any) -> Condition:
        return condition(ward, family, rule, ago(minutes), *values, **named)

    fold_conditions(
        tx,
        [
            begins("EXAMPLETON", "heart_rate.high", 300, medium, 112, 110, HR),
            begins("EXAMPLETON", "heart_rate.high", 286, medium, 104, 110, HR, "end"),
        ],
    )
    first = _alarm(tx, ward, "EXAMPLETON", "heart_rate.high")
    apply(tx, first.alarm, Acknowledge(ward.colleague, int(ago(284).timestamp() * 1000)))
    apply(
        tx, first.alarm, RecordOutcome(ward.colleague, int(ago(283).timestamp() * 1000), "called", note="climbed the stairs")
    )
    tick(tx, first.episode or 0, int(ago(275).timestamp() * 1000))
    fold_conditions(
        tx,
        [
            begins("STUBBSON", "heart_rate.low", 12, high, 38, 41, HR),
            begins("STUBBSON", "heart_rate.low", 10.4, high, 44, 41, HR, "end"),
            begins("EXAMPLETON", "respiratory_rate.high", 30, medium, 22, 20, RR),
            begins("EXAMPLETON", "spo2.low", 14, medium, 93, 94, SPO2),
            begins("EXAMPLETON", "heart_rate.high", 4, high, 134, 120, HR),
            begins("TESTWELL", "spo2.low", 1.5, high, 89, 92, SPO2),
            begins("PLACEHOLDER", "respiratory_rate.high", 9, medium, 23, 20, RR),
            begins("MOCKFORD", "temperature.high", 6, medium, 39.2, 39.0, TEMP),
            *(
                begins(
                    "FIXTUREAU",
                    "heart_rate.high",
                    30 - 4 * i - j,
                    medium,
                    116 - 10 * (j > 0),
                    110,
                    HR,
                    "end" if j else "onset",
                )
                for i in range(4)
                for j in (0, 2)
                if not (i == 3 and j)
            ),
            begins("DUMMYKIN", "no_data", 41, medium),
            begins("SPECIMENSEN", "sensor_off", 18, medium, vital=SPO2),
            begins("FICTIVA", "systolic.low", 25, high, 88, 91, SYS),
            begins("PROTOTYPO", "spo2.low", 68, medium, 93, 94, SPO2),
            begins("DEMOWICZ", "heart_rate.high", 36, medium, 114, 110, HR),
        ],
    )
    at = now_ms(tx)
    minute = 60_000
    apply(tx, _alarm(tx, ward, "FICTIVA", "systolic.low").alarm, Acknowledge(ward.nurse, at - 12 * minute))
    called = _alarm(tx, ward, "PROTOTYPO", "spo2.low").alarm
    apply(tx, called, Acknowledge(ward.colleague, at - 62 * minute))
    apply(tx, called, RecordOutcome(ward.colleague, at - 60 * minute, "called", note="visit due in the afternoon"))
    paused = _alarm(tx, ward, "DEMOWICZ", "heart_rate.high").alarm
    apply(tx, paused, Shelve(ward.colleague, at - minute, at + 38 * minute, "Treatment given, waiting for effect"))
    for family, seconds in (
        ("STUBBSON", 13),
        ("EXAMPLETON", 48),
        ("TESTWELL", 22),
        ("PLACEHOLDER", 229),
        ("MOCKFORD", 172),
        ("FIXTUREAU", 251),
        ("DUMMYKIN", 260),
        ("SPECIMENSEN", 96),
    ):
        tx.execute(
            "UPDATE episode SET due = clock_timestamp() + make_interval(secs => %s)"
            " WHERE subject = %s AND closed IS NULL AND due IS NOT NULL",
            [seconds, ward.patients[family]],
        )
    tx.execute("UPDATE notification SET sent = due, receipt = 'seed' WHERE sent IS NULL AND stopped IS NULL")


def _alarm(tx: psycopg.Connection, ward: Ward, family: str, rule: str) -> Alarm:

    row = tx.execute(
        "SELECT alarm FROM alarm WHERE subject = %s AND rule = %s ORDER BY onset DESC LIMIT 1", [ward.patients[family], rule]
    ).fetchone()
    assert row
    found = lock_one(tx, row[0])
    assert found
    return found


def _admit(tx: psycopg.Connection, master: bytes, ward: Ward, who: Invented, index: int, team: int) -> int:
    identity = Identity(
        family=who.family,
        given=who.given,
        born=who.born,
        sex=who.sex,
        record_number=f"VT-{4137 + 37 * index}-{(7 * index + 7) % 10}",
        phone=f"01632 960 {100 + index:03d}",
    )
    patient = admit_patient(tx, master, identity, team, who.facts, ward.clinician)
    ward.patients[who.family.upper()] = patient
    since = datetime.now(UTC) - timedelta(days=6)
    tx.execute("UPDATE patient SET admitted = %s WHERE patient = %s", [since, patient])
    give_consent(tx, patient, given=True, by=ward.nurse)
    devices: list[int] = []
    for name, source, interval in (("Chest patch", "ble", 1), ("Finger oximeter", "ble", 1), ("Arm cuff", "mqtt", 0)):
        address = (
            f"{name[:2].lower()}-{patient:04d}"
            if source == "mqtt"
            else f"C0:{len(devices):02X}:00:00:{patient >> 8:02X}:{patient & 255:02X}"
        )
        device = add_device(tx, name, source, address, interval)  # type: ignore[arg-type]
        enrol(tx, master, device, patient, ward.gateways[index % 2], since, ward.nurse)
        devices.append(device)
    ward.devices[patient] = (devices[0], devices[1], devices[2])
    return patient
