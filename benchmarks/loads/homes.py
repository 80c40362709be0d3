"""Simulated gateways: readings wait for company as in the real uplink, then leave sealed; heartbeats as configured."""

from __future__ import annotations

import heapq
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import psycopg
from confluent_kafka import Producer

from alerts.care.gateway_config import gateway_config
from benchmarks.loads.ward import CALM, VITALS
from devices.sample import SAMPLE
from devices.wire.batch import Kind, header, key_of, partition_of
from devices.wire.event import Heartbeat, encode_event
from devices.wire.pairing import Config
from devices.wire.sealing import new_nonce, seal
from simulators.sealed_log import now_ms

HEARTBEAT_S: Final = 5.0
_STEP_S: Final = 0.02


@dataclass
class Worn:
    """One patient's device: a reading of four vitals each second."""

    patient: int
    device: int
    key: int
    secret: bytes
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
        begin = time.monotonic() + 0.5
        self._worn = {g: self._wear(config, begin) for g, config in self._configs.items()}
        self.fell_ill: dict[int, int] = {}
        self._to_fall: list[int] = []

    def fall_ill(self, patient: int) -> None:
        """Let the heart rate of this patient be beyond its limit from the next reading on."""
        self._to_fall.append(patient)

    def end(self) -> None:
        self._over.set()
        self.join(10)
        self._producer.flush(10)

    def run(self) -> None:
        due = [(one.due, one.device, gateway, one) for gateway, worn in self._worn.items() for one in worn]
        heapq.heapify(due)
        leave: dict[int, float] = {}
        beat = dict.fromkeys(self._worn, 0.0)
        while not self._over.is_set():
            now = time.monotonic()
            while due and due[0][0] <= now:
                at, device, gateway, one = heapq.heappop(due)
                self._measure(one)
                leave.setdefault(gateway, now + self._configs[gateway].linger_s)
                heapq.heappush(due, (at + 1.0, device, gateway, one))
            for gateway in [g for g, at in leave.items() if at <= now]:
                del leave[gateway]
                for one in self._worn[gateway]:
                    self._send(gateway, one)
            for gateway in [g for g, at in beat.items() if at <= now]:
                beat[gateway] = now + HEARTBEAT_S
                self._beat(gateway)
            self._producer.poll(0)
            time.sleep(_STEP_S)

    def _wear(self, config: Config, begin: float) -> list[Worn]:
        keys = {one.patient: one for one in config.patients}
        return [
            Worn(d.patient, d.device, keys[d.patient].key, keys[d.patient].secret, begin + random.random())
            for d in config.devices
        ]

    def _measure(self, one: Worn) -> None:
        at = now_ms()
        if one.patient in self._to_fall:
            self._to_fall.remove(one.patient)
            one.ill, self.fell_ill[one.patient] = True, at
        one.waiting.append((at, one.ill))

    def _send(self, gateway: int, one: Worn) -> None:
        if not one.waiting:
            return
        count = len(one.waiting)
        samples = np.zeros((count, len(VITALS)), SAMPLE)
        samples["time"] = np.array([at for at, _ in one.waiting])[:, None]
        samples["value"] = CALM
        samples["value"][:, 0] = [141 if ill else CALM[0] for _, ill in one.waiting]
        samples["vital"] = np.array(VITALS, np.uint8)
        samples["reading"] = np.arange(count)[:, None]
        self._produce(Kind.SAMPLES, samples.tobytes(), gateway, one, one.device, count, one.sequence)
        one.sequence += count
        one.waiting.clear()

    def _beat(self, gateway: int) -> None:
        for one in self._worn[gateway]:
            self._produce(Kind.EVENT, encode_event(Heartbeat(now_ms())), gateway, one, 0, 1, self._beats[gateway])
            self._beats[gateway] += 1

    def _produce(self, kind: Kind, payload: bytes, gateway: int, one: Worn, device: int, count: int, first: int) -> None:
        head = header(
            kind, patient=one.patient, device=device, gateway=gateway, key=one.key, count=count, first=first,
            epoch=self._epoch, received=now_ms(), nonce=new_nonce(),
        )  # fmt: skip
        options: dict[str, Any] = {"key": key_of(one.patient), "partition": partition_of(one.patient)}
        self._producer.produce(self._topic, seal(head, payload, one.secret), **options)
