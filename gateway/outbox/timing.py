"""The measured time of a reading, as best known; pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np

from devices.sample import Samples, Status
from devices.wire.batch import ClockQuality
from devices.wire.event import Event, encode_event

AHEAD_MS: Final = 30_000
"""A device's time further ahead than this is wrong (design.md, Time: "> 30 s ahead")."""
STALE_MS: Final = 30 * 86_400_000
"""The log takes nothing older: of a clock that could not be read, such a time says that the clock is wrong."""
SETTLE_MS: Final = 3000
"""A device sends its memory without a pause of this length."""
_FRESH_MS: Final = 90_000
_HALF_HOUR_MS: Final = 1_800_000
_FARTHEST: Final = 28
"""Half hours between two zones."""


class Basis(IntEnum):
    """The reason to believe the time of a reading.  Codes stay: they stand in outboxes."""

    KNOWN = 0
    """It is the arrival, or the device's clock was compared with ours."""
    ZONE = 1
    """Local time of the home, by a clock that cannot be read."""
    GUESS = 2
    """The same, where nobody has set the home's zone: taken as UTC."""
    NONE = 3
    """The device says that its clock was never set, or leaves the date open."""


@dataclass(frozen=True, slots=True)
class Trust:
    """``memory``: the device itself says that the reading comes from its memory, so it is not fresh."""

    basis: Basis = Basis.KNOWN
    memory: bool = False

    @property
    def code(self) -> int:
        return self.basis + (4 if self.memory else 0)

    @classmethod
    def of(cls, code: int) -> Trust:
        return cls(Basis(code & 3), bool(code & 4))


KNOWN: Final = Trust()


@dataclass(frozen=True, slots=True)
class Claim:
    """The time of one reading as the device has it: ``device_time`` less ``ahead`` (ms); ``arrived`` by our clock."""

    arrived: int
    device_time: int | None = None
    ahead: int = 0
    trust: Trust = KNOWN

    @property
    def own(self) -> int | None:
        """The time by the device's own clock; None if it can only be the arrival."""
        none = self.device_time is None or self.trust.basis is Basis.NONE
        own = None if none else (self.device_time or 0) - self.ahead
        return None if own is None or not 0 <= own <= self.arrived + AHEAD_MS else own


@dataclass(frozen=True, slots=True)
class Timed:
    """The measured time of a reading in ms.  Where it is not ``sure``, its samples become ``CLOCK_UNSURE``."""

    measured: int
    sure: bool = True
    quality: ClockQuality = ClockQuality.SURE


def timed(claim: Claim) -> Timed | None:
    """Return the time of a reading by itself, or None where its neighbours have to say if it is fresh.

    It is the device's own time, however long ago, or the arrival of a reading without one.  A time in the future or before
    1970 cannot be: the arrival replaces it, unsure.
    """
    basis, own = claim.trust.basis, claim.own
    if basis is Basis.KNOWN:
        arrival = Timed(claim.arrived, sure=claim.device_time is None)
        return arrival if own is None else Timed(own)
    if claim.trust.memory:
        return _unfresh(claim)
    if own is not None and -AHEAD_MS <= claim.arrived - own <= _FRESH_MS:
        return Timed(own)
    return None


def settled(claims: Sequence[Claim], *, ends: bool) -> list[Timed]:
    """Return the times of the readings of one burst that :func:`timed` left open, in the order of their arrival.

    ``ends``: the last of them is the last reading of the burst.  Devices send their memory oldest first, so that one is the
    newest; where its time cannot be, or is off by half hours as in another zone, it was measured when it arrived, and the
    device's clock is wrong for the others too.
    """
    wrong = ends and bool(claims) and _cannot_be(claims[-1])
    found = [_unfresh(claim, wrong=wrong) for claim in claims]
    if wrong:
        found[-1] = Timed(claims[-1].arrived, quality=ClockQuality.ARRIVAL)
    return found


def _cannot_be(claim: Claim) -> bool:
    if claim.own is None or claim.arrived - claim.own > STALE_MS:
        return True
    half_hours, rest = divmod(claim.arrived - claim.own + AHEAD_MS, _HALF_HOUR_MS)
    return 0 < half_hours <= _FARTHEST and rest <= AHEAD_MS + _FRESH_MS


def _unfresh(claim: Claim, *, wrong: bool = False) -> Timed:
    """The time of a reading that may be of any age; ``wrong``: the device's clock is."""
    own = claim.own
    if own is None or (claim.arrived - own > STALE_MS and (wrong or claim.trust.memory)):
        return Timed(claim.arrived, sure=False)
    return Timed(own, sure=not wrong and claim.trust.basis is not Basis.GUESS)


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
