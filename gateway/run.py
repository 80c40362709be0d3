"""The composition of a gateway: sources, outbox, uplink, heartbeat and downlink in one process."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import start_http_server

from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration, read_credential
from gateway.desk.downlink import Downlink
from gateway.desk.heartbeat import run_heartbeat
from gateway.desk.resend import run_resend
from gateway.errors import NotPairedError, StateInUseError
from gateway.limit import end
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.sources.ble import BleSource
from gateway.sources.mqtt import Broker, MqttSource
from gateway.uplink.uplink import Pace, Uplink

_log: Final = structlog.get_logger(__name__)


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Lock the state folder, mode 0700; :class:`StateInUseError` if another process holds it."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateInUseError(state) from None
        yield
    finally:
        os.close(lock)


async def run(settings: GatewaySettings, *, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set.

    Raises :class:`NotPairedError`, :class:`StateInUseError` or :class:`OutboxDamagedError` at the start, later
    :class:`RevokedError`; each message is one sentence for the person who runs it.
    """
    with _locked(settings.state):
        claimed = read_credential(settings.state)
        if claimed is None:
            raise NotPairedError(settings.state)
        clock, metrics, configuration = GatewayClock(settings.clock), Metrics(), Configuration(settings.state)
        outbox = Outbox(settings.state / "outbox.sqlite", limit=settings.outbox_mb << 20, clock=clock)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1", registry=metrics.registry)
        uplink = Uplink(
            outbox,
            configuration,
            clock,
            metrics,
            gateway=claimed.gateway,
            servers=settings.kafka,
            options=settings.kafka_options,
            pace=Pace(int(settings.live_s * 1000), settings.backfill_per_s, settings.backfill_spread_s),
        )
        work = [
            asyncio.create_task(Downlink(configuration, claimed, settings.desk, ca=settings.desk_ca).run(), name="downlink"),
            asyncio.create_task(run_heartbeat(outbox, configuration, clock, metrics), name="heartbeat"),
            asyncio.create_task(run_resend(outbox, configuration, settings.backfill_spread_s), name="resend"),
        ]
        if settings.ble:
            ble = BleSource(
                configuration, outbox, clock, metrics, connections=settings.ble_connections, silence_s=settings.ble_silence_s
            )
            work.append(asyncio.create_task(ble.run(), name="ble"))
        if settings.mqtt_host:
            broker = Broker(
                settings.mqtt_host,
                settings.mqtt_port,
                settings.mqtt_user,
                settings.mqtt_password.get_secret_value(),
                settings.mqtt_ca,
            )
            mqtt = MqttSource(configuration, outbox, clock, metrics, broker, gateway=claimed.gateway)
            work.append(asyncio.create_task(mqtt.run(), name="mqtt"))
        leave = asyncio.Event()
        sending = asyncio.create_task(uplink.run(leave), name="uplink")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        _log.info("gateway runs", gateway=claimed.gateway, configuration=configuration.version)
        try:
            done, _ = await asyncio.wait({stopped, sending, *work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # First the sources end, then the stored readings get a moment to leave, then the file is closed.
            await end([stopped, *work])
            leave.set()
            await asyncio.gather(sending, return_exceptions=True)
            await outbox.close()
        for task in done - {stopped}:
            task.result()
