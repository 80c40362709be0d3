"""The tables, and what one committed round does to them: the meaning of the statements in :mod:`streams.store`, row by row.

It knows nothing of locks or sessions (:mod:`tests.simulation.database`).  ``test_tables.py`` holds it against PostgreSQL.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from alerts.fold.episode_rows import Subject
from alerts.life.case import key_of_condition
from devices.sample import SAMPLE, Samples, Status
from devices.wire.batch import PARTITIONS
from devices.wire.control import encode_control, kind_of
from devices.wire.event import encode_event
from streams.engine.columns.arrays import Ints
from streams.engine.condition import Condition
from streams.engine.series.rollup import recompute
from streams.engine.series.series import CONTINUOUS
from streams.engine.snapshot.recall import Recall
from streams.engine.writes import Writes
from streams.kafka.position import Appended
from streams.store.continue_after_loss import BEGUN_ANEW
from streams.store.damaged_keys import KeyFault, condition_of
from streams.store.store import RoundToStore
from streams.worker.recovery import Saved
from tests.simulation.alarms import Alarms
from tests.streams.engine.recall import recall_of

Row = tuple[Any, ...]
FIGURES: Final = ("n", "mean", "min", "max", "first", "last", "std", "slope", "poor")
DIFFERS: Final = "differs from the first copy"
Values = dict[int, tuple[float | None, int | None]]
"""By vital: value and status as stored, NULL for NaN and for ok."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A row of ``reading``; ``nth`` is its place in its record, which only the staging table knows."""

    patient: int
    time: int
    device: int
    epoch: int
    sequence: int
    arrived: int
    offset: int
    nth: int
    values: Values

    @property
    def key(self) -> Row:
        return self.patient, self.time, self.device, self.epoch, self.sequence

    def differs(self, other: Reading) -> bool:
        for vital in self.values.keys() | other.values.keys():
            (mine, code), (its, other_code) = self.values.get(vital, (None, None)), other.values.get(vital, (None, None))
            codes = {code or 0, other_code or 0}
            if mine != its or (len(codes) > 1 and Status.CLOCK_UNSURE not in codes):
                return True
        return False


@dataclass(slots=True)
class LedgerRow:
    topic_id: str
    next: int
    epoch: int = 0
    owner: int = 0
    last_append: int | None = None
    last_crc: int | None = None
    damage: str | None = None


