"""A chest belt: Heart Rate Measurement once a second, with contact and RR intervals."""

from __future__ import annotations

from devices.gatt.heart_rate import HEART_RATE
from simulators.peripherals.sensor import SimulatedSensor
from simulators.scenario import Sensor


def encode_heart_rate(rate: int, *, contact: bool) -> bytes:
    """2A37 of ``rate`` (/min) with the contact bits and one RR interval; without contact a belt sends 0 and no interval."""
    if not contact:
        return bytes((0x04, 0))
    return bytes((0x16, rate)) + round(60 * 1024 / rate).to_bytes(2, "little")


class HeartRateBelt(SimulatedSensor):
    """Streams while connected; keeps nothing."""

    kind, profile, charge = Sensor.BELT, HEART_RATE, 86
    readable = (0x2A38, b"\x01")  # worn on the chest

    def encode(self, now: int) -> bytes:
        return encode_heart_rate(round(self.wearer.vitals(now).heart_rate), contact=self.wearer.worn(self.kind, now))
