"""Bluetooth devices: for each that is assigned, connect, listen, and connect anew, for as long as it is assigned."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from devices.wire.pairing import Assigned
from gateway.backoff import Backoff
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.limit import end
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.sources.ble_session import RADIO_ERRORS, Connection, Session
from gateway.sources.bluez import BluezWatch
from gateway.sources.intake import Intake
from gateway.sources.radio import Radio

_FULL_S: Final = 5.0

_log: Final = structlog.get_logger("gateway.ble")


class BleSource:
    """``connections`` links at most; ``silence_s`` as for :class:`gateway.sources.ble_session.Session`."""

    def __init__(
        self,
        configuration: Configuration,
        outbox: Outbox,
        clock: GatewayClock,
        metrics: Metrics,
        *,
        connections: int = 5,
        silence_s: float = 30.0,
    ) -> None:
        self._configuration, self._outbox, self._clock, self._metrics = configuration, outbox, clock, metrics
        self._silence_s = silence_s
        self._radio = Radio(connections)
        self._bluez = BluezWatch()
        self._tasks: dict[Assigned, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow the configuration until cancelled."""
        aids = [asyncio.create_task(self._radio.run(), name="radio"), asyncio.create_task(self._bluez.run(), name="bluez")]
        try:
            while True:
                changed = asyncio.create_task(self._configuration.changed())
                self._follow()
                try:
                    await asyncio.wait({changed, *aids}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                for aid in aids:
                    if aid.done():
                        aid.result()  # a bug: end the gateway rather than listen to nothing
        finally:
            await end([*aids, *self._tasks.values()])

    def _follow(self) -> None:
        """One task for each assignment; an assignment that changed is another."""
        config = self._configuration.current
        wanted = {one for one in (config.devices if config else ()) if one.source == "ble"}
        for gone in self._tasks.keys() - wanted:
            self._tasks.pop(gone).cancel()
        for device in wanted - self._tasks.keys():
            self._tasks[device] = asyncio.create_task(self._serve(device), name=f"device {device.device}")

    async def _serve(self, device: Assigned) -> None:
        intake = Intake(device, self._outbox, self._clock, self._metrics)
        backoff = Backoff(0.25, 60)
        while True:
            while not await self._outbox.has_room():  # a cuff forgets what it has sent
                await asyncio.sleep(_FULL_S)
            try:
                connection = await self._radio.connect(device.address)
            except RADIO_ERRORS as error:
                wait = backoff.failed()
                _log.info("did not connect", device=device.device, reason=type(error).__name__, again_s=round(wait, 1))
                await asyncio.sleep(wait)
                continue
            session = Session(intake, self._clock, self._metrics, self._silence_s)
            self._metrics.link(1)
            try:
                await self._until_lost(session, connection)
            finally:
                self._metrics.link(-1)
                self._radio.release()
            if session.heard > 1:  # more than its battery
                backoff.worked()
            await asyncio.sleep(backoff.failed())

    async def _until_lost(self, session: Session, connection: Connection) -> None:
        lost = asyncio.create_task(self._bluez.lost.wait())
        lost.add_done_callback(lambda task: None if task.cancelled() else connection.gone.set())
        try:
            await session.run(connection)
        finally:
            lost.cancel()
