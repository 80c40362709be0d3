"""A provider that is really there: an HTTP server that answers as a test tells it."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from tests.alerts.notify.mail_server import MailServer


class Provider(ThreadingHTTPServer):
    """``how``: "ok", "error", "slow" (says nothing for 3 s), "drip" (a header byte now and then), "moved", "gone"."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.how = "ok"
        self.got: list[dict[str, object]] = []
        self.heartbeats = 0
        self.headers: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/page?token=secret"

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that gave up is what some tests are about."""


class _Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        if "alive=1" in self.path:
            self.server.heartbeats += 1
            self.send_response(200)
            self.end_headers()
            return
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.server.got.append(dict(parse_qsl(content)) if is_form else json.loads(content))
        self.server.headers.append(dict(self.headers))
        match self.server.how:
            case "slow":
                time.sleep(3)
                return
            case "drip":
                for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 40:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            case "error":
                self.send_error(503)
            case "moved":
                self.send_response(302)
                self.send_header("Location", self.server.url)
                self.end_headers()
            case _:
                self.send_response(202)
                self.send_header("x-request-id", f"r-{len(self.server.got)}")
                self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    socketserver.TCPServer.server_close(server)
    thread.join(5)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
