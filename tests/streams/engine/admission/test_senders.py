"""What counts and what is refused, with its reason."""

from __future__ import annotations

import math

import pytest

from devices.sample import Status
from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind
from devices.wire.control import Consent, Enrolled, Enrolment, Facts
from devices.wire.event import Contact, Heartbeat
from streams.engine.engine import Engine
from streams.engine.errors import NotTakenError
from streams.engine.snapshot.recall import Recall
from streams.engine.testing import START, PatientLog, Record, Sample, clock_record, control_record, round_of
from streams.engine.writes import Writes

NOW = START * 1000
GOOD: Sample = (NOW, 97.0, Vital.SPO2, 0, 0)


def sent(*samples: Sample, patient: int = 1, device: int = 7, gateway: int = 3, append: int = NOW, **more: int) -> Record:
    return Record(append, Kind.SAMPLES, patient, device, gateway, samples=samples or (GOOD,), **more)


def reasons(writes: Writes) -> list[tuple[int, str]]:
    return [(one.reading, one.reason) for one in writes.rejected]


def test_a_patient_of_whom_the_log_knows_nothing_is_not_enrolled() -> None:
    writes = PatientLog().append(sent(patient=65), Record(NOW, Kind.EVENT, 65, 0, 3, event=Heartbeat(NOW)))
    assert reasons(writes) == [(-1, "sender not enrolled")] * 2
    assert not writes.keep.any()
    assert not writes.events


@pytest.mark.parametrize("who", [{"device": 8}, {"gateway": 4}, {"device": 0, "gateway": 4}])
def test_an_unknown_device_or_gateway_is_not_enrolled(who: dict[str, int]) -> None:
    assert reasons(PatientLog().append(sent(**who))) == [(-1, "sender not enrolled")]


def test_the_desk_and_the_gateway_itself_may_speak_for_an_enrolled_patient() -> None:
    writes = PatientLog().append(sent(gateway=0), sent(device=0), sent(device=0, gateway=0))
    assert not writes.rejected
    assert writes.keep.all()


def test_withdrawn_consent_refuses_what_follows_and_nothing_before() -> None:
    it = PatientLog()
    writes = it.append(
        sent(),
        control_record(NOW, 1, Consent(False, NOW), 10),
        sent(),
        control_record(NOW, 1, Consent(True, NOW), 11),
        sent(),
    )
    assert reasons(writes) == [(-1, "consent withdrawn")]
    assert writes.keep.tolist() == [True, False, True]


def test_a_revoked_key_refuses_only_its_own_records() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, 0),), (3,), (5,)))
    writes = it.append(sent(key=5), sent(key=6))
    assert reasons(writes) == [(-1, "key revoked")]


def test_a_device_enrolled_later_in_the_same_round_counts_from_there() -> None:
    it = PatientLog()
    writes = it.append(
        sent(device=9), control_record(NOW, 1, Enrolment((Enrolled(7, 3, 0), Enrolled(9, 3, 0)), (3,)), 10), sent(device=9)
    )
    assert writes.keep.tolist() == [False, True]


def test_readings_from_before_or_after_the_enrolment_go_to_quarantine_and_their_neighbours_are_stored() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, NOW - 5000, NOW - 1000),), (3,)))
    writes = it.append(sent(*((NOW - k * 1000, 97.0, 3, 0, k) for k in range(8))))
    assert writes.keep.tolist() == [False, False, True, True, True, True, False, False]
    assert writes.quarantined == [(0, "measured outside the enrolment of its device")]
    assert not writes.rejected


def test_a_device_that_came_back_counts_in_both_its_times() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, NOW - 9000, NOW - 6000), Enrolled(7, 3, NOW - 3000)), (3,)))
    writes = it.append(sent(*((NOW - k * 1000, 97.0, 3, 0, k) for k in range(11))))
    assert writes.keep.tolist() == [k in (0, 1, 2, 3, 7, 8, 9) for k in range(11)]


def test_an_unsure_clock_near_a_transfer_goes_to_quarantine_and_elsewhere_is_stored_as_unsure() -> None:
    it = PatientLog()
    writes = it.append(sent(clock=ClockQuality.UNSURE))
    assert writes.status.tolist() == [Status.CLOCK_UNSURE]
    assert writes.keep.all()
    it.control(Enrolment((Enrolled(7, 3, NOW - 3_600_000),), (3,)))
    writes = it.append(sent(clock=ClockQuality.UNSURE))
    assert writes.quarantined == [(0, "clock unsure at a transfer")]
    assert not writes.keep.any()


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
    assert writes.keep.tolist() == [False, True]


def test_a_reading_with_one_bad_value_is_refused_whole() -> None:
    writes = PatientLog().append(sent((NOW, 70.0, 1, 0, 0), (NOW, math.nan, 3, 0, 0), (NOW, 70.0, 1, 0, 1)))
    assert reasons(writes) == [(0, "no number, though its status is ok")]
    assert writes.keep.tolist() == [False, False, True]


def test_nan_with_a_status_that_says_why_is_stored() -> None:
    writes = PatientLog().append(sent((NOW, math.nan, 3, Status.SENSOR_OFF, 0)))
    assert writes.keep.all()
    assert writes.status.tolist() == [Status.SENSOR_OFF]


def test_more_than_thirty_seconds_ahead_is_stored_as_unsure_and_is_not_the_latest() -> None:
    writes = PatientLog().append(sent((NOW + 30_000, 97.0, 3, 0, 0), (NOW + 30_001, 96.0, 3, 0, 1)))
    assert writes.status.tolist() == [Status.OK, Status.CLOCK_UNSURE]
    assert writes.latest["time"].tolist() == [NOW + 30_000]


def test_a_value_outside_its_plausible_range_is_marked_though_the_gateway_did_not() -> None:
    writes = PatientLog().append(sent((NOW, 400.0, 3, 0, 0)))
    assert writes.status.tolist() == [Status.OUT_OF_RANGE]


def test_a_control_record_is_taken_once_for_each_epoch_of_the_desk() -> None:
    it, facts = PatientLog(), Facts()
    first = it.append(
        control_record(NOW, 1, facts, 20, epoch=1),
        control_record(NOW, 1, facts, 20, epoch=1),
        control_record(NOW, 1, facts, 19, epoch=1),
    )
    assert [at for at, _ in first.controls] == [0]
    assert not first.rejected
    assert len(it.append(control_record(NOW, 1, facts, 3, epoch=2)).controls) == 1


def test_a_gateway_cannot_tell_the_engine_anything() -> None:
    writes = PatientLog().append(control_record(NOW, 1, Consent(False, 0), 99, gateway=3))
    assert reasons(writes) == [(-1, "not from the desk")]
    assert not writes.controls


def test_an_event_of_an_impossible_time_is_refused() -> None:
    it = PatientLog()
    assert reasons(it.event(Contact(0, on=False))) == [(-1, "older than 30 days")]
    assert reasons(it.event(Contact(NOW * 2, on=False))) == [(-1, "more than a day ahead of the clock")]


def test_records_of_a_partition_that_is_not_held_are_an_error_before_anything_changes() -> None:
    engine = Engine()
    engine.take(1, None, Recall())
    with pytest.raises(NotTakenError):
        engine.advance(round_of([clock_record(NOW, 1), clock_record(NOW, 2)]))
    assert engine.timeline.clock[1] == -1
