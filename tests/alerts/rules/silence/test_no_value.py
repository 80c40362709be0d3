"""Connected is not watched: values that cannot be used, and vitals that fall silent beside others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.decoded import Decoded
from devices.gatt.heart_rate import decode_heart_rate
from devices.gatt.pulse_oximeter import decode_continuous
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Consent, Enrolled, Enrolment, Facts, PausedRule, Pauses, RuleSet
from devices.wire.event import Contact
from streams.engine.testing import START, PatientLog, Record

SPO2, PULSE, HEART = Vital.SPO2, Vital.PULSE_RATE, Vital.HEART_RATE


def home(interval_s: int = 1, rules: RuleSet | None = None) -> PatientLog:
    at_home = PatientLog(stages(), interval_s=interval_s)
    at_home.control(rules or default_rule_set())
    return at_home


def phases_at(it: PatientLog, rule: str) -> list[tuple[int, str]]:
    return [(second, phase) for second, _, phase, _ in it.reported(rule)]


def send(it: PatientLog, found: Decoded) -> None:
    it.append(Record(it.now * 1000 + 1, 1, it.patient, it.device, it.gateway, samples=tuple(found.samples.tolist())))


@pytest.mark.parametrize("interval_s", [0, 1])
@pytest.mark.parametrize("usable_before", [0, 5])
@pytest.mark.parametrize(
    ("decode", "payload", "vitals", "reason"),
    [
        (decode_continuous, "00ff07ff07", (SPO2, PULSE), "no number"),
        (decode_continuous, "0000000000", (SPO2, PULSE), "no number"),
        (decode_continuous, "04610046000080", (SPO2, PULSE), None),
        (decode_heart_rate, "0000", (HEART,), None),
    ],
)
def test_values_that_cannot_be_used_are_told_within_ten_seconds_of_the_last_usable_one(
    decode: Callable[[bytes, int], Decoded],
    payload: str,
    vitals: tuple[Vital, ...],
    reason: str | None,
    usable_before: int,
    interval_s: int,
) -> None:
    it = home(interval_s)
    for _ in range(usable_before):
        for vital in vitals:
            it.measure(vital, 97 if vital == SPO2 else 70)
        it.wait()
    for _ in range(14):
        send(it, decode(bytes.fromhex(payload), it.now * 1000))
        it.wait()
    technical = [one for one in it.conditions() if one.rule.endswith("no_value") or one.rule == "sensor_off"]
    assert technical
    last_usable = max(usable_before - 1, 0)
    for one in technical:
        assert (one.phase, one.category) == ("onset", "technical")
        late = 3 if one.rule == "sensor_off" else 0
        assert one.second - START <= last_usable + 10 + late, one
        if reason:
            assert one.detail["reason"] == reason
    if not any(one.rule == "sensor_off" for one in technical):
        assert {one.vital for one in technical} == set(vitals)


@pytest.mark.parametrize(("value", "status", "reason"), [(310, Status.OK, "implausible"), (70, Status.ARTEFACT, "artefact")])
def test_a_usable_value_ends_it(value: float, status: Status, reason: str) -> None:
    it = home()
    it.measure_each_second(HEART, [70])
    it.measure_each_second(HEART, [value] * 60, status=status)
    it.measure_each_second(HEART, [70])
    assert phases_at(it, "heart_rate.no_value") == [(10, "onset"), (62, "end")]
    assert it.conditions("heart_rate.no_value")[0].detail == {"reason": reason, "cannot_assess": False}


def test_a_high_alarm_whose_values_become_useless_stays_and_cannot_be_assessed() -> None:
    it = home()
    it.measure_each_second(SPO2, [96] * 3 + [85] * 20 + [29] * 920)
    assert phases_at(it, "spo2.low") == [(19, "onset")]
    assert phases_at(it, "spo2.no_value") == [(32, "onset")]
    assert it.conditions("spo2.no_value")[0].detail["cannot_assess"] is True
    it.measure_each_second(SPO2, [96] * 2)
    assert [phase for _, phase in phases_at(it, "spo2.low")] == ["onset", "end"]
    assert [phase for _, phase in phases_at(it, "spo2.no_value")] == ["onset", "end"]


@pytest.mark.parametrize("interval_s", [0, 1])
def test_a_vital_that_falls_silent_beside_another_is_told_and_its_alarm_stays(interval_s: int) -> None:
    it = home(interval_s)
    for k in range(150):
        if k < 30:
            it.measure(SPO2, 85)
        it.measure(PULSE, 70)
        it.wait()
    assert [phase for _, phase in phases_at(it, "spo2.low")] == ["onset"]
    (onset,) = it.conditions("spo2.no_value")
    assert onset.detail == {"reason": "silent", "cannot_assess": True}
    assert onset.second - START <= 30 + 90
    assert not it.reported("pulse_rate.no_value")


def test_a_device_that_falls_silent_whole_leaves_its_standing_alarm_and_says_that_it_cannot_be_assessed() -> None:
    it = home()
    it.measure_each_second(SPO2, [85] * 30)
    it.wait(920)
    assert [phase for _, phase in phases_at(it, "spo2.low")] == ["onset"]
    assert phases_at(it, "spo2.no_value") == [(29 + 32, "onset")]


def test_a_device_that_falls_silent_whole_with_nothing_standing_is_no_datas_business() -> None:
    it = home()
    it.measure_each_second(SPO2, [97] * 30)
    for _ in range(200):
        if it.now % 30 == 0:
            it.heartbeat()
        it.wait()
    assert [rule for _, rule, _, _ in it.reported() if rule != "gateway_offline"] == ["no_data"]


def test_a_spot_check_that_stands_is_too_old_after_its_validity() -> None:
    it = home(0)
    it.measure(SPO2, 78)
    it.measure(PULSE, 145)
    it.wait(905)
    assert it.reported("spo2.low") == [(1, "spo2.low", "onset", "HIGH")]
    assert it.reported("heart_rate.high") == [(1, "heart_rate.high", "onset", "HIGH")]
    assert phases_at(it, "spo2.no_value") == [(900, "onset")]
    assert it.conditions("spo2.no_value")[0].detail == {"reason": "too old", "cannot_assess": True}


def test_what_a_finger_clip_says_while_it_is_put_on_and_taken_off_is_no_fault() -> None:
    it = home(0)
    for _ in range(3):
        it.measure_each_second(SPO2, [0] * 7, status=Status.NAN)
        it.measure_each_second(SPO2, [97] * 20)
        it.measure_each_second(SPO2, [0] * 7, status=Status.NAN)
        it.wait(70)
    assert not it.reported("spo2.no_value")


def test_a_cuff_that_shows_err_keeps_its_last_pressure_and_is_no_alarm() -> None:
    for interval_s in (0, 3600):
        it = home(interval_s)
        it.measure(Vital.SYSTOLIC, 85)
        it.wait(60)
        it.measure(Vital.SYSTOLIC, 0, status=Status.NAN)
        it.wait(60)
        assert [(rule, phase) for _, rule, phase, _ in it.reported() if rule != "gateway_offline"] == [
            ("systolic.low", "onset")
        ]


def test_a_device_that_reports_rarely_raises_one_alarm_that_stands() -> None:
    it = home(1000)
    for _ in range(3):
        it.measure(SPO2, 85)
        it.wait(905)
    assert it.reported("spo2.low") == [(1, "spo2.low", "onset", "HIGH")]
    assert not it.reported("spo2.no_value")


def test_sensor_off_says_it_alone() -> None:
    it = home()
    for status, seconds in ((Status.OK, 5), (Status.SENSOR_OFF, 60)):
        for _ in range(seconds):
            it.measure(SPO2, 97, status=status)
            it.measure(PULSE, 70, status=status)
            it.wait()
    assert [rule for _, rule, _, _ in it.reported()] == ["sensor_off"]


def test_a_sensor_off_of_one_vital_while_the_other_goes_on_is_told() -> None:
    it = home()
    for k in range(60):
        it.measure(SPO2, 97, status=Status.OK if k < 5 else Status.POOR_CONTACT)
        it.measure(PULSE, 70)
        it.wait()
    assert phases_at(it, "spo2.no_value") == [(4 + 13, "onset")]
    assert it.conditions("spo2.no_value")[0].detail["reason"] == "poor contact"


def test_a_pause_a_removed_device_and_withdrawn_consent_end_it() -> None:
    for end in (
        Pauses((PausedRule("spo2.no_value", (START + 500) * 1000),)),
        Enrolment((Enrolled(7, 3, 0, START * 1000, 1),), (3,)),
        Consent(False, 0),
    ):
        it = home()
        it.measure_each_second(SPO2, [0] * 30, status=Status.NAN)
        it.control(end)
        it.wait(2)
        assert [phase for _, phase in phases_at(it, "spo2.no_value")] == ["onset", "end"], end


def test_the_seconds_come_from_the_rule_set() -> None:
    it = home(rules=RuleSet(1, no_value_s=25))
    it.measure_each_second(SPO2, [97] + [0] * 40, status=Status.NAN)
    assert phases_at(it, "spo2.no_value") == [(24, "onset")]


def test_a_score_that_stands_is_not_ended_by_inputs_that_lapse() -> None:
    it = home()
    it.control(Facts(1, True, "A", "1950-02-03"))
    for _ in range(60):
        for vital, value in ((Vital.RESPIRATORY_RATE, 26), (SPO2, 88), (HEART, 135)):
            it.measure(vital, value)
        it.wait()
    it.event(Contact(it.now * 1000, on=False))
    it.wait(905)
    assert [phase for _, phase in phases_at(it, "news2")] == ["onset"]
    assert [phase for _, phase in phases_at(it, "news2_no_value")] == ["onset"]
    assert it.conditions("news2_no_value")[0].category == "technical"
    it.event(Contact(it.now * 1000, on=True))
    for vital, value in ((Vital.RESPIRATORY_RATE, 15), (SPO2, 98), (HEART, 70)):
        it.measure(vital, value)
    it.wait(2)
    assert [phase for _, phase in phases_at(it, "news2")] == ["onset", "end"]
    assert [phase for _, phase in phases_at(it, "news2_no_value")] == ["onset", "end"]
