"""The webhook against a real server that behaves, fails, stalls, drips and redirects."""

from __future__ import annotations

import json
import time

import pytest

from alerts.care.signature import SIGNATURE, signature
from alerts.errors import ChannelError
from alerts.notify.channel import Message
from alerts.notify.channels.webhook import WebhookChannel
from streams.engine.condition import Priority
from tests.alerts.notify.conftest import Provider

MESSAGE = Message(
    key="vigil-12", recipient="team:3", alarm=7, link="http://desk/alarms/7", priority=Priority.HIGH,
    category="physiological", step=2, rule="spo2.low",
)  # fmt: skip


def test_a_message_is_taken_and_its_receipt_returned(provider: Provider) -> None:
    assert WebhookChannel(provider.url).send(MESSAGE) == "r-1"
    assert provider.headers[0]["Idempotency-Key"] == "vigil-12"


def test_a_signed_message_proves_who_sent_it_when_and_what(provider: Provider) -> None:
    WebhookChannel(provider.url, secret="shared").send(MESSAGE)
    given = {name.lower(): value for name, value in provider.headers[0].items()}[SIGNATURE.lower()]
    at = int(given.split(",")[0].removeprefix("t="))
    assert abs(at - time.time()) < 60
    body = json.dumps(provider.got[0]).encode()
    assert given == signature(b"shared", at, body)
    assert given not in (
        signature(b"other", at, body),
        signature(b"shared", at, body + b" "),
        signature(b"shared", at + 1, body),
    )
    WebhookChannel(provider.url).send(MESSAGE)
    assert SIGNATURE.lower() not in {name.lower() for name in provider.headers[1]}


def test_a_message_holds_nothing_but_what_it_takes_to_come_and_look(provider: Provider) -> None:
    WebhookChannel(provider.url).send(MESSAGE)
    assert provider.got == [
        {
            "key": "vigil-12",
            "text": "Vigil: high alarm, call 3. A patient's values need you: open the link, then see or call the patient. "
            "http://desk/alarms/7",
            "link": "http://desk/alarms/7",
            "answers": False,
            "recipient": "team:3",
            "alarm": 7,
            "priority": "high",
            "category": "physiological",
            "step": 2,
            "count": 1,
        }
    ]


def test_one_message_for_many_says_how_many_of_what_and_what_to_do() -> None:
    many = Message("k", "team:3", 7, "http://desk/alarms/7", Priority.MEDIUM, "technical", 0, "gateway_offline", count=4)
    assert many.text == (
        "Vigil: medium technical alarm (4 patients). A gateway is silent: nobody behind it is watched. "
        "Open the link, then call the home. http://desk/alarms/7"
    )
    parts = Message("k", "operators", 7, "http://desk/alarms/7", Priority.HIGH, "technical", 0, "log_damaged", count=2)
    assert parts.text.startswith("Vigil: high technical alarm (2 parts of the system). The log is damaged")


@pytest.mark.parametrize(
    ("how", "says"),
    [("error", "answered 503"), ("moved", "answered 302"), ("slow", "no answer in 0.5 s"), ("drip", "no answer in 0.5 s")],
)
def test_a_provider_that_does_not_take_it_is_a_failure_within_the_time_limit(
    provider: Provider, how: str, says: str
) -> None:
    provider.how = how
    began = time.monotonic()
    with pytest.raises(ChannelError, match=says):
        WebhookChannel(provider.url, 0.5).send(MESSAGE)
    assert time.monotonic() - began < 1.5
    assert len(provider.got) == 1  # a redirect is not followed


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x?token=secret", "http://[bad/x?token=secret", "nonsense://x?token=secret"]
)
def test_an_address_that_does_not_answer_fails_and_stays_secret(url: str) -> None:
    with pytest.raises(ChannelError) as failed:
        WebhookChannel(url, 1).send(MESSAGE)
    assert "secret" not in json.dumps([str(failed.value), failed.value.reason])
