"""Fetches of a real broker, taken as blocks, against what librdkafka reads there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as Tp
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.stack.kafka import Kafka
from streams.engine.opening.block import Block
from streams.kafka.fetched import fetched
from tests.fix_kafka import MakeTopic
from tests.streams.producing import Client

pytestmark = [pytest.mark.stack, pytest.mark.partitions(1)]
Found = tuple[int, int, bytes]
"""Offset, append time, value."""
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def produce(
    client: Client, topic: str, values: Sequence[bytes], keys: Sequence[bytes] | None = None, **options: str
) -> None:
    """In few batches, each acknowledged."""
    producer = Producer({**client, "linger.ms": 50, **options})
    for n, value in enumerate(values):
        producer.produce(topic, value, keys[n] if keys else b"key", 0)
    assert producer.flush(30) == 0


def some(n: int, seed: int = 0) -> list[bytes]:
    """Values that compress, of all sizes, among them empty ones."""
    rng = np.random.default_rng(seed)
    return [bytes(rng.integers(0, 4, int(size), np.uint8)) for size in rng.integers(0, 600, n)]


def librdkafkas(client: Client, topic: str) -> tuple[list[Found], int]:
    """All records, and the log's end."""
    consumer = Consumer({**client, "group.id": topic, "isolation.level": "read_uncommitted", "enable.partition.eof": True})
    begin, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    consumer.assign([TopicPartition(topic, 0, begin)])
    found: list[Found] = []
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for message in consumer.consume(1000, 0.5):
            if message.error():  # the end of the partition
                consumer.close()
                return found, end
            found.append((message.offset(), message.timestamp()[1], message.value() or b""))
    raise AssertionError(f"{len(found)} records, and no end")


async def blocks_of(bootstrap: str, topic: str, start: int, end: int, most: int) -> list[Block]:
    """What our own transport would hand over of the log from ``start`` to ``end``."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=20)
    tp = Tp(topic, 0)
    await consumer.start()
    try:
        consumer.assign([tp])
        consumer.seek(tp, start)
        found: list[Block] = []
        until = time.monotonic() + 30
        while await consumer.position(tp) < end and time.monotonic() < until:
            with consumer._fetcher._subscriptions.fetch_context():
                found += (await fetched(consumer._fetcher, {tp}, 0.2, most)).get(tp, [])
        assert await consumer.position(tp) == end
        return found
    finally:
        await consumer.stop()


def compare(kafka: Kafka, topic: str, start: int = 0, most: int = 4096) -> list[tuple[int, int]]:
    """Both readings, from `start` on; the stretches of offsets that ours came in, neighbours joined.  What librdkafka does
    not see comes with a fault.
    """
    expected, end = librdkafkas(kafka.client(), topic)
    blocks = asyncio.run(blocks_of(kafka.bootstrap, topic, start, end, most))
    assert all(block.next - block.first == len(block.values) == len(block.appended) > 0 for block in blocks)
    assert [start, *(block.next for block in blocks)] == [*(block.first for block in blocks), end]
    flat = [(b.first + n, int(b.appended[n]), value) for b in blocks if not b.fault for n, value in enumerate(b.values)]
    assert flat == [one for one in expected if one[0] >= start]
    stretches: list[tuple[int, int]] = []
    for block in blocks:
        if block.fault:
            continue
        if stretches and stretches[-1][1] == block.first:
            stretches[-1] = stretches[-1][0], block.next
        else:
            stretches.append((block.first, block.next))
    return stretches


def stored_codecs(kafka: Kafka, topic: str) -> list[str]:
    """The codecs of the record batches as the broker keeps them, in order."""
    (log,) = kafka.home.glob(f"**/{topic}-0/*.log")
    data, at, found = log.read_bytes(), 0, []
    while at + 61 <= len(data) and (size := int.from_bytes(data[at + 8 : at + 12])):
        found.append(CODECS[int.from_bytes(data[at + 21 : at + 23]) & 7])
        at += 12 + size
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_what_a_producer_compressed_is_read_whole_and_from_within_a_batch(kafka: Kafka, topic: str, codec: str) -> None:
    produce(kafka.client(), topic, some(500), None, **{"compression.type": codec})
    assert codec in stored_codecs(kafka, topic)
    assert compare(kafka, topic) == [(0, 500)]
    assert compare(kafka, topic, start=123, most=7) == [(123, 500)]


def test_batches_of_all_codecs_follow_each_other_in_one_block(kafka: Kafka, topic: str) -> None:
    for n, codec in enumerate(CODECS):
        produce(kafka.client(), topic, some(50, n), None, **{"compression.type": codec})
    assert set(stored_codecs(kafka, topic)) == set(CODECS)
    assert compare(kafka, topic) == [(0, 250)]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_what_the_broker_compresses_itself_is_read(kafka: Kafka, make_topic: MakeTopic, codec: str) -> None:
    topic = make_topic(1, **{"compression.type": codec})
    produce(kafka.client(), topic, some(300))
    assert set(stored_codecs(kafka, topic)) == {codec}
    assert compare(kafka, topic) == [(0, 300)]


def test_a_marker_of_a_transaction_is_a_fault_and_an_aborted_record_is_a_record(kafka: Kafka, topic: str) -> None:
    producer = Producer({**kafka.client(), "transactional.id": topic, "linger.ms": 50, "compression.type": "lz4"})
    producer.init_transactions(30)
    for n, end in enumerate((producer.commit_transaction, producer.abort_transaction, producer.commit_transaction)):
        producer.begin_transaction()
        for value in some(10, n):
            producer.produce(topic, value, b"key", 0)
        assert producer.flush(30) == 0
        end(30)
    produce(kafka.client(), topic, some(5, 9))
    assert compare(kafka, topic) == [(0, 10), (11, 21), (22, 32), (33, 38)]
    assert compare(kafka, topic, start=10) == [(11, 21), (22, 32), (33, 38)]
    assert compare(kafka, topic, start=32, most=1) == [(33, 38)]


@pytest.mark.timeout(120)
def test_records_compacted_away_are_faults_within_a_batch(kafka: Kafka, make_topic: MakeTopic) -> None:
    at_once = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"}
    topic = make_topic(1, **{"cleanup.policy": "compact", **at_once})
    keys = [b"once-%d" % n if n in {3, 4, 11, 29} else b"again" for n in range(30)]
    for codec in ("none", "zstd"):
        produce(kafka.client(), topic, some(30), [codec.encode() + key for key in keys], **{"compression.type": codec})
    until = time.monotonic() + 90
    while len(librdkafkas(kafka.client(), topic)[0]) > 20:
        assert time.monotonic() < until, "the broker compacted nothing"
        time.sleep(0.5)
        produce(kafka.client(), topic, [b"x"], [b"roll"])  # a segment that is written to is not compacted
    stretches = compare(kafka, topic)
    assert stretches[:3] == [(3, 5), (11, 12), (28, 30)]
    assert compare(kafka, topic, start=6)[:2] == [(11, 12), (28, 30)]
