"""The check of a run: the gateways' outboxes against the database, the plan's alarms against the alarm table."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from deploy.demo.plan import Plan
from deploy.demo.provision import Provisioned
from deploy.demo.summary import AlarmKey, Samples
from devices.sample import SAMPLE
from devices.vitals import VITALS
from devices.wire.batch import Kind
from gateway.outbox.vault import size_of_samples

Identity = tuple[int, int, int]
"""(device, epoch, sequence)."""

_PER_READING: Final = " + ".join(f"({s.column} IS NOT NULL OR {s.column}_status IS NOT NULL)::int" for s in VITALS.values())


def acknowledged(outbox: Path, since: int) -> dict[Identity, int]:
    """Samples of each reading committed by a gateway's outbox and received since ``since`` (ms)."""
    with closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True, timeout=10)) as db:
        epoch = int(db.execute("select value from meta where name = 'epoch'").fetchone()[0])
        rows = db.execute(
            "select device, sequence, length(payload) from reading where kind = ? and received >= ?",
            (int(Kind.SAMPLES), since),
        ).fetchall()
    return {(device, epoch, sequence): size_of_samples(size) // SAMPLE.itemsize for device, sequence, size in rows}


def waiting(outbox: Path) -> int:
    """Readings not yet acknowledged by Kafka."""
    with closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True, timeout=10)) as db:
        return int(db.execute("select count(*) from reading where delivered is null").fetchone()[0])


def stored(db: psycopg.Connection, devices: Iterable[int], since: int) -> list[tuple[Identity, int]]:
    """(identity, samples) of every stored row of ``devices`` that arrived since ``since`` (ms); a double stands twice."""
    rows = db.execute(
        f"SELECT device, epoch, sequence, {_PER_READING} FROM reading WHERE device = ANY(%s)"
        " AND arrived >= to_timestamp(%s / 1000.0)",
        [list(devices), since],
    ).fetchall()
    return [((device, epoch, sequence), count) for device, epoch, sequence, count in rows]


def reckon(measured: int, acked: Mapping[Identity, int], rows: Sequence[tuple[Identity, int]]) -> Samples:
    """Counts of samples; a stored row that no outbox of this run knows is not counted."""
    found: dict[Identity, int] = {}
    duplicated = 0
    for identity, count in rows:
        if identity in found:
            duplicated += count
        found[identity] = max(count, found.get(identity, 0))
    there = sum(min(count, found.get(identity, 0)) for identity, count in acked.items())
    total = sum(acked.values())
    return Samples(measured, total, there, duplicated, total - there)


async def settle(
    database: str, outboxes: Sequence[Path], devices: Iterable[int], since: int, measured: int, limit_s: float
) -> Samples:
    """The counts once the outboxes are empty and nothing is lost, or after ``limit_s``: what is missing then is missing."""
    end = time.monotonic() + limit_s
    with psycopg.connect(database, autocommit=True) as db:
        while True:
            acked = {identity: n for outbox in outboxes for identity, n in acknowledged(outbox, since).items()}
            samples = reckon(measured, acked, stored(db, devices, since))
            drained = not any(waiting(outbox) for outbox in outboxes)
            if (drained and not samples.lost) or time.monotonic() > end:
                return samples
            await asyncio.sleep(0.25)


def expected_alarms(plan: Plan, done: Provisioned) -> list[AlarmKey]:
    """The alarms that the plan's events must raise."""
    found: list[AlarmKey] = []
    for person, rule, wears in plan.expected():
        patient = done.patients[plan.people.index(person)]
        source = 0
        if rule == "gateway_offline":
            source = done.gateways[person.home]
        elif wears is not None:
            source = done.devices[next(one.address for one in person.wears if one.kind == wears)]
        found.append((patient, rule, source))
    return found


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm row that was open at some time of the run; ``onset`` in ms, ``open`` at the end too."""

    alarm: int
    key: AlarmKey
    onset: int
    notified: bool
    acknowledged: bool
    open: bool


def raised_alarms(db: psycopg.Connection, since: int) -> list[Raised]:
    """Patients' alarms open at any time since ``since`` (ms)."""
    rows = db.execute(
        "SELECT alarm, subject, rule, source, (extract(epoch FROM onset) * 1000)::int8, acknowledged IS NOT NULL,"
        " EXISTS (SELECT FROM notification n WHERE n.episode = a.episode AND n.sent IS NOT NULL), closed IS NULL"
        " FROM alarm a WHERE subject_kind = 'patient' AND (closed IS NULL OR closed >= to_timestamp(%s / 1000.0))",
        [since],
    ).fetchall()
    return [
        Raised(alarm, (subject, rule, source), onset, notified=notified, acknowledged=acknowledged, open=stands)
        for alarm, subject, rule, source, onset, acknowledged, notified, stands in rows
    ]


def of_this_run(raised: Sequence[Raised], since: int, expected: Collection[AlarmKey]) -> list[Raised]:
    """The alarms without those of before ``since`` (ms) that say nothing of this run.

    Those are what was raised again since, and what this run closed and does not expect.
    """
    anew = {one.key for one in raised if one.onset >= since}
    return [one for one in raised if one.onset >= since or (one.key not in anew and (one.open or one.key in expected))]
