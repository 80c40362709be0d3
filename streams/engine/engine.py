"""The engine: a pure function of the log.  ``Engine.advance(round)`` folds the next records and returns what they write.

A round holds the next records of some partitions.  Admission and vetting say what counts; then the seconds of the clocks are
gone through in order, all partitions that reach one together: first the second is evaluated (windows, rollups, stages), then
the records that stand in it are folded.  All that is here is independent of where the log is cut, of the order within a
record, and of which partitions share a round.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from devices.wire.batch import PARTITIONS, Kind
from devices.wire.control import KINDS, Control, kind_of
from devices.wire.event import Event, Heartbeat
from streams.engine.admission.readings import Vetted, vet, vet_events
from streams.engine.admission.senders import Admission
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Cells, Ints, Rows
from streams.engine.columns.keyed_axis import keys
from streams.engine.condition import Condition, Priority
from streams.engine.errors import NotTakenError
from streams.engine.round import Round
from streams.engine.series.latest import Latest
from streams.engine.series.layout import Layout
from streams.engine.series.ring import cells_of
from streams.engine.series.rollup import usable
from streams.engine.series.updates import CONTINUOUS
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import Content, State, pack, restore
from streams.engine.stage import Arrival, Moment, Stage, View
from streams.engine.timeline import MINUTE_MS, Step, Stretch, Timeline
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes


@dataclass
class _Output:
    rollups: list[Rows] = field(default_factory=list)
    late: list[Rows] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Folding:
    """The usable samples of a round, and where they go, all [n]; and its heartbeats, [k]: ``beat``, their records, and
    ``link``, their columns.
    """

    record: Ints
    sender: Ints
    column: Ints
    continuous: Bools
    second: Ints
    cell: Cells
    time: Ints
    status: Bytes
    beat: Ints
    link: Ints


class Engine:
    """Holds the state of the partitions it was given with :meth:`take`."""

    def __init__(self, stages: Sequence[Stage] = ()) -> None:
        self.layout = Layout()
        self.timeline = Timeline()
        self.admission = Admission(self.layout)
        self.latest = (Latest(self.layout.dense.axis), Latest(self.layout.sparse.axis))
        self.stages = tuple(stages)
        self.view = View(self.layout, self.timeline)
        self.state = State(self.layout, self.timeline, self.admission)
        self._learners: dict[str, list[Stage]] = {}
        for stage in self.stages:
            stage.attach(self.view)
            for kind in stage.learns:
                self._learners.setdefault(KINDS[kind], []).append(stage)

    def expect(self, partitions: int) -> None:
        """So many partitions will be held before long: room is made for all when the first ones come."""
        self.layout.expect(partitions)

    def take(self, partition: int, content: Content | None, recall: Recall) -> None:
        """Hold a partition from now on: from its snapshot at offset S (:func:`streams.engine.snapshot.snapshot.unpack`;
        None: from nothing) and the stored readings of before S from :func:`streams.engine.snapshot.snapshot.recalled` on.

        Raises:
            StateUnreadableError: the snapshot was not made by these stages; the partition is not held.
        """
        if self.layout.held[partition]:
            self.drop(partition)
        self.layout.held[partition] = True
        if content is None:
            return
        try:
            restore(self.state, partition, content, recall, self._learners)
        except BaseException:
            self.drop(partition)
            raise

    def take_anew(self, partition: int, controls: Round) -> None:
        """Hold a partition of whose past only the control records are known, which took effect before the log goes on.

        Windows count what comes from now on.  Until nothing older can be in the ring, minutes are left to the store, which
        has all of them (docs/decisions/0095-begun-anew.md).
        """
        self.take(partition, None, Recall())
        if len(controls.records):
            self.advance(controls)
        self.state.anew.add(partition)

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        patients = self.layout.patients.people(self.layout.patients.of(partition)).tolist()
        for stage in self.stages:
            stage.drop(partition, patients)
        self.admission.drop(partition)
        self.state.drop(partition)
        self.timeline.drop(partition)
        self.layout.drop(partition)

    def snapshot(self, partition: int) -> bytes:
        """The small state of a partition as it stands after the last round."""
        if not self.layout.held[partition]:
            raise NotTakenError(partition)
        return pack(self.state, partition)

    def _learn(self, partition: int, patient: int, control: Control) -> None:
        self.state.remember(partition, patient, control)
        for stage in self._learners.get(kind_of(control), ()):
            stage.learn(partition, patient, control)

    def advance(self, batch: Round) -> Writes:
        """Fold a round.  Partitions that were not taken raise :class:`NotTakenError`, before anything is changed."""
        records = batch.records
        strange = ~self.layout.held[records["partition"]]
        if strange.any():
            raise NotTakenError(int(records["partition"][np.flatnonzero(strange)[0]]))
        clocks, stretches = self.timeline.plan(records)
        for partition in self.state.anew.intersection(records["partition"].tolist()) if self.state.anew else ():
            self.layout.dense.know_nothing(partition, int(clocks[np.argmax(records["partition"] == partition)]) // 1000)
            self.state.anew.discard(partition)
        admitted = self.admission.admit(batch)
        vetted = vet(batch, admitted, clocks)
        events, refused = vet_events(batch, admitted, clocks)
        beating = [type(event) is Heartbeat for _, event in events]
        beat = np.fromiter((at for at, _ in itertools.compress(events, beating)), np.int64)
        others = [one for one, beats in zip(events, beating, strict=True) if not beats] if len(beat) < len(events) else []
        folding, latest = self._prepare(batch, admitted.sender, vetted, beat)
        out = _Output()
        for stretch in stretches:
            self._set_back(stretch)
            told = len(out.rollups), len(out.late)
            self._run(stretch, records, clocks, folding, admitted.controls, others, out)
            _date(stretch, records, [*out.rollups[told[0] :], *out.late[told[1] :]])
        return Writes(
            round=batch,
            keep=vetted.keep,
            status=vetted.status,
            rollups=np.concatenate(out.rollups) if out.rollups else np.empty(0, ROLLUP),
            late=np.concatenate(out.late) if out.late else np.empty(0, LATE),
            latest=latest,
            events=events,
            controls=admitted.controls,
            rejected=sorted(
                [*batch.rejected, *admitted.rejected, *vetted.rejected, *refused], key=lambda one: (one.record, one.reading)
            ),
            quarantined=vetted.quarantined,
            conditions=sorted(out.conditions, key=lambda one: one.partition),  # seconds are in order within a partition
        )

    def _prepare(self, batch: Round, sender: Ints, vetted: Vetted, beat: Ints) -> tuple[_Folding, Rows]:
        """Find the series of all usable samples; columns do not move any more until the round is folded."""
        chosen, which = batch.samples[vetted.usable], batch.record[vetted.usable].astype(np.int64)
        status, vital = vetted.status[vetted.usable], chosen["vital"]
        who = sender[which]
        column = self.layout.series(who, vital)
        continuous = CONTINUOUS[vital]
        arrived = batch.records["append"][which].astype(np.int64)
        latest = []
        for table, series, mine in (
            (self.latest[0], self.layout.dense.series, continuous),
            (self.latest[1], self.layout.sparse.series, ~continuous),
        ):
            if mine.all():
                latest.append(table.rows(series, column, chosen, status, arrived))
            elif mine.any():
                latest.append(table.rows(series, column[mine], chosen[mine], status[mine], arrived[mine]))
        time = chosen["time"].astype(np.int64)
        second = time // 1000
        fixed, good = usable(chosen["value"], vital, status)
        cell = cells_of(fixed, good, time - second * 1000)
        link = self.layout.links.find(keys(batch.records["patient"][beat], batch.records["gateway"][beat]))
        folding = _Folding(which, who, column, continuous, second, cell, time, status, beat[link >= 0], link[link >= 0])
        return folding, np.concatenate(latest) if latest else np.empty(0, LATEST)

    def _set_back(self, stretch: Stretch) -> None:
        for partition, (old, new) in stretch.set_back.items():
            member = np.zeros(PARTITIONS, np.bool_)
            member[partition] = True
            self.layout.dense.forget(partition, member, old, new)
            self.layout.sparse.forget(partition, member, new)
            self.timeline.stalled_s[partition] += new - old
            self.state.unsettle(partition)
            for stage in self.stages:
                stage.set_back(partition, new)

    def _run(
        self,
        stretch: Stretch,
        records: Rows,
        clocks: Ints,
        folding: _Folding,
        controls: list[tuple[int, Control]],
        events: list[tuple[int, Event]],
        out: _Output,
    ) -> None:
        """Go through the seconds of one stretch."""
        standing = np.full(len(records), -1, np.int64)
        standing[stretch.records] = stretch.second
        at = standing[folding.record]
        order = None if at.size and at[0] >= 0 and (at == at[0]).all() else np.argsort(at, kind="stable")
        groups = _groups(at if order is None else at[order])
        heard = standing[folding.beat]
        by_second = np.argsort(heard, kind="stable")
        link, links = folding.link[by_second], _groups(heard[by_second])
        beats = self._beats(stretch, records)
        beat_groups = _groups(stretch.second[beats])
        said: dict[int, list[tuple[int, int, Control]]] = {}
        happened: dict[int, list[tuple[int, Event]]] = {}
        told = np.array([record for record, _ in controls], np.int64)
        about = records[["partition", "patient"]][told].tolist()
        for second, (partition, patient), (_, control) in zip(standing[told].tolist(), about, controls, strict=True):
            said.setdefault(second, []).append((partition, patient, control))
        for record, event in events:
            happened.setdefault(int(standing[record]), []).append((record, event))
        for now in sorted({*stretch.steps, *groups, *links, *beat_groups, *said, *happened} - {-1}):
            if now in stretch.steps:
                self._evaluate(now, stretch.steps[now], out)
            if now in groups or now in links:
                span = slice(*groups.get(now, (0, 0)))
                self._fold(now, folding, span if order is None else order[span], link[slice(*links.get(now, (0, 0)))])
            if now in beat_groups:
                which = stretch.records[beats[slice(*beat_groups[now])]]
                minutes = np.where(records["kind"][which] == Kind.CLOCK, records["count"][which].astype(np.int64), 0)
                self.timeline.last_clock_record[records["partition"][which]] = clocks[which] + minutes * MINUTE_MS
            for partition, patient, control in said.get(now, ()):
                self._control(now, partition, patient, control)
            for record, event in happened.get(now, ()):
                who = records[record]
                patient, device, gateway = int(who["patient"]), int(who["device"]), int(who["gateway"])
                for stage in self.stages:
                    stage.event(now, patient, device, gateway, event)

    def _beats(self, stretch: Stretch, records: Rows) -> Ints:
        """Positions in the stretch of clock records and of the very first record of a partition, by second."""
        partition = records["partition"][stretch.records]
        first = np.append(True, partition[1:] != partition[:-1])[: len(partition)] & (
            self.timeline.last_clock_record[partition] < 0
        )
        found = np.flatnonzero((records["kind"][stretch.records] == Kind.CLOCK) | first)
        return found[np.argsort(stretch.second[found], kind="stable")]

    def _fold(self, now: int, folding: _Folding, which: slice | Ints, links: Ints) -> None:
        column, continuous = folding.column[which], folding.continuous[which]
        second, cell = folding.second[which], folding.cell[which]
        if continuous.all():
            self.layout.dense.fold(now, column, second, cell)
        else:
            episodic = ~continuous
            self.layout.dense.fold(now, column[continuous], second[continuous], cell[continuous])
            self.layout.sparse.fold(now, column[episodic], second[episodic], cell[episodic])
        arrival = Arrival(now, folding.sender[which], folding.time[which], folding.status[which], links)
        for stage in self.stages:
            stage.arrive(arrival)

    def _control(self, now: int, partition: int, patient: int, control: Control) -> None:
        self._learn(partition, patient, control)
        for stage in self.stages:
            stage.control(now, partition, patient, control)

    def _evaluate(self, now: int, step: Step, out: _Output) -> None:
        if step.passed:
            self._turn(now, _union(step.passed), NO_INTS, False, out)
        again = [which for which, _ in step.resumed]
        for which, passed in step.resumed:
            self.timeline.stalled_s[which] += passed
        if step.evaluated or again:
            self._turn(now, _union([*step.evaluated, *again]), _union(again), True, out)

    def _turn(self, now: int, partitions: Ints, again: Ints, decide: bool, out: _Output) -> None:
        member = None
        if len(partitions) < np.count_nonzero(self.layout.held):
            member = np.zeros(PARTITIONS, np.bool_)
            member[partitions] = True
        found: list[Condition] = self._pipeline(now, partitions) if decide else []
        updates = []
        for store in (self.layout.dense, self.layout.sparse):
            one = store.turn(now, partitions, member, out.late, out.rollups)
            store.newest.learn(one, store.series.vital, self.timeline.stalled_s[store.axis.owner[one.column]])
            updates.append(one)
        again = np.union1d(again, self.state.unsettled(partitions)) if decide else again
        moment = Moment(now, partitions, member, not decide, again, updates[0], updates[1])
        for stage in self.stages:
            found += stage.evaluate(moment)
        for store in (self.layout.dense, self.layout.sparse):
            store.enter(now, member)
        out.conditions += sorted(found, key=lambda one: (one.partition, one.of, one.rule, one.subject, one.source))

    def _pipeline(self, now: int, partitions: Ints) -> list[Condition]:
        """One condition of the partition while its clock records have stopped."""
        stopped, going = self.timeline.tick(now, partitions)
        return [
            Condition(
                partition,
                now,
                partition,
                "pipeline_stopped",
                0,
                "onset" if partition in stopped else "end",
                Priority.HIGH,
                "technical",
                of="partition",
                measured=int(self.timeline.last_clock_record[partition]),
            )
            for partition in [*stopped.tolist(), *going.tolist()]
        ]


def _groups(ordered: Ints) -> dict[int, tuple[int, int]]:
    """{value: (first, after last)} of ascending int64 [n], negative ones left out."""
    if not ordered.size:
        return {}
    cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(ordered)]
    return {int(ordered[a]): (a, b) for a, b in itertools.pairwise(cuts) if ordered[a] >= 0}


def _date(stretch: Stretch, records: Rows, told: Sequence[Rows]) -> None:
    """Say of rows by which record's coming they were computed, in place."""
    if not told:
        return
    stands = records["partition"][stretch.records].astype(np.int64) << 40 | stretch.second
    order = np.argsort(stands, kind="stable")
    offset = records["offset"][stretch.records[order]]
    for rows in told:
        rows["offset"] = offset[np.searchsorted(stands[order], rows["partition"].astype(np.int64) << 40 | rows["second"])]


def _union(parts: Sequence[Ints]) -> Ints:
    """Ascending; the parts share nothing."""
    if not parts:
        return NO_INTS
    return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
