"""A finger oximeter: PLX Continuous Measurement once a second, with the sensor's status."""

from __future__ import annotations

from typing import Final

from devices.gatt.numbers import encode_sfloat
from devices.gatt.pulse_oximeter import PLX_CONTINUOUS
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Service
from simulators.peripherals.sensor import Clock, SimulatedSensor, wall_clock
from simulators.scenario import Sensor, Wearer

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

    kind = Sensor.OXIMETER

    def __init__(
        self, wearer: Wearer, address: str, *, interval: float = 1.0, battery: int = 74, clock: Clock = wall_clock
    ) -> None:
        service = Service(
            full_uuid(0x1822),
            [
                Characteristic(full_uuid(PLX_CONTINUOUS), ("notify",)),
                Characteristic(full_uuid(0x2A60), ("read",), b"\x03\x00\x20\x21\x00\x08\x00"),  # which status bits it has
            ],
        )
        super().__init__(wearer, address, [service], interval=interval, battery=battery, clock=clock)

    def measure(self, now: int) -> None:
        self.measured += 1
        vitals = self.wearer.vitals(now)
        spo2, pulse = min(100, round(vitals.spo2)), round(vitals.heart_rate)
        value = encode_oximetry(spo2, pulse, contact=self.wearer.worn(self.kind, now))
        self.sent += self.peripheral.notify(PLX_CONTINUOUS, value)
