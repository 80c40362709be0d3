"""Sparklines: six hours of one vital as SVG paths, with the patient's limits as a band.

The scale of each vital is fixed, so that equal shapes have equal meanings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from devices.vitals import Vital

BUCKET_S: Final = 540
"""Seconds of one point: 40 steps are six hours."""
STEPS: Final = 40
WIDTH, HEIGHT = 80, 20
HOURS: Final = 6

Buckets = Mapping[int, float]
"""Mean by bucket number (unix time // :data:`BUCKET_S`)."""
Trend = Literal["up", "rise", "flat", "fall", "down", ""]

_SCALES: Final[dict[int, tuple[float, float, float]]] = {
    Vital.HEART_RATE: (30, 150, 5),
    Vital.SPO2: (85, 100, 1),
    Vital.RESPIRATORY_RATE: (4, 34, 2),
    Vital.SYSTOLIC: (50, 200, 6),
    Vital.TEMPERATURE: (35, 40.5, 0.3),
}
"""(bottom, top, change): an arrow shows ``change`` over half an hour, a steep one three times that.  No rule uses it."""


@dataclass(frozen=True, slots=True)
class Spark:
    """Paths of one sparkline in a box of 80 × 20; ``low`` and ``high`` are its least and greatest mean."""

    band: tuple[float, float] | None  # y and height
    path: str
    out: str
    gap: str
    now: str
    bars: tuple[tuple[str, bool], ...] = ()  # of blood pressure: path, outside limits
    low: float | None = None
    high: float | None = None


def _y(vital: int, value: float) -> float:
    low, high, _ = _SCALES[vital]
    return round(HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low)), 1)


def band_of(vital: int, low: float | None, high: float | None) -> tuple[float, float] | None:
    """Y and height of the band between two limits; ``None`` without any limit."""
    if low is None and high is None:
        return None
    bottom = HEIGHT if low is None else _y(vital, low)
    top = 0.0 if high is None else _y(vital, high)
    return top, round(max(0.0, bottom - top), 1)


def draw(vital: int, buckets: Buckets, end_s: int, low: float | None = None, high: float | None = None) -> Spark:
    """The sparkline of the six hours before ``end_s`` (unix seconds); ``low`` and ``high`` are the limits of the band."""
    last = end_s // BUCKET_S
    points = [(i, buckets.get(last - STEPS + i)) for i in range(STEPS + 1)]
    known = [(2 * i, value) for i, value in points if value is not None]
    drawn = known if vital == Vital.TEMPERATURE else [(2 * i, value) for i, value in points]  # measured rarely: joined
    path = _lines(drawn, vital)
    outside = [(2 * i, v if v is not None and _outside(v, low, high) else None) for i, v in points]
    gap = now = ""
    if known:
        x, value = known[-1]
        now = f"M{x} {_y(vital, value)}h0"
        gap = f"M{x} {_y(vital, value)}H{WIDTH}" if x < WIDTH - 4 else ""
    values = [value for _, value in known]
    return Spark(
        band_of(vital, low, high), path, _lines(outside, vital), gap, now, (),
        min(values, default=None), max(values, default=None),
    )  # fmt: skip


def draw_pressure(
    systolic: Buckets, diastolic: Buckets, end_s: int, low: float | None = None, high: float | None = None
) -> Spark:
    """Draw blood pressure as bars from systolic to diastolic."""
    last, vital = end_s // BUCKET_S, Vital.SYSTOLIC
    bars, seen = [], []
    for i in range(STEPS + 1):
        top, bottom = systolic.get(last - STEPS + i), diastolic.get(last - STEPS + i)
        if top is not None and bottom is not None:
            bars.append((f"M{2 * i} {_y(vital, top)}V{_y(vital, bottom)}", _outside(top, low, high)))
            seen.append(top)
    return Spark(band_of(vital, low, high), "", "", "", "", tuple(bars), min(seen, default=None), max(seen, default=None))


def trend_of(vital: int, buckets: Buckets, value: float, now_s: int) -> Trend:
    """``value`` compared with about half an hour before; empty without a value from then."""
    bucket = now_s // BUCKET_S
    before = [buckets[b] for b in range(bucket - 5, bucket - 2) if b in buckets]
    if not before or vital not in _SCALES:
        return ""
    change = (value - sum(before) / len(before)) / _SCALES[vital][2]
    if abs(change) < 1:
        return "flat"
    if change > 0:
        return "up" if change >= 3 else "rise"
    return "down" if change <= -3 else "fall"


def _outside(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _lines(points: Iterable[tuple[int, float | None]], vital: int) -> str:
    parts, drawing = [], False
    for x, value in points:
        if value is not None:
            parts.append(f"{'L' if drawing else 'M'}{x} {_y(vital, value)}")
        drawing = value is not None
    return "".join(parts)
