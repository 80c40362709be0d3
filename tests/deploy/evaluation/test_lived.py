"""The life of recorded alarms: the nurse who answers, what repeats meanwhile, and how long conditions stood."""

from __future__ import annotations

from deploy.evaluation.lived import rung_of, stood_of
from deploy.evaluation.run import START_S
from streams.engine.condition import Condition, Phase, Priority


def condition(second: int, phase: Phase, priority: Priority = Priority.HIGH, rule: str = "spo2.low") -> Condition:
    return Condition(1, START_S + second, 64, rule, 0, phase, priority, "physiological", vital=3, value=88.0)


def times(*conditions: Condition, end: int = 7200, answer_s: int = 300) -> list[tuple[int, str]]:
    return [(one.second - START_S, one.reason) for one in rung_of(conditions, START_S + end, answer_s)]


def test_a_high_alarm_repeats_until_the_nurse_answers_and_the_outcome_keeps_it_silent() -> None:
    found = times(condition(10, "onset"), condition(1500, "end"))
    assert found == [(10, "onset"), (70, "repeat"), (130, "repeat"), (190, "repeat"), (250, "repeat")]
    assert times(condition(10, "onset"), condition(1500, "end"), answer_s=30) == [(10, "onset")]


def test_what_is_low_calls_nobody_and_what_comes_after_the_end_of_the_record_does_not_count() -> None:
    assert times(condition(10, "onset", Priority.LOW)) == []
    assert times(condition(10, "onset"), end=60) == [(10, "onset")]


def test_what_is_worse_calls_again() -> None:
    found = times(condition(10, "onset", Priority.MEDIUM), condition(900, "worse"), condition(1000, "end"))
    assert [one for one in found if one[1] != "repeat"] == [(10, "onset"), (900, "worse")]


def test_how_long_a_condition_stood() -> None:
    found = stood_of([condition(10, "onset", Priority.MEDIUM), condition(20, "worse"), condition(35, "end")], START_S + 100)
    assert [(one.begin - START_S, one.end - START_S, one.priority) for one in found] == [(10, 35, Priority.HIGH)]
    (open_one,) = stood_of([condition(10, "onset")], START_S + 100)
    assert open_one.end == START_S + 100
