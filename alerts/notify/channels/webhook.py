"""The channel ``webhook``: one POST of JSON to a provider of pages, text messages or calls."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Final

import httpx

from alerts.errors import ChannelError
from alerts.notify.channel import Message

LONGEST_RECEIPT: Final = 200
SIGNATURE: Final = "X-Vigil-Signature"
"""``t=<unix seconds>,v1=<hex>``: HMAC-SHA-256, under the shared secret, of the seconds, a dot and the body as sent."""


class WebhookChannel:
    """An answer of 2xx accepts the message; the receipt is its ``x-request-id``, or else its status.

    ``timeout_s`` limits the whole exchange, however slowly the answer comes.  Redirects are not followed: they would send
    the message to an address that nobody configured.  With a ``secret`` each message is signed (:data:`SIGNATURE`), so that
    the provider knows who sent it and when.
    """

    name = "webhook"
    personal = False

    def __init__(self, url: str, timeout_s: float = 5.0, secret: str = "") -> None:
        self._url, self._timeout_s, self._secret = url, timeout_s, secret.encode()
        self._trust = httpx.create_ssl_context()

    def send(self, message: Message) -> str:
        try:
            return asyncio.run(self._post(message))
        except TimeoutError:
            raise ChannelError(self.name, f"no answer in {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # their texts may name the address, which may hold a secret
            raise ChannelError(self.name, type(error).__name__) from None

    async def _post(self, message: Message) -> str:
        body = json.dumps(
            {"key": message.key, "link": message.link, "answers": message.answers, **message.public()}
        ).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, int(time.time()), body)
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(verify=self._trust, timeout=self._timeout_s, trust_env=False) as client,
            client.stream("POST", self._url, content=body, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise ChannelError(self.name, f"answered {answer.status_code}")
            receipt: str = answer.headers.get("x-request-id") or f"status {answer.status_code}"
            return receipt[:LONGEST_RECEIPT]


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The value of :data:`SIGNATURE` for a body that is sent at ``at`` (unix seconds)."""
    return f"t={at},v1={hmac.new(secret, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"
