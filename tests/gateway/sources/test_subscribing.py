"""A characteristic that refuses costs itself alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.stack.dbus import Dbus
from devices.gatt.uuids import full_uuid
from devices.vitals import Vital
from devices.wire.event import Fault
from devices.wire.pairing import Assigned
from simulators.bluez import names
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.errors import BlueZError
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.heart_rate_belt import encode_heart_rate
from tests.gateway.reading_outbox import events, values
from tests.gateway.sources.test_ble import RATE, listening
from tests.until import until

pytestmark = pytest.mark.stack
CONTINUOUS, SPOT = 0x2A5F, 0x2A5E
OPEN = bytes.fromhex("0061004600")  # 97 %, 70 /min
ONE = Assigned(7, 1, 0, "ble", "C0:00:00:00:00:01")


class Oximeter(Peripheral):
    """2A5F is open; 2A5E is as the test says.  Sends once a second, as real ones do; counts its connections."""

    def __init__(self, spot: Characteristic, *, passkey: int | None = None) -> None:
        self.open = Characteristic(full_uuid(CONTINUOUS), ("notify",))
        super().__init__(
            ONE.address,
            "oximeter",
            [Service(full_uuid(0x1822), [spot, self.open])],
            [full_uuid(0x1822)],
            advertising_interval=0.02,
            connect_delay=0.005,
            passkey=passkey,
        )
        self.connections = 0
        self.on_connect = self._connected

    def _connected(self) -> None:
        self.connections += 1


def spot(**more: object) -> Characteristic:
    return Characteristic(full_uuid(SPOT), ("indicate",), **more)  # type: ignore[arg-type]


def faults(folder: Path) -> list[tuple[str, str]]:
    return [(event.what, event.reason) for event in events(folder, 7) if isinstance(event, Fault)]


@pytest.mark.parametrize(
    ("one", "connections", "reason"),
    [
        (Oximeter(spot(refuses=BlueZError(names.NOT_PERMITTED, "Notify not permitted"))), 1, "refuses its subscription"),
        (Oximeter(spot(encrypted=True), passkey=123456), 2, "passkey"),
        (Oximeter(spot(drops=True)), 3, "ends the connection"),
    ],
    ids=["refused", "passkey", "drops the link"],
)
async def test_the_others_are_heard_and_the_one_is_named(
    fake: FakeBlueZ, tmp_path: Path, one: Oximeter, connections: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add(one)
    async with listening(tmp_path, ONE):
        notified = 0
        while notified < 12 or not faults(tmp_path):
            notified += one.notify(CONTINUOUS, OPEN)
            await asyncio.sleep(0.1)
        await until(lambda: len(values(tmp_path, 7, Vital.SPO2)) >= notified)
    assert one.connections <= connections
    assert faults(tmp_path) == [("characteristic 2A5E", faults(tmp_path)[0][1])]
    assert reason in faults(tmp_path)[0][1]
    assert "cannot be used" in capsys.readouterr().out


async def test_two_characteristics_of_one_uuid_are_both_heard_though_a_third_refuses(
    fake: FakeBlueZ, tmp_path: Path
) -> None:
    left, right, third = (Characteristic(full_uuid(RATE), ("notify",)) for _ in range(3))
    third.refuses = BlueZError(names.NOT_SUPPORTED, "Operation is not supported")
    one = Peripheral(
        ONE.address,
        "belt",
        [Service(full_uuid(0x180D), [third, left]), Service(full_uuid(0x180D), [right])],
        [full_uuid(0x180D)],
        advertising_interval=0.02,
    )
    fake.add(one)
    async with listening(tmp_path, ONE):
        await until(lambda: left.notifying and right.notifying)
        assert one.radio is not None
        for characteristic, rate in ((left, 61), (right, 62)):
            one.radio.notify(one, characteristic, encode_heart_rate(rate, contact=True))
        await until(lambda: {61, 62} <= set(values(tmp_path, 7, Vital.HEART_RATE)))
        await until(lambda: len(faults(tmp_path)) == 1)


@pytest.fixture
async def fake(dbus: Dbus) -> AsyncIterator[FakeBlueZ]:
    async with FakeBlueZ(dbus.address) as started:
        yield started
