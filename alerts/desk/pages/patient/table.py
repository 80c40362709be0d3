"""The charts' data as a table: the last value of each step of the window, newest first, as measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.desk.pages.patient.window import Window
from alerts.desk.worklist.cells import COLUMN_OF
from alerts.desk.worklist.snapshot import Patient
from alerts.desk.worklist.words import number
from devices.vitals import Vital

_COLUMN: Final[dict[int, str]] = {**COLUMN_OF, Vital.SYSTOLIC: "sys", Vital.DIASTOLIC: "dia"}
_MINUTES: Final = """
SELECT DISTINCT ON (step, vital) (floor(extract(epoch FROM time) / %s))::int8 AS step, vital, last, poor
FROM rollup_minute WHERE patient = %s AND time > %s AND time <= %s AND vital = ANY(%s)
ORDER BY step, vital, time DESC, n DESC"""
_EPISODIC: Final = """
SELECT (floor(extract(epoch FROM time) / %s))::int8,
    CASE WHEN systolic_status IS NULL THEN systolic END, CASE WHEN diastolic_status IS NULL THEN diastolic END,
    CASE WHEN temperature_status IS NULL THEN temperature END
FROM reading WHERE patient = %s AND time > %s AND time <= %s
  AND (systolic IS NOT NULL OR diastolic IS NOT NULL OR temperature IS NOT NULL) ORDER BY time"""
_AT_ARRIVAL: Final = """
SELECT DISTINCT (floor(extract(epoch FROM time) / %s))::int8 FROM reading
WHERE patient = %s AND time > %s AND time <= %s AND clock = 2"""


@dataclass(slots=True)
class TableRow:
    at: int  # ms
    cells: dict[str, str] = field(default_factory=dict)
    poor: bool = False
    at_arrival: bool = False  # the time of a reading is that of its arrival


async def read_table(connection: AsyncConnection[Any], patient: Patient, window: Window) -> list[TableRow]:
    """Rows of a window; a missing cell was not measured."""
    step_s = window.row_s
    when = (step_s, patient.patient, *window.between)
    found: dict[int, TableRow] = {}
    minutes = await connection.execute(_MINUTES, (*when, [int(v) for v in _COLUMN]))
    for step, vital, last, poor in await minutes.fetchall():
        row = found.setdefault(step, TableRow(step * step_s * 1000))
        row.poor |= poor > 20
        if last is not None:
            row.cells.setdefault(_COLUMN[vital], number(vital, last))
    episodic = await connection.execute(_EPISODIC, when)
    for step, systolic, diastolic, temperature in await episodic.fetchall():
        row = found.setdefault(step, TableRow(step * step_s * 1000))
        row.poor |= systolic is diastolic is temperature is None  # a measurement that failed
        if systolic is not None or diastolic is not None:  # one measurement a cell: its parts are never mixed
            row.cells.pop("sys", None)
            row.cells.pop("dia", None)
        for key, vital, value in (("sys", 5, systolic), ("dia", 6, diastolic), ("temp", 8, temperature)):
            if value is not None:
                row.cells[key] = number(vital, value)
    for (step,) in await (await connection.execute(_AT_ARRIVAL, when)).fetchall():
        found.setdefault(step, TableRow(step * step_s * 1000)).at_arrival = True
    return [found[step] for step in sorted(found, reverse=True)]
