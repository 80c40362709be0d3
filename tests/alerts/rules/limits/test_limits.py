"""Limits, as a nurse would describe them: a value a second (or a backlog), and what is said when."""

from __future__ import annotations

import pytest

from alerts.rules.stages import stages
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Enrolled, Enrolment, Level, Limit, Limits, PausedRule, Pauses, RuleSet
from devices.wire.event import Contact
from streams.engine.testing import START, PatientLog, clock_record

LOW = Limit(Vital.SPO2, "low", Level(94, 60), Level(90, 15), 1.0)


def home(*limits: Limit, interval_s: int = 1) -> PatientLog:
    at_home = PatientLog(stages(), interval_s=interval_s)
    at_home.control(RuleSet(1, limits or (LOW,)))
    at_home.wait()
    return at_home


def test_a_level_begins_when_the_run_beyond_it_has_lasted_its_hold() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [97, 97] + [89] * 20)
    # the first 89 is measured at second 3; 15 s later is second 18, which is visible in second 19
    assert it.reported("spo2.low") == [(19, "spo2.low", "onset", "HIGH")]


def test_it_gets_worse_and_better_between_its_levels_and_ends_inside_by_the_hysteresis() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [93] * 70 + [89] * 20 + [90.5] * 3 + [91] * 3 + [94.9] * 3 + [95] * 3)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset", "worse", "better", "end"]
    assert [level for _, _, _, level in it.reported("spo2.low")] == ["MEDIUM", "HIGH", "MEDIUM", "MEDIUM"]


@pytest.mark.parametrize("ahead_s", [0, 0.9, 3], ids=["at once", "within the second", "by a clock that is ahead"])
def test_a_device_that_is_taken_away_leaves_no_condition_standing(ahead_s: float) -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 20)
    for _ in range(5):  # it fell silent, too: nobody wears it
        it.wait(30)
        it.heartbeat()
    assert [one.phase for one in it.conditions("spo2.low")] == ["onset"]
    assert [one.phase for one in it.conditions("no_data")] == ["onset"]
    ended = Enrolled(it.device, it.gateway, 0, round((it.now + ahead_s) * 1000), 1)
    it.control(Enrolment((ended,), ()))
    it.wait(2)
    for rule in ("spo2.low", "spo2.no_value", "no_data"):
        assert [one.phase for one in it.conditions(rule)] in (["onset", "end"], []), rule
    it.measure(Vital.SPO2, 80, at=it.now - 5)  # what it still had to send
    it.wait(90)
    assert len(it.conditions("spo2.low")) == 2
    it.control(Enrolment((ended, Enrolled(it.device, it.gateway, (it.now + 1) * 1000, None, 1)), (it.gateway,)))
    it.wait(5)
    it.measure_each_second(Vital.SPO2, [89] * 20)
    assert [one.phase for one in it.conditions("spo2.low")] == ["onset", "end", "onset"], "it is worn again"


def test_a_value_at_the_limit_is_not_beyond_it() -> None:
    it = home(Limit(Vital.TEMPERATURE, "high", Level(37.8)))
    it.measure(Vital.TEMPERATURE, 37.8)
    it.wait(2)
    assert not it.reported()
    it.measure(Vital.TEMPERATURE, 37.81)
    it.wait(2)
    assert it.reported() == [(4, "temperature.high", "onset", "MEDIUM")]


@pytest.mark.parametrize(
    ("values", "begins"),
    [
        ([89] * 14 + [97] + [89] * 14, True),
        ([88] * 14 + [92] + [88] * 14 + [92] + [88] * 14, True),
        ([89, 89, 89, 89, 97] * 10, True),  # exactly 80 %
        ([89, 89, 89, 97] * 20, False),  # 75 %
        ([89, 97] * 60, False),
    ],
)
def test_a_hold_bridges_values_inside_up_to_a_fifth(values: list[float], begins: bool) -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, values)
    assert bool([one for one in it.reported("spo2.low") if one[3] == "HIGH"]) is begins
    late = home()
    late.wait(len(values))
    late.measure(Vital.SPO2, *values[: len(values) - values[::-1].index(89 if 89 in values else 88)])  # a backlog
    late.wait()
    assert bool([one for one in late.reported("spo2.low") if one[3] == "HIGH"]) is begins


@pytest.mark.parametrize(("percent", "begins"), [(100, False), (50, True)])
def test_the_share_of_a_hold_comes_from_the_rule_set(percent: int, begins: bool) -> None:
    it = home()
    it.control(RuleSet(2, (Limit(Vital.HEART_RATE, "high", None, Level(130, 15), 5.0),), hold_percent=percent))
    it.measure_each_second(Vital.HEART_RATE, [150, 60] * 30)
    assert bool(it.reported("heart_rate.high")) is begins


