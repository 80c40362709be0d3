from __future__ import annotations

from itertools import pairwise

import pytest

from devices.vitals import Vital
from simulators.errors import ScenarioError
from simulators.scenario import Deteriorate, Event, LinkDrop, NetworkLoss, Scenario, Sensor, SensorOff

START = 1_790_000_000_000
TARGETS = {Vital.HEART_RATE: 138.0, Vital.SPO2: 87.0, Vital.RESPIRATORY_RATE: 28.0}
SCENARIO = Scenario(
    START,
    3,
    seed=5,
    events=(
        Deteriorate(1, 30, 20, TARGETS, recover_at=120, recover_over=30),
        SensorOff(2, Sensor.BELT, 40, 15),
        SensorOff(0, Sensor.OXIMETER, 60),
        LinkDrop(0, Sensor.BELT, 10, 5),
        NetworkLoss("home-2", 50, 20),
    ),
)


def at(seconds: float) -> int:
    return START + round(seconds * 1000)


def test_others_and_the_time_before_are_untouched() -> None:
    steady = Scenario(START, 3, seed=5)
    for second in (0, 29, 60, 100, 400):
        assert SCENARIO.vitals(0, at(second)) == steady.vitals(0, at(second))
    assert SCENARIO.vitals(1, at(30)) == steady.vitals(1, at(30))
    assert SCENARIO.vitals(1, at(151)) == steady.vitals(1, at(151))


def test_deterioration_reaches_its_targets_smoothly_and_stays() -> None:
    rates = [SCENARIO.vitals(1, at(30 + tenth / 10)).heart_rate for tenth in range(201)]
    assert max(abs(after - before) for before, after in pairwise(rates)) < 1.5
    for second in range(50, 120):
        now = SCENARIO.vitals(1, at(second))
        for vital, target in TARGETS.items():
            assert now.of(vital) == pytest.approx(target, abs=3)


def test_sensors_links_and_networks_go_and_come_back_at_their_time() -> None:
    wearer = SCENARIO.wearer(2)
    assert [wearer.worn(Sensor.BELT, at(second)) for second in (39.9, 40, 54.9, 55)] == [True, False, False, True]
    assert wearer.worn(Sensor.OXIMETER, at(45))
    assert not SCENARIO.worn(0, Sensor.OXIMETER, at(10_000))
    assert [SCENARIO.in_reach(0, Sensor.BELT, at(second)) for second in (9, 10, 14.9, 15)] == [True, False, False, True]
    assert [SCENARIO.online("home-2", at(second)) for second in (49, 50, 69, 70)] == [True, False, False, True]
    assert SCENARIO.online("home-1", at(55))


def test_instants_are_named_and_in_order() -> None:
    assert [((one.time - START) // 1000, one.what) for one in SCENARIO.instants] == [
        (10, "link_drop"),
        (15, "link_back"),
        (30, "deteriorate"),
        (40, "sensor_off"),
        (50, "network_loss"),
        (55, "sensor_on"),
        (60, "sensor_off"),
        (70, "network_back"),
        (120, "recover"),
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (SensorOff(3, Sensor.BELT, 1), "not in a scenario"),
        (SensorOff(0, Sensor.BELT, -1), "before"),
        (LinkDrop(0, Sensor.BELT, 1, 0), "more than 0"),
        (Deteriorate(0, 1, 0, TARGETS), "more than 0"),
        (Deteriorate(0, 1, 10, {Vital.BODY_FAT: 40.0}), "no body_fat"),
        (Deteriorate(0, 1, 10, TARGETS, recover_at=5), "recovery"),
    ],
)
def test_events_that_cannot_be_are_refused(event: Event, reason: str) -> None:
    with pytest.raises(ScenarioError, match=reason):
        Scenario(START, 3, events=(event,))


def test_a_patient_who_is_not_there_has_no_body() -> None:
    with pytest.raises(ScenarioError):
        SCENARIO.wearer(3)
