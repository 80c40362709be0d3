"""The topic as the brokers know it."""

from __future__ import annotations

import logging
from typing import Final

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streams.errors import TopicMissingError

_TIMEOUT_S: Final = 15.0
_quiet = logging.getLogger("streams.kafka.topic.client")


def topic_id(bootstrap: str, topic: str) -> str:
    """The topic's id, which a topic made again under the same name does not share.

    Raises:
        TopicMissingError: it is not there, or does not carry the brokers' own time.
        confluent_kafka.KafkaException, TimeoutError: the brokers are away; try again.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap}, logger=_quiet)
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=_TIMEOUT_S)
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configs = admin.describe_configs([resource], request_timeout=_TIMEOUT_S)
    try:
        found = str(described[topic].result(_TIMEOUT_S).topic_id)
        kind = configs[resource].result(_TIMEOUT_S)["message.timestamp.type"].value
    except KafkaException as error:
        if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
            raise TopicMissingError(topic, "does not exist") from None
        raise
    if kind != "LogAppendTime":
        raise TopicMissingError(topic, "has message.timestamp.type other than LogAppendTime")
    return found
