"""The whole oracle: what happens at a second."""

from __future__ import annotations

from streams.engine.series.rollup import DUE
from tests.streams.engine.oracle.limits import LimitsOracle
from tests.streams.engine.oracle.news2 import Scores
from tests.streams.engine.oracle.sources import SourcesOracle
from tests.streams.engine.oracle.technical import Technical
from tests.streams.engine.oracle.trends import TrendsOracle
from tests.streams.engine.oracle.windows import Windows


class Oracle(Windows, Technical, LimitsOracle, Scores, TrendsOracle, SourcesOracle):
    """Takes records one at a time; what it says is in the lists and dicts of :class:`.state.State`."""

    def evaluate(self, now: int, decide: bool = True) -> None:
        said: list[tuple[object, ...]] = []
        closed = self.close(now)
        if closed:
            self.learn_minutes()
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
                for length in (3600, 86_400) if decide else ():
                    self.windows.append((now, name, length, self.long_window(s, length)))
        self.late_names |= {(name, minute) for due, name, minute in self.waiting if due <= now}
        self.waiting = {one for one in self.waiting if one[0] > now}
        for name, minute in self.late_names:
            self.late.append((name[0], name[1], name[2], self.partition, minute, now))
        self.late_names.clear()
        if decide:
            said += self.gateways(now, running) + self.devices(now, running) + self.sensors(now)
        learned = [(name, s, self.learn(s, now, name)) for name, s in sorted(self.series.items())]
        if decide:
            self.judge(running)
        for name, s, episodes in learned:
            if decide:
                said += self.tell(name, s, episodes, now) + self.decide(name, s, now, running)
        if decide:
            said += self.scores(now, running)
            said += self.trends(now, running, closed, now % 60 == DUE[self.partition])
        if now % 60 == DUE[self.partition]:
            for name, minute in sorted(self.touched):
                if minute * 60 + 60 <= now:
                    self.rollups.append(self.minute(name, minute, now))
            self.touched = {x for x in self.touched if x[1] * 60 + 60 > now}
        self.conditions += [(now, *one) for one in said]
