"""SASL/SCRAM and ACLs: who has no right is refused, who has one is served, also after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from deploy.stack.kafka import Kafka
from deploy.stack.topics import Topic

pytestmark = [pytest.mark.stack, pytest.mark.full]

USERS = {"admin": "a-secret", "gateway": "g-secret", "worker": "w-secret"}


def allow(user: str, resource: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    return AclBinding(resource, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def produced(kafka: Kafka, user: str, password: str | None = None) -> str:
    """The broker's verdict on one message."""
    verdicts: list[str] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        verdicts.append(error.name() if error else "written")

    def failed(error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:
            verdicts.append(error.name())

    options = {**kafka.client(user), "log_level": 0, "error_cb": failed}
    if password:
        options["sasl.password"] = password
    producer = Producer(options)
    producer.produce("vitals", b"x", on_delivery=delivered)
    for _ in range(100):
        producer.poll(0.1)
        if verdicts:
            break
    producer.purge()
    return verdicts[0] if verdicts else "nothing"


def consumed(kafka: Kafka, user: str) -> str:
    options = {**kafka.client(user), "log_level": 0, "group.id": "workers", "auto.offset.reset": "earliest"}
    consumer = Consumer(options)
    consumer.subscribe(["vitals"])
    message = consumer.poll(15)
    consumer.close()
    if message is None:
        return "nothing"
    error = message.error()
    return error.name() if error else "read"


def test_only_who_has_the_right_writes_or_reads_also_after_a_kill(home: Path) -> None:
    with Kafka(home / "kafka", users=USERS) as kafka:
        kafka.create(Topic("vitals", 2))
        admin = kafka.admin()
        bindings = [
            allow("gateway", ResourceType.TOPIC, "vitals", AclOperation.WRITE),
            allow("worker", ResourceType.TOPIC, "vitals", AclOperation.READ),
            allow("worker", ResourceType.GROUP, "workers", AclOperation.READ),
        ]
        for future in admin.create_acls(bindings).values():
            future.result(10)
        for round_ in (1, 2):
            assert produced(kafka, "gateway") == "written"
            assert produced(kafka, "worker") == "TOPIC_AUTHORIZATION_FAILED"
            assert produced(kafka, "gateway", "guess") == "_AUTHENTICATION"
            assert consumed(kafka, "worker") == "read"
            assert consumed(kafka, "gateway") == "GROUP_AUTHORIZATION_FAILED"
            if round_ == 1:
                kafka.kill()
                kafka.start()
