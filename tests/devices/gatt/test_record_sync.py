"""Record access as a state machine, against a memory that behaves as the specification says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.gatt.dialogue import Cursor
from devices.gatt.record_access import Answer
from devices.gatt.record_sync import RecordSync, SyncState


@dataclass
class Memory:
    """Records as (number, time), oldest first; it knows only "all" if it is ``simple``, and cannot count if ``mute``."""

    records: list[tuple[int, int]]
    simple: bool = False
    mute: bool = False
    loses: int = 0
    asked: list[str] = field(default_factory=list)

    def serve(self, sync: RecordSync, request: bytes) -> bytes | None:
        """Answer one request into ``sync``; return the next request."""
        self.asked.append(request.hex())
        opcode, operator = request[0], request[1]
        if operator != 1 and self.simple:
            return sync.answer(bytes((6, 0, opcode, Answer.OPERATOR_NOT_SUPPORTED)))
        since = int.from_bytes(request[3:5], "little") if operator == 3 else 0
        found = [one for one in self.records if one[0] >= since]
        if opcode == 4:
            if self.mute:
                return sync.answer(bytes((6, 0, 4, Answer.OPCODE_NOT_SUPPORTED)))
            return sync.answer(b"\x05\x00" + len(found).to_bytes(2, "little"))
        if not found:
            return sync.answer(bytes((6, 0, opcode, Answer.NO_RECORDS)))
        for number, time in found[self.loses :]:
            sync.record(number, time)
        return sync.answer(bytes((6, 0, opcode, Answer.SUCCESS)))


def run(memory: Memory, cursor: Cursor | None = None) -> RecordSync:
    sync = RecordSync(cursor)
    request: bytes | None = sync.begin()
    while request is not None:
        request = memory.serve(sync, request)
        assert len(memory.asked) < 10
    return sync


def test_only_what_is_new_is_asked_for_and_the_cursors_own_record_again() -> None:
    memory = Memory([(n, n * 10) for n in range(5)])
    sync = run(memory, Cursor(3, 30))
    assert memory.asked == ["0403010300", "0103010300"]
    assert (sync.state, sync.cursor) == (SyncState.DONE, Cursor(4, 40))


def test_a_memory_that_was_cleared_and_numbers_anew_is_read_whole() -> None:
    memory = Memory([(0, 1000), (1, 1010)])
    assert run(memory, Cursor(90, 900)).cursor == Cursor(1, 1010)
    assert memory.asked[-1] == "0101"


def test_numbers_that_have_come_past_the_cursor_again_are_noticed_by_the_time() -> None:
    memory = Memory([(n, 5000 + n) for n in range(100)])
    assert run(memory, Cursor(90, 900)).cursor == Cursor(99, 5099)
    assert memory.asked[-1] == "0101"


def test_near_the_last_number_all_are_asked_for() -> None:
    memory = Memory([(65534, 1), (65535, 2), (0, 3)])
    assert run(memory, Cursor(65535, 2)).cursor == Cursor(0, 3)


def test_an_empty_memory_is_done_and_moves_nothing() -> None:
    sync = run(Memory([]), Cursor(3, 30))
    assert (sync.state, sync.cursor) == (SyncState.DONE, None)


@pytest.mark.parametrize(("simple", "mute"), [(True, False), (False, True), (True, True)])
def test_a_simple_device_is_asked_in_the_way_it_knows(simple: bool, mute: bool) -> None:
    sync = run(Memory([(1, 10), (2, 20)], simple, mute), Cursor(1, 10))
    assert sync.cursor == Cursor(2, 20)


def test_records_that_were_lost_on_the_way_leave_the_cursor_where_it_is() -> None:
    sync = run(Memory([(1, 10), (2, 20)], loses=1))
    assert (sync.state, sync.cursor, sync.failure) == (SyncState.FAILED, None, "sent 1 of 2 records")


@pytest.mark.parametrize("code", [7, 8, 10, 200])
def test_a_refusal_ends_the_transfer_and_says_how(code: int) -> None:
    sync = RecordSync()
    sync.begin()
    sync.answer(bytes.fromhex("05000100"))
    assert sync.answer(bytes((6, 0, 1, code))) is None
    assert sync.state is SyncState.FAILED
    assert sync.failure


def test_an_answer_to_another_request_changes_nothing() -> None:
    sync = RecordSync()
    sync.begin()
    assert sync.answer(bytes((6, 0, 1, Answer.SUCCESS))) is None
    assert sync.state is SyncState.COUNTING


def test_what_comes_by_itself_after_the_transfer_moves_the_cursor() -> None:
    sync = run(Memory([(1, 10)]))
    sync.record(2, 20)
    assert sync.cursor == Cursor(2, 20)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 10**6)), max_size=20), st.data())
def test_the_cursor_never_passes_a_record_that_did_not_come(records: list[tuple[int, int]], data: st.DataObject) -> None:
    memory = Memory(sorted(records))
    cursor = data.draw(st.none() | st.builds(Cursor, st.integers(0, 300), st.integers(1, 10**6)))
    came: list[tuple[int, int]] = []
    sync = RecordSync(cursor)
    note, request = sync.record, sync.begin()

    def noted(number: int | None = None, time: int = 0) -> None:
        came.append((number or 0, time))
        note(number, time)

    sync.record = noted  # type: ignore[method-assign]
    pending: bytes | None = request
    while pending is not None:
        pending = memory.serve(sync, pending)
    if sync.cursor is not None:
        wanted = {one for one in memory.records if cursor is None or one[0] >= cursor.number}
        assert wanted <= set(came) or set(memory.records) <= set(came)
