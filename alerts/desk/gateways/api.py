"""The gateway API of :mod:`devices.wire.pairing`: claim once, then long-poll the configuration."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.gateway_config import STATE, gateway_config
from alerts.care.gateways import claim as claim_gateway
from alerts.care.gateways import hash_of
from alerts.database import Tx
from alerts.desk.errors import TooManyTriesError
from alerts.desk.web.context import desk_of
from alerts.desk.web.throttle import Throttle
from alerts.errors import ClaimError
from alerts.life.typed_number import decimal_number
from devices.wire.pairing import Claim, Config

_LONGEST_S: Final = 30.0
_AT_ONCE: Final = 3
"""Database connections that gateways together may use: the rest of the pool is for people."""
_LOOK_S: Final = 5.0
"""A change is found after this time even if its hint was lost."""
_CREDENTIAL: Final = """
SELECT gateway, revoked IS NOT NULL FROM gateway WHERE credential_hash = %(hash)s
UNION ALL SELECT gateway, true FROM ended_credential WHERE hash = %(hash)s LIMIT 1"""
_log = structlog.get_logger("alerts.desk.gateways.api")


class GatewayApi:
    """The routes, with the recent wrong tries of each address."""

    def __init__(self, tries: int) -> None:
        self._tries = Throttle(tries, 60)
        self._lookups = CapacityLimiter(_AT_ONCE)
        self._writes = CapacityLimiter(_AT_ONCE)
        self.routes = [
            Route("/gateway/v1/claim", self.claim, methods=["POST"]),
            Route("/gateway/v1/config", self.config, methods=["GET"]),
        ]

    async def claim(self, request: Request) -> Response:
        """Exchange a claim code, once, for a credential; 404 if it is unknown, used or too old, 429 after too many tries."""
        desk = desk_of(request)
        address, now = request.client.host if request.client else "unknown", time.monotonic()
        try:
            self._tries.check(address, now)
        except TooManyTriesError as error:
            desk.metrics.claims.labels("limited").inc()
            return Response(status_code=429, headers={"Retry-After": str(error.retry_s)})
        self._tries.note(address, now)
        try:
            code = msgspec.json.decode(await request.body(), type=Claim).code
            claimed = await desk.write(lambda tx: claim_gateway(tx, code), self._writes)
        except msgspec.DecodeError:
            return Response(status_code=400)
        except ClaimError:
            desk.metrics.claims.labels("refused").inc()
            return Response(status_code=404)
        self._tries.forgive(address)
        desk.metrics.claims.labels("accepted").inc()
        _log.info("gateway claimed", gateway=claimed.gateway)
        return _json(claimed)

    async def config(self, request: Request) -> Response:
        """The configuration as soon as its ETag is not ``If-None-Match``; 304 after ``wait`` seconds, 410 for a credential
        that has ended, 401 for one that this database does not know.
        """
        desk, settings = desk_of(request), desk_of(request).settings
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        known = request.headers.get("if-none-match", "").strip('"')
        wait = decimal_number(request.query_params.get("wait", "30"))
        if scheme.lower() != "bearer" or not credential:
            return _unauthorized()
        if wait is None or wait < 0:
            return Response(status_code=400)
        hashed, end = hash_of(credential.strip()), time.monotonic() + min(wait, _LONGEST_S)

        def config_of(tx: Tx) -> tuple[str, Config]:
            state = str((tx.execute(STATE, [gateway]).fetchone() or ("",))[0])  # before what it marks
            return state, gateway_config(
                tx, desk.master, gateway, settings.kafka, settings.topic, heartbeat_s=settings.heartbeat_s
            )

        while True:
            async with self._lookups, desk.pool.connection() as connection:
                row = await (await connection.execute(_CREDENTIAL, {"hash": hashed})).fetchone()
                if row is None:
                    return _unauthorized()
                gateway, ended = row
                if ended:
                    return Response(status_code=410)
                marked = await (await connection.execute(STATE, [gateway])).fetchone()
            if marked is not None and str(marked[0]) != known:
                state, config = await desk.write(config_of, self._writes)
                return _json(config, {"ETag": f'"{state}"'})
            left = end - time.monotonic()
            if left <= 0 or await request.is_disconnected():
                return Response(status_code=304)
            await desk.reader.config_hint(min(left, _LOOK_S))


def _json(message: msgspec.Struct, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(message), media_type="application/json", headers=headers)


def _unauthorized() -> Response:
    return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
