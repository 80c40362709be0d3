"""Rules about scores beside the levels of NEWS2, looked at once a minute: "news2_mean", "news2_rise", "mews", "qsofa".

- "news2_mean": the mean of NEWS2 over hours, with its own end.  On charted patients it called a third as often as NEWS2 >= 4
  at the same recognition (reference: clinical): most of that is ending late.
- "news2_rise": NEWS2 is some points above its own mean of the last hours.
- "mews" and "qsofa" are information: they are of low priority and call nobody.

Like NEWS2 none is computed under 16 years, of unknown age or in pregnancy.  What lapsed or is missing ends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from alerts.rules.newest_inputs import newest_inputs
from alerts.rules.news2.rule import EarlyWarning
from alerts.rules.rule import NONE, Rule
from alerts.rules.scores.charts import INPUTS, mews, qsofa
from alerts.rules.scores.history import ScoreState
from alerts.rules.scores.names import KINDS, MEWS, score_rule
from alerts.rules.suppression import Suppression
from devices.wire.control import Control, Mews, Qsofa, Score, ScoreMean, ScoreRise
from streams.engine.columns.arrays import NO_INTS, Bools, Floats, Ints
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment, View

_PART: Final = 256
Judged = tuple[Bools, Floats, Floats]
"""(wanted, value, limit), all [n]."""


class ScoreRules(Rule):
    """``table``: :class:`alerts.rules.scores.history.ScoreState`; stands after ``news2``."""

    learns: Collection[type[Control]] = ()
    quiet = True
    table: ScoreState

    def __init__(self, suppression: Suppression, news2: EarlyWarning) -> None:
        super().__init__(suppression)
        self._news2 = news2

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = ScoreState(view.layout.patients, "scores")

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        self.notify_chosen(partition, patient, control)

    def set_back(self, partition: int, now: int) -> None:
        self.table.set_back(self.table.axis.of(partition), now)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        axis, closed, looked = self.table.axis, self.view.layout.dense.closed, [NO_INTS]
        for partition in closed.entered:
            rows = axis.of(partition)
            every = np.arange(rows.start, rows.stop)
            kinds = {type(one) for rules, _ in self.suppression.chosen.groups(every) for one in rules.scores}
            if not kinds.isdisjoint({ScoreMean, ScoreRise}):
                self.table.enter(rows, int(closed.minute[partition]), self._news2.table.total[rows])
            if kinds or self.table.level[:, rows].any():
                looked.append(every)
        found = self.due(moment, *looked, self.suppression.changed_rows())
        self.notify_at(NEVER, found)
        out: list[Condition] = []
        for rules, at in self.suppression.chosen.groups(found) if found.size else ():
            mine = found[at]
            chosen = {type(one): one for one in rules.scores}
            if chosen or self.table.level[:, mine].any():
                for kind, of in enumerate(KINDS):
                    out += self._decide(kind, chosen.get(of), mine, moment.now)
        return out

    def _decide(self, kind: int, rule: Score | None, rows: Ints, now: int) -> list[Condition]:
        table, people = self.table, self.view.layout.patients.people(rows)
        was = table.level[kind, rows]
        if rule is None and not was.any():
            return []
        wanted, value, limit = self._judge(kind, rule, rows, was > NONE, now)
        wanted &= ~self.suppression.paused(people, now, score_rule(kind))
        wanted &= self._news2.table.old_enough[rows] <= now
        priority = Priority.of(rule.priority) if isinstance(rule, ScoreMean | ScoreRise) else Priority.LOW
        after = np.where(wanted, np.where(was > NONE, was, priority), NONE)
        table.level[kind, rows] = after
        return [
            self.condition(
                now=now,
                column=int(rows[at]),
                rule=score_rule(kind),
                before=int(was[at]),
                after=int(after[at]),
                value=None if np.isnan(value[at]) else float(value[at]),
                limit=None if np.isnan(limit[at]) else float(limit[at]),
            )
            for at in np.flatnonzero(was != after).tolist()
        ]

    def _judge(self, kind: int, rule: Score | None, rows: Ints, was: Bools, now: int) -> Judged:
        nothing = np.full(len(rows), np.nan)
        match rule:
            case ScoreMean():
                return self._mean(rule, rows, was)
            case ScoreRise():
                return self._rise(rule, rows, was)
            case Mews() | Qsofa():
                inputs = newest_inputs(self.view, self.suppression, INPUTS, rows)
                acvpu, of = self._news2.table.acvpu[rows], mews if kind == MEWS else qsofa
                valid = inputs.expires > self.active_now(now, rows)
                total, known = (of(inputs.value, which, acvpu) for which in (valid, inputs.at > -NEVER))
                wanted = (total >= rule.limit) | (was & (known >= rule.limit))
                return wanted, total.astype(np.float64), np.full(len(rows), float(rule.limit))
        return np.zeros(len(rows), np.bool_), nothing, nothing

    def _hour(self, rows: Ints) -> Ints:
        hours: Ints = self.view.layout.dense.closed.minute[self.table.axis.owner[rows]] // 60
        return hours

    def _window(self, rows: Ints, hours: int) -> tuple[Ints, Ints]:
        n, total, hour = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64), self._hour(rows)
        for each in np.unique(hour).tolist():
            here = hour == each
            n[here], total[here] = self.table.window(rows[here], hours, each)
        return n, total

    def _mean(self, rule: ScoreMean, rows: Ints, was: Bools) -> Judged:
        n, total = self._window(rows, rule.hours)
        limit, until = (Fraction(Decimal(repr(edge))) for edge in (rule.limit, rule.until))
        enough = n >= rule.least_min
        begins = enough & (total * limit.denominator >= limit.numerator * n)
        stays = was & (~enough | (total * until.denominator > until.numerator * n))
        value = np.where(n > 0, total / np.maximum(n, 1), np.nan)
        return begins | stays, value, np.full(len(rows), rule.limit)

    def _rise(self, rule: ScoreRise, rows: Ints, was: Bools) -> Judged:
        n, total = self._window(rows, rule.hours)
        score = self._news2.table.total[rows].astype(np.int64)
        begins = (n >= rule.least_min) & (score >= rule.least) & (score * n >= rule.by * n + total)
        begun = np.where(was, self.table.begun[rows], (total * _PART) // np.maximum(n, 1))
        stays = was & ((score < 0) | (score * _PART >= rule.by * _PART + begun))
        wanted = stays | (begins & ~was)
        self.table.begun[rows] = np.where(wanted, begun, 0)
        return wanted, np.where(score >= 0, score, np.nan), begun / _PART + rule.by
