"""NEWS2 as a row shows it."""

from __future__ import annotations

from alerts.desk.worklist.news2_panel import score_of
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Facts
from tests.alerts.desk.worklist.test_cells import look, value


def test_a_partial_score_is_a_lower_bound_and_names_what_is_missing() -> None:
    values = (
        value(Vital.RESPIRATORY_RATE, 24), value(Vital.SPO2, 93), value(Vital.SYSTOLIC, 104),
        value(Vital.HEART_RATE, 134), value(Vital.TEMPERATURE, 38.3),
    )  # fmt: skip
    score = score_of(*look(*values))
    assert (score.text, score.risk, score.missing, score.have) == ("≥9", "high", ("O₂", "ACVPU"), 5)
    whole = score_of(*look(*values, facts=Facts(born="1950-01-01", oxygen=False, consciousness="A")))
    assert (whole.text, whole.missing) == ("9", ())


def test_under_four_inputs_there_is_no_score() -> None:
    score = score_of(*look(value(Vital.HEART_RATE, 134), value(Vital.SPO2, 90, 20 * 60)))
    assert (score.text, score.refusal) == ("–", "under four inputs")


def test_what_an_unusable_sample_follows_still_counts() -> None:
    values = (
        value(Vital.RESPIRATORY_RATE, 24), value(Vital.SPO2, 93), value(Vital.SYSTOLIC, None, status=Status.NAN),
        value(Vital.SYSTOLIC, 88, 3060), value(Vital.HEART_RATE, 134, 600), value(Vital.PULSE_RATE, 80),
    )  # fmt: skip
    assert score_of(*look(*values)).text == "≥7"  # 2 + 2 + 3 + 0: the pulse is live, as in the engine
