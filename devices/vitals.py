"""The vitals Vigil knows: their codes in samples, units, resolution, plausible range and how long a value stays valid.

Codes are append-only: they stand in every sample ever sealed.  LOINC and MDC codes: `docs/codes.md` names the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

FIXED_MAX: Final = 0x7FFF
"""Largest fixed-point value the engine keeps in a cell (15 bits)."""


class Vital(IntEnum):
    """What a sample measures; the ``vital`` byte of :data:`devices.sample.SAMPLE`."""

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


@dataclass(frozen=True, slots=True)
class VitalSpec:
    """Everything fixed about one vital.

    ``unit`` is UCUM.  ``steps`` fixed-point steps make one unit: the engine rounds half-even to ``1 / steps`` and no
    plausible value exceeds ``FIXED_MAX / steps``.  A value outside ``plausible`` is kept with status ``OUT_OF_RANGE`` and
    decides nothing.  ``continuous`` vitals live in a ring of seconds, the others are episodic.  ``validity_s`` is how long
    a value may decide anything, counted from its measurement.
    """

    vital: Vital
    column: str
    label: str
    short: str
    unit: str
    steps: int
    decimals: int
    plausible: tuple[float, float]
    continuous: bool
    validity_s: int
    loinc: str
    mdc: int | None


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_CONTINUOUS = 15 * _MINUTE

VITALS: Final[dict[Vital, VitalSpec]] = {
    spec.vital: spec
    for spec in (
        VitalSpec(
            Vital.HEART_RATE, "heart_rate", "Heart rate", "HR", "/min", 10, 0, (15, 300), True, _CONTINUOUS, "8867-4", 147842
        ),
        VitalSpec(
            Vital.PULSE_RATE, "pulse_rate", "Pulse rate", "PR", "/min", 10, 0, (15, 300), True, _CONTINUOUS, "8867-4", 149530
        ),
        VitalSpec(
            Vital.SPO2, "spo2", "Oxygen saturation", "SpO₂", "%", 10, 0, (30, 100), True, _CONTINUOUS, "59408-5", 150456
        ),
        VitalSpec(
            Vital.RESPIRATORY_RATE,
            "respiratory_rate",
            "Respiration",
            "RR",
            "/min",
            10,
            0,
            (1, 120),
            True,
            _CONTINUOUS,
            "9279-1",
            151562,
        ),
        VitalSpec(
            Vital.SYSTOLIC,
            "systolic",
            "Systolic pressure",
            "SBP",
            "mm[Hg]",
            10,
            0,
            (40, 300),
            False,
            8 * _HOUR,
            "8480-6",
            150021,
        ),
        VitalSpec(
            Vital.DIASTOLIC,
            "diastolic",
            "Diastolic pressure",
            "DBP",
            "mm[Hg]",
            10,
            0,
            (20, 200),
            False,
            8 * _HOUR,
            "8462-4",
            150022,
        ),
        VitalSpec(
            Vital.MEAN_ARTERIAL,
            "mean_arterial",
            "Mean arterial pressure",
            "MAP",
            "mm[Hg]",
            10,
            0,
            (25, 250),
            False,
            8 * _HOUR,
            "8478-0",
            150023,
        ),
        VitalSpec(
            Vital.TEMPERATURE,
            "temperature",
            "Temperature",
            "Temp",
            "Cel",
            100,
            1,
            (25, 45),
            False,
            8 * _HOUR,
            "8310-5",
            150364,
        ),
        VitalSpec(Vital.WEIGHT, "weight", "Weight", "Weight", "kg", 50, 1, (2, 600), False, 3 * _DAY, "29463-7", 188736),
        VitalSpec(
            Vital.GLUCOSE, "glucose", "Glucose", "Gluc", "mg/dL", 10, 0, (10, 1000), False, 8 * _HOUR, "2339-0", 160368
        ),
    )
}


def vital_named(column: str) -> VitalSpec:
    """The vital with this column name; ``KeyError`` for an unknown one."""
    return _BY_COLUMN[column]


_BY_COLUMN: Final = {spec.column: spec for spec in VITALS.values()}
