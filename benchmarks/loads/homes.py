"""Simulated gateways: readings wait for company as in the real uplink, then leave sealed; heartbeats as configured."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from confluent_kafka import Producer

from alerts.care.gateway_config import gateway_config
from benchmarks.loads.ward import CALM, samples_of
from devices.wire.batch import Kind, header, key_of, partition_of
from devices.wire.event import Heartbeat, encode_event
from devices.wire.pairing import PatientKey
from devices.wire.sealing import new_nonce, seal
from simulators.sealed_log import now_ms

HEARTBEAT_S: Final = 5.0
_STEP_S: Final = 0.02


@dataclass
class Worn:
    """One patient's device: a reading of four vitals each second."""

    device: int
    key: PatientKey
    due: float  # monotonic
    ill: bool = False
    sequence: int = 0
    waiting: list[tuple[int, bool]] = field(default_factory=list)  # measured ms, ill


class Gateways(threading.Thread):
    """The gateways of a ward, in a thread, until :meth:`end`.  ``fell_ill``: patient -> ms measured of the first value
    beyond the limit.
    """

    def __init__(self, database: str, master: bytes, kafka: str, topic: str, gateways: list[int]) -> None:
        super().__init__(name="gateways", daemon=True)
        with psycopg.connect(database) as tx:
            self._configs = {g: gateway_config(tx, master, g, kafka, topic) for g in gateways}
        self._topic, self._over = topic, threading.Event()
        self._producer = Producer({"bootstrap.servers": kafka, "linger.ms": 5, "acks": "all", "enable.idempotence": True})
        self._epoch, self._beats = random.getrandbits(32), dict.fromkeys(gateways, 0)
        begin, self._worn = time.monotonic() + 0.5, dict[int, list[Worn]]()
        for gateway, config in self._configs.items():
            keys = {one.patient: one for one in config.patients}
            self._worn[gateway] = [Worn(d.device, keys[d.patient], begin + random.random()) for d in config.devices]
        self.fell_ill: dict[int, int] = {}
        self._to_fall: list[int] = []
        self._due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = itertools.count()  # between what is due at once

    def fall_ill(self, patient: int) -> None:
        """Let the heart rate of this patient be beyond its limit from the next reading on."""
        self._to_fall.append(patient)

    def end(self) -> None:
        self._over.set()
        self.join(10)
        self._producer.flush(10)

    def run(self) -> None:
        for gateway, worn in self._worn.items():
            self._at(0.0, self._beat, gateway)
            for one in worn:
                self._at(one.due, self._measure, gateway, one)
        while not self._over.is_set():
            while self._due[0][0] <= time.monotonic():
                _, _, act, arguments = heapq.heappop(self._due)
                act(*arguments)
            self._producer.poll(0)
            time.sleep(_STEP_S)

    def _at(self, due: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._due, (due, next(self._count), act, arguments))

    def _measure(self, gateway: int, one: Worn) -> None:
        at = now_ms()
        if one.key.patient in self._to_fall:
            self._to_fall.remove(one.key.patient)
            one.ill, self.fell_ill[one.key.patient] = True, at
        if not any(each.waiting for each in self._worn[gateway]):
            self._at(time.monotonic() + self._configs[gateway].linger_s, self._send, gateway)
        one.waiting.append((at, one.ill))
        one.due += 1.0
        self._at(one.due, self._measure, gateway, one)

    def _send(self, gateway: int) -> None:
        for one in self._worn[gateway]:
            if count := len(one.waiting):
                samples = samples_of([at for at, _ in one.waiting], CALM)
                samples["value"][[ill for _, ill in one.waiting], 0] = 141
                self._produce(Kind.SAMPLES, samples.tobytes(), gateway, one, one.device, count, one.sequence)
                one.sequence += count
                one.waiting.clear()

    def _beat(self, gateway: int) -> None:
        self._at(time.monotonic() + HEARTBEAT_S, self._beat, gateway)
        for one in self._worn[gateway]:
            self._produce(Kind.EVENT, encode_event(Heartbeat(now_ms())), gateway, one, 0, 1, self._beats[gateway])
            self._beats[gateway] += 1

    def _produce(self, kind: Kind, payload: bytes, gateway: int, one: Worn, device: int, count: int, first: int) -> None:
        head = header(
            kind, patient=one.key.patient, device=device, gateway=gateway, key=one.key.key, count=count, first=first,
            epoch=self._epoch, received=now_ms(), nonce=new_nonce(),
        )  # fmt: skip
        options: dict[str, Any] = {"key": key_of(one.key.patient), "partition": partition_of(one.key.patient)}
        self._producer.produce(self._topic, seal(head, payload, one.key.secret), **options)
