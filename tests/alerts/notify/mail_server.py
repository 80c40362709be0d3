"""An SMTP server that is really there, and answers as a test tells it."""

from __future__ import annotations

import email
import socketserver
import time
from email.message import Message


class MailServer(socketserver.ThreadingTCPServer):
    """``how``: "ok", "error" (451 for the mail), "refused" (550 for the recipient), "slow" (greets after 3 s), "gone"."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.how = "ok"
        self.got: list[Message] = []
        self.port = int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.how == "gone":
            return
        if self.server.how == "slow":
            time.sleep(3)
        self._say("220 mail.example.org")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"RCPT" and self.server.how == "refused":
                self._say("550 no such person +44secret")
            elif word == b"DATA":
                self._say("354 go on")
                content = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    content += part
                if self.server.how == "error":
                    self._say("451 try later, +44secret")
                else:
                    self.server.got.append(email.message_from_bytes(content))
                    self._say("250 taken")
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()
