"""Fetches from the desk: a credential for a claim code, once; then the configuration whenever it changes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx
import msgspec
import structlog

from devices.wire.pairing import Claim, Claimed, Config
from gateway.backoff import Backoff
from gateway.desk.configuration import Configuration, store_credential, store_desk
from gateway.errors import ClaimError, DeskUnreachableError, RevokedError

_TIMES: Final = httpx.Timeout(10.0, read=45.0)  # the desk holds a poll for up to 30 s
_REFUSALS: Final = 3
"""Refusals in a row that mean a revocation; fewer may come from a desk in the middle of a change."""
_REFUSED_S: Final = 2.0
_AT_MOST_EVERY_S: Final = 0.5

_log: Final = structlog.get_logger(__name__)


def desk_client(desk: str, ca: Path | None) -> httpx.AsyncClient:
    """A client of the desk at this URL; ``ca``: the PEM file that vouches for it, if it is not the system's own."""
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca)) if ca else True
    return httpx.AsyncClient(base_url=desk, timeout=_TIMES, verify=verify, trust_env=False)


async def claim(desk: str, code: str, state: Path, *, ca: Path | None = None) -> Claimed:
    """Exchange ``code`` at ``desk`` (a URL) for a credential, kept in the folder ``state`` with the desk's address.

    Raises :class:`ClaimError` where the desk refuses, :class:`DeskUnreachableError` where it does not answer.
    """
    try:
        async with desk_client(desk, ca) as client:
            answer = await client.post("/gateway/v1/claim", content=msgspec.json.encode(Claim(code)), headers=_JSON)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeskUnreachableError(desk, type(error).__name__) from None
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise ClaimError("unknown, used or too old")
    if answer.status_code != httpx.codes.OK:
        raise ClaimError(f"status {answer.status_code}")
    try:
        claimed = msgspec.json.decode(answer.content, type=Claimed)
    except msgspec.DecodeError:
        raise DeskUnreachableError(desk, "the answer is not that of a desk") from None
    store_credential(state, claimed)
    store_desk(state, desk, ca)
    return claimed


_JSON: Final = {"Content-Type": "application/json"}


class Downlink:
    """Keeps ``configuration`` up to date; while the desk is away the stored one stays in use."""

    def __init__(self, configuration: Configuration, claimed: Claimed, desk: str, *, ca: Path | None = None) -> None:
        self._configuration, self._claimed, self._desk, self._ca = configuration, claimed, desk, ca
        self._since = 0  # the first poll asks for the whole: a desk restored from a backup counts from a lower version

    async def run(self) -> None:
        """Poll until cancelled; :class:`RevokedError` once the desk has revoked this gateway, its keys then forgotten."""
        backoff, refusals = Backoff(0.5, 30), 0
        async with desk_client(self._desk, self._ca) as client:
            while True:
                began = time.monotonic()
                try:
                    status = await self._poll(client)
                except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
                    await backoff.sleep(_log.warning, "desk does not answer", reason=type(error).__name__)
                    continue
                refusals = refusals + 1 if status == httpx.codes.UNAUTHORIZED else 0
                if refusals == _REFUSALS:
                    self._configuration.revoke()
                    _log.error("revoked by the desk, nothing is sent any more")
                    raise RevokedError
                if refusals:
                    await asyncio.sleep(_REFUSED_S)
                elif status in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                    backoff.worked()
                    await asyncio.sleep(max(0.0, began + _AT_MOST_EVERY_S - time.monotonic()))
                else:
                    await backoff.sleep(_log.warning, "desk refuses the configuration", status=status)

    async def _poll(self, client: httpx.AsyncClient) -> int:
        answer = await client.get(
            "/gateway/v1/config",
            params={"since": self._since},
            headers={"Authorization": f"Bearer {self._claimed.credential}"},
        )
        with contextlib.suppress(KeyError, ValueError):
            at_desk = parsedate_to_datetime(answer.headers["date"]).timestamp()
            self._configuration.desk_ahead = round((at_desk - time.time()) * 1000)
        if answer.status_code == httpx.codes.OK:
            config = msgspec.json.decode(answer.content, type=Config)
            self._since = config.version
            if config != self._configuration.current:
                self._configuration.accept(config)
                _log.info("configured", version=config.version, devices=len(config.devices), patients=len(config.patients))
        return answer.status_code
