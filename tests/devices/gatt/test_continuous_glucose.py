"""CGM: the time of each record, the trust in it, and the CRC."""

from __future__ import annotations

import pytest

from devices.errors import UndecodableError
from devices.gatt.cgm_control_point import CgmCalibration, CgmInterval, CgmLevel, parse_cgm_control_point
from devices.gatt.cgm_measurement import CGM_MEASUREMENT
from devices.gatt.cgm_session import (
    CGM_FEATURE,
    CGM_SESSION_START,
    CGM_STATUS,
    parse_cgm_feature,
    parse_cgm_session_run_time,
)
from devices.gatt.continuous_glucose import CONTINUOUS_GLUCOSE, decode_cgm_measurement
from devices.gatt.crc import crc16
from devices.gatt.current_time import LocalTime, encode_current_time, parse_current_time, parse_local_time
from devices.gatt.date_time import encode_date_time
from devices.gatt.dialogue import Cursor, Dialogue
from devices.gatt.record_dialogue import CONTROL
from devices.gatt.uuids import full_uuid
from devices.sample import Status
from devices.specimen import Specimen

START = 1_790_000_000_000 // 1000 * 1000
MEASURED = full_uuid(CGM_MEASUREMENT)


def record(offset: int, mg: int = 120, *, flags: int = 0, octets: bytes = b"", crc: bool | None = None) -> bytes:
    size = 6 + len(octets) + (0 if crc is None else 2)
    bare = bytes((size, flags)) + mg.to_bytes(2, "little") + offset.to_bytes(2, "little") + octets
    return bare if crc is None else bare + (crc16(bare) ^ (not crc)).to_bytes(2, "little")


def sensor(
    *, start: bytes | None = None, status: bytes | None = None, now: int = START, cursor: Cursor | None = None
) -> Dialogue:
    found = CONTINUOUS_GLUCOSE.dialogue(CONTINUOUS_GLUCOSE, cursor)
    found.read(full_uuid(CGM_FEATURE), bytes.fromhex("00000019ffff"), now)
    if start is not None:
        found.read(full_uuid(CGM_SESSION_START), start, now)
    if status is not None:
        found.read(full_uuid(CGM_STATUS), status, now)
    return found


def measured_time(found: Dialogue, offset: int) -> int:
    (reading,) = found.received(MEASURED, record(offset), START).readings
    assert reading.device_time is not None
    assert found.ahead is not None
    return reading.device_time - found.ahead


def test_the_crc_is_the_one_of_the_specification() -> None:
    assert crc16(b"123456789") == 0x6F91


@pytest.mark.parametrize(
    "start",
    [
        encode_date_time(START + 2 * 3_600_000) + bytes((8, 0)),  # local time, two hours ahead
        encode_date_time(START - 86_400_000 * 365) + bytes((0x80, 255)),  # a clock that is a year behind, zone not known
        bytes.fromhex("000004180d08180802"),  # year not known
        None,
    ],
)
def test_the_minutes_since_the_start_give_the_time_also_where_the_sensors_clock_is_wrong(start: bytes | None) -> None:
    now = START + 600 * 60_000
    found = sensor(start=start, status=(600).to_bytes(2, "little") + bytes(3), now=now)
    assert measured_time(found, 600) == now
    assert measured_time(found, 540) == START + 540 * 60_000


def test_the_zone_of_the_start_gives_the_time_where_the_sensor_does_not_say_how_long_it_runs() -> None:
    found = sensor(start=encode_date_time(START + 3 * 3_600_000) + bytes((8, 4)))
    assert measured_time(found, 5) == START + 300_000


def test_without_either_the_time_is_unknown_and_the_record_is_recognised_all_the_same() -> None:
    (reading,) = sensor().received(MEASURED, record(5), START).readings
    assert (reading.clock_set, reading.device_time, reading.mark, reading.record) == (False, None, 300_000, 5)


