"""The channel ``log``: a line in the notifier's log."""

from __future__ import annotations

import structlog

from alerts.notify.channel import Message

_log = structlog.get_logger(__name__)


class LogChannel:
    """The channel that always exists; its receipt is the message's key."""

    name = "log"
    personal = False

    def send(self, message: Message) -> str:
        _log.info("notification", **message.public())
        return message.key
