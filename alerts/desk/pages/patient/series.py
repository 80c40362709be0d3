"""The series of one patient's charts: raw readings for the last hour, minute rollups for longer ranges.

Gaps and poor signal are computed here, so that the browser only draws.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.care.limits import level_at
from alerts.database import to_datetime
from alerts.desk.worklist.cells import COLUMN_OF, VITAL_OF, inside
from alerts.desk.worklist.read import read_alarms
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import STARS, devices_of, kind_of, limit_number, plain
from devices.vitals import VITALS, Vital

HOURS: Final = (1, 6, 24)
_RAW_HOURS: Final = 1
_GAP_RAW_S: Final = 60
_GAP_MINUTES_S: Final = 150
_POOR_SHARE: Final = 20
"""A minute is poor with at least so many seconds without a usable sample."""
_CONTINUOUS: Final = {
    "hr": (Vital.HEART_RATE, Vital.PULSE_RATE),
    "spo2": (Vital.SPO2,),
    "rr": (Vital.RESPIRATORY_RATE,),
}
_FALSE: Final = "(false alarm)"
_EPISODIC: Final = """
SELECT extract(epoch FROM time)::float8, systolic, diastolic, temperature FROM reading
WHERE patient = %s AND time > %s - make_interval(hours => %s) AND (systolic IS NOT NULL OR temperature IS NOT NULL)
  AND coalesce(systolic_status, 0) = 0 AND coalesce(temperature_status, 0) = 0
ORDER BY time LIMIT 5000"""
_MINUTES: Final = """
SELECT vital, extract(epoch FROM time)::float8, sum(mean * n) / nullif(sum(n), 0), sum(poor), sum(n) FROM rollup_minute
WHERE patient = %s AND time > %s - make_interval(hours => %s) AND vital = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2"""

Span = tuple[float, float]
Points = tuple[dict[str, list[Span]], dict[str, list[Span]]]
"""(time, value) and poor stretches, by chart."""


async def read_series(
    connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient, hours: int
) -> dict[str, object]:
    """The series of the last ``hours``; times in seconds since the epoch."""
    now = snapshot.read_at / 1000
    when = (patient.patient, to_datetime(snapshot.read_at), hours)
    raw = hours <= _RAW_HOURS
    points, poor = await (_raw if raw else _minutes)(connection, when)
    lines: dict[str, dict[str, list[Any]]] = {}
    gaps: dict[str, list[Span]] = {}
    for key in _CONTINUOUS:
        known = points.get(key, [])
        lines[key] = {"t": [t for t, _ in known], "v": [v for _, v in known]}
        slowest = max((d.interval_s for d in patient.devices), default=0)
        longest = max(_GAP_RAW_S, 3 * slowest) if raw else _GAP_MINUTES_S
        gaps[key] = gaps_of([t for t, _ in known], now, longest)
    cursor = await connection.execute(_EPISODIC, when)
    readings = await cursor.fetchall()
    temperatures = [(t, temp) for t, _, _, temp in readings if temp is not None]
    lines["temp"] = {"t": [t for t, _ in temperatures], "v": [round(v, 2) for _, v in temperatures]}
    return {
        "now": now,
        "hours": hours,
        "lines": lines,
        "bp": [[t, s, d] for t, s, d, _ in readings if s is not None and d is not None],
        "gaps": gaps,
        "poor": poor,
        "limits": {key: inside(patient.limits, vital) for key, vital in VITAL_OF.items()},
        "high": {key: _high(patient, vital) for key, vital in VITAL_OF.items()},
        "bands": bands_of(patient),
        "alarms": await _alarms(connection, snapshot, patient, hours),
    }


def bands_of(patient: Patient) -> dict[str, str]:
    """The limits in effect, in words, by chart."""
    bands = {}
    for key, vital in VITAL_OF.items():
        low, high = (None if v is None else limit_number(round(v, 2)) for v in inside(patient.limits, vital))
        single = f"limit ≥ {low}" if low else f"limit ≤ {high}" if high else "no limits"
        bands[key] = f"limits {low}–{high}" if low and high else single
    return bands


def gaps_of(times: Sequence[float], now: float, longest_s: float) -> list[Span]:
    """Spans of more than ``longest_s`` seconds without data, between two points or since the last one."""
    return [(a, b) for a, b in itertools.pairwise([*times, now]) if b - a > longest_s]


def merged(spans: Sequence[Span], within_s: float) -> list[Span]:
    """Spans in order of time; neighbours with at most ``within_s`` seconds between them are joined."""
    found: list[Span] = []
    for start, end in spans:
        if found and start - found[-1][1] <= within_s:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


async def _raw(connection: AsyncConnection[Any], when: tuple[object, ...]) -> Points:
    vitals = [v for group in _CONTINUOUS.values() for v in group]
    names = [VITALS[v].column for v in vitals]
    columns = ", ".join(f"{name}, {name}_status" for name in names)
    cursor = await connection.execute(
        f"SELECT extract(epoch FROM time)::float8, {columns} FROM reading "
        "WHERE patient = %s AND time > %s - make_interval(hours => %s) ORDER BY time LIMIT 50000", when,
    )  # fmt: skip
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    poor: dict[str, list[Span]] = defaultdict(list)
    for row in await cursor.fetchall():
        at, cells = row[0], dict(zip(vitals, zip(row[1::2], row[2::2], strict=True), strict=True))
        for key, group in _CONTINUOUS.items():
            usable = [value for v in group for value, status in (cells[v],) if value is not None and not status]
            if usable:
                points[key].append((at, round(usable[0], 2)))
            elif any(status for v in group for _, status in (cells[v],)):
                poor[key].append((at - 1, at))
    return points, {key: merged(spans, 5) for key, spans in poor.items()}


async def _minutes(connection: AsyncConnection[Any], when: tuple[object, ...]) -> Points:
    key_of = {int(v): key for key, group in _CONTINUOUS.items() for v in group}
    cursor = await connection.execute(_MINUTES, (*when, list(key_of)))
    means: dict[str, dict[float, float]] = defaultdict(dict)
    poor: dict[str, list[Span]] = defaultdict(list)
    for vital, at, mean, bad, _ in await cursor.fetchall():
        key = key_of[vital]
        if mean is not None:
            means[key].setdefault(at + 30, round(mean, 2))  # heart rate comes first, by its code
        if bad >= _POOR_SHARE:
            poor[key].append((at, at + 60))
    points = {key: sorted(found.items()) for key, found in means.items()}
    return points, {key: merged(sorted(spans), 61) for key, spans in poor.items()}


async def _alarms(
    connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient, hours: int
) -> list[dict[str, object]]:
    found = await read_alarms(
        connection,
        "subject_kind = 'patient' AND subject = %s AND coalesce(ended, now()) > %s - make_interval(hours => %s) "
        "ORDER BY onset LIMIT 200",
        patient.patient, to_datetime(snapshot.read_at), hours,
    )  # fmt: skip
    return [
        {
            "at": a.onset / 1000,
            "to": (a.ended if a.ended is not None else snapshot.read_at) / 1000,
            "vital": COLUMN_OF.get(a.vital or 0, ""),
            "p": "technical" if kind_of(a) == "low" else kind_of(a),
            "text": " ".join(
                (STARS[kind_of(a)], plain(a, devices_of(patient)), _FALSE if a.outcome == "false_alarm" else "")
            ),
        }
        for a in found
    ]


def _high(patient: Patient, vital: Vital) -> list[float]:
    levels = [level_at(patient.limits, vital, side, "high") for side in ("low", "high")]
    return [level.limit for level in levels if level is not None]
