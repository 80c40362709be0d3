"""A clock that cannot be believed is said, and never silently keeps a reading from deciding."""

from __future__ import annotations

import pytest

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.batch import ClockQuality
from devices.wire.control import Consent, Enrolled, Enrolment
from devices.wire.event import ClockCorrection, Heartbeat
from streams.engine.testing import START, PatientLog, Record


def home(interval_s: int = 0) -> PatientLog:
    at_home = PatientLog(stages(), interval_s=interval_s)
    at_home.control(default_rule_set())
    at_home.control(Enrolment((Enrolled(7, 3, 0, None, interval_s),), (3,)))
    return at_home


def phases_at(it: PatientLog, rule: str = "clock_wrong") -> list[tuple[int, str]]:
    return [(second, phase) for second, _, phase, _ in it.reported(rule)]


def send(it: PatientLog, at: int, status: int = 0, clock: int = ClockQuality.SURE) -> None:
    samples = ((at * 1000, 85.0, int(Vital.SYSTOLIC), status, 0),)
    it.append(Record(it.now * 1000 + 1, 1, it.patient, it.device, it.gateway, samples=samples, clock=clock))


@pytest.mark.parametrize(
    ("ago", "status", "clock", "reason"),
    [
        (5 * 365 * 86_400, 0, ClockQuality.SURE, "older than 30 days"),
        (-7200, 0, ClockQuality.SURE, "ahead of the clock"),
        (-8 * 86_400, 0, ClockQuality.SURE, "ahead of the clock"),
        (0, Status.CLOCK_UNSURE, ClockQuality.SURE, "time not known"),
        (0, 0, ClockQuality.UNSURE, "time not known"),
    ],
)
def test_what_cannot_decide_for_its_time_is_told_at_once(ago: int, status: int, clock: int, reason: str) -> None:
    it = home()
    it.wait(5)
    send(it, it.now - ago, status, clock)
    it.wait(2)
    assert phases_at(it) == [(6, "onset")]
    (onset,) = it.conditions("clock_wrong")
    assert (onset.category, onset.source, onset.detail) == ("technical", 7, {"reason": reason})
    assert not it.reported("systolic.low")
    it.wait(60)
    send(it, it.now)
    it.wait(2)
    assert [phase for _, phase in phases_at(it)] == ["onset", "end"]
    assert it.reported("systolic.low")


def test_it_does_not_flap_while_sure_and_unsure_times_alternate() -> None:
    it = home()
    for _ in range(50):
        send(it, it.now, Status.CLOCK_UNSURE)
        it.wait()
        send(it, it.now)
        it.wait()
    assert [phase for _, phase in phases_at(it)] == ["onset"]


def test_a_clock_that_the_gateway_found_off_is_told_until_it_is_right() -> None:
    it = home()
    for offset, expected in ((20_000, 0), (-7_200_000, 1), (-7_200_000, 1), (1000, 2)):
        it.event(ClockCorrection(it.now * 1000, offset))
        it.wait(2)
        assert len(phases_at(it)) == expected, offset


def test_consent_given_again_lets_in_nothing_that_was_measured_meanwhile() -> None:
    it = home()
    it.wait(10)
    it.control(Consent(False, it.now * 1000))
    away = it.now
    it.wait(60)
    it.control(Consent(True, it.now * 1000))
    it.wait(5)
    writes = it.measure(Vital.SPO2, 70, at=away + 20)
    assert [one.reason for one in writes.rejected] == ["measured while consent was withdrawn"]
    assert not writes.accepted.any()
    beat = it.append(Record(it.now * 1000, 2, 1, 0, 3, event=Heartbeat((away + 30) * 1000)))
    assert [one.reason for one in beat.rejected] == ["measured while consent was withdrawn"]
    assert it.measure(Vital.SPO2, 97, at=away - 5).accepted.all(), "what was measured before belongs to the consent of then"
    assert it.measure(Vital.SPO2, 97).accepted.all()


def test_a_withdrawal_without_a_believable_time_counts_from_its_record() -> None:
    it = home()
    it.wait(10)
    it.control(Consent(False, 0))
    it.wait(60)
    it.control(Consent(True, (it.now + 900) * 1000))
    it.wait(5)
    assert it.measure(Vital.SPO2, 97, at=START + 5).accepted.all()
    assert not it.measure(Vital.SPO2, 97, at=START + 40).accepted.any()


def test_a_withdrawal_ends_what_is_said_of_gateway_and_devices_and_both_get_their_time_anew() -> None:
    it = home(interval_s=5)
    it.wait(200)
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset"]
    it.control(Consent(False, it.now * 1000))
    it.wait(300)
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset", "end"]
    it.control(Consent(True, it.now * 1000))
    it.wait(30)
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset", "end"], "it has had no time to beat yet"
    it.wait(70)
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset", "end", "onset"]


def test_a_heartbeat_that_is_sent_again_is_no_news() -> None:
    it = home()
    for _ in range(4):
        it.heartbeat()
        it.wait(30)
    old = [(it.now - 90) * 1000, (it.now - 60) * 1000]
    it.wait(100)
    for at in old:
        it.event(Heartbeat(at), device=0)
        it.wait()
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset"]
    it.heartbeat()
    it.wait()
    assert [phase for _, phase in phases_at(it, "gateway_offline")] == ["onset", "end"]


def test_a_gateway_whose_own_clock_is_not_set_is_heard_all_the_same() -> None:
    it = home()
    for _ in range(4):
        it.wait(30)
        beat = Record(it.now * 1000, 2, 1, 0, 3, event=Heartbeat(5000, clock_set=False), clock=ClockQuality.UNSURE)
        assert not it.append(beat).rejected
    it.wait(30)
    assert not it.reported("gateway_offline")
