"""Omron's cuffs of the HEM-7322T family (M700 Intelli IT and its names): two users, a hundred records each.

Source: the protocol as omblepy documents it (unlock key, memory layout, record of 14 bytes).  The cuff shows local time; its
clock is read and compared, never set.  Nothing is written to its memory.  A record has no number, so all are read each time,
and the outbox recognises those that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.date_time import DateTime, date_time
from devices.gatt.dialogue import NOTHING, Cursor, Dialogue, Request, Step
from devices.gatt.profile import Profile, Subscription
from devices.sample import Status
from devices.vendors.omron_frame import ANSWERED, END, READ, START, Channels, OmronFrame, encode_frame, parse_frame
from devices.vitals import Vital

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE: Final = "ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b"
UNLOCK: Final = "b305b680-aee7-11e1-a730-0002a5d5c51b"
SEND: Final = "db5b55e0-aee7-11e1-965e-0002a5d5c51b"
RECEIVE: Final = (
    "49123040-aee8-11e1-a74d-0002a5d5c51b",
    "4d0bf320-aee8-11e1-a0d9-0002a5d5c51b",
    "5128ce60-aee8-11e1-b84b-0002a5d5c51b",
    "560f1420-aee8-11e1-8184-0002a5d5c51b",
)
KEY: Final = b"Vigil reads only"
"""16 bytes that a cuff in pairing mode remembers; it is no secret: who may talk to the cuff is the bond's matter."""

RECORD_BYTES: Final = 14
RECORDS: Final = 100
USERS: Final = (0x02AC, 0x0824)
CLOCK: Final = 0x0274
CLOCK_BYTES: Final = 10
BLOCK: Final = 0x38
_EMPTY: Final = b"\xff" * RECORD_BYTES
_WHAT: Final = "Omron record"
_LOWEST: Final = 25
_PATIENCE_TICKS: Final = 3


@dataclass(frozen=True, slots=True)
class OmronRecord:
    """Pressures in mmHg, ``pulse`` in /min, as shown; ``moved`` and ``irregular`` as the cuff found them."""

    systolic: int
    diastolic: int
    pulse: int
    moved: bool
    irregular: bool
    time: DateTime


def parse_record(data: bytes) -> OmronRecord:
    """Parse the 14 bytes of one record: its first 8 are fields of bits, the highest first."""
    if len(data) < RECORD_BYTES:
        raise UndecodableError(_WHAT, f"truncated: {RECORD_BYTES} bytes are needed, {len(data)} are there")
    bits = int.from_bytes(data[4:8], "big")
    month, day, hour = bits >> 26 & 0x0F, bits >> 21 & 0x1F, bits >> 16 & 0x1F
    minute, second = bits >> 6 & 0x3F, min(bits & 0x3F, 59)  # a cuff may write a second up to 63
    return OmronRecord(
        data[1] + _LOWEST,
        data[0],
        data[3],
        bool(bits >> 31),
        bool(bits >> 30 & 1),
        _time(2000 + data[2], month, day, hour, minute, second),
    )


def parse_clock(data: bytes) -> DateTime:
    """Parse the ten bytes of the cuff's clock: two unused, month, year, hour, day, second, minute, one unused, a sum."""
    if len(data) < CLOCK_BYTES:
        raise UndecodableError("Omron clock", f"truncated: {CLOCK_BYTES} bytes are needed, {len(data)} are there")
    month, year, hour, day, second, minute = data[2:8]
    return _time(2000 + year, month, day, hour, minute, second)


def _time(year: int, *rest: int) -> DateTime:
    return date_time(year.to_bytes(2, "little") + bytes(rest), _WHAT)


def decode_record(data: bytes, user: int, arrived: int) -> Decoded:
    """Decode one record of ``user`` (1 or 2); a moved cuff is an artefact, an irregular pulse a finding."""
    found = parse_record(data)
    status = Status.ARTEFACT if found.moved else Status.OK
    values = [
        (Vital.SYSTOLIC, found.systolic, status),
        (Vital.DIASTOLIC, found.diastolic, status),
        (Vital.PULSE_RATE, found.pulse, status),
    ]
    return Decoded(
        samples_of(values, arrived),
        device_time=found.time.milliseconds,
        clock_set=found.time.is_date,
        mark=found.time.mark,
        user=user,
        from_memory=not found.time.is_date,
    )


