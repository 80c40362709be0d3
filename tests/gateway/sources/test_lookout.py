"""What a scan for the desk sees: only what Vigil reads, only while it lasts; and a device that buzzes on the fake radio."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from devices.gatt.uuids import full_uuid
from devices.wire.pairing import MOST_NEARBY, Scan
from gateway.sources.ble import BleSource
from gateway.sources.lookout import Lookout, described
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.fakebluez import FakeBlueZ
from tests.gateway.serving import Parts, serving
from tests.until import until

BELT = full_uuid(0x180D)


def advertisement(*services: str, name: str | None = "belt", rssi: int = -60) -> AdvertisementData:
    return AdvertisementData(name, {}, {}, list(services), None, rssi, ())


def device(address: str = "C0:00:00:00:00:01", name: str | None = None) -> BLEDevice:
    return BLEDevice(address, name, None)


def count(lookout: Lookout) -> int:
    return len(lookout.nearby)


def hand(now: list[float]) -> Lookout:
    return Lookout(monotonic=lambda: now[0])


def test_a_device_that_vigil_cannot_read_is_not_described() -> None:
    assert described("A", advertisement(full_uuid(0x1812)), None) is None
    found = described("A", advertisement(BELT, full_uuid(0x1802), name="Belt\n\x07 " + "x" * 80, rssi=-200), None)
    assert found is not None
    assert (found.profiles, found.rssi, found.can_buzz) == (("heart rate",), -128, True)
    assert found.name.startswith("Belt x") and len(found.name) == 60


def test_nothing_is_noted_before_a_scan_and_nothing_is_kept_after_it() -> None:
    now = [0.0]
    lookout = hand(now)
    lookout.found(device(), advertisement(BELT))
    assert count(lookout) == 0
    lookout.look(Scan(1, 0), 10)
    lookout.found(device(), advertisement(BELT, rssi=-80))
    lookout.found(device("C0:00:00:00:00:02"), advertisement(BELT, rssi=-40))
    assert [one.rssi for one in lookout.nearby] == [-40, -80]
    lookout.look(Scan(1, 0), 10)
    assert len(lookout.nearby) == 2  # the same request goes on
    lookout.look(Scan(2, 0), 10)
    assert count(lookout) == 0
    lookout.found(device(), advertisement(BELT))
    now[0] = 10.0
    assert not lookout.active
    assert count(lookout) == 0


def test_a_crowd_of_devices_is_cut_and_a_scan_never_lasts_longer_than_ten_minutes() -> None:
    now = [0.0]
    lookout = hand(now)
    lookout.look(Scan(1, 0), 1e9)
    for number in range(MOST_NEARBY + 5):
        lookout.found(device(f"{number}"), advertisement(BELT))
    assert len(lookout.nearby) == MOST_NEARBY
    now[0] = 600.0
    assert not lookout.active


def test_a_device_is_asked_to_buzz_once_and_only_if_it_was_seen() -> None:
    lookout = hand([0.0])
    lookout.look(Scan(1, 0, "C0:00:00:00:00:01", 1), 10)
    assert lookout.next_alert() is None
    lookout.found(device(), advertisement(BELT))
    assert lookout.next_alert() is not None
    lookout.look(Scan(1, 0, "C0:00:00:00:00:01", 1), 10)
    assert lookout.next_alert() is None
    lookout.look(Scan(1, 0, "C0:00:00:00:00:01", 2), 10)
    assert lookout.next_alert() is not None


def belt(number: int, *, alert: list[bytes] | None = None) -> Peripheral:
    services = [Service(BELT, [Characteristic(full_uuid(0x2A37), ("notify",))])]
    advertised = [BELT]
    if alert is not None:
        level = Characteristic(full_uuid(0x2A06), ("write-without-response",), on_write=alert.append)
        services.append(Service(full_uuid(0x1802), [level]))
        advertised.append(full_uuid(0x1802))
    return Peripheral(
        f"C0:00:00:00:00:{number:02X}",
        f"belt {number}",
        services,
        advertised,
        advertising_interval=0.02,
        connect_delay=0.005,
    )


@pytest.mark.stack
async def test_a_gateway_without_devices_looks_and_has_one_buzz(bluez: FakeBlueZ, tmp_path: Path) -> None:
    buzzed: list[bytes] = []
    bluez.add(belt(1))
    bluez.add(belt(2, alert=buzzed))
    lookout = Lookout()

    def make(parts: Parts) -> Any:
        return BleSource(parts.configuration, parts.outbox, parts.clock, parts.metrics, lookout=lookout)

    async with serving(tmp_path, (), make):
        await asyncio.sleep(0.1)
        assert count(lookout) == 0
        lookout.look(Scan(1, 0), 30)
        await until(lambda: len(lookout.nearby) == 2)
        assert {one.address: one.can_buzz for one in lookout.nearby} == {
            "C0:00:00:00:00:01": False,
            "C0:00:00:00:00:02": True,
        }
        lookout.look(Scan(1, 0, "C0:00:00:00:00:02", 1), 30)
        await until(lambda: buzzed)
        assert buzzed == [b"\x02"]
        bluez.set_powered(False)
        await until(lambda: lookout.fault)
        bluez.set_powered(True)
        await until(lambda: not lookout.fault)
        lookout.end()
