"""What the gateway gets from each characteristic: vitals, units, trust, contact and the device's time."""

from __future__ import annotations

import numpy as np
import pytest

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.body_composition import parse_body_composition
from devices.gatt.profiles import decode
from devices.gatt.pulse_oximeter import PULSE_OXIMETER
from devices.gatt.record_dialogue import CONTROL
from devices.gatt.uuids import full_uuid
from devices.sample import Status
from devices.vitals import Vital

NOW = 1_790_000_000_000
AT = 1_790_260_205_000  # 2026-09-24T14:30:05Z
STAMP = "ea0709180e1e05"


def values(found: Decoded) -> dict[Vital, tuple[object, Status]]:
    return {
        Vital(int(one["vital"])): (pytest.approx(float(one["value"]), abs=1e-4), Status(int(one["status"])))
        for one in found.samples
    }


def test_heart_rate_without_contact_is_sensor_off_and_one_that_cannot_tell_is_not() -> None:
    worn, fallen, silent = (decode(0x2A37, bytes.fromhex(text), NOW) for text in ("0648", "0448", "0048"))
    assert values(worn) == {Vital.HEART_RATE: (72, Status.OK)} and worn.contact is True
    assert values(fallen) == {Vital.HEART_RATE: (72, Status.SENSOR_OFF)} and fallen.contact is False
    assert values(silent) == {Vital.HEART_RATE: (72, Status.OK)} and silent.contact is None


def test_a_rate_of_zero_is_not_a_rate() -> None:
    assert values(decode(0x2A37, bytes.fromhex("0600"), NOW)) == {Vital.HEART_RATE: (0, Status.OUT_OF_RANGE)}


@pytest.mark.parametrize(
    ("measurement", "sensor", "status", "contact"),
    [
        (0x0120, 0x000000, Status.OK, True),
        (0x0000, 1 << 11, Status.SENSOR_OFF, False),
        (0x4000, 1 << 15, Status.SENSOR_OFF, False),
        (0x4000, 1 << 5, Status.ARTEFACT, True),
        (0x0000, 1 << 7, Status.ARTEFACT, True),
        (0x0000, 1 << 4, Status.POOR_CONTACT, True),
    ],
)
def test_oximeter_status_bits_say_how_far_to_trust(measurement: int, sensor: int, status: Status, contact: bool) -> None:
    data = bytes.fromhex("0c61004600") + measurement.to_bytes(2, "little") + sensor.to_bytes(3, "little")
    found = decode(0x2A5F, data, NOW)
    assert values(found) == {Vital.SPO2: (97, status), Vital.PULSE_RATE: (70, status)}
    assert found.contact is contact


def test_an_oximeter_without_status_does_not_know_its_contact() -> None:
    assert decode(0x2A5F, bytes.fromhex("0061004600"), NOW).contact is None


def test_a_special_value_keeps_its_neighbour() -> None:
    found = decode(0x2A5F, bytes.fromhex("00ff074600"), NOW)
    assert np.isnan(found.samples["value"][0])
    assert [int(one) for one in found.samples["status"]] == [Status.NAN, Status.OK]


def test_spot_check_time_counts_only_from_a_clock_that_was_set() -> None:
    assert decode(0x2A5E, bytes.fromhex("0162004000" + STAMP), NOW).device_time == AT
    assert decode(0x2A5E, bytes.fromhex("1162004000" + STAMP), NOW).device_time is None


def test_blood_pressure_in_mmhg_with_time_pulse_and_status() -> None:
    found = decode(0x2A35, bytes.fromhex("1e780050005d00" + STAMP + "4800010400"), NOW)
    assert values(found) == {
        Vital.SYSTOLIC: (120, Status.OK),
        Vital.DIASTOLIC: (80, Status.OK),
        Vital.MEAN_ARTERIAL: (93, Status.OK),
        Vital.PULSE_RATE: (72, Status.OK),
    }
    assert found.device_time == AT


def test_blood_pressure_in_kpa_becomes_mmhg() -> None:
    found = values(decode(0x2A35, bytes.fromhex("0110006bf07cf0"), NOW))
    assert found[Vital.SYSTOLIC] == (120.0099, Status.OK)
    assert found[Vital.DIASTOLIC] == (80.2566, Status.OK)


@pytest.mark.parametrize(
    ("bits", "pressure", "pulse"),
    [
        (0x0001, Status.ARTEFACT, Status.ARTEFACT),
        (0x0002, Status.POOR_CONTACT, Status.POOR_CONTACT),
        (0x0004, Status.OK, Status.OK),
        (0x0008, Status.OK, Status.OUT_OF_RANGE),
        (0x0020, Status.ARTEFACT, Status.ARTEFACT),
    ],
)
def test_cuff_status_bits_say_how_far_to_trust(bits: int, pressure: Status, pulse: Status) -> None:
    found = values(decode(0x2A35, bytes.fromhex("14780050005d004800") + bits.to_bytes(2, "little"), NOW))
    assert found[Vital.SYSTOLIC] == (120, pressure)
    assert found[Vital.PULSE_RATE] == (72, pulse)


