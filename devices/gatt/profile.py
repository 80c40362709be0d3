"""The parts of a GATT profile: its service and the characteristics to subscribe to, each with its decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devices.decoded import Decoded
from devices.gatt.dialogue import Cursor, Dialogue


@dataclass(frozen=True, slots=True)
class Subscription:
    """One characteristic to subscribe to where the device has it.

    ``mode`` is how the profile sends it; ``decode(value, arrived)`` decodes one value that arrived at ``arrived`` (ms since
    the epoch) and raises :class:`devices.errors.UndecodableError`, nothing else, for bytes that are no whole measurement.
    """

    characteristic: str  # full UUID
    mode: Literal["notify", "indicate"]
    decode: Callable[[bytes, int], Decoded]


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of device: ``stream`` sends while worn, ``episodic`` sends what was measured and may then hang up, ``records``
    is asked for what its memory holds.

    ``idle_s`` is a silence (s) that is usual for it, where that is longer than for its family.
    ``dialogue(profile, cursor)`` makes the state machine of one connection; ``cursor`` is the newest record stored before.
    """

    name: str
    family: Literal["stream", "episodic", "records"]
    service: str  # full UUID
    subscriptions: tuple[Subscription, ...]
    dialogue: Callable[[Profile, Cursor | None], Dialogue] = Dialogue
    idle_s: float = 0.0
