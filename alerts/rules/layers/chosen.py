"""Chosen: which rule set holds for each patient: the installation's, with those of the patient's programme, ward and own.

Patients with the same set share it, so that a rule is asked once for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np

from alerts.rules.layers.merged import layers_of, merged, origin
from devices.wire.batch import partition_of
from devices.wire.control import Control, Layer, OwnRules, RuleSet
from streams.engine.columns.arrays import Cells, Floats, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.stage import Stage, View

_NOTHING: Final = RuleSet(0)
_SPARE: Final = 256
"""Sets that are kept although nobody has them, before all are looked up again."""


class Profiles(Columns):
    """Per patient: ``profile`` int32, the place of the patient's set; -1: not yet looked up."""

    profile: Cells = array(np.int32, -1)


class Chosen(Stage):
    """A part of :class:`alerts.rules.suppression.Suppression`.  ``sets``: the different rule sets in force, by profile."""

    learns: Collection[type[Control]] = (RuleSet, OwnRules)

    def __init__(self) -> None:
        self.sets: list[RuleSet] = []
        self._place: dict[RuleSet, int] = {}
        self._base: dict[int, RuleSet] = {}
        self._own: dict[int, OwnRules] = {}
        self._values: dict[str, Floats] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Profiles(view.layout.patients, None)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._base[partition] = control
            self.table.profile[self.table.axis.of(partition)] = -1
        elif isinstance(control, OwnRules):
            self._own[patient] = control
            row = self.view.layout.patients.at(patient)
            if row >= 0:
                self.table.profile[row] = -1
        if len(self.sets) > 2 * (len(self._base) + len(self._own)) + _SPARE:
            self.sets, self._place, self._values = [], {}, {}
            self.table.profile[:] = -1

    def of(self, patient: int) -> RuleSet:
        """The rule set of a patient."""
        return merged(self._base.get(partition_of(patient), _NOTHING), self.layers(patient))

    def layers(self, patient: int) -> tuple[Layer, ...]:
        """The layers over the installation's set that hold for a patient."""
        own = self._own.get(patient)
        return () if own is None else layers_of(self._base.get(partition_of(patient), _NOTHING), own)

    def origin(self, patient: int, rule: str) -> str:
        """The layer from which a patient has a rule, in words; empty: it is the installation's."""
        return origin(self.layers(patient), rule) if patient in self._own else ""

    def profiles(self, rows: Ints) -> Cells:
        """The place in ``sets`` of the rule sets of some patients (columns int64 [n]), int32 [n]."""
        found = self.table.profile[rows]
        if (found < 0).any():
            self._look_up(np.unique(rows[found < 0]))
            found = self.table.profile[rows]
        return found

    def _look_up(self, rows: Ints) -> None:
        axis = self.view.layout.patients
        owner = axis.owner[rows]
        for partition in np.unique(owner).tolist():
            mine = rows[owner == partition]
            self.table.profile[mine] = self._intern(self._base.get(partition, _NOTHING))
            if self._own:
                people = axis.people(mine)
                for at in np.flatnonzero(np.isin(people, list(self._own))).tolist():
                    self.table.profile[mine[at]] = self._intern(self.of(int(people[at])))

    def _intern(self, rules: RuleSet) -> int:
        place = self._place.get(rules)
        if place is None:
            place = self._place[rules] = len(self.sets)
            self.sets.append(rules)
            self._values.clear()
        return place

    def groups(self, rows: Ints) -> Iterator[tuple[RuleSet, Ints]]:
        """(rule set, places in ``rows`` int64) of the different sets of some patients (columns int64 [n])."""
        profile = self.profiles(rows)
        kinds = np.unique(profile).tolist()
        for kind in kinds:
            yield self.sets[kind], np.arange(len(rows)) if len(kinds) == 1 else np.flatnonzero(profile == kind)

    def values(self, field: str, rows: Ints) -> Floats:
        """A number of the rule sets of some patients (columns int64 [n]), float64 [n]."""
        profile = self.profiles(rows)
        found = self._values.get(field)
        if found is None or len(found) < len(self.sets):
            found = self._values[field] = np.array([float(getattr(one, field)) for one in self.sets])
        chosen: Floats = found[profile] if len(found) else np.zeros(0)
        return chosen

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._base.pop(partition, None)
        for patient in patients:
            self._own.pop(patient, None)
