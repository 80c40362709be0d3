"""The channel ``sms``: a form posted to a gateway for text messages, as a template says."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

import httpx

from alerts.errors import ChannelError
from alerts.notify.channel import Message
from alerts.notify.channels.http_post import post

FORM: Final = "to={to}&text={text}&id={key}"
"""The template of a form: of each field a value, in which ``{to}``, ``{text}`` and ``{key}`` are replaced."""


class SmsChannel:
    """A text message to a person's number, or without one to ``to``.  ``authorization`` is the header of that name."""

    name = "sms"

    def __init__(self, url: str, form: str = FORM, authorization: str = "", to: str = "", timeout_s: float = 5.0) -> None:
        self._url, self._authorization, self._to, self._timeout_s = url, authorization, to, timeout_s
        self._form = parse_qsl(form, keep_blank_values=True)
        self._trust = httpx.create_ssl_context()

    @property
    def personal(self) -> bool:
        return not self._to

    def send(self, message: Message) -> str:
        to = message.address or self._to
        if not to:
            raise ChannelError(self.name, "the recipient has no number", of_recipient=True)
        values = {"{to}": to, "{text}": message.text, "{key}": message.key}
        fields = [(name, _filled(value, values)) for name, value in self._form]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": message.key}
        if self._authorization:
            headers["Authorization"] = self._authorization
        return post(self.name, self._url, urlencode(fields).encode(), headers, self._timeout_s, self._trust)


def _filled(template: str, values: dict[str, str]) -> str:
    """The template with its placeholders replaced, once: what stands in a value is none."""
    for place, value in values.items():
        if place in template:
            before, _, after = template.partition(place)
            return _filled(before, values) + value + _filled(after, values)
    return template
