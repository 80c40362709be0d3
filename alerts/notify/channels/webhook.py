"""The channel ``webhook``: one POST of JSON to a provider of pages, text messages or calls."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from alerts.errors import ChannelError
from alerts.notify.channel import Message

LONGEST_RECEIPT: Final = 200


class WebhookChannel:
    """An answer of 2xx accepts the message; the receipt is its ``x-request-id``, or else its status.

    ``timeout_s`` limits the whole exchange, however slowly the answer comes.  Redirects are not followed: they would send
    the message to an address that nobody configured.
    """

    name = "webhook"

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._trust = httpx.create_ssl_context()

    def send(self, message: Message) -> str:
        try:
            return asyncio.run(self._post(message))
        except TimeoutError:
            raise ChannelError(self.name, f"no answer in {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # their texts may name the address, which may hold a secret
            raise ChannelError(self.name, type(error).__name__) from None

    async def _post(self, message: Message) -> str:
        body = {"key": message.key, "link": message.link, **message.public()}
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(verify=self._trust, timeout=self._timeout_s, trust_env=False) as client,
            client.stream("POST", self._url, json=body, headers={"Idempotency-Key": message.key}) as answer,
        ):
            if not answer.is_success:
                raise ChannelError(self.name, f"answered {answer.status_code}")
            receipt: str = answer.headers.get("x-request-id") or f"status {answer.status_code}"
            return receipt[:LONGEST_RECEIPT]
