"""A batch: the record a gateway sends about one device.  A header in clear, then the sealed payload.

The header is the associated data of the seal, so it can be read without a key and cannot be changed.

What a gateway sends of a device whose clock is in doubt, by what is known of the measurement:

- The device's clock was read, or its own ``at`` compared with ours: its time, corrected.  ``ClockQuality.SURE``, status OK.
- Its clock cannot be read: its time as the home's local time.  SURE, OK.
- Fresh, and the time cannot be (in the future, older than 30 days, off by half hours as in another zone, never set): the
  time is that of the arrival.  ``ClockQuality.ARRIVAL``, and the samples keep their status: they decide, marked.  Of several
  readings sent in one go only the last can be fresh.
- From the device's memory, and the time cannot be known: the time is that of the arrival, or a guess; SURE, and every OK
  becomes ``Status.CLOCK_UNSURE``: stored, decides nothing.
- The gateway's own clock was never set in the boot in which it came: ``ClockQuality.UNSURE``, the status stays.

Beside it stands once an event: ``ClockCorrection`` (how wrong the device's clock is, 0 once it is right again), or
``Fault`` of the part "clock" where that cannot be said.  ``Heartbeat.clock_set`` tells of the gateway's own clock.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from devices.errors import MalformedBatchError

VERSION: Final = 1
ACCEPTED_VERSIONS: Final = frozenset({VERSION})
"""Wire versions n and n-1; there is no version 0."""
TOPIC: Final = "vitals.v1"
PARTITIONS: Final = 64
MAX_BYTES: Final = 256 * 1024
"""A whole record, header and seal included."""

HEADER: Final = np.dtype(
    [
        ("version", "u1"),
        ("kind", "u1"),
        ("lane", "u1"),
        ("clock", "u1"),
        ("count", "<u2"),  # readings; of a sealed clock record: minutes in which no other need follow (a planned stop)
        ("reserved", "<u2"),
        ("key", "<u4"),
        ("patient", "<u4"),  # 0: the whole partition
        ("device", "<u4"),  # 0: the sender itself; of a sealed clock record: the partition
        ("gateway", "<u4"),  # 0: the desk
        ("first", "<u8"),  # sequence of the first reading
        ("received", "<i8"),  # ms, at the gateway
        ("epoch", "<u4"),  # random, one an outbox file (or desk epoch)
        ("nonce", "V12"),
    ]
)
assert HEADER.itemsize == 56

Header = npt.NDArray[np.void]
"""Structured array of :data:`HEADER`."""


class Kind(IntEnum):
    """The kind of the payload.  Codes are append-only."""

    SAMPLES = 1
    EVENT = 2
    CONTROL = 3
    CLOCK = 4
    WAVEFORM = 5


class Lane(IntEnum):
    LIVE = 0
    BACKFILL = 1


class ClockQuality(IntEnum):
    """The clock behind the times of a batch.  Codes are append-only.

    SURE: the gateway's clock was synchronised; each reading has the device's own time, corrected where that clock was read.
    UNSURE: the gateway's clock was not synchronised (readings of a boot that ended so, heartbeats of one that is so).
    ARRIVAL: the gateway's clock was synchronised, the device's is wrong: the time of each reading is that of its arrival,
    moments after the measurement.  Its samples keep their status and decide; what is shown of them is marked.
    """

    SURE = 0
    UNSURE = 1
    ARRIVAL = 2


def header(
    kind: Kind,
    *,
    patient: int,
    device: int = 0,
    gateway: int = 0,
    key: int = 0,
    count: int = 1,
    first: int = 0,
    epoch: int = 0,
    received: int = 0,
    lane: Lane = Lane.LIVE,
    clock: ClockQuality = ClockQuality.SURE,
    nonce: bytes = bytes(12),
) -> bytes:
    """Make the 56 bytes of one header.  ``received`` in ms since the epoch, ``nonce`` 12 random bytes."""
    one = np.zeros(1, HEADER)
    one[0] = (VERSION, kind, lane, clock, count, 0, key, patient, device, gateway, first, received, epoch, nonce)
    return one.tobytes()


def parse_header(record: bytes) -> Header:
    """Parse the header of one record into an array of shape [1]; :class:`MalformedBatchError` when it is none."""
    if len(record) < HEADER.itemsize:
        raise MalformedBatchError("shorter than a header")
    if len(record) > MAX_BYTES:
        raise MalformedBatchError("larger than 256 KB")
    found = np.frombuffer(record, HEADER, 1)
    if int(found["version"][0]) not in ACCEPTED_VERSIONS:
        raise MalformedBatchError(f"wire version {found['version'][0]} is not accepted")
    return found


def partition_of(patient: int) -> int:
    """The partition of a patient; every producer sets it explicitly."""
    return patient % PARTITIONS


def key_of(patient: int) -> bytes:
    """The Kafka key of a patient's records."""
    return patient.to_bytes(4, "little")
