"""One worker, 100,000 patients of five vitals, a reading each ten seconds: does it keep up, and what does it cost.

The worker as deployed, on a broker and a database that share the cores with it and with the process that sends.  All
states were saved once and minutes closed before anything is counted.  Fewer patients first: where 100,000 are too many for
cores that all share, those say what waits are like while the worker keeps up.
"""

from __future__ import annotations

import os
import time
from multiprocessing.pool import AsyncResult
from typing import Any, Final

import numpy as np

from benchmarks.errors import BenchmarkError, ContenderError
from benchmarks.figures import Report
from benchmarks.loads.apart import answer, apart
from benchmarks.loads.observation import Notes, Observed, Step, commit_times
from benchmarks.loads.patients_load import HEARTBEAT_S, READING_S, VITALS, Sent, run
from benchmarks.loads.prepared import prepared
from benchmarks.loads.reading import ends
from benchmarks.loads.spending import peak_resident, resident
from benchmarks.loads.ward import Ward, append, worker_environment
from benchmarks.rows.scale import BROKERS, cluster
from benchmarks.servers import Servers
from deploy.stack.child import Child
from devices.wire.batch import PARTITIONS

ROW: Final = "worker"
SIZES: Final = (20_000, 100_000)
"""The goals are about the last."""
WARM_S: Final = 90
SETTINGS: Final = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
CORES: Final = 1.0
MEMORY_GB: Final = 2.0
COMMITTED_S: Final = 2.0
GROWTH: Final = 0.01
"""The share of what arrives by which the lag may grow (it moves from second to second)."""
_READY_S: Final = 180.0
_DRAIN_S: Final = 60.0


def worker(servers: Servers, report: Report, _repetitions: int) -> None:
    """Measure once: it takes minutes, and all seconds are alike."""
    sizes, warm, measured = ((5000,), 12, 15) if report.quick else (SIZES, WARM_S, 60)
    with cluster(servers, report, brokers=1, settings=SETTINGS) as own:
        for patients in sizes:
            _measure(own, report, patients, warm, measured)
    report.notes.append(
        f"{ROW}: broker, database and the process that sends shared {len(os.sched_getaffinity(0))} cores with the worker and"
        " with whatever else ran: CPU is the worker's own, waits are of all of them together. The broker had one connection,"
        " not one a gateway."
    )


