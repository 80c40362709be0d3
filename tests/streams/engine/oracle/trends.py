"""Trends, by their definitions in whole numbers: one minute, one reading at a time."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

from devices.wire.control import Change, Drift, Slope, Trend
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.state import SeriesOracle

SIDES = {"high": 1, "low": -1}
KINDS: dict[str, type[Trend]] = {"drift": Drift, "slope": Slope, "change": Change}
Reported = tuple[object, ...]


def floor(value: float, steps: int = 256) -> int:
    return math.floor(Fraction(repr(value)) * steps)


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
                for kind in ("drift", "slope") if s.spec.continuous else ("change",):
                    rule = {
                        "drift": f"drift_{side}",
                        "slope": "rising" if side == "high" else "falling",
                        "change": "gain" if side == "high" else "loss",
                    }[kind]
                    out += self.decide_trend(name, s, kind, side, f"{s.spec.column}.{rule}", now, active_s)
        return out

    def decide_trend(
        self, name: tuple[int, int, int], s: SeriesOracle, kind: str, side: str, rule: str, now: int, active_s: int
    ) -> list[Reported]:
        one = self.trend(KINDS[kind], name[1], side)
        before = rule in s.trending
        wanted, value = False, 0.0
        if one is not None:
            wanted, value = getattr(self, kind)(s, one, side, before)
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
        amount = Fraction(value * sign - min(near), s.spec.steps) if near else Fraction(0)
        limit = Fraction(repr(one.by)) - (Fraction(repr(one.hysteresis)) if before else 0)
        return amount >= max(limit, Fraction(1, s.spec.steps)), float(amount) * sign
