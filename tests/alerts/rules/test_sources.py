"""Devices that measure one parameter of a patient: one of them decides, and all together are one condition."""

from __future__ import annotations

from collections import Counter

import pytest

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import (
    Agreement,
    Enrolled,
    Enrolment,
    Facts,
    Level,
    Limit,
    PausedRule,
    Pauses,
    Preference,
    RuleSet,
)
from streams.engine.testing import PatientLog, Record

CHEST, WRIST = 7, 8
HEART, PULSE, RESPIRATION = Vital.HEART_RATE, Vital.PULSE_RATE, Vital.RESPIRATORY_RATE
HIGH = Limit(HEART, "high", Level(120, 5), Level(150, 5), 2.0)


def home(*prefer: Preference, first: int = CHEST, interval_s: int = 1, **rules: object) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, (HIGH,), prefer=prefer, news2_medium=3, news2_high=20, news2_hold_s=0, **rules))  # type: ignore[arg-type]
    order = (CHEST, WRIST) if first == CHEST else (WRIST, CHEST)
    it.control(Enrolment(tuple(Enrolled(device, 3, 0, None, interval_s) for device in order), (3,)))
    it.control(Facts(1, False, "A", "1950-01-01"))
    it.wait()
    return it


def send(it: PatientLog, device: int, vital: Vital, value: float) -> None:
    samples = [(it.now * 1000, value, int(vital), 0, 0)]
    it.append(Record(it.now * 1000, Kind.SAMPLES, it.patient, device, 3, samples=tuple(samples)))


def both(it: PatientLog, seconds: int, wrist_measures: Vital = HEART, **values: float | None) -> None:
    """Heart rates of both, a second."""
    for _ in range(seconds):
        for device, value in ((CHEST, values.get("chest")), (WRIST, values.get("wrist"))):
            if value is not None:
                send(it, device, HEART if device == CHEST else wrist_measures, value)
        it.wait()


def reported(it: PatientLog, rule: str = "heart_rate.high") -> list[tuple[str, str]]:
    assert {one.source for one in it.conditions(rule)} <= {0}
    return [(one.phase, one.priority.name) for one in it.conditions(rule)]


def deciding(it: PatientLog, rule: str = "heart_rate.high") -> list[object]:
    """The device that each condition names first."""
    return [one.detail["sources"][0]["device"] for one in it.conditions(rule)]  # type: ignore[index]


def test_a_deterioration_that_four_devices_see_is_one_condition_a_parameter() -> None:
    """Was seven: three rates of the heart, two of breathing, a pulse of the cuff, and the score."""
    belt, patch, oximeter, cuff = 7, 8, 9, 10
    it = PatientLog(stages())
    it.control(default_rule_set())
    enrolled = [Enrolled(belt, 3, 0, None, 1), Enrolled(patch, 3, 0, None, 1), Enrolled(oximeter, 3, 0, None, 1)]
    it.control(Enrolment((*enrolled, Enrolled(cuff, 3, 0)), (3,)))
    it.control(Facts(1, False, "A", "1950-01-01"))
    for second in range(120):
        worse = second >= 30
        for device, vital, good, bad in (
            (belt, HEART, 80, 138), (belt, RESPIRATION, 16, 28), (patch, HEART, 81, 137), (patch, RESPIRATION, 15, 27),
            (oximeter, PULSE, 79, 136), (oximeter, Vital.SPO2, 97, 97),
        ):  # fmt: skip
            send(it, device, vital, bad if worse else good)
        if second in (20, 80):
            for vital, value in ((Vital.SYSTOLIC, 125), (Vital.DIASTOLIC, 80), (PULSE, 135 if worse else 78)):
                send(it, cuff, vital, value)
        it.wait()
    onsets = Counter((one.rule, one.subject, one.source) for one in it.conditions() if one.phase == "onset")
    del onsets["gateway_offline", 1, 3]  # it sends no heartbeats here
    assert onsets == {("heart_rate.high", 1, 0): 1, ("respiratory_rate.high", 1, 0): 1, ("news2", 1, 0): 1}
    rate = next(one for one in it.conditions("heart_rate.high") if one.phase == "onset")
    assert [one["device"] for one in rate.detail["sources"]] == [belt, patch, oximeter, cuff]  # type: ignore[attr-defined]


