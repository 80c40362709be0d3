"""One worker, 100,000 patients of five vitals, a reading each ten seconds: does it keep up, and what does it cost.

The worker as deployed, on a broker and a database that share the cores with it and with the process that sends.  All
states were saved once and minutes closed before anything is counted.  Fewer patients first: where 100,000 are too many for
cores that all share, those say what waits are like while the worker keeps up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, Final

import msgspec
import numpy as np

from alerts.rules.defaults import default_rule_set
from benchmarks.errors import BenchmarkError, ContenderError
from benchmarks.figures import Report
from benchmarks.loads.observation import ROOT, Notes, Observed, Step, commit_times
from benchmarks.loads.patients_load import HEARTBEAT_S, READING_S, VITALS, Orders
from benchmarks.loads.prepared import prepared
from benchmarks.loads.reading import ends
from benchmarks.loads.spending import peak_resident, resident, spent
from benchmarks.loads.ward import Ward, append, worker_environment
from benchmarks.rows.scale import broker_pids, cluster, database_pid, row_bytes, topic_of, wal_position
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
    ward, database, environment = ready(servers, report, patients)
    orders = orders_of(servers, ward, environment, warm, measured)
    with Observed("worker", "benchmarks.loads.observed_worker", servers.home, environment) as one:
        begin = time.monotonic()
        one.wait_for_partitions(_READY_S)
        report.say(f"{ROW}: all partitions are read {time.monotonic() - begin:.1f} s after the start of the process")
        report.say(f"{ROW}: {warm} s to settle, then {measured} s that count")
        report.turn()
        with Sending(orders) as load:
            sleep_beside(load, one.child, warm + 2)
            data, kafka, wal = spent([database_pid(servers)]), spent(broker_pids(servers)), wal_position(servers)
            sleep_beside(load, one.child, measured - 3)
            data, kafka = spent([database_pid(servers)]) - data, spent(broker_pids(servers)) - kafka
            wal, seconds = wal_position(servers) - wal, measured - 3
            totals = sent_by(load, measured + _DRAIN_S)
        notes = np.load(orders.file)
        memory, peak = resident(one.child.pid), peak_resident(one.child.pid)
        committed, left = commit_times(one, notes, _DRAIN_S)
        steps = one.steps()
    report.turn()
    rows = row_bytes(servers, database)
    stored, refused = servers.stored(database)
    servers.drop(database)
    whole = not refused and (left > 0 or stored == totals["readings"])
    report.check(f"{ROW}: {patients:,} patients: what was sent is stored, none refused", whole and not totals["failed"])
    samples = patients / READING_S * len(VITALS)
    size = f"{patients // 1000}k"
    if left:
        report.notes.append(
            f"{ROW}: {size}: {left:,} of {len(notes):,} records of the measured time were not committed {_DRAIN_S:.0f} s"
            " after it: the worker did not keep up, and waits are longer than those told."
        )
    done = _report(report, _Found(notes, committed, steps, memory, peak), patients, totals)
    report.figure(ROW, f"{size}: database's CPU", "ns/sample", [1e9 * data / done / seconds], "the whole server, live")
    what = "one broker, one connection for all gateways, no sync; a sample that was sent"
    report.figure(ROW, f"{size}: broker's CPU", "ns/sample", [1e9 * kafka / samples / seconds], what)
    report.figure(ROW, f"{size}: write-ahead log", "bytes/sample", [wal / done / seconds])
    for table, bytes_ in rows.items():
        report.figure(ROW, f"{size}: a row of {table}", "bytes", [bytes_], "with its share of the indexes")


def ready(servers: Servers, report: Report, patients: int) -> tuple[Ward, str, dict[str, str]]:
    """Admit everybody and store that; the ward, the database's name, and a worker's settings."""
    topic, ward = topic_of(servers), Ward(patients)
    report.say(f"admitting {patients:,} patients")
    controls = [*ward.world.rules(range(PARTITIONS), default_rule_set()), *ward.world.admission(interval_s=READING_S)]
    append(servers.kafka.client(), topic, controls)
    database = prepared(servers, topic, ward, ends(servers.kafka.bootstrap, topic))
    return ward, database, worker_environment(servers, database, topic, ward.world.master)


def orders_of(servers: Servers, ward: Ward, environment: dict[str, str], warm: int, measured: int) -> Orders:
    """The orders of the process that sends."""
    secrets = servers.home / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_bytes(msgspec.msgpack.encode(ward.world.secrets))
    kafka, topic = environment["VIGIL_KAFKA"], environment["VIGIL_TOPIC"]
    return Orders(kafka, topic, str(secrets), warm, measured, str(servers.home / "notes.npy"))


class _Found(msgspec.Struct):
    """``notes``: partition, offset, sent ns, appended ms of each record of the measured time, ``committed``: ns."""

    notes: Notes
    committed: Notes
    steps: list[Step]
    memory: int
    peak: int


def _report(report: Report, found: _Found, patients: int, totals: dict[str, float]) -> float:
    """Says what one size comes to; samples a second that were committed."""
    sent, committed, size = found.notes[:, 2], found.committed, f"{patients // 1000}k"
    first, last = int(sent.min()), int(sent.max())
    within = [step for step in found.steps if first <= step.at <= last]
    if len(within) < 3:
        raise BenchmarkError(f"{patients:,} patients: the worker committed nothing while it was measured.")
    wall, cpu = within[-1].at - within[0].at, within[-1].cpu - within[0].cpu
    samples, asked = sum(step.samples for step in within[1:]), patients / READING_S * len(VITALS)
    waits, own = (committed - sent) / 1e9, committed / 1e9 - found.notes[:, 3] / 1e3
    p99, grown = float(np.percentile(waits, 99)), growth(sent, found.steps)
    what = f"{patients:,} patients, a reading of {len(VITALS)} vitals each {READING_S} s, a heartbeat each {HEARTBEAT_S} s"
    way = "from produce() at the gateway until the worker knows of the commit"
    for name, unit, value, description in (
        ("sent", "samples/s", asked, what),
        ("committed", "samples/s", samples / wall * 1e9, "while those were sent"),
        ("worker's CPU", "ns/sample", cpu / samples, "all threads, while those were sent"),
        ("rounds", "1/s", len(within) / wall * 1e9, "transactions"),
        ("sample → committed, p50", "s", float(np.percentile(waits, 50)), way),
        ("sample → committed, p99", "s", p99, way),
        ("sample → committed, max", "s", float(waits.max()), way),
        ("appended → committed, p99", "s", float(np.percentile(own, 99)), "from the broker's time stamp on"),
        ("growth of the lag / what arrives", "x", grown, "slope of those that wait, looked at each second"),
        ("memory at the end", "GB", found.memory / 2**30, "RSS"),
        ("memory, peak", "GB", found.peak / 2**30, "RSS"),
        ("sender behind its plan, at most", "s", max(totals["latest_s"], 1e-3), "it shares the cores too"),
    ):
        report.figure(ROW, f"{size}: {name}", unit, [value], description)
    if report.quick or patients == SIZES[-1]:
        cores = cpu / samples * asked / 1e9
        report.goal(ROW, f"{size}: worker's CPU a sample, times what is sent", cores, "<=", CORES, "cores")
        report.goal(ROW, f"{size}: worker's memory, at its peak", found.peak / 2**30, "<=", MEMORY_GB, "GB RSS")
        report.goal(ROW, f"{size}: sample → committed, p99", p99, "<=", COMMITTED_S, "s")
        report.goal(ROW, f"{size}: growth of the lag / what arrives", grown, "<=", GROWTH)
    return samples / wall * 1e9


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


class Sending:
    """The process that sends; it is ended with the block."""

    def __init__(self, orders: Orders) -> None:
        environment = os.environ | {"BENCH_LOAD": msgspec.json.encode(orders).decode(), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.loads.patients_load"]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=ROOT)

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


def sleep_beside(load: subprocess.Popen[bytes], worker: Child, seconds: float) -> None:
    """Let time pass while both run.

    Raises:
        ContenderError: one of them ended.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not worker.running or load.poll() is not None:
            raise ContenderError("worker or sender", "ended too early", worker.tail())
        time.sleep(0.2)


def sent_by(load: subprocess.Popen[bytes], limit: float) -> dict[str, Any]:
    """The totals of the process that sends, at its end."""
    try:
        out, _ = load.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"The sender had not ended {limit:.0f} s after its time.") from None
    return dict(msgspec.json.decode(out.splitlines()[-1]))
