"""Vitals without a usable value."""

from __future__ import annotations

import math

from devices.sample import Status
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.state import NEVER, SeriesOracle

Name = tuple[int, int, int]


class NoValueOracle(Records):
    def times(self, name: Name, s: SeriesOracle) -> tuple[int, int, int]:
        """Seconds without a usable value: while unusable ones come, while others come, while a condition stands."""
        interval, rules = self.intervals.get((name[0], name[2]), 0), self.rules
        intervals = math.ceil(rules.no_data_factor * interval)
        allowance, unusable = intervals + rules.no_data_extra_s, max(rules.no_value_s, intervals)
        if s.spec.continuous:
            return unusable, allowance if interval else 60, allowance
        if interval:
            return unusable, max(allowance, self.validity(name)), allowance
        return NEVER, NEVER, NEVER

    def without_value(self, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for name, s in sorted(self.series.items()):
            who = (name[0], name[2])
            unusable_s, silent_s, stale_s = self.times(name, s)
            interval, received = self.intervals.get(who, 0), max(s.good, s.bad)
            later = 3 if s.bad_status in (Status.POOR_CONTACT, Status.SENSOR_OFF) else 0
            since = max(s.good, s.bad_since - max(interval, 1))
            unusable = s.bad > s.good and s.bad - since >= unusable_s - 1 + later
            last, begun = self.session.get(who, (-NEVER, -NEVER))
            silent = received > -NEVER and last - max(received, begun) >= silent_s
            old = active_s - s.good >= stale_s if interval else s.expires <= active_s
            stands = bool(s.active) and s.superseded is None
            stale = stands and old
            off = who in self.sensor_off and not stands
            goes_on = s.without is not None and s.good < s.without[0] and (s.without[1] != "stale" or stands)
            rule = f"{s.spec.column}.no_value"
            wanted = (unusable and not off) or (silent and not off) or stale or goes_on
            wanted = wanted and name[2] in self.current.get(name[0], ()) and not s.covered
            wanted = wanted and not self.paused(name[0], rule, now) and self.consent.get(name[0]) is not False
            if wanted == (s.without is not None):
                continue
            s.without = (active_s, "unusable" if unusable else "silent" if silent else "stale") if wanted else None
            at = s.newest[0] * 1000 + s.newest[1] if s.newest else None
            out.append((rule, name[0], name[2], "onset" if wanted else "end", "MEDIUM", None, at))
        return out
