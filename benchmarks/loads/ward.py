"""Patients for the measurements, and their log as gateways, desk and the partitions' owners append it.

Each patient wears one device with four vitals at 1 Hz.  Values are calm with a jitter; one patient in a hundred has a heart
rate beyond its limit all the time, so that conditions, alarms and notifications are part of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg
from confluent_kafka import Producer

from alerts.rules.defaults import default_rule_set
from benchmarks.errors import BenchmarkError
from benchmarks.servers import Servers
from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS, Kind
from devices.wire.keys import about_key
from devices.wire.sealing import wrap
from simulators.sealed_log import Record, World, clock, now_ms
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import FixedKeyRing, OpenKey

VITALS: Final = (Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE)
CALM: Final = np.array([78, 78, 97, 15], np.float32)
ILL_EVERY: Final = 100
HIGH: Final = np.array([130, 130, 101, 24], np.float32)
"""Limits that the contenders who bring their own job look at; held for 15 s."""


@dataclass
class Ward:
    """Patients 1 … n."""

    patients: int

    def __post_init__(self) -> None:
        self.world = World(range(1, self.patients + 1))
        self._rng = np.random.default_rng(1)

    def seed_keys(self, url: str) -> None:
        """Their data keys, as the desk would have written them."""
        statement = b"COPY data_key (key, patient, gateway, wrapped) FROM STDIN"
        with psycopg.connect(url) as db, db.cursor().copy(statement) as copy:
            for key, (patient, gateway, secret) in self.world.secrets.items():
                copy.write_row((key, patient, gateway, wrap(secret, self.world.master, about_key(patient, gateway))))

    def admission(self) -> list[Record]:
        """Rules for each partition, consent and enrolment of each patient."""
        return [*self.world.rules(range(PARTITIONS), default_rule_set()), *self.world.admission(interval_s=1)]

    def batches(self, patients: Iterable[int], first: int, readings: int, every_ms: int = 1000) -> Iterator[Record]:
        """A batch of each of ``patients``: ``readings`` of them, ``every_ms`` apart, from ``first`` (ms) on."""
        who = list(patients)
        samples = np.zeros((len(who), readings, len(VITALS)), SAMPLE)
        samples["time"] = first + every_ms * np.arange(readings)[None, :, None] + np.array(who)[:, None, None] % 1000
        samples["value"] = self._values(np.array(who), readings)
        samples["vital"] = np.array(VITALS, np.uint8)
        samples["reading"] = np.arange(readings)[None, :, None]
        for patient, one in zip(who, samples, strict=True):
            world, device = self.world, self.world.device(patient)
            sequence = world.sequence.get(device, 0)
            world.sequence[device] = sequence + readings
            yield world.record(
                Kind.SAMPLES, one.tobytes(), patient=patient, device=device, gateway=world.gateway(patient),
                count=readings, first=sequence,
            )  # fmt: skip

    def _values(self, who: npt.NDArray[np.int64], readings: int) -> npt.NDArray[np.float32]:
        value = np.broadcast_to(CALM, (len(who), readings, len(VITALS))).copy()
        value += self._rng.integers(-2, 3, value.shape) * (self._rng.random(value.shape) < 0.1)
        value[who % ILL_EVERY == 0, :, 0] = 141
        return value

    def second(self, nth: int, at: int, readings: int) -> list[Record]:
        """The records of second ``nth``, which begins ``at`` (ms): batches of those whose turn it is, and clock records."""
        turn = [p for p in range(1, self.patients + 1) if p % readings == nth % readings]
        records = list(self.batches(turn, at - 1000 * readings, readings))
        return records + [clock(partition) for partition in range(PARTITIONS)]


def worker_environment(servers: Servers, database: str, topic: str, master: bytes, group: str = "") -> dict[str, str]:
    """The settings of a worker, of a group of its own unless ``group`` names one."""
    group = group or topic
    folder = servers.home / group
    folder.mkdir(exist_ok=True)
    key = folder / "master.key"
    key.touch(mode=0o600)
    key.write_bytes(master)
    return {
        "VIGIL_DATABASE": servers.url(database),
        "VIGIL_KAFKA": servers.kafka.bootstrap,
        "VIGIL_TOPIC": topic,
        "VIGIL_MASTER_KEY_FILE": str(key),
        "VIGIL_WORKER_GROUP": group,
    }


def ring_of(secrets: dict[int, tuple[int, int, bytes]]) -> FixedKeyRing:
    """The data keys of a world (key -> patient, gateway, secret), all known."""
    return FixedKeyRing({key: OpenKey(secret, patient, gateway) for key, (patient, gateway, secret) in secrets.items()})


def append(client: dict[str, str | int | float | bool], topic: str, records: Iterable[Record]) -> None:
    """Append in order; BenchmarkError when the broker does not take all."""
    producer = Producer({**client, "linger.ms": 5, "enable.idempotence": True, "queue.buffering.max.messages": 1_000_000})
    for n, record in enumerate(records):
        producer.produce(topic, record.value, record.key, record.partition)
        if n % 1000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise BenchmarkError("Kafka did not take the records within a minute.")


class Filling(NamedTuple):
    """The records to append to a topic: ``seconds`` of batches of ``readings``."""

    ward: Ward
    readings: int
    seconds: int


def fill(client: dict[str, str | int | float | bool], wards: dict[str, Filling]) -> None:
    """Append to each topic, as time passes."""
    begin = now_ms() + 300
    for nth in range(max(one.seconds for one in wards.values())):
        at = begin + 1000 * nth
        made = {topic: one.ward.second(nth, at, one.readings) for topic, one in wards.items() if nth < one.seconds}
        time.sleep(max(0.0, (at - now_ms()) / 1000))
        for topic, records in made.items():
            append(client, topic, records)


@dataclass
class OfflineLog:
    """A log without a broker: its records as blocks, each partition's offsets counted on."""

    next: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))

    def blocks(self, records: Iterable[Record], appended: int) -> list[Block]:
        """A block of each partition that has some of ``records``, as one fetch brings it, appended at this ms."""
        values: dict[int, list[bytes]] = {}
        for record in records:
            values.setdefault(record.partition, []).append(record.value)
        return [self._block(partition, mine, appended) for partition, mine in sorted(values.items())]

    def _block(self, partition: int, values: list[bytes], appended: int) -> Block:
        first = self.next[partition]
        self.next[partition] += len(values)
        return Block(partition, first, self.next[partition], np.full(len(values), appended, np.int64), values)
