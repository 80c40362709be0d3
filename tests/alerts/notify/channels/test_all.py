"""Every channel against a provider that fails in every way: it ends in time, says so without a secret, and is tried
again.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from alerts.errors import ChannelError
from alerts.notify.channel import Channel, Message
from alerts.notify.channels.by_apprise import AppriseChannel
from alerts.notify.channels.mail import MailChannel
from alerts.notify.channels.sms import SmsChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.deadline import WithDeadline
from streams.engine.condition import Priority
from tests.alerts.notify.conftest import Provider
from tests.alerts.notify.mail_server import MailServer

MESSAGE = Message(
    "vigil-12", "person:7", 7, "https://desk/call/x", Priority.HIGH, "physiological", 2, "spo2.low",
    address="nurse@example.org", answers=True,
)  # fmt: skip
NAMES = ("webhook", "sms", "apprise", "mail")


def channel_of(name: str, provider: Provider, mail_server: MailServer) -> tuple[Channel, Message]:
    match name:
        case "webhook":
            return WebhookChannel(provider.url, 0.4), MESSAGE
        case "sms":
            return SmsChannel(provider.url, timeout_s=0.4), replace(MESSAGE, address="+441632960001")
        case "apprise":
            url = provider.url.replace("http://", "json://") + "&rto=0.4&cto=0.4"
            return AppriseChannel(), replace(MESSAGE, address=url)
    mail = MailChannel("127.0.0.1", "vigil@example.org", port=mail_server.port, security="none", timeout_s=0.4)
    return mail, MESSAGE


@pytest.mark.parametrize("how", ["error", "slow", "drip", "moved", "gone", "refused"])
@pytest.mark.parametrize("name", NAMES)
def test_a_failure_of_whatever_kind_is_an_error_in_time_and_names_no_secret(
    name: str, how: str, provider: Provider, mail_server: MailServer
) -> None:
    if (how in ("drip", "moved") and name == "mail") or (how == "refused" and name != "mail"):
        pytest.skip("it has no such failure")
    channel, message = channel_of(name, provider, mail_server)
    provider.how = mail_server.how = how
    if how == "gone" and name != "mail":
        provider.socket.close()
    began = time.monotonic()
    with pytest.raises(ChannelError) as error:
        WithDeadline(channel, 1.5).send(message)
    assert time.monotonic() - began < 2
    assert not any(word in str(error.value) for word in ("secret", "nurse", "+44", "127.0.0.1"))
    assert error.value.of_recipient == (how == "refused")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_taken_has_a_receipt_and_a_second_copy_the_same_key(
    name: str, provider: Provider, mail_server: MailServer
) -> None:
    channel, message = channel_of(name, provider, mail_server)
    assert channel.send(message)
    channel.send(message)
    if name == "mail":
        assert [one["Message-ID"] for one in mail_server.got] == ["<vigil-12@example.org>"] * 2
    else:
        assert len(provider.got) == 2
    if name in ("webhook", "sms"):
        assert {one["Idempotency-Key"] for one in provider.headers} == {"vigil-12"}


@pytest.mark.parametrize("name", NAMES)
def test_a_message_says_what_it_takes_to_come_and_nothing_of_the_patient(
    name: str, provider: Provider, mail_server: MailServer
) -> None:
    channel, message = channel_of(name, provider, mail_server)
    channel.send(message)
    output = mail_server.got[0].as_string() if name == "mail" else str(provider.got[0])
    assert "high alarm, call 3" in output
    assert "https://desk/call/x" in output
    assert "spo2" not in output
    assert name == "mail" or "nurse@example.org" not in output


@pytest.mark.parametrize("name", ["sms", "apprise", "mail"])
def test_without_an_address_the_fault_is_the_recipients(name: str, provider: Provider, mail_server: MailServer) -> None:
    channel, message = channel_of(name, provider, mail_server)
    assert channel.personal
    for address in ("", "no\nthing://"):
        if name == "sms" and address:
            continue
        with pytest.raises(ChannelError) as error:
            channel.send(replace(message, address=address))
        assert error.value.of_recipient


def test_the_form_of_a_gateway_is_a_template_whose_values_are_not_read_again(provider: Provider) -> None:
    channel = SmsChannel(provider.url, "dest={to}&body=[{text}]&ref={key}&fixed=a b", "Bearer top", to="+441632960009")
    channel.send(replace(MESSAGE, address="", link="https://desk/{to}"))
    (form,) = provider.got
    assert (form["dest"], form["ref"], form["fixed"]) == ("+441632960009", "vigil-12", "a b")
    assert str(form["body"]).endswith("https://desk/{to}]")
    assert provider.headers[0]["Authorization"] == "Bearer top"
