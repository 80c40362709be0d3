"""What a channel is, and what it is given: never anything about a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from streams.condition import Category, Priority


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one recipient about one alarm, or about ``count`` alarms of one cause.

    ``key`` is the same for every attempt, so that a provider can drop a second copy.  ``recipient`` is ``team:<number>`` or
    ``operators``.  ``link`` opens the alarm at the desk for whoever signs in there and may see it.
    """

    key: str
    recipient: str
    alarm: int
    link: str
    priority: Priority
    category: Category
    step: int
    count: int = 1

    @property
    def text(self) -> str:
        """One line for people."""
        what = f"{self.priority.name.lower()} {'technical ' if self.category == 'technical' else ''}alarm"
        many = f" ({self.count} patients)" if self.count > 1 else ""
        again = f", call {self.step + 1}" if self.step else ""
        return f"Vigil: {what}{many}{again}: {self.link}"


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """As in ``care_team.channels``."""
        ...

    def send(self, message: Message) -> str:
        """Send, within a bounded time; the provider's receipt.

        Raises:
            ChannelError: it was not taken; it will be tried again.
        """
        ...
