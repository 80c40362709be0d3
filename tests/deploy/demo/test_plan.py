from __future__ import annotations

from dataclasses import replace

from deploy.demo.homes import mqtt_users
from deploy.demo.plan import DEMO, OVER_BLE, Plan, Wearable
from simulators.scenario import Sensor, SensorOff


def alarms(plan: Plan) -> list[tuple[str, str, str | None]]:
    return sorted((person.family, rule, wears or "") for person, rule, wears in plan.expected())


def test_every_alarm_of_the_story_follows_from_what_is_worn() -> None:
    offline = [(name, "gateway_offline", "") for name in ("DUMMYKIN", "FIXTUREAU", "MOCKFORD")]
    assert alarms(DEMO) == [
        offline[0],
        ("EXAMPLETON", "heart_rate.high", ""),
        ("EXAMPLETON", "news2", ""),
        ("EXAMPLETON", "respiratory_rate.high", ""),
        ("EXAMPLETON", "spo2.low", ""),
        *offline[1:],
        ("TESTWELL", "sensor_off", "oximeter"),
    ]
    assert (
        alarms(DEMO.without_bluetooth())
        == [  # no score: it has three inputs
            offline[0],
            ("EXAMPLETON", "heart_rate.high", ""),
            ("EXAMPLETON", "respiratory_rate.high", ""),
            ("EXAMPLETON", "spo2.low", ""),
            *offline[1:],
            ("TESTWELL", "sensor_off", "ring"),
        ]
    )


def test_what_comes_off_and_is_not_worn_raises_nothing() -> None:
    off = replace(DEMO, events=(SensorOff(patient=0, sensor=Sensor.CUFF, at=1), SensorOff(1, Sensor.BELT, at=1)))
    assert alarms(off) == [("EXAMPLETON", "sensor_off", "cuff"), ("TESTWELL", "sensor_off", "belt")]
    assert alarms(off.without_bluetooth()) == [("TESTWELL", "sensor_off", "patch")]


def test_without_bluetooth_everybody_wears_mqtt_and_each_of_it_once() -> None:
    plan = DEMO.without_bluetooth()
    assert [[one.address for one in person.wears] for person in plan.people] == [
        ["patch-1", "ring-1"], ["patch-2", "ring-2"], ["patch-3", "ring-3"],
        ["patch-4", "ring-4"], ["ring-5", "patch-5"], ["patch-6", "ring-6"],
    ]  # fmt: skip
    assert not any(one.kind in OVER_BLE for _, one in plan.wearables)
    assert all(one == Wearable(one.kind, one.address, 1) for _, one in plan.wearables)
    assert plan.without_bluetooth() == plan
    assert [replace(person, wears=()) for person in plan.people] == [replace(person, wears=()) for person in DEMO.people]


def test_the_broker_knows_the_wearables_of_either_plan() -> None:
    assert sorted(mqtt_users(DEMO)) == sorted(mqtt_users(DEMO.without_bluetooth())) == sorted(
        ["gateway", *(f"{kind}-{number}" for kind in ("patch", "ring") for number in range(1, 7))]
    )  # fmt: skip
