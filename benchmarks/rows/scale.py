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
from typing import Final

from benchmarks.figures import Report
from benchmarks.loads.observation import Observed, wait
from benchmarks.loads.prepared import Log, fill_logs
from benchmarks.loads.spending import resident, spent
from benchmarks.loads.ward import worker_environment
from benchmarks.servers import GROWING, Servers
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from devices.wire.batch import PARTITIONS

ROW: Final = "scale"
BROKERS: Final = 3
BATCHES: Final = (1, 60)
CPU: Final = {"workers'": "all workers", "database's": "the whole server", "brokers'": "reading only"}
_READY_S: Final = 120.0


@dataclass(frozen=True)
class Found:
    """The result of one run; CPU of the workers, the database and the brokers in turns of the fixed loop a sample stored."""

    samples_a_s: float
    cpu: list[float]
    wal_bytes: float
    row_bytes: dict[str, float]
    shares: list[float]
    samples: int
    peak_mb: float


def scale(servers: Servers, report: Report, repetitions: int) -> None:
    patients, seconds, counts = (256, 3, (1, 2)) if report.quick else (4000, 70, (1, 2, 4))
    with cluster(servers, report) as three:
        report.say(f"{ROW}: admitting {patients} patients twice; then {seconds} s of log, as time passes")
        spans = dict.fromkeys(BATCHES, seconds)  # long enough for minutes to be closed in it
        logs = fill_logs(three, patients, spans, BROKERS)
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


def _run(servers: Servers, report: Report, log: Log, count: int) -> Found:
    database, group = servers.database(log.template), f"scale-{secrets.token_hex(4)}"
    servers.settle()
    go = servers.home / f"{group}.go"
    environment = worker_environment(servers, database, log.topic, log.ward.world.master, group)
    environment |= {"VIGIL_WORKER_CLOCK": "false", "BENCH_GATE": str(go)}
    with ExitStack() as running:
        workers = [running.enter_context(Observed(f"worker {n + 1}", servers.home, environment)) for n in range(count)]
        _wait_for_shares(servers, database, workers)
        turn = report.turn()
        pids = [worker.child.pid for worker in workers]
        own, before, begin = spent(pids), servers.spent(), time.time_ns()
        go.touch()
        steps = wait(workers, log.messages)
        data, kafka, wal = (servers.spent() - before).tolist()
        own = spent(pids) - own
        peak, turn = max(resident(pid) for pid in pids) / 2**20, (turn + report.turn()) / 2
    samples = [sum(step.samples for step in each) for each in steps]
    total, last = sum(samples), max(each[-1].at for each in steps)
    rows = servers.row_bytes(database)
    servers.drop(database)
    rate = total / (last - begin) * 1e9
    report.say(f"  {count} at work: {rate:,.0f} samples/s, {own / total * 1e9:,.0f} ns of the workers' CPU a sample")
    shares = [each / total for each in samples]
    cpu = [1e9 * each / total / turn for each in (own, data, kafka)]
    return Found(rate, cpu, wal / total, rows, shares, total, peak)


def _wait_for_shares(servers: Servers, database: str, workers: list[Observed]) -> None:
    """Wait until the partitions are spread over all workers, none with two more than another."""
    looks: list[bool] = []

    def fair() -> bool:
        time.sleep(0.5)
        owners = "SELECT count(*) FROM ledger JOIN pg_stat_activity ON pid = owner GROUP BY owner"
        counts = [held for (held,) in servers.query(owners, database)]
        looks.append(len(counts) == len(workers) and sum(counts) == PARTITIONS and max(counts) - min(counts) <= 1)
        return looks[-3:] == [True] * 3  # three looks in a row: a rebalance may be under way

    for worker in workers:
        worker.child.wait_until(fair, _READY_S)


def _report(report: Report, readings: int, log: Log, found: dict[int, list[Found]]) -> None:
    ns = statistics.median(report.turns)
    for count, runs in found.items():
        name = f"{count} worker{'s' if count > 1 else ''}, {readings} a batch"
        least = min(min(run.shares) for run in runs)
        what = f"from the moment all may read until the last commit; the idlest worker had {least:.0%} of the samples"
        report.figure(ROW, f"{name}: committed", "samples/s", [run.samples_a_s for run in runs], what)
        for n, (whose, of) in enumerate(CPU.items()):
            report.figure(ROW, f"{name}: {whose} CPU", "ns/sample", [run.cpu[n] * ns for run in runs], of)
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
