"""The job that stock Faust is given: rolling windows and limits, a message at a time, as one would write it by hand.

Per series a window of 60 s and one of 300 s (count, mean), and whether the value has been above its limit for 15 s.  No
rollups, no slopes, no late corrections, no admission, no conditions: less than what Vigil's engine does with the same
records.  ``Plain`` is quicker for a reading a message, ``Arrays`` for sixty: each size gets the quicker one.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from benchmarks.loads.ward import HIGH, VITALS
from devices.sample import SAMPLE, Samples

WINDOWS_S: Final = (60, 300)
HOLD_S: Final = 15
_LIMIT: Final = dict(zip(map(int, VITALS), HIGH.tolist(), strict=True))
_ROWS: Final = 512


class Job:
    """The counts of every form of the job, by which contenders are compared."""

    samples = 0
    total = 0.0
    outside = 0
    held = 0

    def take(self, patient: int, payload: bytes) -> None:
        raise NotImplementedError

    def found(self) -> dict[str, float]:
        return {"samples": self.samples, "total": self.total, "outside": self.outside}


class _Series:
    __slots__ = ("limit", "means", "since", "sums", "windows")

    def __init__(self, limit: float) -> None:
        self.windows: tuple[deque[tuple[int, float]], ...] = tuple(deque() for _ in WINDOWS_S)
        self.sums = [0.0] * len(WINDOWS_S)
        self.means = [0.0] * len(WINDOWS_S)
        self.limit, self.since = limit, -1


class Plain(Job):
    """A deque and a running sum a window and series."""

    def __init__(self) -> None:
        self._series: dict[int, _Series] = {}

    def take(self, patient: int, payload: bytes) -> None:
        for time, value, vital, _, _ in np.frombuffer(payload, SAMPLE).tolist():
            key = patient << 8 | vital
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = _Series(_LIMIT[vital])
            for n, window in enumerate(series.windows):
                window.append((time, value))
                total = series.sums[n] + value
                old = time - 1000 * WINDOWS_S[n]
                while window[0][0] <= old:
                    total -= window.popleft()[1]
                series.sums[n] = total
                series.means[n] = total / len(window)
            if value > series.limit:
                self.outside += 1
                if series.since < 0:
                    series.since = time
                elif time - series.since >= 1000 * HOLD_S:
                    self.held += 1
            else:
                series.since = -1
            self.samples += 1
            self.total += value


class Arrays(Job):
    """A ring of seconds a patient, all vitals at once; windows and holds are read where a message ends."""

    def __init__(self) -> None:
        self._rings: dict[int, tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], int]] = {}
        self._row = np.zeros(256, np.int64)
        self._row[np.array(VITALS)] = np.arange(len(VITALS))
        self.means: dict[int, list[np.ndarray[tuple[int], np.dtype[np.float32]]]] = {}

    def take(self, patient: int, payload: bytes) -> None:
        samples: Samples = np.frombuffer(payload, SAMPLE)
        second, value, row = samples["time"] // 1000, samples["value"], self._row[samples["vital"]]
        now = int(second[-1])
        ring, before = self._rings.get(patient, (None, 0))
        if ring is None:
            ring = np.full((len(VITALS), _ROWS), np.nan, np.float32)
        elif now > before:
            ring[:, np.arange(before + 1, now + 1) % _ROWS] = np.nan
        ring[row, second % _ROWS] = value
        self._rings[patient] = ring, now
        last = ring[:, np.arange(now - WINDOWS_S[-1] + 1, now + 1) % _ROWS]
        there = ~np.isnan(last)
        filled = np.where(there, last, 0)
        self.means[patient] = [filled[:, -window:].sum(1) / np.maximum(there[:, -window:].sum(1), 1) for window in WINDOWS_S]
        above = last[:, -len(samples) // len(VITALS) - HOLD_S :] > HIGH[:, None]
        if above.any():
            self.held += int((np.lib.stride_tricks.sliding_window_view(above, HOLD_S, 1).all(2)).sum())
        self.samples += len(samples)
        self.total += float(value.sum(dtype=np.float64))
        self.outside += int((value > HIGH[row]).sum())
