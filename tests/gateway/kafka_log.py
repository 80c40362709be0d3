"""What a topic holds, opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.stack.kafka import Kafka
from devices.sample import SAMPLE, Samples
from devices.wire.batch import HEADER, PARTITIONS, Kind, parse_header
from devices.wire.event import Event, decode_event
from devices.wire.sealing import open_record
from tests.gateway.making import SECRET


@dataclass
class Opened:
    partition: int
    key: bytes
    head: np.void
    payload: bytes

    @property
    def samples(self) -> Samples:
        return np.frombuffer(self.payload, SAMPLE)

    @property
    def event(self) -> Event:
        return decode_event(self.payload)


class Log:
    """Reads ``topic`` from its beginning, in the order of arrival within each partition."""

    def __init__(self, kafka: Kafka, topic: str, partitions: int = PARTITIONS) -> None:
        self.records: list[Opened] = []
        self._consumer = Consumer(
            {**kafka.client(), "group.id": topic, "enable.auto.commit": False, "reconnect.backoff.max.ms": 300}
        )
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])

    def readings(self) -> dict[tuple[int, int, int], list[bytes]]:
        """Identity to the copies seen: their bytes, ``reading`` set to 0."""
        found: dict[tuple[int, int, int], list[bytes]] = {}
        for record in self.records:
            head = record.head
            for offset in range(int(head["count"])):
                identity = (int(head["device"]), int(head["epoch"]), int(head["first"]) + offset)
                if head["kind"] == Kind.SAMPLES:
                    mine = record.samples[record.samples["reading"] == offset].copy()
                    mine["reading"] = 0
                    found.setdefault(identity, []).append(mine.tobytes())
                else:
                    found.setdefault(identity, []).append(record.payload)
        return found

    def poll(self, timeout: float = 0.1) -> None:
        for message in self._consumer.consume(500, timeout):
            if message.error():
                continue
            value = message.value()
            self.records.append(
                Opened(message.partition(), message.key(), parse_header(value)[0], open_record(value, AESGCM(SECRET)))
            )

    async def until(self, condition: Callable[[], object], timeout: float = 30) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"{len(self.records)} records, {len(self.readings())} readings"
            await asyncio.to_thread(self.poll)

    def close(self) -> None:
        self._consumer.close()


assert HEADER.itemsize == 56
