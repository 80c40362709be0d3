"""What providers report about messages, over the desk's HTTP."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from pydantic import SecretStr

from alerts.care.signature import SIGNATURE, signature
from alerts.database import scalar
from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import Seeded, Served

SECRET = b"shared"


@pytest.fixture
def settings(settings: DeskSettings) -> DeskSettings:
    return settings.model_copy(update={"receipt_secret": SecretStr(SECRET.decode())})


def test_a_report_counts_only_if_it_is_signed_and_about_a_message_that_was_sent(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        number = scalar(tx, "SELECT max(notification) FROM notification")
        tx.execute("UPDATE notification SET attempts = 1 WHERE notification = %s", [number])
    good = json.dumps({"key": f"vigil-{number}", "status": "delivered"}).encode()
    now = int(time.time())
    with httpx.Client(base_url=served.url, timeout=15) as provider:

        def status(body: bytes, signed: str) -> int:
            return provider.post("/receipts", content=body, headers={SIGNATURE: signed}).status_code

        assert status(good, "") == 403
        assert status(good, signature(b"other", now, good)) == 403
        assert status(good, signature(SECRET, now - 3600, good)) == 403
        assert status(good + b" ", signature(SECRET, now, good)) == 403
        assert status(b"[]", signature(SECRET, now, b"[]")) == 422
        missing = good.replace(str(number).encode(), b"999999")
        assert status(missing, signature(SECRET, now, missing)) == 404
        with seeded.tx() as tx:
            assert scalar(tx, "SELECT delivered FROM notification WHERE notification = %s", [number]) is None
        assert status(good, signature(SECRET, now, good)) == 204
    with seeded.tx() as tx:
        assert scalar(tx, "SELECT delivered IS NOT NULL FROM notification WHERE notification = %s", [number])
