from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import ConfigResource, OffsetSpec

from deploy.stack.kafka import Kafka
from deploy.stack.topics import vitals_topic
from tests.fix_kafka import MakeTopic

pytestmark = pytest.mark.stack

PARTITIONS = 4


def write(kafka: Kafka, topic: str, total: int, acknowledged: set[int]) -> None:
    """Produce numbers with acks=all; those whose delivery was reported without an error are acknowledged."""
    producer = Producer(
        {
            **kafka.client(),
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,  # docs/decisions/0010-one-request-in-flight.md
            "acks": "all",
            "linger.ms": 5,
            "log_level": 0,
            "reconnect.backoff.max.ms": 200,
            "topic.metadata.refresh.fast.interval.ms": 100,
        }
    )

    def delivered(error: KafkaError | None, message: Message) -> None:
        value = message.value()
        if error is None and value:
            acknowledged.add(int(value))

    for number in range(total):
        producer.produce(topic, str(number).encode(), partition=number % PARTITIONS, on_delivery=delivered)
        if number % 20 == 0:
            producer.poll(0.01)
    assert producer.flush(40) == 0


def read(kafka: Kafka, topic: str) -> list[int]:
    """All numbers between the topic's start and its present end."""
    consumer = Consumer({**kafka.client(), "group.id": "reader", "enable.auto.commit": False})
    ends = {}
    for partition in range(PARTITIONS):
        _, ends[partition] = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
    numbers: list[int] = []
    end = time.monotonic() + 20
    while len(numbers) < sum(ends.values()) and time.monotonic() < end:
        numbers += [int(m.value() or b"") for m in consumer.consume(5000, 0.2) if not m.error()]
    consumer.close()
    return numbers


def kill_while_writing(kafka: Kafka, topic: str, nodes: list[int]) -> tuple[set[int], list[int]]:
    acknowledged: set[int] = set()
    writer = threading.Thread(target=write, args=(kafka, topic, 4000, acknowledged))
    writer.start()
    for node in nodes:
        before = len(acknowledged)
        end = time.monotonic() + 30
        while len(acknowledged) < before + 500 and time.monotonic() < end:
            time.sleep(0.01)
        kafka.kill(node)
        kafka.spawn(node)
        kafka.wait()
    writer.join(60)
    assert not writer.is_alive()
    kafka.until_led(topic)  # the writer may have ended before the last kill
    return acknowledged, read(kafka, topic)


@pytest.mark.partitions(PARTITIONS)
def test_a_killed_broker_loses_and_doubles_nothing_acknowledged(kafka: Kafka, topic: str) -> None:
    acknowledged, seen = kill_while_writing(kafka, topic, [1, 1])
    assert len(acknowledged) == 4000
    assert sorted(seen) == list(range(4000))


@pytest.mark.full
def test_three_brokers_lose_nothing_when_two_are_killed_in_turn(make_kafka: Callable[..., Kafka]) -> None:
    kafka = make_kafka(brokers=3)
    kafka.create(vitals_topic(brokers=3))
    acknowledged, seen = kill_while_writing(kafka, "vitals.v1", [1, 2])
    assert len(acknowledged) == 4000
    assert acknowledged <= set(seen)


def test_the_log_of_vitals_is_made_as_designed(kafka: Kafka) -> None:
    kafka.create(vitals_topic(brokers=1, retention_days=2))
    kafka.create(vitals_topic(brokers=1, retention_days=2))  # a second time changes nothing
    admin = kafka.admin()
    resource = ConfigResource(ConfigResource.Type.TOPIC, "vitals.v1")
    [future] = admin.describe_configs([resource]).values()
    options = {name: entry.value for name, entry in future.result(10).items()}
    assert len(admin.list_topics("vitals.v1", timeout=10).topics["vitals.v1"].partitions) == 64
    assert options["message.timestamp.type"] == "LogAppendTime"
    assert options["flush.messages"] == "1"
    assert options["retention.ms"] == str(2 * 24 * 3600 * 1000)
    kafka.delete("vitals.v1")


def test_it_listens_on_loopback_only(kafka: Kafka) -> None:
    assert kafka.children[1].pid
    connections = psutil.Process(kafka.children[1].pid).net_connections("tcp")
    own = [one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN]
    assert len(own) >= 2
    assert all(address in {"127.0.0.1", "::ffff:127.0.0.1"} for address in own), own


def test_the_same_home_keeps_its_topics_and_its_address(home: Path) -> None:
    with Kafka(home / "kafka") as first:
        first.create(vitals_topic(brokers=1))
        address = first.bootstrap
    began = time.monotonic()
    with Kafka(home / "kafka") as second:
        assert time.monotonic() - began < 10
        assert second.bootstrap == address
        admin = second.admin()
        assert "vitals.v1" in admin.list_topics(timeout=10).topics
        assert 50 << 20 < second.memory() < 400 << 20
        assert second.healthy()
    assert second.memory() == 0


def test_a_topic_that_was_created_is_led_in_every_partition(kafka: Kafka, make_topic: MakeTopic) -> None:
    for _ in range(3):
        topic = make_topic(64)
        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(64)}
        admin = kafka.admin()
        assert [one.result(10).offset for one in admin.list_offsets(asked, request_timeout=10).values()] == [0] * 64
