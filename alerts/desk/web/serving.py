"""The HTTP server of the desk: how long a client may take to send a request, and whose word counts for its address."""

from __future__ import annotations

import asyncio
from typing import Literal

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from alerts.desk.settings import DeskSettings


def server_config(settings: DeskSettings, app: Starlette) -> uvicorn.Config:
    """The configuration of uvicorn for this application.

    ``X-Forwarded-For`` counts only from ``trusted_proxies``; from anyone else it is a claim, and is ignored.
    """
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=timed(settings.head_s, settings.head_s + settings.request_s),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )


def timed(head_s: float, whole_s: float) -> type[TimedProtocol]:
    """The protocol with these limits."""
    return type("TimedProtocol", (TimedProtocol,), {"head_s": head_s, "whole_s": whole_s})


class TimedProtocol(H11Protocol):
    """Closes a connection whose client does not finish a request: its head in ``head_s``, all of it in ``whole_s`` seconds.

    The time runs from the connection, or from the first byte of a later request; more bytes do not renew it.
    """

    head_s = 10.0
    whole_s = 25.0
    _awaits: Literal["head", "body"] | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await("head", self.head_s)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _look(self) -> None:
        state = self.conn.their_state
        if state is h11.IDLE and self.conn.trailing_data[0]:
            self._await("head", self.head_s)
        elif state is h11.SEND_BODY:
            self._await("body", self.whole_s)
        else:  # between two requests uvicorn's own limit counts
            self._rest()

    def _await(self, part: Literal["head", "body"], seconds: float) -> None:
        if self._awaits != part:
            self._rest()
            self._awaits, self._timer = part, self.loop.call_later(seconds, self.transport.close)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._awaits = self._timer = None
