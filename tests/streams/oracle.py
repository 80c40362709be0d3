"""The engine by its definition, slow and plain: one partition, dicts, exact fractions, every figure from its samples."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np

from devices.batch import Kind
from devices.control import Consent, Enrolment, Facts, Limits, Pauses, RuleSet
from devices.event import Contact, Heartbeat
from devices.sample import Status
from devices.vitals import VITALS, Vital
from streams.rollup import DUE
from tests.streams.log import Rec

NEVER = 1 << 40
NEWS = ("respiratory_rate", "spo2", "systolic", "heart_rate", "pulse_rate", "temperature")


class SeriesOracle:
    """One (patient, vital, device)."""

    def __init__(self, vital: int) -> None:
        self.spec = VITALS[Vital(vital)]
        self.cells: dict[int, tuple[int, int]] = {}  # second: (ms, value); value -1: only unusable samples
        self.dirty: set[int] = set()  # changed, not yet evaluated
        self.older: list[tuple[int, int, int]] = []
        self.kept: dict[int, tuple[int, int]] = {}  # episodic: the last eight
        self.newest: tuple[int, int, int] | None = None  # second, ms, value
        self.expires = -NEVER
        self.since = {(side, level): 0 for side in ("high", "low") for level in ("medium", "high")}
        self.active: set[tuple[str, str]] = set()
        self.told = {"high": 0, "low": 0}
        self.redo = False


class Oracle:
    """Takes records one at a time; what it says is in the lists and dicts of its constructor."""

    def __init__(self, partition: int, probe: int = 13) -> None:
        self.partition, self.probe = partition, probe
        self.clock = self.second = self.beat = -1
        self.lost, self.still, self.exact_from = 0, False, 0
        self.series: dict[tuple[int, int, int], SeriesOracle] = {}
        self.touched: set[tuple[tuple[int, int, int], int]] = set()
        self.late_names: set[tuple[tuple[int, int, int], int]] = set()
        self.rules = RuleSet(version=0)
        self.limits: dict[int, Limits] = {}
        self.pauses: dict[int, Pauses] = {}
        self.facts: dict[int, Facts] = {}
        self.consent: dict[int, bool] = {}
        self.enrolment: dict[int, Enrolment] = {}
        self.seen: dict[int, int] = {}
        self.good: dict[tuple[int, int], int] = defaultdict(lambda: -NEVER)
        self.off: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.loose: dict[tuple[int, int], int] = defaultdict(lambda: -NEVER)
        self.on: dict[tuple[int, int], int] = defaultdict(lambda: -NEVER)
        self.sensor_off: set[tuple[int, int]] = set()
        self.watched: dict[tuple[int, int], int] = {}  # interval s
        self.heard: dict[tuple[int, int], int] = {}
        self.measured: dict[tuple[int, int], int] = defaultdict(int)
        self.silent: set[tuple[int, int]] = set()
        self.link: dict[tuple[int, int], tuple[int, int]] = {}
        self.current: dict[int, set[int]] = {}
        self.serving: set[tuple[int, int]] = set()
        self.gateway: dict[tuple[int, int], int] = defaultdict(int)  # running second of the last heartbeat
        self.back: dict[tuple[int, int], int] = defaultdict(int)
        self.away: set[tuple[int, int]] = set()
        self.stands: dict[tuple[int, int], tuple[int, int]] = {}  # (patient, level): running, measured
        self.news_level: dict[int, int] = defaultdict(int)
        # what it says
        self.conditions: list[tuple[object, ...]] = []
        self.rollups: list[dict[str, float]] = []
        self.late: list[tuple[int, ...]] = []
        self.windows: list[tuple[int, tuple[int, int, int], int, tuple[float, ...]]] = []
        self.latest: dict[tuple[int, int, int], int] = {}
        self.stored = self.rejected = 0

    # records

    def record(self, one: Rec) -> None:
        if one.kind == Kind.CLOCK and one.append < self.clock - 10_000:
            self.set_back(one.append)
        self.clock = max(self.clock, one.append)
        now, before = self.clock // 1000, self.second
        if before < 0:
            self.beat = self.clock
        else:
            passed_over = range(before + 11, now)
            for second in range(before + 1, min(before + 11, now)):
                self.evaluate(second)
            for second in passed_over:
                self.evaluate(second, decide=False)
            self.lost += len(passed_over)
            if now > before:
                self.evaluate(now)
        self.second = now
        if one.kind == Kind.CLOCK:
            self.beat = self.clock + one.silence * 60_000
        elif one.kind == Kind.CONTROL and one.first > self.seen.get(one.epoch, -1):
            self.seen[one.epoch] = one.first
            self.control(now, one)
        elif one.kind in (Kind.SAMPLES, Kind.EVENT):
            self.data(now, one)

    def set_back(self, append: int) -> None:
        old, new = self.second, append // 1000
        self.lost += new - old
        self.exact_from = max(self.exact_from, old + 331)
        self.clock, self.second = append, new
        for name, s in self.series.items():
            s.cells, s.dirty, s.older = {}, set(), []
            s.kept = {t: c for t, c in s.kept.items() if t <= new}
            if s.newest:
                s.newest = (min(s.newest[0], new), *s.newest[1:])
            for at in s.since:
                s.since[at] = min(s.since[at], new)
            for side in s.told:
                s.told[side] = min(s.told[side], new)
            self.late_names |= {(name, minute) for which, minute in self.touched if which == name}
        self.touched.clear()
        for said in (self.good, self.loose, self.on):
            for who in said:
                said[who] = min(said[who], new)
        for who, seconds in self.off.items():
            if seconds and max(seconds) > new:
                self.off[who] = set()

    def allowed(self, one: Rec) -> bool:
        if one.patient not in self.consent or not self.consent[one.patient]:
            return False
        enrolment = self.enrolment.get(one.patient, Enrolment())
        if one.key in enrolment.revoked_keys:
            return False
        if one.device == 0:
            return one.gateway in enrolment.gateways or one.gateway == 0
        return any(e.device == one.device and one.gateway in (0, e.gateway) for e in enrolment.devices)

    def data(self, now: int, one: Rec) -> None:
        if not self.allowed(one):
            self.rejected += 1
            return
        if one.event is not None:
            self.event(now, one)
            return
        spells = [
            e
            for e in self.enrolment.get(one.patient, Enrolment()).devices
            if e.device == one.device and one.gateway in (0, e.gateway)
        ]
        bad = {
            s[4]
            for s in one.samples
            if s[2] not in VITALS
            or s[3] > max(Status)
            or (s[3] == 0 and not math.isfinite(s[1]))
            or s[4] >= one.count
            or not -30 * 86_400_000 <= s[0] - self.clock <= 86_400_000
        }
        self.rejected += len(bad)
        for time, value, vital, status, reading in one.samples:
            if reading in bad:
                continue
            if one.device and not any(e.since <= time < (NEVER**2 if e.until is None else e.until) for e in spells):
                continue
            self.stored += 1
            if time <= self.clock + 30_000:
                self.sample(now, (one.patient, vital, one.device), time, value, status)

    def sample(self, now: int, name: tuple[int, int, int], time: int, value: float, status: int) -> None:
        if status == Status.CLOCK_UNSURE:
            return
        s = self.series.setdefault(name, SeriesOracle(name[1]))
        self.latest[name] = max(time, self.latest.get(name, 0))
        second, who = time // 1000, (name[0], name[2])
        low, high = s.spec.plausible
        fixed = -1
        if status == 0 and low <= np.float32(value) <= high:
            fixed = round(Fraction(float(np.float32(value))) * s.spec.steps)
        if status == 0 and fixed >= 0:
            self.good[who] = max(self.good[who], second)
        if status in (Status.POOR_CONTACT, Status.SENSOR_OFF):
            self.off[who].add(second)
        self.measured[who] = max(self.measured[who], time) if self.live(now, who, second) else self.measured[who]
        if who in self.heard and self.live(now, who, second):
            self.heard[who] = max(self.heard[who], now - self.lost)
        if not s.spec.continuous:
            self.late_names.add((name, second // 60))
            if fixed >= 0 and (time % 1000, fixed) > s.cells.get(second, (-1, -1)):
                s.cells[second] = (time % 1000, fixed)
                s.dirty.add(second)
            return
        if second <= now - 300:
            self.late_names.add((name, second // 60))
            if fixed >= 0:
                s.older.append((second, time % 1000, fixed))
            return
        cell = (time % 1000, fixed) if fixed >= 0 else (-1, -1)
        if cell > s.cells.get(second, (-2, -2)):
            s.cells[second] = cell
            s.dirty.add(second)
            due = int(DUE[self.partition])
            emitted = now + 60 - (now - due) % 60
            gone = second // 60 * 60 < emitted - 300 or now < self.exact_from
            (self.late_names if gone else self.touched).add((name, second // 60))

    def live(self, now: int, who: tuple[int, int], second: int) -> bool:
        return second > now - max(300, self.allowance(who))

    def allowance(self, who: tuple[int, int]) -> int:
        interval = self.watched.get(who, 0)
        return math.ceil(self.rules.no_data_factor * interval) + self.rules.no_data_extra_s if interval else 0

    def event(self, now: int, one: Rec) -> None:
        event, who = one.event, (one.patient, one.device)
        if isinstance(event, Heartbeat):
            self.gateway[one.patient, one.gateway] = now - self.lost
        if isinstance(event, Contact) and event.at // 1000 <= now + 30:
            said = self.on if event.on else self.loose
            said[who] = max(said[who], event.at // 1000)

    def control(self, now: int, one: Rec) -> None:
        control, patient, running = one.control, one.patient, now - self.lost
        if isinstance(control, RuleSet):
            self.rules = control
        elif isinstance(control, Limits):
            self.limits[patient] = control
        elif isinstance(control, Pauses):
            self.pauses[patient] = control
        elif isinstance(control, Facts):
            self.facts[patient] = control
        elif isinstance(control, Consent):
            self.consent[patient] = control.given
        elif isinstance(control, Enrolment):
            self.enrolment[patient] = control
            current = {e.device: e for e in control.devices if e.until is None or e.until > now * 1000}
            for who in [w for w in self.watched if w[0] == patient and w[1] not in current]:
                del self.watched[who]
            self.current[patient] = set(current)
            for device, e in current.items():
                self.link[patient, device] = (patient, e.gateway)
                if e.interval_s > 0:
                    if (patient, device) not in self.watched:
                        self.heard[patient, device] = running
                    self.watched[patient, device] = e.interval_s
                else:
                    self.watched.pop((patient, device), None)
            serving = {(patient, gateway) for gateway in control.gateways}
            for link in serving - self.serving:
                self.gateway[link] = running
            self.serving = {link for link in self.serving if link[0] != patient} | serving
        if isinstance(control, RuleSet | Limits):
            for (who, _, _), s in self.series.items():
                s.redo |= patient in (who, 0)

    # seconds

    def paused(self, patient: int, rule: str, now: int) -> bool:
        pauses = self.pauses.get(patient, Pauses()).pauses
        return any(p.rule in ("*", rule) and now * 1000 < p.until for p in pauses)

    def evaluate(self, now: int, decide: bool = True) -> None:
        said: list[tuple[object, ...]] = []
        if decide:
            still = now * 1000 - self.beat > 10_000
            self.lost += still
            if still != self.still:
                said.append(("pipeline_stopped", self.partition, 0, "onset" if still else "end", "HIGH", None, self.beat))
            self.still = still
        running = now - self.lost
        for name, s in self.series.items():
            if now % self.probe == 0 and s.spec.continuous:
                for length in (60, 300):
                    self.windows.append((now, name, length, self.window(s, now, length)))
        for name, minute in self.late_names:
            self.late.append((name[0], name[1], name[2], self.partition, minute, now))
        self.late_names.clear()
        if decide:
            said += self.gateways(now, running) + self.devices(now, running) + self.sensors(now)
        for name, s in sorted(self.series.items()):
            episodes = self.learn(s, now, name)
            if decide:
                said += self.tell(name, s, episodes, now) + self.decide(name, s, now, running)
        if decide:
            said += self.scores(now, running)
        if now % 60 == DUE[self.partition]:
            for name, minute in sorted(self.touched):
                if minute * 60 + 60 <= now:
                    self.rollups.append(self.minute(name, minute, now))
            self.touched = {x for x in self.touched if x[1] * 60 + 60 > now}
        self.conditions += [(now, *one) for one in said]

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

    # limits

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
                        edge = Fraction(repr(wanted.limit)) * sign
                        out[one.side, level] = (edge, edge - Fraction(repr(one.hysteresis)), wanted.hold_s)
        return out

    def learn(self, s: SeriesOracle, now: int, name: tuple[int, int, int]) -> list[tuple[str, str, int, int, int]]:
        news = {t: s.cells[t] for t in s.dirty if t < now and s.cells[t][1] >= 0}
        s.dirty = {t for t in s.dirty if t >= now}
        before = s.newest
        if s.spec.continuous:
            view = {t: c for t, c in s.cells.items() if now - 300 <= t < now and c[1] >= 0}
            for t, ms, v in s.older:
                if (not before or t > before[0]) and (ms, v) > news.get(t, (-1, -1)):
                    news[t] = (ms, v)
            s.older = []
        else:
            oldest = min(s.kept) if len(s.kept) == 8 else -NEVER
            news = {t: c for t, c in news.items() if t > oldest and c > s.kept.get(t, (-1, -1))}
            s.kept = dict(sorted({**s.kept, **news}.items())[-8:])
            view = s.kept
        for t, (ms, v) in sorted(news.items()):
            if not s.newest or t >= s.newest[0]:
                s.newest = (t, ms, v)
                s.expires = max(s.expires, t + s.spec.validity_s - self.lost)
        redo, s.redo = s.redo and before is not None, False
        levels = self.levels(name)
        late = bool(before and news and min(news) <= before[0])
        if redo:
            for at in s.since:
                s.since[at] = s.newest[0] if s.newest else 0
            for side in s.told:
                s.told[side] = s.newest[0] if s.newest else -NEVER
        samples = view if redo or late else news
        found = []
        for (side, level), (edge, _, hold) in levels.items():
            sign = 1 if side == "high" else -1
            previous = before if not (redo or late) else None
            run_on = False
            if late and not redo and samples:
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
                    if lowest and not {a for a in s.active if a[0] == side} and s.since[side, level] > s.told[side]:
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

    def tell(
        self, name: tuple[int, int, int], s: SeriesOracle, episodes: list[tuple[str, str, int, int, int]], now: int
    ) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for side, _, _, last, value in episodes:
            if s.told[side] >= last:
                continue
            s.told[side] = last
            rule = f"{s.spec.column}.{side}"
            if not self.paused(name[0], rule, now):
                low = ("LOW", value / s.spec.steps, last * 1000)
                out += [(rule, name[0], name[2], phase, *low) for phase in ("onset", "end")]
        return out

    def decide(self, name: tuple[int, int, int], s: SeriesOracle, now: int, running: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        levels, off = self.levels(name), (name[0], name[2]) in self.sensor_off
        for side in ("high", "low"):
            sign, rule = (1 if side == "high" else -1), f"{s.spec.column}.{side}"
            paused = self.paused(name[0], rule, now)
            before = [level for level in ("high", "medium") if (side, level) in s.active]
            for level in ("medium", "high"):
                wanted = False
                if s.newest and s.expires > running and not paused and (side, level) in levels:
                    edge, clear, hold = levels[side, level]
                    value = self.signed(s, s.newest[2], sign)
                    begins = value > edge and s.newest[0] - s.since[side, level] >= hold and not off
                    wanted = begins or ((side, level) in s.active and value > clear)
                (s.active.add if wanted else s.active.discard)((side, level))
            after = [level for level in ("high", "medium") if (side, level) in s.active]
            if not after and (before or paused or off) and s.newest:
                s.told[side] = max(s.told[side], s.newest[0])
            if before[:1] != after[:1]:
                phase = "onset" if not before else "end" if not after else "worse" if after[0] == "high" else "better"
                told = (after or before)[0].upper()
                assert s.newest
                value = s.newest[2] / s.spec.steps
                out.append((rule, name[0], name[2], phase, told, value, s.newest[0] * 1000 + s.newest[1]))
        return out

    # technical

    def gateways(self, now: int, running: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for link in sorted({*self.serving, *self.away}):
            wanted = link in self.serving and running - self.gateway[link] > self.rules.gateway_offline_s
            wanted = wanted and not self.paused(link[0], "gateway_offline", now)
            if wanted != (link in self.away):
                (self.away.add if wanted else self.away.discard)(link)
                if not wanted:
                    self.back[link] = self.gateway[link]
                out.append(("gateway_offline", *link, "onset" if wanted else "end", "MEDIUM", None, None))
        return out

    def devices(self, now: int, running: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for who in sorted({*self.watched, *self.silent}):
            wanted = False
            if who in self.watched:
                link = self.link[who]
                since = self.heard[who] if who in self.silent else max(self.heard[who], self.back[link])
                alone = link not in self.away and self.gateway[link] >= self.heard[who] + 5
                wanted = running - since > self.allowance(who) and (who in self.silent or alone)
                wanted = wanted and not self.paused(who[0], "no_data", now)
            if wanted != (who in self.silent):
                (self.silent.add if wanted else self.silent.discard)(who)
                out.append(("no_data", *who, "onset" if wanted else "end", "MEDIUM", None, self.measured[who] or None))
        return out

    def sensors(self, now: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        hold = min(self.rules.sensor_off_s, 63)
        for who in sorted({*self.off, *self.loose, *self.sensor_off}):
            denied = max(self.good[who], self.on[who])
            newest_off = max(self.off[who], default=-NEVER)
            run = [t for t in self.off[who] if t > max(denied, newest_off - 64)]
            lasted = bool(run) and newest_off > now - 900 and newest_off - min(run) >= hold
            begins = lasted or (self.loose[who] > denied and self.loose[who] > now - 900)
            newest = max(newest_off, self.loose[who])
            wanted = who[1] in self.current.get(who[0], ()) and newest > denied and (begins or who in self.sensor_off)
            wanted = wanted and not self.paused(who[0], "sensor_off", now)
            if wanted != (who in self.sensor_off):
                (self.sensor_off.add if wanted else self.sensor_off.discard)(who)
                at = newest if wanted else max(newest, denied)
                out.append(("sensor_off", *who, "onset" if wanted else "end", "MEDIUM", None, at * 1000))
        return out

    # NEWS2

    def scores(self, now: int, running: int) -> list[tuple[object, ...]]:
        out: list[tuple[object, ...]] = []
        for patient in sorted({name[0] for name in self.series}):
            total, newest, counts = self.score(patient, now, running)
            level = 0
            for which, threshold in ((1, self.rules.news2_medium), (2, self.rules.news2_high)):
                if counts and total >= threshold:
                    run, measured = self.stands.setdefault((patient, which), (running, newest))
                    if max(running - run, newest - measured) >= self.rules.news2_hold_s:
                        level = which
                else:
                    self.stands.pop((patient, which), None)
            was = self.news_level[patient]
            self.news_level[patient] = level
            if was != level:
                phase = "end" if not level else "onset" if not was else "worse" if level > was else "better"
                told = "HIGH" if (level or was) == 2 else "MEDIUM"
                out.append(("news2", patient, 0, phase, told, float(total) if level else None, None))
        return out

    def score(self, patient: int, now: int, running: int) -> tuple[int, int, bool]:
        best: dict[str, tuple[int, int, SeriesOracle]] = {}
        for (who, _, device), s in self.series.items():
            if who == patient and s.newest and s.spec.column in NEWS:
                this = (s.newest[0] * 1000 + s.newest[1], -device, s)
                if s.spec.column not in best or this[:2] > best[s.spec.column][:2]:
                    best[s.spec.column] = this
        valid = {k: v for k, v in best.items() if v[2].expires > running}
        value = {k: Fraction(s.newest[2], s.spec.steps) for k, (_, _, s) in valid.items() if s.newest}
        newest = max((at for at, _, _ in valid.values()), default=-NEVER) // 1000
        facts = self.facts.get(patient, Facts())
        points: dict[str, int] = {}
        if "respiratory_rate" in value:
            points["rr"] = band(round(value["respiratory_rate"]), (9, 12, 21, 25), (3, 1, 0, 2, 3))
        if "spo2" in value:
            x = round(value["spo2"])
            points["spo2"] = band(x, (92, 94, 96), (3, 2, 1, 0))
            if facts.spo2_scale == 2:
                air = band(x, (84, 86, 88), (3, 2, 1, 0))
                points["spo2"] = band(x, (84, 86, 88, 93, 95, 97), (3, 2, 1, 0, 1, 2, 3)) if facts.oxygen else air
        if "systolic" in value:
            points["sbp"] = band(round(value["systolic"]), (91, 101, 111, 220), (3, 2, 1, 0, 3))
        pulse = value.get("heart_rate", value.get("pulse_rate"))
        if pulse is not None:
            points["pulse"] = band(round(pulse), (41, 51, 91, 111, 131), (3, 1, 0, 1, 2, 3))
        if "temperature" in value:
            points["temp"] = band(round(value["temperature"] * 10), (351, 361, 381, 391), (3, 1, 0, 1, 2))
        if facts.oxygen is not None:
            points["oxygen"] = 2 if facts.oxygen else 0
        if facts.consciousness is not None:
            points["acvpu"] = 0 if facts.consciousness == "A" else 3
        adult = facts.born is not None and not facts.pregnant and facts.born < "2005"
        counts = len(points) >= 4 and adult and not self.paused(patient, "news2", now)
        return sum(points.values()), newest, counts


def band(value: int, edges: tuple[int, ...], points: tuple[int, ...]) -> int:
    """Points of a value; ``edges`` are the lowest values of all bands but the first."""
    return points[sum(value >= edge for edge in edges)]
