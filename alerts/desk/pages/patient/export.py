"""The values that the charts of a window show, as a CSV file for a clinician's own program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from devices.vitals import VITALS, Vital

HEADER: Final = ("time", "vital", "unit", "value", "lowest", "highest")
_NAMES: Final = {
    "hr": ("heart_or_pulse_rate", VITALS[Vital.HEART_RATE].unit),
    "spo2": (VITALS[Vital.SPO2].column, VITALS[Vital.SPO2].unit),
    "rr": (VITALS[Vital.RESPIRATORY_RATE].column, VITALS[Vital.RESPIRATORY_RATE].unit),
    "temp": (VITALS[Vital.TEMPERATURE].column, VITALS[Vital.TEMPERATURE].unit),
}


def csv_of(series: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The points of :func:`alerts.desk.pages.patient.series.read_series`, a row each, in order of time.

    Times are ISO 8601 in the desk's zone.  Where a point stands for a step, ``value`` is its mean; ``lowest`` and
    ``highest`` are empty where each reading is shown.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADER)
    for at, *cells in sorted(_rows(series), key=lambda row: row[0]):
        rows.writerow([datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds"), *cells])
    return text.getvalue()


def _rows(series: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for key, (name, unit) in _NAMES.items():
        line = series["lines"][key]
        bounds = zip(line["lo"], line["hi"], strict=True) if line.get("lo") else [("", "")] * len(line["t"])
        for at, value, (low, high) in zip(line["t"], line["v"], bounds, strict=True):
            yield at, name, unit, value, low, high
    for at, *pair in series["bp"]:
        for vital, value in zip((Vital.SYSTOLIC, Vital.DIASTOLIC), pair, strict=True):
            if value is not None:
                yield at, VITALS[vital].column, VITALS[vital].unit, round(value, 1), "", ""
