"""Sets of programmes, wards and patients: of each rule the most specific one counts, and an alarm says whose it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.layers.merged import layers_of, merged, origin
from alerts.rules.layers.named import names_of
from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import Change, Layer, Level, Limit, Limits, OwnRules, Rolling, RuleSet, ScoreLevels
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog

SPO2, HR, WEIGHT = Vital.SPO2, Vital.HEART_RATE, Vital.WEIGHT
COPD = Layer("programme copd", (Limit(SPO2, "low", None, Level(86)),), ScoreLevels(6, 8), off=("weight.gain",))
WARD = Layer("ward 3", (Limit(SPO2, "low", None, Level(88)), Limit(HR, "high", None, Level(120))))
OWN = Layer("patient", (Limit(SPO2, "low", None, Level(84)),))
BASE = RuleSet(
    1,
    (Limit(SPO2, "low", None, Level(92)), Limit(HR, "high", None, Level(130)), Limit(HR, "low", None, Level(41))),
    trends=(Change(WEIGHT, "high", 1.0, 72),),
    sets=(COPD, WARD),
)


def limits(rules: RuleSet) -> dict[tuple[int, str], float]:
    return {(one.vital, one.side): one.high.limit for one in rules.limits if one.high}


def test_of_each_rule_the_most_specific_set_counts() -> None:
    layers = layers_of(BASE, OwnRules(("programme copd", "ward 3", "nobody's"), OWN))
    found = merged(BASE, layers)
    assert limits(found) == {(HR, "low"): 41, (HR, "high"): 120, (SPO2, "low"): 84}
    assert (found.trends, found.news2_medium, found.news2_high) == ((), 6, 8)
    names = {"spo2.low": "patient", "heart_rate.high": "ward 3", "news2": "programme copd", "heart_rate.low": ""}
    assert {rule: origin(layers, rule) for rule in names} == names


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from((COPD, WARD, OWN)), max_size=4))
def test_every_rule_comes_from_where_it_is_said_to_come_from(layers: list[Layer]) -> None:
    found = merged(BASE, layers)
    for name in names_of(found) - {"news2"}:
        whence = origin(layers, name)
        source = next((one for one in layers if one.name == whence), BASE)
        assert name in names_of(source)


def home(patient: int = 1) -> PatientLog:
    it = PatientLog(stages(), patient=patient, interval_s=1)
    it.control(BASE)
    return it


def test_an_alarm_follows_the_patients_set_and_says_whose_it_is() -> None:
    it = home()
    it.measure_each_second(SPO2, [90] * 3)
    assert [one.detail.get("set") for one in it.conditions("spo2.low")] == [None]
    it.control(OwnRules(("programme copd",)))
    it.measure_each_second(SPO2, [90] * 3)
    assert [one.phase for one in it.conditions("spo2.low")] == ["onset", "end"]
    it.measure_each_second(SPO2, [85] * 3)
    last = it.conditions("spo2.low")[-1]
    assert (last.phase, last.limit, last.detail["set"]) == ("onset", 86, "programme copd")
    it.control(Limits((Limit(SPO2, "low", None, Level(80)),)))
    it.measure_each_second(SPO2, [85, 85, 79, 79])
    assert it.conditions("spo2.low")[-1].detail["set"] == "patient"


def test_two_patients_of_a_partition_each_have_their_own() -> None:
    it = home()
    it.control(OwnRules(("ward 3",)))
    other = PatientLog((), patient=65)
    for log in (it, other):
        log.engine = it.engine
    other.control(BASE)
    other.sequence, other.now = 100, it.now
    from devices.wire.control import Consent, Enrolled, Enrolment

    for control in (Consent(True, 0), Enrolment((Enrolled(7, 3, 0, None, 1),), (3,))):
        other.control(control)
    for _ in range(3):
        it.measure(HR, 125)
        other.measure(HR, 125)
        it.wait()
        other.now = it.now
    assert [one.subject for one in it.conditions("heart_rate.high")] == [1]


def test_it_is_the_same_after_a_restart() -> None:
    it = home()
    it.control(OwnRules(("programme copd",)))
    state = it.engine.snapshot(it.partition)
    it.engine = PatientLog(stages()).engine
    it.engine.take(it.partition, unpack(state, it.partition), Recall())
    it.measure_each_second(SPO2, [90] * 3)
    assert it.conditions("spo2.low") == []
    it.measure_each_second(SPO2, [85] * 3)
    assert [one.phase for one in it.conditions("spo2.low")] == ["onset"]


def test_rolling_rules_of_one_patient_alone() -> None:
    it = home()
    layer = Layer("patient", rolling=(Rolling(SPO2, "low", "mean", 60, 95.0),))
    it.control(OwnRules((), layer))
    it.measure_each_second(SPO2, [93] * 70)
    assert [one.phase for one in it.conditions("spo2.low_mean_1min")] == ["onset"]
    it.control(OwnRules())
    it.measure_each_second(SPO2, [93] * 61)
    assert [one.phase for one in it.conditions("spo2.low_mean_1min")] == ["onset", "end"]
