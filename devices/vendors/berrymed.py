"""BerryMed's fingertip oximeters (BM1000 and its many names): packets of five bytes, a hundred a second.

Source: the vendor's protocol as open-source readers of it describe it (*confirm* the signal bits):
byte 0: bit 7 marks the start, bits 0-3 signal strength (15: none) · byte 1: plethysmogram · byte 2: bit 4 no finger, bit 5
searching, bit 6 the pulse's bit 7 · byte 3: the pulse's low bits · byte 4: SpO2.  A pulse of 255 and an SpO2 of 127 are no
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.dialogue import NOTHING, Cursor, Dialogue, Step
from devices.gatt.profile import Profile, Subscription
from devices.sample import Status
from devices.vitals import Vital

SERVICE: Final = "49535343-fe7d-4ae5-8fa9-9fafd205e455"
DATA: Final = "49535343-1e4d-4bd9-ba61-23c647249616"

_SIZE: Final = 5
_WHAT: Final = "BerryMed packet"
_NO_PULSE, _NO_SPO2, _NO_SIGNAL = 255, 127, 15
_EVERY_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Packet:
    """``signal`` 0 to 8, 15: none; ``pleth`` 0 to 100; ``pulse`` in /min, ``spo2`` in %, both as sent."""

    signal: int
    pleth: int
    finger: bool
    searching: bool
    pulse: int
    spo2: int


def parse_packets(data: bytes) -> tuple[Packet, ...]:
    """Parse the whole packets of one notification, whose first and last may be cut off; there is at least one."""
    starts = [
        at
        for at, byte in enumerate(data)
        if byte & 0x80 and at + _SIZE <= len(data) and not any(one & 0x80 for one in data[at + 1 : at + _SIZE])
    ]
    if not starts:
        raise UndecodableError(_WHAT, "truncated: no whole packet")
    return tuple(_packet(data[at : at + _SIZE]) for at in starts)


def _packet(data: bytes) -> Packet:
    return Packet(
        signal=data[0] & 0x0F,
        pleth=data[1],
        finger=not data[2] & 0x10,
        searching=bool(data[2] & 0x20),
        pulse=data[3] | (data[2] & 0x40) << 1,
        spo2=data[4],
    )


def decode_packets(data: bytes, arrived: int) -> Decoded:
    """Decode SpO2 and pulse rate of the last packet."""
    return _decoded(parse_packets(data)[-1], arrived)


def _decoded(found: Packet, arrived: int) -> Decoded:
    status = Status.OK
    if not found.finger:
        status = Status.SENSOR_OFF
    elif found.searching or found.signal == _NO_SIGNAL:
        status = Status.POOR_CONTACT
    nothing = (float("nan"), status if status is Status.SENSOR_OFF else Status.NAN)
    no_spo2 = found.spo2 in (0, _NO_SPO2)
    no_pulse = found.pulse in (0, _NO_PULSE)
    values = [
        (Vital.SPO2, *(nothing if no_spo2 else (found.spo2, status))),
        (Vital.PULSE_RATE, *(nothing if no_pulse else (found.pulse, status))),
    ]
    return Decoded(samples_of(values, arrived), contact=found.finger)


class BerryMedDialogue(Dialogue):
    """Passes on one reading a second; a finger that comes or goes at once."""

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._at, self._finger = 0, False

    def received(self, characteristic: str, value: bytes, arrived: int) -> Step:
        last = parse_packets(value)[-1]
        if 0 <= arrived - self._at < _EVERY_MS and last.finger == self._finger:
            return NOTHING
        self._at, self._finger = arrived, last.finger
        return Step((_decoded(last, arrived),))


BERRYMED: Final = Profile(
    "BerryMed oximeter", "stream", SERVICE, (Subscription(DATA, "notify", decode_packets),), BerryMedDialogue
)
