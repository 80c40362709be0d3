"""The channel ``mail``: an e-mail through an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import Literal

import httpx

from alerts.errors import ChannelError
from alerts.notify.channel import Message

Security = Literal["starttls", "tls", "none"]


class MailChannel:
    """A mail to a person's address, or without one to ``to``.  Its Message-ID is the same for every attempt; it is the
    receipt: the server has accepted the mail, and says nothing of its arrival.
    """

    name = "mail"

    def __init__(
        self,
        host: str,
        sender: str,
        *,
        port: int = 587,
        security: Security = "starttls",
        user: str = "",
        password: str = "",
        to: str = "",
        timeout_s: float = 5.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._security, self._timeout_s = host, port, security, timeout_s
        self._sender, self._user, self._password, self._to = sender, user, password, to
        self._trust = trust or httpx.create_ssl_context()

    @property
    def personal(self) -> bool:
        return not self._to

    def send(self, message: Message) -> str:
        to = message.address or self._to
        if not to:
            raise ChannelError(self.name, "the recipient has no address", of_recipient=True)
        try:
            mail = self._mail(message, to)
            with self._server() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(mail)
        except ValueError:  # a line feed in an address, or the like
            raise ChannelError(self.name, "the recipient's address is none", of_recipient=True) from None
        except smtplib.SMTPRecipientsRefused:
            raise ChannelError(self.name, "the server refused the recipient", of_recipient=True) from None
        except smtplib.SMTPResponseException as error:  # its text may hold an address
            raise ChannelError(self.name, f"answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelError(self.name, type(error).__name__) from None
        return str(mail["Message-ID"])

    def _server(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=self._trust)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        if self._security == "starttls":
            server.starttls(context=self._trust)
        return server

    def _mail(self, message: Message, to: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, to
        mail["Subject"] = message.text.partition(". ")[0]
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.key}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"  # no answers of absent people (RFC 3834)
        if message.priority.word == "high":
            mail["X-Priority"] = "1"
        mail.set_content(message.text)
        return mail
