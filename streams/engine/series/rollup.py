"""Minute rollups: computed from the minute's cells, by one function, whenever they changed.

The engine writes the minutes that are still whole in its ring.  It names older ones (``LATE``); the store computes them with
:func:`recompute` from stored readings: the same function gives the same row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from devices.sample import SAMPLE, STEPS, Samples, Status
from devices.vitals import FIXED_MAX
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Bools, Bytes, Floats, Ints, Rows
from streams.engine.columns.axis import Columns, array
from streams.engine.series.ring import MISS, Ring, cells_of
from streams.engine.series.statistics import statistics
from streams.engine.series.sums import Sums, sums_of
from streams.engine.writes import ROLLUP

GRACE: Final = 5
"""s after the minute: most links deliver within it."""
SPREAD: Final = 32
"""Partitions write in different seconds, from GRACE to GRACE + SPREAD - 1 after the minute."""
SLOTS: Final = 8
"""Minutes that can be open at once: 5 in the longest window, 1 ahead, 1 current, 1 just closed."""
_NAME: Final = ["patient", "vital", "device", "minute"]
_CHUNK: Final = 1 << 12
"""Columns at a time: a minute of them fits into the cache."""
DUE: Final[Ints] = GRACE + np.arange(PARTITIONS) % SPREAD
"""int64 [PARTITIONS]: the second of the minute at which each partition writes its rollups."""


def next_due(now: Ints | int, due: Ints | int) -> Ints:
    """The first second after clock second ``now`` at which a partition that writes at ``due`` writes rollups."""
    return np.asarray(now + 60 - (now - due) % 60, np.int64)


def rollup(of: Sums, steps: Floats) -> Rows:
    """ROLLUP [k] of the sums of one minute; the caller fills in series, minute and place."""
    out = np.zeros(len(of.n), ROLLUP)
    out["poor"], out["n"] = of.poor, of.n
    out["mean"], out["std"], out["slope"] = statistics(of.n, of.v, of.vv, of.t, of.tt, of.tv, steps)
    for name, fixed in (("min", of.low), ("max", of.high), ("first", of.first), ("last", of.last)):
        out[name] = np.where(of.n > 0, fixed / steps, np.nan)
    return out


class Minutes(Columns):
    """``changed`` bool [SLOTS, series]: minutes that changed since they were last written."""

    changed: Bools = array(np.bool_, lead=(SLOTS,))

    def touch(self, series: Ints, second: Ints) -> None:
        minute = second // 60
        if minute.size and minute.min() == minute.max():
            self.changed[int(minute[0]) % SLOTS, series] = True
        else:
            self.changed[minute % SLOTS, series] = True

    def take_minute(self, minute: int, columns: slice) -> Bools:
        """Bool [columns]: the series of one slice in which a minute changed; they count as written."""
        changed = self.changed[minute % SLOTS, columns]
        out = changed.copy()
        changed[:] = False
        return out

    def take_closed(self, now: int, columns: slice) -> list[tuple[int, Ints]]:
        """(minute, columns) of every closed minute that changed, in one slice; they count as written."""
        last = (now - 1) // 60
        return self._take(range(last - SLOTS + 2, last), columns)

    def take_all(self, now: int, columns: slice) -> list[tuple[int, Ints]]:
        """(minute, columns) as :meth:`take_closed`, of open minutes too."""
        return self._take(range(now // 60 - SLOTS + 2, now // 60 + 2), columns)

    def _take(self, minutes: range, columns: slice) -> list[tuple[int, Ints]]:
        found = ((minute, np.flatnonzero(self.take_minute(minute, columns)) + columns.start) for minute in minutes)
        return [(minute, series) for minute, series in found if series.size]


def of_minute(ring: Ring, minute: int, series: Ints, steps: Floats) -> Rows:
    """ROLLUP [k] of one minute in the ring, of series int64 [k] (ascending) with ``steps`` float64 [k]."""
    out = []
    for start in range(0, len(series), _CHUNK):
        part = series[start : start + _CHUNK]
        whole = int(part[-1] - part[0]) == len(part) - 1
        cells = ring.during(_seconds(minute), slice(int(part[0]), int(part[-1]) + 1) if whole else part)
        out.append(rollup(sums_of(cells), steps[start : start + _CHUNK]))
    return np.concatenate(out)


def close_minute(ring: Ring, minute: int, columns: slice, changed: Bools, steps: Floats) -> tuple[Sums, Rows]:
    """(sums of all series of a slice, ROLLUP rows of those that ``changed`` bool [columns]) of one minute in the ring."""
    parts = range(columns.start, columns.stop, _CHUNK)
    sums = Sums.joined([
        sums_of(ring.during(_seconds(minute), slice(start, min(start + _CHUNK, columns.stop)))) for start in parts
    ])  # fmt: skip
    return sums, rollup(sums.some(changed), steps[changed]) if changed.any() else np.empty(0, ROLLUP)


def _seconds(minute: int) -> Ints:
    return np.arange(minute * 60, minute * 60 + 60)


def usable(value: npt.NDArray[np.float32], vital: Bytes | int, status: Bytes) -> tuple[Ints, Bools]:
    """(fixed point int64 [n], good bool [n]): values rounded half-even to the vital's resolution (a float32 times a small
    integer is exact in float64); 0 where not good.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = value * STEPS[vital]
        np.rint(scaled, out=scaled)
        good = (status == Status.OK) & (scaled >= 0) & (scaled <= FIXED_MAX)
    if not good.all():
        scaled[~good] = 0
    return scaled.astype(np.int64), good


def recompute(late: Rows, samples: Samples, patient: Ints, device: Ints) -> Rows:
    """ROLLUP rows of the minutes that ``late`` (LATE [k]) names, from all stored samples of those minutes.

    ``samples`` SAMPLE [m] with patient, device int64 [m]; samples of other minutes and of status ``CLOCK_UNSURE`` are
    ignored.  A minute without any sample is left out.
    """
    assert samples.dtype == SAMPLE
    names = np.unique(late[_NAME])
    identity = np.empty(len(samples), names.dtype)
    identity["patient"], identity["device"], identity["vital"] = patient, device, samples["vital"]
    identity["minute"] = samples["time"] // 60_000
    place = np.searchsorted(names, identity)
    place[place == len(names)] = 0
    named = (names[place] == identity) if len(names) else np.zeros(len(samples), np.bool_)
    named &= samples["status"] != Status.CLOCK_UNSURE
    samples, place = samples[named], place[named]
    second = samples["time"] // 1000
    fixed, good = usable(samples["value"], samples["vital"], samples["status"])
    cells = np.full((60, len(names)), MISS, np.int32)
    np.maximum.at(cells, (second % 60, place), cells_of(fixed, good, samples["time"] - second * 1000))
    out = rollup(sums_of(cells), STEPS[names["vital"]])
    order = np.argsort(late[_NAME], kind="stable")
    last = late[order[np.searchsorted(late[_NAME][order], names, side="right") - 1]]
    for field in (*_NAME, "partition", "second", "offset"):
        out[field] = last[field]
    return out[(cells > MISS).any(0)]
