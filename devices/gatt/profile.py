"""The parts of a GATT profile: its service and the characteristics to subscribe to, each with its decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devices.decoded import Decoded


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
    """A kind of device: ``stream`` sends while worn, ``episodic`` sends what was measured and may then hang up."""

    name: str
    family: Literal["stream", "episodic"]
    service: str  # full UUID
    subscriptions: tuple[Subscription, ...]
