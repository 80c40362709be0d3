"""Gateways that connect, beat and reconnect at once at one broker with SCRAM: what a connection and a batch cost it.

From :mod:`benchmarks.loads.reconnecting`; the capacity model says from these where Kafka needs a front.
"""

from __future__ import annotations

import secrets
from typing import Final

from benchmarks.figures import Report
from benchmarks.loads.reconnecting import COUNTS, measure
from benchmarks.servers import Servers
from deploy.stack.kafka import Kafka
from deploy.stack.topics import Topic, vitals_topic

ROW: Final = "gateways"
_FIGURES: Final = (
    ("connect_s", "connected and acknowledged", "s", "the last of them, all begin at once"),
    ("connect_cpu_ms", "broker's CPU a connection", "ms", "the first: SCRAM, metadata, producer id, one batch"),
    ("connection_kb", "broker's memory a connection", "KB",
     "RSS of the broker before and after all were connected, garbage included"),
    ("request_cpu_ms", "broker's CPU a batch", "ms",
     "a batch a second each, every batch a request of its own, written through to the disk"),
    ("broker_up_s", "broker answers after kill", "s", "until a new client sees it"),
    ("reconnect_s", "all acknowledged after kill", "s", "the last of them, counted from the kill"),
    ("reconnect_cpu_ms", "broker's CPU a reconnection", "ms", "with the broker's own start"),
)  # fmt: skip


def gateways(servers: Servers, report: Report, repetitions: int) -> None:
    counts = (20,) if report.quick else COUNTS
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for nth in range(repetitions):
        # a broker of its own each time: its heap is not filled by those before
        with Kafka(servers.home / f"door-{nth}", users={"vigil": secrets.token_urlsafe()}, heap_mb=512) as kafka:
            kafka.create(Topic("door", 64, vitals_topic(brokers=1).options))
            for count in counts:
                report.turn()
                report.say(f"{ROW}: {count} gateways, repetition {nth + 1} of {repetitions}")
                found[count].append(measure(kafka, "door", count))
    for count, runs in found.items():
        for key, name, unit, what in _FIGURES:
            report.figure(ROW, f"{count} gateways: {name}", unit, [run[key] for run in runs], what)
        report.check(f"{ROW}: none of {count} batches was lost", not any(run["lost"] for run in runs))
