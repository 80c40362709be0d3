"""Events and controls: JSON that every later version must still read."""

from __future__ import annotations

import pytest

from devices.errors import MalformedBatchError
from devices.wire.control import (
    KINDS,
    Facts,
    Level,
    Limit,
    Limits,
    PausedRule,
    Pauses,
    decode_control,
    encode_control,
    kind_of,
)
from devices.wire.event import Battery, ClockCorrection, Contact, Event, Heartbeat, Link, decode_event, encode_event

EVENTS: list[tuple[Event, bytes]] = [
    (Heartbeat(5, 2, 3), b'{"kind":"heartbeat","at":5,"waiting":2,"oldest":3}'),
    (Link(5, True, -60), b'{"kind":"link","at":5,"up":true,"rssi":-60}'),
    (Contact(5, False), b'{"kind":"contact","at":5,"on":false}'),
    (Battery(5, 80), b'{"kind":"battery","at":5,"percent":80}'),
    (ClockCorrection(5, -900), b'{"kind":"clock","at":5,"offset_ms":-900}'),
]


@pytest.mark.parametrize(("event", "payload"), EVENTS, ids=lambda one: type(one).__name__)
def test_an_event_is_written_and_read_as_ever(event: Event, payload: bytes) -> None:
    assert encode_event(event) == payload
    assert decode_event(payload) == event
    assert decode_event(payload[:-1] + b',"unknown":1}') == event


def test_a_control_is_written_and_read_as_ever() -> None:
    limits = Limits((Limit(3, "low", high=Level(85.0, 10)),))
    payload = encode_control(limits)
    assert payload == (
        b'{"kind":"limits","limits":[{"vital":3,"side":"low","medium":null,"high":{"limit":85.0,"hold_s":10},"hysteresis":0.0,'
        b'"chart":false}]}'
    )
    assert decode_control(payload.replace(b',"chart":false', b"")) == limits, "as it was written before limits had a chart"
    for control in (limits, Facts(oxygen=True), Pauses((PausedRule("*", 5),))):
        assert decode_control(encode_control(control)) == control
    assert [kind_of(control) for control in (limits, Facts(), Pauses())] == ["limits", "facts", "pause"]
    assert set(KINDS.values()) == {"limits", "rule_set", "facts", "consent", "enrolment", "pause", "own_rules"}


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"kind":"other"}', b'{"kind":"link"}', b"[" * 100_000])
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(MalformedBatchError, match="event payload"):
        decode_event(payload)
    with pytest.raises(MalformedBatchError, match="control payload"):
        decode_control(payload)
