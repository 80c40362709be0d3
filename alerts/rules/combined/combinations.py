"""Combinations: "combined.<name>" of a patient: while several other rules stand at once.

They follow the conditions of the same second: all of ``every`` stand, and at least ``least`` of ``among``.  A combination
ends when that is so no more, or it is paused or gone.  None is made of another one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from alerts.rules.combined.catalogue import PLACE
from alerts.rules.layers.named import combined_name
from alerts.rules.rule import NONE, Rule
from alerts.rules.scheduled import Scheduled
from devices.wire.control import Combination, Control
from streams.engine.columns.arrays import Bools, Ints, Small
from streams.engine.columns.axis import array
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment, View

MOST: Final = 8
"""Combinations of one patient; more are not looked at (a rule file with more is refused)."""
_WORDS, _WORD = 3, 8
"""A name is kept as so many numbers of so many bytes."""


class Standing(Scheduled):
    """Per patient: ``count`` int8 [:data:`alerts.rules.combined.catalogue.PLACE`]: conditions of each rule that stand;
    ``name`` int64 [MOST, words] of the combinations that stand (0: free), and ``level`` int8 [MOST]: their priorities.
    """

    count: Small = array(np.int8, lead=(len(PLACE),))
    name: Ints = array(np.int64, lead=(MOST, _WORDS))
    level: Small = array(np.int8, lead=(MOST,))


class Combinations(Rule):
    """``table``: :class:`Standing`; stands after all rules that it may name."""

    learns: Collection[type[Control]] = ()
    quiet = True
    table: Standing

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Standing(view.layout.patients, "combined")

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        self.notify_chosen(partition, patient, control)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        rows = self.due(moment, self._take_raised(), self.suppression.changed_rows())
        self.notify_at(NEVER, rows)
        out: list[Condition] = []
        for rules, at in self.suppression.chosen.groups(rows) if rows.size else ():
            mine = rows[at]
            chosen = list({one.name: one for one in rules.combined}.values())[:MOST]
            if chosen or self.table.level[:, mine].any():
                out += self._decide(chosen, mine, moment.now)
        return out

    def _take_raised(self) -> Ints:
        """Count the conditions of this second; the rows of their patients."""
        axis, rows = self.view.layout.patients, list[int]()
        for patient, rule, more in self.suppression.raised:
            place = PLACE.get(rule)
            row = -1 if place is None or not more else axis.at(patient)
            if row >= 0:
                self.table.count[place, row] += more
                rows.append(row)
        return np.array(rows, np.int64)

    def _decide(self, chosen: Sequence[Combination], rows: Ints, now: int) -> list[Condition]:
        table, out = self.table, list[Condition]()
        people, gone = self.view.layout.patients.people(rows), table.level[:, rows] > NONE
        found: list[tuple[Combination, Bools, Bools]] = []
        for one in chosen:
            places = [PLACE[name] for name in one.every if name in PLACE]
            among = [PLACE[name] for name in one.among if name in PLACE]
            whole = len(places) == len(one.every) and bool(one.every or one.among)
            wanted = (table.count[places][:, rows] > 0).all(0) & whole
            if one.among:
                wanted &= (table.count[among][:, rows] > 0).sum(0) >= one.least
            wanted &= ~self.suppression.paused(people, now, combined_name(one.name))
            stands = (table.name[:, :, rows] == words_of(one.name)[:, None]).all(1) & (table.level[:, rows] > NONE)
            gone &= ~stands
            found.append((one, stands, wanted))
        for slot, at in np.argwhere(gone).tolist():
            out.append(self._end(slot, int(rows[at]), now))
        for _, stands, wanted in found:
            for slot, at in np.argwhere(stands & ~wanted).tolist():
                out.append(self._end(slot, int(rows[at]), now))
        for one, stands, wanted in found:
            for at in np.flatnonzero(wanted & ~stands.any(0)).tolist():
                out.append(self._begin(one, int(rows[at]), now))
        return out

    def _begin(self, one: Combination, row: int, now: int) -> Condition:
        slot, priority = int(np.argmin(self.table.level[:, row])), Priority.of(one.priority)
        self.table.name[slot, :, row], self.table.level[slot, row] = words_of(one.name), priority
        names = [name for name in (*one.every, *one.among) if self.table.count[PLACE[name], row]]
        return self._condition(one.name, row, now, NONE, priority, {"rules": names})

    def _end(self, slot: int, row: int, now: int) -> Condition:
        name, priority = name_of(self.table.name[slot, :, row]), int(self.table.level[slot, row])
        self.table.name[slot, :, row], self.table.level[slot, row] = 0, NONE
        return self._condition(name, row, now, priority, NONE, {})

    def _condition(self, name: str, row: int, now: int, before: int, after: int, detail: dict[str, object]) -> Condition:
        return self.condition(now=now, column=row, rule=combined_name(name), before=before, after=after, detail=detail)


def words_of(name: str) -> Ints:
    """A name as numbers, int64 [words]."""
    return np.frombuffer(name.encode().ljust(_WORDS * _WORD, b"\0"), "<i8").astype(np.int64)


def name_of(words: Ints) -> str:
    """The reverse of :func:`words_of`."""
    return words.astype("<i8").tobytes().rstrip(b"\0").decode()
