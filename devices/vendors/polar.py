"""Polar Measurement Data (PMD): ECG, acceleration and pulse-to-pulse intervals of Polar's belts and armbands.

The standard heart rate of these devices comes by the Heart Rate profile.  PMD adds the pulse of optical sensors with their
own judgement of motion and contact; ECG and acceleration are decoded and not sent (waveforms are reserved).

Source: Polar, PMD specification in the public BLE SDK (polar-ble-sdk).  A time stamp belongs to the last sample of its
frame, in ns since 2000-01-01; an H10 begins at 2019-01-01 again when its battery was out, so times are those of the arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.dialogue import NOTHING, Cursor, Dialogue, Request, Step
from devices.gatt.fields import Fields
from devices.gatt.profile import Profile, Subscription
from devices.sample import Status
from devices.vendors.polar_delta import delta_samples
from devices.vitals import Vital

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

EPOCH_2000_MS: Final = 946_684_800_000
_WHAT: Final = "Polar measurement data"
_DELTA: Final = 0x80
_FEATURES, _ANSWER, _START = 0x0F, 0xF0, 0x02
_BLOCKER, _CONTACT, _CONTACT_SUPPORTED = 0x01, 0x02, 0x04


class Kind(IntEnum):
    ECG = 0
    ACC = 2
    PPI = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """One pulse: ``rate`` in /min (0: not known yet), ``interval`` and its ``error`` in ms, ``flags`` as sent."""

    rate: int
    interval: int
    error: int
    flags: int

    @property
    def contact(self) -> bool | None:
        return bool(self.flags & _CONTACT) if self.flags & _CONTACT_SUPPORTED else None

    @property
    def moved(self) -> bool:
        """The sensor itself calls it disturbed by motion."""
        return bool(self.flags & _BLOCKER)


@dataclass(frozen=True, slots=True)
class Frame:
    """``nanoseconds`` since 2000-01-01 of the last sample.

    ``values``: ECG in uV int64 [n, 1], acceleration in mg int64 [n, 3] (x, y, z), none for intervals.
    """

    kind: Kind
    nanoseconds: int
    values: npt.NDArray[np.int64]
    intervals: tuple[Interval, ...] = ()


def parse_frame(data: bytes, factor: float = 1.0) -> Frame:
    """Parse one frame of the data characteristic.

    ``factor`` is what the sensor named when the measurement was started: acceleration of frame type 0x80 is in ``factor`` g.
    """
    fields = Fields(_WHAT, data)
    number, at = fields.unsigned("measurement type", 1), fields.unsigned("time stamp", 8)
    form = fields.unsigned("frame type", 1)
    try:
        kind = Kind(number)
    except ValueError:
        raise UndecodableError(_WHAT, f"measurement type {number} is not known") from None
    if (kind, form) == (Kind.PPI, 0):
        return Frame(kind, at, np.empty((0, 1), np.int64), _intervals(fields))
    if (kind, form) == (Kind.ACC, _DELTA):
        return Frame(kind, at, np.rint(_acceleration(fields) * (factor * 1000)).astype(np.int64))
    reader = _READERS.get((kind, form))
    if reader is None:
        raise UndecodableError(_WHAT, f"frame type {form:#04x} of {kind.name} is not known")
    return Frame(kind, at, reader(fields))


def _plain(channels: int, size: int) -> Callable[[Fields], npt.NDArray[np.int64]]:
    def read(fields: Fields) -> npt.NDArray[np.int64]:
        rows: list[list[int]] = []
        while fields.left or not rows:
            rows.append([fields.signed("sample", size) for _ in range(channels)])
        return np.array(rows, np.int64)

    return read


def _acceleration(fields: Fields) -> npt.NDArray[np.int64]:
    return delta_samples(fields, 3, 16)


_READERS: Final[dict[tuple[Kind, int], Callable[[Fields], npt.NDArray[np.int64]]]] = {
    (Kind.ECG, 0): _plain(1, 3),
    (Kind.ACC, 0): _plain(3, 1),
    (Kind.ACC, 1): _plain(3, 2),
    (Kind.ACC, 2): _plain(3, 3),
    (Kind.ACC, 1 | _DELTA): _acceleration,
}


def _intervals(fields: Fields) -> tuple[Interval, ...]:
    found: list[Interval] = []
    while fields.left or not found:
        names = (("heart rate", 1), ("interval", 2), ("error estimate", 2), ("flags", 1))
        found.append(Interval(*(fields.unsigned(name, size) for name, size in names)))
    return tuple(found)


def decode_frame(data: bytes, arrived: int) -> Decoded:
    """Decode the pulse rate of the last interval; ECG and acceleration give no samples."""
    found = parse_frame(data)
    if not found.intervals:
        return Decoded(samples_of([], arrived))
    last = found.intervals[-1]
    status = Status.SENSOR_OFF if last.contact is False else Status.ARTEFACT if last.moved else Status.OK
    value = (float("nan"), status if status is Status.SENSOR_OFF else Status.NAN) if last.rate == 0 else (last.rate, status)
    return Decoded(samples_of([(Vital.PULSE_RATE, *value)], arrived), contact=last.contact)


def decode_control(data: bytes, arrived: int) -> Decoded:
    """An answer of the control point holds no samples; :class:`UndecodableError` where it refuses the request."""
    fields = Fields("Polar control point", data)
    if fields.unsigned("answer", 1) != _ANSWER:
        raise UndecodableError(fields.what, "is no answer")
    fields.unsigned("opcode", 1)
    kind, status = fields.unsigned("measurement type", 1), fields.unsigned("status", 1)
    if status:
        raise UndecodableError(fields.what, f"measurement {kind} is refused with status {status}")
    return Decoded(samples_of([], arrived))


def offers(features: bytes) -> frozenset[Kind]:
    """The measurements named by the control point's value when it is read."""
    fields = Fields("Polar features", features)
    if fields.unsigned("features", 1) != _FEATURES:
        raise UndecodableError(fields.what, "are no features")
    bits = fields.unsigned("measurements", 2 if fields.left > 1 else 1)
    return frozenset(kind for kind in Kind if bits >> kind & 1)


class PolarDialogue(Dialogue):
    """Starts the pulse-to-pulse intervals where the sensor has them."""

    reads = (CONTROL,)

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        super().__init__(profile, cursor)
        self._offers: frozenset[Kind] = frozenset()

    def read(self, characteristic: str, value: bytes, now: int) -> None:
        self._offers = offers(value)

    def begin(self) -> Step:
        if Kind.PPI not in self._offers:
            return NOTHING
        return Step(requests=(Request(CONTROL, bytes((_START, Kind.PPI))),))


POLAR: Final = Profile(
    "Polar measurement data",
    "stream",
    SERVICE,
    (Subscription(DATA, "notify", decode_frame), Subscription(CONTROL, "indicate", decode_control)),
    PolarDialogue,
)
