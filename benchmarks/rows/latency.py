"""The time from produce to commit, at a thousand messages a second."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
from confluent_kafka import Producer

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.loads.bare import bare_arrivals, bare_commits
from benchmarks.loads.observation import Delivered, Notes, Observed, Step, commit_times
from benchmarks.loads.prepared import admit, prepared
from benchmarks.loads.ward import Ward, worker_environment
from benchmarks.servers import Servers
from simulators.sealed_log import now_ms

ROW: Final = "latency"
SETTLE_S: Final = 3
LEAST_MS: Final = 0.5  # time stamps are whole ms
WHOLE, BROKER, WORKER = "produce → committed", "produce → appended", "appended → committed"
CONSUMED, COMMITTED = "bare produce → consume", "bare commit"
WHAT: Final = {
    WHOLE: "from produce() until the worker knows of the commit",
    BROKER: "until the broker's own time stamp (ms): linger 5 ms, acks=all, and a single broker syncs every batch to disk",
    WORKER: "from that time stamp until the worker knows of the commit",
    CONSUMED: "the same messages to a bare confluent-kafka consumer, before the worker starts",
    COMMITTED: "a transaction of one row into a table without an index, 20 a second, beside them",
}
GOAL: Final = 3.0
Waits = npt.NDArray[np.float64]
_READY_S: Final = 60.0
_STORED_S: Final = 60.0


def latency(servers: Servers, report: Report, repetitions: int) -> None:
    rate, seconds = (200, 5) if report.quick else (1000, 25)
    topic, ward = servers.topic(), Ward(rate)
    database = prepared(servers, topic, ward, admit(servers, topic, ward))
    environment = worker_environment(servers, database, topic, ward.world.master)
    busy: list[float] = []
    found: dict[str, list[Waits]] = {name: [] for name in WHAT}
    for _ in range(repetitions):
        report.say(f"{ROW}: {rate} messages a second to a bare consumer for {seconds} s")
        for name, bare_waits in zip((CONSUMED, COMMITTED), _bare(servers, rate, seconds), strict=True):
            found[name].append(bare_waits)
    with Observed("worker", servers.home, environment) as worker:
        worker.wait_for_partitions(_READY_S)
        for _ in range(repetitions):
            report.say(f"{ROW}: {rate} messages a second for {seconds} s")
            rated = _produce(servers, topic, ward, rate, seconds)[SETTLE_S * rate :]
            committed, left = commit_times(worker, rated, _STORED_S)
            if left:
                raise BenchmarkError(f"{left} messages were not committed within {_STORED_S:.0f} s.")
            sent, appended = rated[:, 2], rated[:, 3]
            found[WHOLE].append((committed - sent) / 1e6)
            found[BROKER].append(appended - sent / 1e6)
            found[WORKER].append(committed / 1e6 - appended)
            busy.append(100 * _share(worker.steps(), sent[0], committed.max()))
    report.check(
        f"{ROW}: every reading was stored, none refused", servers.stored(database) == (rate * (seconds * repetitions + 1), 0)
    )
    for name, waits in found.items():
        what = f"{rate}/s, a reading of 4 vitals each: {WHAT[name]}"
        report.quantiles(ROW, name, "ms", waits, what, (50, 99, 100), LEAST_MS)
    report.figure(ROW, "the worker meanwhile", "% of a core", busy, f"{rate} messages of a reading a second")
    p99 = {name: np.maximum([np.percentile(one, 99) for one in waits], LEAST_MS) for name, waits in found.items()}
    bare = (p99[CONSUMED] + p99[COMMITTED]).tolist()
    report.ratio(ROW, f"{WHOLE} / ({CONSUMED} + {COMMITTED}), p99", p99[WHOLE].tolist(), bare, "<=", GOAL)
    servers.drop(database)


def _share(steps: list[Step], begin: int, end: int) -> float:
    """CPU a second of the process between two times in ns."""
    within = [step for step in steps if begin <= step.at <= end]
    return (within[-1].cpu - within[0].cpu) / (within[-1].at - within[0].at)


def _bare(servers: Servers, rate: int, seconds: int) -> tuple[Waits, Waits]:
    """ms from produce() to a bare consumer, and of bare commits meanwhile."""
    topic = servers.topic()
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(bare_arrivals, servers.kafka.bootstrap, topic, rate * seconds, seconds + _STORED_S)
        committing = pool.submit(bare_commits, servers, seconds)
        produced = _produce(servers, topic, Ward(rate), rate, seconds)
    found, errors = reading.result()
    arrived = [found.get((partition, offset)) for partition, offset, *_ in produced.tolist()]
    if missing := arrived.count(None):
        one = produced[arrived.index(None)].tolist()
        what = f"{missing} messages, {one} for one, did not reach the bare consumer within {_STORED_S:.0f} s"
        raise BenchmarkError(f"{what}; it was told of errors: {errors[:3] or 'none'}.")
    consumed = (np.array(arrived, np.int64) - produced[:, 2]) / 1e6
    return consumed[SETTLE_S * rate :], np.array(committing.result())


def _produce(servers: Servers, topic: str, ward: Ward, rate: int, seconds: int) -> Notes:
    """Send evenly spaced messages, and wait until the broker has all; their notes, as they were sent."""
    delivered, total = Delivered(), rate * seconds
    producer = Producer({**servers.kafka.client(), "linger.ms": 5, "acks": "all", "enable.idempotence": True})
    begin = time.monotonic()
    for n in range(total):
        record = next(ward.batches([n % rate + 1], now_ms() - 1000, 1))
        time.sleep(max(0.0, begin + n / rate - time.monotonic()))
        producer.produce(topic, record.value, record.key, record.partition, on_delivery=delivered.noting(time.time_ns()))
        producer.poll(0)
    if producer.flush(30) or len(delivered.rows) < total:
        raise BenchmarkError("Kafka did not take the messages of the latency row within 30 s.")
    notes = delivered.notes()
    return notes[notes[:, 2].argsort(kind="stable")]
