"""Limits on rolling figures, by their definitions in fractions."""

from __future__ import annotations

import statistics
from fractions import Fraction

from devices.wire.control import Rolling
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.sources import parameter
from tests.streams.engine.oracle.state import SeriesOracle

WORDS = {60: "1min", 300: "5min", 3600: "1h", 14_400: "4h", 86_400: "24h"}
PRIORITY = {"low": 1, "medium": 2, "high": 3}


class RollingOracle(Records):
    def rolling(self, now: int) -> list[tuple[object, ...]]:
        """The minute that closed at this second."""
        out: list[tuple[object, ...]] = []
        rules: dict[tuple[int, str], Rolling] = {}
        for one in self.rules.rolling:
            rules[parameter(one.vital), f"{one.side}_{one.figure}_{WORDS[one.window_s]}"] = one
        for name, s in sorted(self.series.items()):
            if not s.spec.continuous or s.superseded is not None or not s.newest:
                continue
            code = parameter(name[1])
            kinds = {kind for vital, kind in rules if vital == code}
            kinds |= {kind for (who, vital, kind), level in self.rolled.items() if (who, vital) == (name[0], code) and level}
            for kind in sorted(kinds):
                rule, key = rules.get((code, kind)), (name[0], code, kind)
                was, word = self.rolled.get(key, 0), f"{SeriesOracle(code).spec.column}.{kind}"
                wanted, value = False, None
                if rule is not None:
                    wanted, value = self.beyond(s, rule, was > 0, now, (name[0], name[2]) in self.sensor_off)
                if self.paused(name[0], word, now) or not self.worn((name[0], name[2])):
                    wanted = False
                level = (was or PRIORITY[rule.priority if rule else "low"]) if wanted else 0
                self.rolled[key] = level
                if level != was and bool(level) != bool(was):
                    priority = {1: "LOW", 2: "MEDIUM", 3: "HIGH"}[level or was]
                    at = s.newest[0] * 1000 + s.newest[1]
                    shown = None if rule is None or rule.figure == "share" or not wanted else value
                    out.append((word, name[0], 0, "onset" if level else "end", priority, shown, at))
        return out

    def beyond(self, s: SeriesOracle, rule: Rolling, was: bool, now: int, off: bool) -> tuple[bool, float | None]:
        sign = 1 if rule.side == "high" else -1
        if rule.window_s < 3600:
            slots = [[v] for t, (_, v) in s.cells.items() if now - rule.window_s <= t < now and v >= 0]
        elif rule.window_s == 3600:
            slots = [found for m, (found, _) in s.minutes.items() if m > self.minute_closed - 60]
        else:
            newest, hours = self.minute_closed // 60, rule.window_s // 3600
            slots = [
                [v for m in c for v in m]
                for h, c in s.counted.items()
                if newest - hours < h <= newest and h > s.last_hour - 24
            ]
        limit, back = Fraction(repr(rule.limit)), Fraction(repr(rule.hysteresis))
        values = [v for slot in slots for v in slot]
        if not values:
            return was and rule.least > 0, None
        figures = [Fraction(v, s.spec.steps) for v in values]
        if rule.window_s >= 3600 and rule.figure != "mean":
            means = [Fraction((sum(slot) << 8) // len(slot), s.spec.steps << 8) for slot in slots if slot]
        else:
            means = figures
        if rule.figure == "share":
            share = Fraction(100 * sum(f * sign > limit * sign for f in means), len(means))
            begins, stays, value = share >= rule.share, share > rule.share - back, share
        else:
            value = sum(means, Fraction(0)) / len(means) if rule.figure == "mean" else Fraction(statistics.median(means))
            begins, stays = value * sign > limit * sign, value * sign > limit * sign - back
        few = len(figures) < rule.least
        return (begins and not few and not off) or (was and (stays or few)), float(value)
