"""How often conditions ring: one piece of work a patient, and only what is worse calls again."""

from __future__ import annotations

from deploy.evaluation.calls import calls_of, standing_within
from streams.engine.condition import Condition, Phase, Priority

One = Condition

HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW


def at(
    second: int, rule: str = "spo2.low", phase: Phase = "onset", priority: Priority = HIGH, value: float = 0
) -> Condition:
    return Condition(0, second, 64, rule, 0, phase, priority, "physiological", value=value)


def called(*conditions: Condition, acknowledged_s: int = 300) -> list[tuple[int, str]]:
    return [(one.second, one.rule) for one in calls_of(conditions, acknowledged_s)]


def test_what_joins_at_the_same_priority_calls_nobody_again() -> None:
    assert called(at(0), at(400, "heart_rate.high"), at(900, "news2", value=7)) == [(0, "spo2.low")]


def test_a_higher_priority_calls_once_the_first_call_was_taken_and_is_in_it_before() -> None:
    first = at(0, priority=MEDIUM)
    assert called(first, at(400, "heart_rate.high")) == [(0, "spo2.low"), (400, "heart_rate.high")]
    assert called(first, at(200, "heart_rate.high")) == [(0, "spo2.low")]
    assert called(first, at(200, phase="worse"), acknowledged_s=60) == [(0, "spo2.low"), (200, "spo2.low")]


def test_a_score_calls_again_when_it_is_up_by_two() -> None:
    first = at(0, "news2", priority=HIGH, value=7)
    assert called(first, at(400, "news2", "worse", value=8)) == [(0, "news2")]
    assert called(first, at(400, "news2", "worse", value=9)) == [(0, "news2"), (400, "news2")]


def test_when_all_has_ended_the_next_one_calls_anew_and_what_flaps_beside_another_does_not() -> None:
    assert called(at(0), at(10, phase="end"), at(400)) == [(0, "spo2.low"), (400, "spo2.low")]
    beside = at(1, "heart_rate.high")
    flaps = [at(400 + k, phase=phase) for k in range(0, 100, 2) for phase in ("end", "onset")]
    assert called(at(0), beside, *flaps) == [(0, "spo2.low")]


def test_awareness_alone_calls_nobody() -> None:
    assert called(at(0, "weight.gain", priority=LOW), at(5)) == [(5, "spo2.low")]


def test_an_alarm_stands_in_a_window_if_it_began_before_it_and_did_not_end_before_it() -> None:
    assert standing_within([at(5)], 10, 20)
    assert standing_within([at(5), at(15, phase="end")], 10, 20)
    assert standing_within([at(15), at(16, phase="end")], 10, 20)
    assert not standing_within([at(5), at(9, phase="end")], 10, 20)
    assert not standing_within([at(25)], 10, 20)
    assert not standing_within([at(5, priority=LOW)], 10, 20)
