"""A chest belt: Heart Rate Measurement once a second, with contact and RR intervals."""

from __future__ import annotations

from devices.gatt.heart_rate import HEART_RATE_MEASUREMENT
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Service
from simulators.peripherals.sensor import Clock, SimulatedSensor, wall_clock
from simulators.scenario import Sensor, Wearer


def encode_heart_rate(rate: int, *, contact: bool) -> bytes:
    """2A37 of ``rate`` (/min) with the contact bits and one RR interval; without contact a belt sends 0 and no interval."""
    if not contact:
        return bytes((0x04, 0))
    return bytes((0x16, rate)) + round(60 * 1024 / rate).to_bytes(2, "little")


class HeartRateBelt(SimulatedSensor):
    """Streams while connected; keeps nothing."""

    kind = Sensor.BELT

    def __init__(
        self, wearer: Wearer, address: str, *, interval: float = 1.0, battery: int = 86, clock: Clock = wall_clock
    ) -> None:
        service = Service(
            full_uuid(0x180D),
            [
                Characteristic(full_uuid(HEART_RATE_MEASUREMENT), ("notify",)),
                Characteristic(full_uuid(0x2A38), ("read",), b"\x01"),  # worn on the chest
            ],
        )
        super().__init__(wearer, address, [service], interval=interval, battery=battery, clock=clock)

    def measure(self, now: int) -> None:
        self.measured += 1
        rate = round(self.wearer.vitals(now).heart_rate)
        value = encode_heart_rate(rate, contact=self.wearer.worn(self.kind, now))
        self.sent += self.peripheral.notify(HEART_RATE_MEASUREMENT, value)
