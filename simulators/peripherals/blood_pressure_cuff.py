"""An upper-arm cuff: needs a bond, measures on its own schedule, keeps its records until they are fetched."""

from __future__ import annotations

from devices.gatt.blood_pressure import BLOOD_PRESSURE
from devices.gatt.date_time import encode_date_time
from devices.gatt.numbers import encode_sfloat
from simulators.peripherals.stored import StoringSensor
from simulators.physiology import Vitals
from simulators.scenario import Sensor


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
    """Sends its records and ends the link, as most cuffs do."""

    kind, profile, charge = Sensor.CUFF, BLOOD_PRESSURE, 62
    readable = (0x2A49, b"\x00\x00")
    encrypted, hangs_up, interval = True, True, 300.0

    def encode(self, now: int) -> bytes:
        return encode_blood_pressure(self.wearer.vitals(now), now)
