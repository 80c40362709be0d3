"""Agreement: "<parameter>.disagree" of a patient, a technical condition without a device.

Live sources of one parameter (:mod:`alerts.rules.sources`) are compared with the one that decides.  They disagree once a
value has been further from it than ``RuleSet.agree`` allows for as long as it says, in measured time: both sides have
measured that long.  They agree again once all values have been within it for as long, or at once where only one source is
live.  While they disagree nothing above medium is decided from one of them alone: a limit is of high priority only if
every live source is beyond it, and a NEWS2 only without the points of what is in doubt.  The amounts are Vigil's own
choice: twice what a cuff, a belt and an oximeter differ in people at rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.parameters import PARAMETER, parameter_of
from alerts.rules.rule import NONE, Rule
from alerts.rules.sources import Judged, Sources
from alerts.rules.suppression import Suppression
from devices.sample import STEPS
from devices.vitals import VITALS, Vital
from devices.wire.control import Agreement, Control, RuleSet
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.condition import Category, Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Moment, View

_CODES: Final = max(VITALS) + 1


def rule_name(parameter: int) -> str:
    """The rule of a parameter, like "heart_rate.disagree"."""
    return f"{VITALS[Vital(parameter)].column}.disagree"


class Doubts(Columns):
    """Per patient and parameter [code]: ``apart`` bool: its sources disagree; ``since`` int64: measured second from which
    the opposite of that has held (-NEVER: it does not); ``active`` bool: the condition.
    """

    apart: Bools = array(np.bool_, lead=(_CODES,))
    since: Ints = array(np.int64, -NEVER, (_CODES,))
    active: Bools = array(np.bool_, lead=(_CODES,))


class SourcesDisagree(Rule):
    """``table``: :class:`Doubts`; stands after :class:`alerts.rules.sources.Sources`."""

    learns: Collection[type[Control]] = (RuleSet,)
    category: ClassVar[Category] = "technical"
    table: Doubts

    def __init__(self, suppression: Suppression, sources: Sources) -> None:
        super().__init__(suppression)
        self._sources = sources
        self._agree: dict[int, Ints] = {}  # by partition: [amount in fixed point, s] by vital

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Doubts(view.layout.patients, "agreement")

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._agree[partition] = _fixed(control.agree)

    def set_back(self, partition: int, now: int) -> None:
        since = self.table.since[:, self.table.axis.of(partition)]
        np.minimum(since, now, out=since)

    def idle_until(self, now: int) -> int:
        """As :meth:`alerts.rules.sources.Sources.idle_until`, which is asked before."""
        return NEVER

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        out: list[Condition] = []
        for store, judged in zip(self.view.stores, self._sources.judged, strict=True):
            if judged.column.size:
                out += self._compare(store, judged, moment.now)
        return out

    def _compare(self, store: SeriesStore, judged: Judged, now: int) -> list[Condition]:
        """The conditions of one store's groups that change, and which series are apart."""
        table, second, value = self.table, store.newest.second, store.newest.value
        column, group = judged.column, judged.group
        leader = judged.leader[group]
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        parameter = PARAMETER[store.series.vital[column[first]]]
        row = self.view.layout.patient_of(store, column[first])
        within, for_s = self._limits(table.axis.owner[row].astype(np.int64), parameter)
        pair = judged.live & judged.led_live[group] & (column != leader) & (within[group] < NEVER)
        common = np.where(pair, np.minimum(second[column], second[leader]), -NEVER)
        far = pair & (np.abs(value[column].astype(np.int64) - value[leader]) > within[group])
        beyond = np.logical_or.reduceat(far, first)
        newest = np.maximum.reduceat(np.where(far | ~beyond[group], common, -NEVER), first)
        compared = newest > -NEVER
        was, since = table.apart[parameter, row], table.since[parameter, row]
        opposite = compared & (beyond != was)
        since = np.where(opposite, np.where(since == -NEVER, newest, since), -NEVER)
        turns = opposite & (newest - since >= for_s)
        apart = compared & (was ^ turns)
        table.apart[parameter, row], table.since[parameter, row] = apart, np.where(turns, -NEVER, since)
        self.suppression.set_apart(store, column, judged.live & apart[group])
        looked = np.flatnonzero(apart | table.active[parameter, row])
        return self._report(store, judged.leader[looked], row[looked], parameter[looked], apart[looked], now)

    def _limits(self, owner: Ints, parameter: Ints) -> tuple[Ints, Ints]:
        within, for_s = np.full(len(owner), NEVER), np.zeros(len(owner), np.int64)
        for partition in np.unique(owner).tolist():
            mine = owner == partition
            found = self._agree.get(partition, _DEFAULT)
            within[mine], for_s[mine] = found[0, parameter[mine]], found[1, parameter[mine]]
        return within, for_s

    def _report(
        self, store: SeriesStore, leader: Ints, row: Ints, parameter: Ints, apart: Bools, now: int
    ) -> list[Condition]:
        people = self.view.layout.patients.people(row)
        names = parameter.tolist()
        wanted = apart & ~self.suppression.paused(people, now, lambda at: rule_name(names[at]))
        wanted &= ~self.suppression.withdrawn(people)
        before = self.table.active[parameter, row]
        self.table.active[parameter, row] = wanted
        out = []
        for at in np.flatnonzero(wanted != before).tolist():
            begins, column = bool(wanted[at]), int(leader[at])
            known = column >= 0
            out.append(
                self.condition(
                    now=now,
                    column=int(row[at]),
                    rule=rule_name(parameter_of(names[at])),
                    before=NONE if begins else Priority.MEDIUM,
                    after=Priority.MEDIUM if begins else NONE,
                    measured=int(store.newest.second[column]) * 1000 + int(store.newest.ms[column]) if known else None,
                    detail=sources_of(self.view, self.suppression, store, column) if known else {},
                )
            )
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        super().drop(partition, patients)
        self._agree.pop(partition, None)


def sources_of(view: View, suppression: Suppression, store: SeriesStore, leader: int) -> dict[str, object]:
    """The sources of a parameter whose deciding series is ``leader``, as the detail of a condition: {"sources": [{"device",
    "vital", "value"} …]}, the one that decides first and then those that agree or disagree with it at this moment.
    """
    series, newest = store.series, store.newest
    columns = store.axis.of(int(store.axis.owner[leader]))
    mine = np.flatnonzero(series.person[columns] == series.person[leader]) + columns.start
    mine = mine[PARAMETER[series.vital[mine]] == PARAMETER[series.vital[leader]]]
    fresh = newest.second[mine] > newest.second[leader] - _SAME_TIME_S
    mine = mine[(newest.second[mine] > -NEVER) & (fresh | (mine == leader))]
    order = np.lexsort((series.vital[mine], series.device[mine], mine != leader))
    found = [
        {
            "device": int(series.device[one]),
            "vital": VITALS[Vital(int(series.vital[one]))].column,
            "value": float(newest.value[one] / STEPS[series.vital[one]]),
        }
        for one in mine[order].tolist()
    ]
    return {"sources": found}


_SAME_TIME_S: Final = 120


def _fixed(agree: Sequence[Agreement]) -> Ints:
    found = np.zeros((2, 256), np.int64)
    found[0] = NEVER
    for one in agree:
        if one.vital in VITALS:
            parameter = PARAMETER[one.vital]
            found[:, parameter] = min(round(one.within * VITALS[Vital(one.vital)].steps), NEVER - 1), one.for_s
    return found


_DEFAULT: Final = _fixed(RuleSet(0).agree)
