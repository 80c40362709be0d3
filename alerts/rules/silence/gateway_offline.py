"""Gateway offline: a gateway that serves a patient has sent no heartbeat for ``RuleSet.gateway_offline_s``.

Heartbeats count when they were appended, by the engine's clock; in seconds that do not count (the pipeline stood still) no
gateway grows older.  One condition for each patient served, source = gateway.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.pausing import Pausing
from alerts.rules.silence.technical import technical
from devices.wire.batch import PARTITIONS
from devices.wire.control import Control, Enrolment, Pauses, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition
from streams.engine.stage import Arrival, Moment, View

RULE: Final = "gateway_offline"
_DEFAULT: Final = RuleSet(version=0).gateway_offline_s


class Links(Columns):
    """Per (patient, gateway).  ``heard`` and ``back`` int64: active second of the last heartbeat, and of the one that ended
    the last absence; ``paused`` int64: clock second.
    """

    FIELDS: ClassVar = {
        "watched": Field(np.bool_, False),
        "active": Field(np.bool_, False),
        "heard": Field(np.int64, 0),
        "back": Field(np.int64, 0),
        "paused": Field(np.int64, 0),
    }
    watched: Bools
    active: Bools
    heard: Ints
    back: Ints
    paused: Ints


class GatewayOffline:
    """A :class:`streams.engine.stage.Stage`."""

    learns: Collection[type[Control]] = (RuleSet, Pauses)
    links: Links
    view: View

    def __init__(self) -> None:
        self._pausing = Pausing()
        self._after: Ints = np.full(PARTITIONS, _DEFAULT, np.int64)

    def attach(self, view: View) -> None:
        self.view, self.links = view, Links(view.layout.links, RULE)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._after[partition] = control.gateway_offline_s
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, Enrolment):
            self._watch(now, partition, patient, control.gateways)
        elif isinstance(control, Pauses):
            self.links.paused[self.view.layout.links.of_patient(patient)] = self._pausing.until(patient, RULE)

    def _watch(self, now: int, partition: int, patient: int, gateways: Sequence[int]) -> None:
        """A gateway that comes to serve a patient counts as heard now."""
        links = self.links
        for column in self.view.layout.links.of_patient(patient).tolist():
            wanted = int(self.view.layout.links.others(slice(column, column + 1))[0]) in gateways
            if wanted and not links.watched[column]:
                links.heard[column] = self.view.timeline.active(now, partition)
            links.watched[column] = wanted
            links.paused[column] = self._pausing.until(patient, RULE)

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """Only heartbeats prove that a gateway lives."""

    def arrive(self, arrival: Arrival) -> None:
        """Samples prove nothing about a gateway: they may be a backlog that another one brought."""
        lost = self.view.timeline.stalled_s[self.view.layout.links.owner[arrival.links]]
        self.links.heard[arrival.links] = arrival.now - lost

    def set_back(self, partition: int, now: int) -> None:
        """Running time goes on."""

    def evaluate(self, moment: Moment) -> list[Condition]:
        if not moment.decide:
            return []
        axis, links = self.view.layout.links, self.links
        columns, mask = axis.span(moment.partitions, moment.member)
        owner = axis.owner[columns]
        age = moment.now - self.view.timeline.stalled_s[owner] - links.heard[columns]
        wanted = links.watched[columns] & (age > self._after[owner]) & (links.paused[columns] <= moment.now)
        changed = wanted != links.active[columns]
        if mask is not None:
            changed &= mask
        out = []
        for column in (np.flatnonzero(changed) + columns.start).tolist():
            begins = bool(wanted[column - columns.start])
            links.active[column] = begins
            if not begins:
                links.back[column] = links.heard[column]
            one = slice(column, column + 1)
            patient, gateway = int(axis.people(one)[0]), int(axis.others(one)[0])
            out.append(technical(int(axis.owner[column]), moment.now, patient, RULE, gateway, begins=begins))
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        self._after[partition] = _DEFAULT
