"""Devices that the radio sees while the desk asks: those that Vigil understands, for a patient who looks for theirs.

Nothing of it is stored, and it is forgotten when the scan is over: the devices of neighbours advertise as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from devices.gatt.profiles import profiles_of
from devices.gatt.uuids import full_uuid
from devices.wire.pairing import MOST_NEARBY, Nearby, Scan
from gateway.sources.bleak_call import RadioError, call, hang_up

IMMEDIATE_ALERT: Final = full_uuid(0x1802)
"""The service "find me" of the Bluetooth SIG: a device that offers it buzzes or blinks when asked."""
ALERT_LEVEL: Final = full_uuid(0x2A06)
HIGH_ALERT: Final = b"\x02"
LONGEST_S: Final = 600.0
_LONGEST_NAME: Final = 60
_ALERT_S: Final = 10.0

_log: Final = structlog.get_logger(__name__)


def described(address: str, advertisement: AdvertisementData, name: str | None) -> Nearby | None:
    """A device as its advertisement describes it; ``None`` where it offers nothing that Vigil reads."""
    profiles = tuple(one.name for one in profiles_of(advertisement.service_uuids))
    if not profiles:
        return None
    given = advertisement.local_name or name or ""
    shown = "".join(letter for letter in given if letter.isprintable()).strip()[:_LONGEST_NAME]
    rssi = max(-128, min(127, advertisement.rssi))
    return Nearby(address, shown, profiles, rssi, IMMEDIATE_ALERT in map(full_uuid, advertisement.service_uuids))


@dataclass(slots=True)
class Lookout:
    """Collects what advertises during one :class:`devices.wire.pairing.Scan`; the radio calls :meth:`found`.

    ``woken`` is called when there is something to look for; ``fault`` is the reason for which nothing can be seen now, and
    ``without`` the one for which this gateway never sees anything.
    """

    fault: str = ""
    without: str = ""
    woken: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
    _request: int = 0
    _until: float = 0.0
    _alerted: int = 0
    _alert: str = ""
    _seen: dict[str, tuple[Nearby, BLEDevice]] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """True while the desk's scan lasts."""
        if self.monotonic() < self._until:
            return True
        self._seen.clear()
        return False

    def look(self, scan: Scan, seconds: float) -> None:
        """Look for ``seconds`` (at most ten minutes) on behalf of ``scan``; a new request begins with nothing seen."""
        if scan.request != self._request:
            self._seen.clear()
            self._request, self._alerted, self.fault = scan.request, 0, ""  # what failed before is tried again
        self._until = self.monotonic() + min(seconds, LONGEST_S)
        if scan.buzz_request > self._alerted:
            self._alerted, self._alert = scan.buzz_request, scan.buzz
        self.woken()

    def end(self) -> None:
        """Look no more and forget what was seen."""
        self._until, self._alert = 0.0, ""
        self._seen.clear()

    def found(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        """Note an advertisement."""
        if not self.active or (len(self._seen) >= MOST_NEARBY and device.address not in self._seen):
            return
        one = described(device.address, advertisement, device.name)
        if one is not None:
            self._seen[device.address] = (one, device)

    @property
    def nearby(self) -> tuple[Nearby, ...]:
        """The devices seen so far, the nearest first."""
        return tuple(sorted((one for one, _ in self._seen.values()), key=lambda one: -one.rssi))

    @property
    def has_alert(self) -> bool:
        """True if a device that was seen is to make itself noticed."""
        return self._alert in self._seen

    def next_alert(self) -> BLEDevice | None:
        """The device that is to make itself noticed, once."""
        if not self.has_alert:
            return None
        found, self._alert = self._seen[self._alert], ""
        return found[1]


async def alert(device: BLEDevice) -> None:
    """Connect to a device, have it buzz, hang up; one that refuses is logged."""
    client = BleakClient(device)
    try:
        await call(_ALERT_S, client.connect())
        await call(_ALERT_S, client.write_gatt_char(ALERT_LEVEL, HIGH_ALERT, response=False))
    except RadioError as error:
        _log.info("a device nearby does not buzz", reason=str(error))
    finally:
        await hang_up(client)
