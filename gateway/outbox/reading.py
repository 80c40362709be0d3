"""A reading on its way through the gateway: before the outbox and in it."""

from __future__ import annotations

from dataclasses import dataclass

from devices.sample import Samples
from devices.wire.batch import ClockQuality, Kind, Lane
from devices.wire.event import Event
from gateway.clock import Stamp
from gateway.outbox.timing import KNOWN, Basis, Trust


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading that a source passes to the outbox: ``samples`` (SAMPLE [k], k > 0) or one ``event`` of one device.

    ``arrived`` is its arrival at the gateway.  ``device_time`` is the device's own clock in ms where it sent one; that clock
    is known to be ``ahead`` ms ahead of ours.  A reading with a ``device_time`` is a record that may be sent again:
    ``(device, record, device_time)`` recognises it, a number made of its values replaces a missing ``record``; only a
    reading without a known time is not recognised, unless the device says that it is from its memory.  ``stream``: the
    device repeats it only until it is acknowledged; it is not in a memory that may be read again after years.  ``trust`` is
    the reason to believe its time.
    """

    device: int
    patient: int
    arrived: Stamp
    samples: Samples | None = None
    event: Event | None = None
    device_time: int | None = None
    record: int | None = None
    ahead: int = 0
    lane: Lane = Lane.LIVE
    stream: bool = False
    trust: Trust = KNOWN

    @property
    def may_come_again(self) -> bool:
        """True for samples by which a record of the device is recognised."""
        known = self.trust.basis is not Basis.NONE or self.trust.memory
        return self.samples is not None and self.device_time is not None and known


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A reading as the outbox keeps it: identity, time and bytes are fixed.

    ``measured`` and ``received`` in ms since the epoch; ``payload`` is SAMPLE bytes with ``reading`` 0, or an event's JSON.
    """

    id: int
    device: int
    patient: int
    sequence: int
    measured: int
    received: int
    kind: Kind
    lane: Lane
    clock: ClockQuality
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Bytes that could not be decoded.  ``at`` in ms since the epoch; they stay in the gateway."""

    at: int
    source: str
    device: int
    reason: str
    data: bytes
