"""Snapshots: the small state of one partition, as bytes of one version, and the readings that it needs beside them.

A snapshot does not hold the ring: its cells follow from the readings stored before the snapshot's offset.  After a clock was
set back they do not; the snapshot carries the cells until nothing measured before that is left in the ring.

A snapshot holds closed minutes and hours: a late sample may correct a stored rollup, but never a closed minute
(docs/decisions/0075-closed-minutes.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol

import cramjam
import msgspec
import numpy as np
import numpy.typing as npt

from devices.errors import BatchError
from devices.wire.control import KINDS, Control, Enrolment, decode_control
from streams.engine.errors import StateUnreadableError
from streams.engine.series.due_later import DueLater
from streams.engine.series.layout import Layout
from streams.engine.series.ring import LONGEST
from streams.engine.snapshot.recall import Recall, refill
from streams.engine.snapshot.state import State

VERSION: Final = 6
_ENROLMENT: Final = KINDS[Enrolment]
_MAGIC: Final = b"vigil-engine"
_LAST_MS: Final = 253_402_300_799_999
_DUE_LATER: Final = ("dense.changed", "dense.older", "dense.late", "sparse.changed", "sparse.ahead", "sparse.late")
Array = npt.NDArray[Any]


class Content(msgspec.Struct, frozen=True):
    """The content of a snapshot.

    ``timeline``: the partition's entry in each array of :class:`streams.engine.timeline.Timeline`.  ``used``: columns by
    axis.  ``tables``: arrays by axis, table and field.  ``due_later``: by name, (second, column within the slice, number,
    cell).  ``controls``: JSON by kind and patient.  ``seen``: the last sequence by epoch of the desk.  ``exact_from``: the
    second from which the ring can be recalled; ``cells``: the ring before that.  ``minute``: the last one that closed.
    """

    partition: int
    timeline: tuple[int | bool, ...]
    used: dict[str, int]
    tables: dict[str, dict[str, dict[str, Array]]]
    due_later: dict[str, list[tuple[int, Array, Array, Array]]] = msgspec.field(name="waiting")
    controls: dict[str, dict[int, bytes]]
    seen: dict[int, int]
    exact_from: int
    minute: int
    unsettled: bool
    cells: Array | None = None

    @property
    def second(self) -> int:
        """The second of the partition's last record, -1 where there was none."""
        return self.timeline[1]


class Learner(Protocol):
    """A stage, which may keep a part of control records beside the tables."""

    def learn(self, partition: int, patient: int, control: Control) -> None: ...


def pack(state: State, partition: int) -> bytes:
    """The snapshot of one partition."""
    dense, axes = state.layout.dense, state.layout.axes
    timeline = tuple(array[partition].item() for array in state.timeline.arrays)
    exact_from = int(dense.exact_from[partition])
    content = Content(
        partition=partition,
        timeline=timeline,
        used={name: int(axis.used[partition]) for name, axis in axes.items()},
        tables={name: axis.pack(partition) for name, axis in axes.items()},
        due_later={name: entries.pack(partition) for name, entries in _due_later(state.layout).items()},
        controls=state.controls.get(partition, {}),
        seen=state.admission.seen.get(partition, {}),
        exact_from=exact_from,
        minute=int(dense.closed.minute[partition]),
        unsettled=partition in state.unsettled,
        cells=dense.ring.cells[:, dense.axis.of(partition)] if timeline[1] < exact_from else None,
    )
    body = bytes(cramjam.zstd.compress(msgspec.msgpack.encode(content, enc_hook=_encode), level=1))
    return _MAGIC + VERSION.to_bytes(2, "little") + zlib.crc32(body).to_bytes(4, "little") + body


def unpack(state: bytes, partition: int) -> Content:
    """The content of a snapshot; :class:`StateUnreadableError` when it is damaged, or of another version or partition."""
    head = len(_MAGIC)
    if state[:head] != _MAGIC:
        raise StateUnreadableError("it is none")
    if int.from_bytes(state[head : head + 2], "little") != VERSION:
        raise StateUnreadableError("it is of another version")
    body = state[head + 6 :]
    if zlib.crc32(body).to_bytes(4, "little") != state[head + 2 : head + 6]:
        raise StateUnreadableError("it is damaged")
    try:
        content = msgspec.msgpack.decode(cramjam.zstd.decompress(body), type=Content, dec_hook=_decode)
    except (msgspec.DecodeError, cramjam.DecompressionError):
        raise StateUnreadableError("it is damaged") from None
    if content.partition != partition:
        raise StateUnreadableError("it is of another partition")
    return content


def recalled(content: Content) -> int:
    """The time in ms from which on stored readings, of records before the snapshot's offset, are needed to restore it; the
    last one of the year 9999 where none are.
    """
    return (content.second - LONGEST + 1) * 1000 if content.cells is None and content.second >= 0 else _LAST_MS


def restore(
    state: State, partition: int, content: Content, recall: Recall, learners: Mapping[str, Sequence[Learner]]
) -> None:
    """Put a snapshot back; ``learners`` (by kind) learn the control records in force.  :class:`StateUnreadableError` when it
    does not fit; a part of it is then put back.
    """
    layout = state.layout
    try:
        for array, value in zip(state.timeline.arrays, content.timeline, strict=True):
            array[partition] = value
        state.admission.seen[partition] = dict(content.seen)
        layout.dense.exact_from[partition] = content.exact_from
        layout.dense.closed.minute[partition] = content.minute
        if content.unsettled:
            state.unsettled.add(partition)
        for name, axis in layout.axes.items():
            axis.add(np.full(content.used[name], partition, np.int64))
        for name, axis in layout.axes.items():
            axis.unpack(partition, content.tables[name])
        state.controls[partition] = {kind: dict(by_patient) for kind, by_patient in content.controls.items()}
        _learn(state, partition, learners)
        for name, entries in _due_later(layout).items():
            entries.unpack(partition, content.due_later[name])
    except (LookupError, ValueError, TypeError, BatchError) as error:
        raise StateUnreadableError(f"{type(error).__name__} while it was put back") from error
    if content.second >= 0:
        if content.cells is not None:
            layout.dense.put_back(partition, content.second, content.cells)
        else:
            refill(layout, partition, content.second, recall)


def _learn(state: State, partition: int, learners: Mapping[str, Sequence[Learner]]) -> None:
    for kind, by_patient in state.controls[partition].items():
        if kind != _ENROLMENT and kind not in learners:
            continue
        for patient, payload in by_patient.items():
            control = decode_control(payload)
            if isinstance(control, Enrolment):
                state.admission.enrolled[patient] = control
            for learner in learners.get(kind, ()):
                learner.learn(partition, patient, control)


def _due_later(layout: Layout) -> dict[str, DueLater]:
    return {name: attrgetter(name)(layout) for name in _DUE_LATER}


def _encode(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()


def _decode(_type: type, packed: tuple[str, Sequence[int], bytes]) -> Array:
    dtype, shape, data = packed
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)
