"""The gateway API of :mod:`devices.wire.pairing`: claim once, then long-poll the configuration; report what a scan sees."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import msgspec
import psycopg
import structlog
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.gateway_config import STATE, gateway_config
from alerts.care.gateways import claim as claim_gateway
from alerts.care.gateways import hash_of
from alerts.care.pairing_scan import store_seen
from alerts.care.refusals import note_returned, refusals_of
from alerts.database import Tx
from alerts.desk.errors import TooManyTriesError
from alerts.desk.web.context import desk_of
from alerts.desk.web.throttle import Throttle
from alerts.errors import ClaimError
from alerts.life.text import is_storable
from alerts.life.typed_number import decimal_number
from devices.wire.pairing import Claim, Config, Places, Refusals, Seen

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
            Route("/gateway/v1/refused", self.refused, methods=["GET", "POST"]),
            Route("/gateway/v1/seen", self.seen, methods=["POST"]),
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
        hashed, known = _hash_of_credential(request), request.headers.get("if-none-match", "").strip('"')
        wait = decimal_number(request.query_params.get("wait", "30"))
        if hashed is None:
            return _unauthorized()
        if wait is None or wait < 0:
            return Response(status_code=400)
        end = time.monotonic() + min(wait, _LONGEST_S)

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

    async def seen(self, request: Request) -> Response:
        """Store what a gateway's scan sees; 409 once nobody asks for that scan any more, 410 or 401 as for the poll."""
        desk, hashed = desk_of(request), _hash_of_credential(request)
        if hashed is None:
            return _unauthorized()
        async with self._lookups, desk.pool.connection() as connection:
            row = await (await connection.execute(_CREDENTIAL, {"hash": hashed})).fetchone()
        if row is None:
            return _unauthorized()
        if row[1]:
            return Response(status_code=410)
        try:
            report = msgspec.json.decode(await request.body(), type=Seen)
        except msgspec.DecodeError:
            return Response(status_code=400)
        if any(not is_storable(text) for one in report.devices for text in (one.address, one.name, *one.profiles)):
            return Response(status_code=400)
        kept = await desk.write(lambda tx: store_seen(tx, row[0], report), self._writes)
        return Response(status_code=204 if kept else 409)

    async def refused(self, request: Request) -> Response:
        """The readings of this gateway that the log refused for good; posted :class:`Places` are not named again."""
        desk, hashed = desk_of(request), _hash_of_credential(request)
        try:
            body = await request.body() if request.method == "POST" else b"{}"
            places = msgspec.json.decode(body, type=Places).places
        except msgspec.DecodeError:
            return Response(status_code=400)

        def answer(tx: Tx) -> Refusals | int:
            row = tx.execute(_CREDENTIAL, {"hash": hashed}).fetchone()
            if row is None:
                return 401
            if row[1]:
                return 410
            note_returned(tx, row[0], places)
            return Refusals(tuple(refusals_of(tx, row[0])))

        try:
            found = 401 if hashed is None else await desk.write(answer, self._writes)
        except psycopg.DataError:  # a place that no row can have
            return Response(status_code=400)
        return Response(status_code=found) if isinstance(found, int) else _json(found)


def _hash_of_credential(request: Request) -> bytes | None:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    return hash_of(credential.strip()) if scheme.lower() == "bearer" and credential else None


def _json(message: msgspec.Struct, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(message), media_type="application/json", headers=headers)


def _unauthorized() -> Response:
    return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
