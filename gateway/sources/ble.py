"""Bluetooth devices: connects to each assigned device and listens, again and again while it is assigned."""

from __future__ import annotations

import asyncio
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from devices.wire.pairing import Assigned
from gateway.backoff import Backoff
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.limit import end
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.sources.ble_session import Connection, Session
from gateway.sources.bleak_call import RadioError
from gateway.sources.bluez import BluezWatch
from gateway.sources.intake import Intake
from gateway.sources.lookout import Lookout
from gateway.sources.radio import Radio
from gateway.sources.shared_intake import SharedIntake
from gateway.sources.subscribing import Refusals
from gateway.zone import home_zone

_log: Final = structlog.get_logger(__name__)


class BleSource:
    """The Bluetooth source of readings.

    It holds ``connections`` links at most and gives up a stream that is silent for ``silence_s``.  While the outbox is full
    it connects to nothing and looks again every ``full_s``.  ``zone`` is the home's where the desk names none.  ``lookout``
    is shown what advertises while the desk asks for it.
    """

    def __init__(
        self,
        configuration: Configuration,
        outbox: Outbox,
        clock: GatewayClock,
        metrics: Metrics,
        *,
        connections: int = 5,
        silence_s: float = 30.0,
        full_s: float = 5.0,
        zone: str = "",
        lookout: Lookout | None = None,
    ) -> None:
        self._configuration, self._outbox, self._clock, self._metrics = configuration, outbox, clock, metrics
        self._silence_s, self._full_s, self._zone = silence_s, full_s, zone
        self._radio = Radio(connections, lookout)
        self._bluez = BluezWatch()
        self._tasks: dict[tuple[Assigned, ...], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow the configuration until cancelled."""
        helpers = [asyncio.create_task(one.run(), name=type(one).__name__) for one in (self._radio, self._bluez)]
        try:
            while True:
                self._follow()
                await self._configuration.changed(helpers=helpers)
        finally:
            await end([*helpers, *self._tasks.values()])

    def _follow(self) -> None:
        """Run one task for each address, whose users share it; a changed assignment gets a new task."""
        config = self._configuration.current
        of: dict[str, list[Assigned]] = {}
        for one in config.devices if config else ():
            if one.source == "ble":
                of.setdefault(one.address.upper(), []).append(one)
        wanted = {tuple(devices) for devices in of.values()}
        for ended in self._tasks.keys() - wanted:
            self._tasks.pop(ended).cancel()
        for devices in wanted - self._tasks.keys():
            self._tasks[devices] = asyncio.create_task(self._serve(devices), name=f"device {devices[0].device}")

    async def _serve(self, devices: tuple[Assigned, ...]) -> None:
        intake, refusals = SharedIntake(devices, self._outbox, self._clock, self._metrics), Refusals()
        backoff, device, begun = Backoff(0.25, 60), devices[0], False
        while True:
            try:
                if not begun:
                    await intake.begin()
                    begun = True
                notifications = await self._listen_once(intake, refusals)
            except (RadioError, OutboxError) as error:
                await backoff.sleep(_log.info, "did not connect", device=device.device, reason=str(error))
                continue
            except Exception:
                await backoff.sleep(_log.exception, "a bug ended the session, connecting anew", device=device.device)
                continue
            if notifications > 1:  # more than its battery
                backoff.worked()
            await asyncio.sleep(backoff.failed())

    async def _listen_once(self, intake: Intake, refusals: Refusals) -> int:
        """Connect and listen until the link is lost; return the number of notifications."""
        while not await self._outbox.has_room():  # a cuff forgets the records it has sent
            await asyncio.sleep(self._full_s)
        connection = await self._radio.connect(intake.device.address)
        session = Session(intake, self._clock, self._metrics, self._silence_s, refusals, self._home_zone())
        self._metrics.link(1)
        try:
            await self._until_lost(session, connection)
        finally:
            self._metrics.link(-1)
            self._radio.release()
        return session.notifications

    def _home_zone(self) -> ZoneInfo | None:
        config = self._configuration.current
        return home_zone(config.zone if config else "", self._zone)

    async def _until_lost(self, session: Session, connection: Connection) -> None:
        lost = asyncio.create_task(self._bluez.lost.wait())
        lost.add_done_callback(lambda task: None if task.cancelled() else connection.lost.set())
        try:
            await session.run(connection)
        finally:
            lost.cancel()
