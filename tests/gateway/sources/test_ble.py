import asyncio
import os
import sys
import time
from contextlib import asynccontextmanager

import psutil
import pytest

from devices.gatt.uuids import full_uuid
from devices.vitals import Vital
from devices.wire.event import Battery, Contact, Link
from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.sources.ble import BleSource
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.heart_rate_belt import encode_heart_rate
from tests.gateway.making import config, configured
from tests.gateway.reading_outbox import events, refused, stored, values

pytestmark = pytest.mark.stack
RATE, LEVEL, PRESSURE = 0x2A37, 0x2A19, 0x2A35


def belt(number=1):
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


def cuff(records):
    """As real ones: indicates what it has once a bonded client subscribes, then hangs up; silent when it has nothing."""
    pressure = Characteristic(full_uuid(PRESSURE), ("indicate",), encrypted=True)
    peripheral = Peripheral(
        "C0:00:00:00:00:02", "cuff", [Service(full_uuid(0x1810), [pressure])], [full_uuid(0x1810)], advertising_interval=0.02
    )

    async def tell():
        while records and peripheral.notify(PRESSURE, records[0]):
            records.pop(0)
            await asyncio.sleep(0.01)
        peripheral.advertising = bool(records)
        peripheral.drop_link()

    def subscribed(on):
        if on:
            peripheral.telling = asyncio.create_task(tell())

    pressure.on_subscribe = subscribed
    return peripheral


def pressures(number, systolic, minute):
    return bytes([0x06, systolic, 0, 80, 0, 93, 0]) + (2026).to_bytes(2, "little") + bytes([1, 1, 8, minute, 0, 70, 0])


@pytest.fixture
async def bluez(dbus):
    async with FakeBlueZ(dbus.address) as fake:
        yield fake


@asynccontextmanager
async def listening(folder, *devices, **more):
    configuration = configured(folder, config(*devices))
    clock = GatewayClock("assumed")
    outbox = Outbox(folder / "outbox.sqlite", clock=clock)
    source = BleSource(configuration, outbox, clock, Metrics(), **more)
    source.configuration, source.outbox = configuration, outbox
    task = asyncio.create_task(source.run())
    try:
        yield source
    finally:
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=15)
        assert done
        await outbox.close()


async def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def worn(peripheral, number=0):
    await until(lambda: peripheral.characteristic(RATE).notifying)


def rates(folder, device=7):
    return values(folder, device, Vital.HEART_RATE)


ONE = Assigned(7, 1, 0, "ble", "c0:00:00:00:00:01")


async def test_a_belt_is_found_and_heard(bluez, tmp_path):
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
    said = events(tmp_path, 7)
    assert [type(event) for event in said] == [Link, Battery, Contact, Contact, Battery, Link]
    assert (said[0].up, said[0].rssi, said[1].percent, said[2].on, said[3].on, said[4].percent, said[5].up) == (
        True, -60, 90, True, False, 89, False,
    )  # fmt: skip
    assert not one.connected


async def test_a_lost_link_is_found_again_and_subscribed_again(bluez, tmp_path):
    one = belt()
    bluez.add(one)
    async with listening(tmp_path, ONE):
        for rate in range(60, 66):
            await worn(one)
            assert one.notify(RATE, encode_heart_rate(rate, contact=True))
            await until(lambda rate=rate: rate in rates(tmp_path))
            one.drop_link()
            await until(lambda: not one.characteristic(RATE).notifying)
    assert rates(tmp_path) == [60, 61, 62, 63, 64, 65]
    ups = [event.up for event in events(tmp_path, 7) if isinstance(event, Link)]
    assert ups == [True, False] * (len(ups) // 2)


async def test_lost_links_leave_no_connection_to_the_bus_behind(bluez, tmp_path):
    one = belt()
    bluez.add(one)
    sockets = lambda: len([c for c in psutil.Process().net_connections("unix") if c.raddr or c.laddr])
    async with listening(tmp_path, ONE):
        counts = []
        for _ in range(4):
            await worn(one)
            one.notify(RATE, encode_heart_rate(60, contact=True))
            one.notify(RATE, encode_heart_rate(60, contact=True))
            await asyncio.sleep(0.05)
            counts.append(sockets())
            one.drop_link()
            await until(lambda: not one.characteristic(RATE).notifying)
    assert counts[-1] <= counts[0] + 1


async def test_it_comes_back_after_bluetoothd_was_killed(bluez, tmp_path):
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


async def test_a_silent_stream_is_connected_anew(bluez, tmp_path):
    one = belt()
    bluez.add(one)
    connected = []
    one.on_connect = lambda: connected.append(time.monotonic())
    async with listening(tmp_path, ONE, silence_s=0.6):
        await until(lambda: len(connected) >= 2)
        await worn(one)
        one.notify(RATE, encode_heart_rate(61, contact=True))
        await until(lambda: rates(tmp_path) == [61])


async def test_a_bonded_cuff_gives_its_records_and_they_are_taken_once(bluez, tmp_path):
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


async def test_bytes_that_are_no_measurement_are_kept_aside_and_stop_nothing(bluez, tmp_path, capsys):
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


async def test_no_more_links_than_the_adapter_holds(bluez, tmp_path):
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


async def test_an_adapter_that_is_off_is_waited_for(bluez, tmp_path):
    one = belt()
    bluez.add(one)
    bluez.set_powered(False)
    async with listening(tmp_path, ONE):
        await asyncio.sleep(0.5)
        bluez.set_powered(True)
        await worn(one)


async def test_devices_follow_the_configuration(bluez, tmp_path):
    one, other = belt(), belt(3)
    bluez.add(one)
    bluez.add(other)
    async with listening(tmp_path, ONE) as source:
        await worn(one)
        assert not other.connected
        source.configuration.accept(config(Assigned(8, 2, 0, "ble", other.address), version=2))
        await worn(other)
        await until(lambda: not one.connected)
        other.notify(RATE, encode_heart_rate(77, contact=True))
        await until(lambda: rates(tmp_path, 8) == [77])


async def test_a_full_outbox_leaves_records_on_the_cuff(bluez, tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.sources.ble._FULL_S", 0.3)
    records = [pressures(1, 120, 1)]
    two = cuff(records)
    bluez.add(two)
    async with listening(tmp_path, Assigned(9, 1, 0, "ble", two.address)) as source:
        source.outbox._store.limit = 1
        await asyncio.sleep(1)
        assert len(records) == 1 and not two.connected
        source.outbox._store.limit = 1 << 30
        await until(lambda: values(tmp_path, 9, Vital.SYSTOLIC) == [120])


async def test_a_link_left_by_a_killed_gateway_is_ended_first(bluez, dbus, tmp_path):
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