def test_a_long_past_outside_does_not_excuse_the_present() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 120 + [97] * 20 + [89] * 10)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset", "end"], "a new hold has begun"
    it.measure_each_second(Vital.SPO2, [89] * 7)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset", "end", "onset"]


@pytest.mark.parametrize("interval_s", [0, 61, 3600])
def test_a_value_that_comes_alone_decides_by_itself(interval_s: int) -> None:
    for vital, value, rule in ((Vital.SPO2, 78, "spo2.low"), (Vital.RESPIRATORY_RATE, 36, "respiratory_rate.high")):
        it = home(LOW, Limit(Vital.RESPIRATORY_RATE, "high", None, Level(24, 30), 2.0), interval_s=interval_s)
        it.measure(vital, value)
        it.wait()
        assert it.reported(rule) == [(2, rule, "onset", "HIGH")]


def test_values_by_hand_minutes_apart_are_one_condition() -> None:
    it = home(interval_s=0)
    for _ in range(3):
        it.measure(Vital.SPO2, 78)
        it.wait(100)
    assert it.reported("spo2.low") == [(2, "spo2.low", "onset", "HIGH")]


def test_a_stream_of_a_device_used_by_hand_keeps_its_hold_after_the_first_value() -> None:
    it = home(interval_s=0)
    it.measure_each_second(Vital.SPO2, [97] + [89] * 14)
    assert not it.reported("spo2.low")


def test_a_value_by_hand_found_in_late_data_is_one_low_item() -> None:
    it = home(interval_s=0)
    it.wait(100)
    it.measure(Vital.SPO2, 78, 97, at=it.now - 90, step=80)
    it.wait()
    assert [(phase, level) for _, _, phase, level in it.reported("spo2.low")] == [("onset", "LOW"), ("end", "LOW")]


def test_a_hole_of_more_than_sixty_seconds_starts_the_hold_again() -> None:
    it = home()
    for gap, expected in ((60, True), (61, False)):
        it = home()
        it.measure(Vital.SPO2, 89)
        it.wait(gap)
        it.measure(Vital.SPO2, 89)
        it.wait()
        assert bool(it.reported("spo2.low")) is expected, gap


def test_a_slow_device_may_leave_holes_of_three_intervals() -> None:
    it = home(interval_s=60)
    it.measure(Vital.SPO2, 89)
    it.wait(170)
    it.measure(Vital.SPO2, 89)
    it.wait()
    assert it.reported("spo2.low") == [(172, "spo2.low", "onset", "HIGH")]


def test_a_backlog_that_ends_outside_alarms_at_once() -> None:
    it = home()
    it.wait(100)
    it.measure(Vital.SPO2, *[89] * 60)
    it.wait()
    assert it.reported("spo2.low") == [(102, "spo2.low", "onset", "HIGH")]


def test_an_episode_within_a_backlog_makes_one_low_item() -> None:
    it = home()
    it.wait(100)
    it.measure(Vital.SPO2, *[97] * 5, *[89] * 65, *[97] * 5)
    it.wait(3)
    assert it.reported("spo2.low") == [(102, "spo2.low", "onset", "LOW"), (102, "spo2.low", "end", "LOW")]
    onset = it.written[-3].conditions[0]
    assert onset.detail == {"late": True, "from": START + 101 - 69, "to": START + 101 - 5}
    it.measure(Vital.SPO2, 96, at=it.now - 20)  # something late has all of it read again
    it.wait(3)
    assert len(it.reported("spo2.low")) == 2, "reported once"


def test_an_episode_spread_over_two_batches_of_old_data_is_found_too() -> None:
    it = home()
    it.wait(2000)
    it.measure(Vital.SPO2, *[97, 89, 89], at=it.now - 1900, step=20)
    it.wait()
    it.measure(Vital.SPO2, *[89, 89, 97], at=it.now - 1841, step=20)
    it.wait()
    assert [(phase, level) for _, _, phase, level in it.reported("spo2.low")] == [("onset", "LOW"), ("end", "LOW")]


def test_late_good_values_inside_the_ring_take_the_hold_back() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 13)
    it.measure(Vital.SPO2, *[97] * 4, at=it.now - 8)
    it.wait()
    it.measure_each_second(Vital.SPO2, [89] * 8)
    assert not it.reported("spo2.low")


def test_values_that_are_late_but_valid_count_though_they_miss_the_ring() -> None:
    it = home()
    it.wait(800)
    it.measure(Vital.SPO2, *[89] * 20, at=it.now - 600)
    it.wait()
    assert it.reported("spo2.low") == [(802, "spo2.low", "onset", "HIGH")]
    it.wait(320)
    assert not it.reported("spo2.low")[1:], "15 min after the newest was measured nobody knows more"