@dataclass(slots=True)
class Tables:
    """Rows by their unique keys; ``readings_new`` are in the order of their storing."""

    reading: dict[Hashable, Reading] = field(default_factory=dict)
    event: dict[Row, Row] = field(default_factory=dict)
    rollup_minute: dict[Row, Row] = field(default_factory=dict)
    latest: dict[Row, Row] = field(default_factory=dict)
    control: dict[Row, Row] = field(default_factory=dict)
    rejected: dict[Row, Row] = field(default_factory=dict)
    quarantine: dict[Row, Row] = field(default_factory=dict)
    engine_state: dict[int, Saved] = field(default_factory=dict)
    ledger: dict[int, LedgerRow] = field(default_factory=dict)
    damaged_key: set[tuple[int, int]] = field(default_factory=set)
    alarms: Alarms = field(default_factory=Alarms)
    condition_waiting: list[Condition] = field(default_factory=list)

    def reading_key(self, row: Reading) -> Hashable:
        """What makes two readings one."""
        return row.key

    def store(
        self, todo: RoundToStore, topic_id: str, lost: Collection[int], held: Collection[Subject] = ()
    ) -> tuple[int, int]:
        """All that ``store_round`` writes between its check and its commit, except of the ``lost`` partitions: new readings
        and differing ones.  Somebody has ``held`` the episodes of these subjects for too long.
        """
        writes, of = todo.writes, todo.writes.round.records
        new, differing = self._readings(writes, lost)
        rollups = _newest(writes.rollups)
        self._rollups(rollups, lost)
        self._late(writes, lost)
        self._latest(writes, lost)
        for at, event in writes.events:
            one = of[at]
            if int(one["partition"]) not in lost:
                key = (int(one["patient"]), event.at, *(int(one[n]) for n in ("device", "epoch", "first", "gateway")))
                kind, value = str(event.__struct_config__.tag), encode_event(event)
                self.event.setdefault(key, (kind, value, int(one["append"]), int(one["offset"])))
        for at, control in writes.controls:
            one = of[at]
            if int(one["partition"]) not in lost:
                row = (int(one["patient"]), kind_of(control), int(one["epoch"]), int(one["first"]))
                key = int(one["partition"]), int(one["offset"])
                self.control.setdefault(key, (*row, encode_control(control), int(one["append"])))
        self._refused(todo, topic_id, differing, lost)
        for snapshot in todo.snapshots:
            if snapshot.partition not in lost:
                self.engine_state[snapshot.partition] = Saved(snapshot.offset, snapshot.state)
        stored = {move.partition for move in todo.moves} - set(lost)
        conditions = [one for one in self.condition_waiting if one.partition in stored]
        self.condition_waiting = [one for one in self.condition_waiting if one.partition not in stored]
        conditions += [one for one in writes.conditions if one.partition not in lost]
        conditions += [condition_of(one) for one in todo.keys if self._note_key(one, lost)]
        self.condition_waiting += [one for one in conditions if key_of_condition(one)[:2] in held]
        self.alarms.fold([one for one in conditions if key_of_condition(one)[:2] not in held])
        for move in todo.moves:
            if move.partition not in lost:
                its = self.ledger[move.partition]
                its.next, its.last_append, its.last_crc = move.next, move.append, move.crc
        return new, len(differing)

    def _note_key(self, one: KeyFault, lost: Collection[int]) -> bool:
        sender, changed = (one.patient, one.gateway), one.partition not in lost
        changed &= (sender not in self.damaged_key) == one.damaged
        if changed:
            (self.damaged_key.add if one.damaged else self.damaged_key.discard)(sender)
        return changed

    def controls_before(self, partition: int, before: int) -> list[tuple[int, int, int, int, int, str]]:
        """(patient, offset, epoch, sequence, took effect ms, payload) of the controls before an offset, in their order."""
        rows = sorted((key[1], row) for key, row in self.control.items() if key[0] == partition and key[1] < before)
        return [(row[0], at, row[2], row[3], row[5], row[4].decode()) for at, row in rows]

    def go_on(self, topic_id: str, starts: Mapping[int, int], last: Mapping[int, Appended | None]) -> None:
        """See :func:`streams.store.continue_after_loss.go_on`, for a topic that was made again."""
        for partition, start in starts.items():
            row = self.ledger[partition]
            below = max(row.next - start, 0)
            self.control = {(p, at - below if p == partition else at): control for (p, at), control in self.control.items()}
            if below:
                for key, reading in self.reading.items():
                    if reading.patient % PARTITIONS == partition:
                        self.reading[key] = replace(reading, offset=min(reading.offset, start - 1))
                for minute, figures in self.rollup_minute.items():
                    if minute[0] % PARTITIONS == partition:
                        self.rollup_minute[minute] = (*figures[:-1], min(figures[-1], start - 1))
            before = last.get(partition)
            row.topic_id, row.next, row.epoch, row.damage = topic_id, start, row.epoch + 1, None
            row.last_append = row.last_append if before is None else before.append
            row.last_crc = None if before is None else before.crc
            self.engine_state[partition] = Saved(start, BEGUN_ANEW)

    def stored(self, partition: int, since: int, before: int) -> Recall:
        """See :func:`streams.store.recall.stored_since`."""
        known = {patient for patient, _, _ in self.latest}
        return recall_of(*_samples(
            (row, vital)
            for row in self.reading.values()
            if row.patient in known and row.patient % PARTITIONS == partition and row.time >= since and row.offset < before
            for vital in row.values
            if CONTINUOUS[vital]
        ))  # fmt: skip

    def _readings(self, writes: Writes, lost: Collection[int]) -> tuple[int, list[tuple[int, int, int]]]:
        new, staged = 0, [row for row in _wide(writes) if row.patient % PARTITIONS not in lost]
        for row in staged:
            key = self.reading_key(row)
            if key not in self.reading:
                self.reading[key] = row
                new += 1
        if new == len(staged):
            return new, []
        first = {row.key: row for row in reversed(self.reading.values())}
        differing = sorted(
            (row.patient % PARTITIONS, row.offset, row.nth)
            for row in staged
            if first[row.key].offset != row.offset and first[row.key].differs(row)
        )
        return new, differing

    def _rollups(self, rows: Any, lost: Collection[int]) -> None:
        for row in rows:
            patient, vital, device, minute = (int(row[n]) for n in ("patient", "vital", "device", "minute"))
            if patient % PARTITIONS not in lost:
                figures = tuple(_null(row[name].item()) for name in FIGURES)
                self.rollup_minute[patient, vital, device, minute * 60_000] = (*figures, int(row["offset"]))

    def _late(self, writes: Writes, lost: Collection[int]) -> None:
        late = _newest(writes.late)
        late = late[~np.isin(late["partition"], list(lost))]
        if not len(late):
            return
        names = ("patient", "device", "vital", "minute")
        before = {tuple(int(one[n]) for n in names): int(one["offset"]) for one in late}
        found = _samples(
            (row, vital)
            for row in self.reading.values()
            for vital in row.values
            if row.offset < before.get((row.patient, row.device, vital, row.time // 60_000), 0)
        )
        self._rollups(recompute(late, *found), lost)

    def _latest(self, writes: Writes, lost: Collection[int]) -> None:
        def rank(row: Row) -> tuple[int, bool, float]:
            return row[0], row[2] == 0, -math.inf if row[1] is None else row[1]

        for one in writes.latest:
            key = tuple(int(one[n]) for n in ("patient", "vital", "device"))
            row = (int(one["time"]), _null(one["value"].item()), int(one["status"]), int(one["arrived"]))
            if key[0] % PARTITIONS not in lost and (key not in self.latest or rank(row) > rank(self.latest[key])):
                self.latest[key] = row

    def _refused(
        self, todo: RoundToStore, topic_id: str, differing: list[tuple[int, int, int]], lost: Collection[int]
    ) -> None:
        of = todo.writes.round.records
        for one in todo.writes.rejected:
            place = (int(of["partition"][one.record]), int(of["offset"][one.record]), one.reading)
            if place[0] not in lost:
                whole = todo.values[one.record] if one.reading < 0 else None
                self.rejected.setdefault((topic_id, *place), (one.reason, whole))
        for place in differing:
            self.rejected.setdefault((topic_id, *place), (DIFFERS, None))
        for record, code in todo.writes.quarantined:
            row = of[record]
            if int(row["partition"]) not in lost:
                who = tuple(int(row[n]) for n in ("patient", "device", "gateway"))
                key = (topic_id, int(row["partition"]), int(row["offset"]))
                self.quarantine.setdefault(key, (code, *who, todo.values[record]))


def _null(value: float) -> float | None:
    return None if value != value else value


def _wide(writes: Writes) -> list[Reading]:
    """Kept samples as rows, in the order of the log."""
    rows: dict[tuple[int, int], Reading] = {}
    samples, record, of = writes.round.samples, writes.round.record, writes.round.records
    for at in np.flatnonzero(writes.accepted).tolist():
        one, where = samples[at], int(record[at])
        nth, head = int(one["reading"]), of[where]
        row = rows.get((where, nth))
        if row is None:
            row = rows[where, nth] = Reading(
                int(head["patient"]), int(one["time"]), int(head["device"]), int(head["epoch"]), int(head["first"]) + nth,
                int(head["append"]), int(head["offset"]), nth, {},
            )  # fmt: skip
        row.values[int(one["vital"])] = (_null(one["value"].item()), int(writes.status[at]) or None)
    return [rows[key] for key in sorted(rows)]


def _newest(rows: Any) -> Any:
    """Of minutes computed twice in a round, the later."""
    found: dict[Row, int] = {}
    for at in np.lexsort((rows["second"], rows["offset"])).tolist():
        found[tuple(int(rows[at][n]) for n in ("patient", "vital", "device", "minute"))] = at
    return rows[sorted(found.values())]


def _samples(found: Iterator[tuple[Reading, int]]) -> tuple[Samples, Ints, Ints]:
    """(SAMPLE [k], patients, devices) of pairs of a reading and a vital that it holds."""
    pairs = list(found)
    samples = np.zeros(len(pairs), SAMPLE)
    for at, (row, vital) in enumerate(pairs):
        value, status = row.values[vital]
        samples[at] = (row.time, math.nan if value is None else value, vital, status or 0, 0)
    numbers = np.array([(row.patient, row.device) for row, _ in pairs], np.int64).reshape(-1, 2)
    return samples, numbers[:, 0], numbers[:, 1]
