"""Reports of providers about messages: delivered, seen, declined, acknowledged; signed as the notifier signs its own."""

from __future__ import annotations

import time
from typing import Final, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.care.answers import record_receipt
from alerts.care.signature import SIGNATURE, is_signed
from alerts.desk.web.context import desk_of


class Report(msgspec.Struct, frozen=True):
    """``key``: that of the message."""

    key: str
    status: Literal["delivered", "seen", "declined", "acknowledged"]


async def receive(request: Request) -> Response:
    """204 for a report that is stored; 403 without the secret's signature, 404 for a message that was never sent."""
    desk = desk_of(request)
    secret = desk.settings.receipt_secret
    body = await request.body()
    if secret is None or not is_signed(
        secret.get_secret_value().encode(), request.headers.get(SIGNATURE, ""), time.time(), body
    ):
        raise HTTPException(403, "Sign the report with the secret of VIGIL_DESK_RECEIPT_SECRET.")
    try:
        report = msgspec.json.decode(body, type=Report)
    except msgspec.DecodeError:
        return JSONResponse({"error": "Send JSON with key, and status: delivered, seen, declined or acknowledged."}, 422)
    if not await desk.write(lambda tx: record_receipt(tx, report.key, report.status)):
        return JSONResponse({"error": "There is no such message."}, 404)
    return Response(status_code=204)


ROUTES: Final = [Route("/receipts", receive, methods=["POST"])]
