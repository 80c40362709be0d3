"""The result of decoding one notification, one characteristic read or one reading of an MQTT message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from devices.sample import SAMPLE, Samples, Status, mark_implausible
from devices.specimen import Specimen
from devices.vitals import Vital
from devices.wire.event import Event


@dataclass(frozen=True, slots=True)
class Decoded:
    """One reading.

    ``samples`` is SAMPLE [k] (k may be 0), all with ``time`` = the time of arrival (ms) and ``reading`` = 0; values outside
    their plausible range are marked.  ``device_time`` is the device's own clock in ms where it sent one (its zone is
    unknown: taken as UTC), ``record`` the number of a record re-read from its memory.  ``contact`` and ``battery`` (percent)
    are None where they were not sent.

    ``clock_set`` is False where the device says that its clock was never set, or leaves the date open: ``device_time`` is
    None then, and ``mark`` a number made of the time it sent, which tells its records apart.  ``from_memory`` is True for a
    reading that the device itself calls an earlier one.

    ``user`` is the number under which a shared device keeps its user, as sent (255: not known to it); None where it has no
    users.  ``specimen`` says in which fluid glucose was measured.  ``events`` are what else the message says; their time
    becomes that of the reading.
    """

    samples: Samples
    device_time: int | None = None
    record: int | None = None
    contact: bool | None = None
    battery: int | None = None
    clock_set: bool = True
    mark: int | None = None
    from_memory: bool = False
    user: int | None = None
    specimen: Specimen | None = None
    events: tuple[Event, ...] = ()


def samples_of(values: Iterable[tuple[Vital, float, Status]], time: int) -> Samples:
    """Make SAMPLE [k] of one reading at ``time`` (ms), with implausible values marked."""
    samples = np.array([(time, value, vital, status, 0) for vital, value, status in values], SAMPLE)
    mark_implausible(samples)
    return samples
