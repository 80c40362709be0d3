"""Patients that a worker takes back in a CPU-second, as after a restart; and two workers at once, which share 100,000.

Everybody's readings (one each 10 s) of five minutes are stored, every partition is saved, a minute more is in the log and
stored (at this rate states are saved each minute and a half: :mod:`streams.worker.snapshot_schedule`), then new engines take
the partitions (:mod:`benchmarks.loads.taking_back`).
"""

from __future__ import annotations

import statistics
from typing import Final

import numpy as np

from benchmarks.figures import Report
from benchmarks.loads.prepared import Owner
from benchmarks.loads.taking_back import BESIDE, PARTS, TOPIC, Job, take_anew, take_back, together, touch
from benchmarks.loads.ward import OfflineLog, Ward
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS
from simulators.sealed_log import clock, now_ms
from streams.engine.opening.block import Block

ROW: Final = "recovery"
GOAL: Final = 20_000
A_BATCH: Final = 3
"""Readings, 10 s apart."""
BATCH_MS: Final = A_BATCH * 10_000
SINCE: Final = 2
"""Batches of everybody after the snapshot."""
TURNS: Final = 11
"""Batches of everybody before the snapshot: five minutes and a half."""
BOTH_S: Final = 10.0
HALVES: Final = range(PARTITIONS // 2), range(PARTITIONS // 2, PARTITIONS)
SERVER, WORKER, CLOCK = "database server", "worker, all of it", "wall clock"
WHAT: Final = PARTS | {CLOCK: "all of it, one partition after the other, server included", SERVER: "its session's CPU"}


def recovery(servers: Servers, report: Report, repetitions: int) -> None:
    ward = Ward(2000 if report.quick else 100_000)
    report.say(f"{ROW}: {ward.patients:,} patients, a reading each 10 s, four vitals")
    name, expected, since = _filled(servers, ward)
    jobs = [_job(servers.url(name), ward, half, since) for half in HALVES]
    rates: dict[str, list[float]] = {}
    both: list[float] = []
    for nth in range(repetitions):
        report.say(f"{ROW}: repetition {nth + 1} of {repetitions}")
        one = jobs[nth % len(jobs)]
        servers.settle()
        touch(one.patients)
        spent, found = take_back(one)
        report.check(f"{ROW}: all partitions are as they were", found == [expected[p] for p in one.partitions])
        spent.cpu |= take_anew(one).cpu
        own = [part for part in PARTS if part not in BESIDE]
        seconds = {part: spent.cpu[part] for part in PARTS} | {
            SERVER: spent.server, WORKER: sum(spent.cpu[part] for part in own), CLOCK: sum(spent.wall[part] for part in own)
        }  # fmt: skip
        for part, took in seconds.items():
            rates.setdefault(part, []).append(one.patients / took)
        servers.settle()
        last, found = together(jobs)
        both.append(last)
        wanted = [expected[p] for job in jobs for p in job.partitions]
        report.check(f"{ROW}: with two workers all partitions are as they were", found == wanted)
    servers.drop(name)
    for part, values in rates.items():
        report.figure(ROW, part, "patients/s", values, WHAT.get(part, "without controls"))
    report.goal(ROW, "patients a CPU-second of a worker", statistics.median(rates[WORKER]), ">=", GOAL, "patients/s")
    report.figure(ROW, "two workers at once", "s", both, f"all {ward.patients:,} patients, until the last partition stands")
    report.goal(ROW, f"two workers, {ward.patients:,} patients", statistics.median(both), "<=", BOTH_S, "s",
                spread=(min(both), max(both)))  # fmt: skip


def _job(url: str, ward: Ward, half: range, since: list[list[Block]]) -> Job:
    log = [_joined([blocks[partition] for blocks in since]) for partition in half]
    keys = [key for key, (patient, gateway, _) in ward.world.secrets.items() if gateway and patient % PARTITIONS in half]
    return Job(url, len(keys), half, ward.world.master, keys, log)


def _joined(blocks: list[Block]) -> Block:
    """The blocks of one partition as one fetch brings them."""
    values = [value for block in blocks for value in block.values]
    appended = np.concatenate([block.appended for block in blocks])
    return Block(blocks[0].partition, blocks[0].first, blocks[-1].next, appended, values)


def _filled(servers: Servers, ward: Ward) -> tuple[str, list[bytes], list[list[Block]]]:
    """A database as a worker leaves it; the states it would have saved last; the log since those it did save."""
    log, name = OfflineLog(), servers.database()
    clocks, since = [*map(clock, range(PARTITIONS))], []
    begin = now_ms() // 60_000 * 60_000 - (TURNS + SINCE + 1) * BATCH_MS
    with Owner(servers.url(name), ward, TOPIC) as owner:
        owner.store(log.blocks([*ward.admission(), *clocks], begin))
        for turn in range(1, TURNS + SINCE + 1):
            at = begin + turn * BATCH_MS
            blocks = log.blocks([*ward.batches(ward.everybody, at - BATCH_MS, A_BATCH, every_ms=10_000), *clocks], at)
            owner.store(blocks, save=turn == TURNS)
            if turn > TURNS:
                since.append(blocks)
    return name, [owner.engine.snapshot(p) for p in range(PARTITIONS)], since
