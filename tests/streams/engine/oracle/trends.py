"""Trends, by their definitions in whole numbers: one minute, one reading at a time."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

from devices.wire.control import Change, Drift, Rate, Repeated, Slope, Soon, Steady, Trend
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.state import SeriesOracle

SIDES = {"high": 1, "low": -1}
Reported = tuple[object, ...]


def floor(value: float, steps: int = 256) -> int:
    return math.floor(Fraction(repr(value)) * steps)


NAMES: dict[type[Trend], tuple[str, str]] = {
    Drift: ("drift_high", "drift_low"),
    Slope: ("rising", "falling"),
    Change: ("gain", "loss"),
    Repeated: ("repeatedly_high", "repeatedly_low"),
    Rate: ("rising_fast", "falling_fast"),
    Soon: ("soon_high", "soon_low"),
    Steady: ("rising_for_days", "falling_for_days"),
}


class TrendsOracle(Records):
    def trend(self, kind: type[Trend], vital: int, side: str) -> Trend | None:
        found = [one for one in self.rules.trends if isinstance(one, kind) and one.vital == vital]
        found = [one for one in found if side in (one.sides if isinstance(one, Drift) else (one.side,))]
        return found[-1] if found else None

    def learn_minutes(self) -> None:
        """The minute that closed at this second."""
        for s in self.series.values():
            drifts = [one for one in self.rules.trends if isinstance(one, Drift) and one.vital == s.spec.vital]
            values, _ = s.minutes.get(self.minute_closed, ([], 0))
            if drifts and s.spec.continuous and values:
                self.learn_minute(s, drifts, (sum(values) << 8) // len(values))

    def learn_minute(self, s: SeriesOracle, drifts: list[Drift], mean: int) -> None:
        one = drifts[-1]
        sigma = self.sigma(s, one)
        distance = mean - (s.level >> 16) if s.seen else 0
        for side, sign in SIDES.items():
            mine = [d for d in drifts if side in d.sides]
            most = 2 * (floor(mine[-1].limit) * sigma >> 8) if mine else 0
            total = s.sums[side] if self.minute_closed - s.last_minute <= 15 else 0
            total += sign * distance - (floor(one.slack) * sigma >> 8)
            s.sums[side] = max(0, min(total, most)) if s.seen >= 60 else 0
        shift = min(one.baseline_min.bit_length() - 1, (s.seen + 1).bit_length() - 1)
        s.level += ((mean << 16) - s.level) >> shift
        s.spread += ((distance * distance << 8) - s.spread) >> shift
        s.mean, s.last_minute, s.seen = mean, self.minute_closed, s.seen + 1

    def sigma(self, s: SeriesOracle, one: Drift) -> int:
        return max(math.isqrt(s.spread >> 8), floor(one.floor * s.spec.steps))

    def trends(self, now: int, active_s: int, closed: bool, due: bool) -> list[Reported]:
        out: list[Reported] = []
        for name, s in sorted(self.series.items()):
            looked = closed if s.spec.continuous else due or s.fresh_readings
            if not looked and not s.changed:
                continue
            s.changed = s.fresh_readings = False
            for side in SIDES:
                kinds = (Drift, Slope, Repeated) if s.spec.continuous else (Change, Repeated, Rate, Soon, Steady)
                for kind in kinds:
                    rule = NAMES[kind][side == "low"]
                    out += self.decide_trend(name, s, kind, side, f"{s.spec.column}.{rule}", now, active_s)
        return out

    def decide_trend(
        self,
        name: tuple[int, int, int],
        s: SeriesOracle,
        kind: type[Trend],
        side: str,
        rule: str,
        now: int,
        active_s: int,
    ) -> list[Reported]:
        one = self.trend(kind, name[1], side)
        before = rule in s.trending
        wanted, value = False, 0.0
        if one is not None:
            wanted, value = getattr(self, kind.__name__.lower())(s, one, side, before)
        if not s.newest or s.superseded is not None or not self.worn((name[0], name[2])) or self.paused(name[0], rule, now):
            wanted = False
        if not before and ((name[0], name[2]) in self.sensor_off or s.expires <= active_s):
            wanted = False
        if wanted == before:
            return []
        (s.trending.add if wanted else s.trending.discard)(rule)
        assert s.newest
        at = s.newest[0] * 1000 + s.newest[1]
        priority = one.priority.upper() if one else "LOW"
        if one is None:
            return [(rule, name[0], name[2], "end", priority, None, at)]
        return [(rule, name[0], name[2], "onset" if wanted else "end", priority, value, at)]

    def drift(self, s: SeriesOracle, one: Drift, side: str, before: bool) -> tuple[bool, float]:
        last = [d for d in self.rules.trends if isinstance(d, Drift) and d.vital == s.spec.vital][-1]
        bound = floor(one.limit) * self.sigma(s, last) >> 8
        return s.sums[side] > (bound >> 1 if before else bound), s.mean / 256 / s.spec.steps

    def slope(self, s: SeriesOracle, one: Slope, side: str, before: bool) -> tuple[bool, float]:
        half = min(max(one.window_min, 2), 60) // 2
        means = {m: (sum(v) << 8) // len(v) for m, (v, _) in s.minutes.items() if v}
        first = self.minute_closed - 2 * half + 1
        found = [means[m + half] - means[m] for m in range(first, first + half) if m in means and m + half in means]
        middle = statistics.median([Fraction(x) for x in found]) if found else Fraction(0)
        per_hour = Fraction(middle) / 256 / s.spec.steps * 60 / half
        limit = Fraction(repr(one.per_hour)) - (Fraction(repr(one.hysteresis)) if before else 0)
        beyond = per_hour * SIDES[side] > max(limit, Fraction(0))
        return beyond if 2 * len(found) >= half else before, float(per_hour) if found else math.nan

    def change(self, s: SeriesOracle, one: Change, side: str, before: bool) -> tuple[bool, float]:
        if not s.newest:
            return False, 0.0
        sign, (second, _, value) = SIDES[side], s.newest
        near = [c[1] * sign for t, c in s.kept.items() if second - one.within_h * 3600 <= t <= second]
        if near and not before:
            s.began[side] = min(near)
        amount = Fraction(value * sign - s.began[side], s.spec.steps) if near else Fraction(0)
        limit = Fraction(repr(one.by)) - (Fraction(repr(one.hysteresis)) if before else 0)
        return amount >= max(limit, Fraction(1, s.spec.steps)), float(amount) * sign

    def repeated(self, s: SeriesOracle, one: Repeated, side: str, before: bool) -> tuple[bool, float]:
        sign, steps = SIDES[side], s.spec.steps
        edge = Fraction(repr(one.limit)) * sign - (Fraction(repr(one.hysteresis)) if before else 0)
        if s.spec.continuous:
            last = range(self.minute_closed - one.of + 1, self.minute_closed + 1)
            means = {m: Fraction((sum(v) << 8) // len(v), 256 * steps) for m, (v, _) in s.minutes.items() if v}
            values = [means.get(m) for m in last]
            shown = float(means.get(self.minute_closed, 0))
            if values[-1] is None:
                return before, shown
        else:
            newest = s.newest[0] if s.newest else 0
            kept = sorted(s.kept.items())[-min(one.of, 8) :]
            values = [Fraction(c[1], steps) if t >= newest - one.within_h * 3600 else None for t, c in kept]
            shown = s.newest[2] / steps if s.newest else 0.0
        beyond = [v is not None and v * sign > edge for v in values]
        return sum(beyond) >= min(one.times, one.of) and (before or (bool(beyond) and beyond[-1])), shown

    def speed(self, s: SeriesOracle, over: int) -> tuple[int, int] | None:
        """(change, seconds) of the last ``over`` s."""
        if not s.newest or s.newest[0] not in s.kept:
            return None
        found = [t for t in s.kept if s.newest[0] - over <= t < s.newest[0] and 2 * (s.newest[0] - t) >= over]
        return (s.kept[s.newest[0]][1] - s.kept[min(found)][1], s.newest[0] - min(found)) if found else None

    def rate(self, s: SeriesOracle, one: Rate, side: str, before: bool) -> tuple[bool, float]:
        sign, speed = SIDES[side], self.speed(s, one.over_min * 60)
        if speed is None or not s.newest:
            return False, 0.0
        a_minute = Fraction(speed[0] * 60, speed[1] * s.spec.steps)
        edge = max(Fraction(repr(one.per_min)) - (Fraction(repr(one.hysteresis)) if before else 0), Fraction(0))
        there = one.beyond is None or Fraction(s.newest[2], s.spec.steps) * sign > Fraction(repr(one.beyond)) * sign
        return a_minute * sign > edge and there, speed[0] / speed[1] * 60 / s.spec.steps

    def soon(self, s: SeriesOracle, one: Soon, side: str, before: bool) -> tuple[bool, float]:
        sign, speed = SIDES[side], self.speed(s, one.over_min * 60)
        if speed is None or not s.newest or speed[0] * sign <= 0:
            return False, 0.0
        then = Fraction(s.newest[2], s.spec.steps) + Fraction(speed[0] * one.ahead_min * 60, speed[1] * s.spec.steps)
        edge = Fraction(repr(one.limit)) * sign - (Fraction(repr(one.hysteresis)) if before else 0)
        return then * sign > edge, s.newest[2] / s.spec.steps

    def steady(self, s: SeriesOracle, one: Steady, side: str, before: bool) -> tuple[bool, float]:
        sign, half = SIDES[side], one.over_days // 2
        values = {d: (c & 0x7FFF) for d, c in s.days.items() if d > s.last_day - 28}
        first = s.last_day - 2 * half + 1
        pairs = [values[d + half] - values[d] for d in range(first, first + half) if d in values and d + half in values]
        middle = Fraction(statistics.median([Fraction(x) for x in pairs])) if pairs else Fraction(0)
        a_day = middle / half / s.spec.steps
        begins = 2 * len(pairs) >= half and a_day * sign >= Fraction(repr(one.per_day))
        if not before:
            early = sorted(values[d] * sign for d in range(first, first + half) if d in values)
            s.steady_from[side] = early[(len(early) - 1) // 2] if early else 1 << 40
        if not s.newest:
            return False, 0.0
        away = Fraction(s.newest[2] * sign - s.steady_from[side], s.spec.steps) > Fraction(repr(one.hysteresis))
        return (before or begins) and away, float(a_day)
