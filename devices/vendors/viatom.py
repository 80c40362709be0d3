"""Viatom's and Wellue's rings and wristbands (O2Ring, SleepU, WearO2): asked for a live value every two seconds.

Source: open-source readers of the O2Ring (viatom-ble, o2r).  Live data: [0] SpO2, [1] pulse, [7] battery in %, [9] motion,
[10] perfusion in 0.1 %.  An SpO2 or pulse of 0 or 255 is no value: the finger is out, or the ring is searching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.dialogue import NOTHING, Cursor, Dialogue, Request, Step
from devices.gatt.profile import Profile, Subscription
from devices.sample import Status
from devices.vendors.viatom_frame import FrameBuffer, encode_frame, parse_frame
from devices.vitals import Vital

SERVICE: Final = "14839ac4-7d7e-415c-9a42-167340cf2339"
WRITE: Final = "8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3"
NOTIFY: Final = "0734594a-a8e7-4b1a-a6b1-cd5243059a57"

READ_LIVE: Final = 0x17
_LIVE_BYTES: Final = 13
_WHAT: Final = "Viatom live data"
_NO_VALUES: Final = (0, 255)


@dataclass(frozen=True, slots=True)
class ViatomLive:
    """``spo2`` in %, ``pulse`` in /min, ``battery`` in %, ``perfusion`` in 0.1 %, all as sent."""

    spo2: int
    pulse: int
    battery: int
    motion: int
    perfusion: int


def parse_live(data: bytes) -> ViatomLive:
    """Parse the data of an answer to :data:`READ_LIVE`."""
    if len(data) < _LIVE_BYTES:
        raise UndecodableError(_WHAT, f"truncated: {_LIVE_BYTES} bytes are needed, {len(data)} are there")
    return ViatomLive(data[0], data[1], data[7], data[9], data[10])


def decode_live(data: bytes, arrived: int) -> Decoded:
    """Decode SpO2 and pulse rate of one whole answer."""
    return _decoded(parse_live(parse_frame(data).data), arrived)


def _decoded(found: ViatomLive, arrived: int) -> Decoded:
    no_spo2, no_pulse = found.spo2 in _NO_VALUES, found.pulse in _NO_VALUES
    off = no_spo2 and no_pulse
    nothing = (float("nan"), Status.SENSOR_OFF if off else Status.NAN)
    values = [
        (Vital.SPO2, *(nothing if no_spo2 else (found.spo2, Status.OK))),
        (Vital.PULSE_RATE, *(nothing if no_pulse else (found.pulse, Status.OK))),
    ]
    return Decoded(samples_of(values, arrived), contact=not off, battery=found.battery if found.battery <= 100 else None)


class ViatomDialogue(Dialogue):
    """Asks for a live value, again and again; an answer may come in several notifications."""

    tick_s = 2.0

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._buffer = FrameBuffer()

    def begin(self) -> Step:
        return self.tick()

    def tick(self) -> Step:
        return Step(requests=(Request(WRITE, encode_frame(READ_LIVE), response=False),))

    def received(self, characteristic: str, value: bytes, arrived: int) -> Step:
        frame = self._buffer.add(value)
        if frame is None:
            return NOTHING
        return Step((_decoded(parse_live(frame.data), arrived),))


VIATOM: Final = Profile("Viatom oximeter", "stream", SERVICE, (Subscription(NOTIFY, "notify", decode_live),), ViatomDialogue)
