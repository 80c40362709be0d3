"""The engine's clock moves without data: a clock record a second, appended to each partition this worker owns."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException, Producer

from devices.wire.batch import Kind, header, key_of
from devices.wire.sealing import new_nonce, seal
from streams import metrics
from streams.host_clock import HostClock
from streams.kafka.skew import LIMIT_S, off_by

EVERY_S: Final = 1.0
_EXPIRE_MS: Final = 5000  # a clock record later than this helps nobody
SOCKET_MS: Final = 10_000
"""A broker that does not answer for so long is asked no more: it may have vanished without a word."""
_QUEUE: Final = 1000
_WARN_AGAIN_S: Final = 60.0
_LAST_S: Final = 2.0

_log = structlog.get_logger(__name__)
_quiet = logging.getLogger("streams.kafka.clock_records.client")
_quiet.setLevel(logging.CRITICAL)  # a broker that is away shows in the worker's own log


class ClockRecords:
    """Runs in a thread of its own until :meth:`stop`; ``partitions`` is asked each second.

    The last record announces ``silence_min`` minutes without another: whoever ends as planned is not reported as a stop of
    the pipeline, unless nobody goes on by then.  It is sealed with ``key()`` (number and secret), else nobody believes it.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        partitions: Callable[[], Collection[int]],
        silence_min: int = 0,
        clock: HostClock = time,
        key: Callable[[], tuple[int, bytes] | None] = lambda: None,
    ) -> None:
        self._topic, self._partitions, self._silence_min, self._clock = topic, partitions, silence_min, clock
        self._key = key
        self._stopping = threading.Event()
        self._warned: dict[str, float] = {}
        self.off_by: float | None = None
        """Seconds by which the brokers' clock surely differs from this host's, by the last clock record."""
        self._record = header(Kind.CLOCK, patient=0, count=0)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "linger.ms": 5,
                "message.timeout.ms": _EXPIRE_MS,
                "socket.timeout.ms": SOCKET_MS,
                "socket.connection.setup.timeout.ms": SOCKET_MS,
                "socket.keepalive.enable": True,
                "queue.buffering.max.messages": _QUEUE,
                "allow.auto.create.topics": False,  # a topic that is gone is missed, not made anew
            },
            logger=_quiet,
        )
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread and announce the silence; records not delivered within two seconds are given up."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
            key = self._key() if self._silence_min else None
            for partition in sorted(self._partitions()) if key else ():
                self._record = self._announcement(partition, *key)  # type: ignore[misc]
                self._append(partition)
            self._producer.flush(_LAST_S)
        self._producer.purge()

    def _run(self) -> None:
        due = self._clock.monotonic()
        while not self._stopping.is_set():
            try:
                due = self._run_once(due)
            except Exception as error:  # the engine's clock must move, whatever was wrong once
                self._warn("a clock record failed", error=type(error).__name__)
                self._stopping.wait(EVERY_S)

    def _run_once(self, due: float) -> float:
        if self._clock.monotonic() >= due:
            for partition in sorted(self._partitions()):
                self._append(partition)
            due = max(due + EVERY_S, self._clock.monotonic() - EVERY_S)  # after a stop: at most one to make up
        self._producer.poll(min(max(due - self._clock.monotonic(), 0.0), 0.2))
        return due

    def _announcement(self, partition: int, key: int, secret: bytes) -> bytes:
        received, minutes = round(self._clock.time() * 1000), self._silence_min
        head = header(Kind.CLOCK, patient=0, device=partition, count=minutes, key=key, received=received, nonce=new_nonce())
        return seal(head, b"", secret)

    def _append(self, partition: int) -> None:
        try:
            self._producer.produce(
                self._topic, self._record, key_of(0), partition=partition, on_delivery=self._measure_skew(self._clock.time())
            )
        except BufferError:  # the broker is away: the seconds it misses are missed
            self._producer.poll(0)
        except KafkaException as error:  # the topic or the partition is not there: it may come back
            self._warn("a clock record is not taken", partition=partition, error=error.args[0].name())

    def _measure_skew(self, produced: float) -> Callable[[Any, Any], None]:
        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                return
            self.off_by = off_by(produced, message.timestamp()[1] / 1000, self._clock.time())
            metrics.CLOCK_SKEW.set(self.off_by)
            if abs(self.off_by) > LIMIT_S:
                seconds = round(self.off_by, 1)
                self._warn("the brokers' clock and this host's differ: check NTP on both", seconds=seconds)

        return delivered

    def _warn(self, message: str, **detail: object) -> None:
        """Log ``message``, each at most once a minute."""
        now = self._clock.monotonic()
        if now - self._warned.get(message, -_WARN_AGAIN_S) >= _WARN_AGAIN_S:
            self._warned[message] = now
            _log.warning(message, **detail)
