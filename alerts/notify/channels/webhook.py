"""The channel ``webhook``: one POST of JSON to a provider of pages, text messages or calls."""

from __future__ import annotations

import json
import time

import httpx

from alerts.care.signature import SIGNATURE, signature
from alerts.notify.channel import Message
from alerts.notify.channels.http_post import post


class WebhookChannel:
    """An answer of 2xx accepts the message (:func:`alerts.notify.channels.http_post.post`).

    With a ``secret`` each message is signed (:data:`SIGNATURE`), so that the provider knows who sent it and when.
    """

    name = "webhook"
    personal = False

    def __init__(self, url: str, timeout_s: float = 5.0, secret: str = "") -> None:
        self._url, self._timeout_s, self._secret = url, timeout_s, secret.encode()
        self._trust = httpx.create_ssl_context()

    def send(self, message: Message) -> str:
        own = {"key": message.key, "link": message.link, "answers": message.answers}
        body = json.dumps({**own, **message.public()}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, int(time.time()), body)
        return post(self.name, self._url, body, headers, self._timeout_s, self._trust)
