"""NEWS2 as a rule of the engine."""

from __future__ import annotations

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, Facts, RuleSet
from streams.engine.engine import Engine
from streams.engine.snapshot.recall import Recall
from streams.engine.testing import START, PatientLog, Record, clock_record, control_record, round_of

ADULT = Facts(born="1950-02-03")
ILL = ((Vital.RESPIRATORY_RATE, 26.0), (Vital.SPO2, 90.0), (Vital.HEART_RATE, 135.0), (Vital.SYSTOLIC, 120.0))


def measured(it: PatientLog, seconds: int, vitals: tuple[tuple[Vital, float], ...] = ILL) -> None:
    for _ in range(seconds):
        for vital, value in vitals:
            it.measure(vital, value)
        it.wait()


def home(facts: Facts = ADULT, hold_s: int = 30) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, news2_hold_s=hold_s))
    it.control(facts)
    return it


def test_a_high_score_is_told_once_it_has_stood_for_its_hold() -> None:
    it = home()
    measured(it, 40)
    assert it.reported("news2") == [(31, "news2", "onset", "HIGH")]


def test_the_condition_says_what_is_missing_and_what_each_input_gave() -> None:
    it = home(hold_s=0)
    measured(it, 3)
    found = next(one for writes in it.written for one in writes.conditions if one.rule == "news2")
    assert found.value == 9
    assert found.detail["missing"] == ["oxygen", "consciousness", "temperature"]
    assert found.detail["single3"] is True


def test_it_ends_when_the_inputs_are_well_again() -> None:
    it = home(hold_s=0)
    measured(it, 3)
    measured(it, 2, ((Vital.RESPIRATORY_RATE, 15), (Vital.SPO2, 98), (Vital.HEART_RATE, 70)))
    assert [phase for _, _, phase, _ in it.reported("news2")] == ["onset", "end"]


def test_a_score_of_devices_that_were_taken_away_ends_once_their_values_are_too_old() -> None:
    it = home(hold_s=0)
    measured(it, 3)
    ended = Enrolled(it.device, it.gateway, 0, it.now * 1000, 1)
    it.control(Enrolment((ended,), ()))
    it.wait(600)
    assert [phase for _, _, phase, _ in it.reported("news2")] == ["onset"], "the values are not yet too old"
    it.wait(400)
    assert [phase for _, _, phase, _ in it.reported("news2")] == ["onset", "end"]
    assert not it.reported("news2_no_value")


def test_a_score_that_stands_ends_by_no_silence_but_when_its_devices_are_taken_away() -> None:
    it = home(hold_s=0)
    measured(it, 3)
    it.wait(1000)
    assert [phase for _, _, phase, _ in it.reported("news2")] == ["onset"]
    assert [phase for _, _, phase, _ in it.reported("news2_no_value")] == ["onset"]
    it.control(Enrolment((Enrolled(it.device, it.gateway, 0, it.now * 1000, 1),), ()))
    it.wait(2)
    assert [phase for _, _, phase, _ in it.reported("news2")] == ["onset", "end"]
    assert [phase for _, _, phase, _ in it.reported("news2_no_value")] == ["onset", "end"]


def test_three_inputs_are_no_score() -> None:
    it = home(hold_s=0)
    measured(it, 5, ILL[:3])
    assert not it.reported("news2")


def test_children_and_people_of_unknown_age_have_no_score() -> None:
    for facts in (Facts(born="2020-01-01"), Facts(), Facts(born="1990-01-01", pregnant=True)):
        it = home(facts, hold_s=0)
        measured(it, 5)
        assert not it.reported("news2")


def test_facts_in_a_round_of_their_own_before_the_enrolment_count() -> None:
    engine = Engine(stages())
    engine.take(1, None, Recall())
    controls: tuple[Control, ...] = (ADULT, Consent(True, 0), Enrolment((Enrolled(7, 3, 0),), (3,)))
    emitted = []
    for number, control in enumerate(controls):
        engine.advance(round_of([control_record(START * 1000 + number, 1, control, number)]))
    for second in range(START, START + 40):
        readings = tuple((second * 1000, value, int(vital), 0, 0) for vital, value in ILL)
        rows = [Record(second * 1000 + 5, Kind.SAMPLES, 1, 7, 3, samples=readings), clock_record(second * 1000 + 900)]
        emitted += engine.advance(round_of(rows)).conditions
    assert [one.rule for one in emitted if one.rule == "news2"] == ["news2"]


def test_a_level_stands_until_the_score_is_below_it_by_more_than_the_hysteresis() -> None:
    it = PatientLog(stages())
    it.control(RuleSet(1, news2_hold_s=0, news2_hysteresis=2))
    it.control(ADULT)
    rest = ((Vital.SPO2, 98.0), (Vital.SYSTOLIC, 120.0))
    for respiration, heart in ((26, 115), (22, 105), (22, 95), (26, 80), (22, 80), (26, 80)):  # 5, 3, 3, 3, 2, 3
        measured(it, 3, ((Vital.RESPIRATORY_RATE, respiration), (Vital.HEART_RATE, heart), *rest))
    assert [(second, phase) for second, _, phase, _ in it.reported("news2")] == [(1, "onset"), (13, "end")]
