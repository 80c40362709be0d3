"""Records, one at a time: what is admitted, and what it changes at once."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from devices.sample import Status
from devices.vitals import VITALS
from devices.wire.batch import ClockQuality, Kind
from devices.wire.control import Consent, Enrolment, Facts, Limits, Pauses, RuleSet
from devices.wire.event import ClockCorrection, Contact, Heartbeat
from streams.engine.series.rollup import DUE
from streams.engine.stage import UNSET
from streams.engine.testing import Record
from tests.streams.engine.oracle.state import NEVER, SeriesOracle, State


class Records(State):
    def evaluate(self, now: int, decide: bool = True) -> None:
        raise NotImplementedError

    def reopen(self, new: int) -> None:
        raise NotImplementedError

    def levels(self, name: tuple[int, int, int]) -> object:
        """What decides for a series; see :mod:`.limits`."""
        raise NotImplementedError

    def record(self, one: Record) -> None:
        if one.kind == Kind.CLOCK and one.append < self.clock - 10_000:
            self.set_back(one.append)
        self.clock = max(self.clock, one.append)
        now, before = self.clock // 1000, self.second
        if before < 0:
            self.last_clock_record = self.clock
        else:
            passed_over = range(before + 11, now)
            for second in range(before + 1, min(before + 11, now)):
                self.evaluate(second)
            for second in passed_over:
                if second < before + 400 or second % 60 == DUE[self.partition]:  # nothing is left to happen in others
                    self.evaluate(second, decide=False)
            self.stalled_s += len(passed_over)
            if now > before:
                self.evaluate(now)
        self.second = now
        if one.kind == Kind.CLOCK:
            self.last_clock_record = self.clock + one.silence * 60_000
        elif one.kind == Kind.CONTROL and one.first > self.seen.get(one.epoch, -1):
            self.seen[one.epoch] = one.first
            self.control(now, one)
        elif one.kind in (Kind.SAMPLES, Kind.EVENT):
            self.data(now, one)

    def set_back(self, append: int) -> None:
        old, new = self.second, append // 1000
        self.stalled_s += new - old
        self.exact_from = max(self.exact_from, old + 331)
        self.clock, self.second = append, new
        self.reopen(new)
        for name, s in self.series.items():
            s.cells, s.dirty, s.older = {}, set(), []
            s.last_minute = min(s.last_minute, new // 60)
            s.kept = {t: c for t, c in s.kept.items() if t <= new}
            if s.last_day >= new // 86_400 and not s.spec.continuous:
                s.days, s.last_day = {d: c for d, c in s.days.items() if d < new // 86_400}, new // 86_400
                s.learn_days({t: c for t, c in s.kept.items() if t // 86_400 == s.last_day})
            if s.newest:
                s.newest = (min(s.newest[0], new), *s.newest[1:])
            for run in s.runs.values():
                run.since, run.last = min(run.since, new), min(run.last, new)
            for side in s.reported_until:
                s.reported_until[side] = min(s.reported_until[side], new)
            self.late_names |= {(name, minute) for which, minute in self.touched if which == name}
        self.apart_since = {key: min(since, new) for key, since in self.apart_since.items()}
        self.late_names |= {(name, minute) for _, name, minute in self.due_later}
        self.touched.clear()
        self.due_later.clear()
        for newest in (self.good, self.loose, self.on):
            for who in newest:
                newest[who] = min(newest[who], new)
        for who, seconds in self.off.items():
            if seconds and max(seconds) > new:
                self.off[who] = set()

    def allowed(self, one: Record) -> bool:
        if one.patient not in self.consent or not self.consent[one.patient]:
            return False
        enrolment = self.enrolment.get(one.patient, Enrolment())
        if one.key in enrolment.revoked_keys:
            return False
        if one.device == 0:
            return one.gateway in enrolment.gateways or one.gateway == 0
        return any(e.device == one.device and one.gateway in (0, e.gateway) for e in enrolment.devices)

    def data(self, now: int, one: Record) -> None:
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
        bad = set()
        for s in one.samples:
            number = s[3] != 0 or math.isfinite(s[1])
            if s[2] not in VITALS or s[3] > max(Status) or not number or s[4] >= one.count:
                bad.add(s[4])
            elif not -30 * 86_400_000 <= s[0] - self.clock <= 86_400_000:
                bad.add(s[4])
                self.doubt(now, (one.patient, one.device))
            elif self.withdrawn_at(one.patient, s[0]):
                bad.add(s[4])
        self.rejected += len(bad)
        for time, value, vital, status, reading in one.samples:
            if reading in bad:
                continue
            if one.device and not any(e.since <= time < (NEVER**2 if e.until is None else e.until) for e in spells):
                continue
            self.stored += 1
            if status == Status.CLOCK_UNSURE or time > self.clock + 30_000:
                self.doubt(now, (one.patient, one.device))
            else:
                self.sample(now, (one.patient, vital, one.device), time, value, status)

    def sample(self, now: int, name: tuple[int, int, int], time: int, value: float, status: int) -> None:
        s = self.series.setdefault(name, SeriesOracle(name[1]))
        self.latest[name] = max(time, self.latest.get(name, 0))
        second, who = time // 1000, (name[0], name[2])
        low, high = s.spec.plausible
        fixed = -1
        if status == 0 and not low <= np.float32(value) <= high:
            status = Status.OUT_OF_RANGE
        if status == 0 and low <= np.float32(value) <= high:
            fixed = round(Fraction(float(np.float32(value))) * s.spec.steps)
        if status == 0 and fixed >= 0:
            self.good[who] = max(self.good[who], second)
        if status in (Status.POOR_CONTACT, Status.SENSOR_OFF):
            self.off[who].add(second)
        self.measured[who] = max(self.measured[who], time) if self.live(now, who, second) else self.measured[who]
        if self.live(now, who, second):
            self.hear(now - self.stalled_s, who, s, status if fixed < 0 else 0)
        if who in self.last_arrival and self.live(now, who, second):
            self.last_arrival[who] = max(self.last_arrival[who], now - self.stalled_s)
        if not s.spec.continuous:
            if second <= now - 300:
                self.late_names.add((name, second // 60))
            else:
                due, over = int(DUE[self.partition]), max(now, second // 60 * 60 + 59)
                self.due_later.add((over + 60 - (over - due) % 60, name, second // 60))
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

    def hear(self, active_s: int, who: tuple[int, int], s: SeriesOracle, status: int) -> None:
        hole = max(60, 3 * self.intervals.get(who, 0))
        last, begun = self.session.get(who, (-NEVER, -NEVER))
        self.session[who] = (active_s, begun if active_s - last <= hole else active_s)
        if not status:
            s.good = active_s
            return
        if s.bad <= s.good or active_s - s.bad > hole:
            s.bad_since = active_s
        s.bad_status = max(status, s.bad_status if s.bad == active_s else 0)
        s.bad = active_s

    def live(self, now: int, who: tuple[int, int], second: int) -> bool:
        return second > now - max(300, self.allowance(who))

    def worn(self, who: tuple[int, int]) -> bool:
        return not who[1] or who[1] in self.current.get(who[0], ())

    def allowance(self, who: tuple[int, int]) -> int:
        interval = self.watched.get(who, 0)
        return math.ceil(self.rules.no_data_factor * interval) + self.rules.no_data_extra_s if interval else 0

    def withdrawn_at(self, patient: int, time: int) -> bool:
        return any(since <= time < until for since, until in self.withdrawals[patient])

    def doubt(self, now: int, who: tuple[int, int]) -> None:
        self.unsure[who] = now - self.stalled_s

    def event(self, now: int, one: Record) -> None:
        event, who = one.event, (one.patient, one.device)
        assert event is not None
        if self.withdrawn_at(one.patient, event.at):
            self.rejected += 1
            return
        if isinstance(event, ClockCorrection) and event.at >= self.corrected.get(who, (-NEVER, 0))[0]:
            self.corrected[who] = (event.at, event.offset_ms)
        if isinstance(event, Heartbeat):
            link = (one.patient, one.gateway)
            if event.at > self.beaten[link] or abs(event.at - now * 1000) <= 60_000:
                self.gateway[link] = now - self.stalled_s
            self.beaten[link] = max(self.beaten[link], event.at)
            self.gateway_ahead[link] = UNSET if one.clock == ClockQuality.UNSURE else event.at - one.append
            self.clock_received[link] = now - self.stalled_s
            if self.gateway_ahead[link] >= -300_000:
                self.behind.pop(link, None)
            else:
                self.behind.setdefault(link, now - self.stalled_s)
        if isinstance(event, Contact) and event.at // 1000 <= now + 30:
            newest = self.on if event.on else self.loose
            newest[who] = max(newest[who], event.at // 1000)

    def control(self, now: int, one: Record) -> None:
        control, patient, active_s = one.control, one.patient, now - self.stalled_s
        if isinstance(control, RuleSet):
            self.rules = control
        elif isinstance(control, Limits):
            self.limits[patient] = control
        elif isinstance(control, Pauses):
            self.pauses[patient] = control
        elif isinstance(control, Facts):
            mine = {name: self.levels(name) for name in self.series if name[0] == patient}
            self.facts[patient] = control
            for name, before in mine.items():
                self.series[name].recheck |= self.levels(name) != before
        elif isinstance(control, Consent):
            if control.given and self.consent.get(patient) is False:
                self.gateway.update({link: active_s for link in self.gateway if link[0] == patient})
                self.last_arrival.update({who: active_s for who in self.last_arrival if who[0] == patient})
            decided_at = control.at if 0 < control.at <= one.append else one.append
            if not control.given and self.consent.get(patient) is not False:
                spells = [*self.withdrawals[patient], (decided_at, NEVER**2)]
                if len(spells) > 4:
                    spells[:2] = [(spells[0][0], spells[1][1])]
                self.withdrawals[patient] = spells
            elif control.given and self.consent.get(patient) is False:
                since, _ = self.withdrawals[patient].pop()
                self.withdrawals[patient].append((since, max(decided_at, since)))
            self.consent[patient] = control.given
        elif isinstance(control, Enrolment):
            self.enrolment[patient] = control
            for e in sorted(control.devices, key=lambda e: e.since):
                self.intervals[patient, e.device] = e.interval_s
            current = {e.device: e for e in control.devices if e.until is None or e.until > (now + 30) * 1000}
            for who in [w for w in self.watched if w[0] == patient and w[1] not in current]:
                del self.watched[who]
            self.current[patient] = set(current)
            for device, e in current.items():
                self.link[patient, device] = (patient, e.gateway)
                if e.interval_s > 0:
                    if (patient, device) not in self.watched:
                        self.last_arrival[patient, device] = active_s
                    self.watched[patient, device] = e.interval_s
                else:
                    self.watched.pop((patient, device), None)
            serving = {(patient, gateway) for gateway in control.gateways}
            for link in serving - self.serving:
                self.gateway[link] = active_s
            self.serving = {link for link in self.serving if link[0] != patient} | serving
        if isinstance(control, RuleSet | Limits):
            for (whose, _, _), s in self.series.items():
                s.recheck |= patient in (whose, 0)
        if isinstance(control, RuleSet | Pauses | Enrolment | Facts):
            for (whose, _, _), s in self.series.items():
                s.changed |= patient in (whose, 0)