def test_several_records_of_one_message_are_readings_of_their_own_and_a_damaged_one_is_left_out() -> None:
    found = sensor(status=bytes(5))
    step = found.received(MEASURED, record(5, crc=True) + record(6, 300, crc=False) + record(7, 121, crc=True), START)
    assert [(one.record, float(one.samples["value"][0])) for one in step.readings] == [(5, 120), (7, 121)]
    assert step.refused == ("CGM measurement: E2E-CRC is wrong",)
    assert {one.specimen for one in step.readings} == {Specimen.INTERSTITIAL_FLUID}


@pytest.mark.parametrize(
    ("flags", "octet", "status"),
    [
        (0x80, 0x02, Status.OK), (0x80, 0x08, Status.ARTEFACT), (0x80, 0x01, Status.ARTEFACT),
        (0x40, 0x10, Status.ARTEFACT),
        (0x40, 0x04, Status.OK), (0x20, 0x01, Status.OK), (0x20, 0x40, Status.NEGATIVE_INFINITY),
        (0x20, 0x80, Status.POSITIVE_INFINITY),
    ],
)  # fmt: skip
def test_the_annunciation_says_how_far_to_trust(flags: int, octet: int, status: Status) -> None:
    found = decode_cgm_measurement(record(5, flags=flags, octets=bytes((octet,))), START)
    assert found.samples["status"].tolist() == [status]


def test_the_cursor_waits_for_the_transfer_and_then_follows_each_value() -> None:
    found = sensor(status=bytes(5))
    assert found.begin().requests[0].value == bytes.fromhex("0401")
    assert found.received(MEASURED, record(5), START).cursor is None
    found.received(CONTROL, bytes.fromhex("05000100"), START)
    assert found.received(CONTROL, bytes.fromhex("06000101"), START).cursor == Cursor(5, 300_000)
    assert found.received(MEASURED, record(6), START).cursor == Cursor(6, 360_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x05\x00\x0c\x10\x06", "size"), (b"\x08\x00\x0c\x10\x06\x00", "truncated"),
        (b"\x06\x01\x0c\x10\x06\x00", "trend"),
        (b"\x09\x00\x0c\x10\x06\x00\x00\x00\x00", "length"), (b"\x07\x00\x0c\x10\x06\x00\x00", "E2E-CRC"),
    ],
)  # fmt: skip
def test_a_record_that_does_not_fit_its_size_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode_cgm_measurement(data, START)


def test_a_damaged_status_is_not_believed() -> None:
    with pytest.raises(UndecodableError, match="CRC"):
        sensor(status=bytes(5) + b"\x00\x00")


def test_what_the_control_point_answers() -> None:
    assert parse_cgm_control_point(bytes.fromhex("0305")) == CgmInterval(5, None)
    level = parse_cgm_control_point(bytes.fromhex("0c4600"))
    assert isinstance(level, CgmLevel)
    assert (level.name, level.level.value) == ("patient low", 70)
    calibration = parse_cgm_control_point(bytes.fromhex("0664000a0011d00201000200"[:22]))
    assert isinstance(calibration, CgmCalibration)
    assert (calibration.glucose.value, calibration.offset, calibration.next, calibration.record) == (100, 10, 720, 1)
    with pytest.raises(UndecodableError, match="opcode 1 is no answer"):
        parse_cgm_control_point(b"\x01\x05")


def test_a_sensor_without_crc_sends_ones_in_its_place() -> None:
    assert parse_cgm_feature(bytes.fromhex("00000019ffff")).intact is None
    assert parse_cgm_feature(bytes.fromhex("00100019ffff")).intact is False
    assert parse_cgm_session_run_time(bytes.fromhex("f000")) == (240, None)


def test_a_clock_that_is_set_reads_as_it_was_set() -> None:
    found = parse_current_time(encode_current_time(1_790_260_205_500))
    assert (str(found.time), found.weekday, found.fractions, found.adjust) == ("2026-09-24T14:30:05", 4, 128, 1)
    assert parse_local_time(bytes((0x80, 255))) == LocalTime(None, None)
    assert parse_local_time(bytes((0xE0, 4))) == LocalTime(-32, 4)
    with pytest.raises(UndecodableError, match="time zone"):
        parse_local_time(bytes((100, 0)))
