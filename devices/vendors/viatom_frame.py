"""The frames of Viatom's rings and wristbands: a head of seven bytes, the data, and a CRC over all of it.

Source: open-source readers of the O2Ring (viatom-ble, o2r): request AA, answer 55; command or status, its complement, block
u16, length u16, data, CRC-8 (polynomial 0x07, seed 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.errors import UndecodableError

REQUEST, ANSWER = 0xAA, 0x55
HEAD: Final = 7
LONGEST: Final = 4096
_WHAT: Final = "Viatom frame"


@dataclass(frozen=True, slots=True)
class ViatomFrame:
    """``command`` of a request, or the status of an answer (0: done)."""

    start: int
    command: int
    block: int
    data: bytes


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial 0x07, seed 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def encode_frame(command: int, data: bytes = b"", block: int = 0, start: int = REQUEST) -> bytes:
    """Encode one frame."""
    bare = bytes((start, command, command ^ 0xFF)) + block.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data
    return bare + bytes((crc8(bare),))


def parse_frame(data: bytes) -> ViatomFrame:
    """Parse one whole frame; :class:`UndecodableError` names the part that does not fit."""
    if len(data) < HEAD + 1:
        raise UndecodableError(_WHAT, f"truncated: head needs {HEAD + 1} bytes, {len(data)} are there")
    start, command, complement = data[:3]
    if start not in (REQUEST, ANSWER):
        raise UndecodableError(_WHAT, f"start {start:#04x}")
    if command ^ complement != 0xFF:
        raise UndecodableError(_WHAT, "complement of the command")
    size = int.from_bytes(data[5:7], "little")
    if len(data) < HEAD + size + 1:
        raise UndecodableError(_WHAT, f"truncated: data needs {size} bytes, {len(data) - HEAD - 1} are there")
    if len(data) > HEAD + size + 1:
        raise UndecodableError(_WHAT, f"length: {len(data) - HEAD - size - 1} bytes too many")
    if crc8(data[:-1]) != data[-1]:
        raise UndecodableError(_WHAT, "CRC is wrong")
    return ViatomFrame(start, command, int.from_bytes(data[3:5], "little"), data[HEAD:-1])


class FrameBuffer:
    """Joins the notifications that one answer is cut into."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, part: bytes) -> ViatomFrame | None:
        """Add a notification; the frame once it is whole.  What cannot be a frame is dropped with an error."""
        if part[:1] == bytes((ANSWER,)) and len(part) >= 3 and part[1] ^ part[2] == 0xFF:
            self._bytes = b""  # an answer begins: what was open before has lost its end
        self._bytes += part
        if len(self._bytes) < HEAD:
            return None
        size = int.from_bytes(self._bytes[5:7], "little") + HEAD + 1
        if size <= LONGEST and len(self._bytes) < size:
            return None
        whole, self._bytes = self._bytes, b""
        return parse_frame(whole)
