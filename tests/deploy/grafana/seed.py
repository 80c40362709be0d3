"""A small ward in the tables: three patients, a hole, artefacts, limits that changed, alarms of every kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits, RuleSet, encode_control
from tests.latest import put_latest

PATIENT, NEIGHBOUR, GONE = 65, 130, 193  # partitions 1, 2 and 1
NORTH, SOUTH = 1, 2
OXIMETER, CUFF, ECG, OTHER = 7, 8, 9, 10
GATEWAY = 3
SECRETS = ("Lindqvist", "call her son", "AA:BB:CC:00:11:22", "Nurse Berg")
"""Words that stand in the tables and that nobody may find in a view."""

RULES = RuleSet(1, (Limit(Vital.SPO2, "low", Level(92, 60), Level(90, 30)), Limit(Vital.HEART_RATE, "high", Level(110))))
OWN = Limits((Limit(Vital.SPO2, "low", Level(88, 60), Level(85, 30)),))


@dataclass(frozen=True)
class Seeded:
    """`start` is a whole hour, two hours before `end`; readings at 1 Hz but for a hole, see `seed`."""

    start: datetime
    end: datetime


def seed(db: psycopg.Connection) -> Seeded:
    """Patient 65's oximeter: SpO2 97, but 80 in second 30 of minute 10; an artefact of 40 each second of minute 20; nothing
    in minutes 60 to 79.  One pressure, an hour late, and one reading of an ECG that then fell silent.  Own limits of SpO2
    from minute 90.
    """
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    seeded = Seeded(start, start + timedelta(hours=2))
    _people(db, start)
    _readings(db, seeded)
    _controls(db, start)
    _alarms(db, start)
    _path(db, start)
    db.execute("ANALYZE")
    return seeded


def _people(db: psycopg.Connection, start: datetime) -> None:
    db.execute("INSERT INTO care_team (team, name) VALUES (1, 'North'), (2, 'South')")
    for patient, team, gone in ((PATIENT, NORTH, None), (NEIGHBOUR, SOUTH, None), (GONE, NORTH, start)):
        db.execute(
            "INSERT INTO patient (patient, identity, team, discharged) VALUES (%s, %s, %s, %s)",
            [patient, b"Anna Lindqvist", team, gone],
        )
    db.execute(
        "INSERT INTO person (sign_in, name, role, password) VALUES ('berg', 'Nurse Berg', 'nurse', 'x')",
    )
    db.execute("INSERT INTO gateway (gateway, name) VALUES (%s, 'Lindqvist, hall')", [GATEWAY])
    for device, interval, patient in ((OXIMETER, 1, PATIENT), (CUFF, 0, PATIENT), (ECG, 1, PATIENT), (OTHER, 1, NEIGHBOUR)):
        db.execute(
            "INSERT INTO device (device, name, source, address, interval_s) VALUES (%s, 'of Lindqvist', 'ble', %s, %s)",
            [device, f"AA:BB:CC:00:11:22/{device}", interval],
        )
        db.execute(
            "INSERT INTO enrolment (device, patient, gateway, since) VALUES (%s, %s, %s, %s)",
            [device, patient, GATEWAY, start - timedelta(days=1)],
        )


def _readings(db: psycopg.Connection, seeded: Seeded) -> None:
    db.execute(
        """
        INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, pulse_rate, spo2, spo2_status)
        SELECT %(patient)s, t, %(device)s, 1, s, t + interval '2 seconds', s, 70,
            CASE WHEN s = 630 THEN 80 WHEN s / 60 = 20 THEN 40 ELSE 97 END, CASE WHEN s / 60 = 20 THEN %(artefact)s END
        FROM generate_series(0, 7199) s, LATERAL (SELECT %(start)s + s * interval '1 second') AS at (t)
        WHERE s / 60 NOT BETWEEN 60 AND 79""",
        {"patient": PATIENT, "device": OXIMETER, "artefact": int(Status.ARTEFACT), "start": seeded.start},
    )
    db.execute(
        """
        INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, systolic, diastolic)
        VALUES (%(patient)s, %(start)s + interval '5 minutes', %(device)s, 1, 0, %(start)s + interval '65 minutes', 1,
            121, 79)
        """,
        {"patient": PATIENT, "device": CUFF, "start": seeded.start},
    )
    db.execute(
        """
        INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset,
            heart_rate, respiratory_rate, temperature)
        VALUES (%(patient)s, %(start)s + interval '7 minutes', %(device)s, 1, 0, %(start)s + interval '7 minutes', 1,
            72, 16, 36.8)
        """,
        {"patient": PATIENT, "device": ECG, "start": seeded.start},
    )
    for view, unit in (("rollup_minute", "minute"), ("rollup_hour", "hour")):
        db.execute(f"""
            INSERT INTO {view} (patient, vital, device, time, n, mean, min, max, first, last, poor, changed_offset)
            SELECT patient, vital, device, date_trunc('{unit}', time), count(*) FILTER (WHERE status = 0),
                avg(value) FILTER (WHERE status = 0), min(value) FILTER (WHERE status = 0),
                max(value) FILTER (WHERE status = 0), 0, 0, count(*) FILTER (WHERE status <> 0), 1
            FROM grafana.sample GROUP BY 1, 2, 3, 4""")
    found = db.execute("""
        SELECT DISTINCT ON (patient, vital, device) patient, vital, device, time, value, status, arrived
        FROM grafana.sample ORDER BY patient, vital, device, time DESC""")
    now = datetime.now(UTC)
    newest = [(NEIGHBOUR, 3, OTHER, now - timedelta(seconds=10), 95.0, 0, now), (NEIGHBOUR, 4, OTHER, now, None, 3, now)]
    put_latest(db, [*found.fetchall(), *newest])


def _controls(db: psycopg.Connection, start: datetime) -> None:
    at = start - timedelta(days=1)
    for patient, partition, offset, control, when in (
        (0, 1, 5, RULES, at),
        (0, 2, 5, RULES, at),
        (PATIENT, 1, 900, OWN, start + timedelta(minutes=90)),
    ):
        payload = encode_control(control)
        db.execute(
            "INSERT INTO control VALUES (%s, %s, %s, %s, 1, %s, %s::jsonb, %s)",
            [patient, partition, json.loads(payload)["kind"], offset, offset, payload.decode(), when],
        )


def _alarms(db: psycopg.Connection, start: datetime) -> None:
    body, device, none = "physiological", "technical", None
    rows = (
        # of, subject, rule, source, category, active, priority, vital, value, limit, onset and end in minutes, life
        ("patient", PATIENT, "spo2.low", OXIMETER, body, False, 3, 3, 80.0, 90.0, 10, 11, "closed"),
        ("patient", PATIENT, "spo2.low", OXIMETER, body, True, 2, 3, 87.0, 88.0, 100, none, "acknowledged"),
        ("patient", PATIENT, "no_data", ECG, device, True, 2, none, none, none, 30, none, "unacknowledged"),
        ("patient", NEIGHBOUR, "news2", 0, body, True, 3, none, 9.0, 7.0, 50, none, "unacknowledged"),
        ("partition", 1, "pipeline_stopped", 0, device, True, 3, none, none, none, 55, none, "unacknowledged"),
    )
    for *condition, began, ended, life in rows:
        over = None if ended is None else start + timedelta(minutes=ended)
        db.execute(
            """
            INSERT INTO alarm (subject_kind, subject, rule, source, category, active, priority, vital, value, limit_value,
                onset, ended, life, closed, note)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'call her son')""",
            [*condition, start + timedelta(minutes=began), over, life, over if life == "closed" else None],
        )


def _path(db: psycopg.Connection, start: datetime) -> None:
    events = (
        (0, "heartbeat", {"kind": "heartbeat", "at": 1, "waiting": 4}),
        (1, "link", {"kind": "link", "at": 1, "up": False, "rssi": -80}),
        (2, "contact", {"kind": "contact", "at": 1, "on": True}),
        (3, "battery", {"kind": "battery", "at": 1, "percent": 15}),
        (4, "clock", {"kind": "clock", "at": 1, "offset_ms": -2500}),
    )
    for minute, kind, value in events:
        at = start + timedelta(minutes=minute)
        db.execute(
            "INSERT INTO event VALUES (%s, %s, %s, 1, %s, %s, %s, %s::jsonb, %s, %s)",
            [PATIENT, at, OXIMETER, minute, GATEWAY, kind, json.dumps(value), at, minute],
        )
    for partition, behind in ((1, 3), (2, 45)):
        db.execute(
            "INSERT INTO ledger VALUES ('vitals.v1', 'id', %s, 1000, 1, 1, now() - make_interval(secs => %s), 0)",
            [partition, behind],
        )
    for offset, reason in ((1, "sender not enrolled"), (2, "sender not enrolled"), (3, "cannot be opened")):
        db.execute(
            "INSERT INTO rejected VALUES ('id', 1, %s, -1, %s, 'Lindqvist', %s)",
            [offset, reason, start + timedelta(minutes=3)],
        )
    db.execute(
        "INSERT INTO quarantine VALUES ('id', 1, 9, 'measured before the enrolment', %s, 7, 3, 'Lindqvist', %s)",
        [PATIENT, start + timedelta(minutes=4)],
    )
