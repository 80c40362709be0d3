"""The channel ``log``: a line in the notifier's log."""

from __future__ import annotations

import structlog

from alerts.notify.channel import Message

_log = structlog.get_logger(__name__)


class LogChannel:
    """Always there; its receipt is the message's own key."""

    name = "log"

    def send(self, message: Message) -> str:
        _log.info(
            "notification",
            recipient=message.recipient,
            alarm=message.alarm,
            priority=message.priority.name.lower(),
            category=message.category,
            step=message.step,
            count=message.count,
            text=message.text,
        )
        return message.key
