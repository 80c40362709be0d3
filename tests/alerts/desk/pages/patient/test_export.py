from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.desk.pages.patient.export import csv_of

EMPTY: Final[dict[str, list[Any]]] = {"t": [], "v": [], "lo": [], "hi": []}


def test_a_row_a_point_in_order_of_time_with_units_and_the_desks_zone() -> None:
    series = {
        "lines": {
            "hr": {"t": [1_790_000_060], "v": [72.5], "lo": [60], "hi": [90]},
            "spo2": {"t": [1_790_000_000], "v": [97], "lo": [], "hi": []},
            "rr": EMPTY,
            "temp": EMPTY,
        },
        "bp": [[1_790_000_030, 121.04, None]],
    }
    assert csv_of(series, ZoneInfo("Europe/Berlin")).splitlines() == [
        "time,vital,unit,value,lowest,highest",
        "2026-09-21T16:13:20.000+02:00,spo2,%,97,,",
        "2026-09-21T16:13:50.000+02:00,systolic,mm[Hg],121.0,,",
        "2026-09-21T16:14:20.000+02:00,heart_or_pulse_rate,/min,72.5,60,90",
    ]
