"""The shield of all requests: security headers, a limit for the body and for time."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Frame-Options": "DENY",
}
_WAITING: Final = ("/stream", "/gateway/v1/config", "/download/")
"""Paths that wait on purpose; they have limits of their own."""


class Shield:
    """ASGI middleware: a body over ``body_limit`` bytes answers 413, a request longer than ``request_s`` seconds 503."""

    def __init__(self, app: ASGIApp, *, body_limit: int, request_s: float, secure: bool) -> None:
        self.app, self.body_limit, self.request_s, self.secure = app, body_limit, request_s, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, taken = False, 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.body_limit:
                raise HTTPException(413, "The body is over the limit: send less.")
            return message

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if self.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                # browsers may keep the desk's own files, and ask each time whether they have changed
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
            await send(message)

        try:
            limit = None if scope["path"].startswith(_WAITING) else self.request_s
            async with asyncio.timeout(limit):
                await self.app(scope, counted, headed)
        except TimeoutError:
            if not started:
                await PlainTextResponse("The desk did not answer in time: try again.", 503)(scope, receive, headed)
