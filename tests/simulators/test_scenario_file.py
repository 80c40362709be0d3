"""Scenarios as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.gatt.profiles import decode
from devices.vitals import VITALS, Vital
from simulators.errors import ScenarioError
from simulators.peripherals.weight_scale import WeightScale, encode_weight
from simulators.scenario import Sensor
from simulators.scenario_file import read_scenario, scenarios

START = 1_790_000_000_000
HOUR = 3_600_000
GOOD = 'name = "x"\nabout = "y"\n[[patient]]\nnumber = 0\nfrom = "10 min"\nover = "2 h"\nto = { spo2 = 84 }\n'


@pytest.mark.parametrize(
    ("name", "hours", "vital", "low", "high"),
    [
        ("sepsis", 20, Vital.TEMPERATURE, 38.8, 39.8),
        ("sepsis", 20, Vital.SYSTOLIC, 80, 95),
        ("sepsis", 60, Vital.HEART_RATE, 50, 90),
        ("copd_exacerbation", 60, Vital.SPO2, 83, 87),
        ("heart_failure", 300, Vital.WEIGHT, 83, 85),
        ("hypoglycaemia", 5.5, Vital.GLUCOSE, 40, 54),
        ("hypoglycaemia", 8, Vital.GLUCOSE, 80, 130),
    ],
)
def test_a_scenario_does_what_its_name_says(name: str, hours: float, vital: Vital, low: float, high: float) -> None:
    body = scenarios()[name].scenario(START, seed=3).wearer(0)
    assert low <= body.vitals(START + round(hours * HOUR)).of(vital) <= high


def test_the_faults_of_a_file_happen_when_it_says() -> None:
    found = scenarios()["a_bad_day_of_links"].scenario(START)
    minute = HOUR // 60
    assert [found.in_reach(0, Sensor.BELT, START + at * minute) for at in (9, 11, 14)] == [True, False, True]
    assert [found.worn(0, Sensor.OXIMETER, START + at * minute) for at in (19, 21, 26)] == [True, False, True]
    assert [found.online("home-1", START + at * minute) for at in (59, 61, 106)] == [True, False, True]


def test_every_file_that_comes_with_vigil_can_be_read_and_says_what_it_is_about() -> None:
    found = scenarios()
    assert len(found) >= 5
    assert all(one.name and one.about.endswith(".") for one in found.values())


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("10 min", "10 minutes", "is no time"),
        ("spo2", "spo", "is no vital"),
        ("spo2", "body_fat", "has no body_fat"),
        ("number = 0", "number = 4", "patient 4"),
        ("number = 0", "nummer = 0", "nummer"),
        ('over = "2 h"', "", "over"),
        ("name =", "name", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_says_what_to_change(tmp_path: Path, before: str, after: str, reason: str) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace(before, after))
    with pytest.raises(ScenarioError, match=reason):
        read_scenario(tmp_path / "a.toml")


def test_a_scale_keeps_what_its_wearer_weighs_byte_for_byte() -> None:
    assert encode_weight(71.4, 1_790_260_205_000, user=2).hex() == "06c837ea0709180e1e0502"
    scale = WeightScale(scenarios()["heart_failure"].scenario(START).wearer(0), "C0:00:00:00:00:09")
    scale.measure(START)
    found = decode(0x2A9D, scale.records[0], START)
    assert found.user == 1
    assert found.samples["vital"].tolist() == [Vital.WEIGHT]
    assert found.samples["value"][0] == pytest.approx(scale.wearer.vitals(START).weight, abs=1 / VITALS[Vital.WEIGHT].steps)
