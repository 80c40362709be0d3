"""A patch thermometer: measures now and then, keeps each record until it is fetched."""

from __future__ import annotations

from devices.gatt.date_time import encode_date_time
from devices.gatt.numbers import encode_medical_float
from devices.gatt.thermometer import THERMOMETER
from simulators.peripherals.stored import StoringSensor
from simulators.scenario import Sensor


def encode_temperature(celsius: float, at: int) -> bytes:
    """2A1C in Cel to 0.01, with time stamp (``at``, ms since the epoch) and type (armpit)."""
    return b"\x06" + encode_medical_float(celsius, -2) + encode_date_time(at) + b"\x01"


class Thermometer(StoringSensor):
    """Stays connected and indicates each record at once."""

    kind, profile, charge = Sensor.THERMOMETER, THERMOMETER, 95
    hangs_up, interval = False, 60.0

    def encode(self, now: int) -> bytes:
        return encode_temperature(self.wearer.vitals(now).temperature, now)
