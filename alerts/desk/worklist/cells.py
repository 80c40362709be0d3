"""The five numbers of a row: which value stands in a cell, and how it looks.

A value is *old* where a newer one should have come: then it is bracketed, light, without an arrow and with its age.  That
is judged in the browser, which knows the time; here only how long it stays fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alerts.desk.worklist.snapshot import Patient, Snapshot, Value
from alerts.desk.worklist.spark import Spark, Trend, draw, draw_pressure, trend_of
from alerts.desk.worklist.words import number
from devices.sample import Status
from devices.vitals import VITALS, Vital
from devices.wire.control import Level

COLUMNS: Final = ("hr", "spo2", "rr", "bp", "temp")
VITAL_OF: Final[dict[str, Vital]] = {
    "hr": Vital.HEART_RATE,
    "spo2": Vital.SPO2,
    "rr": Vital.RESPIRATORY_RATE,
    "bp": Vital.SYSTOLIC,
    "temp": Vital.TEMPERATURE,
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

Limits = Mapping[tuple[int, str], tuple[Level | None, Level | None]]


@dataclass(frozen=True, slots=True)
class Cell:
    """``level``: outside which limit (high, medium or none); ``fresh_s``: older than this it is old."""

    text: str = "–"
    level: str = ""
    at: int | None = None
    fresh_s: int = 0
    poor: str = ""
    trend: Trend = ""
    note: str = ""
    device: int = 0

    def wire(self) -> list[object]:
        """As the browser gets it."""
        return [self.text, self.level, self.at, self.fresh_s, self.poor, self.trend, self.note]


def newest(values: Iterable[Value], vital: Vital) -> Value | None:
    """The newest value of a vital, a usable one before one that is not, whatever the device."""
    candidates = [v for v in values if v.vital == vital]
    return max(candidates, key=lambda v: (v.status == Status.OK, v.at), default=None)


def pulse_of(values: tuple[Value, ...], now: int) -> Value | None:
    """Heart rate if it is valid now, else pulse rate."""
    heart, pulse = newest(values, Vital.HEART_RATE), newest(values, Vital.PULSE_RATE)
    if heart is None or pulse is None:
        return heart or pulse
    valid = heart.status == Status.OK and now - heart.at <= fresh_s(heart, ()) * 1000
    return heart if valid else max(heart, pulse, key=lambda v: v.at)


def fresh_s(value: Value, patients: Iterable[Patient]) -> int:
    """For how long a value is current: twice its device's interval and two minutes for what a device reports by itself,
    else its validity.
    """
    spec = VITALS[Vital(value.vital)]
    if not spec.continuous:
        return spec.validity_s
    every = next((d.interval_s for p in patients for d in p.devices if d.device == value.device), 0)
    return min(spec.validity_s, _FRESH_S + 2 * every)


def level_of(limits: Limits, vital: int, value: float) -> str:
    """``high``, ``medium`` or nothing: the gravest limit that ``value`` is beyond."""
    for index, name in ((1, "high"), (0, "medium")):
        for side in ("high", "low"):
            level = limits.get((vital, side), (None, None))[index]
            if level is not None and (value > level.limit if side == "high" else value < level.limit):
                return name
    return ""


def inside(limits: Limits, vital: int) -> tuple[float | None, float | None]:
    """The band within limits, (low, high): the medium limit of each side, or the high one where there is no medium."""

    def of(side: str) -> float | None:
        medium, high = limits.get((vital, side), (None, None))
        level = medium or high
        return level.limit if level else None

    return of("low"), of("high")


def cells_of(snapshot: Snapshot, patient: Patient) -> dict[str, Cell]:
    """A patient's cells by column."""
    values, now = snapshot.values.get(patient.patient, ()), snapshot.read_at
    return {
        "hr": _one(snapshot, patient, pulse_of(values, now), Vital.HEART_RATE),
        "spo2": _one(snapshot, patient, newest(values, Vital.SPO2), Vital.SPO2),
        "rr": _one(snapshot, patient, newest(values, Vital.RESPIRATORY_RATE), Vital.RESPIRATORY_RATE),
        "bp": _pressure(snapshot, patient, values),
        "temp": _one(snapshot, patient, newest(values, Vital.TEMPERATURE), Vital.TEMPERATURE),
    }


def _one(snapshot: Snapshot, patient: Patient, value: Value | None, vital: Vital) -> Cell:
    if value is None:
        return Cell()
    note = "pulse" if value.vital == Vital.PULSE_RATE else ""
    fresh, poor = fresh_s(value, (patient,)), _POOR.get(Status(value.status), _NO_VALUE) if value.status else ""
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
    same = (systolic.device, systolic.at)
    diastolic = next((v for v in values if v.vital == Vital.DIASTOLIC and (v.device, v.at) == same), None)
    lower = number(Vital.DIASTOLIC, diastolic.value) if diastolic and diastolic.value is not None else "–"
    levels = [level_of(patient.limits, Vital.SYSTOLIC, systolic.value)]
    if diastolic and diastolic.value is not None:
        levels.append(level_of(patient.limits, Vital.DIASTOLIC, diastolic.value))
    level = next((name for name in ("high", "medium") if name in levels), "")
    buckets = snapshot.sparks.get((patient.patient, Vital.SYSTOLIC), {})
    trend = trend_of(Vital.SYSTOLIC, buckets, systolic.value, systolic.at // 1000)
    text = f"{number(Vital.SYSTOLIC, systolic.value)}/{lower}"
    poor = _POOR.get(Status(systolic.status), _NO_VALUE) if systolic.status else ""
    return Cell(text, "" if poor else level, systolic.at, fresh_s(systolic, ()), poor, trend, "", systolic.device)


def sparks_of(snapshot: Snapshot, patient: Patient) -> dict[str, Spark]:
    """A patient's sparklines by column, ending now."""
    end, number_of, sparks = snapshot.read_at // 1000, patient.patient, snapshot.sparks
    drawn = {}
    for column, vital in VITAL_OF.items():
        low, high = inside(patient.limits, vital)
        buckets = sparks.get((number_of, vital), {})
        if column == "hr" and not buckets:
            buckets = sparks.get((number_of, Vital.PULSE_RATE), {})
        if column == "bp":
            drawn[column] = draw_pressure(buckets, sparks.get((number_of, Vital.DIASTOLIC), {}), end, low, high)
        else:
            drawn[column] = draw(vital, buckets, end, low, high)
    return drawn
