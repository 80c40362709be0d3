"""Envelopes as devices in the field send them: what they mean is taken (../shared/field/cases.md, MQTT envelopes)."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from devices.errors import UndecodableError
from devices.mqtt.envelope import IN_SECONDS, decode_envelope, encode_ack, seq_of
from devices.sample import Status

NOW = 1_796_032_805_000  # 2026-11-30T10:00:05Z
AT = NOW - 5000
VALID = b'{"v":1,"seq":7,"at":%d,"battery":80,"readings":[{"at":%d,"values":{"heart_rate":{"value":72,"unit":"/min"}}}]}' % (
    AT,
    AT,
)


def rate(
    value: bytes = b"72", unit: bytes = b"/min", at: bytes = b"%d" % AT, message_at: bytes = b"null", name: bytes = b'""'
) -> bytes:
    fields = {"v": b"1", "seq": b"7", "at": message_at, "name": name}
    begin = b",".join(b'"%s":%s' % (name.encode(), raw) for name, raw in fields.items())
    values = b'{"heart_rate":{"value":%s,"unit":"%s"},"spo2":{"value":97,"unit":"%%"}}' % (value, unit)
    return b'{%s,"readings":[{"at":%s,"values":%s}]}' % (begin, at, values)


@pytest.mark.parametrize(
    "payload",
    [
        VALID + b"\x00",
        VALID + b"\x00\x00\r\n",
        VALID + b'\x00"rest of an older, longer message"}]}',
        b"\xef\xbb\xbf" + VALID,
        b"\xef\xbb\xbf" + VALID + b"\n\x00",
        VALID.replace(b'"battery"', b'"name":"M\xfcller","battery"'),
        VALID.replace(b'"seq":7', b'"seq":7.0').replace(b'"v":1', b'"v":1.0').replace(b":80", b":80.0"),
        VALID.replace(b'"seq":7', b'"seq":7e0'),
    ],
    ids=["NUL", "NULs", "NUL and rest", "BOM", "BOM and NUL", "latin-1 name", "floats", "exponent"],
)
def test_what_stands_around_or_is_ignored_changes_nothing(payload: bytes) -> None:
    found, plain = decode_envelope(payload, NOW), decode_envelope(VALID, NOW)
    assert (found.seq, found.sent, found.refused) == (7, AT, ())
    assert [one.samples.tobytes() for one in found.readings] == [one.samples.tobytes() for one in plain.readings]
    assert [(one.device_time, one.battery) for one in found.readings] == [(AT, 80)]


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (b"nan", Status.NAN),
        (b"NaN", Status.NAN),
        (b"NAN", Status.NAN),
        (b"inf", Status.POSITIVE_INFINITY),
        (b"INF", Status.POSITIVE_INFINITY),
        (b"+inf", Status.POSITIVE_INFINITY),
        (b"-INF", Status.NEGATIVE_INFINITY),
        (b"Infinity", Status.POSITIVE_INFINITY),
        (b"-infinity", Status.NEGATIVE_INFINITY),
        (b"NRes", Status.NRES),
        (b"nres", Status.NRES),
        (b'"inf"', Status.POSITIVE_INFINITY),
    ],
)
def test_a_bare_special_value_is_one_and_its_neighbour_is_kept(token: bytes, status: Status) -> None:
    (reading,) = decode_envelope(rate(token), NOW).readings
    assert reading.samples["status"].tolist() == [status, Status.OK]
    assert np.isnan(reading.samples["value"][0]) and reading.samples["value"][1] == 97


def test_a_word_within_a_text_stays_a_text() -> None:
    found = decode_envelope(rate(b"nan", name=b'"the nan of \\"INF\\""'), NOW)
    assert found.seq == 7 and len(found.readings) == 1
    with pytest.raises(UndecodableError, match="no JSON"):
        decode_envelope(rate(b"abc"), NOW)


def test_a_text_without_end_is_refused_in_no_time() -> None:
    began = time.monotonic()
    with pytest.raises(UndecodableError, match="no JSON"):
        decode_envelope(b'{"v":1,"seq":7,"x":"' + b'\\"' * 30_000, NOW)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "at",
    [
        b"1.7960328e12",
        b"1796032800000.0",
        b"1796032800000.25",
        b'"2026-11-30t10:00:00z"',
        b'"2026-11-30 10:00:00Z"',
        b'"2026-11-30T12:00:00+02:00"',
        b'"2026-11-30T09:59:60Z"',
        b'"2026-11-30t11:59:60.000+02:00"',
    ],
)
def test_times_are_taken_as_what_they_mean(at: bytes) -> None:
    for payload in (rate(at=at), rate(at=b"null", message_at=at)):  # its own, or that of the message
        (reading,) = decode_envelope(payload, NOW).readings
        assert reading.device_time == 1_796_032_800_000


def test_second_sixty_may_end_a_day() -> None:
    (reading,) = decode_envelope(rate(at=b'"2026-11-30T23:59:60Z"'), NOW).readings
    assert reading.device_time == 1_796_083_200_000


@pytest.mark.parametrize("unit", ["{Beats}/min", "{beats}/min", "1/min", "{x}1/min", "/min{pulse}", "min-1", "{a}{b}/min"])
def test_what_stands_in_braces_changes_nothing(unit: str) -> None:
    (reading,) = decode_envelope(rate(unit=unit.encode()), NOW).readings
    assert reading.samples["value"].tolist() == [72, 97]


@pytest.mark.parametrize(
    ("column", "value", "unit", "kept"),
    [("spo2", 97, "%{saturation}", 97), ("glucose", 5.5, "mmol/L{blood}", 99.0858), ("systolic", 120, "mm[Hg]{sys}", 120)],
)
def test_annotations_of_other_units(column: str, value: float, unit: str, kept: float) -> None:
    reading = {"at": AT, "values": {column: {"value": value, "unit": unit}}}
    (found,) = decode_envelope(json.dumps({"v": 1, "seq": 7, "readings": [reading]}).encode(), NOW).readings
    assert found.samples["value"][0] == pytest.approx(kept, rel=1e-6)


@pytest.mark.parametrize("unit", ["{beats}", "{beats}/s", "{unclosed/min", "mmol/L"])
def test_an_annotation_makes_no_unit(unit: str) -> None:
    found = decode_envelope(rate(unit=unit.encode()), NOW)
    assert found.readings[0].samples["value"].tolist() == [97]
    assert "is not known" in found.refused[0].reason


@pytest.mark.parametrize("at", [b"1796032800", b"1796032800.5", b"1793500000"])
def test_seconds_are_refused_with_that_reason(at: bytes) -> None:
    with pytest.raises(UndecodableError, match=IN_SECONDS):
        decode_envelope(rate(message_at=at), NOW)
    assert decode_envelope(rate(at=at), NOW).refused[0].reason == IN_SECONDS


def test_a_clock_that_began_in_1970_is_not_taken_for_seconds() -> None:
    for at in (1000, 5_000_000, 1_700_000_000):
        assert decode_envelope(rate(at=b"%d" % at), NOW).readings[0].device_time == at


@pytest.mark.parametrize(
    ("payload", "seq"),
    [
        (b'{"v":1,"seq":7,"readings":[{"at":', 7),
        (b'{"v":1,"seq":7.0,"name":"M\xfcller"', 7),
        (b'{"seq" : 12 , "x": tru}', 12),
        (b'{"v":1,"seq":9223372036854775808,"x":tru}', None),
        (b'{"v":1,"seq":7,"readings":[' + b" " * 70_000, 7),
        (b"{}", None),
        (b"\xff\x00 no json", None),
    ],
)
def test_the_sequence_of_what_is_refused_is_found_where_there_is_one(payload: bytes, seq: int | None) -> None:
    with pytest.raises(UndecodableError):
        decode_envelope(payload, NOW)
    assert seq_of(payload) == seq


def test_an_acknowledgement_says_what_is_refused() -> None:
    assert json.loads(encode_ack(7, IN_SECONDS)) == {"v": 1, "ack": 7, "refused": IN_SECONDS}
    assert json.loads(encode_ack(None, "no JSON")) == {"v": 1, "ack": None, "refused": "no JSON"}
