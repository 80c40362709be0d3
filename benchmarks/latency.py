"""From produce to committed, at a thousand messages a second."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
import psycopg
from confluent_kafka import Producer

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.observation import Observed, Step
from benchmarks.prepared import admit, prepared
from benchmarks.servers import Servers
from benchmarks.ward import Ward
from devices.batch import PARTITIONS
from tests.streams.producing import now_ms

ROW: Final = "latency"
SETTLE_S: Final = 3
_READY_S: Final = 60.0
_STORED_S: Final = 60.0


def latency(servers: Servers, report: Report, repetitions: int) -> None:
    rate, seconds = (200, 5) if report.quick else (1000, 25)
    topic, ward = servers.topic(), Ward(rate)
    database = prepared(servers, topic, ward, admit(servers, topic, ward))
    master = ward.world.write_master(servers.home)
    environment = {
        "VIGIL_DATABASE": servers.url(database),
        "VIGIL_KAFKA": servers.kafka.bootstrap,
        "VIGIL_TOPIC": topic,
        "VIGIL_MASTER_KEY_FILE": str(master),
        "VIGIL_WORKER_GROUP": topic,
    }
    p50: list[float] = []
    p99: list[float] = []
    top: list[float] = []
    with Observed("worker", "benchmarks.observed_worker", servers.home, environment) as worker:
        _wait_for_all(worker)
        for _ in range(repetitions):
            report.say(f"{ROW}: {rate} messages a second for {seconds} s")
            waits = _waits(servers, topic, ward, worker, rate, seconds)
            for values, quantile in ((p50, 50), (p99, 99), (top, 100)):
                values.append(float(np.percentile(waits, quantile)))
    with psycopg.connect(servers.url(database)) as db:
        row = db.execute("SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM rejected)").fetchone()
    report.check(f"{ROW}: every reading was stored, none refused", row == (rate * (seconds * repetitions + 1), 0))
    what = f"{rate}/s, a reading of 4 vitals each, from produce() (linger 5 ms) until the worker knows of the commit"
    for name, values in (("p50", p50), ("p99", p99), ("max", top)):
        report.figure(ROW, f"produce → committed, {name}", "ms", values, what)
    servers.drop(database)


def _wait_for_all(worker: Observed) -> None:
    """Until the clock records of every partition are committed."""
    end = time.monotonic() + _READY_S
    while len({partition for step in worker.steps() for partition, _, _ in step.moves}) < PARTITIONS:
        if time.monotonic() > end or not worker.child.running:
            raise BenchmarkError(f"The worker did not take all partitions; the end of its log:\n{worker.child.tail()}")
        time.sleep(0.2)


def _waits(servers: Servers, topic: str, ward: Ward, worker: Observed, rate: int, seconds: int) -> list[float]:
    """ms from produce to commit of each message after the first seconds."""
    produced: list[tuple[int, int, int]] = []  # partition, offset, ns

    def delivered(at: int) -> Any:
        def note(error: Any, message: Any) -> None:
            if error is None:
                produced.append((message.partition(), message.offset(), at))

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
    committed = _committed(worker, produced)
    rated = sorted(produced, key=lambda one: one[2])[SETTLE_S * rate :]
    return [(committed[partition, offset] - at) / 1e6 for partition, offset, at in rated]


def _committed(worker: Observed, produced: list[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """(partition, offset) -> ns at which the worker knew of the commit."""
    wanted, end = {(partition, offset) for partition, offset, _ in produced}, time.monotonic() + _STORED_S
    while True:
        known = {key: step.at for step in worker.steps() for key in _covered(step) if key in wanted}
        if len(known) == len(wanted):
            return known
        if time.monotonic() > end:
            raise BenchmarkError(f"{len(wanted) - len(known)} messages were not committed within {_STORED_S:.0f} s.")
        time.sleep(0.5)


def _covered(step: Step) -> list[tuple[int, int]]:
    return [(partition, offset) for partition, first, after in step.moves for offset in range(first, after)]
