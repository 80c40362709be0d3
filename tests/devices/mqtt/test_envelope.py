from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.decoded import samples_of
from devices.errors import UndecodableError
from devices.mqtt.envelope import (
    MAX_BYTES,
    Envelope,
    ack_topic,
    address_of,
    decode_ack,
    decode_envelope,
    encode_ack,
    encode_envelope,
    readings_topic,
    seq_of,
)
from devices.sample import SAMPLE, Status
from devices.vitals import VITALS, Vital

NOW, AT = 1_790_000_000_000, 1_789_999_990_000


def message(**fields: Any) -> bytes:
    return json.dumps({"v": 1, "seq": 7, "readings": [], **fields}).encode()


def one(value: Any, unit: str = "/min", column: str = "heart_rate", **fields: Any) -> Envelope:
    reading = {"at": AT, "values": {column: {"value": value, "unit": unit}}, **fields}
    return decode_envelope(message(readings=[reading]), NOW)


def first(found: Envelope) -> tuple[float, Status]:
    sample = found.readings[0].samples[0]
    return float(sample["value"]), Status(int(sample["status"]))


def test_a_reading_keeps_its_time_vitals_and_the_messages_sequence() -> None:
    payload = (
        b'{"v":1,"seq":9,"at":"2026-09-21T14:13:20Z","model":"x","battery":80,"contact":true,"readings":['
        b'{"at":"2026-09-21T14:13:19.250Z","values":{"heart_rate":{"value":72,"unit":"/min","lead":2}}},'
        b'{"at":1790000000000,"values":{"spo2":{"value":97.5,"unit":"%"},"pulse_rate":{"value":71,"unit":"{beats}/min"}}}]}'
    )
    found = decode_envelope(payload, NOW + 5)
    assert found.seq == 9 and not found.refused
    assert [reading.device_time for reading in found.readings] == [NOW - 750, NOW]
    assert [reading.record for reading in found.readings] == [9, 9]
    assert [list(reading.samples["vital"]) for reading in found.readings] == [
        [Vital.HEART_RATE],
        [Vital.SPO2, Vital.PULSE_RATE],
    ]
    assert {int(time) for reading in found.readings for time in reading.samples["time"]} == {NOW + 5}
    assert [(reading.battery, reading.contact) for reading in found.readings] == [(None, None), (80, True)]


@pytest.mark.parametrize(
    ("column", "value", "unit", "kept"),
    [
        ("temperature", 98.6, "[degF]", 37.0),
        ("temperature", 98.6, "degF", 37.0),
        ("temperature", 310.15, "K", 37.0),
        ("systolic", 16, "kPa", 120.00987),
        ("glucose", 5.5, "mmol/L", 99.0858),
        ("weight", 150, "[lb_av]", 68.038856),
        ("respiratory_rate", 14, "{breaths}/min", 14),
    ],
)
def test_units_become_the_vitals_own(column: str, value: float, unit: str, kept: float) -> None:
    number, status = first(one(value, unit, column))
    assert number == pytest.approx(kept, rel=1e-6)
    assert status is Status.OK


@pytest.mark.parametrize(
    ("column", "unit"), [("heart_rate", "Hz"), ("temperature", "mmol/L"), ("spo2", ""), ("weight", "mg/dL")]
)
def test_a_unit_that_is_not_known_for_the_vital_is_refused_with_its_reason(column: str, unit: str) -> None:
    found = one(50, unit, column)
    assert not found.readings
    assert "is not known" in found.refused[0].reason


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("NaN", Status.NAN),
        (None, Status.NAN),
        (float("nan"), Status.NAN),
        ("NRes", Status.NRES),
        ("INF", Status.POSITIVE_INFINITY),
        (float("inf"), Status.POSITIVE_INFINITY),
        (10**400, Status.POSITIVE_INFINITY),
        ("-Infinity", Status.NEGATIVE_INFINITY),
        (float("-inf"), Status.NEGATIVE_INFINITY),
    ],
)
def test_special_values_keep_their_meaning(token: Any, status: Status) -> None:
    value, found = first(one(token))
    assert np.isnan(value) and found is status


def test_a_number_beyond_float32_is_out_of_range() -> None:
    value, status = first(one(1e300))
    assert np.isnan(value) and status is Status.OUT_OF_RANGE
    assert first(one(900)) == (900, Status.OUT_OF_RANGE)


def test_the_devices_own_status_is_kept_and_an_unknown_one_refused() -> None:
    assert first(one(70, status="sensor_off")) == (70, Status.SENSOR_OFF)
    assert first(one(70, status="poor_contact")) == (70, Status.POOR_CONTACT)
    for status in ("fine", "nan", "reserved", 3):
        assert "status" in one(70, status=status).refused[0].reason


