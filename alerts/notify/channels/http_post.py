"""One POST to a provider, with a limit for the whole of it; every channel over HTTP sends by this."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from alerts.errors import ChannelError

LONGEST_RECEIPT: Final = 200


def post(name: str, url: str, content: bytes, headers: Mapping[str, str], timeout_s: float, trust: ssl.SSLContext) -> str:
    """Post; return the receipt: the answer's ``x-request-id``, or else its status.

    ``timeout_s`` limits the whole exchange, however slowly the answer comes.  Redirects are not followed: they would
    send the message to an address that nobody configured.

    Raises:
        ChannelError: the answer is not 2xx, or there is none in time.
    """
    try:
        return asyncio.run(_post(name, url, content, headers, timeout_s, trust))
    except TimeoutError:
        raise ChannelError(name, f"no answer in {timeout_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # their texts may name the address, which may hold a secret
        raise ChannelError(name, type(error).__name__) from None


async def _post(
    name: str, url: str, content: bytes, headers: Mapping[str, str], timeout_s: float, trust: ssl.SSLContext
) -> str:
    async with (
        asyncio.timeout(timeout_s),
        httpx.AsyncClient(verify=trust, timeout=timeout_s, trust_env=False) as client,
        client.stream("POST", url, content=content, headers=dict(headers)) as answer,
    ):
        if not answer.is_success:
            raise ChannelError(name, f"answered {answer.status_code}")
        receipt: str = answer.headers.get("x-request-id") or f"status {answer.status_code}"
        return receipt[:LONGEST_RECEIPT]
