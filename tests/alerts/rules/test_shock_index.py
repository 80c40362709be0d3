"""A rule that somebody wrote who had read docs/writing-a-rule.md alone, with its scenario test: under 60 lines together."""

from __future__ import annotations

from alerts.rules.patient_rule import PatientRule
from alerts.rules.stages import stages
from devices.vitals import Vital
from streams.engine.columns.arrays import Floats
from streams.engine.condition import Priority
from streams.engine.testing import PatientLog

NAME = "shock_index"


class ShockIndex(PatientRule):
    """ "shock_index": pulse rate over systolic pressure above 1.0 for five minutes (Allgöwer and Burri 1967)."""

    name = NAME
    vitals = (Vital.PULSE_RATE, Vital.SYSTOLIC)
    limit = 1.0
    priority = Priority.HIGH
    hold_s = 300

    def figure(self, *values: Floats) -> Floats:
        pulse, systolic = values
        return pulse / systolic


def test_a_shock_index_above_one_is_reported_after_five_minutes() -> None:
    log = PatientLog(stages(ShockIndex))
    log.measure(Vital.SYSTOLIC, 95)
    log.measure_each_second(Vital.PULSE_RATE, [110] * 299)
    assert not log.reported(NAME)
    log.measure_each_second(Vital.PULSE_RATE, [110] * 3)
    assert log.reported(NAME) == [(301, NAME, "onset", "HIGH")]
    log.measure_each_second(Vital.PULSE_RATE, [90] * 2)
    assert [phase for _, _, phase, _ in log.reported(NAME)] == ["onset", "end"]


def test_one_normal_pulse_starts_the_five_minutes_again() -> None:
    log = PatientLog(stages(ShockIndex))
    log.measure(Vital.SYSTOLIC, 95)
    log.measure_each_second(Vital.PULSE_RATE, [110] * 200 + [80] + [110] * 200)
    assert not log.reported(NAME)


def test_a_pressure_that_is_too_old_is_no_input() -> None:
    log = PatientLog(stages(ShockIndex))
    log.measure(Vital.SYSTOLIC, 95, at=log.now - 8 * 3600 + 100)
    log.measure_each_second(Vital.PULSE_RATE, [110] * 400)
    assert not log.reported(NAME)
