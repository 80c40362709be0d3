"""A scenario's body, measured by an MQTT wearable: the counterpart of the Bluetooth sensors in `simulators.peripherals`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.decoded import samples_of
from devices.sample import Samples, Status
from devices.vitals import VITALS, Vital
from simulators.scenario import Sensor, Wearer

_LONGEST: Final = 3600
"""Missed readings that are measured at once."""
_VITALS: Final[dict[Sensor, tuple[Vital, ...]]] = {
    Sensor.BELT: (Vital.HEART_RATE, Vital.RESPIRATORY_RATE),
    Sensor.OXIMETER: (Vital.SPO2, Vital.PULSE_RATE),
    Sensor.CUFF: (Vital.SYSTOLIC, Vital.DIASTOLIC, Vital.MEAN_ARTERIAL, Vital.PULSE_RATE),
    Sensor.THERMOMETER: (Vital.TEMPERATURE,),
    Sensor.SCALE: (Vital.WEIGHT,),
}


class WornSensor:
    """Measures every ``interval`` ms from ``began`` (ms since the epoch) on.  Pure: time comes in as an argument."""

    done = False

    def __init__(self, wearer: Wearer, sensor: Sensor, address: str, *, began: int, interval: int = 1000) -> None:
        self.wearer, self.sensor, self.address, self.interval = wearer, sensor, address, interval
        self._next = began

    def due(self, now: int) -> Sequence[tuple[int, Samples]]:
        """The readings measured up to ``now`` (ms since the epoch), each once: (measured ms, SAMPLE [k])."""
        found = []
        behind = (now - self._next) // self.interval - _LONGEST
        if behind > 0:  # the machine slept for long: a wearable's own memory would not hold more either
            self._next += behind * self.interval
        while self._next <= now:
            found.append((self._next, self.reading(self._next)))
            self._next += self.interval
        return found

    def reading(self, at: int) -> Samples:
        """Measure at ``at`` (ms), rounded as displayed; off the body the values are NaN with status SENSOR_OFF."""
        if not self.wearer.worn(self.sensor, at):
            return samples_of([(vital, float("nan"), Status.SENSOR_OFF) for vital in _VITALS[self.sensor]], at)
        vitals = self.wearer.vitals(at)
        return samples_of(
            [(vital, round(vitals.of(vital), VITALS[vital].decimals), Status.OK) for vital in _VITALS[self.sensor]], at
        )
