"""Omron's cuffs: frames, records, and the dialogue with a memory of two users."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.dialogue import Dialogue, Request, Step
from devices.sample import Status
from devices.vendors import omron
from devices.vendors.omron_frame import ANSWERED, CHANNEL_BYTES, END, READ, START, Channels, encode_frame, parse_frame

AT = 1_790_260_205_000  # 2026-09-24T14:30:05Z
TWO_HOURS = 7_200_000


def record(systolic: int, diastolic: int, minute: int, *, moved: bool = False) -> bytes:
    """2026-09-24, 16:xx:05 on a clock that shows UTC+2; pulse 70."""
    bits = moved << 31 | 9 << 26 | 24 << 21 | 16 << 16 | minute << 6 | 5
    return bytes((diastolic, systolic - 25, 26, 70)) + bits.to_bytes(4, "big") + bytes(6)


CLOCK = bytes((0, 0, 9, 26, 16, 24, 5, 30, 0, 0))


@dataclass
class Cuff:
    """Answers requests from its memory; one that does not know the key takes it only if it ``pairs``."""

    memory: dict[int, int]
    knows: bool = True
    pairs: bool = True
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> list[tuple[str, bytes]]:
        self.asked.append(request)
        if request.characteristic == omron.UNLOCK:
            return [(omron.UNLOCK, self._key(request.value[0]))]
        wanted = request.value
        type_, address, size = int.from_bytes(wanted[1:3], "big"), int.from_bytes(wanted[3:5], "big"), wanted[5]
        data = bytes(self.memory.get(address + place, 0xFF) for place in range(size)) if type_ == READ else b""
        frame = encode_frame(ANSWERED | type_, address, len(data), data)
        parts = [frame[at : at + CHANNEL_BYTES] for at in range(0, len(frame), CHANNEL_BYTES)]
        return list(zip(omron.RECEIVE, parts, strict=False))[::-1]  # the first channel may come last

    def _key(self, command: int) -> bytes:
        if command == 1:
            return b"\x81\x00" if self.knows else b"\x81\x01"
        if command == 0:
            self.knows = True
        return bytes((0x80 | command, 0 if self.pairs else 1))


def memory(*records: tuple[int, int, bytes]) -> dict[int, int]:
    """Records as (user, place, bytes), and the clock."""
    found = dict(enumerate(CLOCK, omron.CLOCK))
    for user, place, data in records:
        found |= dict(enumerate(data, omron.USERS[user - 1] + place * omron.RECORD_BYTES))
    return found


def run(cuff: Cuff) -> tuple[list[Decoded], Dialogue, list[Step]]:
    dialogue = omron.OMRON.dialogue(omron.OMRON, None)
    steps, readings = [dialogue.begin()], list[Decoded]()
    for step in steps:
        readings += step.readings
        for request in step.requests:
            steps += [dialogue.received(*part, AT) for part in cuff.answer(request)]
    return readings, dialogue, steps


def test_the_records_of_both_users_are_read_with_their_time() -> None:
    cuff = Cuff(memory((1, 0, record(120, 80, 30)), (1, 99, record(121, 81, 10)), (2, 3, record(150, 95, 20, moved=True))))
    readings, dialogue, steps = run(cuff)
    found = [(one.user, one.samples["value"].tolist(), Status(int(one.samples["status"][0]))) for one in readings]
    assert found == [
        (1, [120, 80, 70], Status.OK), (1, [121, 81, 70], Status.OK), (2, [150, 95, 70], Status.ARTEFACT),
    ]  # fmt: skip
    assert dialogue.ahead == TWO_HOURS
    assert [(one.device_time or 0) - TWO_HOURS for one in readings] == [AT, AT - 1_200_000, AT - 600_000]
    assert cuff.asked[-1].value == bytes.fromhex("080f000000000007")
    assert cuff.asked[1].value == bytes.fromhex("0800000000100018")
    assert not [step.fault for step in steps if step.fault]


def test_a_cuff_in_pairing_mode_is_given_the_key() -> None:
    cuff = Cuff(memory((1, 0, record(120, 80, 30))), knows=False)
    readings, _, _ = run(cuff)
    assert [request.value[0] for request in cuff.asked[:4]] == [1, 2, 0, 1]
    assert len(readings) == 1


def test_a_cuff_that_is_paired_with_another_program_says_what_to_do() -> None:
    _, _, steps = run(Cuff({}, knows=False, pairs=False))
    assert "until P blinks" in steps[-1].fault


def test_a_silent_cuff_is_told_of_once() -> None:
    dialogue = omron.OMRON.dialogue(omron.OMRON, None)
    dialogue.begin()
    assert [dialogue.tick().fault for _ in range(6)] == ["", "", "does not answer", "", "", ""]


def test_a_damaged_record_leaves_its_neighbours() -> None:
    bad = bytearray(record(120, 80, 30))
    bad[4:8] = (15 << 26).to_bytes(4, "big")  # month 15
    readings, _, steps = run(Cuff(memory((1, 0, bytes(bad)), (1, 1, record(121, 81, 31)))))
    assert [one.samples["value"][0] for one in readings] == [121]
    assert [step.refused for step in steps if step.refused] == [("Omron record: time stamp: 2026-15-00T00:00:00 cannot be",)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "truncated"), (b"\x08\x81\x00", "truncated"), (b"\x04" + bytes(8), "length"), (b"\x08" + bytes(7), "checksum")],
)
def test_a_frame_that_cannot_be_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        parse_frame(data)


def test_a_frame_is_read_as_it_was_written() -> None:
    assert encode_frame(READ, 0x02AC, 0x38) == bytes.fromhex("08010002ac3800") + bytes((0x08 ^ 0x01 ^ 0x02 ^ 0xAC ^ 0x38,))
    assert parse_frame(encode_frame(ANSWERED | READ, 5, 2, b"\x01\x02") + b"\xff").data == b"\x01\x02"
    assert parse_frame(encode_frame(END)).type == END
    assert encode_frame(START, size=0x10) == bytes.fromhex("0800000000100018")


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=20)), max_size=8), st.binary(max_size=20))
def test_any_bytes_are_read_or_refused(parts: list[tuple[int, bytes]], data: bytes) -> None:
    channels, count = Channels(), 0
    for channel, part in parts:
        try:
            channels.add(channel, part)
        except UndecodableError:
            count += 1
    for parse in (omron.parse_record, omron.parse_clock):
        try:
            parse(data)
        except UndecodableError:
            count += 1
    assert count <= len(parts) + 2
