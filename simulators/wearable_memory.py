"""A wearable's own small memory: its readings not yet acknowledged.  Pure: time comes in as an argument.

A message, once made, never changes: it is sent again byte for byte until it is acknowledged or the memory is full.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from devices.mqtt.envelope import MAX_READINGS, encode_envelope
from devices.sample import Samples

FIRST_RETRY_S: Final = 5.0
LAST_RETRY_S: Final = 60.0
_JITTER: Final = 0.2
_STUCK: Final = 3  # tries
_WAITING: Final = 3  # times in_flight: all that may be out without an acknowledgement


@dataclass(slots=True)
class Message:
    """One envelope: sent ``tried`` times, next at ``due`` (monotonic seconds)."""

    seq: int
    payload: bytes
    readings: int
    samples: int
    due: float = float("-inf")
    tried: int = 0


class Counts(NamedTuple):
    """Samples measured, acknowledged and forgotten; readings that wait for their acknowledgement."""

    measured: int
    acknowledged: int
    dropped: int
    waiting: int


class Memory:
    """Holds at most ``capacity`` readings; when it is full the oldest message is forgotten, and counted.

    ``first`` is the sequence of the first message: a device that restarts must not begin anew at 0 (its clock will do).
    """

    def __init__(self, *, first: int = 0, capacity: int = 20_000, a_message: int = 60, in_flight: int = 20) -> None:
        if not 1 <= a_message <= MAX_READINGS or capacity < a_message or in_flight < 1:
            raise ValueError("a message holds 1 to 1000 readings, and the memory at least one message")
        self.capacity, self.a_message, self.in_flight = capacity, a_message, in_flight
        self.measured = self.acknowledged = self.dropped = 0  # samples
        self._next = first
        self._open: list[tuple[int, Samples]] = []
        self._fresh: dict[int, Message] = {}  # never sent, oldest first
        self._out: dict[int, Message] = {}  # sent, not acknowledged
        self._kept = 0  # readings in messages
        self._jitter = random.Random(first)

    @property
    def counts(self) -> Counts:
        return Counts(self.measured, self.acknowledged, self.dropped, self.waiting)

    @property
    def waiting(self) -> int:
        """Readings not acknowledged yet."""
        return self._kept + len(self._open)

    @property
    def full_message(self) -> bool:
        """True once there are enough readings to fill a message."""
        return len(self._open) >= self.a_message

    def add(self, at: int, samples: Samples) -> None:
        """Keep one reading: SAMPLE [k] measured at ``at`` (ms since the epoch)."""
        self.measured += len(samples)
        self._open.append((at, samples))

    def seal(self, *, now: int | None = None, battery: int | None = None, contact: bool | None = None) -> None:
        """Make messages of all added readings; ``now`` (ms since the epoch) is the time in each message."""
        while self._open:
            part, self._open = self._open[: self.a_message], self._open[self.a_message :]
            payload = encode_envelope(self._next, part, at=now, battery=battery, contact=contact)
            self._fresh[self._next] = Message(self._next, payload, len(part), sum(len(samples) for _, samples in part))
            self._kept += len(part)
            self._next += 1
        while self._kept > self.capacity:
            oldest = self._take(min((*islice(self._fresh, 1), *self._out)))
            if oldest is not None:
                self.dropped += oldest.samples

    def due(self, now: float) -> list[Message]:
        """The messages to send now (monotonic seconds): first those to try again, then new ones, oldest first.

        No more than ``in_flight`` new messages are under way; one tried in vain three times gives its place to another, so
        that a message which never gets an acknowledgement does not stop the rest.
        """
        again = [message for message in self._out.values() if message.due <= now]
        young = sum(message.tried < _STUCK for message in self._out.values())
        room = min(self.in_flight - young, _WAITING * self.in_flight - len(self._out))
        return again + list(islice(self._fresh.values(), max(0, room)))

    def sent(self, message: Message, now: float) -> None:
        """Note that ``message`` was sent; it is tried again later and later, up to a minute apart."""
        wait = min(FIRST_RETRY_S * 2.0**message.tried, LAST_RETRY_S)
        message.due = now + wait * self._jitter.uniform(1 - _JITTER, 1 + _JITTER)
        message.tried = min(message.tried + 1, 16)
        if self._fresh.pop(message.seq, None) is not None:
            self._out[message.seq] = message

    def acknowledge(self, seq: int) -> bool:
        """Forget a message for good; False if it is not here (a second acknowledgement)."""
        message = self._take(seq)
        if message is None:
            return False
        self.acknowledged += message.samples
        return True

    def reconnected(self) -> None:
        """Make all sent messages due at once: after a new connection they may be lost."""
        for message in self._out.values():
            message.due, message.tried = float("-inf"), 0

    def _take(self, seq: int) -> Message | None:
        message = self._out.pop(seq, None) or self._fresh.pop(seq, None)
        if message is not None:
            self._kept -= message.readings
        return message
