"""Windows and minutes."""

from __future__ import annotations

import math
from fractions import Fraction

from streams.engine.series.rollup import DUE
from tests.streams.engine.oracle.state import SeriesOracle, State


class Windows(State):
    def window(self, s: SeriesOracle, now: int, length: int) -> tuple[float, ...]:
        cells = {t: c[1] for t, c in s.cells.items() if now - length <= t < now}
        return self.figures({t - now: v for t, v in cells.items()}, s.spec.steps)

    def figures(self, cells: dict[int, int], steps: int) -> tuple[float, ...]:
        """n, poor, mean, min, max, std, slope."""
        points = sorted((t, v) for t, v in cells.items() if v >= 0)
        n, nan = len(points), math.nan
        if not n:
            return 0, len(cells), nan, nan, nan, nan, nan
        values, times = [v for _, v in points], [t for t, _ in points]
        sv, st = sum(values), sum(times)
        svv, stt = sum(v * v for v in values), sum(t * t for t in times)
        spread = n * stt - st * st
        slope = float(Fraction(n * sum(t * v for t, v in points) - st * sv, spread) / steps) if spread else nan
        std = math.sqrt(Fraction(n * svv - sv * sv, n * (n - 1))) / steps if n > 1 else nan
        return n, len(cells) - n, float(Fraction(sv, n) / steps), min(values) / steps, max(values) / steps, std, slope

    def minute(self, name: tuple[int, int, int], minute: int, now: int) -> dict[str, float]:
        s = self.series[name]
        cells = {t - minute * 60: c[1] for t, c in s.cells.items() if t // 60 == minute}
        good = [v / s.spec.steps for _, v in sorted(cells.items()) if v >= 0] or [math.nan]
        names = ("n", "poor", "mean", "min", "max", "std", "slope")
        row = dict(zip(names, self.figures(cells, s.spec.steps), strict=True))
        who = {"patient": name[0], "vital": name[1], "device": name[2], "partition": self.partition}
        return {**who, "minute": minute, "second": now, **row, "first": good[0], "last": good[-1]}

    # the hour and the day

    def close(self, now: int) -> bool:
        """The minute that is due enters, of every series; whether one did."""
        minute = (now - int(DUE[self.partition])) // 60 - 1
        if minute <= self.minute_closed:
            return False
        self.minute_closed = minute
        for s in self.series.values():
            values = [v for t, (_, v) in sorted(s.cells.items()) if t // 60 == minute and now - 300 <= t < now]
            cell = [v for v in values if v >= 0], values.count(-1)
            s.minutes = {m: c for m, c in s.minutes.items() if m > minute - 60}
            s.hours = {h: c for h, c in s.hours.items() if h > minute // 60 - 24}
            s.minutes[minute] = cell
            s.hours.setdefault(minute // 60, []).append(cell)
            if s.spec.continuous and any(one.window_s > 3600 for one in self.rules.rolling):
                s.last_hour = minute // 60
                s.counted = {h: c for h, c in s.counted.items() if h > s.last_hour - 24}
                s.counted.setdefault(s.last_hour, []).append(cell[0])
        return True

    def reopen(self, new: int) -> None:
        """The clock was set back to second ``new``."""
        minute = (new - int(DUE[self.partition])) // 60 - 1
        hour = min(minute, self.minute_closed) // 60
        for s in self.series.values():
            if s.last_hour >= hour:
                left = [c[0] for m, c in s.minutes.items() if m // 60 == hour and m <= minute]
                s.counted = {**{h: c for h, c in s.counted.items() if h < hour}, hour: left}
                s.last_hour = hour
        if minute >= self.minute_closed:
            return
        self.minute_closed = minute
        for s in self.series.values():
            s.minutes = {m: c for m, c in s.minutes.items() if m <= minute}
            s.hours = {h: c for h, c in s.hours.items() if h < minute // 60}
            s.hours[minute // 60] = [c for m, c in s.minutes.items() if m // 60 == minute // 60]

    def long_window(self, s: SeriesOracle, length: int) -> tuple[float, ...]:
        """:meth:`figures` and the coverage; all values of a minute, or of an hour, as measured in its middle."""
        last = self.minute_closed
        if length == 3600:
            cells = {m - last: [c] for m, c in s.minutes.items() if m > last - 60}
            seconds, each = 3600, 60
        else:
            cells = {h - last // 60: c for h, c in s.hours.items() if h > last // 60 - 24}
            seconds, each = 23 * 3600 + (last % 60 + 1) * 60, 3600
        points = [(t, v) for t, minutes in cells.items() for values, _ in minutes for v in values]
        poor = sum(count for minutes in cells.values() for _, count in minutes)
        n, nan, steps = len(points), math.nan, s.spec.steps
        if not n:
            return 0, poor, nan, nan, nan, nan, nan, 0.0
        mean, middle = Fraction(sum(v for _, v in points), n), Fraction(sum(t for t, _ in points), n)
        spread = sum((t - middle) ** 2 for t, _ in points)
        slope = float(sum((t - middle) * v for t, v in points) / spread / steps / each) if spread else nan
        std = math.sqrt(sum((v - mean) ** 2 for _, v in points) / (n - 1)) / steps if n > 1 else nan
        low, high = min(v for _, v in points) / steps, max(v for _, v in points) / steps
        return n, poor, float(mean / steps), low, high, std, slope, float(Fraction(n, seconds))
