"""An upper-arm cuff: needs a bond, measures on its own schedule, keeps its records until they are fetched."""

from __future__ import annotations

from devices.gatt.blood_pressure import BLOOD_PRESSURE_MEASUREMENT
from devices.gatt.date_time import encode_date_time
from devices.gatt.numbers import encode_sfloat
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Service
from simulators.peripherals.sensor import Clock, wall_clock
from simulators.peripherals.stored import StoringSensor
from simulators.physiology import Vitals
from simulators.scenario import Sensor, Wearer


def encode_blood_pressure(vitals: Vitals, at: int, *, user: int = 1) -> bytes:
    """2A35 in mmHg with time stamp (``at``, ms since the epoch), pulse rate, user and status."""
    pressures = (vitals.systolic, vitals.diastolic, vitals.mean_arterial)
    return (
        b"\x1e"
        + b"".join(encode_sfloat(round(one)) for one in pressures)
        + encode_date_time(at)
        + encode_sfloat(round(vitals.heart_rate))
        + bytes((user, 0, 0))
    )


class BloodPressureCuff(StoringSensor):
    """``hangs_up``: sends what it has and ends the link, as most cuffs do; otherwise it stays and indicates at once."""

    kind = Sensor.CUFF

    def __init__(
        self,
        wearer: Wearer,
        address: str,
        *,
        hangs_up: bool = True,
        interval: float = 300.0,
        battery: int = 62,
        clock: Clock = wall_clock,
    ) -> None:
        service = Service(
            full_uuid(0x1810),
            [
                Characteristic(full_uuid(BLOOD_PRESSURE_MEASUREMENT), ("indicate",), encrypted=True),
                Characteristic(full_uuid(0x2A49), ("read",), b"\x00\x00"),
            ],
        )
        super().__init__(wearer, address, service, hangs_up=hangs_up, interval=interval, battery=battery, clock=clock)

    def measure(self, now: int) -> None:
        if self.wearer.worn(self.kind, now):
            self.store(encode_blood_pressure(self.wearer.vitals(now), now))