def test_what_is_older_than_its_validity_decides_nothing() -> None:
    it = home()
    it.wait(1500)
    it.measure(Vital.SPO2, *[89] * 20, at=it.now - 1000)
    it.wait(5)
    assert not it.reported("spo2.low")


def test_a_new_limit_counts_from_its_record_on_also_for_values_that_were_calm() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [95] * 30)
    it.control(Limits((Limit(Vital.SPO2, "low", None, Level(96, 15), 0.0),)))
    it.wait(2)
    assert it.reported("spo2.low") == [(32, "spo2.low", "onset", "HIGH")]
    it.control(Limits((Limit(Vital.SPO2, "low"),)))
    it.wait(2)
    assert it.reported("spo2.low")[1:] == [(34, "spo2.low", "end", "HIGH")], "a side without levels is switched off"


def test_a_side_that_the_patient_does_not_name_follows_the_rule_set() -> None:
    it = home(LOW, Limit(Vital.HEART_RATE, "high", Level(110)))
    it.control(Limits((Limit(Vital.SPO2, "low", None, Level(80)),)))
    it.measure(Vital.HEART_RATE, 120)
    it.wait(2)
    assert [rule for _, rule, _, _ in it.reported()] == ["heart_rate.high"]


def test_a_pause_ends_the_condition_and_afterwards_it_is_looked_at_at_once() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 20)
    it.control(Pauses((PausedRule("spo2.low", (it.now + 10) * 1000),)))
    it.measure_each_second(Vital.SPO2, [89] * 12)
    assert [(second, phase) for second, _, phase, _ in it.reported("spo2.low")] == [
        (17, "onset"),
        (22, "end"),
        (31, "onset"),
    ]


def test_the_same_log_of_a_repeated_control_record_changes_nothing() -> None:
    it = home()
    it.control(Limits((Limit(Vital.SPO2, "low"),)))
    it.sequence = 0
    writes = it.control(Limits((LOW,)))
    assert not writes.controls
    it.measure_each_second(Vital.SPO2, [80] * 70)
    assert not it.reported("spo2.low")


def test_nothing_begins_while_the_sensor_is_off_and_what_stands_goes_on() -> None:
    it = home(Limit(Vital.SPO2, "low", Level(94), Level(80), 0.0))
    it.measure_each_second(Vital.SPO2, [90] * 3)
    it.event(Contact(it.now * 1000, on=False))
    it.wait(2)
    it.measure(Vital.SPO2, 70, at=it.now - 4)
    it.wait(2)
    assert [(rule, phase) for _, rule, phase, _ in it.reported()] == [("spo2.low", "onset"), ("sensor_off", "onset")]
    it.event(Contact(it.now * 1000, on=True))
    it.wait(2)
    assert ("sensor_off", "end") in [(rule, phase) for _, rule, phase, _ in it.reported()]


def test_unusable_values_decide_nothing() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [60] * 20, status=Status.ARTEFACT)
    it.measure_each_second(Vital.SPO2, [20] * 20)  # out of the plausible range
    assert not it.reported("spo2.low")


def test_a_condition_is_the_patients_and_names_the_device() -> None:
    it = home(Limit(Vital.SPO2, "low", Level(94)))
    it.measure(Vital.SPO2, 90)
    it.wait(2)
    (onset,) = it.conditions("spo2.low")
    assert (onset.subject, onset.source) == (1, 0)
    assert onset.detail == {"sources": [{"device": 7, "vital": "spo2", "value": 90.0}]}


def test_conditions_stand_while_the_pipeline_does_not() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 20)
    it.now += 1200
    it.append(clock_record(it.now * 1000))
    it.wait(3)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset"], (
        "no value grew too old while nothing could arrive"
    )
    assert [phase for _, _, phase, _ in it.reported("pipeline_stopped")] == ["onset", "end"]


def test_a_condition_goes_on_when_the_clock_is_set_back() -> None:
    it = home()
    it.measure_each_second(Vital.SPO2, [89] * 20)
    it.now -= 600
    it.wait(5)
    it.measure_each_second(Vital.SPO2, [89] * 20)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset"]
    it.measure_each_second(Vital.SPO2, [97] * 3)
    assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset", "end"]


@pytest.mark.parametrize(("limit", "value", "beyond"), [(90.05, 90, True), (90.05, 90.1, False), (36.6, 36.6, False)])
def test_limits_are_compared_as_they_were_written(limit: float, value: float, beyond: bool) -> None:
    vital = Vital.TEMPERATURE if limit < 50 else Vital.SPO2
    it = home(Limit(vital, "low", Level(limit)))
    it.measure(vital, value)
    it.wait(2)
    assert bool(it.reported()) is beyond
