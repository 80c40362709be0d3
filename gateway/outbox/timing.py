"""The measured time of a reading, as best known; pure."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
import numpy as np

from devices.sample import Samples, Status
from devices.wire.event import Event, encode_event

AHEAD_MS: Final = 30_000
"""A device's time further ahead than this is wrong (design.md, Time: "> 30 s ahead")."""


def measured_at(arrived: int, device_time: int | None, ahead: int = 0) -> tuple[int, bool]:
    """Return the measured time in ms, and True if it is sure.

    It is the device's own time, less the ms by which its clock is known to be ahead, however long ago; without one it is the
    arrival.  A time in the future cannot be: the arrival replaces it, unsure.
    """
    if device_time is None:
        return arrived, True
    measured = device_time - ahead
    if measured > arrived + AHEAD_MS:
        return arrived, False
    return measured, True


def stamped(content: Samples | Event, measured: int, sure: bool) -> bytes:
    """Encode a reading for the outbox: SAMPLE bytes, or an event's JSON with ``at`` set to ``measured``.

    Every sample gets ``time`` = ``measured`` and ``reading`` = 0; where the time is not ``sure``, OK becomes CLOCK_UNSURE.
    """
    if not isinstance(content, np.ndarray):
        return encode_event(msgspec.structs.replace(content, at=measured))
    samples = content.copy()
    samples["time"] = measured
    samples["reading"] = 0
    if not sure:
        samples["status"][samples["status"] == Status.OK] = Status.CLOCK_UNSURE
    return samples.tobytes()


def record_number(record: int | None, samples: Samples) -> int:
    """The record's own number, or a negative one made of its values, the same each time the record is read."""
    if record is not None:
        return record
    bare = samples.copy()
    bare["time"] = 0
    return -1 - zlib.crc32(bare.tobytes())
