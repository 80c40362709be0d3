"""Limits."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from devices.wire.control import Limits
from tests.streams.engine.oracle.state import NEVER, SeriesOracle, State


@cache  # asked each second of each series
def edges(limit: float, hysteresis: float, sign: int) -> tuple[Fraction, Fraction]:
    """(limit, clear) with the sign of the side."""
    edge = Fraction(repr(limit)) * sign
    return edge, edge - Fraction(repr(hysteresis))


class LimitsOracle(State):
    def levels(self, name: tuple[int, int, int]) -> dict[tuple[str, str], tuple[Fraction, Fraction, int]]:
        """{(side, level): (limit, clear, hold)} with the sign of the side."""
        out = {}
        for limits in (self.rules.limits, self.limits.get(name[0], Limits()).limits):
            for one in limits:
                if one.vital != name[1]:
                    continue
                sign = 1 if one.side == "high" else -1
                for level, wanted in (("medium", one.medium), ("high", one.high)):
                    out.pop((one.side, level), None)
                    if wanted:
                        out[one.side, level] = (*edges(wanted.limit, one.hysteresis, sign), wanted.hold_s)
        return out

    def learn(self, s: SeriesOracle, now: int, name: tuple[int, int, int]) -> list[tuple[str, str, int, int, int]]:
        updates = {t: s.cells[t] for t in s.dirty if t < now and s.cells[t][1] >= 0}
        s.dirty = {t for t in s.dirty if t >= now}
        before = s.newest
        if s.spec.continuous:
            view = {t: c for t, c in s.cells.items() if now - 300 <= t < now and c[1] >= 0}
            for t, ms, v in s.older:
                if (not before or t > before[0]) and (ms, v) > updates.get(t, (-1, -1)):
                    updates[t] = (ms, v)
            s.older = []
        else:
            oldest = min(s.kept) if len(s.kept) == 8 else -NEVER
            updates = {t: c for t, c in updates.items() if t > oldest and c > s.kept.get(t, (-1, -1))}
            s.kept = dict(sorted({**s.kept, **updates}.items())[-8:])
            s.fresh_readings |= bool(updates)
            view = s.kept
        for t, (ms, v) in sorted(updates.items()):
            if not s.newest or t >= s.newest[0]:
                s.newest = (t, ms, v)
                s.expires = max(s.expires, t + s.spec.validity_s - self.stalled_s)
        recheck, s.recheck = s.recheck and before is not None, False
        levels = self.levels(name)
        late = bool(before and updates and min(updates) <= before[0])
        if recheck:
            for at in s.since:
                s.since[at] = s.newest[0] if s.newest else 0
            for side in s.reported_until:
                s.reported_until[side] = s.newest[0] if s.newest else -NEVER
        samples = view if recheck or late else updates
        found = []
        for (side, level), (edge, _, hold) in levels.items():
            sign = 1 if side == "high" else -1
            previous = before if not (recheck or late) else None
            run_on = False
            if late and not recheck and samples:
                run_on = self.signed(s, before[2], sign) > edge and s.since[side, level] < min(samples)
            for t, (_, v) in sorted(samples.items()):
                beyond = self.signed(s, v, sign) > edge
                run = run_on
                if previous:
                    run = self.signed(s, previous[2], sign) > edge and t - previous[0] <= self.hole(name)
                if beyond and not run:
                    s.since[side, level] = t
                if run and not beyond and previous and previous[0] - s.since[side, level] >= hold:
                    lowest = level == "medium" or (side, "medium") not in levels
                    if (
                        lowest
                        and not {a for a in s.active if a[0] == side}
                        and s.since[side, level] > s.reported_until[side]
                    ):
                        found.append((side, level, s.since[side, level], previous[0], previous[2]))
                previous, run_on = (t, 0, v), False
        off = (name[0], name[2]) in self.sensor_off
        return [] if off else sorted(found, key=lambda x: (x[0], x[3]))

    def hole(self, name: tuple[int, int, int]) -> int:
        return max(60, 3 * self.holes.get((name[0], name[2]), 0))

    @property
    def holes(self) -> dict[tuple[int, int], int]:
        return {(p, e.device): e.interval_s for p, enrolment in self.enrolment.items() for e in enrolment.devices}

    def signed(self, s: SeriesOracle, value: int, sign: int) -> Fraction:
        return Fraction(value, s.spec.steps) * sign

    def late_episodes(
        self, name: tuple[int, int, int], s: SeriesOracle, episodes: list[tuple[str, str, int, int, int]], now: int
    ) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for side, _, _, last, value in episodes:
            if s.reported_until[side] >= last:
                continue
            s.reported_until[side] = last
            rule = f"{s.spec.column}.{side}"
            if not self.paused(name[0], rule, now) and s.superseded is None:
                low = ("LOW", value / s.spec.steps, last * 1000)
                out += [(rule, name[0], name[2], phase, *low) for phase in ("onset", "end")]
        return out

    def decide(self, name: tuple[int, int, int], s: SeriesOracle, now: int, active_s: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        levels, off = self.levels(name), (name[0], name[2]) in self.sensor_off or s.superseded is not None
        for side in ("high", "low"):
            sign, rule = (1 if side == "high" else -1), f"{s.spec.column}.{side}"
            paused = self.paused(name[0], rule, now)
            before = [level for level in ("high", "medium") if (side, level) in s.active]
            for level in ("medium", "high"):
                wanted = False
                if s.newest and s.expires > active_s and not paused and s.superseded is None and (side, level) in levels:
                    edge, clear, hold = levels[side, level]
                    value = self.signed(s, s.newest[2], sign)
                    begins = value > edge and s.newest[0] - s.since[side, level] >= hold and not off
                    wanted = begins or ((side, level) in s.active and value > clear)
                (s.active.add if wanted else s.active.discard)((side, level))
            after = [level for level in ("high", "medium") if (side, level) in s.active]
            if not after and (before or paused or off) and s.newest:
                s.reported_until[side] = max(s.reported_until[side], s.newest[0])
            if before[:1] != after[:1]:
                phase = "onset" if not before else "end" if not after else "worse" if after[0] == "high" else "better"
                priority = (after or before)[0].upper()
                assert s.newest
                value = s.newest[2] / s.spec.steps
                out.append((rule, name[0], name[2], phase, priority, value, s.newest[0] * 1000 + s.newest[1]))
        return out
