"""From the outbox to Kafka: cut, seal, send, and mark as delivered only what Kafka has acknowledged."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from devices.wire.batch import Lane, key_of, partition_of
from devices.wire.pairing import Config
from devices.wire.sealing import new_nonce
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.uplink.batching import Batch, cut
from gateway.uplink.producer import OnReport, Producer, Sender

MAX_IN_FLIGHT: Final = 20_000
"""Readings in flight at once; at most half of them are backfill."""
_PAUSE_S: Final = (0.25, 10.0)
_IDLE_S: Final = 1.0
_TRIES: Final = 100
_EVER_MS: Final = 2**52

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The speed of sending.

    A reading counts as live for ``live_ms``; the others are backfill.  At most ``backfill_per_s`` backfill readings are sent
    a second.  After an outage each gateway starts its backfill at a random time within ``spread_s``.  An outage is
    ``outage_s`` without any answer while records are in flight (librdkafka itself tries for minutes before it reports one).
    At the end, records in flight get ``flush_s`` to arrive.
    """

    live_ms: int = 60_000
    backfill_per_s: int = 2000
    spread_s: float = 0.0
    outage_s: float = 10.0
    flush_s: float = 3.0


class Uplink:
    """Sends the readings of gateway number ``gateway``; non-empty ``servers`` replace the address from the desk."""

    def __init__(
        self,
        outbox: Outbox,
        configuration: Configuration,
        clock: GatewayClock,
        metrics: Metrics,
        *,
        gateway: int,
        servers: str = "",
        options: Mapping[str, str] | None = None,
        schedule: Schedule | None = None,
        connect: Callable[[str, Mapping[str, str], OnReport], Sender] = Producer,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
        new_nonce: Callable[[], bytes] = new_nonce,
    ) -> None:
        self._outbox, self._configuration, self._clock, self._metrics = outbox, configuration, clock, metrics
        self._gateway, self._servers, self._options, self._schedule = gateway, servers, options or {}, schedule or Schedule()
        self._connect, self._monotonic, self._uniform, self._new_nonce = connect, monotonic, uniform, new_nonce
        self._producer: Sender | None = None
        self._in_flight = dict.fromkeys(Lane, 0)
        self._delivered: list[int] = []  # reported by Kafka, not yet written to the outbox
        self._failed: list[int] = []
        self._has_reports = asyncio.Event()
        self._pause, self._not_before = 0.0, 0.0
        self._credit, self._credit_at = 0.0, self._monotonic()
        self._answered_at = self._monotonic()  # Kafka's last answer, or the start of waiting for one

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop``; then records in flight get a few seconds to arrive."""
        await self._outbox.release_all()
        reporting = asyncio.create_task(self._report(), name="uplink reports")
        try:
            while not stop.is_set():
                await self._work_or_idle(stop)
                if reporting.done():
                    reporting.result()  # a bug: nothing would be marked as delivered any more
                try:
                    await self._round()
                except OutboxError as error:
                    _log.error("outbox cannot be read", reason=str(error))
                    self._hold_back()
        finally:
            await self._leave(0 if self._configuration.revoked else self._schedule.flush_s)
            reporting.cancel()
            await asyncio.wait({reporting})
            await self._write_down()

    async def _work_or_idle(self, stop: asyncio.Event) -> None:
        """Wait for readings, then for more of them to join; wait at most a second without any."""
        stopped = asyncio.create_task(stop.wait())
        stored = asyncio.create_task(self._outbox.stored.wait())
        try:
            await asyncio.wait({stopped, stored}, timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            pause = max(self._not_before - self._monotonic(), 0.0)
            if stored.done():
                self._outbox.stored.clear()
                config = self._configuration.current
                pause = max(pause, config.linger_s if config else 0.0)
            if pause:
                await asyncio.wait({stopped}, timeout=pause)
        finally:
            stopped.cancel()
            stored.cancel()

    async def _round(self) -> None:
        config = self._configuration.current
        if config is None or self._configuration.revoked:
            if self._producer is not None and self._configuration.revoked:
                await self._leave(0)
            return
        patients = [key.patient for key in (*config.patients, *config.leaving)]
        if not self._clock.synchronised():  # only that: nothing else can be given its time
            own = await self._outbox.take(MAX_IN_FLIGHT, Lane.LIVE, patients, live_ms=_EVER_MS, own=True)
            await self._send(cut(own), config)
            return
        while await self._outbox.stamp():
            await asyncio.sleep(0)
        room = MAX_IN_FLIGHT - sum(self._in_flight.values())
        live = await self._outbox.take(room, Lane.LIVE, patients, live_ms=self._schedule.live_ms)
        await self._send(cut(live), config)
        if len(live) < room:
            room = min(MAX_IN_FLIGHT // 2 - self._in_flight[Lane.BACKFILL], room - len(live), self._allowance())
            late = await self._outbox.take(room, Lane.BACKFILL, patients, live_ms=self._schedule.live_ms)
            self._credit -= len(late)
            await self._send(cut(late), config)
            if late:
                self._outbox.stored.set()  # there may be more

    def _allowance(self) -> int:
        """Backfill readings that may be sent now."""
        now = self._monotonic()
        if now > self._credit_at:
            earned = (now - self._credit_at) * self._schedule.backfill_per_s
            self._credit = min(self._credit + earned, float(self._schedule.backfill_per_s))
            self._credit_at = now
        return int(self._credit)

    def _wait_with_backfill(self) -> None:
        """Start the backfill later: an outage is over that all gateways may have shared."""
        self._credit = min(self._credit, 0.0)
        self._credit_at = self._monotonic() + self._uniform(0, self._schedule.spread_s)

    async def _send(self, batches: Iterable[Batch], config: Config) -> None:
        """Hand ``batches`` over; whatever goes wrong with one, none of them stays in flight for ever."""
        left = deque(batches)
        try:
            while left:
                await self._send_one(left[0], config)
                left.popleft()
        finally:
            for batch in left:
                self._give_back(batch)

    async def _send_one(self, batch: Batch, config: Config) -> None:
        record = self._sealed(batch)
        if record is None:
            self._give_back(batch)
            return
        if not any(self._in_flight.values()):
            self._answered_at = self._monotonic()
        partition, key = partition_of(batch.patient), key_of(batch.patient)
        for _ in range(_TRIES):
            producer = await self._connected(config)
            self._in_flight[batch.lane] += len(batch.rows)
            taken = False
            try:
                if taken := producer.send(config.topic, partition, key, record, batch):
                    return
            finally:
                if not taken:
                    self._in_flight[batch.lane] -= len(batch.rows)
            await asyncio.sleep(0.05)  # the queue is full, and the polling thread is emptying it
        self._in_flight[batch.lane] += len(batch.rows)
        self._reported(batch, "_QUEUE_FULL")

    def _give_back(self, batch: Batch) -> None:
        """To the outbox, by the task that tries until it takes it."""
        self._failed += batch.ids
        self._has_reports.set()

    def _sealed(self, batch: Batch) -> bytes | None:
        """The sealed record; None if its patient's key is missing or unusable."""
        key = self._configuration.key_of(batch.patient)
        if key is None:
            return None
        try:
            return batch.sealed(
                gateway=self._gateway, epoch=self._outbox.epoch, key=key.key, secret=key.secret, new_nonce=self._new_nonce
            )
        except ValueError as error:
            _log.error("a data key cannot be used", key=key.key, reason=str(error))
            self._hold_back()
            return None

    async def _connected(self, config: Config) -> Sender:
        """The producer: a new one after a fatal error, or when the desk names other servers."""
        servers = self._servers or config.kafka
        if self._producer is not None and (self._producer.fatal or self._producer.servers != servers):
            _log.warning("new connection to Kafka", reason=self._producer.fatal or "another address")
            await self._leave(0)
        if self._producer is None:
            options = {"client.id": f"gateway-{self._gateway}", **self._options}
            self._producer = self._connect(servers, options, self._reported)
        return self._producer

    async def _leave(self, wait: float) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close(wait)

    def _reported(self, batch: Batch, error: str | None) -> None:
        self._in_flight[batch.lane] -= len(batch.rows)
        silence, self._answered_at = self._monotonic() - self._answered_at, self._monotonic()
        if error is None:
            if self._pause or silence > self._schedule.outage_s:
                self._wait_with_backfill()
            self._pause = 0.0
            self._metrics.readings("delivered", len(batch.rows))
            self._delivered += batch.ids
        else:
            self._metrics.readings("undelivered", len(batch.rows))
            self._failed += batch.ids
            if self._pause == 0.0:
                _log.warning("Kafka did not take a record", reason=error, readings=len(batch.rows))
            self._hold_back()
        self._has_reports.set()

    def _hold_back(self) -> None:
        least, most = _PAUSE_S
        self._pause = min(max(self._pause * 2, least), most)
        self._not_before = self._monotonic() + self._uniform(self._pause / 2, self._pause)

    async def _report(self) -> None:
        while True:
            await self._has_reports.wait()
            self._has_reports.clear()
            try:
                await self._write_down()
            except OutboxError as error:
                _log.error("deliveries cannot be written down, they will be sent again", reason=str(error))
                self._has_reports.set()
                await asyncio.sleep(1)

    async def _write_down(self) -> None:
        for ids, write in ((self._delivered, self._outbox.delivered), (self._failed, self._outbox.release)):
            if count := len(ids):  # more may be reported meanwhile
                await write(ids[:count])
                del ids[:count]