def test_fahrenheit_becomes_celsius() -> None:
    found = decode(0x2A1C, bytes.fromhex("03da0300ff" + STAMP), NOW)
    assert values(found) == {Vital.TEMPERATURE: (37.0, Status.OK)}
    assert found.samples["value"][0] == np.float32(37.0)
    assert found.device_time == AT


@pytest.mark.parametrize("stamp", ["ea070d180e1e05", "ea07021e0e1e05", "ea0709181e1e05", "0100" + "09180e1e05"])
def test_a_time_that_cannot_be_refuses_the_record(stamp: str) -> None:
    with pytest.raises(UndecodableError, match="time stamp"):
        decode(0x2A1C, bytes.fromhex("02700100ff" + stamp), NOW)


def test_a_date_not_known_is_no_time() -> None:
    assert decode(0x2A1C, bytes.fromhex("02700100ff" + "00000000121a20"), NOW).device_time is None


def test_battery_alone_has_no_samples() -> None:
    found = decode(0x2A19, b"\x0f", NOW)
    assert found.battery == 15 and len(found.samples) == 0
    with pytest.raises(UndecodableError, match="reserved"):
        decode(0x2A19, b"\x65", NOW)


@pytest.mark.parametrize(
    ("hexadecimal", "kilograms", "status"),
    [("082c3adb00da06", 74.46, Status.OK), ("011027", 45.3592, Status.OK), ("00ffff", None, Status.NAN)],
)
def test_a_scale_gives_kilograms_and_ffff_is_no_weight(hexadecimal: str, kilograms: float | None, status: Status) -> None:
    sample = decode(0x2A9D, bytes.fromhex(hexadecimal), NOW).samples[0]
    assert (None if np.isnan(sample["value"]) else round(float(sample["value"]), 4)) == kilograms
    assert (sample["vital"], sample["status"]) == (Vital.WEIGHT, status)


def test_a_scale_names_its_user_and_its_time() -> None:
    found = decode(0x2A9D, bytes.fromhex("06881302"[:2] + "8813" + STAMP + "02"), NOW)
    assert (found.user, found.device_time) == (2, AT)
    assert decode(0x2A9D, bytes.fromhex("008813"), NOW).user is None


def test_body_composition_gives_fat_and_the_weight_where_it_is_sent() -> None:
    found = values(decode(0x2A9C, bytes.fromhex("0004" + "fa00" + "2c3a"), NOW))
    assert found == {Vital.BODY_FAT: (25.0, Status.OK), Vital.WEIGHT: (74.46, Status.OK)}
    assert values(decode(0x2A9C, bytes.fromhex("0000ffff"), NOW)).keys() == {Vital.BODY_FAT}


def test_every_field_of_a_body_composition_stands_in_its_order() -> None:
    found = parse_body_composition(
        bytes.fromhex(
            "fe1f" + "c800" + STAMP + "03" + "401f" + "9001" + "1027" + "2027" + "3027" + "4027" + "8813" + "2c3a" + "da06"
        )
    )
    assert (found.fat.value, found.user, found.metabolism, found.muscle_percent) == (20.0, 3, 8000, 40.0)
    masses = (found.muscle, found.fat_free, found.soft_lean, found.water, found.weight)
    assert [one.value for one in masses if one] == [50.0, 50.08, 50.16, 50.24, 74.46]
    assert (found.impedance, found.height, found.multiple) == (500.0, 1.754, True)


def test_a_cuff_names_its_user() -> None:
    assert decode(0x2A35, bytes.fromhex("08780050005d00" + "02"), NOW).user == 2


def test_an_oximeter_with_a_memory_is_asked_for_all_of_it_and_another_one_for_nothing() -> None:
    oximeter = PULSE_OXIMETER.dialogue(PULSE_OXIMETER, None)
    assert not oximeter.begin().requests
    oximeter.read(full_uuid(0x2A60), bytes.fromhex("0400"), NOW)
    assert [one.value.hex() for one in oximeter.begin().requests] == ["0401"]
    (asked,) = oximeter.received(CONTROL, bytes.fromhex("05000100"), NOW).requests
    assert asked.value.hex() == "0101"
    (found,) = oximeter.received(full_uuid(0x2A5E), bytes.fromhex("0162004000" + STAMP), NOW).readings
    assert found.device_time == AT
    done = oximeter.received(CONTROL, bytes.fromhex("06000101"), NOW)
    assert (done.fault, done.cursor, done.requests) == ("", None, ())
