"""Sensor off, no data and gateway offline."""

from __future__ import annotations

import pytest

from alerts.rules.stages import stages
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Enrolled, Enrolment, PausedRule, Pauses, RuleSet
from devices.wire.event import Contact
from streams.engine.testing import PatientLog, Record, clock_record


def home(interval_s: int = 0) -> PatientLog:
    at_home = PatientLog(stages(), interval_s=interval_s)
    at_home.control(RuleSet(1))
    return at_home


def alive(it: PatientLog, seconds: int, *, data: bool = True, beats: bool = True) -> None:
    for _ in range(seconds):
        if beats and it.now % 30 == 0:
            it.heartbeat()
        if data:
            it.measure(Vital.HEART_RATE, 70)
        it.wait()


def phases(it: PatientLog, rule: str) -> list[tuple[int, str]]:
    return [(second, phase) for second, _, phase, _ in it.reported(rule)]


def test_a_silent_device_is_told_after_two_intervals_and_thirty_seconds() -> None:
    it = home(interval_s=5)
    alive(it, 50)
    alive(it, 60, data=False)
    assert phases(it, "no_data") == [(49 + 41, "onset")]
    alive(it, 3)
    assert phases(it, "no_data")[1:] == [(111, "end")]


def test_a_device_that_reports_only_when_measured_is_never_silent() -> None:
    it = home()
    alive(it, 200, data=False)
    assert not it.reported("no_data")


def test_a_device_that_never_spoke_is_silent_from_its_enrolment_on() -> None:
    it = home(interval_s=5)
    alive(it, 60, data=False)
    assert phases(it, "no_data") == [(41, "onset")]


def test_a_drained_backlog_does_not_make_a_device_alive() -> None:
    it = home(interval_s=5)
    alive(it, 20)
    alive(it, 100, data=False)
    it.measure(Vital.HEART_RATE, 70, at=it.now - 301)
    it.wait(2)
    assert [phase for _, phase in phases(it, "no_data")] == ["onset"]


def test_a_lost_gateway_is_told_once_and_not_for_each_of_its_devices() -> None:
    it = home(interval_s=1)
    alive(it, 41)  # the last heartbeat is 10 s after the start of the log, on a full half minute
    alive(it, 300, data=False, beats=False)
    assert phases(it, "gateway_offline") == [(40 + 91, "onset")]
    assert not it.reported("no_data")
    it.heartbeat()
    it.wait(20)
    assert phases(it, "gateway_offline")[1:] == [(342, "end")]
    assert not it.reported("no_data"), "its devices get their allowance anew"
    alive(it, 60, data=False)
    assert [phase for _, phase in phases(it, "no_data")] == ["onset"]


def test_time_in_which_the_pipeline_stands_makes_nobody_silent() -> None:
    it = home(interval_s=5)
    alive(it, 30)
    it.now += 3600
    it.append(clock_record(it.now * 1000))
    it.wait(2)
    assert not it.reported("no_data")
    assert not it.reported("gateway_offline")


def test_data_alone_does_not_move_the_timers_when_the_clock_records_have_stopped() -> None:
    it = home(interval_s=5)
    alive(it, 30)
    for _ in range(200):  # somebody else's data moves the clock
        it.now += 1
        it.append(Record(it.now * 1000, 1, 65, 9, 9, samples=((it.now * 1000, 70.0, 1, 0, 0),)))
    assert not it.reported("no_data")
    assert phases(it, "pipeline_stopped") == [(30 + 11, "onset")]


@pytest.mark.parametrize(("away", "expected"), [(14 * 60, []), (20 * 60, ["onset", "end"])])
def test_a_planned_stop_is_told_only_when_it_lasts_longer_than_was_announced(away: int, expected: list[str]) -> None:
    it = home(interval_s=5)
    alive(it, 30)
    it.append(clock_record(it.now * 1000 + 500, silence=15))
    for _ in range(2):
        it.now += away // 2
        it.measure(Vital.HEART_RATE, 70)  # somebody's data come, no clock record
    it.now += 1
    alive(it, 20)
    assert [phase for _, phase in phases(it, "pipeline_stopped")] == expected
    assert not it.reported("gateway_offline")


def test_a_device_that_was_taken_away_is_not_missed() -> None:
    it = home(interval_s=5)
    alive(it, 20)
    alive(it, 60, data=False)
    it.control(Enrolment((Enrolled(it.device, it.gateway, 0, it.now * 1000, 5),), (it.gateway,)))
    it.wait(2)
    assert [phase for _, phase in phases(it, "no_data")] == ["onset", "end"]


def test_sensor_off_needs_ten_seconds_of_it() -> None:
    it = home()
    it.measure_each_second(Vital.HEART_RATE, [70] * 5)
    it.measure_each_second(Vital.HEART_RATE, [0] * 10, status=Status.SENSOR_OFF)
    it.measure_each_second(Vital.HEART_RATE, [70] * 2)
    assert not it.reported("sensor_off")
    it.measure_each_second(Vital.HEART_RATE, [0] * 11, status=Status.POOR_CONTACT)
    assert phases(it, "sensor_off") == [(17 + 11, "onset")]
    it.measure_each_second(Vital.HEART_RATE, [70])
    assert phases(it, "sensor_off")[1:] == [(29, "end")]


def test_an_artefact_is_no_lost_sensor() -> None:
    it = home()
    it.measure_each_second(Vital.HEART_RATE, [70] * 40, status=Status.ARTEFACT)
    assert not it.reported("sensor_off")


def test_a_good_value_that_comes_late_takes_sensor_off_back() -> None:
    it = home()
    it.measure_each_second(Vital.HEART_RATE, [0] * 10, status=Status.SENSOR_OFF)
    it.measure(Vital.HEART_RATE, 70, at=it.now - 3)
    it.measure_each_second(Vital.HEART_RATE, [0] * 5, status=Status.SENSOR_OFF)
    assert not it.reported("sensor_off")


def test_a_contact_event_says_it_at_once() -> None:
    it = home()
    it.event(Contact(it.now * 1000, on=False))
    it.wait(2)
    it.event(Contact(it.now * 1000, on=True))
    it.wait()
    assert phases(it, "sensor_off") == [(1, "onset"), (3, "end")]


def test_a_contact_event_of_an_hour_ago_says_nothing_now() -> None:
    it = home()
    it.wait(20)
    it.event(Contact((it.now - 3600) * 1000, on=False))
    it.wait(2)
    assert not it.reported("sensor_off")


def test_all_rules_of_a_patient_can_be_paused() -> None:
    it = home(interval_s=5)
    it.control(Pauses((PausedRule("*", (it.now + 200) * 1000),)))
    it.event(Contact(it.now * 1000, on=False))
    it.wait(199)
    assert not it.reported()
    it.wait(2)
    assert {rule for _, rule, _, _ in it.reported()} == {"sensor_off", "gateway_offline"}
