"""Two devices that measure one vital: which of them decides."""

from __future__ import annotations

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import Enrolled, Enrolment, Facts, Level, Limit, Preference, RuleSet
from streams.engine.testing import PatientLog, Record

CHEST, WRIST = 7, 8
HIGH = Limit(Vital.HEART_RATE, "high", Level(120, 5), None, 2.0)


def home(*prefer: Preference, first: int = CHEST) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, (HIGH,), prefer=prefer, news2_medium=3, news2_high=20, news2_hold_s=0))
    order = (CHEST, WRIST) if first == CHEST else (WRIST, CHEST)
    it.control(Enrolment(tuple(Enrolled(device, 3, 0) for device in order), (3,)))
    it.control(Facts(1, False, "A", "1950-01-01"))
    it.wait()
    return it


def both(it: PatientLog, seconds: int, **values: float | None) -> None:
    """Heart rates of both, a second."""
    for _ in range(seconds):
        for device, value in ((CHEST, values.get("chest")), (WRIST, values.get("wrist"))):
            if value is not None:
                samples = [(it.now * 1000, value, int(Vital.HEART_RATE), 0, 0)]
                it.append(Record(it.now * 1000, Kind.SAMPLES, it.patient, device, 3, samples=tuple(samples)))
        it.wait()


def reported(it: PatientLog, rule: str = "heart_rate.high") -> list[tuple[int, str, object]]:
    found = [one for writes in it.written for one in writes.conditions if one.rule == rule]
    return [(one.source, one.phase, one.detail.get("handed_over")) for one in found]


def test_without_a_preference_each_source_has_its_alarm() -> None:
    it = home()
    both(it, 10, chest=130, wrist=140)
    assert reported(it) == [(CHEST, "onset", None), (WRIST, "onset", None)]


def test_the_first_of_the_enrolment_decides_alone_while_it_is_live() -> None:
    it = home(Preference(Vital.HEART_RATE, 20))
    both(it, 10, chest=80, wrist=140)
    assert reported(it) == []
    other = home(Preference(Vital.HEART_RATE, 20), first=WRIST)
    both(other, 10, chest=80, wrist=140)
    assert reported(other) == [(WRIST, "onset", None)]


def test_it_is_held_to_for_a_while_and_takes_over_again_when_it_comes_back() -> None:
    it = home(Preference(Vital.HEART_RATE, 20))
    both(it, 10, chest=80, wrist=140)
    both(it, 19, wrist=140)
    assert reported(it) == []
    both(it, 3, wrist=140)
    assert reported(it) == [(WRIST, "onset", None)]
    both(it, 2, chest=80, wrist=140)
    assert reported(it)[1:] == [(WRIST, "end", CHEST)]


def test_a_score_takes_the_preferred_source_and_not_the_newest() -> None:
    it = home(Preference(Vital.HEART_RATE, 20))
    for vital, value in ((Vital.RESPIRATORY_RATE, 16), (Vital.SPO2, 98), (Vital.SYSTOLIC, 120), (Vital.TEMPERATURE, 37)):
        it.measure(vital, value)
    both(it, 10, chest=80, wrist=140)
    assert reported(it, "news2") == []
    both(it, 22, wrist=140)
    assert reported(it, "news2") == [(0, "onset", None)]
    both(it, 2, chest=80, wrist=140)
    assert reported(it, "news2")[1:] == [(0, "end", None)]


def test_a_preference_that_is_taken_back_lets_all_decide() -> None:
    it = home(Preference(Vital.HEART_RATE, 20))
    both(it, 10, chest=80, wrist=140)
    it.control(RuleSet(2, (HIGH,)))
    both(it, 2, chest=80, wrist=140)
    assert reported(it) == [(WRIST, "onset", None)]
