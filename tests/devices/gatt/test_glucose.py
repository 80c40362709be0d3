"""Glucose: concentrations, trust, specimen, context and the dialogue with a meter."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from devices.errors import UndecodableError
from devices.gatt.date_time import encode_date_time
from devices.gatt.dialogue import Cursor, Request
from devices.gatt.glucose import GLUCOSE_MEASUREMENT, decode_glucose
from devices.gatt.glucose_context import GLUCOSE_CONTEXT, context_event, parse_glucose_context
from devices.gatt.glucose_meter import GLUCOSE_METER
from devices.gatt.numbers import encode_sfloat
from devices.gatt.record_dialogue import CONTROL
from devices.gatt.uuids import full_uuid
from devices.sample import Status
from devices.specimen import Specimen
from devices.wire.event import GlucoseContext

NOW = 1_790_000_000_000
AT = 1_790_260_205_000  # 2026-09-24T14:30:05Z
MEASURED, CONTEXT = full_uuid(GLUCOSE_MEASUREMENT), full_uuid(GLUCOSE_CONTEXT)


def record(number: int, mg: int = 95, *, at: int = AT, status: int | None = None, where: int = 0x12) -> bytes:
    flags = 0x02 | (0x08 if status is not None else 0)
    tail = b"" if status is None else status.to_bytes(2, "little")
    head = bytes((flags,)) + number.to_bytes(2, "little") + encode_date_time(at)
    return head + encode_sfloat(mg / 1e5, -5) + bytes((where,)) + tail


def value(data: bytes) -> tuple[float, Status]:
    sample = decode_glucose(data, NOW).samples[0]
    return round(float(sample["value"]), 2), Status(int(sample["status"]))


@pytest.mark.parametrize(
    ("hexadecimal", "mg", "status", "specimen", "time"),
    [
        ("032a00ea0709180e1e05f6ff5fb011", 95.0, Status.OK, Specimen.CAPILLARY_WHOLE_BLOOD, AT - 600_000),
        ("160100ea0709180e1e0537c042", 99.09, Status.OK, Specimen.CAPILLARY_PLASMA, AT),
        ("160100ea0709180e1e0537c04a", 99.09, Status.ARTEFACT, Specimen.CONTROL_SOLUTION, AT),
    ],
)
def test_concentrations_become_mg_per_dl_of_the_specimen_that_was_sent(
    hexadecimal: str, mg: float, status: Status, specimen: Specimen, time: int
) -> None:
    found = decode_glucose(bytes.fromhex(hexadecimal.replace("0537c042", "0537c012")), NOW)
    assert value(bytes.fromhex(hexadecimal.replace("0537c042", "0537c012"))) == (mg, status)
    assert (found.specimen, found.device_time) == (specimen, time)


@pytest.mark.parametrize(
    ("bit", "status"),
    [
        (0, Status.OK), (1, Status.ARTEFACT), (2, Status.ARTEFACT), (3, Status.ARTEFACT), (4, Status.ARTEFACT),
        (5, Status.POSITIVE_INFINITY), (6, Status.NEGATIVE_INFINITY), (7, Status.ARTEFACT), (8, Status.ARTEFACT),
        (9, Status.ARTEFACT), (10, Status.ARTEFACT), (11, Status.OK),
    ],
)  # fmt: skip
def test_the_sensors_status_says_how_far_to_trust(bit: int, status: Status) -> None:
    assert value(record(1, status=1 << bit)) == (95, status)


def test_a_time_fault_and_an_offset_that_could_not_be_sent_leave_the_time_unknown() -> None:
    fault = decode_glucose(record(1, status=1 << 11), NOW)
    assert (fault.device_time, fault.clock_set, fault.mark) == (None, False, AT)
    overrun = decode_glucose(bytes.fromhex("012a00ea0709180e1e05ff7f"), NOW)
    assert (overrun.device_time, overrun.clock_set) == (None, False)


def test_high_as_infinity_is_no_number() -> None:
    found = decode_glucose(bytes.fromhex("022a00ea0709180e1e05fe0711"), NOW).samples[0]
    assert np.isnan(found["value"])
    assert found["status"] == Status.POSITIVE_INFINITY


def test_a_record_without_concentration_has_no_sample() -> None:
    assert not len(decode_glucose(bytes.fromhex("002a00e807030f0e1e2d"), NOW).samples)


def test_a_context_is_kept_in_words_and_amounts() -> None:
    data = bytes.fromhex("7f2a00" + "02" + "0cd0" + "03" + "11" + "0807" + "32" + "01" + "04d0" + "46f0")
    assert context_event(parse_glucose_context(data)) == GlucoseContext(
        0, 42, "lunch", 12.0, "fasting", "self", "minor health issues", 30.0, 50, "rapid acting insulin", None, 4.0, 7.0
    )
    assert context_event(parse_glucose_context(bytes.fromhex("022a0063"))) == GlucoseContext(0, 42)


# the dialogue


def test_a_meter_is_asked_how_many_and_then_for_all_and_the_cursor_follows() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, None)
    assert meter.begin().requests == (Request(CONTROL, bytes.fromhex("0401")),)
    assert meter.received(CONTROL, bytes.fromhex("05000200"), NOW).requests == (Request(CONTROL, bytes.fromhex("0101")),)
    for number in (7, 8):
        assert len(meter.received(MEASURED, record(number, at=AT + number * 1000), NOW).readings) == 1
    done = meter.received(CONTROL, bytes.fromhex("06000101"), NOW)
    assert (done.cursor, done.requests, done.fault) == (Cursor(8, AT + 8000), (), "")


def test_a_context_gets_the_time_of_its_value_and_a_strangers_is_left_out() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, None)
    meter.begin()
    meter.received(MEASURED, record(42), NOW)
    (found,) = meter.received(CONTEXT, bytes.fromhex("022a0003"), NOW).readings
    assert (found.device_time, found.events) == (AT, (GlucoseContext(0, 42, meal="fasting"),))
    assert meter.received(CONTEXT, bytes.fromhex("022b0003"), NOW).readings == ()


def test_the_context_of_the_record_that_was_stored_before_is_not_told_again() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, Cursor(42, AT))
    assert meter.begin().requests[0].value == bytes.fromhex("0403012a00")
    meter.received(MEASURED, record(42), NOW)
    assert meter.received(CONTEXT, bytes.fromhex("022a0003"), NOW).readings == ()


def test_a_record_of_a_clock_that_was_never_set_is_from_memory() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, None)
    (found,) = meter.received(MEASURED, bytes.fromhex("022a0000000000121a205fb011"), NOW).readings
    assert (found.clock_set, found.from_memory, found.device_time) == (False, True, None)
    assert found.mark is not None


def test_a_silent_meter_is_told_to_abort() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, None)
    meter.begin()
    steps = [meter.tick() for _ in range(8)]
    assert [step.requests for step in steps if step.requests] == [(Request(CONTROL, b"\x03\x00"),)]
    assert [step.fault for step in steps if step.fault] == ["does not answer"]


def test_a_bad_answer_is_refused_by_name() -> None:
    meter = GLUCOSE_METER.dialogue(GLUCOSE_METER, None)
    meter.begin()
    with pytest.raises(UndecodableError, match="length"):
        meter.received(CONTROL, bytes.fromhex("0500030201"), NOW)


def test_the_time_of_the_test_is_the_one_it_says() -> None:
    assert datetime.fromtimestamp(AT / 1000, UTC).isoformat() == "2026-09-24T14:30:05+00:00"
