"""The series of one patient's charts: raw readings for the last hour, minute rollups for longer ranges.

Gaps and poor signal are computed here, so that the browser only draws.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.care.limits import BySide, level_at
from alerts.database import to_datetime
from alerts.desk.pages.limits.limit_history import read_limit_history
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
SELECT time, systolic, diastolic, temperature FROM (
    SELECT extract(epoch FROM time)::float8 AS time,
        CASE WHEN systolic_status IS NULL THEN systolic END AS systolic,
        CASE WHEN diastolic_status IS NULL THEN diastolic END AS diastolic,
        CASE WHEN temperature_status IS NULL THEN temperature END AS temperature
    FROM reading WHERE patient = %s AND time > %s - make_interval(hours => %s)
      AND (systolic IS NOT NULL OR diastolic IS NOT NULL OR temperature IS NOT NULL)) r
WHERE coalesce(systolic, diastolic, temperature) IS NOT NULL ORDER BY time LIMIT 5000"""
_SCALES: Final[dict[str, tuple[float, float, tuple[float, ...]]]] = {
    "hr": (30, 150, (60, 90, 120)),
    "spo2": (82, 100, (88, 92, 96, 100)),
    "rr": (4, 34, (10, 20, 30)),
    "bp": (40, 200, (50, 100, 150, 200)),
    "temp": (34.5, 40.5, (36, 37, 38, 39)),
}
"""The usual (bottom, top, ticks) of each chart: equal shapes have equal meanings, until something lies beyond."""
_MARGIN: Final = 0.04
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
    pressures = [[t, s, d] for t, s, d, _ in readings if s is not None or d is not None]
    shown = {key: line["v"] for key, line in lines.items()} | {"bp": [v for _, *pair in pressures for v in pair]}
    history = await read_limit_history(connection, patient.patient)
    steps = {key: steps_of(history.standing, patient, vital, now - hours * 3600) for key, vital in VITAL_OF.items()}
    marks = {key: [v for _, low, high, highs in of for v in (low, high, *highs)] for key, of in steps.items()}
    return {
        "now": now,
        "hours": hours,
        "lines": lines,
        "bp": pressures,
        "axes": {key: axis_of(key, [*shown[key], *marks[key]]) for key in _SCALES},
        "gaps": gaps,
        "poor": poor,
        "limits": steps,
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


Step = tuple[float, float | None, float | None, list[float]]
"""(second from which they were in effect, low and high end of the band, where a high begins) of one chart's limits."""


def steps_of(standing: Sequence[tuple[int, BySide]], patient: Patient, vital: Vital, since: float) -> list[Step]:
    """The limits of a chart from second ``since`` on, oldest first: what was measured is shown with the limits of its time.

    The last ones are those that the desk knows to be in effect.
    """
    found: list[Step] = []
    for at, limits in [*standing[:-1], (standing[-1][0], patient.limits)]:
        highs = [level_at(limits, vital, side, "high") for side in ("low", "high")]
        step = (at / 1000, *inside(limits, vital), [level.limit for level in highs if level is not None])
        if found and (step[0] <= max(found[-1][0], since) or found[-1][1:] == step[1:]):
            found[-1] = (found[-1][0], *step[1:])
        else:
            found.append(step)
    return found


def axis_of(key: str, shown: Iterable[float | None]) -> dict[str, list[float]]:
    """The range and the ticks of a chart, in which every value and limit of ``shown`` lies with a margin."""
    usual = bottom, top, ticks = _SCALES[key]
    margin, step = (top - bottom) * _MARGIN, ticks[1] - ticks[0]
    known = [value for value in shown if value is not None]
    bottom = min([bottom, *(value - margin for value in known)])
    top = max([top, *(value + margin for value in known)])
    if (bottom, top) == usual[:2]:
        return {"range": [bottom, top], "ticks": list(ticks)}
    first = ticks[0] - step * math.floor((ticks[0] - bottom) / step) if bottom < ticks[0] - step else ticks[0]
    count = math.floor((top - first) / step) + 1
    every = [first + step * i for i in range(count) if key != "spo2" or first + step * i <= 100]
    thinned = every[:: math.ceil(len(every) / 6)]
    return {"range": [round(bottom, 2), round(top, 2)], "ticks": thinned}


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
