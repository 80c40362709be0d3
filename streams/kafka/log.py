"""The log as the brokers hold it: which offsets are there, and what stands at one of them."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Collection, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from streams.errors import TopicMissingError
from streams.kafka.position import Appended, Extent

_ANSWER_S: Final = 10.0
_TOPIC_S: Final = 15.0
_LEADER_S: Final = 0.2
_FETCH_BYTES: Final = 1 << 16  # one record is wanted: a whole batch comes, however large
_BOUNDS: Final = {"socket.timeout.ms": 10_000, "socket.connection.setup.timeout.ms": 10_000}
_quiet = logging.getLogger("streams.kafka.log.client")
_quiet.setLevel(logging.CRITICAL)  # a broker that is away shows in the worker's own log


class Log:
    """One topic.  Every method may wait for some seconds and raise ``KafkaException`` or ``TimeoutError`` where the brokers
    are away: try again.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic

    def topic_id(self) -> str:
        """The topic's id, which a topic made again under the same name does not share.

        Raises:
            TopicMissingError: it is not there, or does not carry the brokers' own time.
        """
        admin, resource = self._client(), ConfigResource(ResourceType.TOPIC, self._topic)
        described = admin.describe_topics(TopicCollection([self._topic]), request_timeout=_TOPIC_S)
        configs = admin.describe_configs([resource], request_timeout=_TOPIC_S)
        try:
            found = str(described[self._topic].result(_TOPIC_S).topic_id)
            kind = configs[resource].result(_TOPIC_S)["message.timestamp.type"].value
        except KafkaException as error:
            if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
                raise TopicMissingError(self._topic, "does not exist") from None
            raise
        if kind != "LogAppendTime":
            raise TopicMissingError(self._topic, "has message.timestamp.type other than LogAppendTime")
        return found

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]:
        """The offsets that each partition holds."""
        admin = self._admin()
        begin, end = (
            self._offsets(dict.fromkeys(partitions, spec), admin) for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
        )
        return {p: Extent(begin[p], end[p]) for p in partitions}

    def ends(self, partitions: Collection[int]) -> dict[int, int]:
        """The next offset of each partition."""
        return self._offsets(dict.fromkeys(partitions, OffsetSpec.latest()))

    def since(self, times: Mapping[int, int]) -> dict[int, int]:
        """The first offset appended at or after a time (ms), by partition; the log's end where there is none."""
        found = self._offsets({p: OffsetSpec.for_timestamp(at) for p, at in times.items()})
        none = [p for p, offset in found.items() if offset < 0]
        return found | (self.ends(none) if none else {})

    def at(self, offsets: Mapping[int, int]) -> dict[int, Appended | None]:
        """The record at one offset of each partition, all before its end; ``None`` where it has expired."""
        found: dict[int, Appended | None] = {}
        if not offsets:
            return found
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "vigil-log",  # asked for by the client; nothing is committed
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.message.max.bytes": _FETCH_BYTES,
                "fetch.wait.max.ms": 20,
                **_BOUNDS,
            },
            logger=_quiet,
        )
        end = time.monotonic() + _ANSWER_S
        try:
            consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in offsets.items()])
            while found.keys() != offsets.keys():
                if time.monotonic() > end:
                    raise TimeoutError("the brokers did not send the records asked for")
                for message in consumer.consume(len(offsets), 0.1):
                    partition, error = message.partition(), message.error()
                    if error is None and partition not in found:
                        fits = message.offset() == offsets[partition]
                        append = message.timestamp()[1]
                        found[partition] = Appended(append, zlib.crc32(message.value() or b"")) if fits else None
                        consumer.incremental_unassign([TopicPartition(self._topic, partition)])
                    elif error is not None and error.code() in _NOT_THERE and partition in offsets:
                        found.setdefault(partition, None)
        finally:
            consumer.close()
        return found

    def _client(self) -> AdminClient:
        settings = {"bootstrap.servers": self._bootstrap, "allow.auto.create.topics": False, **_BOUNDS}  # makes no topic
        return AdminClient(settings, logger=_quiet)

    def _admin(self) -> AdminClient:
        """A client that knows the topic's leaders: one that looks for them by itself at times begins with a wait of three
        seconds.
        """
        admin = self._client()
        admin.list_topics(self._topic, timeout=_ANSWER_S)
        return admin

    def _offsets(self, wanted: Mapping[int, OffsetSpec], admin: AdminClient | None = None) -> dict[int, int]:
        admin = admin or self._admin()
        asked = {TopicPartition(self._topic, p): spec for p, spec in wanted.items()}
        end = time.monotonic() + _ANSWER_S
        while True:
            futures = admin.list_offsets(asked, request_timeout=_ANSWER_S)
            try:
                return {tp.partition: future.result(_ANSWER_S).offset for tp, future in futures.items()}
            except KafkaException as error:  # a leader is just being chosen
                if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > end:
                    raise
            time.sleep(_LEADER_S)


_NOT_THERE: Final = (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET)
