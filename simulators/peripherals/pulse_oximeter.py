"""A finger oximeter: PLX Continuous Measurement once a second, with the sensor's status."""

from __future__ import annotations

from typing import Final

from devices.gatt.numbers import encode_sfloat
from devices.gatt.pulse_oximeter import PULSE_OXIMETER
from simulators.peripherals.sensor import SimulatedSensor
from simulators.scenario import Sensor

_NAN: Final = b"\xff\x07"
_ONGOING_AND_VALID: Final = 1 << 5 | 1 << 8
_UNAVAILABLE: Final = 1 << 5 | 1 << 13
_UNCONNECTED_TO_USER: Final = 1 << 11


def encode_oximetry(spo2: int, pulse: int, *, contact: bool) -> bytes:
    """2A5F of ``spo2`` (%) and ``pulse`` (/min) with both status fields; off the finger the values are NaN."""
    measurement, sensor = (_ONGOING_AND_VALID, 0) if contact else (_UNAVAILABLE, _UNCONNECTED_TO_USER)
    values = encode_sfloat(spo2) + encode_sfloat(pulse) if contact else _NAN + _NAN
    return b"\x0c" + values + measurement.to_bytes(2, "little") + sensor.to_bytes(3, "little")


class PulseOximeter(SimulatedSensor):
    """Streams while connected; keeps nothing."""

    kind, profile, charge = Sensor.OXIMETER, PULSE_OXIMETER, 74
    readable = (0x2A60, b"\x03\x00\x20\x21\x00\x08\x00")  # the status bits it has

    def encode(self, now: int) -> bytes:
        vitals = self.wearer.vitals(now)
        spo2, pulse = min(100, round(vitals.spo2)), round(vitals.heart_rate)
        return encode_oximetry(spo2, pulse, contact=self.wearer.worn(self.kind, now))
