"""The figures of a candidate: burden, recognition of new calls and of standing alarms, and matched controls."""

from __future__ import annotations

import numpy as np

from deploy.evaluation.report import line_of, record_of
from deploy.evaluation.run import START_S
from deploy.evaluation.stay import MEASURED, Stay
from streams.engine.condition import Condition, Phase, Priority

HOUR, DAY = 3600, 86_400
NOTHING = np.zeros(0, MEASURED)


def stay(event_h: int | None) -> Stay:
    return Stay("s", NOTHING, 2 * DAY, None if event_h is None else event_h * HOUR)


def at(hour: float, phase: Phase = "onset") -> Condition:
    return Condition(0, START_S + int(hour * HOUR), 64, "news2", 0, phase, Priority.MEDIUM, "physiological", value=5.0)


def test_a_new_call_and_an_alarm_that_merely_stands_are_two_things() -> None:
    stays = [stay(40), stay(40), stay(40), stay(None), stay(None)]
    conditions = [[at(30)], [at(2)], [], [at(20)], [at(2), at(4, "end"), at(45)]]
    line = line_of("x", stays, {("x", place): found for place, found in enumerate(conditions)})
    assert (line.patients, line.events) == (5, 3)
    assert line.new_before[0] == 1 / 3
    assert line.standing_before[0] == 2 / 3
    assert line.new_controls[0] == 1 / 2, "at 20 h it is within the 24 hours before the 40th, at 45 h it is not"
    assert line.standing_controls[0] == 1 / 2
    assert line.lead_h == 10
    assert line.calls[300][0] == 5 / (3 * 40 / 24 + 4)
    assert line.by_rule == {"news2": line.calls[300][0]}
    low, high = line.new_before[1:]
    assert low <= line.new_before[0] <= high
    assert record_of(line)["new_call_before_event"] == f"0.333 ({low:.3f}-{high:.3f})"


def test_what_comes_after_the_event_counts_nowhere() -> None:
    line = line_of("x", [stay(40), stay(None)], {("x", 0): [at(41)], ("x", 1): []})
    assert line.calls[60][0] == line.new_before[0] == 0
    assert line.lead_h is None


def test_controls_are_weighed_by_the_hours_of_the_events() -> None:
    stays = [stay(10), stay(10), stay(30), stay(None)]
    line = line_of("x", stays, {("x", place): [] for place in range(3)} | {("x", 3): [at(25)]})
    assert line.new_controls[0] == 1 / 3
