"""Values stored a second: a round's transaction into the wide table, stored once, against a plain narrow COPY."""

from __future__ import annotations

import time
from typing import Final, LiteralString

import numpy as np
import psycopg

from benchmarks.figures import Report
from benchmarks.loads.engine import fresh_engine
from benchmarks.loads.prepared import fold
from benchmarks.loads.ward import OfflineLog, Ward
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS
from simulators.sealed_log import now_ms
from streams.store import ledger
from streams.store.conditions import fold_nothing
from streams.store.copying import copy_in, timestamps
from streams.store.ledger import Held
from streams.store.readings import Readings
from streams.store.staging import prepare
from streams.store.store import RoundToStore, store_round

ROW: Final = "store"
READINGS: Final = 60
_COLUMNS: Final[LiteralString] = (
    "patient int4 NOT NULL, time timestamptz NOT NULL, vital int2 NOT NULL, device int4 NOT NULL, value real NOT NULL"
)
_KEYED: Final[LiteralString] = f"CREATE TABLE narrow ({_COLUMNS}, PRIMARY KEY (patient, vital, device, time))"
_MOVE: Final[LiteralString] = "INSERT INTO narrow SELECT * FROM stage_narrow ON CONFLICT DO NOTHING"
WIDE, COPIES = "Vigil's round", "Vigil's round, all copies"
IDEMPOTENT, KEYED, BARE = "narrow COPY, staged, idempotent", "narrow COPY, its key", "narrow COPY, no index"
WHAT: Final = {
    WIDE: "store_round: COPY of wide rows into their table, stored once, latest values, ledger; wall clock",
    COPIES: "the same rounds again: COPY to staging, INSERT … ON CONFLICT, each copy compared with the first",
    IDEMPOTENT: "a row a value, binary COPY to staging, INSERT … ON CONFLICT DO NOTHING, with its key",
    KEYED: "a row a value, binary COPY straight into a table with its primary key; a double ends it",
    BARE: "the same into a table without any index, which nobody can read from",
}
NARROW: Final[dict[str, tuple[LiteralString, float]]] = {
    IDEMPOTENT: (_KEYED, 2.0), KEYED: (_KEYED, 1.5), BARE: (f"CREATE TABLE narrow ({_COLUMNS})", 1.0)
}  # fmt: skip
"""Table and goal."""


def store(servers: Servers, report: Report, repetitions: int) -> None:
    patients, a_round = (256, 64) if report.quick else (4096, 170)
    report.say(f"{ROW}: {patients * READINGS * 4:,} values, {a_round * READINGS * 4:,} a transaction")
    todo, held = _rounds(patients, a_round)
    values = sum(int(one.writes.accepted.sum()) for one in todo)
    rates: dict[str, list[float]] = {name: [] for name in WHAT}
    for _ in range(repetitions):
        new, again = _wide(servers, report, todo, held)
        rates[WIDE].append(values / new)
        rates[COPIES].append(values / again)
        for name in NARROW:
            rates[name].append(values / _narrow(servers, report, name, todo))
    for name, found in rates.items():
        report.figure(ROW, name, "values/s", found, WHAT[name])
    for name, (_, goal) in NARROW.items():
        report.ratio(ROW, f"{WIDE} / {name}", rates[WIDE], rates[name], ">=", goal)


def _rounds(patients: int, a_round: int) -> tuple[list[RoundToStore], dict[int, Held]]:
    """A minute of all patients as the engine hands it out, ``a_round`` patients a round."""
    ward, engine, log, now = Ward(patients), fresh_engine(), OfflineLog(), now_ms()
    held = {p: Held(p, 0, 1, "") for p in range(PARTITIONS)}
    fold(engine, ward, log.blocks(ward.admission(), now), held)
    begins = {p: Held(p, offset, 1, "") for p, offset in log.next.items()}
    todo = []
    for first in range(1, patients + 1, a_round):
        who = range(first, min(first + a_round, patients + 1))
        todo.append(fold(engine, ward, log.blocks(ward.batches(who, now - 61_000, READINGS), now), held))
    return todo, begins


def _wide(servers: Servers, report: Report, todo: list[RoundToStore], held: dict[int, Held]) -> tuple[float, float]:
    """The seconds that the rounds take, and that all of them take again."""
    name = servers.database()
    with psycopg.connect(servers.url(name), autocommit=True, options="-c client_min_messages=warning") as db:
        prepare(db)
        taken = ledger.take(db, "bench", "", {p: one.offset for p, one in held.items()})
        assert all(one.epoch == 1 for one in taken.values())
        servers.settle()
        readings = Readings()
        begin = time.monotonic()
        new = sum(store_round(db, "bench", "", one, fold_nothing, readings).readings for one in todo)
        took = time.monotonic() - begin
        db.cursor().executemany(
            "UPDATE ledger SET next_offset = %s WHERE partition = %s", [(one.offset, p) for p, one in held.items()]
        )
        begin = time.monotonic()
        doubled = sum(store_round(db, "bench", "", one, fold_nothing, readings).readings for one in todo)
        again = time.monotonic() - begin
        row = db.execute("SELECT count(*) FROM reading").fetchone()
    expected = sum(int(one.writes.accepted.sum()) for one in todo) // 4
    report.check(f"{ROW}: every reading is stored once", (new, row, doubled) == (expected, (expected,), 0))
    servers.drop(name)
    return took, again


def _narrow(servers: Servers, report: Report, which: str, todo: list[RoundToStore]) -> float:
    name = servers.database()
    into = "stage_narrow" if which == IDEMPOTENT else "narrow"
    columns = []
    for one in todo:
        samples, of = one.writes.round.samples, one.writes.round.records[one.writes.round.record]
        columns.append(
            {
                "patient": of["patient"].astype(np.int32),
                "time": timestamps(samples["time"]),
                "vital": samples["vital"].astype(np.int16),
                "device": of["device"].astype(np.int32),
                "value": np.ascontiguousarray(samples["value"]),
            }
        )
    with psycopg.connect(servers.url(name), autocommit=True) as db:
        db.execute(NARROW[which][0])
        db.execute(f"CREATE TEMP TABLE stage_narrow ({_COLUMNS}) ON COMMIT DELETE ROWS")
        servers.settle()
        begin = time.monotonic()
        for some in columns:
            with db.transaction():
                copy_in(db, into, some)
                if which == IDEMPOTENT:
                    db.execute(_MOVE)
        took = time.monotonic() - begin
        row = db.execute("SELECT count(*) FROM narrow").fetchone()
    report.check(f"{ROW}: the narrow table holds the same", row == (sum(len(one["value"]) for one in columns),))
    servers.drop(name)
    return took