def test_the_first_of_the_enrolment_decides_alone_while_it_is_live() -> None:
    it = home()
    both(it, 10, chest=80, wrist=140)
    assert reported(it) == []
    other = home(first=WRIST)
    both(other, 10, chest=80, wrist=140)
    assert reported(other) == [("onset", "MEDIUM")]
    assert deciding(other) == [WRIST]


def test_the_rate_of_an_ecg_decides_before_a_pulse_wherever_they_stand_in_the_enrolment() -> None:
    it = home(first=WRIST)
    both(it, 10, wrist_measures=PULSE, chest=80, wrist=140)
    assert reported(it) == []


def test_a_source_is_held_to_and_the_condition_goes_on_when_another_takes_over() -> None:
    it = home(Preference(HEART, 20))
    both(it, 10, chest=140, wrist=141)
    both(it, 40, wrist=141)
    assert reported(it) == [("onset", "MEDIUM")], "one condition, whoever decides"
    both(it, 10, wrist=80)
    assert reported(it)[1:] == [("end", "MEDIUM")]
    assert deciding(it) == [CHEST, WRIST]


def test_it_waits_for_its_hold_before_the_next_one_decides_and_takes_over_again() -> None:
    it = home(Preference(HEART, 20))
    both(it, 10, chest=80, wrist=140)
    both(it, 19, wrist=140)
    assert reported(it) == []
    both(it, 3, wrist=140)
    assert reported(it) == [("onset", "MEDIUM")]
    both(it, 2, chest=80, wrist=140)
    assert reported(it)[1:] == [("end", "MEDIUM")]


def test_where_none_is_live_the_newest_value_decides_and_nothing_flaps() -> None:
    it = home()
    both(it, 10, chest=140)
    both(it, 10, wrist_measures=PULSE, wrist=80)
    it.wait(1200)
    assert reported(it) == [("onset", "MEDIUM"), ("end", "MEDIUM")]


def test_a_slow_device_comes_after_one_that_reports_each_second_and_by_hand_before_all() -> None:
    it = home(first=WRIST)
    it.control(Enrolment((Enrolled(WRIST, 3, 0, None, 300), Enrolled(CHEST, 3, 0, None, 1)), (3,)))
    both(it, 10, chest=80, wrist=140)
    assert reported(it) == []
    send(it, 0, PULSE, 160)
    it.wait(2)
    assert reported(it) == [("onset", "HIGH")], "somebody counted it"
    both(it, 70, chest=80)
    assert reported(it)[1:] == [("end", "HIGH")]


def test_a_sensor_that_is_off_does_not_decide() -> None:
    it = home()
    both(it, 5, chest=80, wrist=140)
    for _ in range(14):
        it.measure(HEART, 0, status=3)
        both(it, 1, wrist=140)
    assert reported(it) == [("onset", "MEDIUM")]


@pytest.mark.parametrize("wrist_measures", [HEART, PULSE])
def test_a_score_takes_the_source_that_decides_and_not_the_newest(wrist_measures: Vital) -> None:
    it = home(Preference(HEART, 20), Preference(PULSE, 20))
    for vital, value in ((RESPIRATION, 16), (Vital.SPO2, 98), (Vital.SYSTOLIC, 120), (Vital.TEMPERATURE, 37)):
        it.measure(vital, value)
    both(it, 10, wrist_measures, chest=80, wrist=140)
    assert reported(it, "news2") == []
    both(it, 22, wrist_measures, wrist=140)
    assert reported(it, "news2") == [("onset", "MEDIUM")]
    both(it, 2, wrist_measures, chest=80, wrist=140)
    assert reported(it, "news2")[1:] == [("end", "MEDIUM")]


