"""A circuit around a channel: one that fails again and again is not asked for a while, so that nothing waits for it.

What is refused meanwhile is tried again as everything that fails, and a person's next channel is used at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from alerts.errors import ChannelError
from alerts.notify.channel import Channel, Message

FAILURES: Final = 3
"""Failures in a row that open it."""
OPEN_S: Final = 15.0
"""After so long one message is tried; if the channel takes it, the circuit is closed."""


class WithCircuit:
    """A channel that refuses at once while its circuit is open.  ``clock``: monotonic seconds."""

    def __init__(
        self,
        channel: Channel,
        *,
        failures: int = FAILURES,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel, self._most, self._open_s, self._clock = channel, failures, open_s, clock
        self._failures = 0
        self._try_at = 0.0

    @property
    def name(self) -> str:
        return self._channel.name

    @property
    def personal(self) -> bool:
        return self._channel.personal

    def send(self, message: Message) -> str:
        now = self._clock()
        if self._failures >= self._most and now < self._try_at:
            raise ChannelError(self.name, f"failed {self._failures} times in a row: it rests for a moment")
        self._try_at = now + self._open_s  # also if it never comes back
        try:
            receipt = self._channel.send(message)
        except ChannelError as error:
            if not error.of_recipient:
                self._failures += 1
            raise
        self._failures = 0
        return receipt
