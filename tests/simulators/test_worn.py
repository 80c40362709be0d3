from __future__ import annotations

import numpy as np

from devices.sample import Status
from devices.vitals import Vital
from simulators.scenario import Scenario, Sensor, SensorOff
from simulators.worn import WornSensor

START = 1_790_000_000_000


def test_a_worn_sensor_reads_the_body_as_a_display_would_and_falls_silent_off_it() -> None:
    scenario = Scenario(START, 1, events=(SensorOff(0, Sensor.OXIMETER, 5),))
    sensor = WornSensor(scenario.wearer(0), Sensor.OXIMETER, "device-1", began=START)
    found = sensor.due(START + 6500)
    assert [at for at, _ in found] == [START + second * 1000 for second in range(7)]
    assert not sensor.due(START + 6900)
    at, worn = found[4]
    assert [(int(one["vital"]), float(one["value"]), int(one["status"])) for one in worn] == [
        (Vital.SPO2, round(scenario.vitals(0, at).spo2), Status.OK),
        (Vital.PULSE_RATE, round(scenario.vitals(0, at).heart_rate), Status.OK),
    ]
    off = found[5][1]
    assert np.isnan(off["value"]).all() and (off["status"] == Status.SENSOR_OFF).all()


def test_a_machine_that_slept_for_days_makes_up_for_an_hour_at_most() -> None:
    sensor = WornSensor(Scenario(START, 1).wearer(0), Sensor.BELT, "device-1", began=START)
    found = sensor.due(START + 3 * 86_400_000 + 400)
    assert len(found) == 3601 and found[-1][0] == START + 3 * 86_400_000
