"""Channels and their messages.  A message never holds a name, a vital or a value of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from alerts.fold.fold import GROUPED_RULE
from alerts.rules.guidance import words_away
from streams.engine.condition import Category, Priority


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one recipient about one alarm, or about ``count`` alarms of one cause.

    ``key`` is the same for every attempt, so that a provider can drop a second copy.  ``recipient`` is ``person:<number>``,
    ``team:<number>`` or ``operators``; ``address`` is that of a person on this channel, and is sent nowhere else.  ``link``
    opens the alarm at the desk, for people who may see it there; one to a person also lets them answer (``answers``).
    ``rule`` chooses the sentence that says what to do (:func:`alerts.rules.guidance.words_away`); it is not sent: it may
    name a vital. ``words``, if there are any, take that sentence's place: those about Vigil itself.  ``alarm`` is 0 then.
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
    words: str = ""
    address: str = ""
    answers: bool = False

    def public(self) -> dict[str, object]:
        """The fields that every channel sends; ``key`` and ``link`` are for providers alone."""
        return {
            "text": self.text,
            "recipient": self.recipient,
            "alarm": self.alarm,
            "priority": self.priority.word,
            "category": self.category,
            "step": self.step,
            "count": self.count,
        }

    @property
    def text(self) -> str:
        """The message as one line of text."""
        kind = f"{self.priority.word} {'technical ' if self.category == 'technical' else ''}alarm"
        unit = "patients" if self.rule == GROUPED_RULE else "parts of the system"
        many = f" ({self.count} {unit})" if self.count > 1 else ""
        if self.count > 1 and not self.rule and not self.words:
            return f"Vigil: {self.count} patients need you, the most urgent with a {kind}: open the list. {self.link}"
        again = f", call {self.step + 1}" if self.step else ""
        return f"Vigil: {kind}{many}{again}. {self.words or words_away(self.rule)} {self.link}"


class Channel(Protocol):
    """A way to notify people."""

    @property
    def name(self) -> str:
        """The name in ``care_team.channels``."""
        ...

    @property
    def personal(self) -> bool:
        """True if a message needs a person's address: then no team is told by this channel."""
        ...

    def send(self, message: Message) -> str:
        """Send within 10 s; return the provider's receipt.

        Raises:
            ChannelError: the provider did not take it; the notifier tries again.
        """
        ...
