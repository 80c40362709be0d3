"""The job "sample" in plain Python: a deque and a running sum a series.  All Python contenders call it."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from benchmarks.peers.job import MEAN_LIMIT, WINDOWS_S

WINDOW_MS: Final = 1000 * WINDOWS_S[0]


class Sample(msgspec.Struct):
    """One message."""

    patient: str
    vital: str
    time: int  # ms
    value: float
    unit: str
    device: str
    gateway: str
    sequence: int
    quality: float


class Series:
    """The window of one series, ``above``: its last mean was beyond the limit."""

    __slots__ = ("above", "limit", "total", "window")

    def __init__(self, vital: str) -> None:
        self.window: deque[tuple[int, int]] = deque()
        self.total, self.above, self.limit = 0, False, MEAN_LIMIT[vital]

    def add(self, time: int, value: float) -> int:
        """The rolling mean at ``time``."""
        tenths = round(value * 10)
        window = self.window
        window.append((time, tenths))
        total = self.total + tenths
        old = time - WINDOW_MS
        while window[0][0] <= old:
            total -= window.popleft()[1]
        self.total = total
        return 1000 * total // len(window)


class SampleJob:
    """Counts what it found, over all series."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], Series] = {}
        self._decode = msgspec.json.Decoder(Sample).decode
        self.samples = self.means = self.crossings = 0

    def take(self, message: bytes, _at: int) -> None:
        sample = self._decode(message)
        self.put(sample.patient, sample.vital, sample.time, sample.value)

    def put(self, patient: str, vital: str, time: int, value: float) -> None:
        key = patient, vital
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(vital)
        self.count(series, series.add(time, value))

    def count(self, series: Series, mean: int) -> None:
        self.samples += 1
        self.means += mean
        if mean > series.limit:
            if not series.above:
                self.crossings += 1
                series.above = True
        else:
            series.above = False

    def found(self) -> dict[str, float]:
        return {"samples": self.samples, "means": self.means, "crossings": self.crossings}
