"""Events and controls out of range are refused where they are decoded, with the field as the reason."""

from __future__ import annotations

import pytest

from alerts.rules.defaults import default_rule_set
from devices.errors import MalformedBatchError
from devices.wire.control import decode_control, encode_control, is_birth_date
from devices.wire.event import Battery, ClockCorrection, Contact, Event, Fault, Heartbeat, Link, decode_event, encode_event

AT = 1_796_032_800_000


@pytest.mark.parametrize(
    "event",
    [Battery(AT, 0), Battery(AT, 100), Link(AT, True, -128), Link(AT, False, 127), Heartbeat(AT, 2**31 - 1, 0),
     Contact(0, True), ClockCorrection(AT, -AT), Fault(AT, "clock", "x" * 200)],
)  # fmt: skip
def test_events_at_the_ends_of_their_ranges_are_events(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b'{"kind":"battery","at":1,"percent":1000000000000}', "percent"),
        (b'{"kind":"battery","at":1,"percent":-1}', "percent"),
        (b'{"kind":"battery","at":253402300800000,"percent":7}', "at"),
        (b'{"kind":"link","at":-1,"up":true}', "at"),
        (b'{"kind":"link","at":1,"up":true,"rssi":128}', "rssi"),
        (b'{"kind":"link","at":1,"up":"yes"}', "up"),
        (b'{"kind":"contact","at":9223372036854775807,"on":true}', "at"),
        (b'{"kind":"clock","at":1,"offset_ms":9223372036854775807}', "offset_ms"),
        (b'{"kind":"heartbeat","at":1,"waiting":2147483648}', "waiting"),
        (b'{"kind":"heartbeat","at":1,"oldest":-1}', "oldest"),
        (b'{"kind":"heartbeat","at":1,"clock_set":0}', "clock_set"),
        (b'{"kind":"fault","at":1,"what":"a\\u0000","reason":"b"}', "what"),
        (b'{"kind":"fault","at":1,"what":"a","reason":""}', "reason"),
        (b'{"kind":"fault","at":1,"what":"a","reason":"%s"}' % (b"x" * 201), "reason"),
    ],
)
def test_an_event_out_of_range_is_refused_and_its_field_named(payload: bytes, field: str) -> None:
    with pytest.raises(MalformedBatchError) as refused:
        decode_event(payload)
    assert refused.value.reason == f"event payload: {field} is out of range or of another kind"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b'{"kind":"facts","born":"1950-13-01"}', "born"),
        (b'{"kind":"facts","born":"1899-12-31"}', "born"),
        (b'{"kind":"facts","consciousness":"X"}', "consciousness"),
        (b'{"kind":"limits","limits":[{"vital":1,"side":"high","high":{"limit":1e9}}]}', "limits[0].high.limit"),
        (b'{"kind":"limits","limits":[{"vital":0,"side":"high"}]}', "limits[0].vital"),
        (b'{"kind":"limits","limits":[{"vital":1,"side":"low","high":{"limit":1,"hold_s":-1}}]}', "limits[0].high.hold_s"),
        (b'{"kind":"consent","given":true,"at":99999999999999999}', "at"),
        (b'{"kind":"enrolment","devices":[{"device":4294967296,"gateway":1,"since":1}]}', "devices[0].device"),
        (b'{"kind":"enrolment","devices":[{"device":1,"gateway":1,"since":1,"interval_s":-5}]}', "devices[0].interval_s"),
        (b'{"kind":"pause","pauses":[{"rule":"","until":1}]}', "pauses[0].rule"),
        (b'{"kind":"rule_set","version":1,"no_data_factor":1e300}', "no_data_factor"),
        (b'{"kind":"rule_set","version":1,"gateway_offline_s":99999999999}', "gateway_offline_s"),
    ],
)
def test_a_control_out_of_range_is_refused_and_its_field_named(payload: bytes, field: str) -> None:
    with pytest.raises(MalformedBatchError) as refused:
        decode_control(payload)
    assert refused.value.reason.startswith(f"control payload: {field} is ")


def test_the_default_rule_set_is_within_its_ranges() -> None:
    assert decode_control(encode_control(default_rule_set())) == default_rule_set()


@pytest.mark.parametrize(
    ("text", "right"),
    [("1945-07-14", True), ("2024-02-29", True), ("1900-01-01", True), ("1950-13-01", False), ("2023-02-29", False),
     ("1899-12-31", False), ("19500101", False), ("1950-W01-1", False), ("1950-1-1", False), ("", False), ("x", False),
     ("\u0661950-01-01", False), ("1950-01-01\n", False)],
)  # fmt: skip
def test_a_date_of_birth_is_an_iso_date_since_1900(text: str, right: bool) -> None:
    assert is_birth_date(text) is right
