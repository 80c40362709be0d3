"""SenML, and the CBOR below it."""

from __future__ import annotations

import math
import zlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import UndecodableError
from devices.mqtt.cbor import decode_cbor
from devices.mqtt.envelope import Envelope
from devices.mqtt.senml import decode_senml, is_senml
from devices.sample import Status
from devices.vitals import VITALS, Vital

NOW = 1_795_428_100_000
AT = 1_795_428_000


def senml(*records: dict[str, Any]) -> bytes:
    return msgspec.json.encode(records)


def values(found: Envelope) -> list[tuple[int | None, dict[str, float]]]:
    return [
        (one.device_time, {VITALS[Vital(int(s["vital"]))].column: round(float(s["value"]), 3) for s in one.samples})
        for one in found.readings
    ]


@pytest.mark.parametrize(
    ("hexadecimal", "expected"),
    [  # RFC 8949, appendix A
        ("00", 0), ("17", 23), ("1818", 24), ("1903e8", 1000), ("1bffffffffffffffff", 2**64 - 1), ("20", -1),
        ("3903e7", -1000),
        ("f90000", 0.0), ("f93e00", 1.5), ("f97bff", 65504.0), ("fa47c35000", 100000.0), ("fb3ff199999999999a", 1.1),
        ("f97c00", math.inf), ("f4", False), ("f5", True), ("f6", None), ("60", ""), ("6161", "a"), ("62c3bc", "ü"),
        ("80", []),
        ("83010203", [1, 2, 3]), ("a201020304", {1: 2, 3: 4}), ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
        ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}), ("7f657374726561646d696e67ff", "streaming"),
        ("4401020304", b"\x01\x02\x03\x04"),
        ("c1fb41d452d9ec200000", 1363896240.5), ("c48221196ab3", 273.15),
    ],
)  # fmt: skip
def test_cbor_as_its_specification_shows(hexadecimal: str, expected: object) -> None:
    assert decode_cbor(bytes.fromhex(hexadecimal)) == expected


@pytest.mark.parametrize(
    ("hexadecimal", "reason"),
    [("", "truncated"), ("19", "truncated"), ("8301", "truncated"), ("0000", "one item"), ("ff", "one item"),
    ("f8ff", "simple"),
     ("1c", "reserved"), ("a101", "truncated"), ("a18001", "pairs"), ("81" * 20, "deep"), ("82ff", "early"),
     ("c401", "decimal")],
)  # fmt: skip
def test_cbor_that_cannot_be_is_refused_by_reason(hexadecimal: str, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode_cbor(bytes.fromhex(hexadecimal))


@given(st.binary(max_size=40))
def test_any_bytes_are_cbor_or_refused(data: bytes) -> None:
    try:
        decode_cbor(data)
    except UndecodableError as error:
        named = error.reason
    else:
        named = "read"
    assert named


def test_records_of_one_time_are_one_reading() -> None:
    found = decode_senml(
        senml(
            {"bn": "urn:dev:mac:0024befffe804ff1:", "bt": AT, "n": "spo2", "u": "%", "v": 97, "seq": 7},
            {"n": "pulse_rate", "u": "beat/min", "v": 66},
            {"n": "temperature", "u": "Cel", "v": 36.6, "t": -60},
            {"n": "battery", "u": "%EL", "v": 80},
        ),
        NOW,
    )
    assert values(found) == [(AT * 1000 - 60_000, {"temperature": 36.6}), (AT * 1000, {"spo2": 97, "pulse_rate": 66})]
    assert (found.seq, found.refused, found.readings[-1].battery) == (7, (), 80)
    assert {one.record for one in found.readings} == {7}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"n": "spo2", "u": "/", "v": 0.97}, {"spo2": 97}),
        ({"bu": "K", "n": "temperature", "v": 310.15}, {"temperature": 37}),
        ({"bv": 70, "n": "weight", "u": "kg", "v": 1.4}, {"weight": 71.4}),
        ({"bn": "ward/bed/", "n": "systolic", "u": "mmHg", "v": 120}, {"systolic": 120}),
        ({"n": "HEART_RATE", "u": "beat/min", "v": 60}, {"heart_rate": 60}),
    ],
)
def test_base_values_and_units(record: dict[str, Any], expected: dict[str, float]) -> None:
    assert values(decode_senml(senml(record), NOW))[0][1] == expected


def test_a_time_below_two_to_the_28_is_relative_to_now() -> None:
    record = {"n": "spo2", "u": "%", "v": 97}
    assert decode_senml(senml(record | {"t": -5}), NOW).readings[0].device_time == NOW - 5000
    assert decode_senml(senml(record), NOW).readings[0].device_time == NOW


def test_the_same_pack_in_cbor() -> None:
    pack = bytes.fromhex(
        "82a5" + "2164" + b"dev:".hex() + "221a" + AT.to_bytes(4, "big").hex() + "0064" + b"spo2".hex() + "0161" + b"%".hex()
        + "02f95610" + "a3" + "006a" + b"pulse_rate".hex() + "0168" + b"beat/min".hex() + "021842"
    )  # fmt: skip
    assert is_senml(pack)
    found = decode_senml(pack, NOW)
    assert values(found) == [(AT * 1000, {"spo2": 97, "pulse_rate": 66})]
    assert found.seq == zlib.crc32(pack)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "humidity", "u": "%RH", "v": 40}, "not a vital"),
        ({"n": "spo2", "v": 97}, "no unit"),
        ({"n": "spo2", "u": "%", "v": "97"}, "no number"),
        ({"n": "spo2", "u": "kg", "v": 97}, "unit"),
        ({"n": "spo2", "u": "%", "v": 97, "t": -1e12}, "1970"),
    ],
)
def test_a_record_that_cannot_be_understood_is_refused_alone(record: dict[str, Any], reason: str) -> None:
    found = decode_senml(senml({"n": "weight", "u": "kg", "v": 71}, record), NOW)
    assert [one.reading for one in found.refused] == [1]
    assert reason in found.refused[0].reason
    assert len(found.readings) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"[]", "list of records"), (b"[1]", "list of records"), (b"[{", "no JSON"), (b"[" * 500, "no JSON"),
        (b'[{"bver": 11, "n": "spo2"}]', "version"), (b'[{"n": "spo2", "future_": 1}]', "understood"),
        (b"\x81\x01", "list of records"),
        (b"[" + b" " * 70_000 + b"]", "larger"),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_be_used_is_refused_whole(payload: bytes, reason: str) -> None:
    assert is_senml(payload)
    with pytest.raises(UndecodableError, match=reason):
        decode_senml(payload, NOW)


def test_a_value_out_of_range_is_marked() -> None:
    assert decode_senml(senml({"n": "spo2", "u": "%", "v": 127}), NOW).readings[0].samples["status"].tolist() == [
        Status.OUT_OF_RANGE
    ]


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_senml_or_refused(data: bytes, as_json: bool) -> None:
    try:
        found = decode_senml(b"[" + data + b"]" if as_json else b"\x81" + data, NOW)
    except UndecodableError:
        return
    for one in found.readings:
        assert np.isfinite(one.samples["value"][one.samples["status"] == Status.OK]).all()
