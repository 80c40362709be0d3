"""A bathroom scale of several users: weighs when somebody stands on it, sends its records and ends the link."""

from __future__ import annotations

from devices.gatt.date_time import encode_date_time
from devices.gatt.weight_scale import WEIGHT_SCALE
from simulators.peripherals.stored import StoringSensor
from simulators.scenario import Sensor


def encode_weight(kilograms: float, at: int, *, user: int | None = 1) -> bytes:
    """2A9D in kg with time stamp (``at``, ms since the epoch) and, where there is one, the user."""
    flags = 0x02 if user is None else 0x06
    named = b"" if user is None else bytes((user,))
    return bytes((flags,)) + round(kilograms * 200).to_bytes(2, "little") + encode_date_time(at) + named


class WeightScale(StoringSensor):
    """The wearer is user 1."""

    kind, profile, charge = Sensor.SCALE, WEIGHT_SCALE, 70
    readable = (0x2A9E, (0x0B).to_bytes(4, "little"))  # time stamp, several users, steps of 0.5 kg or finer
    hangs_up, interval = True, 86_400.0

    def encode(self, now: int) -> bytes:
        return encode_weight(self.wearer.vitals(now).weight, now)
