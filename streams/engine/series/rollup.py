"""Minute rollups: computed from the minute's cells, by one function, whenever they changed.

The engine writes the minutes that are still whole in its ring.  Older ones it only names (``LATE``); the store computes
them with :func:`recompute` from stored readings: the same function, so the same row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from devices.sample import SAMPLE, STEPS, Samples, Status
from devices.vitals import FIXED_MAX
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Cells, Floats, Ints, Rows
from streams.engine.columns.axis import Columns, Field
from streams.engine.series.ring import MISS, POOR16, Ring, cells_of
from streams.engine.series.statistics import statistics
from streams.engine.writes import LATE, ROLLUP

GRACE: Final = 5
"""s after the minute: most links deliver within it."""
SPREAD: Final = 32
"""Partitions write in different seconds, from GRACE to GRACE + SPREAD - 1 after the minute."""
SLOTS: Final = 8
"""Minutes that can be open at once: 5 in the longest window, 1 ahead, 1 current, 1 just closed."""
_POWERS: Final[Floats] = np.arange(60.0) ** np.arange(3)[:, None]
_SECOND: Final = np.arange(60, dtype=np.uint8)[:, None]
_SPARSE: Final = 8
"""Where fewer than 1/_SPARSE of the cells hold anything, only those are looked at."""
_CHUNK: Final = 1 << 12
"""Columns at a time, so that a minute of them stays in the cache."""
DUE: Final[Ints] = GRACE + np.arange(PARTITIONS) % SPREAD
"""int64 [PARTITIONS]: the second of the minute at which each partition writes its rollups."""


def next_due(now: Ints | int, due: Ints | int) -> Ints:
    """The first second after clock second ``now`` at which rollups are written by a partition that does so at ``due``."""
    return np.asarray(now + 60 - (now - due) % 60, np.int64)


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact integers of a minute's cells, int64 [k]: seconds with a usable value ``n`` and with only unusable ones ``poor``;
    sums of the values ``v`` and ``vv`` in fixed point, of the seconds 0..59 ``t`` and ``tt``, and of their products ``tv``;
    the smallest and the greatest value (32768 or more, and -1 or less, where there is none); the ``first`` and the ``last``
    one (anything, where there is none).
    """

    n: Ints
    poor: Ints
    v: Ints
    vv: Ints
    t: Ints
    tt: Ints
    tv: Ints
    low: Ints
    high: Ints
    first: Ints
    last: Ints

    def some(self, which: Bools) -> Sums:
        """Those of the series that ``which`` bool [k] marks."""
        return self if which.all() else Sums(*[getattr(self, name)[which] for name in self.__slots__])


def sums_of(cells: Cells) -> Sums:
    """Of the cells int32 [60, k] of one minute."""
    there = cells > MISS
    if np.count_nonzero(there) * _SPARSE < cells.size:
        return _sums_of_few(cells, there)
    value = cells.astype(np.int16)  # the low half: MISS and POOR are negative
    good = value >= 0
    poor = np.count_nonzero(value == POOR16, axis=0)
    n, st, stt = (_POWERS @ good.astype(np.float64)).astype(np.int64)
    exact = np.maximum(value, 0).astype(np.float64)  # integers below 2**53: any order of adding gives the same
    sv, stv = (_POWERS[:2] @ exact).astype(np.int64)
    exact *= exact
    svv = (_POWERS[0] @ exact).astype(np.int64)
    low, high = value.view(np.uint16).min(0).astype(np.int64), np.maximum(value.max(0), -1).astype(np.int64)
    column = np.arange(cells.shape[1])
    first = value[np.where(good, _SECOND, 59).min(0), column].astype(np.int64)
    last = value[(good * _SECOND).max(0), column].astype(np.int64)
    return Sums(n, poor.astype(np.int64), sv, svv, st, stt, stv, low, high, first, last)


def _sums_of_few(cells: Cells, there: Bools) -> Sums:
    """The same of cells of which few hold anything, bool [60, k]: what patients send who are measured now and then."""
    width = cells.shape[1]
    at = np.flatnonzero(there)
    second, column = np.divmod(at, width)
    value = cells.reshape(-1)[at].astype(np.int16).astype(np.int64)
    good = value >= 0
    poor = np.bincount(column[~good], minlength=width)
    second, column, value = second[good], column[good], value[good]
    products = value, value * value, second, second * second, second * value
    v, vv, t, tt, tv = (np.bincount(column, each, width).astype(np.int64) for each in products)  # exact, as above
    low, high = np.full(width, MISS, np.int64), np.full(width, -1, np.int64)
    np.minimum.at(low, column, value)
    np.maximum.at(high, column, value)
    first, last = np.zeros(width, np.int64), np.zeros(width, np.int64)
    first[column[::-1]], last[column] = value[::-1], value  # of equal indices the last one stays
    return Sums(np.bincount(column, minlength=width), poor, v, vv, t, tt, tv, low, high, first, last)


def rollup(of: Sums, steps: Floats) -> Rows:
    """ROLLUP [k] of the sums of one minute; who, when and where is left to the caller."""
    out = np.zeros(len(of.n), ROLLUP)
    out["poor"], out["n"] = of.poor, of.n
    out["mean"], out["std"], out["slope"] = statistics(of.n, of.v, of.vv, of.t, of.tt, of.tv, steps)
    for name, fixed in (("min", of.low), ("max", of.high), ("first", of.first), ("last", of.last)):
        out[name] = np.where(of.n > 0, fixed / steps, np.nan)
    return out


