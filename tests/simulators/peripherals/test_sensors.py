"""Each sensor through unmodified bleak and the project's own decoders: what is measured is what arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from devices.decoded import Decoded
from devices.gatt.battery import BATTERY_LEVEL
from devices.gatt.blood_pressure import BLOOD_PRESSURE_MEASUREMENT
from devices.gatt.heart_rate import HEART_RATE_MEASUREMENT
from devices.gatt.profiles import decode, profiles_of
from devices.gatt.pulse_oximeter import PLX_CONTINUOUS
from devices.gatt.thermometer import TEMPERATURE_MEASUREMENT
from devices.gatt.uuids import full_uuid
from devices.sample import Status
from devices.vitals import Vital
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.blood_pressure_cuff import BloodPressureCuff
from simulators.peripherals.heart_rate_belt import HeartRateBelt
from simulators.peripherals.pulse_oximeter import PulseOximeter
from simulators.peripherals.sensor import SimulatedSensor
from simulators.peripherals.stored import MEMORY
from simulators.peripherals.thermometer import Thermometer
from simulators.scenario import LinkDrop, Scenario, Sensor, SensorOff
from tests.until import until

START = 1_790_000_000_000
ADDRESS = "C0:00:00:00:01:01"


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def running(bluez: FakeBlueZ, sensor: SimulatedSensor) -> AsyncIterator[BLEDevice]:
    sensor.peripheral.advertising_interval = 0.02
    bluez.add(sensor.peripheral)
    task = asyncio.create_task(sensor.run())
    try:
        device = await BleakScanner.find_device_by_address(ADDRESS, timeout=5)
        assert device is not None
        yield device
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def readings(got: list[bytes], characteristic: int) -> list[Decoded]:
    return [decode(characteristic, value, START) for value in got]


def value(found: Decoded, vital: Vital) -> tuple[float, Status]:
    sample = found.samples[found.samples["vital"] == vital][0]
    return float(sample["value"]), Status(int(sample["status"]))


async def test_belt_sends_the_bodys_heart_rate_and_says_when_it_falls_off(bluez: FakeBlueZ) -> None:
    time = Time()
    scenario = Scenario(START, 1, events=(SensorOff(0, Sensor.BELT, 10, 10),))
    belt = HeartRateBelt(scenario.wearer(0), ADDRESS, interval=0.02, clock=time)
    got: list[bytes] = []
    async with running(bluez, belt) as device, BleakClient(device) as client:
        assert [one.name for one in profiles_of(service.uuid for service in client.services)] == ["heart rate"]
        await client.start_notify(full_uuid(HEART_RATE_MEASUREMENT), lambda _, data: got.append(bytes(data)))
        await until(lambda: got)
        found = readings(got, HEART_RATE_MEASUREMENT)[-1]
        assert value(found, Vital.HEART_RATE) == (round(scenario.vitals(0, START).heart_rate), Status.OK)
        assert found.contact is True
        time.now += 12_000
        await until(lambda: readings(got, HEART_RATE_MEASUREMENT)[-1].contact is False)
        assert value(readings(got, HEART_RATE_MEASUREMENT)[-1], Vital.HEART_RATE)[1] is Status.SENSOR_OFF
        time.now += 10_000
        await until(lambda: readings(got, HEART_RATE_MEASUREMENT)[-1].contact is True)
        assert decode(BATTERY_LEVEL, bytes(await client.read_gatt_char(full_uuid(BATTERY_LEVEL))), START).battery == 86
        assert bytes(await client.read_gatt_char(full_uuid(0x2A24))) == b"belt"
    assert belt.measured >= belt.sent >= len(got) > 2


async def test_oximeter_off_the_finger_sends_no_number(bluez: FakeBlueZ) -> None:
    time = Time()
    scenario = Scenario(START, 1, events=(SensorOff(0, Sensor.OXIMETER, 10),))
    oximeter = PulseOximeter(scenario.wearer(0), ADDRESS, interval=0.02, clock=time)
    got: list[bytes] = []
    async with running(bluez, oximeter) as device, BleakClient(device) as client:
        await client.start_notify(full_uuid(PLX_CONTINUOUS), lambda _, data: got.append(bytes(data)))
        await until(lambda: got)
        body = scenario.vitals(0, START)
        found = readings(got, PLX_CONTINUOUS)[-1]
        assert value(found, Vital.SPO2) == (round(body.spo2), Status.OK)
        assert value(found, Vital.PULSE_RATE) == (round(body.heart_rate), Status.OK)
        time.now += 11_000
        await until(lambda: readings(got, PLX_CONTINUOUS)[-1].contact is False)
        number, status = value(readings(got, PLX_CONTINUOUS)[-1], Vital.SPO2)
        assert np.isnan(number) and status is Status.SENSOR_OFF


async def test_a_link_drop_of_the_scenario_ends_the_link_until_it_is_over(bluez: FakeBlueZ) -> None:
    time = Time()
    scenario = Scenario(START, 1, events=(LinkDrop(0, Sensor.BELT, 10, 10),))
    belt = HeartRateBelt(scenario.wearer(0), ADDRESS, interval=0.02, clock=time)
    gone = asyncio.Event()
    async with running(bluez, belt) as device:
        client = BleakClient(device, disconnected_callback=lambda _: gone.set())
        await client.connect()
        time.now += 11_000
        await asyncio.wait_for(gone.wait(), 5)
        await client.disconnect()
        assert not belt.peripheral.in_range
        time.now += 10_000
        await until(lambda: belt.peripheral.in_range)
        async with BleakClient(device) as again:
            assert again.is_connected


async def test_cuff_keeps_records_until_a_bonded_client_comes_and_then_hangs_up(bluez: FakeBlueZ) -> None:
    time = Time()
    scenario = Scenario(START, 1)
    cuff = BloodPressureCuff(scenario.wearer(0), ADDRESS, interval=60, clock=time)
    got: list[bytes] = []
    assert not cuff.peripheral.advertising
    async with running(bluez, cuff) as device:  # the first measurement is made at once
        for _ in range(2):
            time.now += 300_000
            cuff.measure(time.now)
        gone = asyncio.Event()
        client = BleakClient(device, pair=True, disconnected_callback=lambda _: gone.set())
        await client.connect()
        await client.start_notify(full_uuid(BLOOD_PRESSURE_MEASUREMENT), lambda _, data: got.append(bytes(data)))
        await asyncio.wait_for(gone.wait(), 5)
        await client.disconnect()
    found = readings(got, BLOOD_PRESSURE_MEASUREMENT)
    assert [one.device_time for one in found] == [START, START + 300_000, START + 600_000]
    for one in found:
        assert one.device_time is not None
        body = scenario.vitals(0, one.device_time)
        assert value(one, Vital.SYSTOLIC) == (round(body.systolic), Status.OK)
        assert value(one, Vital.MEAN_ARTERIAL) == (round(body.mean_arterial), Status.OK)
        assert value(one, Vital.PULSE_RATE) == (round(body.heart_rate), Status.OK)
    assert not cuff.records and not cuff.peripheral.advertising and cuff.sent == 3


async def test_thermometer_stays_and_indicates_when_it_measures(bluez: FakeBlueZ) -> None:
    time = Time()
    scenario = Scenario(START, 1)
    thermometer = Thermometer(scenario.wearer(0), ADDRESS, interval=0.05, clock=time)
    got: list[bytes] = []
    async with running(bluez, thermometer) as device, BleakClient(device) as client:
        await client.start_notify(full_uuid(TEMPERATURE_MEASUREMENT), lambda _, data: got.append(bytes(data)))
        await until(lambda: len(got) >= 3)
        assert client.is_connected
    found = readings(got, TEMPERATURE_MEASUREMENT)[0]
    assert found.device_time == START
    celsius, status = value(found, Vital.TEMPERATURE)
    assert celsius == pytest.approx(scenario.vitals(0, START).temperature, abs=0.0051)
    assert status is Status.OK


def test_a_cuffs_memory_is_bounded_and_loses_the_oldest() -> None:
    cuff = BloodPressureCuff(Scenario(START, 1).wearer(0), ADDRESS, clock=Time())
    for minute in range(MEMORY + 5):
        cuff.measure(START + minute * 60_000)
    times = [decode(BLOOD_PRESSURE_MEASUREMENT, record, START).device_time for record in cuff.records]
    assert times == [START + minute * 60_000 for minute in range(5, MEMORY + 5)]