def test_a_bad_part_leaves_its_neighbours() -> None:
    good = {"value": 70, "unit": "/min"}
    found = decode_envelope(
        message(
            readings=[
                {"at": AT, "values": {"heart_rate": good, "mood": {"value": 1, "unit": "1"}}},
                {"at": "yesterday", "values": {"heart_rate": good}},
                {"values": {"heart_rate": good}},
                7,
                {"at": AT, "values": {"heart_rate": good}},
                {"at": "2026-09-21T14:13:20", "values": {"heart_rate": good}},
                {"at": -1, "values": {"heart_rate": good}},
                {"at": AT + 1, "values": {"heart_rate": True}},
                {"at": AT + 2, "values": {"heart_rate": {"value": "70", "unit": "/min"}}},
                {"at": AT + 3, "values": {"heart_rate": good}},
            ]
        ),
        NOW,
    )
    assert [reading.device_time for reading in found.readings] == [AT, AT + 3]
    assert [refused.reading for refused in found.refused] == [0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8]


def test_a_lone_reading_may_lean_on_the_messages_time() -> None:
    raw = {"values": {"heart_rate": {"value": 70, "unit": "/min"}}}
    assert decode_envelope(message(at=AT, readings=[raw]), NOW).readings[0].device_time == AT


def test_state_alone_is_a_reading_without_samples() -> None:
    found = decode_envelope(message(at=AT, contact=False), NOW).readings[0]
    assert len(found.samples) == 0 and found.contact is False and found.battery is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "no JSON object"),
        (b"[" * 60000, "no JSON"),
        (b'{"v":1,"seq":' + b"1" * 5000 + b"}", "no JSON"),
        (b" " * (MAX_BYTES + 1), "larger than 64 KB"),
        (message(v=2), "version '2' is not known"),
        (message(v="1"), "is not known"),
        (message(v=True), "is not known"),
        (message(seq=-1), "seq"),
        (message(seq=1.5), "seq"),
        (message(readings={}), "readings"),
        (message(readings=[1] * 1001), "readings"),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_whole(payload: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode_envelope(payload, NOW)


def test_a_refused_message_can_still_be_acknowledged_where_it_has_a_sequence() -> None:
    assert seq_of(message(v=2)) == 7
    assert seq_of(b"{}") is None


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from(sorted(VITALS)), st.floats(width=32, allow_nan=False,
       allow_infinity=False)), max_size=5, unique_by=lambda item: item[0]), st.integers(0, 2**63 - 1))  # fmt: skip
def test_what_is_encoded_comes_back_bit_for_bit(raw: list[tuple[int, Vital, float]], seq: int) -> None:
    readings = [(at, samples_of([(vital, value, Status.OK)], NOW)) for at, vital, value in raw]
    found = decode_envelope(encode_envelope(seq, readings, at=NOW), NOW)
    assert found.seq == seq and not found.refused
    assert [reading.device_time for reading in found.readings] == [at for at, _ in readings]
    for reading, (_, samples) in zip(found.readings, readings, strict=True):
        assert reading.samples.dtype == SAMPLE
        assert reading.samples.tobytes() == samples.tobytes()


def test_special_values_come_back() -> None:
    values = [(Vital.SPO2, float("nan"), Status.NAN), (Vital.PULSE_RATE, float("nan"), Status.POSITIVE_INFINITY)]
    found = decode_envelope(encode_envelope(1, [(AT, samples_of(values, NOW))], battery=5, contact=False), NOW)
    assert [int(status) for status in found.readings[0].samples["status"]] == [Status.NAN, Status.POSITIVE_INFINITY]
    assert found.readings[0].battery == 5 and found.readings[0].contact is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["v", "seq", "at", "readings", "values", "value", "unit", "status", "heart_rate", "battery"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=60) | JSON.map(lambda tree: json.dumps(tree).encode()), st.dictionaries(
    st.sampled_from(["at", "readings", "battery", "contact"]), JSON))  # fmt: skip
def test_anything_decodes_or_is_refused(payload: bytes, fields: dict[str, Any]) -> None:
    for attempt in (payload, message(**fields), message(readings=[fields])):
        try:
            decode_envelope(attempt, NOW)
        except UndecodableError:
            continue


def test_acknowledgements_travel() -> None:
    assert decode_ack(encode_ack(12)) == 12
    for payload in (b"", b"{}", b'{"v":2,"ack":1}', b'{"v":1,"ack":"1"}'):
        with pytest.raises(UndecodableError):
            decode_ack(payload)


def test_topics_name_their_device_and_no_other() -> None:
    assert readings_topic("belt-1") == "dev/belt-1/readings"
    assert ack_topic("belt-1") == "cmd/belt-1/ack"
    assert address_of("dev/belt-1/readings") == "belt-1"
    for topic in ("dev//readings", "dev/a/b/readings", "cmd/a/ack", "dev/a", "dev/a/ecg"):
        assert address_of(topic) is None
    for address in ("", "+", "#", "a/b", "x" * 65):
        with pytest.raises(ValueError, match="address"):
            readings_topic(address)
