"""The whole oracle: what happens at a second."""

from __future__ import annotations

from streams.engine.series.rollup import DUE
from tests.streams.engine.oracle.limits import LimitsOracle
from tests.streams.engine.oracle.news2 import Scores
from tests.streams.engine.oracle.no_value import NoValueOracle
from tests.streams.engine.oracle.rolling import RollingOracle
from tests.streams.engine.oracle.sources import SourcesOracle
from tests.streams.engine.oracle.technical import Technical
from tests.streams.engine.oracle.trends import TrendsOracle
from tests.streams.engine.oracle.windows import Windows


class Oracle(Windows, Technical, LimitsOracle, NoValueOracle, Scores, TrendsOracle, SourcesOracle, RollingOracle):
    """Takes records one at a time; the results are in the lists and dicts of :class:`.state.State`."""

    def evaluate(self, now: int, decide: bool = True) -> None:
        changes: list[tuple[object, ...]] = []
        closed = self.close(now)
        self.rolling_due |= closed
        if closed:
            self.learn_minutes()
        if decide:
            stalled = now * 1000 - self.last_clock_record > 10_000
            self.stalled_s += stalled
            if stalled != self.stalled:
                phase = "onset" if stalled else "end"
                changes.append(("pipeline_stopped", self.partition, 0, phase, "HIGH", None, self.last_clock_record))
            self.stalled = stalled
        active_s = now - self.stalled_s
        for name, s in self.series.items():
            if now % self.probe == 0 and s.spec.continuous:
                for length in (60, 300):
                    self.windows.append((now, name, length, self.window(s, now, length)))
                for length in (3600, 86_400) if decide else ():
                    self.windows.append((now, name, length, self.long_window(s, length)))
        self.late_names |= {(name, minute) for due, name, minute in self.due_later if due <= now}
        self.due_later = {one for one in self.due_later if one[0] > now}
        for name, minute in self.late_names:
            self.late.append((name[0], name[1], name[2], self.partition, minute, now))
        self.late_names.clear()
        if decide:
            changes += self.gateways(now, active_s) + self.devices(now, active_s) + self.sensors(now)
            changes += self.clocks(now, active_s) + self.gateway_clocks(now)
        learned = [(name, s, self.learn(s, now, name)) for name, s in sorted(self.series.items())]
        if decide:
            self.judge(active_s)
            changes += self.disagreements(now)
            for name, s, episodes in learned:
                changes += self.late_episodes(name, s, episodes, now)
            for name, s, _ in learned:
                self.decide(name, s, now, active_s)
            changes += self.combine()
            changes += self.without_value(now, active_s)
            changes += self.scores(now, active_s)
            if self.rolling_due:
                changes += self.rolling(now)
            self.rolling_due = False
            changes += self.trends(now, active_s, closed, now % 60 == DUE[self.partition])
        if now % 60 == DUE[self.partition]:
            for name, minute in sorted(self.touched):
                if minute * 60 + 60 <= now:
                    self.rollups.append(self.minute(name, minute, now))
            self.touched = {x for x in self.touched if x[1] * 60 + 60 > now}
        self.conditions += [(now, *one) for one in changes]
