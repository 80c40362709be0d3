"""One worker, 100,000 patients of five vitals, a reading each ten seconds: does it keep up, and what does it cost.

The worker as deployed, on a broker and a database that share the cores with it and with the process that sends.  The
rings are full before anything is counted: what they hold is most of a worker's memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import psycopg

from alerts.rules.defaults import default_rule_set
from benchmarks.errors import BenchmarkError, ContenderError
from benchmarks.figures import Report
from benchmarks.observation import Observed, Step
from benchmarks.patients_load import HEARTBEAT_S, READING_S, VITALS, Orders
from benchmarks.prepared import prepared
from benchmarks.reading import ends
from benchmarks.scale import broker_pids, cluster, database_pid, row_bytes, topic_of, wal_position
from benchmarks.servers import Servers
from benchmarks.spending import peak_resident, resident, spent
from benchmarks.ward import Ward, append
from devices.batch import PARTITIONS

ROW: Final = "worker"
CORES: Final = 1.0
MEMORY_GB: Final = 2.0
COMMITTED_S: Final = 2.0
GROWTH: Final = 0.01
"""Of what arrives: so much may the lag grow (it moves from second to second)."""
_READY_S: Final = 180.0
_DRAIN_S: Final = 60.0
_ROOT: Final = Path(__file__).resolve().parents[1]
Notes = npt.NDArray[np.int64]


def worker(servers: Servers, report: Report, _repetitions: int) -> None:
    """Once: it takes ten minutes, most of them for the rings to fill."""
    patients, warm, measured = (5000, 12, 15) if report.quick else (100_000, 345, 120)
    with cluster(servers, report, brokers=1, settings={"shared_buffers": "1GB", "max_wal_size": "8GB"}) as own:
        _measure(own, report, patients, warm, measured)
    report.notes.append(
        f"{ROW}: broker, database and the process that sends shared {len(os.sched_getaffinity(0))} cores with the worker and"
        " with whatever else ran: CPU is the worker's own, waits are of all of them together. The broker had one connection,"
        " not one a gateway."
    )


def _measure(servers: Servers, report: Report, patients: int, warm: int, measured: int) -> None:
    topic, ward = topic_of(servers), Ward(patients)
    report.say(f"{ROW}: admitting {patients:,} patients")
    said = [*ward.world.rules(range(PARTITIONS), default_rule_set()), *ward.world.admission(interval_s=READING_S)]
    append(servers.kafka.client(), topic, said)
    database = prepared(servers, topic, ward, ends(servers.kafka.bootstrap, topic))
    environment = {
        "VIGIL_DATABASE": servers.url(database), "VIGIL_KAFKA": servers.kafka.bootstrap, "VIGIL_TOPIC": topic,
        "VIGIL_MASTER_KEY_FILE": str(ward.world.write_master(servers.home)), "VIGIL_WORKER_GROUP": topic,
    }  # fmt: skip
    secrets = servers.home / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_bytes(msgspec.msgpack.encode(ward.world.secrets))
    orders = Orders(servers.kafka.bootstrap, topic, str(secrets), warm, measured, str(servers.home / "notes.npy"))
    with Observed("worker", "benchmarks.observed_worker", servers.home, environment) as one:
        begin = time.monotonic()
        _wait_for_all(one)
        report.say(f"{ROW}: all partitions are read {time.monotonic() - begin:.1f} s after the start of the process")
        report.say(f"{ROW}: {warm} s until the rings are full, then {measured} s that count")
        report.turn()
        with _Sending(orders) as load:
            _sleep(load, one, warm + 2)
            data, kafka, wal = spent([database_pid(servers)]), spent(broker_pids(servers)), wal_position(servers)
            _sleep(load, one, measured - 3)
            data, kafka = spent([database_pid(servers)]) - data, spent(broker_pids(servers)) - kafka
            wal, seconds = wal_position(servers) - wal, measured - 3
            told = _told(load, measured + _DRAIN_S)
        notes = np.load(orders.file)
        committed = _committed(one, notes)
        memory, peak = resident(one.child.pid), peak_resident(one.child.pid)
        steps = one.steps()
    report.turn()
    rows = row_bytes(servers, database)
    with psycopg.connect(servers.url(database)) as db:
        row = db.execute("SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM rejected)").fetchone()
    servers.drop(database)
    report.check(f"{ROW}: every reading was stored, none refused", row == (told["readings"], 0) and not told["failed"])
    samples = patients / READING_S * len(VITALS)
    _report(report, _Found(notes, committed, steps, memory, peak), patients, told)
    per = 1e9 / (samples * seconds)
    report.figure(ROW, "database's CPU", "ns/sample", [data * per], "the whole server, live")
    report.figure(ROW, "broker's CPU", "ns/sample", [kafka * per], "one broker, one connection for all gateways, no sync")
    report.figure(ROW, "write-ahead log", "bytes/sample", [wal / (samples * seconds)])
    for table, size in rows.items():
        report.figure(ROW, f"a row of {table}", "bytes", [size], "with its share of the indexes")


class _Found(msgspec.Struct):
    """``notes``: partition, offset, sent ns, appended ms of each record of the measured time, ``committed``: ns."""

    notes: Notes
    committed: Notes
    steps: list[Step]
    memory: int
    peak: int


def _report(report: Report, found: _Found, patients: int, told: dict[str, float]) -> None:
    sent, committed = found.notes[:, 2], found.committed
    first, last = int(sent.min()), int(sent.max())
    within = [step for step in found.steps if first <= step.at <= last]
    wall, cpu = within[-1].at - within[0].at, within[-1].cpu - within[0].cpu
    samples = sum(step.samples for step in within[1:])
    what = f"{patients:,} patients, a reading of {len(VITALS)} vitals each {READING_S} s, a heartbeat each {HEARTBEAT_S} s"
    report.figure(ROW, "committed", "samples/s", [samples / wall * 1e9], what)
    report.figure(ROW, "worker's CPU", "ns/sample", [cpu / samples], "all threads, over the measured time")
    report.figure(ROW, "rounds", "1/s", [len(within) / wall * 1e9], "transactions")
    waits = (committed - sent) / 1e9
    for quantile in (50, 99, 100):
        name = "max" if quantile == 100 else f"p{quantile}"
        report.figure(ROW, f"sample → committed, {name}", "s", [float(np.percentile(waits, quantile))],
                      "from produce() at the gateway until the worker knows of the commit")  # fmt: skip
    own = committed / 1e6 - found.notes[:, 3]
    late = float(np.percentile(own, 99)) / 1000
    report.figure(ROW, "appended → committed, p99", "s", [late], "from the broker's time stamp on")
    report.figure(ROW, "memory at the end", "GB", [found.memory / 2**30], "RSS")
    report.figure(ROW, "sender behind its plan, at most", "s", [max(told["latest_s"], 1e-3)], "it shares the cores too")
    report.goal(ROW, "worker's CPU", cpu / wall, "<=", CORES, "cores")
    report.goal(ROW, "worker's memory, at its peak", found.peak / 2**30, "<=", MEMORY_GB, "GB RSS")
    report.goal(ROW, "sample → committed, p99", float(np.percentile(waits, 99)), "<=", COMMITTED_S, "s")
    report.goal(ROW, "growth of the lag / what arrives", growth(sent, committed), "<=", GROWTH)


def growth(sent: Notes, committed: Notes) -> float:
    """Messages a second by which those that wait become more, as a share of those that come; looked at each second.  Both
    [n], ns.
    """
    sent, committed = np.sort(sent), np.sort(committed)
    at = np.arange(sent[0] + 10**9, sent[-1], 10**9)
    waiting = np.searchsorted(sent, at) - np.searchsorted(committed, at)
    slope = np.polynomial.Polynomial.fit(np.arange(len(at)), waiting, 1).convert().coef[-1]
    return float(slope / (len(sent) / ((sent[-1] - sent[0]) / 1e9)))


def committed_at(steps: list[Step], notes: Notes) -> Notes:
    """ns at which the worker knew of the commit of each note; -1: not yet."""
    moves = np.array([(p, after, step.at) for step in steps for p, _, after in step.moves], np.int64)
    found = np.full(len(notes), -1, np.int64)
    for partition in range(PARTITIONS):
        mine, which = moves[moves[:, 0] == partition], np.flatnonzero(notes[:, 0] == partition)
        at = np.searchsorted(mine[:, 1], notes[which, 1], side="right")
        found[which[at < len(mine)]] = mine[at[at < len(mine)], 2]
    return found


def _committed(one: Observed, notes: Notes) -> Notes:
    """The same, once all are."""
    end = time.monotonic() + _DRAIN_S
    while True:
        found = committed_at(one.steps(), notes)
        if (found >= 0).all():
            return found
        if time.monotonic() > end or not one.child.running:
            raise BenchmarkError(f"{(found < 0).sum()} records were not committed within {_DRAIN_S:.0f} s.")
        time.sleep(1)


def _wait_for_all(one: Observed) -> None:
    """Until clock records of every partition are committed."""
    end = time.monotonic() + _READY_S
    while len({partition for step in one.steps() for partition, _, _ in step.moves}) < PARTITIONS:
        if time.monotonic() > end or not one.child.running:
            raise BenchmarkError(f"The worker did not take all partitions; the end of its log:\n{one.child.tail()}")
        time.sleep(0.2)


class _Sending:
    """The process that sends; it is ended with the block."""

    def __init__(self, orders: Orders) -> None:
        environment = os.environ | {"BENCH_LOAD": msgspec.json.encode(orders).decode(), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.patients_load"]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=_ROOT)

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)


def _sleep(load: subprocess.Popen[bytes], one: Observed, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not one.child.running or load.poll() is not None:
            raise ContenderError("worker or sender", "ended too early", one.child.tail())
        time.sleep(0.2)


def _told(load: subprocess.Popen[bytes], limit: float) -> dict[str, Any]:
    try:
        out, _ = load.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"The sender had not ended {limit:.0f} s after its time.") from None
    return dict(msgspec.json.decode(out.splitlines()[-1]))