def test_sources_that_disagree_for_a_minute_are_a_technical_item_and_decide_nothing_above_medium() -> None:
    it = home()
    both(it, 50, chest=80, wrist=82, wrist_measures=PULSE)
    both(it, 55, chest=160, wrist=82, wrist_measures=PULSE)
    assert reported(it) == [("onset", "HIGH")]
    assert reported(it, "heart_rate.disagree") == []
    both(it, 10, chest=160, wrist=82, wrist_measures=PULSE)
    (one,) = it.conditions("heart_rate.disagree")
    assert (one.category, one.source, one.phase) == ("technical", 0, "onset")
    assert [(each["device"], each["vital"], each["value"]) for each in one.detail["sources"]] == [  # type: ignore[attr-defined]
        (CHEST, "heart_rate", 160.0), (WRIST, "pulse_rate", 82.0),
    ]  # fmt: skip
    assert reported(it)[1:] == [("better", "MEDIUM")]
    both(it, 58, chest=160, wrist=155, wrist_measures=PULSE)
    assert reported(it)[2:] == [("worse", "HIGH")], "both say high, though they were apart a moment ago"
    both(it, 5, chest=160, wrist=155, wrist_measures=PULSE)
    assert reported(it, "heart_rate.disagree")[1:] == [("end", "MEDIUM")]
    assert reported(it)[3:] == []


def test_they_are_compared_while_both_measure_and_only_beyond_the_amount() -> None:
    close = home()
    both(close, 100, chest=80, wrist=100, wrist_measures=PULSE)
    assert reported(close, "heart_rate.disagree") == []
    single = home()
    both(single, 10, chest=80)
    send(single, 0, PULSE, 160)
    both(single, 120, chest=80)
    assert reported(single, "heart_rate.disagree") == [], "one reading by hand is no minute"
    own = home(agree=(Agreement(HEART, 5.0, 10),))
    both(own, 15, chest=80, wrist=90, wrist_measures=PULSE)
    assert reported(own, "heart_rate.disagree") == [("onset", "MEDIUM")]
    it = home()
    both(it, 70, chest=80, wrist=140)
    both(it, 63, chest=80)
    assert reported(it, "heart_rate.disagree") == [("onset", "MEDIUM"), ("end", "MEDIUM")], "only one is left"


def test_a_pause_of_the_disagreement_ends_the_item_and_not_the_doubt() -> None:
    it = home()
    both(it, 70, chest=160, wrist=82)
    it.control(Pauses((PausedRule("heart_rate.disagree", (it.now + 600) * 1000),)))
    both(it, 5, chest=160, wrist=82)
    assert reported(it, "heart_rate.disagree")[1:] == [("end", "MEDIUM")]
    assert reported(it)[-1] == ("better", "MEDIUM")


def test_a_score_is_high_only_without_the_points_of_what_is_in_doubt() -> None:
    it = PatientLog(stages())
    it.control(RuleSet(1, news2_hold_s=0))
    it.control(Enrolment(tuple(Enrolled(device, 3, 0, None, 1) for device in (CHEST, WRIST)), (3,)))
    it.control(Facts(1, True, "A", "1950-01-01"))
    for vital, value in ((RESPIRATION, 22), (Vital.SPO2, 98), (Vital.SYSTOLIC, 120), (Vital.TEMPERATURE, 37)):
        it.measure(vital, value)
    both(it, 70, chest=140, wrist=82)
    assert reported(it, "news2") == [("onset", "HIGH"), ("better", "MEDIUM")], "2 + 2 + 3, and 4 without the pulse"
    both(it, 70, chest=140, wrist=141)
    assert reported(it, "news2")[2:] == [("worse", "HIGH")]
