"""The deadline of a channel, whatever it waits for."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from alerts.errors import ChannelError
from alerts.notify import outbox
from alerts.notify.channel import Message
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.deadline import MOST_HANGING, SEND_S, WithDeadline
from streams.engine.condition import Priority

MESSAGE = Message("key", "team:1", 1, "http://desk", Priority.HIGH, "physiological", 0, "spo2.low")


def test_a_name_server_that_does_not_answer_costs_a_message_its_deadline_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()

    def hangs(*_: object, **__: object) -> object:
        answers.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    channel = WithDeadline(WebhookChannel("https://pages.example/x", timeout_s=0.1), seconds=0.3)
    began = time.monotonic()
    with pytest.raises(ChannelError, match=r"not done in 0\.3 s"):
        channel.send(MESSAGE)
    assert time.monotonic() - began < 2
    answers.set()


def test_what_hangs_is_bounded_and_what_a_channel_says_is_passed_on() -> None:
    free = threading.Event()

    class Slow:
        name = "slow"
        personal = False

        def send(self, message: Message) -> str:
            if message.key == "bad":
                raise ChannelError("slow", "answered 503")
            if message.key != "quick":
                free.wait(30)
            return "receipt"

    channel = WithDeadline(Slow(), seconds=0.01)
    for _ in range(MOST_HANGING):
        with pytest.raises(ChannelError, match="not done"):
            channel.send(MESSAGE)
    with pytest.raises(ChannelError, match=f"{MOST_HANGING} messages hang"):
        channel.send(MESSAGE)
    free.set()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            assert WithDeadline(Slow(), 5).send(replace(MESSAGE, key="quick")) == "receipt"
            break
        except ChannelError:
            continue
    with pytest.raises(ChannelError, match="503"):
        WithDeadline(Slow(), 5).send(replace(MESSAGE, key="bad"))


def test_a_turn_of_messages_that_all_hang_ends_before_its_lease() -> None:
    assert outbox.AT_ONCE * SEND_S < outbox.LEASE_S
