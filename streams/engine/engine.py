"""The engine: a pure function of the log.  ``Engine.advance(round)`` folds the next records and returns what they write.

A round holds the next records of some partitions.  Admission accepts records and readings.  Then the engine goes through the
seconds of the clocks in order, with all partitions that reach one together: it evaluates the second (windows, rollups,
stages), then it folds the records that stand in it.  The result does not depend on where the log is cut, on the order within
a record, or on which partitions share a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
import numpy as np

from devices.wire.batch import PARTITIONS, ClockQuality
from devices.wire.control import KINDS, Control, Enrolment, kind_of
from devices.wire.event import Event, Heartbeat
from streams.engine.admission.readings import AdmittedReadings, admit_events, admit_readings
from streams.engine.admission.senders import Admission, Admitted
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Ints, Rows, marked
from streams.engine.columns.keyed_axis import keys
from streams.engine.condition import Condition, Priority
from streams.engine.errors import NotTakenError
from streams.engine.round import Round
from streams.engine.schedule import Schedule, Usable
from streams.engine.series.latest import Latest
from streams.engine.series.layout import Layout
from streams.engine.series.ring import cells_of
from streams.engine.series.rollup import usable
from streams.engine.series.series import CONTINUOUS
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import Content, pack, restore
from streams.engine.snapshot.state import State
from streams.engine.stage import UNSET, Arrival, Moment, Stage, View
from streams.engine.timeline import STRETCH, Step, Timeline
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes

_UNKNOWN: Final = 0
"""In place of the second until which nothing can happen."""


@dataclass
class _Output:
    rollups: list[Rows] = field(default_factory=list)
    late: list[Rows] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)


class Beside(NamedTuple):
    """All that arrives beside usable samples, as :class:`streams.engine.stage.Arrival` has it."""

    unsure: Ints
    doubt: Bytes
    links: Ints
    beaten: Ints
    ahead: Ints
    full: Ints

    def at(self, doubts: slice | Ints, heartbeats: slice | Ints) -> Beside:
        beats = self.links[heartbeats], self.beaten[heartbeats], self.ahead[heartbeats], self.full[heartbeats]
        return Beside(self.unsure[doubts], self.doubt[doubts], *beats)


class Engine:
    """The state of the partitions that it was given with :meth:`take`, and the stages."""

    def __init__(self, stages: Sequence[Stage] = ()) -> None:
        self.layout = Layout()
        self.timeline = Timeline()
        self.admission = Admission(self.layout)
        self.latest = tuple(Latest(series.series) for series in self.layout.series_stores)
        self.stages = tuple(stages)
        self.view = View(self.layout, self.timeline)
        self.state = State(self.layout, self.timeline, self.admission)
        self._learners: dict[str, list[Stage]] = {}
        self._quiet_until = _UNKNOWN
        for stage in self.stages:
            stage.attach(self.view)
            for kind in stage.learns:
                self._learners.setdefault(KINDS[kind], []).append(stage)

    def expect(self, partitions: int) -> None:
        """Announce how many partitions will be held: the arrays get room for all when the first ones come."""
        self.layout.expect(partitions)

    def take(self, partition: int, content: Content | None, recall: Recall) -> None:
        """Hold a partition from now on: from its snapshot at offset S (:func:`streams.engine.snapshot.snapshot.unpack`;
        None: without a past) and the readings stored of records before S and measured since
        :func:`streams.engine.snapshot.snapshot.recalled`.

        Raises:
            StateUnreadableError: the snapshot was not made by these stages; the partition is not held.
        """
        if self.layout.held[partition]:
            self.drop(partition)
        self.layout.held[partition] = True
        self._quiet_until = _UNKNOWN
        if content is None:
            return
        try:
            restore(self.state, partition, content, recall, self._learners)
        except BaseException:
            self.drop(partition)
            raise

    def take_anew(self, partition: int, controls: Round) -> None:
        """Hold a partition of whose past only the control records are known: those that took effect before the log goes on.

        Windows count samples from now on.  The store computes all minutes that may begin before that
        (docs/decisions/0095-begun-anew.md).
        """
        self.take(partition, None, Recall())
        if len(controls.records):
            self.advance(controls)
        self.state.taken_anew.add(partition)

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        patients = self.layout.patients.people(self.layout.patients.of(partition)).tolist()
        for stage in self.stages:
            stage.drop(partition, patients)
        for part in (self.admission, self.state, self.timeline, self.layout):
            part.drop(partition)

    def snapshot(self, partition: int) -> bytes:
        """The small state of a partition after the last round."""
        if not self.layout.held[partition]:
            raise NotTakenError(partition)
        return pack(self.state, partition)

    def _learn(self, partition: int, patient: int, control: Control) -> None:
        self.state.remember(partition, patient, control)
        if isinstance(control, Enrolment):
            self.layout.set_intervals(patient, control)
        for stage in self._learners.get(kind_of(control), ()):
            stage.learn(partition, patient, control)

    def advance(self, batch: Round) -> Writes:
        """Fold a round; :class:`NotTakenError`, before anything is changed, if it holds records of a partition not taken."""
        records, partition = batch.records, batch.records["partition"]
        unknown = partition[~self.layout.held[partition]]
        if unknown.size:
            raise NotTakenError(int(unknown[0]))
        plan = self.timeline.plan(records)
        for one in self.state.taken_anew.intersection(partition.tolist()) if self.state.taken_anew else ():
            self.layout.dense.know_nothing(one, int(plan.clock[np.argmax(partition == one)]) // 1000)
            self.state.taken_anew.discard(one)
        admitted = self.admission.admit(batch)
        readings = admit_readings(batch, admitted, plan.clock)
        events, refused = admit_events(batch, admitted, plan.clock)
        samples, latest = self._find_series(batch, admitted, readings)
        heartbeats, beats, others = self._find_links(records, events)
        doubted = batch.record[readings.unsure].astype(np.int64)
        doubts = Beside(admitted.sender[doubted], readings.doubt, *beats)
        schedule = Schedule(
            plan,
            records,
            self.timeline.last_clock_record,
            samples=samples.record,
            unsure=doubted,
            heartbeats=heartbeats,
            controls=admitted.controls,
            events=others,
        )
        out = self._run(schedule, samples, doubts)
        rejected = [*batch.rejected, *admitted.rejected, *readings.rejected, *refused]
        return Writes(
            round=batch,
            accepted=readings.accepted,
            status=readings.status,
            rollups=np.concatenate([np.empty(0, ROLLUP), *out.rollups]),
            late=np.concatenate([np.empty(0, LATE), *out.late]),
            latest=latest,
            events=events,
            controls=admitted.controls,
            rejected=sorted(rejected, key=lambda one: (one.record, one.reading)),
            quarantined=readings.quarantined,
            conditions=sorted(out.conditions, key=lambda one: one.partition),  # seconds are in order within a partition
        )

    def _find_series(self, batch: Round, admitted: Admitted, readings: AdmittedReadings) -> tuple[Usable, Rows]:
        """The usable samples, and LATEST rows; columns do not move any more until the round is folded."""
        samples, status = batch.samples[readings.usable], readings.status[readings.usable]
        record = batch.record[readings.usable].astype(np.int64)
        vital, time, sender = samples["vital"], samples["time"].astype(np.int64), admitted.sender[record]
        column, continuous, second = self.layout.series(sender, vital), CONTINUOUS[vital], time // 1000
        cell = cells_of(*usable(samples["value"], vital, status), time - second * 1000)
        arrived = batch.records["append"][record].astype(np.int64)
        found = [np.empty(0, LATEST)]
        for latest, of_kind in zip(self.latest, (continuous, ~continuous), strict=True):
            if of_kind.any():
                at = marked(of_kind)
                found.append(latest.rows(column[at], samples[at], status[at], arrived[at]))
        return Usable(record, sender, column, continuous, second, cell, time, status), np.concatenate(found)

    def _find_links(
        self, records: Rows, events: list[tuple[int, Event]]
    ) -> tuple[Ints, tuple[Ints, Ints, Ints, Ints], list[tuple[int, Event]]]:
        """(records of heartbeats over known links; their ``links``, ``beaten``, ``ahead`` and ``full`` as
        :class:`streams.engine.stage.Arrival` has them; events other than heartbeats).
        """
        beats = [
            (at, event.at, event.full if event.full is not msgspec.UNSET else 0)
            for at, event in events
            if type(event) is Heartbeat
        ]
        record, beaten, full = np.array(beats, np.int64).reshape(-1, 3).T
        append, unset = records["append"][record].astype(np.int64), records["clock"][record] == ClockQuality.UNSURE
        ahead = np.where(unset, UNSET, beaten - append)
        beaten = np.where(unset, append, beaten)
        link = self.layout.links.find(keys(records["patient"][record], records["gateway"][record]))
        others = [one for one in events if type(one[1]) is not Heartbeat] if len(record) < len(events) else []
        known = link >= 0
        return record[known], (link[known], beaten[known], ahead[known], full[known]), others

    def _run(self, schedule: Schedule, samples: Usable, rest: Beside) -> _Output:
        """Go through the ticks of a round."""
        out = _Output()
        for tick in schedule.ticks:
            now = tick & (1 << STRETCH) - 1
            if tick in schedule.steps:
                before = len(out.rollups), len(out.late)
                self._evaluate(now, schedule.steps[tick], out)
                for rows in (*out.rollups[before[0] :], *out.late[before[1] :]):
                    rows["offset"] = schedule.offset(rows["partition"], tick)
            if tick in schedule.controls or tick in schedule.events:
                self._quiet_until = _UNKNOWN
            if tick in schedule.samples.ticks or tick in schedule.heartbeats.ticks or tick in schedule.unsure.ticks:
                self._quiet_until = _UNKNOWN
                more = rest.at(schedule.unsure.at(tick), schedule.heartbeats.at(tick))
                self._fold(now, samples, schedule.samples.at(tick), more)
            clock_records = schedule.clock_records.at(tick)
            self.timeline.last_clock_record[schedule.clock_partition[clock_records]] = schedule.silent_until[clock_records]
            for (partition, patient), control in schedule.controls.get(tick, ()):
                self._learn(partition, patient, control)
                for stage in self.stages:
                    stage.control(now, partition, patient, control)
            for (patient, device, gateway), event in schedule.events.get(tick, ()):
                for stage in self.stages:
                    stage.event(now, patient, device, gateway, event)
        return out

    def _fold(self, now: int, samples: Usable, at: slice | Ints, rest: Beside) -> None:
        column, continuous = samples.column[at], samples.continuous[at]
        second, cell = samples.second[at], samples.cell[at]
        for series, of_kind in zip(self.layout.series_stores, (continuous, ~continuous), strict=True):
            if of_kind.any():
                this = marked(of_kind)
                series.fold(now, column[this], second[this], cell[this])
        arrival = Arrival(now, samples.sender[at], samples.time[at], samples.status[at], column, continuous, *rest)
        for stage in self.stages:
            stage.arrive(arrival)

    def _evaluate(self, now: int, step: Step, out: _Output) -> None:
        for partition, former in step.set_back:
            self._set_back(partition, former, now)
        if step.passed:
            self._turn(now, _union(step.passed), NO_INTS, False, out)
        resumed = [partitions for partitions, _ in step.resumed]
        for partitions, passed in step.resumed:
            self.timeline.stalled_s[partitions] += passed
        if step.evaluated and not (resumed or step.set_back or step.passed) and self._quiet(now):
            self._pass(now, _union(step.evaluated), out)
        elif step.evaluated or resumed:
            self._turn(now, _union([*step.evaluated, *resumed]), _union(resumed), True, out)

    def _set_back(self, partition: int, former: int, now: int) -> None:
        for series in self.layout.series_stores:
            series.forget(partition, _member(partition), former, now)
        self.timeline.stalled_s[partition] += now - former
        self.state.unsettled.add(partition)
        for stage in self.stages:
            stage.set_back(partition, now)

    def _turn(self, now: int, partitions: Ints, recheck: Ints, decide: bool, out: _Output) -> None:
        """Second ``now`` begins for some partitions; those in ``recheck`` are looked at whole."""
        self._quiet_until = _UNKNOWN
        member = _member(partitions) if len(partitions) < np.count_nonzero(self.layout.held) else None
        found: list[Condition] = self._pipeline(now, partitions) if decide else []
        updates = []
        for series in self.layout.series_stores:
            new = series.turn(now, partitions, member, out.late, out.rollups)
            series.learn(new, self.timeline.stalled_s)
            updates.append(new)
        if decide:
            recheck = np.union1d(recheck, self.state.settle(partitions))
        moment = Moment(now, partitions, member, not decide, recheck, *updates)
        for stage in self.stages:
            found += stage.evaluate(moment)
        for series in self.layout.series_stores:
            series.enter(now, member)
        out.conditions += sorted(found, key=lambda one: (one.partition, one.of, one.rule, one.subject, one.source))

    def _quiet(self, now: int) -> bool:
        """True if nothing can happen at second ``now`` but that time passes."""
        if now < self._quiet_until:
            return True
        if self.state.unsettled:
            return False
        until = 1 << STRETCH
        for stage in self.stages:
            until = min(until, stage.idle_until(now))
            if until <= now:
                return False
        held = np.flatnonzero(self.layout.held)
        self._quiet_until = min(until, *(series.idle_until(now, held) for series in self.layout.series_stores))
        return now < self._quiet_until

    def _pass(self, now: int, partitions: Ints, out: _Output) -> None:
        """Second ``now`` passes, and nothing else happens."""
        member = _member(partitions) if len(partitions) < np.count_nonzero(self.layout.held) else None
        found = self._pipeline(now, partitions)
        self.layout.dense.pass_over(now, partitions, member)
        out.conditions += sorted(found, key=lambda one: one.partition)

    def _pipeline(self, now: int, partitions: Ints) -> list[Condition]:
        """A condition of each partition whose clock records stopped or came again."""
        stalled, resumed = self.timeline.tick(now, partitions)
        return [
            Condition(
                partition=partition,
                second=now,
                subject=partition,
                rule="pipeline_stopped",
                source=0,
                phase="onset" if partition in stalled else "end",
                priority=Priority.HIGH,
                category="technical",
                of="partition",
                measured=int(self.timeline.last_clock_record[partition]),
            )
            for partition in [*stalled.tolist(), *resumed.tolist()]
        ]


def _member(partitions: Ints | int) -> Bools:
    """Bool [PARTITIONS] that marks some partitions."""
    member = np.zeros(PARTITIONS, np.bool_)
    member[partitions] = True
    return member


def _union(parts: Sequence[Ints]) -> Ints:
    """The entries of disjoint arrays, ascending."""
    return parts[0] if len(parts) == 1 else np.sort(np.concatenate([NO_INTS, *parts]))
