"""Nonin 3230: a fingertip oximeter whose own service sends ten bytes a second.

Source: Nonin, Bluetooth LE data format of the 3230 (*confirm* the bits of the status): length 10, status, battery, pulse
amplitude u16, counter u16, SpO2 u8, pulse u16, all big-endian.  An SpO2 of 127 and a pulse of 511 are no values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.profile import Profile, Subscription
from devices.sample import Status
from devices.vitals import Vital

SERVICE: Final = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b"
MEASUREMENT: Final = "0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b"

_SIZE: Final = 10
_WHAT: Final = "Nonin measurement"
_NO_SPO2, _NO_PULSE = 127, 511
_WEAK, _SEARCHING, _MISPLACED = 0x02, 0x08, 0x10


@dataclass(frozen=True, slots=True)
class NoninMeasurement:
    """``battery`` in tenths of a volt, ``amplitude`` in 0.01 %, ``spo2`` in %, ``pulse`` in /min, all as sent."""

    status: int
    battery: int
    amplitude: int
    counter: int
    spo2: int
    pulse: int


def parse_nonin(data: bytes) -> NoninMeasurement:
    """Parse one measurement as sent."""
    if len(data) < _SIZE:
        raise UndecodableError(_WHAT, f"truncated: {_SIZE} bytes are needed, {len(data)} are there")
    if data[0] != _SIZE or len(data) > _SIZE:
        raise UndecodableError(_WHAT, f"length: it says {data[0]}, {len(data)} bytes are there")
    number = int.from_bytes
    return NoninMeasurement(
        data[1], data[2], number(data[3:5], "big"), number(data[5:7], "big"), data[7], number(data[8:10], "big")
    )


def decode_nonin(data: bytes, arrived: int) -> Decoded:
    """Decode SpO2 and pulse rate; without both the finger is out."""
    found = parse_nonin(data)
    no_spo2, no_pulse = found.spo2 in (0, _NO_SPO2), found.pulse in (0, _NO_PULSE)
    status = Status.OK
    if no_spo2 and no_pulse:
        status = Status.SENSOR_OFF
    elif found.status & _MISPLACED:
        status = Status.ARTEFACT
    elif found.status & (_WEAK | _SEARCHING):
        status = Status.POOR_CONTACT
    nothing = (float("nan"), status if status is Status.SENSOR_OFF else Status.NAN)
    values = [
        (Vital.SPO2, *(nothing if no_spo2 else (found.spo2, status))),
        (Vital.PULSE_RATE, *(nothing if no_pulse else (found.pulse, status))),
    ]
    return Decoded(samples_of(values, arrived), contact=status is not Status.SENSOR_OFF)


NONIN: Final = Profile("Nonin oximeter", "stream", SERVICE, (Subscription(MEASUREMENT, "notify", decode_nonin),))
