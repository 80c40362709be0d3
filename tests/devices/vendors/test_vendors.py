"""Vendors' protocols: vectors, what means nothing, and what is asked."""

from __future__ import annotations

import numpy as np
import pytest

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.dialogue import Request
from devices.sample import Status
from devices.vendors import berrymed, nonin, polar, viatom
from devices.vendors.viatom_frame import ANSWER, FrameBuffer, encode_frame, parse_frame
from devices.vitals import Vital

NOW = 1_790_000_000_000


def values(found: Decoded) -> dict[Vital, tuple[float | None, Status]]:
    return {
        Vital(int(one["vital"])): (None if np.isnan(one["value"]) else float(one["value"]), Status(int(one["status"])))
        for one in found.samples
    }


@pytest.mark.parametrize(
    ("packet", "spo2", "pulse", "contact"),
    [
        ("8532004661", (97, Status.OK), (70, Status.OK), True),
        ("8532400261", (97, Status.OK), (130, Status.OK), True),  # bit 7 of the pulse stands in byte 2
        ("80001000ff"[:8] + "7f", (None, Status.SENSOR_OFF), (None, Status.SENSOR_OFF), False),
        ("853240" + "7f" + "7f", (None, Status.NAN), (None, Status.NAN), True),  # 255 and 127
        ("8f32004661", (97, Status.POOR_CONTACT), (70, Status.POOR_CONTACT), True),
        ("8532204661", (97, Status.POOR_CONTACT), (70, Status.POOR_CONTACT), True),
    ],
)
def test_berrymed(packet: str, spo2: object, pulse: object, contact: bool) -> None:
    found = berrymed.decode_packets(bytes.fromhex(packet), NOW)
    assert values(found) == {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}
    assert found.contact is contact


def test_berrymed_packets_that_are_cut_off_are_passed_over_and_one_reading_a_second_is_kept() -> None:
    data = bytes.fromhex("4661" + "8532004661" + "8532004760" + "8532")
    assert [one.spo2 for one in berrymed.parse_packets(data)] == [97, 96]
    oximeter = berrymed.BERRYMED.dialogue(berrymed.BERRYMED, None)
    at = [NOW, NOW + 10, NOW + 999, NOW + 1000]
    assert [len(oximeter.received(berrymed.DATA, data, one).readings) for one in at] == [1, 0, 0, 1]
    assert len(oximeter.received(berrymed.DATA, bytes.fromhex("800010007f"), NOW + 1001).readings) == 1, "the finger left"


@pytest.mark.parametrize(
    ("data", "spo2", "pulse"),
    [
        ("0a001e0064000161" + "0046", (97, Status.OK), (70, Status.OK)),
        ("0a001e006400017f" + "01ff", (None, Status.SENSOR_OFF), (None, Status.SENSOR_OFF)),
        ("0a001e0064000161" + "01ff", (97, Status.OK), (None, Status.NAN)),
        ("0a021e0064000161" + "0046", (97, Status.POOR_CONTACT), (70, Status.POOR_CONTACT)),
    ],
)
def test_nonin(data: str, spo2: object, pulse: object) -> None:
    assert values(nonin.decode_nonin(bytes.fromhex(data), NOW)) == {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}


