"""A rule about the series of one store."""

from __future__ import annotations

from typing import Any

from alerts.rules.rule import Rule
from alerts.rules.suppression import Muted, Suppression
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.condition import Condition
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.updates import Updates
from streams.engine.stage import Moment, View


class SeriesRule(Rule):
    """``continuous``: of continuous vitals (:class:`streams.engine.series.dense.DenseSeries`), else of episodic ones
    (:class:`streams.engine.series.sparse.SparseSeries`).
    """

    store: SeriesStore
    muted: Muted

    def __init__(self, suppression: Suppression, *, continuous: bool) -> None:
        super().__init__(suppression)
        self.continuous = continuous

    def attach(self, view: View) -> None:
        super().attach(view)
        self.store = view.layout.dense if self.continuous else view.layout.sparse
        self.muted = self.suppression.muted(self.store)

    def updates(self, moment: Moment) -> Updates:
        """The store's updates of this moment."""
        return moment.dense if self.continuous else moment.sparse

    def who(self, column: int) -> tuple[int, int]:
        return int(self.store.series.patient[column]), int(self.store.series.device[column])

    def valid(self, column: Ints, now: int) -> Bools:
        """Bool [n]: there is a newest value of a series, and it is not too old."""
        newest = self.store.newest
        found: Bools = (newest.second[column] > -NEVER) & (newest.expires[column] > self.active_now(now, column))
        return found

    def condition(self, *, column: int, measured: int | None = None, detail: Any = None, **given: Any) -> Condition:
        """As :meth:`alerts.rules.rule.Rule.condition`; the vital is the series', and ``measured`` its newest value's."""
        newest = self.store.newest
        if measured is None and newest.second[column] > -NEVER:
            measured = int(newest.second[column]) * 1000 + int(newest.ms[column])
        return super().condition(
            column=column,
            vital=int(self.store.series.vital[column]),
            measured=measured,
            detail=(detail or {}) | self.muted.detail(column),
            **given,
        )
