"""Snapshots: the small state of one partition, as bytes of one version; and what is recalled from stored readings beside it.

The ring is not in it: its cells follow from the readings stored before the snapshot's offset.  Only after a clock was set
back they do not, until nothing of before is left in the ring: so long the snapshot carries the cells.

Closed minutes and hours are in it: a stored rollup may have been corrected since, a closed minute never is
(docs/decisions/0075-closed-minutes.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import cramjam
import msgspec
import numpy as np
import numpy.typing as npt

from devices.errors import BatchError
from devices.wire.control import KINDS, Control, Enrolment, decode_control, encode_control, kind_of
from streams.engine.admission.senders import Admission
from streams.engine.columns.arrays import Ints
from streams.engine.columns.axis import Axis
from streams.engine.columns.keyed_axis import KeyedAxis
from streams.engine.errors import StateUnreadableError
from streams.engine.series.due_later import DueLater
from streams.engine.series.layout import Layout
from streams.engine.series.ring import LONGEST
from streams.engine.snapshot.recall import Recall, refill
from streams.engine.timeline import Timeline

VERSION: Final = 5
_ENROLMENT: Final = KINDS[Enrolment]
_MAGIC: Final = b"vigil-engine"
_NOTHING: Final = 253_402_300_799_999


class Array(msgspec.Struct, frozen=True, array_like=True):
    """One numpy array."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @staticmethod
    def of(array: npt.NDArray[Any]) -> Array:
        return Array(array.dtype.str, array.shape, array.tobytes())

    def array(self) -> npt.NDArray[Any]:
        return np.frombuffer(self.data, np.dtype(self.dtype)).reshape(self.shape)


class Content(msgspec.Struct, frozen=True):
    """What a snapshot holds.  ``timeline``: clock, second, beat, lost, still.  ``tables``: by axis, then table, then field.
    ``waiting``: by name, (column within the slice, number, cell) by second.  ``controls``: JSON by kind and patient.
    ``cells``: the ring, where it cannot be recalled; ``exact_from``: the second from which it can.
    ``minute``: the last one that closed.
    """

    partition: int
    timeline: tuple[int, int, int, int, bool]
    used: dict[str, int]
    tables: dict[str, dict[str, dict[str, Array]]]
    waiting: dict[str, list[tuple[int, Array, Array, Array]]]
    controls: dict[str, dict[int, bytes]]
    seen: dict[int, int]
    exact_from: int
    minute: int
    unsettled: bool
    cells: Array | None = None


class Learner(Protocol):
    """Who keeps something of control records beside the tables: a stage."""

    def learn(self, partition: int, patient: int, control: Control) -> None: ...


class State:
    """What is packed beside the tables: control records as they stand, JSON by partition, kind and patient; and partitions
    in which the next evaluation looks at everything.
    """

    def __init__(self, layout: Layout, timeline: Timeline, admission: Admission) -> None:
        self.layout, self.timeline, self.admission = layout, timeline, admission
        self.controls: dict[int, dict[str, dict[int, bytes]]] = {}
        self._unsettled: set[int] = set()
        self.anew: set[int] = set()  # partitions that began without their past, of which no record has come since

    def remember(self, partition: int, patient: int, control: Control) -> None:
        mine = self.controls.setdefault(partition, {}).setdefault(kind_of(control), {})
        mine[patient] = encode_control(control)

    def unsettle(self, partition: int) -> None:
        """The next evaluation looks at everything in this partition."""
        self._unsettled.add(partition)

    def unsettled(self, partitions: Ints) -> Ints:
        """Which of these must be looked at whole; they are settled now."""
        found = self._unsettled.intersection(partitions.tolist())
        self._unsettled -= found
        return np.array(sorted(found), np.int64)

    def is_unsettled(self, partition: int) -> bool:
        return partition in self._unsettled

    def drop(self, partition: int) -> None:
        self.controls.pop(partition, None)
        self._unsettled.discard(partition)
        self.anew.discard(partition)


def _axes(layout: Layout) -> dict[str, Axis]:
    return {**layout.axes(), "dense": layout.dense.axis, "sparse": layout.sparse.axis}


def _waiting(layout: Layout) -> dict[str, tuple[DueLater, Axis]]:
    dense, sparse = layout.dense, layout.sparse
    return {
        "dense.changed": (dense.changed, dense.axis),
        "dense.older": (dense.older, dense.axis),
        "dense.late": (dense.late, dense.axis),
        "sparse.changed": (sparse.changed, sparse.axis),
        "sparse.ahead": (sparse.ahead, sparse.axis),
        "sparse.late": (sparse.late, sparse.axis),
    }


