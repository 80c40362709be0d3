"""The frames of Omron's cuffs, which answer reads of their memory over four channels of 16 bytes each.

Source: the protocol as omblepy documents it: length, type u16, address u16, size, data, 0, XOR of all that gives 0; numbers
big-endian.  An answer has bit 15 of its type set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final

from devices.errors import UndecodableError

START, READ, END = 0x0000, 0x0100, 0x0F00
ANSWERED: Final = 0x8000
CHANNEL_BYTES: Final = 16
CHANNELS: Final = 4
_AROUND: Final = 8
_WHAT: Final = "Omron frame"


@dataclass(frozen=True, slots=True)
class OmronFrame:
    """``data`` of an answer to a read is what the memory holds from ``address`` on."""

    type: int
    address: int
    data: bytes


def encode_frame(type_: int, address: int = 0, size: int = 0, data: bytes = b"") -> bytes:
    """Encode one frame; a request to read names the ``size`` and holds no data."""
    bare = bytes((len(data) + _AROUND,)) + type_.to_bytes(2, "big") + address.to_bytes(2, "big") + bytes((size,)) + data
    return bare + bytes((0, reduce(xor, bare)))


def parse_frame(data: bytes) -> OmronFrame:
    """Parse one whole frame; bytes behind its length are padding."""
    if not data or len(data) < max(data[0], _AROUND):
        raise UndecodableError(
            _WHAT, f"truncated: {max(data[0] if data else 0, _AROUND)} bytes are needed, {len(data)} are there"
        )
    whole = data[: data[0]]
    if len(whole) < _AROUND:
        raise UndecodableError(_WHAT, f"length: {data[0]} bytes")
    if reduce(xor, whole):
        raise UndecodableError(_WHAT, "checksum is wrong")
    size = whole[5]
    inside = whole[6 : 6 + size]
    if len(whole) > _AROUND and len(inside) < size:
        raise UndecodableError(_WHAT, f"truncated: data needs {size} bytes, {len(inside)} are there")
    number = int.from_bytes
    return OmronFrame(number(whole[1:3], "big"), number(whole[3:5], "big"), inside if len(whole) > _AROUND else b"")


class Channels:
    """Joins what comes by the four channels; the first one holds the length."""

    def __init__(self) -> None:
        self._parts: list[bytes | None] = [None] * CHANNELS

    def add(self, channel: int, part: bytes) -> OmronFrame | None:
        """Add a notification of ``channel`` (0 to 3); the frame once it is whole."""
        self._parts[channel] = part
        first = self._parts[0]
        if not first:
            return None
        needed = self._parts[: max(1, min(CHANNELS, -(-first[0] // CHANNEL_BYTES)))]
        if None in needed:
            return None
        self._parts = [None] * CHANNELS
        return parse_frame(b"".join(part for part in needed if part is not None))
