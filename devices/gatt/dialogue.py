"""A dialogue with one connected device, as a pure state machine: values in; readings, requests and a cursor out.

The gateway's session owns the link and the outbox.  It makes one dialogue for each profile that a device offers, passes on
what it reads and receives, stores the readings of a step, and only then sends the requests and keeps the cursor of that
step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.decoded import Decoded

if TYPE_CHECKING:
    from devices.gatt.profile import Profile


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes to be written to a characteristic (full UUID); without ``response`` the device does not confirm them."""

    characteristic: str
    value: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class Cursor:
    """The newest record of a device's memory that is stored for good: its ``number`` and the device's time of it (ms)."""

    number: int
    time: int


@dataclass(frozen=True, slots=True)
class Step:
    """The consequences of one event: ``readings`` to store, then ``requests`` to send and a ``cursor`` to keep.

    ``refused`` are reasons why a part of the value was not used; ``fault`` says what of the device cannot be used.
    """

    readings: tuple[Decoded, ...] = ()
    requests: tuple[Request, ...] = ()
    cursor: Cursor | None = None
    refused: tuple[str, ...] = ()
    fault: str = ""


NOTHING = Step()


class Dialogue:
    """The plain dialogue: each value is decoded by itself.  Profiles that ask, poll or remember have their own.

    ``reads`` are characteristics (full UUIDs) to be read once after connecting, where the device has them; ``tick_s`` is the
    time after which :meth:`tick` is to be called again and again, None: never.
    """

    reads: tuple[str, ...] = ()
    tick_s: float | None = None

    def __init__(self, profile: Profile, cursor: Cursor | None = None) -> None:
        self.profile, self.cursor = profile, cursor
        self._decoders = {one.characteristic: one.decode for one in profile.subscriptions}

    @property
    def ahead(self) -> int | None:
        """The ms by which the times of the readings are ahead of ours; None where the dialogue does not know."""
        return None

    def read(self, characteristic: str, value: bytes, now: int) -> None:
        """Take a value of :attr:`reads`, read at ``now`` (ms); :class:`devices.errors.UndecodableError` for a bad one."""

    def begin(self) -> Step:
        """All is read and subscribed to."""
        return NOTHING

    def received(self, characteristic: str, value: bytes, arrived: int) -> Step:
        """A value arrived (ms); :class:`devices.errors.UndecodableError` where nothing of it can be used."""
        return Step((self._decoders[characteristic](value, arrived),))

    def tick(self) -> Step:
        """``tick_s`` seconds have passed."""
        return NOTHING
