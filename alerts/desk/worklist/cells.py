"""The five cells of a row: the value of each, and its marks.

A value is *old* if a newer one should have come: then the browser shows it in brackets, light, without an arrow and with its
age.  The browser knows the time; this module only says how long a value stays fresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from alerts.care.limits import BySide, charted, level_at
from alerts.care.limits_check import inner_level
from alerts.desk.worklist.snapshot import Device, Patient, Snapshot, Value
from alerts.desk.worklist.spark import Buckets, Spark, Trend, draw, draw_pressure, trend_of
from alerts.desk.worklist.words import number
from alerts.rules.newest_usable import newest_usable, usable
from alerts.rules.parameters import parameter_of
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
_NO_VALUE: Final = "no value"
_AT_ARRIVAL: Final = "time uncertain"
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


def newest(snapshot: Snapshot, patient: Patient, vital: Vital) -> Value | None:
    """The value of a parameter that counts (:mod:`alerts.rules.newest_usable`); without one, the newest sample."""
    measuring = [v for v in Vital if parameter_of(v) == vital]
    candidates = [v for v in snapshot.values.get(patient.patient, ()) if v.vital in measuring]
    intervals = {device.device: device.interval_s for device in patient.devices}
    found = newest_usable(candidates, now=snapshot.read_at, intervals=intervals, prefer=snapshot.prefer)
    return found or max(candidates, key=lambda v: v.at, default=None)


def failed_since(snapshot: Snapshot, patient: Patient, shown: Value, vitals: Iterable[int]) -> str:
    """Why a sample that is newer than the shown value does not count, in a word; empty if there is none."""
    later = [
        v for v in snapshot.values.get(patient.patient, ())
        if v.vital in vitals and v.device == shown.device and v.at > shown.at and not usable(v)
    ]  # fmt: skip
    return _POOR.get(Status(max(later, key=lambda v: v.at).status), _NO_VALUE) if later else ""


def fresh_s(value: Value, devices: Iterable[Device]) -> int:
    """The seconds for which a value is current: its validity, and for a vital that a device reports by itself at most twice
    the device's interval plus two minutes.
    """
    spec = VITALS[Vital(value.vital)]
    if not spec.continuous or value.device == 0:
        return spec.validity_s
    every = next((d.interval_s for d in devices if d.device == value.device), 0)
    return min(spec.validity_s, _FRESH_S + 2 * every)


def level_of(limits: BySide, vital: int, value: float) -> str:
    """``high``, ``medium`` or nothing: the gravest limit that ``value`` is beyond."""
    for priority in ("high", "medium"):
        for side in ("high", "low"):
            level, shown = level_at(limits, vital, side, priority), charted(limits, vital, side, value)
            if level is not None and (shown > level.limit if side == "high" else shown < level.limit):
                return priority
    return ""


def inside(limits: BySide, vital: int) -> tuple[float | None, float | None]:
    """The band within limits, (low, high): the medium limit of each side, or the high one if there is no medium."""
    low, high = (inner_level(limits.get((parameter_of(vital), side))) for side in ("low", "high"))
    return low, high


def cells_of(snapshot: Snapshot, patient: Patient) -> dict[str, Cell]:
    """A patient's cells by column."""
    cells = {column: _one(snapshot, patient, newest(snapshot, patient, vital), vital) for column, vital in VITAL_OF.items()}
    cells["bp"] = _pressure(snapshot, patient)
    return cells


def _one(snapshot: Snapshot, patient: Patient, value: Value | None, vital: Vital) -> Cell:
    if value is None:
        return Cell()
    failed = failed_since(snapshot, patient, value, (value.vital,))
    pulse, uncertain = value.vital == Vital.PULSE_RATE, value.at_arrival
    note = _notes(
        "by hand" if value.device == 0 else "pulse" if pulse else "",
        _AT_ARRIVAL if uncertain else "",
        failed and f"newer: {failed}",
    )
    fresh, poor = fresh_s(value, patient.devices), _POOR.get(Status(value.status), _NO_VALUE) if value.status else ""
    if value.value is None or value.value != value.value:
        return Cell("–", "", value.at, fresh, poor or _NO_VALUE, "", note, value.device)
    level = "" if value.status else level_of(patient.limits, value.vital, value.value)
    buckets = snapshot.sparks.get((patient.patient, value.vital), {})
    trend: Trend = "" if value.status else trend_of(vital, buckets, value.value, value.at // 1000)
    return Cell(number(value.vital, value.value), level, value.at, fresh, poor, trend, note, value.device)


def _pressure(snapshot: Snapshot, patient: Patient) -> Cell:
    """The newest measurement of which a part counts.  A part that it lacks is never taken from another one: it is noted."""
    upper, lower = newest(snapshot, patient, Vital.SYSTOLIC), newest(snapshot, patient, Vital.DIASTOLIC)
    known = [part for part in (upper, lower) if part is not None]
    if not known:
        return Cell()
    base = max(known, key=lambda v: (usable(v), v.at))
    cell = _one(snapshot, patient, base, Vital(base.vital))
    if not usable(base):
        return cell if cell.text == "–" else replace(cell, text=f"{cell.text}/–")
    together = {v.vital: v for v in snapshot.values.get(patient.patient, ()) if (v.device, v.at) == (base.device, base.at)}
    texts, levels, notes = [], [], ["by hand" if base.device == 0 else "", _AT_ARRIVAL if base.at_arrival else ""]
    for vital, name, other in ((Vital.SYSTOLIC, "sys", upper), (Vital.DIASTOLIC, "dia", lower)):
        part = together.get(vital)
        if part is not None and usable(part) and part.value is not None:
            texts.append(number(vital, part.value))
            levels.append(level_of(patient.limits, vital, part.value))
            continue
        texts.append("–")
        if part is not None:
            notes.append(f"{name} {_POOR.get(Status(part.status), _NO_VALUE)}")
        if other is not None and usable(other) and other.value is not None:
            notes.append(f"{name} {number(vital, other.value)} before")
    failed = failed_since(snapshot, patient, base, (Vital.SYSTOLIC, Vital.DIASTOLIC))
    level = next((name for name in ("high", "medium") if name in levels), "")
    trend: Trend = cell.trend if base.vital == Vital.SYSTOLIC else ""
    return replace(cell, text="/".join(texts), level=level, trend=trend, note=_notes(*notes, failed and f"newer: {failed}"))


def _notes(*notes: str) -> str:
    return ", ".join(note for note in notes if note)


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
