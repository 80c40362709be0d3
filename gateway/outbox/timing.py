"""When a reading was measured, as best known; pure."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
import numpy as np

from devices.sample import SAMPLE, Samples, Status
from devices.wire.event import decode_event, encode_event

AHEAD_MS: Final = 30_000
"""A device's time further ahead than this is wrong (design.md, Time: "> 30 s ahead")."""


def measured_at(arrived: int, device_time: int | None, ahead: int = 0) -> tuple[int, bool]:
    """Measured time in ms, and whether it is sure.

    The device's own time, less what its clock is known to be ahead, however long ago; without one the arrival.  A time that
    lies in the future is no time: the arrival stands in for it, unsure.
    """
    if device_time is None:
        return arrived, True
    measured = device_time - ahead
    if measured > arrived + AHEAD_MS:
        return arrived, False
    return measured, True


def stamped(payload: bytes, measured: int, sure: bool) -> bytes:
    """SAMPLE bytes with every ``time`` set to ``measured`` and ``reading`` to 0; values that were OK become CLOCK_UNSURE
    where the time is not ``sure``.
    """
    samples = np.frombuffer(payload, SAMPLE).copy()
    samples["time"] = measured
    samples["reading"] = 0
    if not sure:
        samples["status"][samples["status"] == Status.OK] = Status.CLOCK_UNSURE
    return samples.tobytes()


def event_stamped(payload: bytes, measured: int) -> bytes:
    """An event's JSON with ``at`` set to ``measured``."""
    return encode_event(msgspec.structs.replace(decode_event(payload), at=measured))


def record_number(record: int | None, samples: Samples) -> int:
    """The record's own number, or a negative one made of its values: the same record read twice says the same."""
    if record is not None:
        return record
    bare = samples.copy()
    bare["time"] = 0
    return -1 - zlib.crc32(bare.tobytes())
