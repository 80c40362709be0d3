"""Unmodified bleak against the fake: what works, and how each fault looks to it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import pytest
from bleak import BleakClient, BleakScanner
from bleak.args.bluez import OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_retry_connector import close_stale_connections_by_address

from devices.gatt.uuids import full_uuid
from simulators.bluez.names import ABORT_BY_LOCAL, FAILED, att_error
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.errors import BlueZError
from simulators.fakebluez import FakeBlueZ
from tests.until import until

RATE, LEVEL, PRESSURE = full_uuid(0x2A37), full_uuid(0x2A19), full_uuid(0x2A35)


def belt(address: str = "C0:00:00:00:00:01") -> Peripheral:
    return Peripheral(
        address,
        "belt",
        [
            Service(full_uuid(0x180D), [Characteristic(RATE, ("notify",))]),
            Service(full_uuid(0x180F), [Characteristic(LEVEL, ("read",), b"\x5a")]),
        ],
        advertised=[full_uuid(0x180D)],
        advertising_interval=0.02,
        connect_delay=0.005,
    )


def cuff(passkey: int | None = None) -> Peripheral:
    return Peripheral(
        "C0:00:00:00:00:02",
        "cuff",
        [Service(full_uuid(0x1810), [Characteristic(PRESSURE, ("indicate",), encrypted=True)])],
        advertised=[full_uuid(0x1810)],
        advertising_interval=0.02,
        passkey=passkey,
    )


def _set(event: asyncio.Event, _client: BleakClient) -> None:
    event.set()


def device_connected(peripheral: Peripheral) -> bool:
    return peripheral.connected


async def found(peripheral: Peripheral) -> BLEDevice:
    device = await BleakScanner.find_device_by_address(peripheral.address, timeout=5)
    assert device is not None
    return device


async def test_scanning_finds_address_services_and_data(bluez: FakeBlueZ) -> None:
    one = belt()
    one.manufacturer_data = {0x006B: b"\x01\x02"}
    bluez.add(one)
    seen = await BleakScanner.discover(timeout=0.3, return_adv=True)
    device, advertisement = seen[one.address]
    assert device.name == "belt"
    assert advertisement.service_uuids == [full_uuid(0x180D)]
    assert advertisement.manufacturer_data == {0x006B: b"\x01\x02"}
    assert advertisement.rssi == -60


async def test_passive_scanning_hears_it_too(bluez: FakeBlueZ) -> None:
    bluez.add(belt())
    seen: set[str] = set()
    patterns: list[OrPatternLike] = [OrPattern(0, AdvertisementDataType.FLAGS, b"\x06")]
    scanner = BleakScanner(
        lambda device, _: seen.add(device.address), scanning_mode="passive", bluez={"or_patterns": patterns}
    )
    async with scanner:
        await until(lambda: seen)


@pytest.mark.parametrize("start_notify", [True, False], ids=["StartNotify", "any"])
async def test_reading_and_notifications_both_ways(bluez: FakeBlueZ, start_notify: bool) -> None:
    one = belt()
    bluez.add(one)
    got: list[bytes] = []
    async with BleakClient(await found(one)) as client:
        assert bytes(await client.read_gatt_char(LEVEL)) == b"\x5a"
        assert not one.notify(RATE, b"\x00\x01"), "nobody is subscribed yet"
        await client.start_notify(RATE, lambda _, data: got.append(bytes(data)), bluez={"use_start_notify": start_notify})
        for rate in range(60, 70):
            assert one.notify(RATE, bytes((0, rate)))
        await until(lambda: len(got) == 10)
        assert got == [bytes((0, rate)) for rate in range(60, 70)]
        await client.stop_notify(RATE)
        await until(lambda: not one.characteristic(RATE).notifying)
        assert not one.notify(RATE, b"\x00\x01")


async def test_a_lost_link_calls_back_and_can_be_made_again(bluez: FakeBlueZ) -> None:
    one = belt()
    bluez.add(one)
    device = await found(one)
    for _ in range(5):
        gone = asyncio.Event()
        client = BleakClient(device, disconnected_callback=partial(_set, gone))
        await client.connect()
        await client.start_notify(RATE, lambda *_: None)
        one.drop_link()
        await asyncio.wait_for(gone.wait(), 5)
        assert not client.is_connected
        await client.disconnect()
    assert not one.characteristic(RATE).notifying


async def test_an_unbonded_client_is_refused_and_pairing_opens_the_way(bluez: FakeBlueZ) -> None:
    one = cuff()
    bluez.add(one)
    device = await found(one)
    async with BleakClient(device) as client:
        with pytest.raises(BleakError, match=r"0x05|[Aa]uthentication"):
            await client.start_notify(PRESSURE, lambda *_: None)
    got: list[bytes] = []
    async with BleakClient(device, pair=True) as client:
        await client.start_notify(PRESSURE, lambda _, data: got.append(bytes(data)))
        assert one.notify(PRESSURE, b"\x00")
        await until(lambda: got)
    assert one.paired


async def test_a_passkey_without_an_agent_fails(bluez: FakeBlueZ) -> None:
    one = cuff(passkey=123456)
    bluez.add(one)
    with pytest.raises(BleakError, match="Authentication"):
        await BleakClient(await found(one), pair=True).connect()
    assert not one.paired


async def test_connection_errors_are_worded_as_bluez_does(bluez: FakeBlueZ) -> None:
    one = belt()
    bluez.add(one)
    device = await found(one)
    one.connect_errors = [BlueZError(FAILED, "br-connection-canceled")]
    with pytest.raises(BleakError, match="br-connection-canceled"):
        await BleakClient(device).connect()
    one.connect_errors = [BlueZError(FAILED, ABORT_BY_LOCAL)]
    async with BleakClient(device) as client:  # bleak itself tries this one again
        assert client.is_connected
    assert bluez.links.calls["Connect"] == 3


@pytest.mark.parametrize("fault", ["hang_connect", "hang_services"])
async def test_a_hanging_device_times_out_and_works_later(bluez: FakeBlueZ, fault: str) -> None:
    one = belt()
    bluez.add(one)
    device = await found(one)
    setattr(one, fault, True)
    with pytest.raises(TimeoutError):
        await BleakClient(device, timeout=0.3).connect()
    setattr(one, fault, False)
    await until(lambda: not one.connecting)
    async with BleakClient(device) as client:
        assert client.is_connected


async def test_an_att_error_reaches_the_reader(bluez: FakeBlueZ) -> None:
    one = belt()

    def broken() -> bytes:
        raise att_error(0x0E)

    one.characteristic(LEVEL).on_read = broken
    bluez.add(one)
    async with BleakClient(await found(one)) as client:
        with pytest.raises(BleakError, match=r"[Uu]nlikely|0x0e"):
            await client.read_gatt_char(LEVEL)


async def test_switching_the_adapter_off_ends_links_and_scans(bluez: FakeBlueZ) -> None:
    one = belt()
    bluez.add(one)
    gone = asyncio.Event()
    client = BleakClient(await found(one), disconnected_callback=lambda _: gone.set())
    await client.connect()
    bluez.set_powered(False)
    await asyncio.wait_for(gone.wait(), 5)
    await client.disconnect()
    with pytest.raises(BleakError, match=r"powered|Bluetooth|NotReady"):  # bleak may not have heard of it yet
        await BleakScanner.discover(timeout=0.1)
    bluez.set_powered(True)
    await asyncio.sleep(0.05)  # bleak learns it by a signal
    await found(one)


async def test_a_restarted_bluetoothd_is_back_with_bonds_and_without_links(bluez: FakeBlueZ) -> None:
    one, two = belt(), cuff()
    bluez.add(one)
    bluez.add(two)
    client = BleakClient(await found(one))
    await client.connect()
    async with BleakClient(await found(two), pair=True):
        pass
    await bluez.restart(down_for=0.05)
    assert not one.connected and two.paired
    with pytest.raises(BleakError, match="UnknownObject"):  # nobody told the client: its object is simply gone
        await client.disconnect()
    async with BleakClient(await found(one)) as client:
        assert client.is_connected


_KILLED = """
import asyncio, sys
from bleak import BleakClient, BleakScanner
async def main():
    device = await BleakScanner.find_device_by_address(sys.argv[1], timeout=5)
    client = BleakClient(device)
    await client.connect()
    await client.start_notify(sys.argv[2], lambda *_: None)
    print("subscribed", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_killed_client_leaves_the_link_up_and_the_device_unseen_until_it_is_closed(bluez: FakeBlueZ) -> None:
    one = belt()
    bluez.add(one)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, one.address, RATE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 20)
    child.kill()
    await child.wait()
    await until(lambda: not one.characteristic(RATE).notifying)
    assert one.connected
    assert await BleakScanner.find_device_by_address(one.address, timeout=0.3) is None
    await close_stale_connections_by_address(one.address)
    assert not device_connected(one)
    await found(one)


