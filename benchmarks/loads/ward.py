"""Patients for the measurements, and their log as gateways, desk and the partitions' owners append it.

Each patient wears one device with four vitals at 1 Hz.  Values are calm with a jitter; one patient in a hundred has a heart
rate beyond its limit all the time, so that conditions, alarms and notifications are part of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from confluent_kafka import Producer

from alerts.rules.defaults import default_rule_set
from benchmarks.errors import BenchmarkError
from benchmarks.servers import Servers
from devices.sample import SAMPLE, Samples
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS, Kind
from devices.wire.keys import key_binding
from devices.wire.sealing import wrap
from simulators.sealed_log import Record, World, clock
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
                copy.write_row((key, patient, gateway, wrap(secret, self.world.master, key_binding(patient, gateway))))

    @property
    def everybody(self) -> range:
        return range(1, self.patients + 1)

    def admission(self, interval_s: int = 1) -> list[Record]:
        """Rules for each partition, consent and enrolment of each patient."""
        return [*self.world.rules(range(PARTITIONS), default_rule_set()), *self.world.admission(interval_s=interval_s)]

    def batches(self, patients: Iterable[int], first: int, readings: int, every_ms: int = 1000) -> Iterator[Record]:
        """A batch of each of ``patients``: ``readings`` of them, ``every_ms`` apart, from ``first`` (ms) on."""
        who = np.array(list(patients), np.int64)
        times = first + every_ms * np.arange(readings) + who[:, None] % 1000
        for patient, one in zip(who.tolist(), samples_of(times, self._values(who, readings)), strict=True):
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
        turn = [p for p in self.everybody if p % readings == nth % readings]
        return [*self.batches(turn, at - 1000 * readings, readings), *map(clock, range(PARTITIONS))]


def samples_of(times: npt.ArrayLike, values: npt.ArrayLike, vitals: Sequence[Vital] = VITALS) -> Samples:
    """Samples [..., readings, vitals] of readings taken at ``times`` [..., readings] (ms)."""
    times = np.asarray(times)
    samples = np.zeros((*times.shape, len(vitals)), SAMPLE)
    samples["time"], samples["value"], samples["vital"] = times[..., None], values, np.array(vitals, np.uint8)
    samples["reading"] = np.arange(times.shape[-1])[:, None]
    return samples


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


def append(client: Mapping[str, Any], topic: str, records: Iterable[Any], linger_ms: int = 5) -> None:
    """Append in order (each with a partition, key and value, and with its own time if it has ``at`` in ms).

    Raises:
        BenchmarkError: the broker does not take all.
    """
    options = {"linger.ms": linger_ms, "enable.idempotence": True, "queue.buffering.max.messages": 1_000_000}
    producer = Producer({**client, **options})
    for n, record in enumerate(records):
        producer.produce(topic, record.value, record.key, record.partition, timestamp=getattr(record, "at", 0))
        if n % 1000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise BenchmarkError("Kafka did not take the records within a minute.")


@dataclass
class OfflineLog:
    """A log without a broker: its records as blocks, each partition's offsets counted on."""

    next: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))

    def blocks(self, records: Iterable[Record], appended: int) -> list[Block]:
        """A block of each partition that has some of ``records``, as one fetch brings it, appended at this ms."""
        values: dict[int, list[bytes]] = {}
        for record in records:
            values.setdefault(record.partition, []).append(record.value)
        blocks = []
        for partition, mine in sorted(values.items()):
            first, self.next[partition] = self.next[partition], self.next[partition] + len(mine)
            blocks.append(Block(partition, first, first + len(mine), np.full(len(mine), appended, np.int64), mine))
        return blocks
