"""A jump that no body makes is an artefact until the next value agrees."""

from __future__ import annotations

import pytest

from devices.decoded import samples_of
from devices.gatt.profiles import decode
from devices.jumps import Jumps
from devices.sample import Status
from devices.vitals import Vital

NOW = 1_790_000_000_000


def statuses(*values: tuple[Vital, float], every_ms: int = 1000) -> list[Status]:
    jumps, found = Jumps(), []
    for place, (vital, value) in enumerate(values):
        samples = samples_of([(vital, value, Status.OK)], NOW)
        jumps.mark(samples, NOW + place * every_ms)
        found.append(Status(int(samples["status"][0])))
    return found


def spo2(*values: float) -> tuple[tuple[Vital, float], ...]:
    return tuple((Vital.SPO2, value) for value in values)


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        ((97, 60, 97), {1, 2}),  # one value of noise: it, and the first after it
        ((97, 80, 80, 79), {1}),  # a true fall costs one value
        ((97, 90, 83), set()),
        ((97,), set()),
    ],
)
def test_a_jump_is_an_artefact_until_the_next_value_agrees(values: tuple[float, ...], bad: set[int]) -> None:
    assert {place for place, status in enumerate(statuses(*spo2(*values))) if status is Status.ARTEFACT} == bad


def test_after_a_silence_nothing_is_a_jump() -> None:
    assert statuses(*spo2(97, 70), every_ms=3000) == [Status.OK, Status.OK]


def test_vitals_measured_now_and_then_do_not_jump() -> None:
    assert statuses((Vital.SYSTOLIC, 120), (Vital.SYSTOLIC, 220)) == [Status.OK, Status.OK]


def test_a_value_that_is_poor_already_is_left_alone_and_not_remembered() -> None:
    jumps = Jumps()
    poor, good = samples_of([(Vital.SPO2, 40, Status.ARTEFACT)], NOW), samples_of([(Vital.SPO2, 97, Status.OK)], NOW)
    jumps.mark(poor, NOW)
    jumps.mark(good, NOW + 1000)
    assert (poor["status"][0], good["status"][0]) == (Status.ARTEFACT, Status.OK)


@pytest.mark.parametrize(
    ("characteristic", "hexadecimal", "expected"),
    [
        (0x2A37, "00ff", [Status.NAN]),  # one byte, full
        (0x2A37, "01ff00", [Status.OK]),  # two bytes: 255 /min
        (0x2A37, "04ff", [Status.SENSOR_OFF]),
        (0x2A5F, "007f007f00", [Status.NAN, Status.NAN]),  # 127 beside 127
        (0x2A5F, "00ff00ff00", [Status.NAN, Status.NAN]),
        (0x2A5F, "0061007f00", [Status.OK, Status.OK]),  # 97 %, 127 /min
        (0x2A5F, "0000004600", [Status.NAN, Status.OK]),
        (0x2A5F, "00ff07ff00", [Status.NAN, Status.NAN]),  # NaN beside 255
        (0x2A5F, "0000000000", [Status.NAN, Status.NAN]),
    ],
)
def test_numbers_that_mean_nothing_never_pass_for_values(
    characteristic: int, hexadecimal: str, expected: list[Status]
) -> None:
    assert decode(characteristic, bytes.fromhex(hexadecimal), NOW).samples["status"].tolist() == expected
