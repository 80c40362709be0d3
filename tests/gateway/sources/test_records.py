"""What a device keeps in its memory comes into the outbox once, whatever happens on the way."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from devices.gatt.date_time import encode_date_time
from devices.gatt.uuids import full_uuid
from devices.sample import SAMPLE, Samples, Status
from devices.vendors import viatom
from devices.vendors.viatom_frame import ANSWER, encode_frame
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.event import Battery, Contact, Fault, GlucoseContext, SpecimenChange
from devices.wire.pairing import Assigned
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.glucose_meter import GlucoseMeter
from simulators.peripherals.glucose_sensor import GlucoseSensor
from tests.gateway.reading_outbox import events, stored, values
from tests.gateway.sources.test_ble import listening
from tests.until import until

pytestmark = pytest.mark.stack
ONE = Assigned(7, 1, 0, "ble", "C0:00:00:00:00:01")
MINUTE = 60_000


def now() -> int:
    return time.time_ns() // 1_000_000


def readings(folder: Path) -> list[tuple[int, Samples]]:
    """(measured, SAMPLE [k])."""
    return [(row[2], np.frombuffer(row[3], SAMPLE)) for row in stored(folder, 7) if row[1] == Kind.SAMPLES]


def glucose(folder: Path) -> list[float]:
    return values(folder, 7, Vital.GLUCOSE)


def _off(folder: Path) -> bool:
    return bool(readings(folder)[-1][1]["status"].any())


def fast(peripheral: Peripheral) -> Peripheral:
    peripheral.advertising_interval, peripheral.connect_delay = 0.02, 0.005
    return peripheral


def clock() -> Characteristic:
    return Characteristic(full_uuid(0x2A2B), ("read",), on_read=lambda: encode_date_time(now()) + bytes(3))


async def test_a_meters_memory_is_fetched_from_the_cursor_on_each_record_once(bluez: FakeBlueZ, tmp_path: Path) -> None:
    meter, at = GlucoseMeter(ONE.address, clock=clock()), now() // 1000 * 1000
    for number in range(30):
        meter.measure(number, 100 + number, at - (40 - number) * MINUTE, meal=3 if number == 4 else None)
    meter.server.stop_after = 10  # the first transfer loses its link
    bluez.add(fast(meter.peripheral))
    async with listening(tmp_path, ONE):
        await until(lambda: len(glucose(tmp_path)) == 30)
        await until(lambda: len(meter.server.asked) == 4)
        meter.measure(30, 130, at)
        meter.peripheral.drop_link()
        await until(lambda: len(glucose(tmp_path)) == 31)
    assert glucose(tmp_path) == [100.0 + n for n in range(31)]
    assert [request.hex() for request in meter.server.asked] == [
        *["0401", "0101"] * 2, "0403011d00", "0103011d00",
    ]  # fmt: skip
    times = [measured for measured, _ in readings(tmp_path)]
    assert times == [at - (40 - number) * MINUTE for number in range(30)] + [at]
    reported = events(tmp_path, 7)
    assert [one.specimen for one in reported if isinstance(one, SpecimenChange)] == ["capillary plasma"]
    assert {(one.at, one.meal) for one in reported if isinstance(one, GlucoseContext)} == {(at - 36 * MINUTE, "fasting")}
    assert not [one for one in reported if isinstance(one, Fault)]


async def test_a_sensor_whose_clock_is_wrong_gives_its_values_the_right_time(bluez: FakeBlueZ, tmp_path: Path) -> None:
    began = now() - 600 * MINUTE
    sensor = GlucoseSensor(ONE.address, began, wrong_ms=-400 * 86_400_000)
    for offset in (590, 595):
        sensor.measure(100 + offset, offset=offset)
    bluez.add(fast(sensor.peripheral))
    async with listening(tmp_path, ONE):
        await until(lambda: len(glucose(tmp_path)) == 2)
        sensor.measure(700)
        await until(lambda: len(glucose(tmp_path)) == 3)
    assert glucose(tmp_path) == [690, 695, 700]
    for (measured, _), offset in zip(readings(tmp_path), (590, 595, 600), strict=True):
        assert abs(measured - (began + offset * MINUTE)) <= MINUTE
    assert SpecimenChange in {type(one) for one in events(tmp_path, 7)}


async def test_a_ring_is_asked_for_its_values(bluez: FakeBlueZ, tmp_path: Path) -> None:
    live = bytearray(13)
    live[0], live[1], live[7] = 97, 66, 80
    asked: list[bytes] = []

    def written(request: bytes) -> None:
        asked.append(request)
        answer = encode_frame(0, bytes(live), start=ANSWER)
        for part in (answer[:16], answer[16:]):
            ring.notify(viatom.NOTIFY, part)

    ring = Peripheral(
        ONE.address,
        "ring",
        [Service(viatom.SERVICE, [
            Characteristic(viatom.WRITE, ("write-without-response",), on_write=written),
            Characteristic(viatom.NOTIFY, ("notify",)),
        ])],
        [viatom.SERVICE],
    )  # fmt: skip
    bluez.add(fast(ring))
    async with listening(tmp_path, ONE):
        await until(lambda: len(readings(tmp_path)) >= 1)
        live[0] = live[1] = 255
        await until(partial(_off, tmp_path))
    assert asked[0] == bytes.fromhex("aa17e8000000001b")
    assert values(tmp_path, 7, Vital.SPO2)[0] == 97
    assert readings(tmp_path)[-1][1]["status"].tolist() == [Status.SENSOR_OFF] * 2
    reported = events(tmp_path, 7)
    assert [one.percent for one in reported if isinstance(one, Battery)] == [80]
    assert [one.on for one in reported if isinstance(one, Contact)] == [True, False]
