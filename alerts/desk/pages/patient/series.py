"""The series of one patient's charts in a window of time.

Gaps and poor signal are computed here, so that the browser only draws.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from alerts.care.limits import BySide, level_at
from alerts.desk.pages.limits.limit_history import read_limit_history
from alerts.desk.pages.patient.axis import SCALES, axis_of
from alerts.desk.pages.patient.points import CONTINUOUS, Points, Span, read_points
from alerts.desk.pages.patient.window import Window
from alerts.desk.worklist.cells import COLUMN_OF, VITAL_OF, inside
from alerts.desk.worklist.read import read_alarms
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import STARS, devices_of, kind_of, limit_number, plain
from devices.vitals import Vital

_GAP_RAW_S: Final = 60
_GAP_STEPS: Final = 2.5
_FALSE: Final = "(false alarm)"
_EPISODIC: Final = """
SELECT time, systolic, diastolic, temperature FROM (
    SELECT extract(epoch FROM time)::float8 AS time,
        CASE WHEN systolic_status IS NULL THEN systolic END AS systolic,
        CASE WHEN diastolic_status IS NULL THEN diastolic END AS diastolic,
        CASE WHEN temperature_status IS NULL THEN temperature END AS temperature
    FROM reading WHERE patient = %s AND time > %s AND time <= %s
      AND (systolic IS NOT NULL OR diastolic IS NOT NULL OR temperature IS NOT NULL)) r
WHERE coalesce(systolic, diastolic, temperature) IS NOT NULL ORDER BY time DESC LIMIT 5000"""


async def read_series(
    connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient, window: Window
) -> dict[str, object]:
    """The series of a window; times in seconds since the epoch."""
    points = await read_points(connection, patient.patient, window)
    lines: dict[str, dict[str, list[Any]]] = {}
    gaps: dict[str, list[Span]] = {}
    poor: dict[str, list[Span]] = {}
    slowest = max((d.interval_s for d in patient.devices), default=0)
    longest = window.step_s * _GAP_STEPS or max(_GAP_RAW_S, 3 * slowest)
    for key in CONTINUOUS:
        known = points.get(key) or Points()
        lines[key] = {"t": known.t, "v": known.v, "lo": known.lo, "hi": known.hi}
        gaps[key] = gaps_of(known.t, window.end, longest)
        poor[key] = known.poor
    cursor = await connection.execute(_EPISODIC, (patient.patient, *window.between))
    readings = (await cursor.fetchall())[::-1]
    temperatures = [(t, temp) for t, _, _, temp in readings if temp is not None]
    lines["temp"] = {"t": [t for t, _ in temperatures], "v": [round(v, 2) for _, v in temperatures]}
    pressures = [[t, s, d] for t, s, d, _ in readings if s is not None or d is not None]
    shown = {key: [v for of in ("v", "lo", "hi") for v in line.get(of, ())] for key, line in lines.items()}
    shown["bp"] = [v for _, *pair in pressures for v in pair]
    history = await read_limit_history(connection, patient.patient)
    steps = {key: steps_of(history.standing, patient, vital, window.start) for key, vital in VITAL_OF.items()}
    marks = {key: [v for _, low, high, highs in of for v in (low, high, *highs)] for key, of in steps.items()}
    return {
        "now": snapshot.read_at / 1000,
        "start": window.start,
        "end": window.end,
        "live": window.live,
        "step": window.step_s,
        "longest": longest,
        "lines": lines,
        "bp": pressures,
        "axes": {key: axis_of(key, [*shown[key], *marks[key]]) for key in SCALES},
        "gaps": gaps,
        "poor": poor,
        "limits": steps,
        "bands": bands_of(patient),
        "alarms": await _alarms(connection, snapshot, patient, window),
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


def gaps_of(times: Sequence[float], now: float, longest_s: float) -> list[Span]:
    """Spans of more than ``longest_s`` seconds without data, between two points or since the last one."""
    return [(a, b) for a, b in itertools.pairwise([*times, now]) if b - a > longest_s]


async def _alarms(
    connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient, window: Window
) -> list[dict[str, object]]:
    start, end = window.between
    found = await read_alarms(
        connection,
        "subject_kind = 'patient' AND subject = %s AND onset <= %s AND coalesce(ended, now()) > %s"
        " ORDER BY onset DESC LIMIT 200",
        patient.patient, end, start,
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
        for a in reversed(found)
    ]