class Minutes(Columns):
    """``changed`` bool [SLOTS, series]: which minutes changed since they were last written."""

    FIELDS: ClassVar = {"changed": Field(np.bool_, False, (SLOTS,))}
    changed: Bools

    def touch(self, series: Ints, second: Ints) -> None:
        minute = second // 60
        if minute.size and minute.min() == minute.max():
            self.changed[int(minute[0]) % SLOTS, series] = True
        else:
            self.changed[minute % SLOTS, series] = True

    def take_minute(self, minute: int, columns: slice) -> Bools:
        """Bool [columns]: in which series of one slice a minute changed; they count as written."""
        changed = self.changed[minute % SLOTS, columns]
        out = changed.copy()
        changed[:] = False
        return out

    def take_closed(self, now: int, columns: slice) -> list[tuple[int, Ints]]:
        """(minute, columns) of every closed minute that changed, in one slice; they count as written."""
        out = []
        for minute in range((now - 1) // 60 - SLOTS + 2, (now - 1) // 60):
            changed = self.changed[minute % SLOTS, columns]
            series = np.flatnonzero(changed)
            if series.size:
                changed[series] = False
                out.append((minute, series + columns.start))
        return out

    def take_all(self, now: int, columns: slice) -> list[tuple[int, Ints]]:
        """The same of every minute, closed or not."""
        out = []
        for minute in range(now // 60 - SLOTS + 2, now // 60 + 2):
            changed = self.changed[minute % SLOTS, columns]
            series = np.flatnonzero(changed)
            changed[series] = False
            if series.size:
                out.append((minute, series + columns.start))
        return out


def of_minute(ring: Ring, minute: int, series: Ints, steps: Floats) -> Rows:
    """ROLLUP [k] of one minute in the ring, of series int64 [k] (ascending) with ``steps`` float64 [k]."""
    out = []
    for start in range(0, len(series), _CHUNK):
        part = series[start : start + _CHUNK]
        whole = int(part[-1] - part[0]) == len(part) - 1
        cells = ring.during(_seconds(minute), slice(int(part[0]), int(part[-1]) + 1) if whole else part)
        out.append(rollup(sums_of(cells), steps[start : start + _CHUNK]))
    return _named(out, minute)


def close_minute(ring: Ring, minute: int, columns: slice, changed: Bools, steps: Floats) -> tuple[Sums, Rows]:
    """(sums of all series of a slice, ROLLUP rows of those that ``changed`` bool [columns]) of one minute in the ring."""
    sums, out = [], []
    for start in range(columns.start, columns.stop, _CHUNK):
        part = slice(start, min(start + _CHUNK, columns.stop))
        at = slice(part.start - columns.start, part.stop - columns.start)
        cells, wanted = ring.during(_seconds(minute), part), changed[at]
        sums.append(sums_of(cells))
        if wanted.any():
            out.append(rollup(sums[-1].some(wanted), steps[at][wanted]))
    whole = [np.concatenate([getattr(one, name) for one in sums] or [NO_INTS]) for name in Sums.__slots__]
    return Sums(*whole), _named(out, minute)


def _seconds(minute: int) -> Ints:
    return np.arange(minute * 60, minute * 60 + 60)


def _named(parts: list[Rows], minute: int) -> Rows:
    rollups = np.concatenate(parts) if parts else np.empty(0, ROLLUP)
    rollups["minute"] = minute
    return rollups


def usable(value: npt.NDArray[np.float32], vital: Bytes | int, status: Bytes) -> tuple[Ints, Bools]:
    """(fixed point int64 [n], good bool [n]): values rounded half-even to the vital's resolution (a float32 times a small
    integer is exact in float64); 0 where not good.
    """
    scaled = value * STEPS[vital]
    with np.errstate(invalid="ignore"):
        np.rint(scaled, out=scaled)
        good = (status == Status.OK) & (scaled >= 0) & (scaled <= FIXED_MAX)
    if not good.all():
        scaled[~good] = 0
    return scaled.astype(np.int64), good


def recompute(late: Rows, samples: Samples, patient: Ints, device: Ints) -> Rows:
    """ROLLUP rows of the minutes that ``late`` (LATE [k]) names, from all stored samples of those minutes.

    ``samples`` SAMPLE [m] with patient, device int64 [m]; others than those named are ignored, and so is a status of
    ``CLOCK_UNSURE``, as everywhere.  A minute without any sample is left out.
    """
    assert samples.dtype == SAMPLE
    names = np.unique(late[["patient", "vital", "device", "minute"]])
    identity = np.empty(len(samples), names.dtype)
    identity["patient"], identity["device"], identity["vital"] = patient, device, samples["vital"]
    identity["minute"] = samples["time"] // 60_000
    place = np.searchsorted(names, identity)
    place[place == len(names)] = 0
    mine = (names[place] == identity) if len(names) else np.zeros(len(samples), bool)
    mine &= samples["status"] != Status.CLOCK_UNSURE
    samples, place = samples[mine], place[mine]
    second = samples["time"] // 1000
    fixed, good = usable(samples["value"], samples["vital"], samples["status"])
    cells = np.full((60, len(names)), MISS, np.int32)
    np.maximum.at(cells, (second % 60, place), cells_of(fixed, good, samples["time"] - second * 1000))
    out = rollup(sums_of(cells), STEPS[names["vital"]])
    for field in ("patient", "vital", "device", "minute"):
        out[field] = names[field]
    order = np.argsort(late[["patient", "vital", "device", "minute"]], kind="stable")
    named = late[order]
    last = np.searchsorted(named[["patient", "vital", "device", "minute"]], names, side="right") - 1
    for field in ("partition", "second", "offset"):
        out[field] = named[field][last]
    return out[(cells > MISS).any(0)]


__all__ = [
    "DUE", "GRACE", "LATE", "ROLLUP", "Minutes", "Sums", "close_minute", "next_due", "of_minute", "recompute", "rollup",
    "sums_of", "usable",
]  # fmt: skip
