"""Fetches the records of a device's memory, as a pure state machine over the Record Access Control Point.

count → report from the cursor → (the gateway stores what came) → the cursor moves on.  The record of the cursor is asked for
again: it shows that the memory is the one known.  Where it does not come, or comes with another time, the memory was cleared
or its numbers began anew, and all records are asked for; the outbox recognises those that it has.  Nothing is ever deleted.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from devices.gatt.dialogue import Cursor
from devices.gatt.record_access import ABORT, Answer, Counted, answers, count, parse_record_access, report

_NEARLY_ROUND: Final = 0xFF00
"""Behind this number a memory begins again at 0 soon, and what follows would not be "at least" the cursor."""
_UNFILTERED: Final = {
    Answer.INVALID_OPERATOR, Answer.OPERATOR_NOT_SUPPORTED, Answer.INVALID_OPERAND, Answer.OPERAND_NOT_SUPPORTED,
}  # fmt: skip


class SyncState(Enum):
    IDLE = "idle"
    COUNTING = "counting"
    REPORTING = "reporting"
    DONE = "done"
    FAILED = "failed"


class RecordSync:
    """One transfer.  Each method that returns bytes returns the next request; None: there is nothing to ask."""

    def __init__(self, cursor: Cursor | None = None) -> None:
        self.state = SyncState.IDLE
        self.failure = ""
        """Why it failed, in a few words."""
        self._known = cursor
        self._since = None if cursor is None or cursor.number >= _NEARLY_ROUND else cursor.number
        self._newest: Cursor | None = None
        self._expected: int | None = None
        self._came = 0
        self._same_memory = False
        self._request = b""

    @property
    def cursor(self) -> Cursor | None:
        """The newest record, once all that came before it has come too; None until then, or where no record came."""
        return self._newest if self.state is SyncState.DONE else None

    def begin(self) -> bytes:
        """Ask how many records there are."""
        self.state, self._expected, self._came, self._newest = SyncState.COUNTING, None, 0, None
        self._request = count(self._since)
        return self._request

    def is_known(self, number: int, time: int) -> bool:
        """True for the record of the cursor itself: it was stored before."""
        return self._known == Cursor(number, time)

    def record(self, number: int | None = None, time: int = 0) -> None:
        """A record came; a device whose records have no numbers is always asked for all."""
        self._came += 1
        if number is not None:
            self._newest = Cursor(number, time)
            self._same_memory = self._same_memory or self.is_known(number, time)

    def answer(self, value: bytes) -> bytes | None:
        """The device indicated ``value``; :class:`devices.errors.UndecodableError` where that is no answer."""
        found = parse_record_access(value)
        if isinstance(found, Counted):
            return self._counted(found.count) if self.state is SyncState.COUNTING else None
        if self.state not in (SyncState.COUNTING, SyncState.REPORTING) or not answers(found, self._request):
            return None
        if found.code == Answer.NO_RECORDS:
            return self._nothing()
        if found.code == Answer.SUCCESS:
            return self._complete() if self.state is SyncState.REPORTING else None
        if found.code in _UNFILTERED and self._since is not None:
            return self._all()
        if self.state is SyncState.COUNTING and found.code != Answer.SERVER_BUSY:  # it cannot count
            return self._ask()
        self._fail(_words(found.code))
        return None

    def overdue(self) -> bytes | None:
        """The device has sent nothing for too long: end the transfer, keep what came, leave the cursor where it is."""
        if self.state not in (SyncState.COUNTING, SyncState.REPORTING):
            return None
        self._fail("does not answer")
        return ABORT

    def _counted(self, found: int) -> bytes | None:
        self._expected = found
        return self._ask() if found else self._nothing()

    def _ask(self) -> bytes:
        self.state, self._request = SyncState.REPORTING, report(self._since)
        return self._request

    def _all(self) -> bytes:
        self._since = None
        return self.begin()

    def _nothing(self) -> bytes | None:
        if self._since is not None:
            return self._all()
        self.state = SyncState.DONE
        return None

    def _complete(self) -> bytes | None:
        if self._since is not None and not self._same_memory:
            return self._all()
        if self._expected is not None and self._came < self._expected:
            self._fail(f"sent {self._came} of {self._expected} records")
            return None
        self.state = SyncState.DONE
        return None

    def _fail(self, reason: str) -> None:
        self.state, self.failure = SyncState.FAILED, reason


def _words(code: int) -> str:
    try:
        return f"answers {Answer(code).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"answers with the reserved code {code}"
