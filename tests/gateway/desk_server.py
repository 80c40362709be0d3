"""The desk's side of devices.wire.pairing, over real HTTP."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.stack.port import free_port
from devices.wire.pairing import Claim, Claimed, Config, Seen


class Desk:
    """Knows one claim ``code``; ``config`` is what it answers; ``status`` overrides every answer to a poll.

    ``seen``: the reports of scans, which it answers with ``takes_seen``.
    """

    def __init__(self) -> None:
        self.code, self.credential = "123-456", "a credential"
        self.config: Config | None = None
        self.status: int | None = None
        self.polls = 0
        self.seen: list[Seen] = []
        self.takes_seen = 204
        self.port = free_port()
        routes = [
            Route("/gateway/v1/claim", self._claim, methods=["POST"]),
            Route("/gateway/v1/config", self._config, methods=["GET"]),
            Route("/gateway/v1/seen", self._see, methods=["POST"]),
        ]
        settings = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="error", lifespan="off")
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Desk:
        self._thread.start()
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    async def _claim(self, request: Request) -> Response:
        if msgspec.json.decode(await request.body(), type=Claim).code != self.code:
            return Response(status_code=404)
        self.code = ""
        return Response(msgspec.json.encode(Claimed(5, self.credential)))

    async def _see(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {self.credential}"
        self.seen.append(msgspec.json.decode(await request.body(), type=Seen))
        return Response(status_code=self.takes_seen)

    async def _config(self, request: Request) -> Response:
        self.polls += 1
        if self.status is not None:
            return Response(status_code=self.status)
        if request.headers["authorization"] != f"Bearer {self.credential}":
            return Response(status_code=401)
        since = int(request.query_params["since"])
        for _ in range(20):
            if self.config is not None and self.config.version > since:
                return Response(msgspec.json.encode(self.config))
            await asyncio.sleep(0.05)
        return Response(status_code=304)
