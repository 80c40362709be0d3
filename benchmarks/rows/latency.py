"""The time from produce to commit, at a thousand messages a second."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import Producer

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.loads.bare import BareConsumer, bare_commits
from benchmarks.loads.observation import Observed, Step, commit_times
from benchmarks.loads.prepared import admit, prepared
from benchmarks.loads.ward import Ward, worker_environment
from benchmarks.servers import Servers
from simulators.sealed_log import now_ms

ROW: Final = "latency"
SETTLE_S: Final = 3
WHOLE, BROKER, WORKER = "produce → committed", "produce → appended", "appended → committed"
PARTS: Final = {
    WHOLE: "from produce() until the worker knows of the commit",
    BROKER: "until the broker's own time stamp (ms): linger 5 ms, acks=all, and a single broker syncs every batch to disk",
    WORKER: "from that time stamp until the worker knows of the commit",
}
CONSUMED, COMMITTED = "bare produce → consume", "bare commit"
BARE: Final = {
    CONSUMED: "the same messages to a bare confluent-kafka consumer, before the worker starts",
    COMMITTED: "a transaction of one row into a table without an index, 20 a second, beside them",
}
GOAL: Final = 3.0
Waits = list[float]
_READY_S: Final = 60.0
_STORED_S: Final = 60.0


class Produced(NamedTuple):
    """A message: when it was given to the producer (ns), and when the broker appended it (ms)."""

    partition: int
    offset: int
    at: int
    appended: int


def latency(servers: Servers, report: Report, repetitions: int) -> None:
    rate, seconds = (200, 5) if report.quick else (1000, 25)
    topic, ward = servers.topic(), Ward(rate)
    database = prepared(servers, topic, ward, admit(servers, topic, ward))
    environment = worker_environment(servers, database, topic, ward.world.master)
    busy: list[float] = []
    found: dict[str, list[Waits]] = {name: [] for name in (*PARTS, *BARE)}
    for _ in range(repetitions):
        report.say(f"{ROW}: {rate} messages a second to a bare consumer for {seconds} s")
        consumed, committing = _bare(servers, rate, seconds)
        found[CONSUMED].append(consumed)
        found[COMMITTED].append(committing)
    with Observed("worker", "benchmarks.loads.observed_worker", servers.home, environment) as worker:
        worker.wait_for_partitions(_READY_S)
        for _ in range(repetitions):
            report.say(f"{ROW}: {rate} messages a second for {seconds} s")
            produced = _produce(servers, topic, ward, rate, seconds)
            rated = sorted(produced, key=lambda one: one.at)[SETTLE_S * rate :]
            committed, left = commit_times(worker, np.array(rated, np.int64), _STORED_S)
            if left:
                raise BenchmarkError(f"{left} messages were not committed within {_STORED_S:.0f} s.")
            done = committed.tolist()
            found[WHOLE].append([(end - one.at) / 1e6 for one, end in zip(rated, done, strict=True)])
            found[BROKER].append([one.appended - one.at / 1e6 for one in rated])
            found[WORKER].append([end / 1e6 - one.appended for one, end in zip(rated, done, strict=True)])
            busy.append(100 * _share(worker.steps(), rated[0].at, max(done)))
    report.check(
        f"{ROW}: every reading was stored, none refused", servers.stored(database) == (rate * (seconds * repetitions + 1), 0)
    )
    for name, waits in found.items():
        what = f"{rate}/s, a reading of 4 vitals each: {(PARTS | BARE)[name]}"
        for quantile, label in ((50, "p50"), (99, "p99"), (100, "max")):
            report.figure(ROW, f"{name}, {label}", "ms", _quantiles(waits, quantile), what)
    report.figure(ROW, "the worker meanwhile", "% of a core", busy, f"{rate} messages of a reading a second")
    whole, consumed, committing = (_quantiles(found[name], 99) for name in (WHOLE, CONSUMED, COMMITTED))
    bare = [one + other for one, other in zip(consumed, committing, strict=True)]
    report.ratio(ROW, f"{WHOLE} / ({CONSUMED} + {COMMITTED}), p99", whole, bare, "<=", GOAL)
    servers.drop(database)


def _share(steps: list[Step], begin: int, end: int) -> float:
    """CPU a second of the process between two times in ns."""
    within = [step for step in steps if begin <= step.at <= end]
    return (within[-1].cpu - within[0].cpu) / (within[-1].at - within[0].at)


def _quantiles(waits: list[Waits], quantile: int) -> list[float]:
    return [max(float(np.percentile(one, quantile)), 0.5) for one in waits]  # time stamps are whole ms


def _bare(servers: Servers, rate: int, seconds: int) -> tuple[Waits, Waits]:
    """ms from produce() to a bare consumer, and of bare commits meanwhile."""
    topic = servers.topic()
    with BareConsumer(servers.kafka.bootstrap, topic) as consumer, ThreadPoolExecutor(1) as pool:
        committing = pool.submit(bare_commits, servers, seconds)
        produced = _produce(servers, topic, Ward(rate), rate, seconds)
        end = time.monotonic() + _STORED_S
        while len(consumer.arrived) < len(produced) and time.monotonic() < end:
            time.sleep(0.1)
        rated = sorted(produced, key=lambda one: one.at)[SETTLE_S * rate :]
        if missing := [one for one in produced if (one.partition, one.offset) not in consumer.arrived]:
            what = f"{len(missing)} messages, {missing[0]} for one, did not reach the bare consumer within {_STORED_S:.0f} s"
            raise BenchmarkError(f"{what}; it was told of errors: {consumer.errors[:3] or 'none'}.")
        consumed = [(consumer.arrived[one.partition, one.offset] - one.at) / 1e6 for one in rated]
        return consumed, committing.result(_STORED_S)


def _produce(servers: Servers, topic: str, ward: Ward, rate: int, seconds: int) -> list[Produced]:
    """Send evenly spaced messages, and wait until the broker has all."""
    produced: list[Produced] = []

    def delivered(at: int) -> Any:
        def note(error: Any, message: Any) -> None:
            if error is None and message.offset() is not None:  # docs/decisions/0010: a lost one has no offset
                produced.append(Produced(message.partition(), message.offset(), at, message.timestamp()[1]))

        return note

    producer = Producer({**servers.kafka.client(), "linger.ms": 5, "acks": "all", "enable.idempotence": True})
    begin, total = time.monotonic(), rate * seconds
    for n in range(total):
        record = next(ward.batches([n % rate + 1], now_ms() - 1000, 1))
        time.sleep(max(0.0, begin + n / rate - time.monotonic()))
        producer.produce(topic, record.value, record.key, record.partition, on_delivery=delivered(time.time_ns()))
        producer.poll(0)
    if producer.flush(30) or len(produced) < total:
        raise BenchmarkError("Kafka did not take the messages of the latency row within 30 s.")
    return produced
