"""Fetches from the desk: a credential for a claim code, once; then the configuration whenever it changes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx
import msgspec
import structlog

from devices.wire.pairing import Claim, Claimed, Config, Places, Refusals, RefusedReadings
from gateway.backoff import Backoff
from gateway.desk.configuration import Configuration, store_credential, store_desk
from gateway.errors import ClaimError, DeskUnreachableError, OutboxError, RevokedError

_TIMES: Final = httpx.Timeout(10.0, read=45.0)  # the desk holds a poll for up to 30 s
_REFUSALS: Final = 3
"""Answers in a row that mean a revocation; fewer may come from a desk in the middle of a change."""
_STRANGER: Final = (
    "the desk does not know this gateway: check its address and database; readings are kept and sent meanwhile"
)
_REFUSED_S: Final = 2.0
_AT_MOST_EVERY_S: Final = 0.5

KeepRefused = Callable[[Sequence[RefusedReadings]], Awaitable[None]]
"""Returns once they are on disk."""

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
    """Keeps ``configuration`` up to date; while the desk is away the stored one stays in use.

    A desk that does not know the credential may be the wrong one, or have lost its database: it is asked again, and no key
    is forgotten.  Only one that knows that the credential has ended ends the gateway.
    """

    def __init__(
        self,
        configuration: Configuration,
        claimed: Claimed,
        desk: str,
        *,
        ca: Path | None = None,
        keep_refused: KeepRefused | None = None,
    ) -> None:
        self._configuration, self._claimed, self._desk, self._ca = configuration, claimed, desk, ca
        self._keep_refused = keep_refused
        self._mark = ""  # the first poll asks for the whole

    async def run(self) -> None:
        """Poll until cancelled; :class:`RevokedError` once the desk has revoked this gateway, its keys then forgotten."""
        backoff, refusals = Backoff(0.5, 30), 0
        async with desk_client(self._desk, self._ca) as client:
            while True:
                began = time.monotonic()
                try:
                    status = await self._poll(client)
                    await self._take_refused(client)
                except OutboxError as error:
                    await backoff.sleep(_log.error, "what the log refused cannot be kept, trying again", reason=str(error))
                    continue
                except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
                    self._configuration.desk_answer = type(error).__name__
                    await backoff.sleep(_log.warning, "desk does not answer", reason=type(error).__name__)
                    continue
                self._configuration.answered(status)
                refusals = refusals + 1 if status == httpx.codes.GONE else 0
                if refusals == _REFUSALS:
                    self._configuration.revoke()
                    _log.error("revoked by the desk, nothing is sent any more")
                    raise RevokedError
                if refusals:
                    await asyncio.sleep(_REFUSED_S)
                elif status in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                    backoff.worked()
                    await asyncio.sleep(max(0.0, began + _AT_MOST_EVERY_S - time.monotonic()))
                elif status == httpx.codes.UNAUTHORIZED:
                    await backoff.sleep(_log.error, _STRANGER, desk=self._desk)
                else:
                    await backoff.sleep(_log.warning, "desk refuses the configuration", status=status)

    async def _poll(self, client: httpx.AsyncClient) -> int:
        headers = self._authorized | ({"If-None-Match": self._mark} if self._mark else {})
        answer = await client.get("/gateway/v1/config", headers=headers)
        with contextlib.suppress(KeyError, ValueError):
            at_desk = parsedate_to_datetime(answer.headers["date"]).timestamp()
            self._configuration.desk_ahead = round((at_desk - time.time()) * 1000)
        if answer.status_code == httpx.codes.OK:
            config = msgspec.json.decode(answer.content, type=Config)
            self._mark = answer.headers.get("etag", "")
            if config != self._configuration.current:
                self._configuration.accept(config)
                _log.info("configured", version=config.version, devices=len(config.devices), patients=len(config.patients))
        return answer.status_code

    async def _take_refused(self, client: httpx.AsyncClient) -> None:
        """Fetch what the log refused for good and keep it; then say so, that it is not named again."""
        config, path = self._configuration.current, "/gateway/v1/refused"
        if config is None or not config.refused or self._keep_refused is None:
            return
        answer = await client.get(path, headers=self._authorized)
        while answer.status_code == httpx.codes.OK:
            found = msgspec.json.decode(answer.content, type=Refusals).refused
            if not found:
                return
            await self._keep_refused(found)
            taken = msgspec.json.encode(Places(tuple(one.place for one in found)))
            answer = await client.post(path, content=taken, headers=self._authorized | _JSON)

    @property
    def _authorized(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._claimed.credential}"}