def pack(state: State, partition: int) -> bytes:
    """The snapshot of one partition."""
    layout, timeline = state.layout, state.timeline
    axes = _axes(layout)
    carried = int(timeline.second[partition]) < layout.dense.exact_from[partition]
    content = Content(
        partition,
        (
            int(timeline.clock[partition]),
            int(timeline.second[partition]),
            int(timeline.last_clock_record[partition]),
            int(timeline.stalled_s[partition]),
            bool(timeline.stalled[partition]),
        ),
        {name: int(axis.used[partition]) for name, axis in axes.items()},
        {
            name: {
                table: {key: Array.of(array) for key, array in columns.pack(axis.of(partition)).items()}
                for table, columns in axis.tables.items()
            }
            for name, axis in axes.items()
        },
        {name: _pack_waiting(waiting, axis, partition) for name, (waiting, axis) in _waiting(layout).items()},
        state.controls.get(partition, {}),
        dict(state.admission.seen.get(partition, {})),
        int(layout.dense.exact_from[partition]),
        int(layout.dense.closed.minute[partition]),
        state.is_unsettled(partition),
        Array.of(np.ascontiguousarray(layout.dense.ring.cells[:, layout.dense.axis.of(partition)])) if carried else None,
    )
    body = bytes(cramjam.zstd.compress(msgspec.msgpack.encode(content), level=1))
    return _MAGIC + VERSION.to_bytes(2, "little") + zlib.crc32(body).to_bytes(4, "little") + body


def unpack(state: bytes, partition: int) -> Content:
    """What a snapshot holds; :class:`StateUnreadableError` when it is damaged, or of another version or partition."""
    head = len(_MAGIC)
    if state[:head] != _MAGIC:
        raise StateUnreadableError("it is none")
    if int.from_bytes(state[head : head + 2], "little") != VERSION:
        raise StateUnreadableError("it is of another version")
    body = state[head + 6 :]
    if zlib.crc32(body).to_bytes(4, "little") != state[head + 2 : head + 6]:
        raise StateUnreadableError("it is damaged")
    try:
        content = msgspec.msgpack.decode(cramjam.zstd.decompress(body), type=Content)
    except (msgspec.DecodeError, cramjam.DecompressionError):
        raise StateUnreadableError("it is damaged") from None
    if content.partition != partition:
        raise StateUnreadableError("it is of another partition")
    return content


def recalled(content: Content) -> int:
    """ms: stored readings measured since then, of records before the snapshot's offset, are needed to put it back; the last
    instant of the year 9999 where none are.
    """
    second = content.timeline[1]
    return (second - LONGEST + 1) * 1000 if content.cells is None and second >= 0 else _NOTHING


def restore(
    state: State,
    partition: int,
    content: Content,
    recall: Recall,
    learners: Mapping[str, Sequence[Learner]],
) -> None:
    """Put a snapshot back; ``learners`` (by kind) are told the control records that stand."""
    layout, timeline = state.layout, state.timeline
    axes = _axes(layout)
    try:
        for array, value in zip(
            (timeline.clock, timeline.second, timeline.last_clock_record, timeline.stalled_s, timeline.stalled),
            content.timeline,
            strict=True,
        ):
            array[partition] = value
        state.admission.seen[partition] = dict(content.seen)
        layout.dense.exact_from[partition] = content.exact_from
        layout.dense.closed.minute[partition] = content.minute
        if content.unsettled:
            state.unsettle(partition)
        for name, axis in axes.items():
            axis.add(np.full(content.used[name], partition, np.int64))
        _unpack_tables(axes, partition, content)
        for axis in axes.values():
            if isinstance(axis, KeyedAxis):
                axis.reread(partition)
        state.controls[partition] = {kind: dict(of) for kind, of in content.controls.items()}
        for kind, of in content.controls.items():
            if kind == _ENROLMENT or kind in learners:
                _learn(state, partition, of, learners.get(kind, ()))
        for name, (waiting, axis) in _waiting(layout).items():
            for at, column, number, cell in content.waiting[name]:
                waiting.put(at, column.array() + axis.start[partition], number.array(), cell.array())
    except (LookupError, ValueError, TypeError, BatchError) as error:
        raise StateUnreadableError(f"{type(error).__name__} while it was put back") from error
    second = content.timeline[1]
    if second < 0:
        return
    if content.cells is not None:
        layout.dense.put_back(partition, second, content.cells.array())
    else:
        refill(layout, partition, second, recall)


def _learn(state: State, partition: int, payloads: Mapping[int, bytes], learners: Sequence[Learner]) -> None:
    """Control records of one kind, by patient."""
    for patient, payload in payloads.items():
        control = decode_control(payload)
        if isinstance(control, Enrolment):
            state.admission.enrolled[patient] = control
        for each in learners:
            each.learn(partition, patient, control)


def _unpack_tables(axes: dict[str, Axis], partition: int, content: Content) -> None:
    for name, axis in axes.items():
        for table, columns in axis.tables.items():
            packed = {key: array.array() for key, array in content.tables[name][table].items()}
            columns.unpack(axis.of(partition), packed)


def _pack_waiting(waiting: DueLater, axis: Axis, partition: int) -> list[tuple[int, Array, Array, Array]]:
    out = []
    for at in sorted(waiting.times()):
        column, number, cell = waiting.look(at, partition)
        if column.size:
            out.append((at, Array.of(column - axis.start[partition]), Array.of(number), Array.of(cell)))
    return out
