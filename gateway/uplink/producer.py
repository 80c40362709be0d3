"""librdkafka behind one polling thread; the fate of each record is reported in the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import confluent_kafka
import structlog
from confluent_kafka import KafkaError, KafkaException

from devices.wire.batch import MAX_BYTES
from gateway.uplink.batching import Batch

OnReport = Callable[[Batch, str | None], None]
"""Called once for each record: with ``None`` when Kafka has it, else with the name of the error."""

_BASE: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable.idempotence": True,
    # With more in flight, records were reported delivered that were not in the log after the broker had been killed
    # (docs/decisions/0010-one-request-in-flight.md).
    "max.in.flight.requests.per.connection": 1,
    "delivery.timeout.ms": 120_000,
    "linger.ms": 5,  # the readings of a batch have already waited for each other
    "message.max.bytes": MAX_BYTES + 1024,
    "queue.buffering.max.messages": 50_000,
    "queue.buffering.max.kbytes": 65_536,
    "reconnect.backoff.max.ms": 2_000,
    # a broker that vanished without a word is given up after so long, and the partition's new leader found
    "socket.timeout.ms": 10_000,
    "socket.connection.setup.timeout.ms": 10_000,
    "socket.keepalive.enable": True,
    "allow.auto.create.topics": False,  # else without vigil topic create there is one of one partition
    "log_level": 2,  # a lower level logs every attempt to connect; see _failed
    "topic.metadata.refresh.interval.ms": 60_000,
}
_LOG_EVERY_S: Final = 60.0

_log: Final = structlog.get_logger(__name__)


class Sender(Protocol):
    """The part of :class:`Producer` that the uplink uses."""

    servers: str
    fatal: str | None

    def send(self, topic: str, partition: int, key: bytes, value: bytes, batch: Batch) -> bool: ...
    async def close(self, wait: float) -> None: ...


class Producer:
    """One connection to Kafka.  Every record accepted by :meth:`send` is reported exactly once, at the latest by
    :meth:`close`.
    """

    def __init__(self, servers: str, options: Mapping[str, str], on_report: OnReport) -> None:
        self.servers = servers
        self.fatal: str | None = None
        self._loop = asyncio.get_running_loop()
        self._on_report = on_report
        self._open: dict[int, Batch] = {}
        self._number = 0
        self._logged_at = -_LOG_EVERY_S
        self._ending = threading.Event()
        self._client = confluent_kafka.Producer({"bootstrap.servers": servers, **_BASE, **options, "error_cb": self._failed})
        self._thread = threading.Thread(target=self._poll, name="uplink", daemon=True)
        self._thread.start()

    def send(self, topic: str, partition: int, key: bytes, value: bytes, batch: Batch) -> bool:
        """Queue one record; False when the queue is full (wait a little and try again)."""
        number = self._number = self._number + 1
        self._open[number] = batch

        def delivered(error: KafkaError | None, _: object) -> None:
            try:
                self._loop.call_soon_threadsafe(self._report, number, None if error is None else error.name())
            except RuntimeError:  # the loop has ended: the outbox sends it again
                return

        try:
            self._client.produce(topic, value=value, key=key, partition=partition, on_delivery=delivered)
        except BufferError:
            del self._open[number]
            return False
        except KafkaException as error:
            self._report(number, error.args[0].name())
        return True

    async def close(self, wait: float) -> None:
        """Wait up to ``wait`` seconds for the records in flight and give up the rest."""
        await asyncio.to_thread(self._end, wait)
        for number in list(self._open):
            self._report(number, "_CLOSED")

    def _end(self, wait: float) -> None:
        if wait:
            self._client.flush(wait)
        self._client.purge()
        self._client.flush(1)
        self._ending.set()
        self._thread.join(5)

    def _poll(self) -> None:
        while not self._ending.is_set():
            try:
                self._client.poll(0.2)
            except Exception:  # without this thread no delivery is ever reported
                _log.exception("a bug in a report of Kafka")

    def _report(self, number: int, error: str | None) -> None:
        batch = self._open.pop(number, None)
        if batch is not None:
            self._on_report(batch, error)

    def _failed(self, error: KafkaError) -> None:
        if error.fatal():
            self.fatal = error.name()
        if time.monotonic() - self._logged_at > _LOG_EVERY_S:
            self._logged_at = time.monotonic()
            _log.warning("Kafka", reason=error.name())
