"""Which readings count, with which status, and which are refused or put into quarantine."""

from __future__ import annotations

import math

import pytest

from devices.sample import Status
from devices.wire.batch import ClockQuality
from devices.wire.control import Enrolled, Enrolment
from devices.wire.event import Contact
from streams.engine.testing import PatientLog, Sample
from tests.streams.engine.admission.sent import NOW, reasons, sent


def test_readings_from_before_or_after_the_enrolment_go_to_quarantine_and_their_neighbours_are_stored() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, NOW - 5000, NOW - 1000),), (3,)))
    writes = it.append(sent(*((NOW - k * 1000, 97.0, 3, 0, k) for k in range(8))))
    assert writes.accepted.tolist() == [False, False, True, True, True, True, False, False]
    assert writes.quarantined == [(0, "measured outside the enrolment of its device")]
    assert not writes.rejected


def test_a_device_that_came_back_counts_in_both_its_times() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, NOW - 9000, NOW - 6000), Enrolled(7, 3, NOW - 3000)), (3,)))
    writes = it.append(sent(*((NOW - k * 1000, 97.0, 3, 0, k) for k in range(11))))
    assert writes.accepted.tolist() == [k in (0, 1, 2, 3, 7, 8, 9) for k in range(11)]


def test_an_unsure_clock_near_a_transfer_goes_to_quarantine_and_elsewhere_is_stored_as_unsure() -> None:
    it = PatientLog()
    writes = it.append(sent(clock=ClockQuality.UNSURE))
    assert writes.status.tolist() == [Status.CLOCK_UNSURE]
    assert writes.accepted.all()
    it.control(Enrolment((Enrolled(7, 3, NOW - 3_600_000),), (3,)))
    writes = it.append(sent(clock=ClockQuality.UNSURE))
    assert writes.quarantined == [(0, "clock unsure at a transfer")]
    assert not writes.accepted.any()


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ((NOW, math.nan, 3, 0, 0), "no number, though its status is ok"),
        ((NOW, math.inf, 3, 0, 0), "no number, though its status is ok"),
        ((NOW, 97.0, 77, 0, 0), "unknown vital"),
        ((NOW, 97.0, 0, 0, 0), "unknown vital"),
        ((NOW, 97.0, 3, 99, 0), "unknown status"),
        ((NOW, 97.0, 3, 0, 1000), "reading beyond the count in the header"),
        ((NOW - 30 * 86_400_000 - 1, 97.0, 3, 0, 0), "older than 30 days"),
        ((0, 97.0, 3, 0, 0), "older than 30 days"),
        ((-5, 97.0, 3, 0, 0), "older than 30 days"),
        ((4_102_444_800_000, 97.0, 3, 0, 0), "more than a day ahead of the clock"),
    ],
)
def test_a_bad_reading_is_refused_alone(sample: Sample, reason: str) -> None:
    writes = PatientLog().append(sent(sample, (NOW - 1000, 96.0, 3, 0, 1)))
    assert reasons(writes) == [(sample[4], reason)]
    assert writes.accepted.tolist() == [False, True]


def test_a_reading_with_one_bad_value_is_refused_whole() -> None:
    writes = PatientLog().append(sent((NOW, 70.0, 1, 0, 0), (NOW, math.nan, 3, 0, 0), (NOW, 70.0, 1, 0, 1)))
    assert reasons(writes) == [(0, "no number, though its status is ok")]
    assert writes.accepted.tolist() == [False, False, True]


def test_nan_with_a_status_that_says_why_is_stored() -> None:
    writes = PatientLog().append(sent((NOW, math.nan, 3, Status.SENSOR_OFF, 0)))
    assert writes.accepted.all()
    assert writes.status.tolist() == [Status.SENSOR_OFF]


def test_more_than_thirty_seconds_ahead_is_stored_as_unsure_and_is_not_the_latest() -> None:
    writes = PatientLog().append(sent((NOW + 30_000, 97.0, 3, 0, 0), (NOW + 30_001, 96.0, 3, 0, 1)))
    assert writes.status.tolist() == [Status.OK, Status.CLOCK_UNSURE]
    assert writes.latest["time"].tolist() == [NOW + 30_000]


def test_a_value_outside_its_plausible_range_is_marked_though_the_gateway_did_not() -> None:
    writes = PatientLog().append(sent((NOW, 400.0, 3, 0, 0)))
    assert writes.status.tolist() == [Status.OUT_OF_RANGE]


def test_an_event_of_an_impossible_time_is_refused() -> None:
    it = PatientLog()
    assert reasons(it.event(Contact(0, on=False))) == [(-1, "older than 30 days")]
    assert reasons(it.event(Contact(NOW * 2, on=False))) == [(-1, "more than a day ahead of the clock")]
