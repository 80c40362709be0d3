"""Patients that a worker takes back in a CPU-second, as after a restart: snapshot, recall, engine, refold.

As many patients as one of two workers takes of 100,000.  Everybody's readings (one each 10 s) of five minutes are stored,
every partition is saved, a minute more is in the log and stored (at this rate states are saved each minute and a half:
:mod:`streams.saving`), then a new engine takes all partitions, one after the other, as :class:`streams.rounds.Rounds` does.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psutil
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
from streams.opening import open_blocks
from streams.recovery import controls_before, read_saved, without_collector
from streams.snapshot import Recall, recalled, unpack
from streams.store.recall import stored_since
from streams.store.staging import prepare
from streams.store.store import fold_nothing, store_round
from tests.streams.producing import Record, clock, now_ms

ROW: Final = "recovery"
GOAL: Final = 20_000
A_BATCH: Final = 3
"""Readings, 10 s apart."""
BATCH_MS: Final = A_BATCH * 10_000
SINCE: Final = 2
"""Batches of everybody after the snapshot."""
TURNS: Final = 11
"""Batches of everybody before the snapshot: five minutes and a half."""
TOUCHED: Final = 1 << 16
"""Bytes a patient."""
SERVER: Final = "database server"
BESIDE: Final = ("controls", "admission")
PARTS: Final = {
    "snapshot": "SELECT of the saved state",
    "unpack": "its decompression and decoding",
    "recall": "SELECT of the readings of the last five minutes, and their decoding",
    "room": "Engine.take of the first partition, which makes room for all",
    "take": "Engine.take of the others: state and rings put back",
    "refold": "a minute of log opened and folded, without writing",
    "controls": "beside it, where no state can be read: all controls read and decoded …",
    "admission": "… and folded into an engine that knows nobody: two control records a patient",
}


@dataclass
class Spent:
    """Seconds by part: ``wall`` (the server's work included), ``cpu`` of this process; ``server``: CPU of its session."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    server: float = 0.0

    def __call__(self, part: str, begin: tuple[float, float]) -> None:
        self.wall[part] = self.wall.get(part, 0.0) + time.perf_counter() - begin[0]
        self.cpu[part] = self.cpu.get(part, 0.0) + time.process_time() - begin[1]


def _touch(size: int) -> None:
    """Have so many bytes been in use once: where a virtual machine's host hands over a page for the first time it costs ten
    times what the kernel's own work does, or nothing, as it happens, and neither is Vigil's.
    """
    np.ones(size, np.uint8)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


@dataclass
class _Log:
    """The ward's log without a broker: blocks in order, each partition's offsets counted on."""

    ward: Ward
    next: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))

    def blocks(self, records: list[Record], appended: int) -> list[Block]:
        by_partition: dict[int, list[Record]] = {}
        for record in [*records, *map(clock, range(PARTITIONS))]:
            by_partition.setdefault(record.partition, []).append(record)
        made = []
        for partition, mine in sorted(by_partition.items()):
            made.append(block_of(partition, self.next[partition], appended, mine))
            self.next[partition] += len(mine)
        return made


def recovery(servers: Servers, report: Report, repetitions: int) -> None:
    patients = 1000 if report.quick else 50_000
    report.say(f"{ROW}: {patients:,} patients, a reading each 10 s, four vitals")
    ward = Ward(patients)
    name, expected, since = _filled(servers, ward)
    rates: dict[str, list[float]] = {}
    for _ in range(repetitions):
        servers.settle()
        _touch(patients * TOUCHED)
        spent, found = _recover(servers.url(name), ward, since)
        report.check(f"{ROW}: all partitions are as they were", found == expected)
        for part in PARTS:
            rates.setdefault(part, []).append(patients / spent.cpu[part])
        rates.setdefault(SERVER, []).append(patients / spent.server)
        own = [part for part in PARTS if part not in BESIDE]
        rates.setdefault("worker, all of it", []).append(patients / sum(spent.cpu[part] for part in own))
        rates.setdefault("wall clock", []).append(patients / sum(spent.wall[part] for part in own))
    servers.drop(name)
    what = PARTS | {"wall clock": "all of it, one partition after the other, server included", SERVER: "its session's CPU"}
    for part, values in rates.items():
        report.figure(ROW, part, "patients/s", values, what.get(part, "without controls"))
    rate = statistics.median(rates["worker, all of it"])
    report.goal(ROW, "patients a CPU-second of a worker", rate, ">=", GOAL, "patients/s")


def _filled(servers: Servers, ward: Ward) -> tuple[str, list[bytes], list[list[Block]]]:
    """A database as a worker leaves it; the states it would have saved last; the log since those it did save."""
    log, engine, name = _Log(ward), Engine(stages()), servers.database()
    who = range(1, ward.patients + 1)
    begin = now_ms() // 60_000 * 60_000 - (TURNS + SINCE + 1) * BATCH_MS
    ward.seed_keys(servers.url(name))
    with psycopg.connect(servers.url(name), autocommit=True, options="-c client_min_messages=warning") as db:
        prepare(db)
        held = ledger.take(db, "bench", "", dict.fromkeys(range(PARTITIONS), 0))
        for partition in held:
            engine.take(partition, None, Recall())
        store_round(db, "bench", "", fold(engine, ward, log.blocks(ward.admission(), begin), held), fold_nothing)
        since: list[list[Block]] = []
        for turn in range(1, TURNS + SINCE + 1):
            at = begin + turn * BATCH_MS
            blocks = log.blocks(list(_each_ten_seconds(ward, who, at - BATCH_MS)), at)
            store_round(db, "bench", "", fold(engine, ward, blocks, held, save=turn == TURNS), fold_nothing)
            if turn > TURNS:
                since.append(blocks)
        db.execute("VACUUM ANALYZE")
    return name, [engine.snapshot(p) for p in range(PARTITIONS)], since


def _each_ten_seconds(ward: Ward, who: range, first: int) -> list[Record]:
    return list(ward.batches(who, first, A_BATCH, every_ms=10_000))


def _recover(url: str, ward: Ward, since: list[list[Block]]) -> tuple[Spent, list[bytes]]:
    spent, engine, ignorant, ring = Spent(), Engine(stages()), Engine(stages()), ward.world.ring()
    engine.expect(PARTITIONS)
    ignorant.expect(PARTITIONS)
    with psycopg.connect(url, autocommit=True) as db, without_collector():
        for partition in range(PARTITIONS):
            begin = _now()
            saved = read_saved(db, "bench", partition)
            assert saved is not None
            spent("snapshot", begin)
            begin = _now()
            content = unpack(saved.state, partition)
            spent("unpack", begin)
            begin = _now()
            recall = stored_since(db, partition, recalled(content), saved.offset)
            spent("recall", begin)
            begin = _now()
            engine.take(partition, content, recall)
            spent("take" if partition else "room", begin)
        times = psutil.Process(db.info.backend_pid).cpu_times()
        spent.server = times.user + times.system
        begin = _now()
        for blocks in since:
            engine.advance(open_blocks(blocks, ring))
        spent("refold", begin)
        found = [engine.snapshot(p) for p in range(PARTITIONS)]
        for block in since[0]:
            begin = _now()
            controls = controls_before(db, block.partition, block.first)
            spent("controls", begin)
            begin = _now()
            ignorant.take_anew(block.partition, controls)
            spent("admission", begin)
    return spent, found