async def test_connection_slots_run_out(bluez: FakeBlueZ) -> None:
    one, two = belt(), belt("C0:00:00:00:00:09")
    bluez.links.slots = 1
    for peripheral in (one, two):
        bluez.add(peripheral)
    device = await found(two)
    async with BleakClient(await found(one)):
        with pytest.raises(TimeoutError):  # an aborted connection is tried again inside bleak until its time is over
            await BleakClient(device, timeout=0.3).connect()
        assert bluez.links.calls["Connect"] > 2
        await until(lambda: not two.connecting)  # the last try ends after its client gave up
    async with BleakClient(device) as client:
        assert client.is_connected


async def test_a_refused_stop_of_discovery_is_survived(bluez: FakeBlueZ) -> None:
    bluez.add(belt())
    bluez.calls.reject_stop_discovery = 1
    assert await BleakScanner.discover(timeout=0.1)
    assert bluez.calls.reject_stop_discovery == 0


async def test_a_flood_arrives_whole_and_the_bus_survives_it(bluez: FakeBlueZ) -> None:
    """dbus-fast ends the connection on a full socket: the fake must never write to one."""
    one = belt()
    bluez.add(one)
    got = 0

    def count(*_: object) -> None:
        nonlocal got
        got += 1

    async with BleakClient(await found(one)) as client:
        await client.start_notify(RATE, count, bluez={"use_start_notify": True})
        for _ in range(5000):
            assert one.notify(RATE, bytes(500))  # more at once than any socket's buffer takes
        await until(lambda: got == 5000, 20)
        assert bytes(await client.read_gatt_char(LEVEL)) == b"\x5a"
