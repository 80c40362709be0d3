"""Many gateways at once at one broker with SCRAM, as deployed; loopback only.

For each number of gateways: all connect at once and send a batch; then a batch a second each; then the broker is killed and
started again while each has a batch to send.  Each gateway is a producer with the real one's options; some hundred of them
share a process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from confluent_kafka import Producer

from benchmarks.loads.apart import answer, apart
from benchmarks.loads.spending import resident, spent
from deploy.stack.kafka import Kafka
from devices.wire.batch import PARTITIONS
from gateway.uplink.producer import _BASE

COUNTS: Final = (100, 300, 1000)
A_PROCESS: Final = 250
BEATS: Final = 10
RECORD: Final = bytes(56 + 4 * 16 + 16)
"""A record of the length of a sealed batch of one reading of four vitals."""
_DONE_S: Final = 120.0
_clients: list[Any] = []
"""The gateways of this process."""


def measure(kafka: Kafka, topic: str, count: int) -> dict[str, float]:
    """Seconds until all were acknowledged (``lost`` of them never) and until the broker answered again; the broker's CPU in
    ms and its memory in KB.
    """
    with ExitStack() as running:
        sizes = [min(A_PROCESS, count - first) for first in range(0, count, A_PROCESS)]
        processes = [(running.enter_context(apart()), size) for size in sizes]

        def begin(function: Callable[..., list[float]]) -> Callable[[], list[float]]:
            begun = [process.apply_async(function, (kafka.client(), size, topic)) for process, size in processes]
            return lambda: [seconds for one in begun for seconds in answer(one)]

        small, before = resident(kafka.children[1].pid), spent([kafka.children[1].pid])
        connected = begin(send)()
        grown, between = resident(kafka.children[1].pid) - small, spent([kafka.children[1].pid])
        begin(beat)()
        beaten = spent([kafka.children[1].pid])
        kafka.kill()
        killed, acknowledged = time.time(), begin(send)
        kafka.spawn()
        kafka.wait()
        up, again = time.time() - killed, acknowledged()
        return {
            "connect_s": max(connected), "connect_cpu_ms": 1000 * (between - before) / count,
            "connection_kb": grown / count / 1024, "request_cpu_ms": 1000 * (beaten - between) / count / BEATS,
            "broker_up_s": up, "reconnect_s": max(again), "lost": sum(map(math.isinf, again)),
            "reconnect_cpu_ms": 1000 * spent([kafka.children[1].pid]) / count,
        }  # fmt: skip


def send(options: dict[str, Any], count: int, topic: str) -> list[float]:
    """Have each of this process's gateways send a record; seconds from now until each was acknowledged, infinite for those
    that were not in time.
    """
    begin = time.time()
    if not _clients:
        _clients.extend(Producer({**options, **_BASE}) for _ in range(count))
    seconds, left = [math.inf] * count, count

    def noting(n: int) -> Any:
        def note(error: Any, _message: Any) -> None:
            nonlocal left
            left -= 1
            if error is None:
                seconds[n] = time.time() - begin

        return note

    for n, client in enumerate(_clients):
        client.produce(topic, RECORD, partition=n % PARTITIONS, on_delivery=noting(n))
    end = time.time() + _DONE_S
    while left and time.time() < end:
        for client in _clients:
            client.poll(0)
        time.sleep(0.002)
    return seconds


def beat(options: dict[str, Any], count: int, topic: str) -> list[float]:
    """The same, ``BEATS`` times a second apart; the seconds of the last."""
    begin = time.time()
    for nth in range(BEATS):
        time.sleep(max(0.0, begin + nth - time.time()))
        seconds = send(options, count, topic)
    return seconds
