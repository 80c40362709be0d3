"""The vitals Vigil knows: their codes in samples, units, resolution, plausible range and validity.

Codes are append-only: they stand in every sample ever sealed.  LOINC and MDC codes: `docs/codes.md` names the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

FIXED_MAX: Final = 0x7FFF
"""Largest fixed-point value the engine keeps in a cell (15 bits)."""


class Vital(IntEnum):
    """The measured quantity: the ``vital`` byte of :data:`devices.sample.SAMPLE`."""

    HEART_RATE = 1
    PULSE_RATE = 2
    SPO2 = 3
    RESPIRATORY_RATE = 4
    SYSTOLIC = 5
    DIASTOLIC = 6
    MEAN_ARTERIAL = 7
    TEMPERATURE = 8
    WEIGHT = 9
    GLUCOSE = 10
    BODY_FAT = 11


@dataclass(frozen=True, slots=True)
class VitalSpec:
    """Everything fixed about one vital.

    ``unit`` is UCUM.  ``steps`` fixed-point steps make one unit: the engine rounds half-even to ``1 / steps`` and no
    plausible value exceeds ``FIXED_MAX / steps``.  A value outside ``plausible`` is kept with status ``OUT_OF_RANGE`` and
    decides nothing.  ``continuous`` vitals live in a ring of seconds, the others are episodic.  A value may decide
    something for ``validity_s`` seconds after its measurement.  ``also_loinc`` stand beside ``loinc`` wherever the value
    leaves Vigil; of glucose the specimen says the codes (:data:`devices.specimen.GLUCOSE_CODES`).
    """

    vital: Vital
    label: str
    short: str
    unit: str
    steps: int
    decimals: int
    plausible: tuple[float, float]
    continuous: bool
    validity_s: int
    loinc: str
    mdc: int
    also_loinc: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The name of the vital in tables and envelopes."""
        return self.vital.name.lower()


_HOUR = 3600
_CONTINUOUS, _EPISODIC = (True, _HOUR // 4), (False, 8 * _HOUR)

VITALS: Final[dict[Vital, VitalSpec]] = {
    spec.vital: spec
    for spec in (
        VitalSpec(Vital.HEART_RATE, "Heart rate", "HR", "/min", 10, 0, (15, 300), *_CONTINUOUS, "8867-4", 147842),
        VitalSpec(Vital.PULSE_RATE, "Pulse rate", "PR", "/min", 10, 0, (15, 300), *_CONTINUOUS, "8867-4", 149530),
        VitalSpec(
            Vital.SPO2, "Oxygen saturation", "SpO₂", "%", 10, 0, (30, 100), *_CONTINUOUS, "59408-5", 150456, ("2708-6",)
        ),
        VitalSpec(Vital.RESPIRATORY_RATE, "Respiration", "RR", "/min", 10, 0, (1, 120), *_CONTINUOUS, "9279-1", 151562),
        VitalSpec(Vital.SYSTOLIC, "Systolic pressure", "SBP", "mm[Hg]", 10, 0, (40, 300), *_EPISODIC, "8480-6", 150021),
        VitalSpec(Vital.DIASTOLIC, "Diastolic pressure", "DBP", "mm[Hg]", 10, 0, (20, 200), *_EPISODIC, "8462-4", 150022),
        VitalSpec(
            Vital.MEAN_ARTERIAL, "Mean arterial pressure", "MAP", "mm[Hg]", 10, 0, (25, 250), *_EPISODIC, "8478-0", 150023
        ),
        VitalSpec(Vital.TEMPERATURE, "Temperature", "Temp", "Cel", 100, 1, (25, 45), *_EPISODIC, "8310-5", 150364),
        VitalSpec(Vital.WEIGHT, "Weight", "Weight", "kg", 50, 1, (2, 600), False, 72 * _HOUR, "29463-7", 188736),
        VitalSpec(Vital.GLUCOSE, "Glucose", "Gluc", "mg/dL", 10, 0, (10, 1000), *_EPISODIC, "2339-0", 160364),
        VitalSpec(Vital.BODY_FAT, "Body fat", "Fat", "%", 10, 1, (2, 75), False, 72 * _HOUR, "41982-0", 188748),
    )
}
_BY_COLUMN: Final = {spec.column: spec for spec in VITALS.values()}


def vital_named(column: str) -> VitalSpec:
    """The vital with this column name; ``KeyError`` for an unknown one."""
    return _BY_COLUMN[column]
