"""Values stored a second: a round's transaction into the wide table, stored once, against a plain narrow COPY."""

from __future__ import annotations

import time
from typing import Final, LiteralString

import numpy as np
import psycopg

from alerts.rules.stages import stages
from benchmarks.figures import Report
from benchmarks.prepared import fold
from benchmarks.servers import Servers
from benchmarks.ward import Ward, block_of
from devices.batch import PARTITIONS
from streams import ledger
from streams.block import Block
from streams.engine import Engine
from streams.ledger import Held
from streams.snapshot import Recall
from streams.store.copying import copy_in, timestamps
from streams.store.staging import prepare
from streams.store.store import RoundToStore, fold_nothing, store_round
from tests.streams.producing import Record, now_ms

ROW: Final = "store"
GOAL: Final = 1.0
READINGS: Final = 60
_COLUMNS: Final[LiteralString] = (
    "patient int4 NOT NULL, time timestamptz NOT NULL, vital int2 NOT NULL, device int4 NOT NULL, value real NOT NULL"
)
NARROW: Final[dict[str, LiteralString]] = {
    "narrow COPY, its key": f"CREATE TABLE narrow ({_COLUMNS}, PRIMARY KEY (patient, vital, device, time))",
    "narrow COPY, no index": f"CREATE TABLE narrow ({_COLUMNS})",
}
WIDE: Final = "Vigil's round"


def store(servers: Servers, report: Report, repetitions: int) -> None:
    patients, a_round = (256, 64) if report.quick else (4096, 170)
    report.say(f"{ROW}: {patients * READINGS * 4:,} values, {a_round * READINGS * 4:,} a transaction")
    todo, held = _rounds(patients, a_round)
    values = sum(int(one.writes.keep.sum()) for one in todo)
    rates: dict[str, list[float]] = {name: [] for name in (WIDE, *NARROW)}
    for _ in range(repetitions):
        rates[WIDE].append(values / _wide(servers, report, todo, held))
        for name, table in NARROW.items():
            rates[name].append(values / _narrow(servers, report, table, todo))
    what = {
        WIDE: "store_round: COPY to staging, INSERT … ON CONFLICT of wide rows, latest values, ledger; wall clock",
        "narrow COPY, its key": "a row a value, binary COPY straight into a table with its primary key; a double ends it",
        "narrow COPY, no index": "the same into a table without any index, which nobody can read from",
    }
    for name, found in rates.items():
        report.figure(ROW, name, "values/s", found, what[name])
    for name in NARROW:
        report.ratio(ROW, f"{WIDE} / {name}", rates[WIDE], rates[name], ">=", GOAL)


def _rounds(patients: int, a_round: int) -> tuple[list[RoundToStore], dict[int, Held]]:
    """A minute of all patients as the engine hands it out, ``a_round`` patients a round."""
    ward, engine, now = Ward(patients), Engine(stages()), now_ms()
    held = {p: Held(p, 0, 1, "") for p in range(PARTITIONS)}
    for partition in held:
        engine.take(partition, None, Recall())
    at = dict.fromkeys(range(PARTITIONS), 0)

    def blocks(records: list[Record]) -> list[Block]:
        made = []
        for partition in sorted({record.partition for record in records}):
            mine = [record for record in records if record.partition == partition]
            made.append(block_of(partition, at[partition], now, mine))
            at[partition] += len(mine)
        return made

    fold(engine, ward, blocks(ward.admission()), held)
    begins = {p: Held(p, offset, 1, "") for p, offset in at.items()}
    todo = []
    for first in range(1, patients + 1, a_round):
        who = range(first, min(first + a_round, patients + 1))
        todo.append(fold(engine, ward, blocks(list(ward.batches(who, now - 61_000, READINGS))), held))
    return todo, begins


def _wide(servers: Servers, report: Report, todo: list[RoundToStore], held: dict[int, Held]) -> float:
    name = servers.database()
    with psycopg.connect(servers.url(name), autocommit=True, options="-c client_min_messages=warning") as db:
        prepare(db)
        taken = ledger.take(db, "bench", "", {p: one.offset for p, one in held.items()})
        assert all(one.epoch == 1 for one in taken.values())
        servers.settle()
        begin = time.monotonic()
        new = sum(store_round(db, "bench", "", one, fold_nothing).readings for one in todo)
        took = time.monotonic() - begin
        again = store_round(db, "bench", "", todo[-1], fold_nothing)
        row = db.execute("SELECT count(*) FROM reading").fetchone()
    expected = sum(int(one.writes.keep.sum()) for one in todo) // 4
    report.check(f"{ROW}: every reading is stored once", (new, row, again.readings) == (expected, (expected,), 0))
    servers.drop(name)
    return took


def _narrow(servers: Servers, report: Report, table: LiteralString, todo: list[RoundToStore]) -> float:
    name = servers.database()
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
        db.execute(table)
        servers.settle()
        begin = time.monotonic()
        for some in columns:
            with db.transaction():
                copy_in(db, "narrow", some)
        took = time.monotonic() - begin
        row = db.execute("SELECT count(*) FROM narrow").fetchone()
    report.check(f"{ROW}: the narrow table holds the same", row == (sum(len(one["value"]) for one in columns),))
    servers.drop(name)
    return took
