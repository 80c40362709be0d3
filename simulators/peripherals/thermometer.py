"""A patch thermometer: measures now and then, keeps what nobody heard."""

from __future__ import annotations

from devices.gatt.date_time import encode_date_time
from devices.gatt.numbers import encode_medical_float
from devices.gatt.thermometer import TEMPERATURE_MEASUREMENT
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Service
from simulators.peripherals.sensor import Clock, wall_clock
from simulators.peripherals.stored import StoringSensor
from simulators.scenario import Sensor, Wearer


def encode_temperature(celsius: float, at: int) -> bytes:
    """2A1C in Cel to 0.01, with time stamp (``at``, ms since the epoch) and type (armpit)."""
    return b"\x06" + encode_medical_float(celsius, -2) + encode_date_time(at) + b"\x01"


class Thermometer(StoringSensor):
    """Stays connected and indicates at once."""

    kind = Sensor.THERMOMETER

    def __init__(
        self,
        wearer: Wearer,
        address: str,
        *,
        hangs_up: bool = False,
        interval: float = 60.0,
        battery: int = 95,
        clock: Clock = wall_clock,
    ) -> None:
        service = Service(full_uuid(0x1809), [Characteristic(full_uuid(TEMPERATURE_MEASUREMENT), ("indicate",))])
        super().__init__(wearer, address, service, hangs_up=hangs_up, interval=interval, battery=battery, clock=clock)

    def measure(self, now: int) -> None:
        if self.wearer.worn(self.kind, now):
            self.store(encode_temperature(self.wearer.vitals(now).temperature, now))
