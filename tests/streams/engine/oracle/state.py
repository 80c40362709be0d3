"""The state of the oracle, and its results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from devices.vitals import VITALS, Vital
from devices.wire.control import Enrolment, Facts, Limits, Pauses, RuleSet

NEVER = 1 << 40


@dataclass
class Run:
    """The run of samples beyond one limit: over where there is no credit."""

    credit: int = 0
    since: int = 0
    last: int = 0
    value: int = 0
    at_once: bool = False


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
        self.runs = {(side, level): Run() for side in ("high", "low") for level in ("medium", "high")}
        self.active: set[tuple[str, str]] = set()
        self.reported_until = {"high": 0, "low": 0}
        self.recheck = False
        self.level = self.spread = self.mean = self.seen = 0  # trends
        self.last_minute = -1
        self.sums = {"high": 0, "low": 0}
        self.trending: set[str] = set()
        self.began = {"high": 0, "low": 0}
        self.steady_from = {"high": 0, "low": 0}
        self.days: dict[int, int] = {}  # the last reading of each day, as two seconds of the day and value
        self.last_day = -1
        self.counted: dict[int, list[list[int]]] = {}  # hours that a rule asked for: the values of their minutes
        self.last_hour = -1
        self.good = self.bad = self.bad_since = -NEVER  # active seconds of arrivals
        self.bad_status = 0
        self.without: tuple[int, str] | None = None  # a usable value: since then, why
        self.superseded: int | None = None  # by that device
        self.covered = self.apart = False
        self.leads = True
        self.changed = self.fresh_readings = False
        self.minutes: dict[int, tuple[list[int], int]] = {}  # closed: usable values, and how many poor seconds
        self.hours: dict[int, list[tuple[list[int], int]]] = {}  # of their minutes

    def learn_days(self, updates: dict[int, tuple[int, int]]) -> None:
        """The last reading of each day."""
        if updates:
            self.last_day = max(self.last_day, max(updates) // 86_400)
            self.days = {d: c for d, c in self.days.items() if d > self.last_day - 28}
        for t, (_, value) in updates.items():
            if t // 86_400 > self.last_day - 28:
                self.days[t // 86_400] = max(self.days.get(t // 86_400, -1), t % 86_400 // 2 << 15 | value)


class State:
    """The state of one partition; the results are in the lists and dicts at the end."""

    def __init__(self, partition: int, probe: int = 13) -> None:
        self.partition, self.probe = partition, probe
        self.clock = self.second = self.last_clock_record = -1
        self.stalled_s, self.stalled, self.exact_from = 0, False, 0
        self.minute_closed = -1
        self.series: dict[tuple[int, int, int], SeriesOracle] = {}
        self.touched: set[tuple[tuple[int, int, int], int]] = set()
        self.late_names: set[tuple[tuple[int, int, int], int]] = set()
        self.due_later: set[tuple[int, tuple[int, int, int], int]] = set()  # due, name, minute: named then
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
        self.last_arrival: dict[tuple[int, int], int] = {}
        self.measured: dict[tuple[int, int], int] = defaultdict(int)
        self.silent: set[tuple[int, int]] = set()
        self.unsure: dict[tuple[int, int], int] = {}  # active second of the last arrival
        self.corrected: dict[tuple[int, int], tuple[int, int]] = {}  # at, offset ms
        self.doubted: set[tuple[int, int]] = set()
        self.withdrawals: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.gateway_ahead: dict[tuple[int, int], int] = defaultdict(int)  # ms, of its clock
        self.clock_received: dict[tuple[int, int], int] = {}
        self.behind: dict[tuple[int, int], int] = {}  # active second since which all heartbeats have been behind
        self.wrong_gateways: set[tuple[int, int]] = set()
        self.beaten: dict[tuple[int, int], int] = defaultdict(int)
        self.session: dict[tuple[int, int], tuple[int, int]] = {}  # active second of the last arrival, of the first
        self.intervals: dict[tuple[int, int], int] = {}
        self.link: dict[tuple[int, int], tuple[int, int]] = {}
        self.current: dict[int, set[int]] = {}
        self.serving: set[tuple[int, int]] = set()
        self.gateway: dict[tuple[int, int], int] = defaultdict(int)  # active second of the last heartbeat
        self.back: dict[tuple[int, int], int] = defaultdict(int)
        self.away: set[tuple[int, int]] = set()
        self.stands: dict[tuple[int, int], tuple[int, int]] = {}  # (patient, level): active_s, measured
        self.unassessed: set[int] = set()
        self.news2_level: dict[int, int] = defaultdict(int)
        self.apart: set[tuple[int, int]] = set()  # (patient, parameter) whose sources disagree
        self.apart_since: dict[tuple[int, int], int] = {}
        self.disagree: set[tuple[int, int]] = set()  # and the condition
        self.rolling_due = False  # a minute has closed and its figures were not looked at
        self.rolled: dict[tuple[int, int, str], int] = {}  # (patient, parameter, kind): priority
        self.stand: dict[tuple[int, int, str], int] = {}  # (patient, parameter, side): priority of the condition
        # results
        self.conditions: list[tuple[object, ...]] = []
        self.rollups: list[dict[str, float]] = []
        self.late: list[tuple[int, ...]] = []
        self.windows: list[tuple[int, tuple[int, int, int], int, tuple[float, ...]]] = []
        self.latest: dict[tuple[int, int, int], int] = {}
        self.stored = self.rejected = 0

    def validity(self, name: tuple[int, int, int]) -> int:
        return max(VITALS[Vital(name[1])].validity_s, 2 * self.intervals.get((name[0], name[2]), 0))

    def paused(self, patient: int, rule: str, now: int) -> bool:
        pauses = self.pauses.get(patient, Pauses()).pauses
        return any(p.rule in ("*", rule) and now * 1000 < p.until for p in pauses)
