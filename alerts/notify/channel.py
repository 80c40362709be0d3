"""What a channel is, and what it is given: never a name, a vital or a value of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from alerts.fold.fold import GROUPED_RULE
from alerts.rules.guidance import words_away
from streams.engine.condition import Category, Priority


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one recipient about one alarm, or about ``count`` alarms of one cause.

    ``key`` is the same for every attempt, so that a provider can drop a second copy.  ``recipient`` is ``team:<number>`` or
    ``operators``.  ``link`` opens the alarm at the desk for whoever signs in there and may see it.  ``rule`` chooses the
    sentence that says what to do (:func:`alerts.rules.guidance.words_away`); it is not sent itself: it may name a vital.
    """

    key: str
    recipient: str
    alarm: int
    link: str
    priority: Priority
    category: Category
    step: int
    rule: str
    count: int = 1

    @property
    def text(self) -> str:
        """One line for people."""
        what = f"{self.priority.name.lower()} {'technical ' if self.category == 'technical' else ''}alarm"
        of = "patients" if self.rule == GROUPED_RULE else "parts of the system"
        many = f" ({self.count} {of})" if self.count > 1 else ""
        again = f", call {self.step + 1}" if self.step else ""
        return f"Vigil: {what}{many}{again}. {words_away(self.rule)} {self.link}"


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
