"""The circuit of a channel."""

from __future__ import annotations

import pytest

from alerts.errors import ChannelError
from alerts.notify.channel import Message
from alerts.notify.circuit import FAILURES, OPEN_S, WithCircuit
from tests.alerts.notify.channels.test_all import MESSAGE


class Fails:
    name = "pager"
    personal = False

    def __init__(self) -> None:
        self.asked = 0
        self.fault: ChannelError | None = ChannelError("pager", "answered 500")

    def send(self, message: Message) -> str:
        self.asked += 1
        if self.fault:
            raise self.fault
        return "r"


def send(channel: WithCircuit, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ChannelError):
            channel.send(MESSAGE)


def test_a_channel_that_fails_again_and_again_is_left_alone_and_tried_now_and_then() -> None:
    now, inner = [0.0], Fails()
    channel = WithCircuit(inner, clock=lambda: now[0])
    send(channel, 10)
    assert inner.asked == FAILURES
    now[0] = OPEN_S + 1
    send(channel, 10)
    assert inner.asked == FAILURES + 1, "one message is tried"
    now[0] += OPEN_S + 1
    inner.fault = None
    assert channel.send(MESSAGE) == "r"
    assert channel.send(MESSAGE) == "r", "it takes messages again"


def test_faults_of_recipients_open_no_circuit() -> None:
    inner = Fails()
    inner.fault = ChannelError("pager", "no number", of_recipient=True)
    send(WithCircuit(inner), 10)
    assert inner.asked == 10
