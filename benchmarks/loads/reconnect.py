"""Many gateways at once at one broker with SCRAM, as deployed; loopback only.

For each number of gateways: all connect at once and send a batch; then a batch a second each; then the broker is killed and
started again while each has a batch to send.  Told: seconds until half, 99 % and all were acknowledged (and until the
broker answered again), and the broker's CPU and memory.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from typing import Any, Final

import psutil

from deploy.stack.kafka import Kafka

COUNTS: Final = (100, 300, 1000)
A_PROCESS: Final = 250
BEATS: Final = 10


class Gateways:
    """Some processes of :mod:`benchmarks.loads.reconnecting` that get the same commands."""

    def __init__(self, kafka: Kafka, topic: str, count: int) -> None:
        options = json.dumps(kafka.client())
        sizes = [min(A_PROCESS, count - first) for first in range(0, count, A_PROCESS)]
        self._children = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.loads.reconnecting", options, str(size), topic],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for size in sizes
        ]  # fmt: skip

    def tell(self, what: str) -> None:
        for child in self._children:
            assert child.stdin
            child.stdin.write(what + "\n")
            child.stdin.flush()

    def hear(self) -> list[float]:
        """Seconds of all, sorted; those that failed are infinite."""
        found: list[float] = []
        for child in self._children:
            assert child.stdout
            found += json.loads(child.stdout.readline())
        return sorted(math.inf if math.isnan(each) else each for each in found)

    def end(self) -> None:
        for child in self._children:
            child.kill()
            child.wait(10)
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()


def measure(kafka: Kafka, topic: str, count: int) -> dict[str, Any]:
    gateways = Gateways(kafka, topic, count)
    try:
        broker = psutil.Process(kafka.children[1].pid)
        before, small = _cpu(broker), broker.memory_info().rss
        gateways.tell("send")
        connected = gateways.hear()
        connect_cpu, before = _cpu(broker) - before, _cpu(broker)
        grown = broker.memory_info().rss - small
        gateways.tell(f"beat {BEATS}")
        beaten = gateways.hear()
        beat_cpu, memory = _cpu(broker) - before, kafka.memory()
        kafka.kill()
        begin = time.time()
        gateways.tell("send")
        kafka.spawn()
        kafka.wait()
        up = time.time() - begin
        again = gateways.hear()
        return {
            "gateways": count, "connect_s": _quantiles(connected), "connect_cpu_ms": 1000 * connect_cpu / count,
            "connection_kb": grown / count / 1024,
            "request_cpu_ms": 1000 * beat_cpu / count / BEATS, "request_s": _quantiles(beaten),
            "broker_up_s": up, "reconnect_s": _quantiles(again), "lost": sum(map(math.isinf, again)),
            "broker_mb": memory / 2**20,
            "reconnect_cpu_ms": 1000 * _cpu(psutil.Process(kafka.children[1].pid)) / count,
        }  # fmt: skip
    finally:
        gateways.end()


def _cpu(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {"p50": seconds[len(seconds) // 2], "p99": seconds[len(seconds) * 99 // 100], "max": seconds[-1]}
