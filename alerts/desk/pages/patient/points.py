"""The points of the lines of a window: each reading, or the mean, the lowest and the highest value of each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.desk.pages.patient.window import Window
from devices.vitals import VITALS, Vital

CONTINUOUS: Final = {
    "hr": (Vital.HEART_RATE, Vital.PULSE_RATE),
    "spo2": (Vital.SPO2,),
    "rr": (Vital.RESPIRATORY_RATE,),
}
_POOR_SHARE: Final = 1 / 3
"""A step is poor with at least this share of its seconds without a usable sample."""
_MOST: Final = 50_000
_HOUR_S: Final = 3600
_FIGURES: Final = "patient, vital, time, n, mean, min, max, poor"
# hours are written once in a while: the last one, which may not be complete, and what is newer come from their minutes
_SINCE_HOURS: Final = f"""
WITH newest AS (SELECT max(time) AS hour FROM rollup_hour WHERE patient = %(patient)s)
SELECT {_FIGURES} FROM rollup_hour WHERE patient = %(patient)s AND vital = ANY(%(vitals)s)
  AND time >= %(start)s AND time < least(%(end)s, (SELECT hour FROM newest))
UNION ALL
SELECT {_FIGURES} FROM rollup_minute WHERE patient = %(patient)s AND vital = ANY(%(vitals)s)
  AND time >= greatest(%(start)s, (SELECT hour FROM newest)) AND time < %(end)s"""
_SINCE_MINUTES: Final = f"""
SELECT {_FIGURES} FROM rollup_minute
WHERE patient = %(patient)s AND time >= %(start)s AND time < %(end)s AND vital = ANY(%(vitals)s)"""
_STEPS: Final = """
SELECT vital, floor(extract(epoch FROM time) / %(step)s)::int8 * %(step)s,
  sum(mean * n) / nullif(sum(n), 0), min(min), max(max), sum(poor) FROM ({rows}) r GROUP BY 1, 2 ORDER BY 1, 2"""

Span = tuple[float, float]


@dataclass(slots=True)
class Points:
    """One line: ``t`` in s since the epoch and ``v``; ``lo`` and ``hi`` of each step, empty where each reading is shown."""

    t: list[float] = field(default_factory=list)
    v: list[float] = field(default_factory=list)
    lo: list[float] = field(default_factory=list)
    hi: list[float] = field(default_factory=list)
    poor: list[Span] = field(default_factory=list)


async def read_points(connection: AsyncConnection[Any], patient: int, window: Window) -> dict[str, Points]:
    """The lines by chart."""
    return await (_steps if window.step_s else _readings)(connection, patient, window)


async def _readings(connection: AsyncConnection[Any], patient: int, window: Window) -> dict[str, Points]:
    vitals = [v for group in CONTINUOUS.values() for v in group]
    names = [VITALS[v].column for v in vitals]
    columns = ", ".join(f"{name}, {name}_status" for name in names)
    cursor = await connection.execute(
        f"SELECT extract(epoch FROM time)::float8, {columns} FROM reading"
        f" WHERE patient = %s AND time > %s AND time <= %s ORDER BY time LIMIT {_MOST}",
        (patient, *window.between),
    )
    found: dict[str, Points] = defaultdict(Points)
    for row in await cursor.fetchall():
        at, cells = row[0], dict(zip(vitals, zip(row[1::2], row[2::2], strict=True), strict=True))
        for key, group in CONTINUOUS.items():
            usable = [value for v in group for value, status in (cells[v],) if value is not None and not status]
            if usable:
                found[key].t.append(at)
                found[key].v.append(round(usable[0], 2))
            elif any(status for v in group for _, status in (cells[v],)):
                found[key].poor.append((at - 1, at))
    for points in found.values():
        points.poor = merged(points.poor, 5)
    return found


async def _steps(connection: AsyncConnection[Any], patient: int, window: Window) -> dict[str, Points]:
    key_of = {int(v): key for key, group in CONTINUOUS.items() for v in group}
    start, end = window.between
    rows = _SINCE_HOURS if window.step_s >= _HOUR_S else _SINCE_MINUTES
    values = {"patient": patient, "start": start, "end": end, "vitals": list(key_of), "step": window.step_s}
    cursor = await connection.execute(_STEPS.format(rows=rows), values)
    figures: dict[str, dict[float, tuple[float, float, float]]] = defaultdict(dict)
    found: dict[str, Points] = defaultdict(Points)
    for vital, at, mean, low, high, bad in await cursor.fetchall():
        key = key_of[vital]
        if mean is not None:  # heart rate comes first, by its code
            figures[key].setdefault(at + window.step_s / 2, (round(mean, 2), round(low, 2), round(high, 2)))
        if bad >= _POOR_SHARE * window.step_s:
            found[key].poor.append((at, at + window.step_s))
    for key, of in figures.items():
        points = found[key]
        points.t = sorted(of)
        points.v, points.lo, points.hi = (list(each) for each in zip(*(of[at] for at in points.t), strict=True))
    for points in found.values():
        points.poor = merged(sorted(points.poor), window.step_s + 1)
    return found


def merged(spans: Sequence[Span], within_s: float) -> list[Span]:
    """Spans in order of time; neighbours with at most ``within_s`` seconds between them are joined."""
    found: list[Span] = []
    for start, end in spans:
        if found and start - found[-1][1] <= within_s:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
