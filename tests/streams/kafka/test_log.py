from __future__ import annotations

import time
import zlib

import pytest
from confluent_kafka import KafkaException, TopicPartition

from deploy.stack.kafka import Kafka
from streams.kafka.log import Log
from streams.kafka.position import Extent
from tests.streams.producing import Record, produce

pytestmark = [pytest.mark.stack, pytest.mark.partitions(3)]


def records(partition: int, *values: bytes) -> list[Record]:
    return [Record(partition, b"", value) for value in values]


def test_what_stands_where_in_the_log_is_known(kafka: Kafka, topic: str) -> None:
    log = Log(kafka.bootstrap, topic)
    assert log.extents({0, 1, 2}) == {p: Extent(0, 0) for p in range(3)}
    begin = time.time_ns() // 1_000_000
    produce(kafka.client(), topic, records(0, b"a", b"b") + records(1, b"c" * 900_000))
    time.sleep(0.1)
    between = time.time_ns() // 1_000_000
    produce(kafka.client(), topic, records(0, b"d"))
    found = log.at({0: 1, 1: 0})
    first = found[0]
    assert first is not None
    assert begin <= first.append < between
    assert {p: one and one.crc for p, one in found.items()} == {0: zlib.crc32(b"b"), 1: zlib.crc32(b"c" * 900_000)}
    assert log.since({0: between, 1: between, 2: begin}) == {0: 2, 1: 1, 2: 0}
    admin = kafka.admin()
    for future in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        future.result(15)
    assert log.extents({0})[0] == Extent(2, 3)
    assert log.at({0: 1}) == {0: None}


def test_brokers_that_are_away_raise(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.log._ANSWER_S", 1.0)
    with pytest.raises((KafkaException, TimeoutError)):
        Log("127.0.0.1:1", topic).extents({0})
