"""The five cells of a row: the value of each, and its marks.

A value is *old* if a newer one should have come: then the browser shows it in brackets, light, without an arrow and with its
age.  The browser knows the time; this module only says how long a value stays fresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from alerts.care.limits import BySide, level_at
from alerts.care.limits_check import inner_level
from alerts.desk.worklist.snapshot import Device, Patient, Snapshot, Value
from alerts.desk.worklist.spark import Buckets, Spark, Trend, draw, draw_pressure, trend_of
from alerts.desk.worklist.words import number
from devices.sample import Status
from devices.vitals import VITALS, Vital

VITAL_OF: Final[dict[str, Vital]] = {
    "hr": Vital.HEART_RATE,
    "spo2": Vital.SPO2,
    "rr": Vital.RESPIRATORY_RATE,
    "bp": Vital.SYSTOLIC,
    "temp": Vital.TEMPERATURE,
}
COLUMN_OF: Final[dict[int, str]] = {
    **{vital: column for column, vital in VITAL_OF.items()},
    Vital.PULSE_RATE: "hr",
    Vital.DIASTOLIC: "bp",
}
_FRESH_S: Final = 120
_NO_VALUE: Final = "none"
_POOR: Final = {
    Status.ARTEFACT: "moved",
    Status.POOR_CONTACT: "contact",
    Status.SENSOR_OFF: "off",
    Status.OUT_OF_RANGE: "beyond",
    Status.CLOCK_UNSURE: "time?",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """``level``: the limit it is outside of (high, medium or none); ``fresh_s``: after so many seconds it is old."""

    text: str = "–"
    level: str = ""
    at: int | None = None
    fresh_s: int = 0
    poor: str = ""
    trend: Trend = ""
    note: str = ""
    device: int = 0

    def wire(self) -> list[object]:
        """The cell in the form that the browser reads."""
        return [self.text, self.level, self.at, self.fresh_s, self.poor, self.trend, self.note]


def newest(values: Iterable[Value], vital: Vital) -> Value | None:
    """The newest value of a vital from any device; a usable value comes before an unusable one."""
    candidates = [v for v in values if v.vital == vital]
    return max(candidates, key=lambda v: (v.status == Status.OK, v.at), default=None)


def pulse_of(values: tuple[Value, ...], now: int) -> Value | None:
    """The heart rate if it is valid now, else the pulse rate."""
    heart, pulse = newest(values, Vital.HEART_RATE), newest(values, Vital.PULSE_RATE)
    if heart is None or pulse is None:
        return heart or pulse
    valid = heart.status == Status.OK and now - heart.at <= fresh_s(heart, ()) * 1000
    return heart if valid else max(heart, pulse, key=lambda v: v.at)


def fresh_s(value: Value, devices: Iterable[Device]) -> int:
    """The seconds for which a value is current: its validity, and for a vital that a device reports by itself at most twice
    the device's interval plus two minutes.
    """
    spec = VITALS[Vital(value.vital)]
    if not spec.continuous:
        return spec.validity_s
    every = next((d.interval_s for d in devices if d.device == value.device), 0)
    return min(spec.validity_s, _FRESH_S + 2 * every)


def level_of(limits: BySide, vital: int, value: float) -> str:
    """``high``, ``medium`` or nothing: the gravest limit that ``value`` is beyond."""
    for priority in ("high", "medium"):
        for side in ("high", "low"):
            level = level_at(limits, vital, side, priority)
            if level is not None and (value > level.limit if side == "high" else value < level.limit):
                return priority
    return ""


def inside(limits: BySide, vital: int) -> tuple[float | None, float | None]:
    """The band within limits, (low, high): the medium limit of each side, or the high one if there is no medium."""
    low, high = (inner_level(limits.get((vital, side))) for side in ("low", "high"))
    return low, high


def cells_of(snapshot: Snapshot, patient: Patient) -> dict[str, Cell]:
    """A patient's cells by column."""
    values, now = snapshot.values.get(patient.patient, ()), snapshot.read_at
    cells = {column: _one(snapshot, patient, newest(values, vital), vital) for column, vital in VITAL_OF.items()}
    cells["hr"] = _one(snapshot, patient, pulse_of(values, now), Vital.HEART_RATE)
    cells["bp"] = _pressure(snapshot, patient, values)
    return cells


def _one(snapshot: Snapshot, patient: Patient, value: Value | None, vital: Vital) -> Cell:
    if value is None:
        return Cell()
    note = "pulse" if value.vital == Vital.PULSE_RATE else ""
    fresh, poor = fresh_s(value, patient.devices), _POOR.get(Status(value.status), _NO_VALUE) if value.status else ""
    if value.value is None or value.value != value.value:
        return Cell("–", "", value.at, fresh, poor or _NO_VALUE, "", note, value.device)
    level = "" if value.status else level_of(patient.limits, value.vital, value.value)
    buckets = snapshot.sparks.get((patient.patient, value.vital), {})
    trend: Trend = "" if value.status else trend_of(vital, buckets, value.value, value.at // 1000)
    return Cell(number(value.vital, value.value), level, value.at, fresh, poor, trend, note, value.device)


def _pressure(snapshot: Snapshot, patient: Patient, values: tuple[Value, ...]) -> Cell:
    systolic = newest(values, Vital.SYSTOLIC)
    if systolic is None or systolic.value is None:
        return Cell()
    cell, of_cuff = _one(snapshot, patient, systolic, Vital.SYSTOLIC), (Vital.DIASTOLIC, systolic.device, systolic.at)
    lower = next((v.value for v in values if (v.vital, v.device, v.at) == of_cuff), None)
    if lower is None:
        return replace(cell, text=f"{cell.text}/–")
    levels = () if cell.poor else (cell.level, level_of(patient.limits, Vital.DIASTOLIC, lower))
    level = next((name for name in ("high", "medium") if name in levels), "")
    return replace(cell, text=f"{cell.text}/{number(Vital.DIASTOLIC, lower)}", level=level)


def sparks_of(snapshot: Snapshot, patient: Patient) -> dict[str, Spark]:
    """A patient's sparklines by column, ending now."""
    end = snapshot.read_at // 1000

    def means(vital: Vital) -> Buckets:
        return snapshot.sparks.get((patient.patient, vital), {})

    drawn = {column: draw(vital, means(vital), end, *inside(patient.limits, vital)) for column, vital in VITAL_OF.items()}
    if not means(Vital.HEART_RATE):
        drawn["hr"] = draw(Vital.HEART_RATE, means(Vital.PULSE_RATE), end, *inside(patient.limits, Vital.HEART_RATE))
    pressure = means(Vital.SYSTOLIC), means(Vital.DIASTOLIC)
    drawn["bp"] = draw_pressure(*pressure, end, *inside(patient.limits, Vital.SYSTOLIC))
    return drawn
