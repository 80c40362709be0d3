"""The process that plays the patients: Bluetooth sensors on the fake BlueZ, and MQTT wearables.

``python -m deploy.demo.wearables SPEC.json``; the bus comes from the environment.  It writes what was measured to the
spec's ``counts`` file twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from deploy.demo.plan import DEMO, OVER_BLE, SPARE, WORN_AS, Plan, Wearable
from simulators.fakebluez import FakeBlueZ
from simulators.fleet import Fleet, Source
from simulators.mqtt_wearable import Broker, MqttWearable
from simulators.peripherals.blood_pressure_cuff import BloodPressureCuff
from simulators.peripherals.heart_rate_belt import HeartRateBelt
from simulators.peripherals.pulse_oximeter import PulseOximeter
from simulators.peripherals.sensor import SimulatedSensor
from simulators.peripherals.thermometer import Thermometer
from simulators.scenario import Scenario, Sensor, Wearer
from simulators.worn import WornSensor

_SAMPLES: Final = {Sensor.BELT: 1, Sensor.OXIMETER: 2, Sensor.CUFF: 4, Sensor.THERMOMETER: 1}
"""Samples in a reading of each Bluetooth sensor."""
_CUFF_S: Final = 20.0
_THERMOMETER_S: Final = 15.0


class Spec(msgspec.Struct, frozen=True):
    """``start``: ms since the epoch at which the scenario begins; ``passwords``: of the MQTT wearables, by name.

    Without ``ble`` the patients wear what :meth:`Plan.without_bluetooth` gives them.
    """

    start: int
    mqtt_port: int
    passwords: dict[str, str]
    counts: str
    ble: bool

    @property
    def plan(self) -> Plan:
        return DEMO if self.ble else DEMO.without_bluetooth()


class Counts(msgspec.Struct, frozen=True):
    """Samples: measured by all wearables; of those, given to a gateway or waiting in an MQTT wearable."""

    measured: int
    waiting: int


def bluetooth(scenario: Scenario, plan: Plan) -> list[SimulatedSensor]:
    return [
        _sensor(scenario.wearer(number), wearable)
        for number, person in enumerate(plan.people)
        for wearable in person.wears
        if wearable.kind in OVER_BLE
    ]


def over_mqtt(scenario: Scenario, spec: Spec) -> Fleet:
    pairs: list[tuple[Source, MqttWearable]] = []
    for number, person in enumerate(spec.plan.people):
        for wearable in person.wears:
            if wearable.kind not in OVER_BLE:
                broker = Broker("127.0.0.1", spec.mqtt_port, spec.passwords[wearable.address])
                source = WornSensor(scenario.wearer(number), WORN_AS[wearable.kind], wearable.address, began=spec.start)
                pairs.append((source, MqttWearable(wearable.address, broker)))
    return Fleet(pairs)


async def play(spec: Spec) -> None:
    """Play until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    scenario = spec.plan.scenario(spec.start)
    sensors = bluetooth(scenario, spec.plan)
    fleet = over_mqtt(scenario, spec)
    async with contextlib.AsyncExitStack() as stack:
        if sensors:
            bluez = FakeBlueZ(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
            await bluez.start()
            stack.push_async_callback(bluez.stop)
            spare = HeartRateBelt(scenario.wearer(2), SPARE)  # not counted: it measures for nobody, until somebody pairs it
            for sensor in (*sensors, spare):
                bluez.add(sensor.peripheral)
                task = asyncio.create_task(sensor.run())
                stack.callback(task.cancel)
        fleet.start()
        stack.callback(fleet.stop)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)
            _write(Path(spec.counts), sensors, fleet)


def _write(path: Path, sensors: list[SimulatedSensor], fleet: Fleet) -> None:
    counts = fleet.counts
    measured = counts.measured + sum(sensor.measured * _SAMPLES[sensor.kind] for sensor in sensors)
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(Counts(measured, counts.waiting)))
    draft.replace(path)


def _sensor(wearer: Wearer, wearable: Wearable) -> SimulatedSensor:
    match wearable.kind:
        case "belt":
            return HeartRateBelt(wearer, wearable.address)
        case "oximeter":
            return PulseOximeter(wearer, wearable.address)
        case "cuff":
            return BloodPressureCuff(wearer, wearable.address, interval=_CUFF_S)
        case "thermometer":
            return Thermometer(wearer, wearable.address, interval=_THERMOMETER_S)
        case _:
            raise ValueError(wearable.kind)


if __name__ == "__main__":
    asyncio.run(play(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Spec)))