def _measure(servers: Servers, report: Report, patients: int, warm: int, measured: int) -> None:
    database, environment, orders = ready(servers, report, patients, warm, measured)
    with Observed("worker", servers.home, environment) as one:
        begin = time.monotonic()
        one.wait_for_partitions(_READY_S)
        report.say(f"{ROW}: all partitions are read {time.monotonic() - begin:.1f} s after the start of the process")
        report.say(f"{ROW}: {warm} s to settle, then {measured} s that count")
        report.turn()
        with apart() as sender:
            load, seconds = sender.apply_async(run, orders), measured - 3
            sleep_beside(load, one.child, warm + 2)
            before = servers.spent()
            sleep_beside(load, one.child, seconds)
            data, kafka, wal = (servers.spent() - before) / seconds
            sent = answer(load, measured + _DRAIN_S)
        memory, peak = resident(one.child.pid) / 2**30, peak_resident(one.child.pid) / 2**30
        committed, left = commit_times(one, sent.notes, _DRAIN_S)
        steps = one.steps()
    report.turn()
    rows = servers.row_bytes(database)
    stored, refused = servers.stored(database)
    servers.drop(database)
    whole = not refused and (left > 0 or stored == sent.readings)
    report.check(f"{ROW}: {patients:,} patients: what was sent is stored, none refused", whole and not sent.failed)
    size, produced = f"{patients // 1000}k", sent.notes[:, 2]
    if left:
        report.notes.append(
            f"{ROW}: {size}: {left:,} of {len(sent.notes):,} records of the measured time were not committed"
            f" {_DRAIN_S:.0f} s after it: the worker did not keep up, and waits are longer than those told."
        )
    within = [step for step in steps if produced.min() <= step.at <= produced.max()]
    if len(within) < 3:
        raise BenchmarkError(f"{patients:,} patients: the worker committed nothing while it was measured.")
    wall, cpu = (within[-1].at - within[0].at) / 1e9, within[-1].cpu - within[0].cpu
    samples, asked = sum(step.samples for step in within[1:]), patients / READING_S * len(VITALS)
    waits, own = (committed - produced) / 1e9, committed / 1e9 - sent.notes[:, 3] / 1e3
    p99, grown, done = float(np.percentile(waits, 99)), growth(produced, steps), samples / wall
    what = f"{patients:,} patients, a reading of {len(VITALS)} vitals each {READING_S} s, a heartbeat each {HEARTBEAT_S} s"
    way = "from produce() at the gateway until the worker knows of the commit"
    for name, unit, value, description in (
        ("sent", "samples/s", asked, what),
        ("committed", "samples/s", done, "while those were sent"),
        ("worker's CPU", "ns/sample", cpu / samples, "all threads, while those were sent"),
        ("rounds", "1/s", len(within) / wall, "transactions"),
        ("sample → committed, p50", "s", np.percentile(waits, 50), way),
        ("sample → committed, p99", "s", p99, way),
        ("sample → committed, max", "s", waits.max(), way),
        ("appended → committed, p99", "s", np.percentile(own, 99), "from the broker's time stamp on"),
        ("growth of the lag / what arrives", "x", grown, "slope of those that wait, looked at each second"),
        ("memory at the end", "GB", memory, "RSS"),
        ("memory, peak", "GB", peak, "RSS"),
        ("sender behind its plan, at most", "s", max(sent.latest_s, 1e-3), "it shares the cores too"),
        ("database's CPU", "ns/sample", 1e9 * data / done, "the whole server, live"),
        ("broker's CPU", "ns/sample", 1e9 * kafka / asked,
         "one broker, one connection for all gateways, no sync; a sample that was sent"),
        ("write-ahead log", "bytes/sample", wal / done, ""),
        *((f"a row of {table}", "bytes", size_, "with its share of the indexes") for table, size_ in rows.items()),
    ):  # fmt: skip
        report.figure(ROW, f"{size}: {name}", unit, [float(value)], description)
    if report.quick or patients == SIZES[-1]:
        for name, value, bound, unit in (
            ("worker's CPU a sample, times what is sent", cpu / samples * asked / 1e9, CORES, "cores"),
            ("worker's memory, at its peak", peak, MEMORY_GB, "GB RSS"),
            ("sample → committed, p99", p99, COMMITTED_S, "s"),
            ("growth of the lag / what arrives", grown, GROWTH, "x"),
        ):
            report.goal(ROW, f"{size}: {name}", value, "<=", bound, unit)


def ready(
    servers: Servers, report: Report, patients: int, warm: int, measured: int
) -> tuple[str, dict[str, str], tuple[Any, ...]]:
    """Admit everybody and store that; the database's name, a worker's settings, and the sender's arguments."""
    topic, ward = servers.topic(BROKERS), Ward(patients)
    report.say(f"admitting {patients:,} patients")
    append(servers.kafka.client(), topic, ward.admission(READING_S))
    database = prepared(servers, topic, ward, ends(servers.kafka.bootstrap, topic))
    orders = servers.kafka.bootstrap, topic, ward.world.secrets, warm, measured
    return database, worker_environment(servers, database, topic, ward.world.master), orders


def growth(sent: Notes, steps: list[Step]) -> float:
    """Messages a second by which those that wait become more, as a share of those that come: the slope over the time of
    ``sent`` ([n], ns), looked at each second.  The worker's own clock records come and go with the others.
    """
    sent, moved = np.sort(sent), np.array([(step.at, step.messages) for step in steps], np.int64)
    at = np.arange(sent[0] + 10**9, sent[-1], 10**9)
    gone = np.append(0, np.cumsum(moved[:, 1]))[np.searchsorted(moved[:, 0], at, side="right")]
    come = np.searchsorted(sent, at) + PARTITIONS * np.arange(len(at))
    slope = np.polynomial.Polynomial.fit(np.arange(len(at)), come - gone, 1).convert().coef[-1]
    return float(slope / (len(sent) / ((sent[-1] - sent[0]) / 1e9) + PARTITIONS))


def sleep_beside(load: AsyncResult[Sent], worker: Child, seconds: float) -> None:
    """Let time pass while both run.

    Raises:
        ContenderError, ServerNotReadyError: one of them ended.
    """
    end = time.monotonic() + seconds
    worker.wait_until(lambda: load.ready() or time.monotonic() > end, seconds + _DRAIN_S)
    if load.ready():
        raise ContenderError("the sender", "ended too early", worker.tail())
