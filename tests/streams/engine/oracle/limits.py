"""Limits."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from devices.wire.control import Facts, Level, Limit, Limits
from tests.streams.engine.oracle.records import Records
from tests.streams.engine.oracle.sources import parameter
from tests.streams.engine.oracle.state import NEVER, Run, SeriesOracle

At = tuple[str, str]
Edge = tuple[Fraction, Fraction, int, bool]
SIGNS = {"high": 1, "low": -1}


@cache  # asked each second of each series
def edges(limit: float, hysteresis: float, sign: int) -> tuple[Fraction, Fraction]:
    """(limit, clear) with the sign of the side."""
    edge = Fraction(repr(limit)) * sign
    return edge, edge - Fraction(repr(hysteresis))


class LimitsOracle(Records):
    def levels(self, name: tuple[int, int, int]) -> dict[At, Edge]:
        """{(side, level): (limit, clear, hold)} with the sign of the side."""
        out: dict[At, Edge] = {}
        for limits in (self.of_rule_set(name[0]), self.limits.get(name[0], Limits()).limits):
            for one in sorted(limits, key=lambda each: each.vital == parameter(each.vital)):
                if parameter(one.vital) != parameter(name[1]):
                    continue
                sign = 1 if one.side == "high" else -1
                for level, wanted in (("medium", one.medium), ("high", one.high)):
                    out.pop((one.side, level), None)
                    if wanted:
                        out[one.side, level] = (*edges(wanted.limit, one.hysteresis, sign), wanted.hold_s, one.chart)
        return out

    def of_rule_set(self, patient: int) -> list[Limit]:
        found, facts = list(self.rules.limits), self.facts.get(patient, Facts())
        if facts.spo2_scale == 2 and any(one.vital == 3 for one in found):
            found = [one for one in found if one.vital != 3]
            found.append(Limit(3, "low", None, Level(84, 15), 1.0, True))
            found += [Limit(3, "high", None, Level(96, 60), 1.0, True)] if facts.oxygen else []
        return found

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
            s.learn_days(updates)
            view = s.kept
        for t, (ms, v) in sorted(updates.items()):
            if not s.newest or t >= s.newest[0]:
                s.newest = (t, ms, v)
                s.expires = max(s.expires, t + self.validity(name) - self.stalled_s)
        recheck, s.recheck = s.recheck and before is not None, False
        levels = self.levels(name)
        late = bool(before and updates and min(updates) <= before[0])
        if recheck and s.newest:
            for at in s.runs:
                beyond = at in levels and self.signed(s, s.newest[2], SIGNS[at[0]], levels[at][3]) > levels[at][0]
                s.runs[at] = Run(int(beyond), s.newest[0], s.newest[0], s.newest[2], self.by_hand(name))
            for side in s.reported_until:
                s.reported_until[side] = s.newest[0]
        samples = sorted((view if recheck or late else updates).items())
        previous = before[0] if before and not (recheck or late) else None
        reaches = False
        if (recheck or late) and samples:
            for at, run in s.runs.items():
                lasts = run.credit > 0 and run.since < samples[0][0] and not recheck
                reaches |= lasts
                run.credit = self.most(name, levels, at) if lasts else 0
                run.last = -NEVER
        found = []
        for t, (_, v) in samples:
            for at, run in s.runs.items():
                edge, _, hold, chart = levels.get(at, (1 << 30, 0, 0, False))
                hole = not reaches and (previous is None or t - previous > self.hole(name))
                credit = 0 if hole else run.credit
                if self.signed(s, v, SIGNS[at[0]], chart) > edge:
                    if not credit:
                        run.since = t
                        run.at_once = self.by_hand(name) and not reaches and (previous is None or t - previous > 60)
                    run.credit = min(max(credit, 1) + 100 - self.percent, self.most(name, levels, at))
                    run.last, run.value = t, v
                    continue
                had, run.credit = run.credit, max(credit - self.percent, 0)
                lowest = at[1] == "medium" or (at[0], "medium") not in levels
                held = run.at_once or run.last - run.since >= hold
                free = lowest and not {a for a in s.active if a[0] == at[0]}
                if had and run.last == previous and held and free and run.since > s.reported_until[at[0]]:
                    found.append((*at, run.since, run.last, run.value))
            previous, reaches = t, False
        latest = {(one[0], one[1], one[2]): one for one in sorted(found, key=lambda x: x[3])}
        goes_on = {(*at, run.since) for at, run in s.runs.items() if run.credit and s.newest and run.last == s.newest[0]}
        found = [one for at, one in latest.items() if at not in goes_on]
        off = (name[0], name[2]) in self.sensor_off
        return [] if off else sorted(found, key=lambda x: (x[0], x[3]))

    @property
    def percent(self) -> int:
        return min(max(self.rules.hold_percent, 1), 100)

    def most(self, name: tuple[int, int, int], levels: dict[At, Edge], at: At) -> int:
        hold = levels[at][2] if at in levels else 0
        return (hold // max(1, self.interval(name)) + 1) * (100 - self.percent) + 1

    def interval(self, name: tuple[int, int, int]) -> int:
        return self.intervals.get((name[0], name[2]), 0)

    def by_hand(self, name: tuple[int, int, int]) -> bool:
        return self.interval(name) == 0 or self.interval(name) > 60

    def hole(self, name: tuple[int, int, int]) -> int:
        return max(60, 3 * self.interval(name))

    def signed(self, s: SeriesOracle, value: int, sign: int, chart: bool) -> Fraction:
        exact = Fraction(value, s.spec.steps)
        return (round(exact, s.spec.decimals) if chart else exact) * sign

    def late_episodes(
        self, name: tuple[int, int, int], s: SeriesOracle, episodes: list[tuple[str, str, int, int, int]], now: int
    ) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for side, _, _, last, value in episodes:
            if s.reported_until[side] >= last:
                continue
            s.reported_until[side] = last
            rule = self.rule(name, side)
            stands = self.stand.get((name[0], parameter(name[1]), side))
            if not self.paused(name[0], rule, now) and s.superseded is None and not stands:
                low = ("LOW", value / s.spec.steps, last * 1000)
                out += [(rule, name[0], 0, phase, *low) for phase in ("onset", "end")]
        return out

    def rule(self, name: tuple[int, int, int], side: str) -> str:
        return f"{SeriesOracle(parameter(name[1])).spec.column}.{side}"

    def decide(self, name: tuple[int, int, int], s: SeriesOracle, now: int, active_s: int) -> None:
        """The levels of one series."""
        levels, off = self.levels(name), (name[0], name[2]) in self.sensor_off
        for side in ("high", "low"):
            sign, rule = (1 if side == "high" else -1), self.rule(name, side)
            paused = self.paused(name[0], rule, now)
            before = [level for level in ("high", "medium") if (side, level) in s.active]
            for level in ("medium", "high"):
                wanted = False
                worn = self.worn((name[0], name[2]))
                if s.newest and not paused and worn and (side, level) in levels:
                    edge, clear, hold, chart = levels[side, level]
                    value = self.signed(s, s.newest[2], sign, chart)
                    run = s.runs[side, level]
                    held = run.at_once or s.newest[0] - run.since >= hold
                    begins = value > edge and held and not off and s.expires > active_s
                    wanted = begins or ((side, level) in s.active and value > clear)
                (s.active.add if wanted else s.active.discard)((side, level))
            after = [level for level in ("high", "medium") if (side, level) in s.active]
            if not after and (before or paused or off) and s.newest:
                s.reported_until[side] = max(s.reported_until[side], s.newest[0])

    def combine(self) -> list[tuple[object, ...]]:
        """The conditions of patients: a parameter's is that of the series which decides."""
        out: list[tuple[object, ...]] = []
        for name, s in sorted(self.series.items()):
            if s.superseded is not None or not s.newest:
                continue
            for side in ("high", "low"):
                key = name[0], parameter(name[1]), side
                level = priority(s, side)
                if s.apart:
                    mine = [o for n, o in self.series.items() if (n[0], parameter(n[1])) == key[:2] and o.apart]
                    level = max(min(level, 2), min(level, *(priority(o, side) for o in mine)))
                was = self.stand.get(key, 0)
                self.stand[key] = level
                if was != level:
                    phase = "onset" if not was else "end" if not level else "worse" if level > was else "better"
                    word = {2: "MEDIUM", 3: "HIGH"}[level or was]
                    value, at = s.newest[2] / s.spec.steps, s.newest[0] * 1000 + s.newest[1]
                    out.append((self.rule(name, side), name[0], 0, phase, word, value, at))
        return out


def priority(s: SeriesOracle, side: str) -> int:
    return 3 if (side, "high") in s.active else 2 if (side, "medium") in s.active else 0
