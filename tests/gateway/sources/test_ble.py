import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.stack.dbus import Dbus
from devices.gatt.date_time import encode_date_time
from devices.gatt.uuids import full_uuid
from devices.vitals import Vital
from devices.wire.event import Battery, Contact, Link
from devices.wire.pairing import Assigned
from gateway.metrics import Metrics
from gateway.sources.ble import BleSource
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.heart_rate_belt import encode_heart_rate
from tests.gateway.making import config
from tests.gateway.reading_outbox import events, refused, stored, values
from tests.gateway.serving import Parts, serving
from tests.until import until

pytestmark = pytest.mark.stack
RATE, LEVEL, PRESSURE = 0x2A37, 0x2A19, 0x2A35


def belt(number: int = 1) -> Peripheral:
    return Peripheral(
        f"C0:00:00:00:00:{number:02X}",
        "belt",
        [
            Service(full_uuid(0x180D), [Characteristic(full_uuid(RATE), ("notify",))]),
            Service(full_uuid(0x180F), [Characteristic(full_uuid(LEVEL), ("read", "notify"), b"\x5a")]),
        ],
        advertised=[full_uuid(0x180D)],
        advertising_interval=0.02,
        connect_delay=0.005,
    )


def cuff(records: list[bytes]) -> Peripheral:
    """As real ones: indicates what it has once a bonded client subscribes, then hangs up; silent when it has nothing."""
    tasks: list[asyncio.Task[None]] = []
    pressure = Characteristic(full_uuid(PRESSURE), ("indicate",), encrypted=True)
    clock = Characteristic(
        full_uuid(0x2A2B), ("read",), on_read=lambda: encode_date_time(round(time.time() * 1000)) + bytes(3)
    )
    peripheral = Peripheral(
        "C0:00:00:00:00:02",
        "cuff",
        [Service(full_uuid(0x1810), [pressure]), Service(full_uuid(0x1805), [clock])],
        [full_uuid(0x1810)],
        advertising_interval=0.02,
    )

    async def tell() -> None:
        while records and peripheral.notify(PRESSURE, records[0]):
            records.pop(0)
            await asyncio.sleep(0.01)
        peripheral.advertising = bool(records)
        peripheral.drop_link()

    def subscribed(on: bool) -> None:
        if on:
            tasks.append(asyncio.create_task(tell()))

    pressure.on_subscribe = subscribed
    return peripheral


def pressures(number: int, systolic: int, minute: int) -> bytes:
    return bytes([0x06, systolic, 0, 80, 0, 93, 0]) + (2026).to_bytes(2, "little") + bytes([1, 1, 8, minute, 0, 70, 0])


@pytest.fixture
async def bluez(dbus: Dbus) -> AsyncIterator[FakeBlueZ]:
    async with FakeBlueZ(dbus.address) as fake:
        yield fake


@asynccontextmanager
async def listening(folder: Path, *devices: Assigned, **more: Any) -> AsyncIterator[Parts]:
    def make(parts: Parts) -> BleSource:
        return BleSource(parts.configuration, parts.outbox, parts.clock, parts.metrics, **more)

    async with serving(folder, devices, make) as (parts, _):
        yield parts


async def worn(peripheral: Peripheral) -> None:
    await until(lambda: peripheral.characteristic(RATE).notifying)


def _kept(folder: Path, rate: int) -> bool:
    return rate in rates(folder)


def rates(folder: Path, device: int = 7) -> list[float]:
    return values(folder, device, Vital.HEART_RATE)


ONE = Assigned(7, 1, 0, "ble", "c0:00:00:00:00:01")


