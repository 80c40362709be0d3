"""The dialogue with a device whose memory is fetched by record access: the part that all such profiles share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.decoded import Decoded, samples_of
from devices.gatt.dialogue import NOTHING, Cursor, Dialogue, Request, Step
from devices.gatt.record_access import RECORD_ACCESS, parse_record_access
from devices.gatt.record_sync import RecordSync, SyncState
from devices.gatt.uuids import full_uuid

if TYPE_CHECKING:
    from devices.gatt.profile import Profile

CONTROL: Final = full_uuid(RECORD_ACCESS)
_PATIENCE_TICKS: Final = 6


def decode_record_access(data: bytes, arrived: int) -> Decoded:
    """An answer of the control point holds no samples."""
    parse_record_access(data)
    return Decoded(samples_of([], arrived))


class RecordDialogue(Dialogue):
    """Asks for the records after subscribing; a subclass names what came with ``self.sync.record``.

    A device that sends nothing for half a minute while it is asked is told to abort; the next connection asks again.
    """

    tick_s = 5.0

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self.sync = RecordSync(cursor)
        self._kept = cursor
        self._ticks = 0

    def begin(self) -> Step:
        return _asked(self.sync.begin())

    def received(self, characteristic: str, value: bytes, arrived: int) -> Step:
        self._ticks = 0
        if characteristic != CONTROL:
            return self.record(characteristic, value, arrived)
        step = _asked(self.sync.answer(value))
        if self.sync.state is SyncState.FAILED:
            return Step(requests=step.requests, fault=self.sync.failure)
        return Step(requests=step.requests, cursor=self.new_cursor())

    def record(self, characteristic: str, value: bytes, arrived: int) -> Step:
        """A value other than the control point's."""
        step = super().received(characteristic, value, arrived)
        self.sync.record()
        return step

    def new_cursor(self) -> Cursor | None:
        """The cursor, where it has moved."""
        found = self.sync.cursor
        if found is None or found == self._kept:
            return None
        self._kept = found
        return found

    def tick(self) -> Step:
        self._ticks += 1
        if self._ticks < _PATIENCE_TICKS:
            return NOTHING
        request = self.sync.overdue()
        return NOTHING if request is None else Step(requests=_asked(request).requests, fault=self.sync.failure)


def _asked(request: bytes | None) -> Step:
    return NOTHING if request is None else Step(requests=(Request(CONTROL, request),))