def decode_part(data: bytes, arrived: int) -> Decoded:
    """A part of an answer holds no samples by itself: :class:`OmronDialogue` joins them.  One whole frame is checked."""
    parse_frame(data)
    return Decoded(samples_of([], arrived))


def decode_unlock(data: bytes, arrived: int) -> Decoded:
    """An answer to a key holds no samples."""
    if len(data) < 2:
        raise UndecodableError("Omron unlock", f"truncated: answer needs 2 bytes, {len(data)} are left")
    return Decoded(samples_of([], arrived))


class OmronDialogue(Dialogue):
    """Unlocks the cuff, reads its clock and then the records of both users, block by block, and says good-bye.

    A cuff that does not know the key is given it, which it takes in pairing mode alone.
    """

    tick_s = 5.0

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._channels, self._blocks = Channels(), _blocks()
        self._wanted: tuple[int, int, int] | None = None  # user, address, size
        self._ahead: int | None = None
        self._ticks, self._done = 0, False

    @property
    def ahead(self) -> int | None:
        return self._ahead

    def begin(self) -> Step:
        return Step(requests=(Request(UNLOCK, b"\x01" + KEY),))

    def received(self, characteristic: str, value: bytes, arrived: int) -> Step:
        self._ticks = 0
        if characteristic == UNLOCK:
            return self._unlocking(value)
        frame = self._channels.add(RECEIVE.index(characteristic), value)
        return NOTHING if frame is None else self._frame(frame, arrived)

    def tick(self) -> Step:
        self._ticks += 1
        if self._done or self._ticks != _PATIENCE_TICKS:
            return NOTHING
        return Step(fault="does not answer")

    def _unlocking(self, value: bytes) -> Step:
        match value[:2].hex():
            case "8100":  # unlocked
                return Step(requests=(Request(SEND, encode_frame(START, size=0x10)),))
            case "8200":  # ready to take a key
                return Step(requests=(Request(UNLOCK, b"\x00" + KEY),))
            case "8000":  # has taken it
                return Step(requests=(Request(UNLOCK, b"\x01" + KEY),))
            case answer if answer.startswith("81"):  # does not know it
                return Step(requests=(Request(UNLOCK, b"\x02" + bytes(16)),))
        self._done = True
        return Step(fault="is paired with another program: hold its Bluetooth button until P blinks, then connect it anew")

    def _frame(self, frame: OmronFrame, arrived: int) -> Step:
        if frame.type == ANSWERED | START:
            return self._next()
        if frame.type == ANSWERED | END or self._wanted is None:
            self._done = True
            return NOTHING
        user, address, size = self._wanted
        if (frame.type, frame.address, len(frame.data)) != (ANSWERED | READ, address, size):
            raise UndecodableError("Omron frame", "is no answer to the block that was asked for")
        following = self._next()
        if not user:
            clock = parse_clock(frame.data).milliseconds
            self._ahead = None if clock is None else clock - arrived
            return following
        readings, refused = [], []
        for place in range(0, size, RECORD_BYTES):
            record = frame.data[place : place + RECORD_BYTES]
            if record == _EMPTY:
                continue
            try:
                readings.append(decode_record(record, user, arrived))
            except UndecodableError as error:
                refused.append(str(error))
        readings.sort(key=lambda one: one.device_time or 0)
        return Step(tuple(readings), following.requests, refused=tuple(refused))

    def _next(self) -> Step:
        self._wanted = next(self._blocks, None)
        if self._wanted is None:
            return Step(requests=(Request(SEND, encode_frame(END)),))
        _, address, size = self._wanted
        return Step(requests=(Request(SEND, encode_frame(READ, address, size)),))


def _blocks() -> Iterator[tuple[int, int, int]]:
    """(user, address, size) of all that is read; user 0 is the clock."""
    yield 0, CLOCK, CLOCK_BYTES
    for user, start in enumerate(USERS, 1):
        for at in range(0, RECORDS * RECORD_BYTES, BLOCK):
            yield user, start + at, min(BLOCK, RECORDS * RECORD_BYTES - at)


OMRON: Final = Profile(
    "Omron cuff",
    "records",
    SERVICE,
    (Subscription(UNLOCK, "notify", decode_unlock), *(Subscription(one, "notify", decode_part) for one in RECEIVE)),
    OmronDialogue,
)
