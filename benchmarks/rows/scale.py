"""One, two and four workers on three brokers: how much the whole path commits, and what a sample costs each part.

The same prepared log for each number of workers, with 1 and with 60 readings a batch.  Brokers, database and all workers
share the cores of one machine, so the curve says where those end; CPU a sample says what the next machine must give.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import psycopg

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.loads.filled import Log, fill_logs
from benchmarks.loads.observation import Observed, Step
from benchmarks.loads.spending import resident, spent
from benchmarks.loads.ward import worker_environment
from benchmarks.servers import Servers
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from deploy.stack.topics import Topic, vitals_topic
from devices.wire.batch import PARTITIONS

ROW: Final = "scale"
BROKERS: Final = 3
BATCHES: Final = (1, 60)
GROWING: Final = ("reading", "rollup_minute")
"""Tables that a day of log makes longer by much."""
_READY_S: Final = 120.0
_END_S: Final = 300.0


@dataclass(frozen=True)
class Found:
    """The result of one run; CPU in turns of the fixed loop a sample stored."""

    samples_a_s: float
    worker: float
    database: float
    brokers: float
    wal_bytes: float
    row_bytes: dict[str, float]
    shares: list[float]
    samples: int
    peak_mb: float


def scale(servers: Servers, report: Report, repetitions: int) -> None:
    patients, seconds, counts = (256, 3, (1, 2)) if report.quick else (4000, 70, (1, 2, 4))
    with cluster(servers, report) as three:
        report.say(f"{ROW}: admitting {patients} patients twice; then {seconds} s of log, as time passes")
        spans, topic, size = dict.fromkeys(BATCHES, seconds), partial(topic_of, three), partial(log_bytes, three)
        logs = fill_logs(three, patients, spans, topic, size)  # long enough for minutes to be closed in it
        for readings, log in logs.items():
            found: dict[int, list[Found]] = {count: [] for count in counts}
            for nth in range(repetitions):
                report.say(f"{ROW}: repetition {nth + 1} of {repetitions}, {readings} a batch")
                for count in counts:
                    found[count].append(_run(three, report, log, count))
            _report(report, readings, log, found)
            three.drop(log.template)
    report.notes.append(
        f"{ROW}: brokers ({1 if report.quick else BROKERS}), database and all workers shared the cores of one machine:"
        " samples/s says where those end, CPU a sample what each part needs."
    )


@contextmanager
def cluster(
    servers: Servers, report: Report, brokers: int = BROKERS, settings: Mapping[str, str] | None = None
) -> Iterator[Servers]:
    """Servers with ``brokers`` brokers and, if given, ``settings`` of a database of its own; in a quick run ``servers``."""
    with ExitStack() as running:
        kafka, postgres = servers.kafka, servers.postgres
        if not report.quick:
            report.say(f"starting {brokers} brokers of its own")
            kafka = running.enter_context(Kafka(servers.home / f"kafka-{brokers}", brokers=brokers, heap_mb=512))
            if settings:
                postgres = running.enter_context(Postgres(servers.home / "postgres-large", settings=settings))
        yield running.enter_context(Servers(report.say, kafka, postgres))


def topic_of(servers: Servers) -> str:
    """A fresh topic as three brokers have it: no write waits for a disk."""
    name = f"bench-{secrets.token_hex(4)}"
    servers.kafka.create(Topic(name, PARTITIONS, vitals_topic(brokers=BROKERS).options))
    return name


def broker_pids(servers: Servers) -> list[int]:
    return [child.pid for child in servers.kafka.children.values()]


def database_pid(servers: Servers) -> int:
    assert servers.postgres.child
    return servers.postgres.child.pid


def log_bytes(servers: Servers, topic: str) -> int:
    """The bytes of a topic's records on the disk of one broker."""
    files = (servers.kafka.home / "broker-1" / "data").glob(f"{topic}-*/*.log")
    return sum(file.stat().st_size for file in files)


def wal_position(servers: Servers) -> int:
    """Bytes of write-ahead log so far."""
    with psycopg.connect(servers.postgres.url, autocommit=True) as db:
        row = db.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
    assert row
    return int(row[0])


def row_bytes(servers: Servers, database: str) -> dict[str, float]:
    """Bytes a row of the tables that grow, indexes included."""
    found = {}
    with psycopg.connect(servers.url(database), autocommit=True) as db:
        for table in GROWING:
            row = db.execute(f"SELECT pg_total_relation_size('{table}'), count(*) FROM {table}".encode()).fetchone()
            assert row
            if row[1]:
                found[table] = row[0] / row[1]
    return found