@pytest.mark.parametrize(
    ("data", "reason"), [("0a00", "truncated"), ("0b001e00640001610046", "length"), ("00" * 11, "length")]
)
def test_nonin_names_what_does_not_fit(data: str, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        nonin.parse_nonin(bytes.fromhex(data))


def live(spo2: int, pulse: int, battery: int = 80) -> bytes:
    return bytes((spo2, pulse, 0, 0, 0, 0, 0, battery, 0, 0, 25, 0, 0))


@pytest.mark.parametrize(
    ("data", "spo2", "pulse"),
    [
        (live(97, 66), (97, Status.OK), (66, Status.OK)),
        (live(0, 0), (None, Status.SENSOR_OFF), (None, Status.SENSOR_OFF)),
        (live(255, 255), (None, Status.SENSOR_OFF), (None, Status.SENSOR_OFF)),
        (live(255, 66), (None, Status.NAN), (66, Status.OK)),
    ],
)
def test_viatom(data: bytes, spo2: object, pulse: object) -> None:
    found = viatom.decode_live(encode_frame(0, data, start=ANSWER), NOW)
    assert values(found) == {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}
    assert found.battery == 80


def test_viatom_asks_and_joins_the_parts_of_an_answer() -> None:
    ring = viatom.VIATOM.dialogue(viatom.VIATOM, None)
    assert ring.begin().requests == (Request(viatom.WRITE, bytes.fromhex("aa17e8000000001b"), response=False),)
    answer = encode_frame(0, live(97, 66), start=ANSWER)
    lost = ring.received(viatom.NOTIFY, answer[:16], NOW)  # its end never comes
    parts = [ring.received(viatom.NOTIFY, part, NOW) for part in (answer[:16], answer[16:])]
    assert [len(step.readings) for step in (lost, *parts)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("place", "reason"), [(0, "start"), (1, "complement"), (5, "truncated|length"), (7, "CRC"), (-1, "CRC")]
)
def test_a_viatom_frame_with_a_changed_byte_is_refused(place: int, reason: str) -> None:
    frame = bytearray(encode_frame(0x17, b"\x01\x02\x03"))
    frame[place] ^= 0x01
    with pytest.raises(UndecodableError, match=reason):
        parse_frame(bytes(frame))


def test_a_viatom_buffer_goes_on_after_a_frame_that_cannot_be() -> None:
    buffer = FrameBuffer()
    with pytest.raises(UndecodableError):
        buffer.add(b"\x00" * 5 + b"\xff\xff")
    assert buffer.add(encode_frame(0, b"\x01", start=ANSWER)) is not None


def ppi(rate: int, flags: int) -> bytes:
    return bytes(1).replace(b"\x00", b"\x03") + bytes(9) + bytes((rate,)) + b"\x2e\x03\x0a\x00" + bytes((flags,))


@pytest.mark.parametrize(
    ("rate", "flags", "expected", "contact"),
    [
        (73, 0x06, (73, Status.OK), True),
        (73, 0x04, (73, Status.SENSOR_OFF), False),
        (73, 0x07, (73, Status.ARTEFACT), True),
        (0, 0x00, (None, Status.NAN), None),
    ],
)
def test_polar_intervals(rate: int, flags: int, expected: object, contact: bool | None) -> None:
    found = polar.decode_frame(ppi(rate, flags), NOW)
    assert values(found) == {Vital.PULSE_RATE: expected}
    assert found.contact is contact


def test_polar_ecg_is_signed_microvolts() -> None:
    found = polar.parse_frame(bytes.fromhex("00" + "0094357700000000" + "00" + "010000" + "ffffff" + "00ff7f"))
    assert (found.kind, found.nanoseconds) == (polar.Kind.ECG, 2_000_000_000)
    assert found.values.tolist() == [[1], [-1], [0x7FFF00]]
    assert not len(polar.decode_frame(bytes.fromhex("00" + "00" * 9 + "010000"), NOW).samples)


def test_polar_delta_frames_add_up_from_the_first_sample() -> None:
    # reference (100, -100, 1000); one block of 2 samples with 4 bits: (+1, -1, +7), (-8, 0, 2)
    deltas = [1, 15, 7, 8, 0, 2]
    packed = sum(one << 4 * place for place, one in enumerate(deltas)).to_bytes(3, "little")
    reference = b"".join(one.to_bytes(2, "little", signed=True) for one in (100, -100, 1000))
    found = polar.parse_frame(b"\x02" + bytes(8) + b"\x81" + reference + b"\x04\x02" + packed)
    assert found.values.tolist() == [[100, -100, 1000], [101, -101, 1007], [93, -101, 1009]]


def test_polar_acceleration_in_parts_of_g_becomes_mg() -> None:
    reference = b"".join(one.to_bytes(2, "little", signed=True) for one in (4096, -4096, 0))
    found = polar.parse_frame(b"\x02" + bytes(8) + b"\x80" + reference, factor=2.44140625e-4)
    assert found.values.tolist() == [[1000, -1000, 0]]


@pytest.mark.parametrize(
    ("tail", "reason"),
    [("0402ff", "deltas"), ("0002", "delta size"), ("2101" + "00" * 13, "delta size"), ("04", "sample count")],
)
def test_a_polar_block_that_cannot_be_is_refused_by_name(tail: str, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        polar.parse_frame(b"\x02" + bytes(8) + b"\x81" + bytes(6) + bytes.fromhex(tail))


def test_polar_intervals_are_started_where_they_are_offered() -> None:
    belt = polar.POLAR.dialogue(polar.POLAR, None)
    belt.read(polar.CONTROL, bytes.fromhex("0f05000000"), NOW)  # ECG and ACC
    assert belt.begin().requests == ()
    belt.read(polar.CONTROL, bytes.fromhex("0f0d000000"), NOW)
    assert belt.begin().requests == (Request(polar.CONTROL, b"\x02\x03"),)
    assert not belt.received(polar.CONTROL, bytes.fromhex("f00203000000"), NOW).readings[0].samples.size
    with pytest.raises(UndecodableError, match="status 6"):
        belt.received(polar.CONTROL, bytes.fromhex("f0020306"), NOW)
