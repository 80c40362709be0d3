"""The adapter, shared by all devices: one scan or connection attempt at a time, no more links than it can hold."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak_retry_connector import BleakClientWithServiceCache, close_stale_connections_by_address, establish_connection

from gateway.backoff import Backoff
from gateway.limit import within
from gateway.sources.ble_session import Connection
from gateway.sources.bleak_call import RadioError, call, hang_up
from gateway.sources.lookout import Lookout, alert

_SCAN_S: Final = 10.0
_CONNECT_S: Final = 45.0

_log: Final = structlog.get_logger(__name__)


class Radio:
    """Scans for the wanted devices and connects to each one seen, up to ``connections`` links at a time.

    While ``lookout`` is active it scans for all, and shows the lookout what advertises.
    """

    def __init__(self, connections: int, lookout: Lookout | None = None) -> None:
        self._free, self._lookout = connections, lookout or Lookout()
        self._wanted: dict[str, asyncio.Future[Connection]] = {}
        self._stale: set[str] = set()
        self._due = asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()
        self._lookout.woken = self._due.set

    async def connect(self, address: str) -> Connection:
        """Wait without limit until ``address`` is seen and connected.  Give the link back with :meth:`release`.

        Raises :class:`gateway.sources.bleak_call.RadioError` when it was seen and did not connect.
        """
        future: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._wanted[address.upper()] = future
        self._stale.add(address.upper())
        self._due.set()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._leaving.add(task := asyncio.create_task(self._give_back(future.result()), name="hang up"))
                task.add_done_callback(self._leaving.discard)
            raise
        finally:
            if self._wanted.get(address.upper()) is future:
                del self._wanted[address.upper()]

    async def _give_back(self, connection: Connection) -> None:
        await hang_up(connection.client)
        self.release()

    def release(self) -> None:
        """Free the place of a link that has ended for another device."""
        self._free += 1
        self._due.set()

    async def run(self) -> None:
        """Scan and connect until cancelled, through failures of the adapter and of bluetoothd."""
        backoff = Backoff(0.5, 30)
        while True:
            if (not self._wanted or self._free <= 0) and not self._lookout.active:
                self._due.clear()
                await self._due.wait()
                continue
            try:
                await self._end_stale()
                seen = await self._scan()
                backoff.worked()
            except RadioError as error:
                self._lookout.fault = "Bluetooth does not answer"
                await backoff.sleep(_log.warning, "cannot scan", reason=str(error))
                continue
            if (noticed := self._lookout.next_alert()) is not None:
                await alert(noticed)
            for address, (device, rssi) in seen.items():
                future = self._wanted.pop(address, None)
                if future is not None and not future.done() and self._free > 0:
                    await self._open(device, rssi, future)
                elif future is not None and not future.done():
                    self._wanted[address] = future

    async def _end_stale(self) -> None:
        """End links left by a killed gateway: BlueZ keeps them, and a connected device does not advertise."""
        for address in sorted(self._stale):
            await call(_SCAN_S, close_stale_connections_by_address(address))
            self._stale.discard(address)

    async def _scan(self) -> dict[str, tuple[BLEDevice, int]]:
        """Scan until a wanted device or one that has to buzz is seen, or for a while; return the wanted ones by address."""
        seen: dict[str, tuple[BLEDevice, int]] = {}
        any_seen = asyncio.Event()

        def found(device: BLEDevice, advertisement: AdvertisementData) -> None:
            self._lookout.found(device, advertisement)
            if device.address.upper() in self._wanted and self._free > 0:
                seen[device.address.upper()] = (device, advertisement.rssi)
                any_seen.set()
            elif self._lookout.has_alert:
                any_seen.set()

        scanner = BleakScanner(found)
        await call(_SCAN_S, scanner.start())
        self._lookout.fault = ""
        try:
            with contextlib.suppress(TimeoutError):
                await within(_SCAN_S, any_seen.wait())
        finally:
            with contextlib.suppress(RadioError):
                await call(_SCAN_S, scanner.stop())
        return seen

    async def _open(self, device: BLEDevice, rssi: int, future: asyncio.Future[Connection]) -> None:
        lost = asyncio.Event()
        connecting = establish_connection(
            BleakClientWithServiceCache, device, "device", disconnected_callback=lambda _: lost.set(), max_attempts=2
        )
        try:
            client = await call(_CONNECT_S, connecting)
        except Exception as error:  # also a bug: it ends the attempt of this device alone
            if not future.done():
                future.set_exception(error)
            return
        if future.done():  # no longer wanted
            await hang_up(client)
            return
        self._free -= 1
        future.set_result(Connection(client, lost, rssi))
