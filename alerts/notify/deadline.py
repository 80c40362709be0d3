"""A deadline for the whole act of sending, whatever a channel waits for: no time-out of a client bounds a name server."""

from __future__ import annotations

import queue
import threading
from typing import Final

from alerts.errors import ChannelError
from alerts.notify.channel import Channel, Message

SEND_S: Final = 10.0
MOST_HANGING: Final = 8
"""Messages of a channel that may hang at a time; beyond it a message is not even tried."""


class WithDeadline:
    """A channel whose ``send`` ends within ``seconds``.  What hangs is left behind; if it is sent later, its key is the same
    as that of the next attempt.
    """

    def __init__(self, channel: Channel, seconds: float = SEND_S) -> None:
        self._channel, self._seconds = channel, seconds
        self._hanging: list[threading.Thread] = []

    @property
    def name(self) -> str:
        return self._channel.name

    @property
    def personal(self) -> bool:
        return self._channel.personal

    def send(self, message: Message) -> str:
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= MOST_HANGING:
            raise ChannelError(self.name, f"{len(self._hanging)} messages hang")
        answer: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put(self._channel.send(message))
            except Exception as error:
                answer.put(error)

        thread = threading.Thread(target=work, name=f"send {self.name}", daemon=True)
        thread.start()
        try:
            found = answer.get(timeout=self._seconds)
        except queue.Empty:
            self._hanging.append(thread)
            raise ChannelError(self.name, f"not done in {self._seconds:g} s") from None
        if isinstance(found, Exception):
            raise found
        return found
