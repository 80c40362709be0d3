"""Mappings: the files that docs/mqtt.md shows, with messages as their programs write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import UndecodableError
from devices.mqtt.mapping import Mapping, MappingError, apply_mapping, parse_mapping, read_message
from devices.sample import Status
from devices.vitals import VITALS, Vital

FOLDER = Path(__file__).parents[3] / "docs/mqtt"
NOW = 1_796_032_800_000
TEN = 1_796_032_800_000  # 2026-11-30T10:00:00Z
SHORT = 'name = "x"\ntopic = "{address}/x"\n[[values]]\nvital = "spo2"\npath = "a.b[1]"\nunit = "%"\n'


def mapping(name: str) -> Mapping:
    return parse_mapping((FOLDER / f"{name}.toml").read_text())


def values(found: Mapping, payload: bytes) -> dict[str, float | None]:
    samples = apply_mapping(found, read_message(payload), NOW).samples
    return {
        VITALS[Vital(int(one["vital"]))].column: None if np.isnan(one["value"]) else round(float(one["value"]), 3)
        for one in samples
    }


@pytest.mark.parametrize(
    ("name", "topic", "payload", "address", "expected", "time"),
    [
        (
            "zigbee2mqtt", "zigbee2mqtt/scale",
            b'{"weight": 71.4, "battery": 80, "linkquality": 120, "last_seen": "2026-11-30T12:00:00+02:00"}',
            "scale", {"weight": 71.4}, TEN,
        ),
        (
            "tasmota", "tele/bedroom/SENSOR", b'{"Time": "2026-11-30T10:00:00", "MI32": {"Weight": 71.4}, "TempUnit": "C"}',
            "bedroom", {"weight": 71.4}, TEN,
        ),
        ("esphome", "bedroom/sensor/heart_rate/state", b"72", "bedroom", {"heart_rate": 72}, None),
        (
            "theengs", "home/TheengsGateway/BTtoMQTT/C0DE00000001",
            b'{"id": "C0:DE:00:00:00:01", "spo2": 97, "heart_rate": 66, "batt": 80, "rssi": -60}',
            "C0:DE:00:00:00:01", {"spo2": 97, "pulse_rate": 66}, None,
        ),
    ],
)  # fmt: skip
def test_the_forms_of_four_programs(
    name: str, topic: str, payload: bytes, address: str, expected: dict[str, float], time: int | None
) -> None:
    found, message = mapping(name), read_message(payload)
    assert found.address_of(topic, message) == address
    assert found.address_of(f"other/{topic}/more", message) is None
    assert values(found, payload) == expected
    assert apply_mapping(found, message, NOW).device_time == time


def test_what_a_vendor_means_as_nothing_is_no_value() -> None:
    assert values(mapping("theengs"), b'{"id": "x", "spo2": 127, "heart_rate": 0}') == {"spo2": None, "pulse_rate": None}
    assert values(mapping("esphome"), b"nan") == {"heart_rate": None}
    assert values(mapping("esphome"), b"unavailable") == {"heart_rate": None}


def test_a_value_that_is_not_there_is_left_out_and_a_charge_alone_is_kept() -> None:
    assert values(mapping("theengs"), b'{"id": "x", "spo2": 97}') == {"spo2": 97}
    assert apply_mapping(mapping("zigbee2mqtt"), {"battery": 50}, NOW).battery == 50
    with pytest.raises(UndecodableError, match="none of the paths"):
        apply_mapping(mapping("zigbee2mqtt"), {"state": "ON"}, NOW)


def test_a_path_goes_into_lists() -> None:
    assert values(parse_mapping(SHORT), b'{"a": {"b": [1, 97]}}') == {"spo2": 97}


@pytest.mark.parametrize(("form", "raw"), [("s", 1_796_032_800), ("ms", "1796032800000"), ("iso", "2026-11-30t10:00:00z")])
def test_the_forms_of_time(form: str, raw: object) -> None:
    found = parse_mapping(SHORT.replace("[[values]]", f'time = {{path = "at", form = "{form}"}}\n[[values]]'))
    assert apply_mapping(found, {"at": raw, "a": {"b": [0, 97]}}, NOW).device_time == TEN


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('vital = "spo2"', 'vital = "spo"', "is no vital: use one of heart_rate"),
        ('unit = "%"', 'unit = "kg"', "unit 'kg' is not known"),
        ("{address}", "x", "where the device's address stands"),
        ('unit = "%"', "", "missing required field `unit`"),
        ('unit = "%"', 'unit = "%"\nunti = 1', "unknown field `unti`"),
        ('name = "x"', "name =", "cannot be read"),
        ("{address}/x", "{address}/#/x", "# at its end"),
        ("[[values]]", 'address = "id"\n[[values]]', "where the device's address stands"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_what_to_change(before: str, after: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason.replace("'", ".")):
        parse_mapping(SHORT.replace(before, after))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["weight", "last_seen", "battery", "id"]), inner)
    ),
)


@given(st.sampled_from(["zigbee2mqtt", "tasmota", "esphome", "theengs"]), JSON)
def test_any_message_is_read_or_refused(name: str, message: Any) -> None:
    found = mapping(name)
    try:
        decoded = apply_mapping(found, message, NOW)
    except UndecodableError:
        return
    samples = decoded.samples
    assert np.isfinite(samples["value"][samples["status"] == Status.OK]).all()