async def test_a_belt_is_found_and_heard(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        await worn(one)
        for rate in (60, 61, 62):
            assert one.notify(RATE, encode_heart_rate(rate, contact=True))
        one.notify(RATE, encode_heart_rate(0, contact=False))
        await until(lambda: len(rates(tmp_path)) >= 3 and len(events(tmp_path, 7)) >= 4)
        one.notify(LEVEL, b"\x59")
        await until(lambda: len(events(tmp_path, 7)) == 5)
    assert rates(tmp_path)[:3] == [60, 61, 62]
    up, charge, on, off, less, down = reported = events(tmp_path, 7)
    assert [type(event) for event in reported] == [Link, Battery, Contact, Contact, Battery, Link]
    assert (up.up, up.rssi, charge.percent, on.on, off.on, less.percent, down.up) == (True, -60, 90, True, False, 89, False)
    assert not one.connected


async def test_a_lost_link_is_found_again_and_subscribed_again(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        for rate in range(60, 66):
            await worn(one)
            assert one.notify(RATE, encode_heart_rate(rate, contact=True))
            await until(partial(_kept, tmp_path, rate))
            one.drop_link()
            await until(lambda: not one.characteristic(RATE).notifying)
    assert rates(tmp_path) == [60, 61, 62, 63, 64, 65]
    ups = [event.up for event in events(tmp_path, 7) if isinstance(event, Link)]
    assert ups == [True, False] * (len(ups) // 2)


async def test_lost_links_leave_no_connection_to_the_bus_behind(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        counts = []
        for _ in range(4):
            await worn(one)
            one.notify(RATE, encode_heart_rate(60, contact=True))
            one.notify(RATE, encode_heart_rate(60, contact=True))
            await asyncio.sleep(0.05)
            counts.append(sum(bool(link.raddr or link.laddr) for link in psutil.Process().net_connections("unix")))
            one.drop_link()
            await until(lambda: not one.characteristic(RATE).notifying)
    assert counts[-1] <= counts[0] + 1


async def test_it_comes_back_after_bluetoothd_was_killed(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        await worn(one)
        one.notify(RATE, encode_heart_rate(60, contact=True))
        await until(lambda: rates(tmp_path) == [60])
        await bluez.restart(0.3)
        await worn(one)
        one.notify(RATE, encode_heart_rate(61, contact=True))
        await until(lambda: rates(tmp_path) == [60, 61])


class BrokenOnce(Metrics):
    """Has a bug that shows once."""

    broken = True

    def samples(self, stage: str, count: int) -> None:
        if self.broken:
            self.broken = False
            raise KeyError(stage)
        super().samples(stage, count)


async def test_a_bug_ends_the_session_with_its_traceback_and_not_the_source(
    bluez: FakeBlueZ, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = belt()
    bluez.add(one)
    make = lambda parts: BleSource(parts.configuration, parts.outbox, parts.clock, BrokenOnce())
    async with serving(tmp_path, (ONE,), make):
        await until(lambda: len([event for event in events(tmp_path, 7) if isinstance(event, Link) and event.up]) == 2)
        await worn(one)
        one.notify(RATE, encode_heart_rate(61, contact=True))
        await until(lambda: rates(tmp_path) == [61])
    out = capsys.readouterr().out
    assert "a bug ended the session" in out
    assert "KeyError" in out


async def test_a_silent_stream_is_connected_anew(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    connected: list[float] = []
    one.on_connect = lambda: connected.append(time.monotonic())
    async with listening(tmp_path, ONE, silence_s=0.6):
        await until(lambda: len(connected) >= 2)
        await worn(one)
        one.notify(RATE, encode_heart_rate(61, contact=True))
        await until(lambda: rates(tmp_path) == [61])


async def test_a_bonded_cuff_gives_its_records_and_they_are_taken_once(bluez: FakeBlueZ, tmp_path: Path) -> None:
    records = [pressures(1, 120 + i, i) for i in range(4)]
    again = list(records)
    two = cuff(records)
    bluez.add(two)
    async with listening(tmp_path, Assigned(9, 1, 0, "ble", two.address)):
        await until(lambda: len(values(tmp_path, 9, Vital.SYSTOLIC)) == 4 and not two.connected)
        assert two.paired
        records += [*again, pressures(1, 140, 30)]
        two.advertising = True
        await until(lambda: len(values(tmp_path, 9, Vital.SYSTOLIC)) == 5)
    assert values(tmp_path, 9, Vital.SYSTOLIC) == [120, 121, 122, 123, 140]
    times = [row[2] for row in stored(tmp_path, 9) if row[1] == 1]
    assert times[:2] == [1767254400000, 1767254460000]


async def test_bytes_that_are_no_measurement_are_kept_aside_and_stop_nothing(
    bluez: FakeBlueZ, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        await worn(one)
        for value in (b"", b"\x01", b"\x16\x3c\xff", bytes(400), encode_heart_rate(64, contact=True)):
            one.notify(RATE, value)
        await until(lambda: 64 in rates(tmp_path))
    found = refused(tmp_path)
    assert (b"\x01") in [data for _, _, _, data in found]
    assert all(source == "ble" and device == 7 and reason for source, device, reason, _ in found)
    assert "undecodable" in capsys.readouterr().out


async def test_no_more_links_than_the_adapter_holds(bluez: FakeBlueZ, tmp_path: Path) -> None:
    belts = [belt(number) for number in range(1, 5)]
    for one in belts:
        bluez.add(one)
    most = 0
    assigned = [Assigned(10 + n, 1, 0, "ble", one.address) for n, one in enumerate(belts)]
    async with listening(tmp_path, *assigned, connections=2):
        await until(lambda: sum(one.characteristic(RATE).notifying for one in belts) == 2)
        for _ in range(20):
            most = max(most, sum(one.connected for one in belts))
            await asyncio.sleep(0.02)
        next(one for one in belts if one.connected).in_range = False
        next(one for one in belts if one.connected).drop_link()
        await until(lambda: len({row[0] for row in stored(tmp_path)}) == 3)
    assert most == 2


async def test_an_adapter_that_is_off_is_waited_for(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    bluez.set_powered(False)
    async with listening(tmp_path, ONE):
        await asyncio.sleep(0.5)
        bluez.set_powered(True)
        await worn(one)


async def test_devices_follow_the_configuration(bluez: FakeBlueZ, tmp_path: Path) -> None:
    one, other = belt(), belt(3)
    bluez.add(one)
    bluez.add(other)
    async with listening(tmp_path, ONE) as parts:
        await worn(one)
        assert not other.connected
        parts.configuration.accept(config(Assigned(8, 2, 0, "ble", other.address), version=2))
        await worn(other)
        await until(lambda: not one.connected)
        other.notify(RATE, encode_heart_rate(77, contact=True))
        await until(lambda: rates(tmp_path, 8) == [77])


async def test_a_full_outbox_leaves_records_on_the_cuff(bluez: FakeBlueZ, tmp_path: Path) -> None:
    records = [pressures(1, 120, 1)]
    two = cuff(records)
    bluez.add(two)
    async with listening(tmp_path, Assigned(9, 1, 0, "ble", two.address), full_s=0.3) as parts:
        parts.store.limit = 1
        await asyncio.sleep(1)
        assert len(records) == 1 and not two.connected
        parts.store.limit = 1 << 30
        await until(lambda: values(tmp_path, 9, Vital.SYSTOLIC) == [120])


async def test_a_link_left_by_a_killed_gateway_is_ended_first(bluez: FakeBlueZ, dbus: Dbus, tmp_path: Path) -> None:
    one = belt()
    bluez.add(one)
    program = (
        "import asyncio, os\n"
        "from bleak import BleakClient, BleakScanner\n"
        "async def main():\n"
        f"    device = await BleakScanner.find_device_by_address('{one.address}', timeout=5)\n"
        "    await BleakClient(device).connect()\n"
        "    os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=os.environ | dbus.environment)
    assert await killed.wait() == 9
    assert one.connected
    async with listening(tmp_path, ONE):
        await worn(one)
        one.notify(RATE, encode_heart_rate(63, contact=True))
        await until(lambda: rates(tmp_path) == [63])
