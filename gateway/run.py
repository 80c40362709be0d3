"""The composition of a gateway: sources, outbox, uplink, heartbeat and downlink in one process."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import start_http_server

from devices.wire.pairing import Claimed
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration, read_credential, read_desk
from gateway.desk.downlink import Downlink
from gateway.desk.heartbeat import run_heartbeat
from gateway.desk.resend import run_resend
from gateway.desk.salvage_note import run_salvage_note
from gateway.desk.scan import NO_BLUETOOTH, run_scan
from gateway.errors import NotPairedError, StateInUseError
from gateway.limit import end
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.sources.ble import BleSource
from gateway.sources.lookout import Lookout
from gateway.sources.mappings import read_mappings
from gateway.sources.mqtt import Broker, MqttSource
from gateway.supervisor import keep_running
from gateway.uplink.uplink import Schedule, Uplink

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

    Raises :class:`NotPairedError`, :class:`StateInUseError`, :class:`OutboxUnusableError` or :class:`OutboxDamagedError` at
    the start, later :class:`RevokedError`; each message is one sentence for the person who runs it.
    """
    with _locked(settings.state):
        claimed = read_credential(settings.state)
        if claimed is None:
            raise NotPairedError(settings.state)
        home = _Home(settings, claimed)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1", registry=home.metrics.registry)
        damage = await home.work(stop)
        while damage:  # found at work: begin anew, with what can be saved of it
            _log.error("the outbox was found damaged at work, beginning anew", reason=damage)
            damage = await home.work(stop, damage)


class _Home:
    """One gateway: what outlives its outbox, and the work around one outbox."""

    def __init__(self, settings: GatewaySettings, claimed: Claimed) -> None:
        self._settings, self._claimed = settings, claimed
        self.clock, self.metrics = GatewayClock(settings.clock), Metrics()
        self._configuration, self._lookout = Configuration(settings.state), Lookout()

    async def work(self, stop: asyncio.Event, damage: str = "") -> str:
        """Work until ``stop``, or until the outbox is found damaged; return the reason then."""
        settings, state = self._settings, self._settings.state
        outbox = Outbox(state / "outbox.sqlite", limit=settings.outbox_mb << 20, clock=self.clock, damage=damage)
        leave = asyncio.Event()
        sending = self._keep("uplink", lambda: self._uplink(outbox).run(leave), done=leave.is_set)
        work = [self._keep(name, make) for name, make in self._jobs(outbox).items()]
        ends = [asyncio.create_task(one.wait(), name="end") for one in (stop, outbox.damaged)]
        _log.info("gateway runs", gateway=self._claimed.gateway, configuration=self._configuration.version)
        try:
            done, _ = await asyncio.wait({*ends, sending, *work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # First the sources end, then the stored readings get a moment to leave, then the file is closed.
            await end([*ends, *work])
            leave.set()
            await asyncio.gather(sending, return_exceptions=True)
            await outbox.close()
        for task in done - {*ends}:
            task.result()
        return "" if stop.is_set() else outbox.damage

    def _keep(
        self, name: str, make: Callable[[], Awaitable[None]], done: Callable[[], bool] = lambda: False
    ) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, make, self.metrics, done=done), name=name)

    def _jobs(self, outbox: Outbox) -> dict[str, Callable[[], Awaitable[None]]]:
        """The tasks by name; each call makes a task anew."""
        settings, configuration, clock, metrics = self._settings, self._configuration, self.clock, self.metrics
        desk = read_desk(settings.state)
        address, ca = settings.desk or desk.address, settings.desk_ca or (Path(desk.ca) if desk.ca else None)
        jobs: dict[str, Callable[[], Awaitable[None]]] = {
            "downlink": lambda: Downlink(configuration, self._claimed, address, ca=ca).run(),
            "heartbeat": partial(run_heartbeat, outbox, configuration, clock, metrics),
            "resend": partial(run_resend, outbox, configuration, settings.backfill_spread_s),
            "scan": partial(run_scan, configuration, self._lookout, self._claimed, address, ca=ca),
        }
        if outbox.salvaged is not None:
            jobs["salvage note"] = partial(run_salvage_note, outbox.salvaged, outbox, configuration, clock)
        self._lookout.without = "" if settings.ble else NO_BLUETOOTH
        if settings.ble:
            jobs["ble"] = lambda: self._ble(outbox).run()
        if settings.mqtt_host:
            jobs["mqtt"] = lambda: self._mqtt(outbox).run()
        return jobs

    def _uplink(self, outbox: Outbox) -> Uplink:
        settings = self._settings
        return Uplink(
            outbox,
            self._configuration,
            self.clock,
            self.metrics,
            gateway=self._claimed.gateway,
            servers=settings.kafka,
            options=settings.kafka_options,
            schedule=Schedule(int(settings.live_s * 1000), settings.backfill_per_s, settings.backfill_spread_s),
        )

    def _ble(self, outbox: Outbox) -> BleSource:
        return BleSource(
            self._configuration,
            outbox,
            self.clock,
            self.metrics,
            connections=self._settings.ble_connections,
            silence_s=self._settings.ble_silence_s,
            zone=self._settings.zone,
            lookout=self._lookout,
        )

    def _mqtt(self, outbox: Outbox) -> MqttSource:
        settings = self._settings
        broker = Broker(
            settings.mqtt_host,
            settings.mqtt_port,
            settings.mqtt_user,
            settings.mqtt_password.get_secret_value(),
            settings.mqtt_ca,
        )
        return MqttSource(
            self._configuration,
            outbox,
            self.clock,
            self.metrics,
            broker,
            gateway=self._claimed.gateway,
            mappings=read_mappings(settings.mqtt_mappings),
        )