def _run(servers: Servers, report: Report, log: Log, count: int) -> Found:
    database, group = servers.database(log.template), f"scale-{secrets.token_hex(4)}"
    servers.settle()
    go = servers.home / f"{group}.go"
    environment = worker_environment(servers, database, log.topic, log.ward.world.master, group)
    environment |= {"VIGIL_WORKER_CLOCK": "false", "BENCH_GATE": str(go)}
    with ExitStack() as running:
        workers = [
            running.enter_context(Observed(f"worker {n + 1}", "benchmarks.loads.observed_worker", servers.home, environment))
            for n in range(count)
        ]
        _wait_for_shares(servers, database, workers)
        turn = report.turn()
        pids = [worker.child.pid for worker in workers]
        own, data, kafka = spent(pids), spent([database_pid(servers)]), spent(broker_pids(servers))
        begin, wal = time.time_ns(), wal_position(servers)
        go.touch()
        steps = _wait(workers, log.messages)
        wal = wal_position(servers) - wal
        own, data, kafka = (
            spent(pids) - own, spent([database_pid(servers)]) - data, spent(broker_pids(servers)) - kafka
        )  # fmt: skip
        peak, turn = max(resident(pid) for pid in pids) / 2**20, (turn + report.turn()) / 2
    samples = [sum(step.samples for step in each) for each in steps]
    total, last = sum(samples), max(each[-1].at for each in steps)
    rows = row_bytes(servers, database)
    servers.drop(database)
    rate = total / (last - begin) * 1e9
    report.say(f"  {count} at work: {rate:,.0f} samples/s, {own / total * 1e9:,.0f} ns of the workers' CPU a sample")
    shares = [each / total for each in samples]
    worker, server, brokers = (1e9 * cpu / total / turn for cpu in (own, data, kafka))
    return Found(rate, worker, server, brokers, wal / total, rows, shares, total, peak)


def _wait_for_shares(servers: Servers, database: str, workers: list[Observed]) -> None:
    """Wait until the partitions are spread over all workers, none with two more than another."""
    end, even = time.monotonic() + _READY_S, 0
    while even < 3:  # three looks in a row: a rebalance may be under way
        with psycopg.connect(servers.url(database)) as db:
            held = db.execute("SELECT count(*) FROM ledger JOIN pg_stat_activity ON pid = owner GROUP BY owner").fetchall()
        counts = [row[0] for row in held]
        fair = len(counts) == len(workers) and sum(counts) == PARTITIONS and max(counts) - min(counts) <= 1
        even = even + 1 if fair else 0
        for worker in workers:
            if not worker.child.running:
                raise BenchmarkError(f"A worker ended before it had partitions; the end of its log:\n{worker.child.tail()}")
        if time.monotonic() > end:
            raise BenchmarkError(f"{len(workers)} workers had not shared the partitions within {_READY_S:.0f} s: {counts}.")
        time.sleep(0.5)


def _wait(workers: list[Observed], messages: int) -> list[list[Step]]:
    """The steps of each worker once all is committed."""
    end = time.monotonic() + _END_S
    while True:
        steps = [worker.steps() for worker in workers]
        done = sum(step.messages for each in steps for step in each)
        if done >= messages and all(steps):
            return steps
        if time.monotonic() > end or not all(worker.child.running for worker in workers):
            raise BenchmarkError(f"{len(workers)} workers came to {done} of {messages} messages.")
        time.sleep(0.05)


def _report(report: Report, readings: int, log: Log, found: dict[int, list[Found]]) -> None:
    ns = statistics.median(report.turns)
    for count, runs in found.items():
        name = f"{count} worker{'s' if count > 1 else ''}, {readings} a batch"
        least = min(min(run.shares) for run in runs)
        what = f"from the moment all may read until the last commit; the idlest worker had {least:.0%} of the samples"
        report.figure(ROW, f"{name}: committed", "samples/s", [run.samples_a_s for run in runs], what)
        report.figure(ROW, f"{name}: workers' CPU", "ns/sample", [run.worker * ns for run in runs], "all workers")
        report.figure(ROW, f"{name}: database's CPU", "ns/sample", [run.database * ns for run in runs], "the whole server")
        report.figure(ROW, f"{name}: brokers' CPU", "ns/sample", [run.brokers * ns for run in runs], "reading only")
        report.figure(ROW, f"{name}: worker's memory", "MB", [run.peak_mb for run in runs], "RSS of the largest, at the end")
    stored = {run.samples for runs in found.values() for run in runs}
    report.check(f"{ROW}: {readings} a batch: any number of workers stores the same samples", len(stored) == 1)
    alone = next(iter(found.values()))
    report.figure(ROW, f"write-ahead log, {readings} a batch", "bytes/sample", [run.wal_bytes for run in alone])
    for table in GROWING:
        if all(table in run.row_bytes for run in alone):
            values = [run.row_bytes[table] for run in alone]
            report.figure(ROW, f"a row of {table}, {readings} a batch", "bytes", values, "with its share of the indexes")
    report.figure(ROW, f"a record in the log, {readings} a batch", "bytes", [log.record_bytes],
                  "on one broker, clock records included, batched as a single producer batches")  # fmt: skip
