"""Requests that are never finished are not held."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import Served

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = b"POST /gateway/v1/claim HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx"
UNREAD = b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx"


def ended(connection: socket.socket) -> bool:
    """True once the server has closed; what it said before is taken off."""
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("sent", [b"", HEAD, BODY, UNREAD])
def test_half_sent_requests_are_closed_however_slowly_more_comes(settings: DeskSettings, sent: bytes) -> None:
    quick = settings.model_copy(update={"head_s": 0.5, "request_s": 0.5})
    with Served(quick) as served:
        port = int(served.url.rsplit(":", 1)[1])
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(400)]
        try:
            for connection in held:
                connection.setblocking(False)
                connection.send(sent)
            assert httpx.get(f"{served.url}/healthz").status_code in (200, 503)
            end = time.monotonic() + 15
            while held:
                for connection in held[:]:
                    if ended(connection):
                        connection.close()
                        held.remove(connection)
                    elif sent:
                        try:
                            connection.send(b"x")  # one byte more must not begin the time again
                        except OSError:
                            continue
                assert time.monotonic() < end, f"{len(held)} are still held"
                time.sleep(0.2)
        finally:
            for connection in held:
                connection.close()


def test_a_connection_is_kept_for_the_next_request(settings: DeskSettings) -> None:
    with Served(settings.model_copy(update={"head_s": 0.5})) as served, httpx.Client(base_url=served.url) as client:
        for _ in range(3):
            first = client.get("/sign-in")
            time.sleep(0.8)
            assert first.status_code == 200
        assert "connection" not in first.headers
