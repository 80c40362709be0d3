"""NEWS2 against the chart of the Royal College of Physicians, band by band, and its two forms against each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.news2.score import CONSCIOUSNESS, INPUTS, News2, RefusalReason, Refused, Risk, refusal, risk_of, score
from alerts.rules.news2.score_fixed import UNKNOWN, VITAL_INPUTS, score_fixed
from devices.vitals import FIXED_MAX, vital_named
from devices.wire.control import Facts

Input = float | bool | str | None
"""What stands for one input of the chart."""
Patient = tuple[float | None, float | None, bool | None, float | None, float | None, str | None, float | None, bool]
"""By INPUTS, and whether scale 2 is prescribed."""
_T = TypeVar("_T")
TODAY = date(2026, 11, 22)
ADULT = Facts(born="1950-01-01")

VECTORS = """
20,96,n,111,90,A,36.1,1  0
25,97,n,125,80,A,37.0,1  3
21,95,n,110,91,A,38.1,1  6
22,94,y,105,95,A,38.2,1  8
24,91,y,90,131,V,39.1,1  18
18,90,n,130,80,A,37.0,1  3
18,90,n,130,80,A,37.0,2  0
18,97,y,130,80,A,37.0,2  5
18,97,n,130,80,A,37.0,2  0
8,83,y,220,40,C,35.0,2   20
16,98,n,120,72,A,36.04,1 1
"""


def whole(
    rr: float = 16,
    spo2: float = 98,
    oxygen: bool = False,
    systolic: float = 120,
    pulse: float = 72,
    consciousness: str = "A",
    temperature: float = 37.0,
) -> dict[str, Input]:
    return dict(zip(INPUTS, (rr, spo2, oxygen, systolic, pulse, consciousness, temperature), strict=True))


def scored(values: Mapping[str, Input], facts: Facts = ADULT, ages_s: Mapping[str, int] | None = None) -> News2:
    found = score(values, facts, on=TODAY, ages_s=ages_s)
    assert isinstance(found, News2)
    return found


@pytest.mark.parametrize("line", VECTORS.split("\n")[1:-1])
def test_the_reference_vectors(line: str) -> None:
    given_values, total = line.split()
    rr, spo2, oxygen, systolic, pulse, consciousness, temperature, scale = given_values.split(",")
    facts = Facts(born="1950-01-01", spo2_scale=2 if scale == "2" else 1)
    values = whole(float(rr), float(spo2), oxygen == "y", float(systolic), float(pulse), consciousness, float(temperature))
    assert scored(values, facts).total == int(total)


# each row: the value at both ends of every band of the chart, and its points
CHART: dict[str, list[tuple[Input, int]]] = {
    "respiratory_rate": [(3, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)],
    "spo2": [(70, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "systolic": [(60, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (280, 3)],
    "pulse": [(20, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    "consciousness": [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)],
    "temperature": [(34.0, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
    "oxygen": [(False, 0), (True, 2)],
}


@pytest.mark.parametrize(("name", "value", "points"), [(n, v, p) for n, rows in CHART.items() for v, p in rows])
def test_every_band_of_the_chart(name: str, value: Input, points: int) -> None:
    assert scored({**whole(), name: value}).parts[name] == points


@pytest.mark.parametrize(
    ("spo2", "on_air", "on_oxygen"),
    [
        (83, 3, 3),
        (84, 2, 2),
        (85, 2, 2),
        (86, 1, 1),
        (87, 1, 1),
        (88, 0, 0),
        (92, 0, 0),
        (93, 0, 1),
        (94, 0, 1),
        (95, 0, 2),
        (96, 0, 2),
        (97, 0, 3),
        (100, 0, 3),
    ],
)
def test_scale_2_needs_oxygen_to_count_against_a_high_saturation(spo2: float, on_air: int, on_oxygen: int) -> None:
    facts = Facts(born="1950-01-01", spo2_scale=2)
    assert scored(whole(spo2=spo2, oxygen=False), facts).parts["spo2"] == on_air
    assert scored(whole(spo2=spo2, oxygen=True), facts).parts["spo2"] == on_oxygen


@pytest.mark.parametrize(
    ("temperature", "points"), [(np.float32(38.0), 0), (np.float32(38.2), 1), (38.04, 0), (38.06, 1), (35.04, 3), (35.06, 1)]
)
def test_values_are_rounded_to_the_chart_before_banding(temperature: float | np.float32, points: int) -> None:
    assert scored(whole(temperature=float(temperature))).parts["temperature"] == points


@pytest.mark.parametrize(("rate", "points"), [(20.4, 0), (20.6, 2), (24.4, 2), (24.6, 3), (8.4, 3), (8.6, 1)])
def test_rates_are_rounded_to_whole_numbers(rate: float, points: int) -> None:
    assert scored(whole(rr=rate)).parts["respiratory_rate"] == points


def test_what_a_wearable_cannot_know_is_named_and_not_imputed() -> None:
    found = scored({"respiratory_rate": 26, "spo2": 90, "pulse": 120, "systolic": 120, "temperature": 37.0})
    assert found.missing == ("oxygen", "consciousness")
    assert found.total == 8
    assert found.risk == "high"


def test_a_partial_score_never_says_low_or_none() -> None:
    normal = {"respiratory_rate": 16, "spo2": 98, "pulse": 72, "systolic": 120}
    assert scored(normal).risk is None
    assert scored({**normal, "pulse": 95}).risk is None
    assert scored({**normal, "pulse": 135}).risk == "low-medium"
    assert scored(whole()).risk == "none"


def test_an_input_too_old_is_missing_and_its_age_is_told() -> None:
    found = scored(whole(), ages_s={"pulse": 901, "spo2": 900, "temperature": 8 * 3600, "systolic": 8 * 3600 + 1})
    assert found.missing == ("systolic", "pulse")
    assert found.ages_s["pulse"] == 901


def test_standing_facts_stand_in_for_what_was_not_observed() -> None:
    facts = Facts(born="1950-01-01", oxygen=True, consciousness="A")
    values = {"respiratory_rate": 16, "spo2": 98, "systolic": 120, "pulse": 72, "temperature": 37.0}
    assert scored(values, facts).missing == ()
    assert scored(values, facts).total == 2
    assert scored({**values, "oxygen": False, "consciousness": "V"}, facts).total == 3


def test_under_four_inputs_there_is_no_score() -> None:
    found = score({"spo2": 80, "pulse": 150, "respiratory_rate": float("nan"), "systolic": 60}, ADULT, on=TODAY)
    assert found == Refused("under four inputs", ("respiratory_rate", "oxygen", "consciousness", "temperature"))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(born="2010-11-23"), "under 16"),
        (Facts(born="2010-11-22"), None),
        (Facts(born=None), "age not known"),
        (Facts(born="1990-05-05", pregnant=True), "pregnant"),
    ],
)
def test_it_is_refused_where_it_must_not_be_used(facts: Facts, reason: RefusalReason | None) -> None:
    assert refusal(facts, TODAY) == reason
    if reason:
        assert score(whole(), facts, on=TODAY) == Refused(reason)


@pytest.mark.parametrize(
    ("total", "single3", "risk"),
    [
        (0, False, "none"),
        (1, False, "low"),
        (4, False, "low"),
        (3, True, "low-medium"),
        (5, False, "medium"),
        (6, True, "medium"),
        (7, False, "high"),
        (20, True, "high"),
    ],
)
def test_risk_follows_chart_4(total: int, single3: bool, risk: Risk) -> None:
    assert risk_of(total, single3=single3, whole=True) == risk


STEPS = {name: vital_named("pulse_rate" if name == "pulse" else name).steps for name in VITAL_INPUTS}


def fixed(name: str, value: Input) -> int:
    assert not isinstance(value, str)
    return 0 if value is None else round(value * STEPS[name])


def scored_with(values: Mapping[str, Input], facts: Facts, name: str, step: int) -> int:
    return scored({**values, name: step / STEPS[name]}, facts).total


def _maybe(strategy: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.one_of(st.none(), strategy)


def _measured(low: float, high: float) -> st.SearchStrategy[float | None]:
    return _maybe(st.floats(low, high, width=32))


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            _measured(1, 60), _measured(70, 100), _maybe(st.booleans()), _measured(50, 260), _measured(20, 220),
            _maybe(st.sampled_from("ACVPU")), _measured(30, 43), st.booleans(),
        ),
        min_size=1,
        max_size=20,
    )
)  # fmt: skip
def test_one_patient_and_many_score_alike(patients: list[Patient]) -> None:
    value = np.array([[fixed(name, one[INPUTS.index(name)]) for one in patients] for name in VITAL_INPUTS], np.int32)
    valid = np.array([[one[INPUTS.index(name)] is not None for one in patients] for name in VITAL_INPUTS])
    oxygen = np.array([UNKNOWN if one[2] is None else one[2] for one in patients], np.int8)
    acvpu = np.array([UNKNOWN if one[5] is None else CONSCIOUSNESS[one[5]] for one in patients], np.int8)
    totals, present, same = score_fixed(value, valid, oxygen, acvpu, np.array([one[7] for one in patients]))
    for i, patient in enumerate(patients):
        facts = Facts(born="1950-01-01", spo2_scale=2 if patient[7] else 1)
        given_ = dict(zip(INPUTS, patient[:7], strict=True))
        found = score(given_, facts, on=TODAY)
        if isinstance(found, Refused):
            assert present[i] < 4
            continue
        assert (totals[i], present[i]) == (found.total, len(found.parts))
        for row, name in enumerate(VITAL_INPUTS):
            if valid[row, i]:
                for edge, beyond in ((same[0, row, i], -1), (same[1, row, i], 1)):
                    assert scored_with(given_, facts, name, edge) == found.total
                    if 0 < edge < FIXED_MAX:
                        assert scored_with(given_, facts, name, edge + beyond) != found.total
