"""The records of many patients' gateways, sent by one process.

Each patient's device gives a reading of five vitals each ten seconds, a record of its own, and each gateway a heartbeat
each thirty; both are spread evenly.  Records are sealed as gateways seal them; one producer sends them all, so that the
brokers are spared so many connections, and lingers little, so that a batch of the log holds a record or two as theirs would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from confluent_kafka import Producer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.loads.observation import Delivered, Notes
from benchmarks.loads.ward import CALM, ILL_EVERY, samples_of
from benchmarks.loads.ward import VITALS as CONTINUOUS
from devices.vitals import Vital
from devices.wire.batch import HEADER, PARTITIONS, VERSION, Kind, key_of
from devices.wire.event import Heartbeat, encode_event
from simulators.sealed_log import OUTBOX_EPOCH

VITALS: Final = (*CONTINUOUS, Vital.TEMPERATURE)
LEVEL: Final = np.append(CALM, np.float32(36.8))
READING_S: Final = 10
HEARTBEAT_S: Final = 30
SLOT_S: Final = 0.02
LINGER_MS: Final = 4
_READ_AT: Final = 1000  # ms before it is sent a reading was measured
_FLUSH_S: Final = 60


class Sent(msgspec.Struct, frozen=True):
    """The load sent: ``readings``, records that ``failed``, the most that a slot was late in the measured time, whose
    records are in the notes.
    """

    readings: int
    failed: int
    latest_s: float
    notes: Notes


class Homes:
    """Numbers and keys of all patients, who are 1 … n."""

    def __init__(self, secrets: dict[int, tuple[int, int, bytes]]) -> None:
        mine = sorted((p, gateway, key, secret) for key, (p, gateway, secret) in secrets.items() if gateway)
        self.patient, self.gateway, self.key = (np.array([one[k] for one in mine], np.uint32) for k in (0, 1, 2))
        self.aead = [AESGCM(one[3]) for one in mine]
        self.kafka_key = [key_of(one[0]) for one in mine]
        self.beats, self.readings = np.zeros(len(mine), np.uint64), np.zeros(len(mine), np.uint64)
        self._rng = np.random.default_rng(1)

    def records(self, second: float) -> Iterator[tuple[int, bytes]]:
        """(position of the patient, sealed record) of what is sent in the slot that begins at ``second``."""
        slot, now = round(second / SLOT_S), time.time_ns() // 1_000_000
        turn = np.arange(slot % round(READING_S / SLOT_S), len(self.patient), round(READING_S / SLOT_S))
        samples = samples_of(np.full((len(turn), 1), now - _READ_AT), 0, VITALS)[:, 0]
        jitter = self._rng.integers(-2, 3, samples.shape) * (self._rng.random(samples.shape) < 0.1)
        samples["value"] = LEVEL + jitter * np.where(LEVEL < 50, 0.1, 1)
        samples["value"][self.patient[turn] % ILL_EVERY == 0, 0] = 141
        heads = self._heads(Kind.SAMPLES, turn, self.readings, now)
        heads["device"] = self.patient[turn] + 1000
        yield from self._sealed(turn, heads, [one.tobytes() for one in samples])
        turn = np.arange(slot % round(HEARTBEAT_S / SLOT_S), len(self.patient), round(HEARTBEAT_S / SLOT_S))
        beat = encode_event(Heartbeat(now))
        yield from self._sealed(turn, self._heads(Kind.EVENT, turn, self.beats, now), [beat] * len(turn))

    def _heads(self, kind: Kind, turn: npt.NDArray[np.int64], counter: npt.NDArray[np.uint64], now: int) -> Any:
        heads = np.zeros(len(turn), HEADER)
        heads["version"], heads["kind"], heads["count"], heads["received"] = VERSION, kind, 1, now
        heads["key"], heads["patient"], heads["gateway"] = self.key[turn], self.patient[turn], self.gateway[turn]
        heads["first"], heads["epoch"] = counter[turn], OUTBOX_EPOCH
        heads["nonce"] = np.frombuffer(os.urandom(12 * len(turn)), "V12")
        counter[turn] += 1
        return heads

    def _sealed(self, turn: npt.NDArray[np.int64], heads: Any, payloads: list[bytes]) -> Iterator[tuple[int, bytes]]:
        raw, size = heads.tobytes(), HEADER.itemsize
        for n, (who, payload) in enumerate(zip(turn.tolist(), payloads, strict=True)):
            head = raw[n * size : (n + 1) * size]
            yield who, head + self.aead[who].encrypt(head[-12:], payload, head)


def run(kafka: str, topic: str, secrets: dict[int, tuple[int, int, bytes]], warm_s: int, measured_s: int) -> Sent:
    """Send for seconds without and with notes, sealed with ``secrets`` (key -> patient, gateway, secret)."""
    homes, delivered = Homes(secrets), Delivered()
    producer = Producer({
        "bootstrap.servers": kafka, "linger.ms": LINGER_MS, "acks": "all", "enable.idempotence": True,
        "queue.buffering.max.messages": 1_000_000, "log_level": 2,
    })  # fmt: skip
    partitions = (homes.patient % PARTITIONS).tolist()
    latest, begin = 0.0, time.time() + 1
    for slot in range(round((warm_s + measured_s) / SLOT_S)):
        second = slot * SLOT_S
        time.sleep(max(0.0, begin + second - time.time()))
        latest = max(latest, time.time() - begin - second) if second >= warm_s else 0.0
        callback = {"on_delivery": delivered.noting(time.time_ns())} if second >= warm_s else {}
        for who, record in homes.records(second):
            producer.produce(topic, record, homes.kafka_key[who], partitions[who], **callback)
        producer.poll(0)
    left = producer.flush(_FLUSH_S)
    return Sent(int(homes.readings.sum()), delivered.failed + left, latest, delivered.notes())
