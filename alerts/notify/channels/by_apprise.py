"""The channel ``apprise``: any of the services that Apprise knows (ntfy, Signal, Matrix, Teams, …), by an Apprise URL."""

from __future__ import annotations

import logging
import warnings

from apprise import Apprise, AppriseAsset, NotifyType

from alerts.errors import ChannelError
from alerts.notify.channel import Message
from streams.engine.condition import Priority


class AppriseChannel:
    """A message to a person's Apprise URL, or without one to ``urls`` (blanks between them).  Apprise says only whether the
    service took it: the receipt is the message's key, and a second copy cannot be told from the first one.
    """

    name = "apprise"

    def __init__(self, urls: str = "") -> None:
        self._urls = urls.split()
        self._asset = AppriseAsset(app_id="Vigil", app_desc="Vigil", app_url="", async_mode=False)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            Apprise.instantiate("json://localhost")  # its plugins are read now, once, and not by the threads that send
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses, which hold secrets

    @property
    def personal(self) -> bool:
        return not self._urls

    def send(self, message: Message) -> str:
        urls = message.address.split() or self._urls
        service = Apprise(asset=self._asset)
        if not urls or not all(service.add(url) for url in urls):
            raise ChannelError(self.name, "the recipient has no Apprise URL that can be read", of_recipient=True)
        kind = NotifyType.FAILURE if message.priority is Priority.HIGH else NotifyType.WARNING
        if not service.notify(body=message.text, title="Vigil", notify_type=kind):
            raise ChannelError(self.name, "the service did not take it")
        return message.key
